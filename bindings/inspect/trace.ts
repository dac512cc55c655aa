import { clearInterval, setInterval } from '../clock.ts';
import { checkInteger, checkOptions, checkTimeout, invalidType, show } from '../validate.ts';
import { sharedNow } from './trace-clock.ts';
import { patch } from './trace-patches.ts';
import { Recorder, type Settings } from './trace-recorder.ts';
import { type TraceTimeline, timelineOf } from './trace-timeline.ts';

/** What a trace keeps, and what it warns of. */
export interface TraceOptions {
  /** Warns of what is held for longer: ms, default 1,000. A permit that no guard holds is no hold. */
  heldLongerThan?: number | undefined;
  /** Warns of waits that take longer: ms, default 5,000. */
  waitedLongerThan?: number | undefined;
  /** Whether to keep where each call is. That is most of what a trace costs. Default: true. */
  stacks?: boolean | undefined;
  /** How many spans are kept, the last ones: default 10,000. */
  limit?: number | undefined;
}

const DEFAULTS: Settings = { heldLongerThan: 1_000, waitedLongerThan: 5_000, stacks: true, limit: 10_000 };
const MOST = 10_000_000;

/** What was recorded last, also when that is over. */
let recorder: Recorder | undefined;
let unpatch: (() => void) | undefined;
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * From now on, records what this thread does with its primitives: since when it holds and awaits them, and where in its program
 * that began; or no more. Each thread calls it for itself. Only while it is on does it cost anything: it replaces methods of the
 * classes, of the copy of lockwork that this module has imported, and puts them back.
 *
 * It tells of each request by Node's `diagnostics_channel`, in the way of Node's own `locks.request.start` of Web Locks, with
 * a `TraceMessage`:
 *
 * - `lockwork.request.start`: a call that acquires, or waits, begins;
 * - `lockwork.request.grant`: it has what it waited for;
 * - `lockwork.request.miss`: it has not, as the time was up, or as it threw;
 * - `lockwork.request.end`: it is over: what it got is released, if that can be.
 *
 * - `lockwork.warning`, with a `TraceWarning`: something is held, or waited for, for long: while it is, if the event loop turns or
 *   a primitive of the same arena blocks the thread (a listener cannot use primitives then), and at the latest when it ends. Or
 *   locks are acquired in an order in which they were acquired the other way round before, in this thread or in one that was
 *   traced at the same time: not in Deno, whose threads tell each other nothing. Locks of one name are one class, as it is the
 *   order in a program that counts; attempts that do not wait invert nothing, and locks of one name only if the same two are
 *   acquired both ways.
 *
 * In pages, which have no channels, spans and warnings are in the performance panel of the browser's tools.
 *
 * What a task holds while it awaits something else is known within `withAsync`, in Node, Bun and Deno; and of calls with one
 * `owner`. Other async calls are taken for tasks of their own.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 * import { trace, traceEvents } from 'lockwork/inspect';
 *
 * trace({ heldLongerThan: 1_000 }); // and warns of that
 * new Lock({ name: 'seats' }).with(() => 'booked');
 * trace(false);
 * traceEvents().traceEvents.some(({ name }) => name === 'holds Lock "seats"'); // true
 * ```
 *
 * @param on true, or options, in place of those before; false puts everything back, and what was recorded stays, until it is
 *   turned on anew
 * @throws TypeError, RangeError when it is neither a boolean nor options, or an option is wrong; nothing is changed
 */
export function trace(on: boolean | TraceOptions): void {
  const settings = on === false ? undefined : checkSettings(on);
  clearInterval(timer);
  if (settings) start(settings);
  else stop();
}

function start(settings: Settings): void {
  if (unpatch) recorder!.settings = settings;
  else {
    // Where it must be set, that takes some ms: not in the midst of the first call.
    sharedNow();
    recorder = new Recorder(settings);
    unpatch = patch(recorder);
  }
  const current = recorder!;
  timer = setInterval(() => current.quietly(() => current.look()), current.period);
  (timer as { unref?(): void }).unref?.();
}

function stop(): void {
  unpatch?.();
  unpatch = undefined;
  recorder?.close();
}

function checkSettings(on: unknown): Settings {
  if (on === true) return DEFAULTS;
  if (on === undefined || on === null || typeof on !== 'object') {
    throw invalidType(`trace: it takes true, false or options, not ${show(on)}`);
  }
  checkOptions(on, 'trace', Object.keys(DEFAULTS));
  const given = on as TraceOptions;
  const {
    heldLongerThan = DEFAULTS.heldLongerThan,
    waitedLongerThan = DEFAULTS.waitedLongerThan,
    stacks = DEFAULTS.stacks,
    limit = DEFAULTS.limit,
  } = given;
  checkTimeout(heldLongerThan, 'trace, heldLongerThan');
  checkTimeout(waitedLongerThan, 'trace, waitedLongerThan');
  if (typeof stacks !== 'boolean') throw invalidType(`trace: stacks must be true or false, not ${show(stacks)}`);
  checkInteger(limit, 1, MOST, 'trace: the limit');
  return { heldLongerThan, waitedLongerThan, stacks, limit };
}

/**
 * What this thread has recorded, as a timeline for Perfetto (ui.perfetto.dev) or the tools of Chrome: write
 * `JSON.stringify(traceEvents())` into a file. Threads are tracks, waits and holds are spans, and arrows go from what let a
 * waiter go on to it. What has not ended ends now.
 *
 * All threads have one clock, so lists of several are joined by a call with those of the others, which can be posted. Which
 * release was for which waiter no thread knows: arrows come from the last release, set or notify during the wait, of any thread
 * that was joined.
 *
 * @example
 * ```js
 * import { writeFileSync } from 'node:fs';
 * import { Lock } from 'lockwork';
 * import { trace, traceEvents } from 'lockwork/inspect';
 *
 * trace(true);
 * new Lock().with(() => 'booked');
 * writeFileSync('trace.json', JSON.stringify(traceEvents())); // for ui.perfetto.dev
 * ```
 *
 * @param others what it answered in other threads
 * @throws TypeError when one of them is not such a timeline
 */
export function traceEvents(...others: TraceTimeline[]): TraceTimeline {
  for (const other of others) {
    if (!Array.isArray(other?.traceEvents)) {
      throw invalidType(`traceEvents: it takes what it answered in other threads, not ${show(other)}`);
    }
  }
  return timelineOf(recorder, others);
}
