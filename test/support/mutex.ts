import { Arena, Barrier, type Lock, type RLock, type Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, threads, until } from './threads.ts';
import { expectInTurn, passOn } from './turns.ts';

/** What can be held by one thread at a time. */
type Mutex = Lock | RLock | Semaphore;

/** The tests of whatever excludes others while one thread holds it, and has a FIFO queue of waiters. */
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
      const round = async () => {
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
        const slowest = await passOn(lock, others);
        return { order: [...order], slowest };
      };
      await expectInTurn(round, [8, 0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('lets a waiter through at whatever moment of its way to sleep it is released', async () => {
      const lock = make();
      // 0 and 1: how often each came to meet the other; 2: it is time to end; 3: never changes.
      const words = Arena.default.allocate(Int32Array, 4);
      await threads(2, { lock, words }, ({ lock, words, index }) => {
        // Without a message or a sleep: they must go on within a microsecond.
        const meet = () => {
          const times = Atomics.add(words, index, 1) + 1;
          for (let spins = 0; Atomics.load(words, 1 - index) < times; ) {
            if (++spins > 5_000) Atomics.wait(words, 3, 0, 0.05);
          }
        };
        const end = performance.now() + 300;
        for (let round = 0; !words[2]; round++) {
          if (index === 0) lock.acquire();
          meet();
          // Spinning and falling asleep take some microseconds; go through them in small steps.
          if (index === 0) for (let wait = 2 * (round % 1_000); wait > 0; wait--);
          else lock.acquire();
          lock.release();
          if (index === 0) words[2] = Number(performance.now() > end);
          meet();
        }
      });
      expect(lock.waiters).toBe(0);
    });

    it('keeps the others in order when one in the middle gives up', async () => {
      const round = async () => {
        const lock = make();
        const order = Arena.default.allocate(Int32Array, 5);
        lock.acquire();
        await threads(5, {}, () => {}); // They exist now, so that all can wait within the time of the one.
        const others: Promise<void>[] = [];
        for (let index = 0; index < 5; index++) {
          others.push(
            thread({ lock, order, index }, ({ lock, order, index }) => {
              if (!lock.acquire(index === 2 ? 1_000 : undefined)) return;
              order[++order[0]!] = index;
              lock.release();
            }),
          );
          await until(() => lock.waiters === index + 1, `thread ${index} waits`);
        }
        await others[2];
        expect(lock.waiters).toBe(4);
        const slowest = await passOn(lock, others);
        return { order: [...order], slowest };
      };
      await expectInTurn(round, [4, 0, 1, 3, 4]);
    });

    it('never starves a waiter beside a thread that acquires again at once', async () => {
      const lock = make();
      const done = Arena.default.allocate(Int32Array, 1);
      const greedy = thread({ lock, done }, ({ lock, done }) => {
        let turns = 0;
        for (; turns < 10_000 && !Atomics.load(done, 0); turns++) {
          lock.acquire();
          for (const end = performance.now() + 0.2; performance.now() < end; );
          lock.release();
        }
        return turns;
      });
      await thread({ lock, done }, ({ lock, done }) => {
        for (let i = 0; i < 50; i++) lock.with(() => {});
        Atomics.store(done, 0, 1);
      });
      expect(await greedy).toBeLessThan(10_000);
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
