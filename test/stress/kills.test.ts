/** A storm of deaths: threads that use every primitive, blocking and as tasks, are terminated at random moments. */
import type * as threading from 'lockwork';
import { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { expect, it } from 'vitest';
import { KIND_HOLD, KIND_INFO, KIND_RESERVED, KIND_TASK, KIND_THREAD, THREAD_TICKETS } from '../../assembly/abi.ts';
import { mortal, reaped } from '../support/mortal.ts';
import type { Thread } from '../support/spawn.ts';
import { PATIENCE, until } from '../support/threads.ts';
import { RawArena } from '../support/waiting.ts';

/** How many threads are terminated; 2,000 is a storm. */
const KILLS = Number(globalThis.process?.env.LOCKWORK_KILLS ?? 200);
/** How many live at a time. */
const THREADS = 4;
/** For so many deaths (ms), on a busy machine: each is followed by a new thread. */
const BOUND = 60_000 + KILLS * 300;

/** In `words`: 1 when all threads are to come to an end; how many have; overlaps; uses; then who is inside of each lock. */
const STOP = 0;
const ENDED = 1;
const OVERLAPS = 2;
const USES = 3;
const INSIDE = 4;

interface Shared {
  arena: Arena;
  words: Int32Array;
  locks: [Lock, RLock, Lock, RLock];
  conditions: [Condition, Condition];
  semaphores: [Semaphore, BoundedSemaphore];
  event: Event;
  barrier: Barrier;
}

/** What a thread does until it is told to stop, or terminated. Travels as text. */
async function live(
  shared: Shared & { at: Record<'STOP' | 'ENDED' | 'OVERLAPS' | 'USES' | 'INSIDE', number> },
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
    if (use !== EVENT && use !== BARRIER) holding++;
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
      if (use !== EVENT && use !== BARRIER) holding--;
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

it(`survives ${KILLS} deaths: nobody is stuck, nothing overlaps, nothing is left`, {
  timeout: BOUND + 30_000,
}, async () => {
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
  const primitives = [...locks, ...conditions, ...semaphores, event, barrier];
  const before = arena.used;
  const at = { STOP, ENDED, OVERLAPS, USES, INSIDE };
  const start = (): Thread => mortal({ ...shared, at }, live);
  const living = Array.from({ length: THREADS }, start);
  let last = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    const uses = Atomics.load(words, USES);
    // Something goes on between two deaths, if only for a moment.
    await until(
      () => Atomics.load(words, USES) !== uses || performance.now() - last > 100,
      'somebody gets through',
      BOUND,
    );
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const victim = Math.floor(Math.random() * THREADS);
    const { terminate } = living[victim]!;
    living[victim] = start();
    await terminate();
    last = performance.now();
  }
  const uses = Atomics.load(words, USES);
  await until(() => Atomics.load(words, USES) > uses + 100, 'the living go on', PATIENCE, arena);
  Atomics.store(words, STOP, 1);
  await until(() => Atomics.load(words, ENDED) >= THREADS, 'all of the living come to an end', PATIENCE, arena);
  for (const worker of living) await worker.terminate();
  const raw = new RawArena(arena.memory, arena.address);
  // A terminated thread may go on for some milliseconds, with all that it has. One without a ticket is never found dead.
  const known = () => [...raw.cells(KIND_THREAD)].filter((thread) => raw.word(thread, THREAD_TICKETS) & 0xff);
  await reaped(() => known().length === 1, 'this thread is the last', arena);
  for (const { waiters } of primitives) expect(waiters).toBe(0);
  expect(words[OVERLAPS]).toBe(0);
  for (const lock of locks) expect(lock.locked).toBe(false);
  for (const permits of semaphores) expect(permits.value).toBe(2);
  // Of a thread that dies in the midst of an allocation, nobody can tell its cells from those of the living.
  const left = (arena.used - before) / 64;
  const kinds = { thread: KIND_THREAD, task: KIND_TASK, info: KIND_INFO, hold: KIND_HOLD, reserved: KIND_RESERVED };
  const found = Object.entries(kinds).map(([name, kind]) => `${name} ${[...raw.cells(kind)].length}`);
  expect(left, `cells that are left; there are: ${found.join(', ')}`).toBeLessThanOrEqual(Math.ceil(KILLS / 100));
  for (const primitive of [...conditions, ...locks, ...semaphores, event, barrier]) primitive.destroy();
});
