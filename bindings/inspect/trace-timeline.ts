import { CELL_SIZE } from '../../assembly/abi.ts';
import { identity, NO_NUMBER } from '../host.ts';
import { type Recorder, type Span, threadName } from './trace-recorder.ts';
import { textOfPlace } from './trace-stack.ts';

/** An event in the format that Perfetto and Chrome's tools read. Times are µs by a clock that all threads share. */
export interface TraceEvent {
  /** What the tools write upon it. */
  readonly name: string;
  /** Its category: `lockwork`. */
  readonly cat?: string;
  /** `X` a span, `i` an instant, `s` and `f` the two ends of an arrow, `M` the name of a track. */
  readonly ph: 'X' | 'i' | 's' | 'f' | 'M';
  /** When it begins, µs. */
  readonly ts?: number;
  /** How long it lasts, µs. */
  readonly dur?: number;
  /** The process. */
  readonly pid: number;
  /** The track: a thread, or tasks of it. */
  readonly tid: number;
  /** Of an arrow: the same at both ends. */
  readonly id?: number;
  /** Of the end of an arrow: it points at the span around it. */
  readonly bp?: 'e';
  /** Of an instant: it is one of its thread. */
  readonly s?: 't';
  /** What the tools show beside it. */
  readonly args?: Readonly<Record<string, unknown>>;
}

/** What `JSON.stringify` turns into a file that ui.perfetto.dev and Chrome's tools open. */
export interface TraceTimeline {
  /** The names of tracks, and then all others in the order in which they began. */
  readonly traceEvents: TraceEvent[];
  /** In what the tools count. */
  readonly displayTimeUnit: 'ms';
}

const CATEGORY = 'lockwork';
/** From one track of a thread to the next. */
const NEXT_TRACK = 2 ** 20;

const pid = /* @__PURE__ */ (() => (globalThis as { process?: { pid?: number } }).process?.pid ?? 1)();

/** Whole µs, so that what ends where the next begins does so exactly. */
const micros = (ms: number): number => Math.round(ms * 1_000);

/**
 * The number of this thread's first track: that of the thread, and 1, as 0 is the idle thread in this format. Workers of pages have
 * none: then it is that of their record in the arena.
 */
function firstTrack(span: Span | undefined): number {
  const { number } = identity();
  return 1 + (number === NO_NUMBER ? (span?.subject.primitive.ref.thread ?? 0) / CELL_SIZE : number);
}

/** What a track shows: spans within spans. */
interface Track {
  readonly tid: number;
  readonly open: { task: number; end: number }[];
  last: number;
}

/**
 * A thread is a track, its tasks are on further ones. A span that begins within another and ends after it (A is acquired, then B,
 * then A is released) is on a further track, too, as those of one must nest.
 */
class Tracks {
  readonly events: TraceEvent[] = [];
  readonly #first: number;
  readonly #all: Record<'own' | 'tasks', Track[]> = { own: [], tasks: [] };
  #count = 0;

  constructor(first: number) {
    this.#first = first;
  }

  place({ task }: Span, start: number, end: number): number {
    const tracks = task === 0 ? this.#all.own : this.#all.tasks;
    const fit = tracks.filter(({ open }) => {
      while (open.length > 0 && open.at(-1)!.end <= start) open.pop();
      const around = open.at(-1);
      return !around || (around.task === task && around.end >= end);
    });
    const track = fit.find(({ last }) => last === task) ?? fit[0] ?? this.#add(tracks, task);
    track.open.push({ task, end });
    track.last = task;
    return track.tid;
  }

