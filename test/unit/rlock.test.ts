import { Arena, Condition, NotHeldError, Owner, RLock } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { NOT_FUNCTIONS, NOT_OPTIONS, OPTIONS, OWNERS, refuses, rejects, TIMEOUTS, WAITS } from '../support/badInput.ts';
import { excludes } from '../support/mutex.ts';
import { thread, threads, until } from '../support/threads.ts';

const state = (lock: RLock) => ({ locked: lock.locked, owned: lock.owned, recursionCount: lock.recursionCount });
const FREE = { locked: false, owned: false, recursionCount: 0 };
const OTHERS = { locked: true, owned: false, recursionCount: 0 };
const mine = (recursionCount: number) => ({ locked: true, owned: true, recursionCount });

describe('RLock', () => {
  it('counts how often its owner holds it', () => {
    const lock = new RLock();
    expect(state(lock)).toEqual(FREE);
    for (let count = 1; count <= 3; count++) {
      expect(lock.acquire()).toBe(true);
      expect(state(lock)).toEqual(mine(count));
    }
    for (let count = 2; count >= 1; count--) {
      expect(lock.release()).toBe(undefined);
      expect(state(lock)).toEqual(mine(count));
    }
    lock.release();
    expect(state(lock)).toEqual(FREE);
  });

  it('is acquired again whichever way', () => {
    const lock = new RLock();
    lock.acquire();
    for (const timeout of [0, 10, Infinity, undefined]) expect(lock.acquire(timeout)).toBe(true);
    expect(lock.tryAcquire()).toBe(true);
    expect(lock.recursionCount).toBe(6);
  });

  it('is acquired again as often as one likes', () => {
    const lock = new RLock();
    for (let i = 0; i < 100_000; i++) lock.acquire();
    expect(lock.recursionCount).toBe(100_000);
    for (let i = 0; i < 100_000; i++) lock.release();
    expect(state(lock)).toEqual(FREE);
  });

  it('refuses to be released once too often, and stays usable', () => {
    const lock = new RLock();
    for (let depth = 0; depth < 3; depth++) {
      for (let i = 0; i < depth; i++) lock.acquire();
      for (let i = 0; i < depth; i++) lock.release();
      expect(() => lock.release()).toThrow(NotHeldError);
      expect(state(lock)).toEqual(FREE);
    }
  });

  it('is released by its owner only', async () => {
    const lock = new RLock({ name: 'mine' });
    lock.acquire();
    lock.acquire();
    const release = thread({ lock }, ({ lock }) => lock.release());
    await expect(release).rejects.toThrow('RLock "mine": not held by this thread, but by another');
    await expect(release).rejects.toHaveProperty('name', 'NotHeldError');
    expect(state(lock)).toEqual(mine(2));
  });

  it('looks to every thread as it is for that thread', async () => {
    const lock = new RLock();
    const look = () =>
      thread({ lock }, ({ lock }) => {
        const tried = lock.tryAcquire();
        const { locked, owned, recursionCount } = lock;
        if (tried) lock.release();
        return { tried, locked, owned, recursionCount };
      });
    lock.acquire();
    lock.acquire();
    expect(await look()).toEqual({ tried: false, ...OTHERS });
    lock.release();
    expect(await look()).toEqual({ tried: false, ...OTHERS });
    lock.release();
    expect(await look()).toEqual({ tried: true, ...mine(1) });
    expect(state(lock)).toEqual(FREE);
  });

  it('is free for others only when it is released as often as it was acquired', async () => {
    const lock = new RLock();
    for (let i = 0; i < 3; i++) lock.acquire();
    const other = thread({ lock }, ({ lock }) => {
      lock.acquire();
      lock.acquire();
      const { recursionCount } = lock;
      lock.release();
      lock.release();
      return recursionCount;
    });
    await until(() => lock.waiters === 1, 'the other thread waits');
    for (let i = 0; i < 2; i++) {
      lock.release();
      expect(await thread({ lock }, ({ lock }) => lock.acquire(5))).toBe(false);
      expect(lock.waiters).toBe(1);
    }
    lock.release();
    expect(await other).toBe(2);
  });

  it('keeps each owner its count while threads pass it on', async () => {
    const lock = new RLock();
    const total = Arena.default.allocate(Int32Array, 1);
    const wrong = await threads(4, { lock, total }, ({ lock, total, index }) => {
      let wrong = 0;
      for (let round = 0; round < 5_000; round++) {
        const depth = 1 + ((round + index) % 3);
        for (let count = 1; count <= depth; count++) {
          lock.acquire();
          total[0]!++;
          if (lock.recursionCount !== count) wrong++;
        }
        for (let count = depth; count > 0; count--) lock.release();
        if (lock.owned || lock.recursionCount) wrong++;
      }
      return wrong;
    });
    expect(wrong).toEqual([0, 0, 0, 0]);
    // A third of the rounds each goes 1, 2 and 3 deep; 5,000 is no multiple of 3.
    expect(total[0]).toBe(4 * 10_000 - 1);
    expect(state(lock)).toEqual(FREE);
  });

  it('is given up entirely by the wait of a Condition, and has its count again afterwards', async () => {
    const lock = new RLock();
    const condition = new Condition(lock);
    const waiter = thread({ condition, lock }, ({ condition, lock }) => {
      for (let i = 0; i < 3; i++) lock.acquire();
      const notified = condition.wait();
      const { recursionCount } = lock;
      for (let i = 0; i < 3; i++) lock.release();
      return { notified, recursionCount, owned: lock.owned };
    });
    await until(() => condition.waiters === 1 && !lock.locked, 'it waits without the lock');
    expect(lock.tryAcquire()).toBe(true);
    expect(state(lock)).toEqual(mine(1));
    condition.notify();
    lock.release();
    expect(await waiter).toEqual({ notified: true, recursionCount: 3, owned: false });
  });

  it('has its count again when the wait of a Condition runs out of time', () => {
    const lock = new RLock();
    const condition = new Condition(lock);
    for (let i = 0; i < 3; i++) lock.acquire();
    expect(condition.wait(5)).toBe(false);
    expect(state(lock)).toEqual(mine(3));
  });
});

