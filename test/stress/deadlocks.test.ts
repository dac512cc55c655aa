/** Random programs: threads that lock in order are never said to wait for each other, and a circle is always found. */
import * as threading from 'lockwork';
import { enumerate } from 'lockwork/inspect';
import { expect, it } from 'vitest';
import { HEADER_NAP } from '../../assembly/abi.ts';
import { poke, threadArenaOf } from '../support/dead.ts';
import { thread, threads } from '../support/threads.ts';

const { Arena, Barrier, Condition, Event, Lock, RLock, Semaphore } = threading;

const { LOCKWORK_DEADLOCKS } = globalThis.process?.env ?? {};
/** How many programs lock in order, and how many do not: a tenth. 10,000 are many. */
const IN_ORDER = Number(LOCKWORK_DEADLOCKS ?? 200);
const IN_CIRCLES = Math.ceil(IN_ORDER / 10);

/** How many threads a set has, and how many sets there are: so many programs run at a time. */
const THREADS = 5;
const SETS = 3;
/** In which a circle must be found, and all programs that a set is given at a time must have ended (ms). */
const FOUND = 2_500;
const BATCH = 20;
const WITHIN = 60_000;

interface Pool {
  arena: threading.Arena;
  locks: (threading.Lock | threading.RLock)[];
  conditions: threading.Condition[];
  permits: threading.Semaphore;
  event: threading.Event;
  /** All threads of the set; and those of a circle, by their number. */
  step: threading.Barrier;
  circles: threading.Barrier[];
  /** How many left a circle, by programs. */
  victims: Int32Array;
}

function makePool(arena: threading.Arena, kinds: readonly ('Lock' | 'RLock')[]): Pool {
  const locks = kinds.map((kind, i) => {
    const options = { arena, name: `L${i}` };
    return kind === 'Lock' ? new Lock(options) : new RLock(options);
  });
  return {
    arena,
    locks,
    conditions: locks.map((lock) => new Condition(lock, { arena })),
    permits: new Semaphore(2, { arena }),
    event: new Event({ arena }),
    step: new Barrier(THREADS, { arena }),
    circles: Array.from({ length: THREADS + 1 }, (_, i) => new Barrier(Math.max(1, i), { arena })),
    victims: arena.allocate(Int32Array, BATCH),
  };
}

function destroyPool({ arena, locks, conditions, permits, event, step, circles, victims }: Pool): void {
  expect(locks.map(({ locked, waiters }) => locked || waiters > 0)).toEqual(locks.map(() => false));
  expect([permits.value, permits.waiters]).toEqual([2, 0]);
  for (const primitive of [...conditions, ...locks, permits, event, step, ...circles]) primitive.destroy();
  arena.free(victims);
}

interface Told extends Pool {
  index: number;
  seed: number;
  programs: number;
  /** Whether those with a circle. */
  inCircles: boolean;
  policy: threading.DeadlockPolicy | undefined;
}

interface Seen {
  /** Reports, where there must be none: of which program, and what it says. */
  reports: string[];
  naps: number;
  /** How many looks have found a circle; the most that one circle came to, while locks are taken in order. */
  circles: number;
  looks: number;
  /** How long (ms) it took until a circle was found. */
  slowest: number;
  total: number;
}