  #add(tracks: Track[], task: number): Track {
    const tid = this.#first + this.#count++ * NEXT_TRACK;
    const track = { tid, open: [], last: task };
    const name = task === 0 ? threadName() : `${threadName()}, tasks`;
    tracks.push(track);
    this.events.push(
      { name: 'thread_name', ph: 'M', pid, tid, args: { name } },
      { name: 'thread_sort_index', ph: 'M', pid, tid, args: { sort_index: this.#first } },
    );
    return track;
  }
}

/** Events of this thread, without arrows. */
function eventsOf(recorder: Recorder): TraceEvent[] {
  const spans = recorder.spans().sort((a, b) => a.start - b.start || a.order - b.order);
  const first = firstTrack(spans[0]);
  const tracks = new Tracks(first);
  const events = spans.map((span): TraceEvent => {
    const { doing, subject, task, place, result, wakes } = span;
    const [ts, end] = [micros(span.start), micros(span.end)];
    const { kind, name, ident, key } = subject;
    const args = {
      ...{ doing, kind, name, ident, primitive: key, task },
      ...(result !== undefined && { result }),
      // JSON has no Infinity.
      ...(wakes !== undefined && { wakes: Math.min(wakes, 0x7fffffff) }),
      ...(place && { stack: textOfPlace(place) }),
    };
    const tid = tracks.place(span, ts, end);
    if (doing === 'warns') return { name: result!, cat: CATEGORY, ph: 'i', s: 't', ts, pid, tid, args };
    return { name: `${doing} ${subject.label}`, cat: CATEGORY, ph: 'X', ts, dur: end - ts, pid, tid, args };
  });
  const name: TraceEvent = { name: 'process_name', ph: 'M', pid, tid: first, args: { name: CATEGORY } };
  return [name, ...tracks.events, ...events];
}

/** What lets waiters of a primitive go on, in the order of time, and how many more each could. */
interface Wakes {
  readonly all: { readonly event: TraceEvent; left: number }[];
  /** How many of them were before the end of the wait at hand. */
  before: number;
}

const endOf = ({ ts, dur }: TraceEvent): number => ts! + dur!;

/**
 * Arrows from what lets a waiter go on to the end of its wait. No thread knows which release was for whom: it is the last one
 * during the wait, of any thread whose events are here, that has not let as many go on already as it could.
 */
function arrowsOf(events: TraceEvent[]): TraceEvent[] {
  const wakes = new Map<unknown, Wakes>();
  const waits: TraceEvent[] = [];
  for (const event of events) {
    if (event.ph !== 'X') continue;
    const { primitive, wakes: left, result, doing } = event.args!;
    if (typeof left === 'number') {
      const known = wakes.get(primitive) ?? { all: [], before: 0 };
      known.all.push({ event, left });
      wakes.set(primitive, known);
    } else if (doing === 'waits for' && result === 'granted') waits.push(event);
  }
  waits.sort((a, b) => endOf(a) - endOf(b));
  return waits.flatMap((wait, index): TraceEvent[] => {
    const event = causeOf(wait, wakes.get(wait.args!.primitive));
    if (!event) return [];
    const arrow = { name: event.name, cat: CATEGORY, id: wait.tid * NEXT_TRACK + index };
    return [
      { ...arrow, ph: 's', ts: event.ts!, pid: event.pid, tid: event.tid },
      { ...arrow, ph: 'f', bp: 'e', ts: endOf(wait), pid: wait.pid, tid: wait.tid },
    ];
  });
}

/** Of waits in the order in which they ended. */
function causeOf(wait: TraceEvent, wakes: Wakes | undefined): TraceEvent | undefined {
  if (!wakes) return undefined;
  const { all } = wakes;
  while (wakes.before < all.length && all[wakes.before]!.event.ts! <= endOf(wait)) wakes.before++;
  // Clocks are coarse: what was at the time of its beginning may have been before.
  for (let index = wakes.before - 1; index >= 0 && all[index]!.event.ts! > wait.ts!; index--) {
    const wake = all[index]!;
    if (wake.left-- > 0) return wake.event;
  }
  return undefined;
}

export function timelineOf(recorder: Recorder | undefined, others: readonly TraceTimeline[]): TraceTimeline {
  const all = [...(recorder ? eventsOf(recorder) : []), ...others.flatMap(({ traceEvents }) => traceEvents)];
  const events = all.filter(({ ph }) => ph !== 's' && ph !== 'f').sort((a, b) => (a.ts ?? 0) - (b.ts ?? 0));
  return {
    traceEvents: [...events, ...arrowsOf(events)].sort((a, b) => (a.ts ?? 0) - (b.ts ?? 0)),
    displayTimeUnit: 'ms',
  };
}
