import { Arena, Lock, NotHeldError } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { NOT_FUNCTIONS, OPTIONS, refuses, rejects, TIMEOUTS, WAITS } from '../support/badInput.ts';
import { excludes } from '../support/mutex.ts';
import { thread, until } from '../support/threads.ts';

describe('Lock', () => {
  it('is free at first, locked when acquired, free when released', () => {
    const lock = new Lock();
    expect(lock.locked).toBe(false);
    for (let round = 0; round < 3; round++) {
      expect(lock.acquire()).toBe(true);
      expect(lock.locked).toBe(true);
      expect(lock.release()).toBe(undefined);
      expect(lock.locked).toBe(false);
    }
  });

  it('is taken without waiting when it is free, whichever way', () => {
    const lock = new Lock();
    for (const acquire of [
      () => lock.tryAcquire(),
      ...[0, 10, Infinity, undefined].map((t) => () => lock.acquire(t)),
    ]) {
      expect(acquire()).toBe(true);
      expect(lock.locked).toBe(true);
      lock.release();
    }
  });

  it('is not recursive', () => {
    const lock = new Lock();
    lock.acquire();
    expect(lock.tryAcquire()).toBe(false);
    expect(lock.acquire(0)).toBe(false);
    expect(lock.acquire(5)).toBe(false);
    expect(lock.locked).toBe(true);
  });

  it('is released by another thread for one that waits for itself', async () => {
    const lock = new Lock();
    const other = thread({ lock }, ({ lock }) => {
      lock.acquire();
      lock.acquire();
    });
    await until(() => lock.waiters === 1, 'the other thread waits');
    lock.release();
    await other;
    expect(lock.locked).toBe(true);
    lock.release();
    expect(lock.locked).toBe(false);
  });

  it('passes from thread to thread', async () => {
    const lock = new Lock();
    for (let round = 0; round < 3; round++) {
      await thread({ lock }, ({ lock }) => lock.acquire());
      expect(lock.locked).toBe(true);
      await thread({ lock }, ({ lock }) => lock.release());
      expect(lock.locked).toBe(false);
    }
  });

  it('is locked still when a waiter gets it', async () => {
    const lock = new Lock();
    lock.acquire();
    const other = thread({ lock }, ({ lock }) => lock.acquire());
    await until(() => lock.waiters === 1, 'the other thread waits');
    lock.release();
    expect(await other).toBe(true);
    expect(lock.locked).toBe(true);
  });

  it('refuses to be released when nobody holds it, and stays usable', async () => {
    const lock = new Lock();
    for (let round = 0; round < 3; round++) {
      expect(() => lock.release()).toThrow(NotHeldError);
      expect(lock.locked).toBe(false);
      expect(lock.tryAcquire()).toBe(true);
      expect(lock.tryAcquire()).toBe(false);
      lock.release();
    }
    await expect(thread({ lock }, ({ lock }) => lock.release())).rejects.toThrow('Lock: not held');
  });
});

excludes('Lock', () => new Lock());

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

rejects(
  'Lock',
  () => new Lock(),
  (lock) => [lock.locked, lock.waiters, Arena.default.used],
  {
    acquireAsync: [WAITS, (lock, bad) => lock.acquireAsync(bad)],
    holdAsync: [WAITS, (lock, bad) => lock.holdAsync(bad)],
    withAsync: [NOT_FUNCTIONS, (lock, bad) => lock.withAsync(bad)],
    'withAsync (options)': [WAITS, (lock, bad) => lock.withAsync(() => 1, bad)],
  },
);
