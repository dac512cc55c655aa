import { Barrier, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers, settle } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';

/** Each of these must be done by then (ms), also on a busy machine. */
const BOUND = 9_500;

describe('8 threads', () => {
  const locks = { Lock: new Lock(), RLock: new RLock(), 'Semaphore(1)': new Semaphore(1), Condition: new Condition() };

  it.each(Object.entries(locks))('count to 800,000 under a %s', async (_, lock) => {
    const count = integers(1);
    await threads(
      8,
      { lock, count, start: new Barrier(8) },
      ({ lock, count, start }) => {
        start.wait();
        for (let i = 0; i < 100_000; i++) {
          lock.acquire();
          count[0]!++;
          lock.release();
        }
      },
      BOUND,
    );
    expect(count[0]).toBe(800_000);
    expect(lock.waiters).toBe(0);
  });

  it('pass a Barrier 10,000 times, with every index once a round', async () => {
    const [parties, rounds] = [8, 10_000];
    const barrier = new Barrier(parties);
    const lastRound = integers(parties);
    const wrong = await threads(
      parties,
      { barrier, lastRound, rounds },
      ({ barrier, lastRound, rounds }) => {
        let wrong = 0;
        for (let round = 1; round <= rounds; round++) {
          const index = barrier.wait();
          if (Atomics.exchange(lastRound, index, round) !== round - 1) wrong++;
        }
        return wrong;
      },
      BOUND,
    );
    expect(wrong).toEqual(Array(parties).fill(0));
    expect([...lastRound]).toEqual(Array(parties).fill(rounds));
  });
});

describe('A Condition with 16 waiters', () => {
  for (const lock of [new Lock(), new RLock()]) {
    it(`wakes exactly n with notify(n), for n = 1 … 16, over ${lock}`, async () => {
      const count = 16;
      const condition = new Condition(lock);
      const gate = new Event();
      const woken = integers(1);
      const all = threads(
        count,
        { condition, gate, woken, count },
        ({ condition, gate, woken, count }) => {
          for (let round = 1; round <= count; round++) {
            condition.acquire();
            const notified = condition.wait();
            woken[0]!++;
            condition.release();
            if (!notified) return false;
            gate.wait();
          }
          return true;
        },
        BOUND,
      );
      for (let n = 1; n <= count; n++) {
        await until(() => condition.waiters === count && gate.waiters === 0, 'all wait');
        gate.clear();
        woken[0] = 0;
        condition.with(() => condition.notify(n));
        await until(() => gate.waiters === n, `${n} wait at the gate`);
        expect([woken[0], condition.waiters, lock.locked, lock.waiters]).toEqual([n, count - n, false, 0]);
        // The others are notified too, so that all have as many rounds.
        condition.with(() => condition.notifyAll());
        await until(() => gate.waiters === count, 'all wait at the gate');
        expect(woken[0]).toBe(count);
        gate.set();
      }
      expect(await all).toEqual(Array(count).fill(true));
    });
  }
});

describe('Everything at once, with timeouts', () => {
  it('leaves everything free, nobody waiting, and loses no wake-up', async () => {
    const [steps, count] = [8_000, 6];
    const lock = new Lock();
    const rlock = new RLock();
    const permits = new Semaphore(2);
    const event = new Event();
    const barrier = new Barrier(2);
    const condition = new Condition(new Lock());
    // How many are inside of Lock, RLock, Semaphore; how many were acquired; how often there were too many inside.
    const inside = integers(3);
    const wrong = integers(1);
    const all = threads(
      count,
      { lock, rlock, permits, event, barrier, condition, inside, wrong, steps },
      (shared) => {
        const { lock, rlock, permits, event, barrier, condition, inside, wrong, steps } = shared;
        const timeout = () => [0, Math.random() * 0.05, Math.random() * 0.5, 10_000][Math.floor(Math.random() * 4)]!;
        const brief = () => Math.random() * 0.2;
        const visit = (place: number, room: number) => {
          if (Atomics.add(inside, place, 1) >= room) Atomics.add(wrong, 0, 1);
          // Mostly brief; now and then longer than the timeouts of those that wait.
          for (let i = Math.random() ** 8 * 300_000; i > 0; i--);
          Atomics.sub(inside, place, 1);
        };
        const moves = [
          () => {
            if (!lock.acquire(timeout())) return;
            visit(0, 1);
            lock.release();
          },
          () => {
            if (!rlock.acquire(timeout())) return;
            rlock.acquire();
            visit(1, 1);
            rlock.release();
            if (rlock.recursionCount !== 1) Atomics.add(wrong, 0, 1);
            rlock.release();
          },
          () => {
            if (!permits.acquire(timeout())) return;
            visit(2, 2);
            permits.release();
          },
          () => event.wait(brief()),
          () => event.set(),
          () => event.clear(),
          () => {
            try {
              barrier.wait(brief());
            } catch {
              barrier.reset();
            }
          },
          () => {
            if (!condition.acquire(timeout())) return;
            condition.wait(brief());
            condition.release();
          },
          () => condition.with(() => condition.notify(Math.floor(Math.random() * 3))),
        ];
        for (let step = 0; step < steps; step++) moves[Math.floor(Math.random() * moves.length)]!();
        // A wake-up lost on the way would leave one of these behind.
        for (const held of [lock, rlock, permits, condition]) {
          held.acquire();
          held.release();
        }
      },
      BOUND,
    );
    await all;
    expect(wrong[0]).toBe(0);
    const everything = [lock, rlock, permits, event, barrier, condition, condition.lock];
    expect(everything.map(({ waiters }) => waiters)).toEqual(everything.map(() => 0));
    expect([lock, rlock, condition.lock].map(({ locked }) => locked)).toEqual([false, false, false]);
    expect(permits.value).toBe(2);

    // And each still lets a last waiter through.
    event.clear();
    barrier.reset();
    for (const held of [lock, rlock, permits, permits]) held.acquire();
    const last = [
      thread({ lock }, ({ lock }) => lock.acquire()),
      thread({ rlock }, ({ rlock }) => rlock.acquire()),
      thread({ permits }, ({ permits }) => permits.acquire()),
      thread({ event }, ({ event }) => event.wait()),
      thread({ barrier }, ({ barrier }) => barrier.wait() === 0),
      thread({ condition }, ({ condition }) => condition.with(() => condition.wait())),
    ];
    const waited = [lock, rlock, permits, event, barrier, condition];
    await until(() => waited.every(({ waiters }) => waiters === 1), 'one thread waits for each');
    for (const held of [lock, rlock, permits]) held.release();
    event.set();
    expect(barrier.wait()).toBe(1);
    condition.with(() => condition.notify());
    expect(await Promise.all(last)).toEqual(Array(6).fill(true));
    settle(() => !condition.lock.locked, 'the last waiter releases the lock');
  });
});