/** What a thread of a set does. Travels as text. */
async function run(told: Told, api: typeof threading): Promise<Seen> {
  const { arena, locks, conditions, permits, event, step, circles, victims, index, seed, programs, inCircles } = told;
  const { DeadlockError, RLock } = api;
  if (told.policy) api.setDeadlockPolicy(told.policy);
  const seen: Seen = { reports: [], naps: 0, circles: 0, looks: 0, slowest: 0, total: 0 };

  interface Ground {
    stalled(deadline: number, first: boolean): number;
    circle: { key: string; looks: number } | undefined;
  }
  const ground = (arena as unknown as { threadArena: Ground }).threadArena;
  const { stalled } = Object.getPrototypeOf(ground) as Ground;
  ground.stalled = (deadline, first) => {
    seen.naps++;
    try {
      return stalled.call(ground, deadline, first);
    } finally {
      if (ground.circle) {
        seen.circles++;
        seen.looks = Math.max(seen.looks, ground.circle.looks);
      }
    }
  };

  /** The same numbers for the same seed. */
  const random = (seed: number) => {
    let state = seed | 0;
    return (sides: number): number => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
    };
  };
  const bed = new Int32Array(new SharedArrayBuffer(4));
  const nap = (ms: number) => ms > 0 && Atomics.wait(bed, 0, 0, ms);
  const turn = () => new Promise((resolve) => setTimeout(resolve));

  let program = 0;
  const report = (what: string) => seen.reports.push(`seed ${seed}, program ${program}, thread ${index}: ${what}`);
  const { process } = globalThis;
  const listen = ({ message }: Error) => void report(message);
  const { warn } = console;
  console.warn = report;
  process?.on?.('warning', listen);

  /** Between locks: never for long, and never for what is held. */
  const noise = (dice: (sides: number) => number) => {
    const what = dice(8);
    if (what === 0) event.wait(dice(4));
    else if (what === 1) event[dice(2) ? 'set' : 'clear']();
    else if (what === 2 && permits.acquire(dice(4))) {
      nap(dice(3));
      permits.release();
    } else nap(dice(3));
  };

  /** Takes some of the locks, one after the other, and waits beside all that it holds. */
  async function inOrder(dice: (sides: number) => number, order: readonly number[]): Promise<void> {
    const mine = order.filter(() => dice(2));
    const held: (() => void)[] = [];
    const tasks: Promise<unknown>[] = [];
    try {
      for (const [place, at] of mine.entries()) {
        const lock = locks[at]!;
        // Of all that this thread waits for it is the first: what its tasks hold, or may get, is before what it blocks for.
        if (place === 0 && dice(4) === 0) {
          const guard = await lock.holdAsync();
          held.push(() => guard.release());
          for (let more = dice(3); more > 0; more--)
            tasks.push(lock.withAsync(turn, { timeout: dice(6) }).catch((error) => error.name));
          continue;
        }
        if (dice(4)) lock.acquire();
        else if (!lock.acquire(dice(4))) continue;
        held.push(() => lock.release());
        if (lock instanceof RLock && !dice(4)) {
          lock.acquire();
          held.push(() => lock.release());
        }
        noise(dice);
        // It comes back for the lock that is the last in the order.
        if (dice(3) === 0) conditions[at]!.wait(dice(4));
        if (dice(3) === 0) conditions[at]!.notify(dice(3));
      }
      nap(dice(4));
    } catch (error) {
      report(String(error));
    } finally {
      for (const release of held.reverse()) release();
    }
    await Promise.all(tasks);
  }

  /** Each holds a lock, and waits for the next one's. */
  function inCircle(dice: (sides: number) => number, order: readonly number[], count: number): void {
    const [first, second] = [locks[order[index]!]!, locks[order[(index + 1) % count]!]!];
    first.acquire();
    noise(dice);
    circles[count]!.wait();
    nap(dice(20));
    const began = performance.now();
    try {
      second.acquire();
      second.release();
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      Atomics.add(victims, program, 1);
      const took = performance.now() - began;
      seen.slowest = Math.max(seen.slowest, took);
      seen.total += took;
    } finally {
      first.release();
    }
  }

  /** In the queues of the circle, too, but never for long. */
  async function beside(dice: (sides: number) => number, order: readonly number[], count: number): Promise<void> {
    for (let rounds = 0; rounds < 3; rounds++) {
      const lock = locks[order[dice(count)]!]!;
      if (lock.acquire(dice(6))) lock.release();
      await inOrder(dice, order.slice(count));
    }
  }

  try {
    for (program = 0; program < programs; program++) {
      const all = random(seed + program);
      const dice = random((seed ^ 0x55555555) + program * 8 + index);
      // Another order for each program.
      const order = locks.map((_, i) => i);
      for (let i = order.length - 1; i > 0; i--) {
        const j = all(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const count = 2 + all(step.parties - 1);
      step.wait();
      if (inCircles && index < count) inCircle(dice, order, count);
      else if (inCircles) await beside(dice, order, count);
      else if (index < count) for (let rounds = 0; rounds < 3; rounds++) await inOrder(dice, order);
    }
    step.wait();
  } finally {
    process?.off?.('warning', listen);
    console.warn = warn;
    ground.stalled = stalled;
  }
  return seen;
}

/** Lets all threads that are blocked look again and again: each of their looks may put together what was never there. */
function wake({
  memory,
  words,
  records,
}: {
  memory: WebAssembly.Memory;
  words: Int32Array;
  records: number[];
}): number {
  const all = new Int32Array(memory.buffer);
  let woken = 0;
  while (Atomics.load(words, 0) === 0) {
    for (const record of records) woken += Atomics.notify(all, record >> 2);
    Atomics.wait(words, 0, 0, 0.3);
  }
  return woken;
}

interface Options {
  kinds: (set: number) => ('Lock' | 'RLock')[];
  policy?: threading.DeadlockPolicy;
  inCircles?: boolean;
}

/** Runs so many programs, in all sets; answers what was seen. */
async function storm(count: number, { kinds, policy, inCircles = false }: Options): Promise<Seen> {
  const arena = new Arena();
  // The first nap of a wait for a lock is a fifteenth.
  poke(threadArenaOf(arena), arena.address, HEADER_NAP, 45);
  const sum: Seen = { reports: [], naps: 0, circles: 0, looks: 0, slowest: 0, total: 0 };
  let left = count;
  const set = async (_: unknown, number: number) => {
    const pool = makePool(arena, kinds(number));
    while (left > 0) {
      const programs = Math.min(BATCH, left);
      left -= programs;
      const seed = Math.floor(Math.random() * 2 ** 31);
      pool.victims.fill(0);
      const seen = await threads(THREADS, { ...pool, seed, programs, inCircles, policy }, run, WITHIN);
      for (const one of seen) {
        sum.reports.push(...one.reports);
        sum.naps += one.naps;
        sum.circles += one.circles;
        sum.looks = Math.max(sum.looks, one.looks);
        sum.slowest = Math.max(sum.slowest, one.slowest);
        sum.total += one.total;
      }
      const expected = Array.from({ length: BATCH }, (_, i) => Number(inCircles && i < programs));
      expect([...pool.victims], `seed ${seed}: who left, by programs`).toEqual(expected);
      expect(sum.reports).toEqual([]);
    }
    destroyPool(pool);
  };
  // From then on all of them are known, and are the threads of the sets.
  const start = new Barrier(SETS * THREADS, { arena });
  await threads(SETS * THREADS, { start }, ({ start }) => start.wait());
  start.destroy();
  const words = arena.allocate(Int32Array, 1);
  const records = enumerate(arena).map(({ ident }) => ident);
  const waker = inCircles ? undefined : thread({ memory: arena.memory, words, records }, wake, WITHIN * count);
  try {
    await Promise.all(Array.from({ length: SETS }, set));
  } finally {
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
  }
  await waker;
  arena.free(words);
  if (LOCKWORK_DEADLOCKS) console.log({ ...sum, programs: count, mean: sum.total / count });
  return sum;
}

/** Of three sets, one has RLocks only, and one Locks only. */
const mixed = (set: number): ('Lock' | 'RLock')[] =>
  Array.from({ length: 8 }, (_, i) => (['RLock', 'Lock', i % 2 ? 'Lock' : 'RLock'] as const)[set % 3]!);
const rlocks = (): 'RLock'[] => Array(8).fill('RLock');

/** Half with each. */
const halves = (count: number): number => Math.ceil(count / 2);
const bound = (count: number): { timeout: number } => ({ timeout: 60_000 + count * 500 });

it(`finds nothing in ${halves(IN_ORDER)} programs that take RLocks in order`, bound(IN_ORDER), async () => {
  const { reports, naps } = await storm(halves(IN_ORDER), { kinds: rlocks });
  expect(reports).toEqual([]);
  expect(naps).toBeGreaterThan(IN_ORDER);
});

it(`finds each circle of ${halves(IN_CIRCLES)} programs with RLocks`, bound(IN_CIRCLES), async () => {
  const { reports, slowest } = await storm(halves(IN_CIRCLES), { kinds: rlocks, inCircles: true });
  expect(reports).toEqual([]);
  expect(slowest).toBeLessThan(FOUND);
});

// From here on these threads do not do what they did at first any more.

it(`finds nothing in ${halves(IN_ORDER)} programs that take Locks in order, too`, bound(IN_ORDER), async () => {
  const { reports, naps } = await storm(halves(IN_ORDER), { kinds: mixed, policy: 'throw' });
  expect(reports).toEqual([]);
  expect(naps).toBeGreaterThan(IN_ORDER);
});

it(`finds each circle of ${halves(IN_CIRCLES)} programs with Locks, too`, bound(IN_CIRCLES), async () => {
  const { reports, slowest } = await storm(halves(IN_CIRCLES), { kinds: mixed, policy: 'throw', inCircles: true });
  expect(reports).toEqual([]);
  expect(slowest).toBeLessThan(FOUND);
});