excludes('RLock', () => new RLock());

refuses(
  'RLock',
  () => new RLock(),
  (lock) => [state(lock), lock.waiters, Arena.default.used],
  {
    new: [OPTIONS, (_, bad) => new RLock(bad)],
    acquire: [TIMEOUTS, (lock, bad) => lock.acquire(bad)],
    hold: [TIMEOUTS, (lock, bad) => lock.hold(bad)],
    with: [NOT_FUNCTIONS, (lock, bad) => lock.with(bad)],
    release: [[...OWNERS, ...NOT_OPTIONS], (lock, bad) => lock.release(bad)],
  },
);

const owner = new Owner();
rejects(
  'RLock',
  () => new RLock(),
  (lock) => [state(lock), lock.waiters, Arena.default.used],
  {
    'acquireAsync (no owner)': [
      [undefined, {}, { timeout: 0 }].map((bad) => [bad, TypeError]),
      (lock, bad) => lock.acquireAsync(bad),
    ],
    acquireAsync: [OWNERS, (lock, bad) => lock.acquireAsync(bad)],
    'acquireAsync (options)': [
      WAITS.filter(([bad]) => bad && typeof bad === 'object'),
      (lock, bad: object) => lock.acquireAsync({ ...bad, owner }),
    ],
    holdAsync: [[...OWNERS, ...WAITS], (lock, bad) => lock.holdAsync(bad)],
    withAsync: [NOT_FUNCTIONS, (lock, bad) => lock.withAsync(bad)],
    'withAsync (options)': [[...OWNERS, ...WAITS], (lock, bad) => lock.withAsync(() => 1, bad)],
  },
);
