/** A storm of deaths: threads that use every primitive, blocking and as tasks, are terminated at random moments. */
import type * as threading from 'lockwork';
import { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { expect, it } from 'vitest';
import { KIND_HOLD, KIND_INFO, KIND_RESERVED, KIND_TASK, KIND_THREAD } from '../../assembly/abi.ts';
import { CALLS, type Table } from '../../bindings/core-table.ts';
import { alone, mortal, reaped } from '../support/mortal.ts';
import type { Thread } from '../support/spawn.ts';
import { PATIENCE, until } from '../support/threads.ts';
import { RawArena } from '../support/waiting.ts';

const { LOCKWORK_KILLS } = globalThis.process?.env ?? {};
/** How many threads are terminated; 2,000 is a storm. */
const KILLS = Number(LOCKWORK_KILLS ?? 200);
/** How many of those that bury others, where there are some. */
const REAPERS = Number(LOCKWORK_KILLS ?? 20);
/** How many live at a time. */
const THREADS = 4;
/** For so many deaths (ms), on a busy machine: each is followed by a new thread. */
const BOUND = 60_000 + KILLS * 300;

/**
 * In `words`: 1 when all threads are to come to an end; how many have; overlaps; uses; then who is inside of each lock. At last
 * the reaper that stands still, counted from 1; -1 when none is to.
 */
const STOP = 0;
const ENDED = 1;
const OVERLAPS = 2;
const USES = 3;
const INSIDE = 4;
const MIDST = 8;

interface Shared {
  arena: Arena;
  words: Int32Array;
  locks: [Lock, RLock, Lock, RLock];
  conditions: [Condition, Condition];
  semaphores: [Semaphore, BoundedSemaphore];
  event: Event;
  barrier: Barrier;
}

/** Calls of a burial, and their places in the core's table. */
const BURIAL = (['reapWaiter', 'reapCell', 'semLetGo', 'dropRecord'] as const).map((name) => ({
  name,
  place: CALLS.indexOf(name),
}));

/** A thread finds the words by their names, since it travels as text. */
interface Told extends Pick<Shared, 'arena' | 'words'> {
  at: Record<'STOP' | 'ENDED' | 'OVERLAPS' | 'USES' | 'INSIDE' | 'MIDST', number>;
}

/** What a thread does until it is told to stop, or terminated. Travels as text. */
async function live(
  shared: Shared & Told,
  { AbandonedError, BrokenBarrierError, DeadlockError, TimeoutError }: typeof threading,
): Promise<void> {
  const { words, locks, conditions, semaphores, event, barrier, at } = shared;
  const dice = (sides: number) => Math.floor(Math.random() * sides);
  const busy = () => {
    for (let turns = Math.random() ** 4 * 100_000; turns > 0; turns--);
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, dice(3)));
  const running = () => Atomics.load(words, at.STOP) === 0;

  /** Of this thread's tasks, those that hold something, or may do so at any moment. */
  let holding = 0;
  /** None of them goes on while the thread blocks: two threads that do so for ever would wait for each other's tasks. */
  const patience = () => (holding > 0 ? 10 : undefined);

  /** What a lock protects: one thread at a time. */
  const enter = (lock: number) => {
    Atomics.add(words, at.USES, 1);
    if (Atomics.exchange(words, at.INSIDE + lock, 1) !== 0) Atomics.add(words, at.OVERLAPS, 1);
  };
  const leave = (lock: number) => Atomics.store(words, at.INSIDE + lock, 0);
  const visit = (lock: number) => {
    enter(lock);
    busy();
    leave(lock);
  };
  const expected = (error: unknown) => {
    if (error !== 'off' && !(error instanceof BrokenBarrierError) && !(error instanceof TimeoutError)) throw error;
  };
  /** Whoever is told that a lock is abandoned puts it in order. */
  const repair = (lock: number, error: unknown) => {
    if (!(error instanceof AbandonedError)) return expected(error);
    locks[lock]!.recover(() => leave(lock), patience());
  };
  const repairAsync = async (lock: number, error: unknown) => {
    if (!(error instanceof AbandonedError)) return expected(error);
    await locks[lock]!.recoverAsync(() => leave(lock));
  };

  const block = () => {
    const lock = dice(4);
    const target = locks[lock]!;
    const condition = conditions[lock - 2];
    const permits = semaphores[dice(2)]!;
    try {
      switch (dice(6)) {
        case 0: {
          const guard = target.hold(patience());
          visit(lock);
          guard.release();
          break;
        }
        case 1:
          if (target.acquire(dice(3))) {
            visit(lock);
            target.release();
          }
          break;
        case 2: {
          const guard = permits.hold(patience());
          busy();
          guard.release();
          break;
        }
        case 3:
          event.wait(dice(5));
          if (dice(2)) event.set();
          else event.clear();
          break;
        case 4:
          barrier.wait(dice(10));
          break;
        default: {
          if (!condition?.acquire(patience())) return;
          try {
            visit(lock);
            // A wait ends with the lock, however long that takes.
            if (holding > 0 || dice(2)) condition.notify(dice(3));
            else condition.wait(dice(10));
            visit(lock);
          } finally {
            condition.release();
          }
        }
      }
    } catch (error) {
      if (error instanceof BrokenBarrierError) barrier.reset();
      repair(lock, error);
    }
  };

  const [EVENT, BARRIER] = [2, 3];
  const task = async () => {
    const lock = dice(4);
    const target = locks[lock]!;
    const condition = conditions[lock - 2];
    const permits = semaphores[dice(2)]!;
    const abort = new AbortController();
    const { signal } = abort;
    if (!dice(3)) setTimeout(() => abort.abort('off'), dice(4));
    const use = dice(5);
    const holds = use !== EVENT && use !== BARRIER ? 1 : 0;
    holding += holds;
    try {
      switch (use) {
        case 0:
          await target.withAsync(
            async () => {
              enter(lock);
              await pause();
              leave(lock);
            },
            { signal },
          );
          break;
        case 1:
          await permits.withAsync(pause, { signal });
          break;
        case EVENT:
          await event.waitAsync({ timeout: dice(10), signal });
          event.set();
          break;
        case BARRIER:
          await barrier.waitAsync({ timeout: dice(10) });
          break;
        default: {
          if (!condition) return;
          await condition.withAsync(async ({ owner }) => {
            visit(lock);
            const options = { timeout: dice(10), ...(owner && { owner }) };
            if (dice(2)) condition.notifyAll(owner && { owner });
            else await condition.waitAsync(options);
            visit(lock);
          });
        }
      }
    } catch (error) {
      if (error instanceof BrokenBarrierError) barrier.reset();
      await repairAsync(lock, error);
    } finally {
      holding -= holds;
    }
  };

  const tasks = async () => {
    while (running()) {
      await task();
      await pause();
    }
  };
  const blocks = async () => {
    while (running()) {
      try {
        block();
      } catch (error) {
        // Where a task of this thread stands in the way, or another one repairs meanwhile.
        if (!(error instanceof DeadlockError) && !(error instanceof TimeoutError)) throw error;
      }
      if (!dice(4)) await pause();
    }
  };
  // Every other thread has tasks only, or none.
  const kind = dice(3);
  await Promise.all([...(kind > 0 ? [tasks(), tasks(), tasks()] : []), ...(kind < 2 ? [blocks()] : [])]);
  Atomics.add(words, at.ENDED, 1);
}

