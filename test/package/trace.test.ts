import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type TraceTimeline, traceEvents } from 'lockwork/inspect';
import { afterAll, expect, it } from 'vitest';
import { arrows, checkTimeline, doing } from '../support/perfetto.ts';

const folder = mkdtempSync(join(tmpdir(), 'lockwork-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Clocks: the example's ticks once in a ms, and both are set by the system's while it is running. */
const EXACT = 5;

it('A trace of the example lock is a timeline for Perfetto, and tells the same as its own', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', path('../support/traced.mjs'), path('../../examples/main.ts'), 'lock'],
    { env: { ...process.env, NO_COLOR: '1', LOCKWORK_TRACES: folder }, timeout: 25_000 },
  );
  const timelines = readdirSync(folder).map(
    (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as TraceTimeline,
  );
  for (const timeline of timelines) checkTimeline(timeline);
  const trace = traceEvents(...timelines);
  checkTimeline(trace);
  // That of the example, as printed: "   52 ms  ┊ ● ┊   thread 2  holds     the lock".
  const steps = [...stdout.matchAll(/^ *(\d+) ms .* (thread \d+) +(waits|holds|releases) /gm)].map(
    ([, time, thread, kind]) => ({ time: Number(time), thread: thread!, kind: kind! }),
  );
  const of = (kind: string): typeof steps => steps.filter((step) => step.kind === kind);
  const locks = (what: string) => doing(trace, what).filter(({ args }) => args!.kind === 'Lock');
  const [waits, holds] = [locks('waits for'), locks('holds')];
  expect(holds).toHaveLength(15);
  expect(waits).toHaveLength(15);

  // The same threads, in the same order.
  const tracks = new Map(of('holds').map(({ thread }, index) => [thread, holds[index]!.tid]));
  expect(tracks.size).toBe(10);
  expect(new Set(tracks.values()).size).toBe(10);
  expect(holds.map(({ tid }) => tid)).toEqual(of('holds').map(({ thread }) => tracks.get(thread)));

  // Nobody holds it while another one does.
  for (const [index, { ts }] of holds.entries()) {
    const before = holds[index - 1];
    if (before) expect(ts).toBeGreaterThanOrEqual(before.ts + before.dur);
  }
  // At the same times: a thread says that it waits before it does, that it holds when it does, and that it releases before. So
  // there is a moment at which the example's timeline can have begun.
  const [earliest, latest]: [number[], number[]] = [[], []];
  for (const [index, { ts, dur }] of holds.entries()) {
    earliest.push(ts / 1_000 - of('holds')[index]!.time);
    latest.push((ts + dur) / 1_000 - of('releases')[index]!.time);
  }
  for (const [thread, tid] of tracks) {
    const mine = waits.filter((wait) => wait.tid === tid);
    const said = of('waits').filter((step) => step.thread === thread);
    expect(mine).toHaveLength(said.length);
    for (const [index, { ts }] of mine.entries()) latest.push(ts / 1_000 - said[index]!.time);
  }
  expect(Math.max(...earliest)).toBeLessThanOrEqual(Math.min(...latest) + EXACT);

  // An arrow to each that had to wait, from the one before.
  const waited = holds.flatMap((hold, index) => {
    const before = holds[index - 1];
    const wait = waits.find(({ ts, dur, tid }) => tid === hold.tid && ts + dur === hold.ts)!;
    return before && wait.ts < before.ts + before.dur ? [[before.tid, hold.tid, hold.ts]] : [];
  });
  expect(waited.length).toBeGreaterThan(5);
  const lock = new Set(waits.map(({ tid, ts, dur }) => `${tid} ${ts + dur}`));
  const drawn = arrows(trace).filter(({ to }) => lock.has(`${to.tid} ${to.ts}`));
  expect(drawn.map(({ from, to }) => [from.tid, to.tid, to.ts])).toEqual(waited);
});
