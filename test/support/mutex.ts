import { Arena, Barrier, type Lock, type RLock, type Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, threads, until } from './threads.ts';

/** What can be held by one thread at a time. */
type Mutex = Lock | RLock | Semaphore;

/** The tests of whatever excludes others while one thread holds it, and has a FIFO queue of those who wait. */
export function excludes(label: string, make: () => Mutex): void {
  describe(`${label} excludes`, () => {
    it('8 threads that count with a plain variable', async () => {
      const lock = make();
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

    it('threads that try, wait for a moment, or wait for ever', async () => {
      const lock = make();
      const count = Arena.default.allocate(Int32Array, 1);
      const counted = await threads(6, { lock, count }, ({ lock, count, index }) => {
        const acquire = [() => lock.tryAcquire(), () => lock.acquire(0.02), () => lock.acquire()][index % 3]!;
        let counted = 0;
        for (let i = 0; i < 5_000; i++) {
          if (!acquire()) continue;
          count[0]!++;
          counted++;
          lock.release();
        }
        return counted;
      });
      expect(count[0]).toBe(counted.reduce((sum, each) => sum + each));
      expect(counted[2]).toBe(5_000);
      expect(lock.waiters).toBe(0);
      expect(lock.tryAcquire()).toBe(true);
    });
  });

  describe(`${label} as a queue`, () => {
    it('lets a waiter through when it is released, and not before', async () => {
      const lock = make();
      lock.acquire();
      const through = Arena.default.allocate(Int32Array, 1);
      const other = thread({ lock, through }, ({ lock, through }) => {
        lock.acquire();
        Atomics.store(through, 0, 1);
        lock.release();
      });
      await until(() => lock.waiters === 1, 'the other thread waits');
      expect(Atomics.load(through, 0)).toBe(0);
      lock.release();
      await other;
      expect(lock.waiters).toBe(0);
    });

    it('lets waiters through in the order in which they came', async () => {
      const lock = make();
      const order = Arena.default.allocate(Int32Array, 9);
      lock.acquire();
      const others: Promise<void>[] = [];
      for (let index = 0; index < 8; index++) {
        others.push(
          thread({ lock, order, index }, ({ lock, order, index }) => {
            lock.acquire();
            order[++order[0]!] = index;
            lock.release();
          }),
        );
        await until(() => lock.waiters === index + 1, `thread ${index} waits`);
      }
      lock.release();
      await Promise.all(others);
      expect([...order]).toEqual([8, 0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('keeps the others in order when one in the middle gives up', async () => {
      const lock = make();
      const order = Arena.default.allocate(Int32Array, 5);
      lock.acquire();
      await threads(5, {}, () => {}); // They exist now, so that all can wait within the time of the one.
      const others: Promise<void>[] = [];
      for (let index = 0; index < 5; index++) {
        others.push(
          thread({ lock, order, index }, ({ lock, order, index }) => {
            if (!lock.acquire(index === 2 ? 500 : undefined)) return;
            order[++order[0]!] = index;
            lock.release();
          }),
        );
        await until(() => lock.waiters === index + 1, `thread ${index} waits`);
      }
      await others[2];
      expect(lock.waiters).toBe(4);
      lock.release();
      await Promise.all(others);
      expect([...order]).toEqual([4, 0, 1, 3, 4]);
    });

    it('never starves a waiter among threads that acquire again at once', async () => {
      const lock = make();
      const stop = Arena.default.allocate(Int32Array, 1);
      const greedy = threads(2, { lock, stop }, ({ lock, stop }) => {
        while (!Atomics.load(stop, 0)) {
          lock.acquire();
          lock.release();
        }
      });
      await thread({ lock }, ({ lock }) => {
        for (let i = 0; i < 100; i++) {
          lock.acquire();
          lock.release();
        }
      });
      Atomics.store(stop, 0, 1);
      await greedy;
    });
  });

  describe(`${label} with a timeout`, () => {
    it('never gives up before its time, nor far too late', async () => {
      const lock = make();
      lock.acquire();
      const waits = await thread({ lock }, ({ lock }) =>
        [0.1, 0.9, 1, 2.5, 7, 20, 60].map((timeout) => {
          const start = performance.now();
          const acquired = lock.acquire(timeout);
          return { timeout, acquired, took: performance.now() - start };
        }),
      );
      for (const { timeout, acquired, took } of waits) {
        expect(acquired).toBe(false);
        expect(took, `acquire(${timeout})`).toBeGreaterThanOrEqual(timeout);
        expect(took, `acquire(${timeout})`).toBeLessThan(timeout + 2_000);
      }
      expect(lock.waiters).toBe(0);
    });

    it('comes through long before its time when it is released', async () => {
      const lock = make();
      lock.acquire();
      const others = threads(2, { lock }, ({ lock, index }) => {
        const acquired = lock.acquire([1e6, 2 ** 53][index]);
        lock.release();
        return acquired;
      });
      await until(() => lock.waiters === 2, 'both wait');
      lock.release();
      expect(await others).toEqual([true, true]);
    });

    it('is as if it had not been there when it gave up', async () => {
      const lock = make();
      lock.acquire();
      expect(await thread({ lock }, ({ lock }) => lock.acquire(5))).toBe(false);
      lock.release();
      expect(
        await thread({ lock }, ({ lock }) => {
          const acquired = lock.tryAcquire();
          if (acquired) lock.release();
          return acquired;
        }),
      ).toBe(true);
    });

    it('never takes a wake-up with it when its time ends at the release', async () => {
      const lock = make();
      const rounds = 1_500;
      const meeting = new Barrier(5);
      // Each round one holds it for about as long as three others wait; the last waits for ever, often behind them.
      const through = await threads(5, { lock, meeting, rounds }, ({ lock, meeting, rounds, index }) => {
        let through = 0;
        for (let round = 0; round < rounds; round++) {
          if (index === 0) lock.acquire();
          meeting.wait();
          const time = 0.05 + (round % 7) * 0.03;
          if (index === 0) {
            for (const end = performance.now() + time + (round % 5) * 0.03; performance.now() < end; );
            lock.release();
          } else if (lock.acquire(index === 4 ? undefined : time)) {
            through++;
            lock.release();
          }
          meeting.wait();
        }
        return through;
      });
      expect(through[4]).toBe(rounds);
      expect(lock.waiters).toBe(0);
    });
  });

  describe(`${label} without waiting`, () => {
    it('tryAcquire and acquire(0) answer at once', async () => {
      const lock = make();
      lock.acquire();
      const waiting = thread({ lock }, ({ lock }) => {
        lock.acquire();
        lock.release();
      });
      await until(() => lock.waiters === 1, 'one waits');
      const { acquired, took } = await thread({ lock }, ({ lock }) => {
        const start = performance.now();
        let acquired = false;
        for (let i = 0; i < 10_000; i++) acquired ||= lock.tryAcquire() || lock.acquire(0);
        return { acquired, took: performance.now() - start };
      });
      expect(acquired).toBe(false);
      expect(took).toBeLessThan(2_000);
      expect(lock.waiters).toBe(1);
      lock.release();
      await waiting;
    });
  });
}
