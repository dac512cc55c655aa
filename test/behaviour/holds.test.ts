/** The permits of a semaphore that guards have are counted for each thread, and no others. */
import { Arena, BoundedSemaphore, Event, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { CELL_SIZE, HOLD_COUNT, KIND_HOLD, THREAD_OWNING_THREAD } from '../../assembly/abi.ts';
import { threadArenaOf } from '../support/dead.ts';
import { fill } from '../support/fill.ts';
import { thread, until } from '../support/threads.ts';
import { RawArena } from '../support/waiting.ts';

const ARENA = 1 << 16;

const SEMAPHORES: [string, (permits: number, arena: Arena) => Semaphore][] = [
  ['Semaphore', (permits, arena) => new Semaphore(permits, { arena })],
  ['BoundedSemaphore', (permits, arena) => new BoundedSemaphore(permits, { arena })],
];

/** The holds of this thread in an arena, or of all: how many permits each has. */
function counts(arena: Arena, all = false): number[] {
  const raw = new RawArena(arena.memory, arena.address);
  const me = threadArenaOf(arena).thread;
  const holds = [...raw.cells(KIND_HOLD)].filter((hold) => all || raw.word(hold, THREAD_OWNING_THREAD) === me);
  return holds.map((hold) => raw.word(hold, HOLD_COUNT));
}

describe.each(SEMAPHORES)('A %s', (_kind, make) => {
  it('counts the permits of guards, blocking and async, and no others', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(8, arena);
    semaphore.acquire();
    semaphore.tryAcquire();
    await semaphore.acquireAsync();
    expect(counts(arena)).toEqual([]);
    const { used } = arena;
    const guard = semaphore.hold();
    expect(counts(arena)).toEqual([1]);
    const other = await semaphore.holdAsync();
    expect(counts(arena)).toEqual([2]);
    semaphore.with(() => expect(counts(arena)).toEqual([3]));
    await semaphore.withAsync(async () => expect(counts(arena)).toEqual([3]));
    expect(() => semaphore.with(() => semaphore.withAsync(() => {}))).toThrow(TypeError);
    await until(() => counts(arena)[0] === 2, 'all are over but two');
    guard.release();
    guard.release();
    semaphore.release(2);
    expect(counts(arena)).toEqual([1]);
    other.release();
    semaphore.release();
    expect([counts(arena), semaphore.value]).toEqual([[0], 8]);
    expect(arena.used).toBe(used + CELL_SIZE);
    semaphore.destroy();
    expect(counts(arena)).toEqual([]);
  });

  it('counts what a guard waited for', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(1, arena);
    const order: number[] = [];
    semaphore.acquire();
    const waiting = [0, 1, 2].map((place) =>
      semaphore.withAsync(() => {
        expect(counts(arena)).toEqual([1]);
        order.push(place);
      }),
    );
    expect([semaphore.waiters, counts(arena)]).toEqual([3, [0]]);
    semaphore.release();
    await Promise.all(waiting);
    expect([order, counts(arena), semaphore.value]).toEqual([[0, 1, 2], [0], 1]);
    semaphore.destroy();
  });

  it('knows whose permit is handed to whom, a guard or not', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(1, arena);
    const guard = semaphore.hold();
    const bare = semaphore.acquireAsync();
    const second = semaphore.holdAsync();
    const third = semaphore.holdAsync();
    const last = semaphore.acquireAsync();
    expect([semaphore.waiters, counts(arena)]).toEqual([4, [1]]);
    guard.release();
    expect(await bare).toBe(true);
    expect(counts(arena)).toEqual([0]);
    semaphore.release();
    (await second).release();
    expect(counts(arena)).toEqual([1]);
    (await third).release();
    expect(await last).toBe(true);
    expect(counts(arena)).toEqual([0]);
    semaphore.release();
    expect(semaphore.value).toBe(1);
    semaphore.destroy();
  });

  it('counts the permit of another thread, that a task or a blocked thread was woken for', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(1, arena);
    semaphore.acquire();
    const task = semaphore.holdAsync();
    const blocked = thread({ semaphore }, ({ semaphore }) => {
      semaphore.hold();
      return true;
    });
    await until(() => semaphore.waiters === 2, 'both wait');
    await thread({ semaphore }, ({ semaphore }) => semaphore.release());
    const guard = await task;
    expect(counts(arena)).toEqual([1]);
    guard.release();
    expect(await blocked).toBe(true);
    expect(counts(arena, true).sort()).toEqual([0, 1]);
    semaphore.release();
    expect(semaphore.value).toBe(1);
  });

  it('counts the permit of a thread that blocks beside its tasks', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(1, arena);
    const event = new Event({ arena });
    const answer = thread({ semaphore, event }, async ({ semaphore, event }) => {
      const task = event.waitAsync();
      const guard = semaphore.hold();
      guard.release();
      const again = semaphore.hold();
      event.set();
      await task;
      again.release();
      return semaphore.value;
    });
    expect(await answer).toBe(1);
    semaphore.acquire();
    const busy = event.waitAsync();
    event.clear();
    const waiting = event.waitAsync();
    const helper = thread({ semaphore }, ({ semaphore }) => {
      const nap = new Int32Array(new SharedArrayBuffer(4));
      while (semaphore.waiters === 0) Atomics.wait(nap, 0, 0, 1);
      semaphore.release();
    });
    const guard = semaphore.hold();
    expect(counts(arena)).toEqual([1]);
    guard.release();
    expect(counts(arena)).toEqual([0]);
    await helper;
    event.set();
    expect([await busy, await waiting]).toEqual([true, true]);
    semaphore.destroy();
  });

  it('counts nothing for a call that gives up', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(1, arena);
    semaphore.acquire();
    expect(() => semaphore.hold(0)).toThrow('not acquired within 0 ms');
    expect(() => semaphore.hold(1)).toThrow('not acquired within 1 ms');
    await expect(semaphore.holdAsync({ timeout: 1 })).rejects.toThrow('not acquired within 1 ms');
    const controller = new AbortController();
    const waiting = semaphore.holdAsync({ signal: controller.signal });
    const behind = semaphore.holdAsync();
    controller.abort(new Error('the flight is cancelled'));
    await expect(waiting).rejects.toThrow('the flight is cancelled');
    expect(counts(arena)).toEqual([0]);
    semaphore.release();
    (await behind).release();
    expect([counts(arena), semaphore.value]).toEqual([[0], 1]);
    semaphore.destroy();
  });

  it('works as ever in a full arena, uncounted', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const semaphore = make(2, arena);
    await semaphore.acquireAsync();
    semaphore.release();
    const locks = fill(arena);
    const guard = semaphore.hold();
    expect([counts(arena), semaphore.value]).toEqual([[], 1]);
    locks.pop()!.destroy();
    const counted = await semaphore.holdAsync();
    expect([counts(arena), semaphore.value]).toEqual([[1], 0]);
    guard.release();
    expect([counts(arena), semaphore.value]).toEqual([[1], 1]);
    counted.release();
    expect([counts(arena), semaphore.value]).toEqual([[0], 2]);
  });

  it('leaves no hold behind, whoever destroys it', async () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const { used } = arena;
    for (let round = 0; round < 100; round++) {
      const semaphore = make(1, arena);
      semaphore.with(() => {});
      semaphore.destroy();
      expect(arena.used).toBe(used);
    }
    await thread({ arena }, ({ arena }) => arena.used);
    for (let round = 0; round < 20; round++) {
      const semaphore = make(1, arena);
      semaphore.with(() => {});
      await thread({ semaphore }, ({ semaphore }) => semaphore.destroy());
      expect(counts(arena).length).toBeLessThanOrEqual(2);
    }
  });

  it('that is destroyed makes no hold, and its guards release nothing of the next one', () => {
    const arena = new Arena({ maximumBytes: ARENA });
    const first = new Semaphore(1, { arena });
    const guard = first.hold();
    first.destroy();
    expect(() => first.hold()).toThrow('it has been destroyed');
    expect(counts(arena)).toEqual([]);
    // At the same place, perhaps.
    const others = [1, 2, 3].map(() => make(1, arena));
    const guards = others.map((other) => other.hold());
    expect(() => guard.release()).toThrow('it has been destroyed');
    expect(counts(arena)).toEqual([1, 1, 1]);
    for (const other of guards) other.release();
    for (const other of others) other.destroy();
    expect(counts(arena)).toEqual([]);
  });
});