/** Reaps until it is told to stop, but stands still at some step of a burial, to be terminated there. Travels as text. */
async function bury(
  { arena, words, at, burial, index }: Told & { burial: typeof BURIAL; index: number },
  { reap }: typeof threading,
): Promise<void> {
  const { core } = (arena as unknown as { threadArena: { core: Record<string, unknown> & { table: Table } } })
    .threadArena;
  let steps = Math.random() * 20;
  for (const { name, place } of burial) {
    const step: (...args: unknown[]) => unknown = core.table.get(place);
    core[name] = (...args: unknown[]) => {
      if (steps-- < 1 && Atomics.compareExchange(words, at.MIDST, 0, index + 1) === 0)
        while (Atomics.load(words, at.MIDST) >= 0);
      return step(...args);
    };
  }
  while (Atomics.load(words, at.STOP) === 0) {
    for (let times = 0; times < 100; times++) reap(arena);
    await new Promise((resolve) => setTimeout(resolve));
  }
  Atomics.add(words, at.ENDED, 1);
}

/** Terminates one of them, in whose place there is another. */
function replace(threads: Thread[], index: number, start: (index: number) => Thread): unknown {
  const { terminate } = threads[index]!;
  threads[index] = start(index);
  return terminate();
}

/** Threads die, at random or in the midst of a burial: nobody is stuck, nothing overlaps, nothing is left. */
async function storm(kills: number, reapers: number): Promise<void> {
  const arena = new Arena();
  const words = arena.allocate(Int32Array, 16);
  const locks: Shared['locks'] = [new Lock({ arena }), new RLock({ arena }), new Lock({ arena }), new RLock({ arena })];
  const shared: Shared = {
    arena,
    words,
    locks,
    conditions: [new Condition(locks[2]), new Condition(locks[3])],
    semaphores: [new Semaphore(2, { arena }), new BoundedSemaphore(2, { arena })],
    event: new Event({ arena }),
    barrier: new Barrier(2, { arena }),
  };
  const { conditions, semaphores, event, barrier } = shared;
  const primitives = [...conditions, ...locks, ...semaphores, event, barrier];
  const before = arena.used;
  const at = { STOP, ENDED, OVERLAPS, USES, INSIDE, MIDST };
  const start = (): Thread => mortal({ ...shared, at }, live);
  const startReaper = (index: number): Thread => mortal({ arena, words, at, burial: BURIAL, index }, bury);
  const living = Array.from({ length: THREADS }, start);
  const reaping = Array.from({ length: reapers }, (_, index) => startReaper(index));
  const end = performance.now() + BOUND;
  let [deaths, killed, last] = [0, 0, 0];
  for (; killed < kills; deaths++) {
    if (performance.now() > end) throw new Error(`not within ${BOUND} ms: more than ${killed} of ${deaths} deaths`);
    const uses = Atomics.load(words, USES);
    // Something goes on between two deaths, if only for a moment.
    await until(
      () => Atomics.load(words, USES) !== uses || performance.now() - last > 100,
      'somebody gets through',
      BOUND,
    );
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    await replace(living, Math.floor(Math.random() * THREADS), start);
    const reaper = Atomics.load(words, MIDST) - 1;
    if (reaper >= 0) {
      await replace(reaping, reaper, startReaper);
      Atomics.store(words, MIDST, 0);
    }
    if (!reapers || reaper >= 0) killed++;
    last = performance.now();
  }
  Atomics.store(words, MIDST, -1);
  const uses = Atomics.load(words, USES);
  await until(() => Atomics.load(words, USES) > uses + 100, 'the living go on', PATIENCE, arena);
  Atomics.store(words, STOP, 1);
  const all = [...living, ...reaping];
  await until(() => Atomics.load(words, ENDED) >= all.length, 'all of the living come to an end', PATIENCE, arena);
  for (const worker of all) await worker.terminate();
  // Of a thread that dies in the midst of an allocation, nobody can tell its cells from those of the living.
  const lost = Math.ceil(deaths / 100);
  const left = () => (arena.used - before) / 64;
  const raw = new RawArena(arena.memory, arena.address);
  const clean = () => alone(arena) && primitives.every(({ waiters }) => waiters === 0) && left() <= lost;
  await reaped(clean, 'this thread is the last, and nothing is left', arena).catch((error: Error) => {
    const kinds = { thread: KIND_THREAD, task: KIND_TASK, info: KIND_INFO, hold: KIND_HOLD, reserved: KIND_RESERVED };
    const found = Object.entries(kinds).map(([name, kind]) => `${name} ${[...raw.cells(kind)].length}`);
    throw new Error(`${error.message}\n${left()} cells are left, not ${lost}; there are: ${found.join(', ')}`);
  });
  expect(words[OVERLAPS]).toBe(0);
  for (const lock of locks) expect(lock.locked).toBe(false);
  for (const permits of semaphores) expect(permits.value).toBe(2);
  for (const primitive of primitives) primitive.destroy();
}

it(`survives ${KILLS} deaths`, { timeout: BOUND + 30_000 }, () => storm(KILLS, 0));

it(`survives ${REAPERS} deaths of reapers beside those of others`, { timeout: BOUND + 30_000 }, () =>
  storm(REAPERS, 2),
);
