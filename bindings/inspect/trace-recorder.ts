import { identity, NO_NUMBER } from '../host.ts';
import type { Primitive } from '../primitive.ts';
import { afterNaps } from './naps.ts';
import {
  type ChannelName,
  mark,
  measure,
  measures,
  publish,
  type TraceMessage,
  type TraceNesting,
  type TraceWarning,
} from './trace-channels.ts';
import { origin, sharedNow } from './trace-clock.ts';
import { type HeldBy, type Hold, Holds, type Line } from './trace-hold.ts';
import { Lines } from './trace-line.ts';
import { type Inversion, LockOrder, type OrderEdge } from './trace-order.ts';
import { type Place, textOfPlace } from './trace-stack.ts';
import { isHere, isLock, type Subject, subjectOf } from './trace-subject.ts';
import { Others } from './trace-threads.ts';

export interface Settings {
  readonly heldLongerThan: number;
  readonly waitedLongerThan: number;
  readonly stacks: boolean;
  readonly limit: number;
}

/** What a span of a timeline is about. */
export type Doing = 'waits for' | 'holds' | 'releases' | 'sets' | 'notifies' | 'opens' | 'breaks' | 'resets' | 'warns';

/** Something that a line did for a while. */
export interface Span {
  readonly doing: Doing;
  readonly subject: Subject;
  readonly task: number;
  readonly place: Place | undefined;
  readonly start: number;
  readonly end: number;
  /** The order in which they began, as clocks are coarse. */
  readonly order: number;
  /** How it ended, `open` when it has not; of a warning its text. */
  readonly result?: string;
  /** How many waiters it lets go on. */
  readonly wakes?: number;
}

/** What a call of this thread is about. */
export interface Call {
  readonly subject: Subject;
  readonly line: Line;
  readonly place: Place | undefined;
  readonly start: number;
  readonly order: number;
}

/** A call that waits, or may have to. */
export interface Waiting extends Call {
  readonly request: number;
  warned: boolean;
}

type WaitState = { readonly text: string } & Pick<TraceWarning, 'locked' | 'holds' | 'wakes'>;

/** The shortest and the longest time between two looks, ms. */
const OFTEN = 10;
const SELDOM = 1_000;

const COLORS: Partial<Record<Doing, string>> = { 'waits for': 'secondary', holds: 'primary' };

export function threadName(): string {
  const { number, name } = identity();
  if (number === 0) return name || 'main';
  // Several may have one name.
  return `${name || 'worker'} ${number === NO_NUMBER ? '' : number}`.trim();
}

