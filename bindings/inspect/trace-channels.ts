import { builtIn } from '../host.ts';

/** What the channels tell of a request: to acquire something, or to wait for it. */
export interface TraceMessage {
  /** Its number in this thread: the same in all its messages. */
  readonly request: number;
  /** The name of the primitive's class. */
  readonly kind: string;
  /** Empty when the primitive has none. */
  readonly name: string;
  /** The primitive's, as in a dump. */
  readonly ident: number;
  /** The thread's, as in a dump. */
  readonly thread: number;
  /** 0: the thread itself. The async calls of one task have one number, as far as that is known. */
  readonly task: number;
  /** ms, by a clock that all threads share: that of `process.hrtime` in Node, elsewhere since 1970. */
  readonly at: number;
  /** Where the call is. Written down when it is read. */
  readonly stack?: string;
  /** `grant`, `miss`: how long it has waited, ms. */
  readonly waited?: number;
  /** `end`: how long it was held, ms; since the last wait of a Condition that gave it up, if there was one. */
  readonly held?: number;
  /** `miss`: what was thrown. Without it, the time was up. */
  readonly error?: unknown;
}

/** A part of an order in which locks were acquired. */
export interface TraceNesting {
  /** What was held: `Lock "accounts"`. */
  readonly from: string;
  /** What was acquired then. */
  readonly to: string;
  /** In which thread. */
  readonly thread: string;
  /** Where the first was acquired, and where the second. Empty without `stacks`. */
  readonly stacks: readonly [string, string];
}

/** What `lockwork.warning` tells. */
export interface TraceWarning extends Omit<TraceMessage, 'error'> {
  /**
   * `held`: for longer than `heldLongerThan`. `waited`: for longer than `waitedLongerThan`. `order`: locks are acquired in an
   * order, and were acquired the other way round before.
   */
  readonly warning: 'held' | 'waited' | 'order';
  /** In words. */
  readonly text: string;
  /** `waited`, of a Lock or an RLock that is still waited for: whether anybody holds it. */
  readonly locked?: boolean;
  /** `waited`, still: how often this thread has acquired it, and not released it. */
  readonly holds?: number;
  /** `waited`, still: whether this thread has released, set or notified it meanwhile. What others have done is not known. */
  readonly wakes?: boolean;
  /** `order`: this nesting, and then those that lead back. */
  readonly order?: readonly TraceNesting[];
}

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

const diagnostics = /* @__PURE__ */ builtIn('diagnostics_channel') as { channel(name: string): Channel } | undefined;

const NAMES = ['request.start', 'request.grant', 'request.miss', 'request.end', 'warning'] as const;
export type ChannelName = (typeof NAMES)[number];

const channels = /* @__PURE__ */ (() =>
  new Map<ChannelName, Channel>(
    diagnostics ? NAMES.map((name) => [name, diagnostics.channel(`lockwork.${name}`)]) : [],
  ))();

/** Tells those that listen. An error of theirs Node reports as uncaught, in a later turn. */
export function publish(name: ChannelName, message: () => TraceMessage | TraceWarning): void {
  const channel = channels.get(name);
  if (channel?.hasSubscribers) channel.publish(message());
}

/**
 * Where there are no channels, in pages, what has happened goes into the panel of the browser's tools. In Node a measure
 * takes 25 µs, and no tool shows those.
 */
export const measures = /* @__PURE__ */ (() => !diagnostics && typeof globalThis.performance?.measure === 'function')();

const GROUP = 'lockwork';

/** A span of this thread, ms of `performance.now()`. */
export function measure(track: string, name: string, start: number, end: number, color: string, text: string): void {
  const devtools = { dataType: 'track-entry', track, trackGroup: GROUP, color, tooltipText: text };
  performance.measure(`${GROUP}: ${name}`, { start, end, detail: { devtools } });
  // The tools have it, and else it would be kept for ever.
  performance.clearMeasures(`${GROUP}: ${name}`);
}

export function mark(text: string, startTime: number): void {
  const devtools = { dataType: 'marker', color: 'error', tooltipText: text };
  performance.mark(`${GROUP}: ${text}`, { startTime, detail: { devtools } });
  performance.clearMarks(`${GROUP}: ${text}`);
}
