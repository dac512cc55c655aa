import { Arena, Lock } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { NOT_FUNCTIONS, OPTIONS, refuses, TIMEOUTS } from './support/badInput.ts';
import { thread, threads, until } from './support/threads.ts';

describe('Lock', () => {
  it('is handed to a waiter', async () => {
    const lock = new Lock();
    lock.acquire();
    const other = thread({ lock }, ({ lock }) => lock.acquire());
    await until(() => lock.waiters === 1, 'the other thread waits');
    lock.release();
    expect(await other).toBe(true);
    expect(lock.locked).toBe(true);
  });

  it('counts under contention', async () => {
    const lock = new Lock();
    const count = Arena.default.allocate(Int32Array, 1);
    await threads(8, { lock, count }, ({ lock, count }) => {
      for (let i = 0; i < 100_000; i++) {
        lock.acquire();
        count[0]!++;
        lock.release();
      }
    });
    expect(count[0]).toBe(800_000);
  });
});

refuses(
  'Lock',
  () => new Lock(),
  (lock) => [lock.locked, lock.waiters, Arena.default.used],
  {
    new: [OPTIONS, (_, bad) => new Lock(bad)],
    acquire: [TIMEOUTS, (lock, bad) => lock.acquire(bad)],
    hold: [TIMEOUTS, (lock, bad) => lock.hold(bad)],
    with: [NOT_FUNCTIONS, (lock, bad) => lock.with(bad)],
  },
);