/** Records what this thread does, and tells of it. */
export class Recorder {
  readonly lines = new Lines();
  readonly holds = new Holds();
  readonly waiting = new Set<Waiting>();
  readonly #order = new LockOrder<Waiting>();
  readonly #others = new Others<OrderEdge>((edge) => this.quietly(() => this.#inverted(this.#order.learn(edge))));
  readonly #subjects = new WeakMap<Primitive, Subject>();
  /** The last ones, in a ring. */
  #spans: Span[] = [];
  /** What is done after naps, in the arenas that were used. */
  readonly #looks = new Set<Set<() => number>>();
  readonly #afterNap = (): number => {
    this.quietly(() => this.look());
    return this.period;
  };
  #recorded = 0;
  #begun = 0;
  #requests = 0;
  #on = true;
  #busy = false;
  #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get settings(): Settings {
    return this.#settings;
  }

  set settings(settings: Settings) {
    const kept = this.#past().slice(-settings.limit);
    this.#settings = settings;
    this.#spans = kept;
    this.#recorded = kept.length;
  }

  /** How often to look after what takes too long, ms. */
  get period(): number {
    const { heldLongerThan, waitedLongerThan } = this.#settings;
    return Math.min(Math.max(Math.min(heldLongerThan, waitedLongerThan) / 4, OFTEN), SELDOM);
  }

  /** ms, by a clock that threads have in common. */
  get now(): number {
    return sharedNow();
  }

  /**
   * Records, in the midst of a call, which that must not change: not by an error, as when the stack is full, and not by what
   * those that are told do with primitives, which is not recorded.
   */
  quietly<T>(act: () => T): T | undefined {
    if (this.#busy) return undefined;
    this.#busy = true;
    try {
      return act();
    } catch {
      return undefined;
    } finally {
      this.#busy = false;
    }
  }

  /** Nothing more is told. */
  close(): void {
    this.#on = false;
    this.lines.close();
    this.#others.close();
    for (const looks of this.#looks) looks.delete(this.#afterNap);
  }

  subject(primitive: Primitive): Subject {
    const known = this.#subjects.get(primitive);
    if (known) return known;
    const subject = subjectOf(primitive);
    this.#subjects.set(primitive, subject);
    const looks = afterNaps(primitive.ref.arena);
    looks.add(this.#afterNap);
    this.#looks.add(looks);
    return subject;
  }

  call(primitive: Primitive, line: Line, place: Place | undefined): Call {
    return { subject: this.subject(primitive), line, place, start: this.now, order: ++this.#begun };
  }

  /** A call that may have to wait begins. `lock`: what it acquires, if it is a lock and if it may wait for it. */
  begin(call: Call, lock?: Subject): Waiting {
    const waiting = { ...call, request: ++this.#requests, warned: false };
    this.#tell('request.start', waiting, waiting.start);
    if (lock) this.#checkOrder(waiting, lock);
    this.waiting.add(waiting);
    return waiting;
  }

  /** It has what it waited for. Answers since when. */
  granted(waiting: Waiting, doing: Doing = 'waits for', wakes?: number): number {
    const end = this.#waited(waiting, doing, 'granted', wakes);
    this.#tell('request.grant', waiting, end, { waited: end - waiting.start });
    return end;
  }

  missed(waiting: Waiting, error?: unknown): void {
    const end = this.#waited(waiting, 'waits for', error === undefined ? 'missed' : String(error));
    this.#tell('request.miss', waiting, end, { waited: end - waiting.start, ...(error !== undefined && { error }) });
    this.over(waiting);
  }

  /** Nothing more comes of a request. */
  over(waiting: Waiting): void {
    this.#tell('request.end', waiting, this.now);
  }

  #waited(waiting: Waiting, doing: Doing, result: string, wakes?: number): number {
    const end = this.now;
    this.waiting.delete(waiting);
    this.#checkWait(waiting, end);
    this.record(waiting, doing, end, { result, ...(wakes && { wakes }) });
    return end;
  }

  hold(waiting: Waiting, by: HeldBy): void {
    const since = this.granted(waiting);
    const { subject, line, place, request } = waiting;
    // A Lock that another thread has released: nobody told this one.
    if (subject.kind === 'Lock') for (const hold of this.holds.of(subject)) this.#lose(hold, since);
    this.holds.add({ subject, line, place, request, ...by, since, order: ++this.#begun, paused: false, warned: false });
  }

  /** A release of so many: each ends when the call began, as others may have it then; and as many waiters may go on. */
  release(call: Call, by: HeldBy, count: number): void {
    const ended: Hold[] = [];
    let { line } = call;
    while (ended.length < count) {
      const hold = this.holds.released(call.subject, by, line);
      if (!hold) break;
      // A guard is released by the task that has it, also where nobody knows which one calls.
      line = hold.line;
      ended.push(hold);
      this.pause(hold, call.start);
      this.holds.delete(hold);
    }
    this.record({ ...call, line }, 'releases', this.now, { wakes: count });
    for (const hold of ended) this.#tell('request.end', hold, call.start, { held: call.start - hold.since });
  }

  /** Another thread has released a Lock, at some time. */
  #lose(hold: Hold, at: number): void {
    this.record({ ...hold, start: hold.since }, 'holds', at, { result: 'elsewhere' });
    this.holds.delete(hold);
    this.#tell('request.end', hold, at);
  }

  /** What is held is given up, to be had again or not. */
  pause(hold: Hold, end: number): void {
    if (hold.paused) return;
    hold.paused = true;
    this.#checkHold(hold, end);
    this.record({ ...hold, start: hold.since }, 'holds', end);
  }

  resume(hold: Hold, since: number): void {
    Object.assign(hold, { since, order: ++this.#begun, paused: false, warned: false });
  }

  record({ subject, line, place, start, order }: Call, doing: Doing, end: number, more: Partial<Span> = {}): void {
    this.#spans[this.#recorded++ % this.settings.limit] = {
      ...{ doing, subject, task: line.task, place, start, end, order },
      ...more,
    };
    const color = COLORS[doing];
    if (!measures || !color || !this.#on) return;
    const text = place ? textOfPlace(place) : '';
    measure(threadName(), `${doing} ${subject.label}`, start - origin(), end - origin(), color, text);
  }

  #past(): Span[] {
    const at = this.#recorded % this.settings.limit;
    return this.#recorded > this.settings.limit
      ? [...this.#spans.slice(at), ...this.#spans.slice(0, at)]
      : [...this.#spans];
  }

  /** All that is known, also of what has not ended. */
  spans(): Span[] {
    const past = this.#past();
    const open = { end: this.now, result: 'open' };
    for (const waiting of this.waiting) past.push({ ...waiting, doing: 'waits for', task: waiting.line.task, ...open });
    for (const hold of this.holds) {
      if (!hold.paused) past.push({ ...hold, doing: 'holds', task: hold.line.task, start: hold.since, ...open });
    }
    return past;
  }

  /** Warns of what takes too long by now. */
  look(): void {
    const at = this.now;
    for (const waiting of this.waiting) this.#checkWait(waiting, at, (it) => this.#stateOf(it));
    for (const hold of this.holds) {
      if (hold.paused) continue;
      if (hold.subject.kind === 'Lock' && !isHere(hold.subject.primitive)) this.#lose(hold, at);
      else this.#checkHold(hold, at);
    }
  }

  #checkHold(hold: Hold, at: number): void {
    const { subject, since, guarded, warned } = hold;
    const held = at - since;
    // Permits without a guard any thread may give back, or none: they are messages then.
    if (warned || held <= this.settings.heldLongerThan || (subject.kind.endsWith('Semaphore') && !guarded)) return;
    hold.warned = true;
    this.#warn(hold, at, { warning: 'held', held, text: `${subject.label}: held for ${Math.round(held)} ms` });
  }

  /** `state`: what is known of why it still waits. */
  #checkWait(waiting: Waiting, at: number, state = (_: Waiting): WaitState => ({ text: '' })): void {
    const { subject, start, warned } = waiting;
    const waited = at - start;
    if (warned || waited <= this.settings.waitedLongerThan) return;
    waiting.warned = true;
    const { text, ...known } = state(waiting);
    this.#warn(waiting, at, {
      ...{ warning: 'waited', waited, ...known },
      text: `${subject.label}: waited for ${Math.round(waited)} ms${text}`,
    });
  }

  /** What this thread knows of what it waits for. Only of locks memory says whether somebody holds them. */
  #stateOf({ subject, start }: Waiting): WaitState {
    const { locked } = subject.primitive as { locked?: boolean };
    const holds = this.holds.of(subject).length;
    const wakes = this.#spans.some((span) => span.wakes && span.start >= start && span.subject.key === subject.key);
    let text = wakes ? '' : ', and nothing in this thread has let anybody go on there';
    if (holds > 0) text = `, and this thread holds it${holds > 1 ? ` ${holds} times` : ''}`;
    else if (locked !== undefined)
      text = locked ? ', held by others, or since before the trace' : ', though nobody holds it';
    return { text, holds, wakes, ...(locked !== undefined && { locked }) };
  }

  #checkOrder(waiting: Waiting, lock: Subject): void {
    const { line, place } = waiting;
    for (const hold of line.holds()) {
      // Permits are no locks: a thread that waits for one may give others.
      if (hold.paused || !isLock(hold.subject)) continue;
      const { edge, found } = this.#order.add(hold.subject, lock, waiting, () => ({
        from: hold.subject.label,
        to: lock.label,
        thread: threadName(),
        stacks: [hold.place ? textOfPlace(hold.place) : '', place ? textOfPlace(place) : ''],
      }));
      if (edge) this.#others.tell(edge);
      this.#inverted(found);
    }
  }

  #inverted(found: Inversion<Waiting> | undefined): void {
    if (found) this.#warn(found.by, this.now, { warning: 'order', order: found.order, text: textOfOrder(found.order) });
  }

  #warn(
    about: Waiting | Hold,
    at: number,
    warning: Pick<TraceWarning, 'warning' | 'text'> & Partial<TraceWarning>,
  ): void {
    this.#tell('warning', about, at, warning);
    this.record({ ...about, start: at, order: ++this.#begun }, 'warns', at, { result: warning.text });
    if (measures && this.#on) mark(warning.text, at - origin());
  }

  #tell(channel: ChannelName, { subject, line, request, place }: Waiting | Hold, at: number, more: object = {}): void {
    if (!this.#on) return;
    publish(channel, (): TraceMessage => {
      const { kind, name, ident, primitive } = subject;
      const message = { request, kind, name, ident, thread: primitive.ref.thread, task: line.task, at, ...more };
      if (!place) return message;
      return Object.defineProperty(message, 'stack', {
        get: () => textOfPlace(place),
        enumerable: true,
        configurable: true,
      });
    });
  }
}

function textOfOrder([nesting, ...back]: TraceNesting[]): string {
  const { from, to } = nesting!;
  return `${to} is acquired while ${from} is held, and elsewhere ${back.map(({ from, to }) => `${to} while ${from} is`).join(', ')}: threads that do both at once may wait for each other for ever`;
}
