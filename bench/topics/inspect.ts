/** What a dump costs, and how long it takes, while all threads of a large arena lock as fast as they can. */
import { Arena, Lock } from 'lockwork';
import { type Dump, dump, findDeadlocks, formatDump } from 'lockwork/inspect';
import { type Claim, within } from '../harness/claims.ts';
import type { Rival } from '../harness/rival.ts';
import { quantile } from '../harness/statistics.ts';
import { type Part, Threads } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';

const LOCKS = 10_000;
const THREADS = 64;
/** How many dumps are one sample, if the time allows. */
const DUMPS = 100;
/** How many windows of the harness one is here. */
const WINDOWS = 40;
/** So many locks each thread uses, some of them with its neighbours. */
const EACH = 256;

const WORDS = 'Atomics.load of 10,000 words';
const DUMP = 'dump';
const LONGEST = 'the longest of 100';
const ALL_HELD = 'dump, all held';
const CPU = 'processor time';

/** Where the locks are, for threads that attach to some. */
interface Place {
  readonly arena: Arena;
  /** Of each lock its address and its stamp; at the end the number of turns that were made. */
  readonly words: Int32Array;
}

export const inspect: Topic = {
  name: 'inspect',
  title: `ns of a dump of ${LOCKS.toLocaleString('en')} Locks, while ${THREADS} threads acquire and release some of them`,
  baseline: WORDS,
  columns: [
    { name: CPU, note: 'what it takes of a core, without the time for which others had it', show: (ns) => ms(ns) },
    { name: 'threads', note: 'that the last dump has', show: String },
    {
      name: 'turns',
      note: 'of the threads meanwhile, in a second',
      show: (turns) => Math.round(turns).toLocaleString('en'),
    },
  ],
  claims: [
    within(50, DUMP, `How long "${DUMP}" takes`),
    // What takes longer than a thread's turn waits for those of all others, where there are more threads than cores.
    ...[LONGEST, ALL_HELD].map(
      (row): Claim => ({
        text: `What "${row}" takes of a core: ms, at most 50`,
        ratio: (rows) => ({ ratio: rows.find(({ name }) => name === row)!.more[CPU]! / 1e6 }),
        holds: (milliseconds) => milliseconds <= 50,
      }),
    ),
  ],
  part: 1 / 6,
  long: true,
  open() {
    let threads: Threads | undefined;
    const { arena, words } = makeLocks();
    const held = makeLocks();
    for (const lock of held.locks) lock.acquire();
    const array = new Int32Array(new SharedArrayBuffer(4 * LOCKS));
    const kept = dump(held.arena);
    const calls: [name: string, ours: boolean, call: () => unknown, at?: number][] = [
      [WORDS, false, () => sum(array)],
      [DUMP, true, () => dump(arena)],
      [LONGEST, true, () => dump(arena), 1],
      [ALL_HELD, true, () => dump(held.arena)],
      ['its formatDump', true, () => formatDump(kept)],
      ['findDeadlocks', true, () => findDeadlocks(arena)],
    ];
    return {
      rivals: calls.map(
        ([name, ours, call, at = 0.5]): Rival => ({
          name,
          ours,
          measure(window) {
            threads ??= new Threads(import.meta.url, THREADS);
            return underLoad(threads, { arena, words }, window * WINDOWS, call, at);
          },
        }),
      ),
      close: async () => threads?.close(),
    };
  },
};

/** Full speed, until the time is up. */
export const part: Part = (_name, shared, side, { stop }) => {
  const [arena, words] = shared as [Arena, Int32Array];
  const locks = Array.from({ length: EACH }, (_, i) => {
    const place = 2 * (Math.floor((side * LOCKS) / THREADS + i) % LOCKS);
    return Lock.from({ kind: 'Lock', memory: arena.memory, address: words[place]!, stamp: words[place + 1]! });
  });
  return () => {
    let turns = 0;
    for (; Atomics.load(stop, 0) === 0; turns++) {
      const lock = locks[turns % EACH]!;
      lock.acquire();
      lock.release();
      Atomics.add(words, 2 * LOCKS, 1);
    }
    return turns;
  };
};

function makeLocks(): Place & { locks: Lock[] } {
  const arena = new Arena();
  const words = new Int32Array(new SharedArrayBuffer(4 * (2 * LOCKS + 1)));
  const locks = Array.from({ length: LOCKS }, (_, i) => new Lock({ arena, name: `seat ${i}` }));
  for (const [i, { address, stamp }] of locks.entries()) words.set([address, stamp], 2 * i);
  return { arena, words, locks };
}

/** Calls again and again beside threads that compute, and answers the median, or the longest. */
async function underLoad(threads: Threads, { arena, words }: Place, window: number, call: () => unknown, at: number) {
  const made = () => Atomics.load(words, 2 * LOCKS);
  const before = made();
  let over = false;
  const reports = threads.run({ name: 'load', shared: [arena, words] }, window).finally(() => {
    over = true;
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  while (made() === before && !over) await turn();
  const [start, first] = [performance.now(), made()];
  const samples: { wall: number; cpu: number }[] = [];
  let last: unknown;
  do {
    const used = process.threadCpuUsage();
    const begin = performance.now();
    last = call();
    const wall = (performance.now() - begin) * 1e6;
    const { user, system } = process.threadCpuUsage(used);
    samples.push({ wall, cpu: (user + system) * 1_000 });
    await turn();
  } while (samples.length < DUMPS && !over);
  const turns = ((made() - first) * 1_000) / (performance.now() - start);
  await reports;
  const seen = (last as Partial<Dump> | undefined)?.threads?.length ?? 0;
  const of = (figure: 'wall' | 'cpu') => {
    return quantile(
      samples.map((sample) => sample[figure]),
      at,
    );
  };
  return { ns: of('wall'), more: { [CPU]: of('cpu'), threads: seen, turns } };
}

function sum(words: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < words.length; i++) sum += Atomics.load(words, i);
  return sum;
}

function ms(ns: number): string {
  return `${(ns / 1e6).toFixed(2)} ms`;
}
