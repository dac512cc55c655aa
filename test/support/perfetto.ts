/** Whether a timeline is what Perfetto's and Chrome's readers of their JSON format take. */
import type { TraceEvent, TraceTimeline } from 'lockwork/inspect';
import { expect } from 'vitest';

type Slice = TraceEvent & { ts: number; dur: number };

const trackOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;

/** The slices of a timeline, in their order. */
export const slices = ({ traceEvents }: TraceTimeline): Slice[] =>
  traceEvents.filter((event): event is Slice => event.ph === 'X');

/** The slices that do this. */
export const doing = (timeline: TraceTimeline, what: string): Slice[] =>
  slices(timeline).filter(({ args }) => args?.doing === what);

/** The two ends of each arrow. */
export function arrows({ traceEvents }: TraceTimeline): { from: TraceEvent; to: TraceEvent }[] {
  return traceEvents
    .filter(({ ph }) => ph === 's')
    .map((from) => ({ from, to: traceEvents.find(({ ph, id }) => ph === 'f' && id === from.id)! }));
}

/** Fields, order, nesting, tracks and arrows. Also what comes out of a file. */
export function checkTimeline(timeline: TraceTimeline): void {
  expect(JSON.parse(JSON.stringify(timeline))).toEqual(timeline);
  expect(timeline.displayTimeUnit).toBe('ms');
  const { traceEvents: events } = timeline;
  let time = 0;
  for (const { name, ph, pid, tid, ts, dur, cat } of events) {
    expect(name).toEqual(expect.any(String));
    for (const number of [pid, tid]) expect(number).toSatisfy((it: number) => Number.isInteger(it) && it > 0);
    // What has no time names a track, and comes first.
    expect(ts === undefined).toBe(ph === 'M');
    if (ts === undefined) continue;
    expect(cat).toBe('lockwork');
    expect(ts).toBeGreaterThanOrEqual(time);
    time = ts;
    if (ph === 'X') expect(dur).toBeGreaterThanOrEqual(0);
  }

  const named = events.filter(({ ph, name }) => ph === 'M' && name === 'thread_name').map(trackOf);
  expect(new Set(named).size).toBe(named.length);
  expect(events.filter(({ ts }) => ts !== undefined).map(trackOf)).toSatisfy((tracks: string[]) =>
    tracks.every((track) => named.includes(track)),
  );

  for (const track of named) {
    const open: number[] = [];
    for (const { ts, dur, name } of slices(timeline).filter((slice) => trackOf(slice) === track)) {
      while (open.length > 0 && open.at(-1)! <= ts) open.pop();
      if (open.length > 0) expect(ts + dur, `${name} ends within what is around it`).toBeLessThanOrEqual(open.at(-1)!);
      open.push(ts + dur);
    }
  }

  const ends = events.filter(({ ph }) => ph === 's' || ph === 'f');
  const ids = ends.filter(({ ph }) => ph === 's').map(({ id }) => id);
  // Perfetto reads texts as hexadecimal numbers.
  expect(ids).toSatisfy((all: unknown[]) => all.every(Number.isSafeInteger));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ends.length).toBe(2 * ids.length);
  for (const { from, to } of arrows(timeline)) {
    expect(to).toMatchObject({ name: from.name, cat: from.cat!, bp: 'e' });
    expect(to.ts).toBeGreaterThanOrEqual(from.ts!);
    for (const end of [from, to]) {
      // It is drawn at the slice that its time is in.
      const around = slices(timeline).filter(
        (slice) => trackOf(slice) === trackOf(end) && slice.ts <= end.ts! && end.ts! <= slice.ts + slice.dur,
      );
      expect(around, 'a slice at the end of an arrow').not.toEqual([]);
    }
  }
}
