/** Blocking threads, and tasks of several threads, in one queue. */
import { BoundedSemaphore, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers } from './support/settle.ts';
import { thread, threads, until } from './support/threads.ts';
import { start, turn } from './support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

const HOLDABLES: [name: string, make: () => Lock][] = [
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
  ['Semaphore', () => new Semaphore(1)],
  ['BoundedSemaphore', () => new BoundedSemaphore(1)],
] as never;

describe.each(HOLDABLES)('The queue of a %s', (_, make) => {
  it('lets threads and tasks of several threads go on in the order in which they came', async () => {
    const lock = make();
    const order = integers(16);
    lock.acquire();
    const all: Promise<unknown>[] = [];
    for (let place = 1; place <= 12; place++) {
      all.push(
        start(
          { lock, order, place },
          ({ lock, order, place }) => lock.with(() => order.set([place], ++order[0]!)),
          ({ lock, order, place }) => lock.withAsync(() => order.set([place], ++order[0]!)),
        ),
      );
      await until(() => lock.waiters === place, `${place} wait`);
    }
    lock.release();
    await Promise.all(all);
    expect([...order.slice(1, 13)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(lock.waiters).toBe(0);
  });

  it('excludes tasks and threads that count with a plain variable', async () => {
    const rounds = 5_000;
    const lock = make();
    const count = integers(1);
    const others = threads(3, { lock, count, rounds }, async ({ lock, count, rounds, index }) => {
      for (let i = 0; i < rounds; i++) {
        if (index) lock.with(() => count[0]!++);
        else await lock.withAsync(() => count[0]!++);
      }
    });
    const task = async () => {
      for (let i = 0; i < rounds; i++) await lock.withAsync(() => count[0]!++);
    };
    await Promise.all([others, task(), task()]);
    expect(count[0]).toBe(5 * rounds);
    expect(lock.waiters).toBe(0);
  });

  it('passes on a grant that meets an abort', async () => {
    const rounds = 1_000;
    const lock = make();
    // Odd: the other thread holds the lock; even: a task waits for it and is about to be aborted.
    const step = integers(1);
    const releasing = thread({ lock, step, rounds }, ({ lock, step, rounds }) => {
      let blocked = 0;
      for (let round = 0; round < rounds; round++) {
        lock.acquire();
        Atomics.store(step, 0, 2 * round + 1);
        while (Atomics.load(step, 0) !== 2 * round + 2);
        for (let i = Math.random() * 300; i > 0; i--);
        lock.release();
        // Whether or not the task took the lock, it comes back.
        blocked += Number(lock.acquire(10_000));
        lock.release();
      }
      return blocked;
    });
    let taken = 0;
    for (let round = 0; round < rounds; round++) {
      await until(() => Atomics.load(step, 0) === 2 * round + 1, `round ${round}`);
      const controller = new AbortController();
      const task = lock.withAsync(() => taken++, { signal: controller.signal });
      Atomics.store(step, 0, 2 * round + 2);
      for (let i = Math.random() * 3_000; i > 0; i--);
      controller.abort(boom);
      await task.catch((error) => expect(error).toBe(boom));
    }
    expect(await releasing).toBe(rounds);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });
});

describe('An Event', () => {
  it('lets threads and tasks go on, set from wherever', async () => {
    for (const elsewhere of [false, true]) {
      const event = new Event();
      const waits = [
        event.waitAsync(),
        event.waitAsync({ timeout: 20_000 }),
        thread({ event }, ({ event }) => event.wait()),
        thread({ event }, ({ event }) => Promise.all([event.waitAsync(), event.waitAsync()])),
      ];
      await until(() => event.waiters === 5, 'five wait');
      if (elsewhere) await thread({ event }, ({ event }) => event.set());
      else event.set();
      expect((await Promise.all(waits)).flat()).toEqual(Array(5).fill(true));
      expect([await event.waitAsync(), await event.waitAsync({ timeout: 0 }), event.waiters]).toEqual([true, true, 0]);
    }
  });

  it('lets all go on who wait at the moment of set, also when clear follows at once', async () => {
    const event = new Event();
    for (let round = 0; round < 50; round++) {
      const waits = [
        event.waitAsync(),
        thread({ event }, ({ event }) => event.wait()),
        thread({ event }, ({ event }) => event.waitAsync()),
      ];
      await until(() => event.waiters === 3, 'three wait');
      event.set();
      event.clear();
      const late = event.waitAsync({ timeout: 1 });
      expect(await Promise.all(waits)).toEqual([true, true, true]);
      expect(await late).toBe(false);
    }
  });

  it('loses no set between two tasks of two threads that take turns', async () => {
    const turns = 2_000;
    const [ping, pong] = [new Event(), new Event()];
    const other = thread({ ping, pong, turns }, async ({ ping, pong, turns }) => {
      for (let turn = 0; turn < turns; turn++) {
        if (!(await ping.waitAsync({ timeout: 10_000 }))) return turn;
        ping.clear();
        pong.set();
      }
      return turns;
    });
    for (let turn = 0; turn < turns; turn++) {
      ping.set();
      expect(await pong.waitAsync({ timeout: 10_000 })).toBe(true);
      pong.clear();
    }
    expect(await other).toBe(turns);
  });
});

describe('A Semaphore', () => {
  it('lets as many go on as it gets permits, threads or tasks, the oldest first', async () => {
    const permits = new Semaphore(0);
    const through = integers(9);
    const waits: Promise<unknown>[] = [];
    for (let place = 0; place < 9; place++) {
      waits.push(
        start(
          { permits, through, place },
          ({ permits, through, place }) => through.set([Number(permits.acquire())], place),
          async ({ permits, through, place }) => through.set([Number(await permits.acquireAsync())], place),
        ),
      );
      await until(() => permits.waiters === place + 1, `${place + 1} wait`);
    }
    let total = 0;
    for (const n of [1, 4, 2, 2]) {
      total += n;
      permits.release(n);
      await until(() => through.reduce((sum, one) => sum + one) === total, `${total} are through`);
      expect([permits.waiters, permits.value]).toEqual([9 - total, 0]);
      expect([...through]).toEqual(Array.from({ length: 9 }, (_, place) => Number(place < total)));
    }
    await Promise.all(waits);
    permits.release(3);
    expect(permits.value).toBe(3);
  });

  it('never lets more in than it has permits, tasks and threads together', async () => {
    const [rounds, room] = [2_000, 2];
    const permits = new BoundedSemaphore(room);
    // How many are inside, and how many at the most.
    const inside = integers(2);
    const visit = () => {
      const now = Atomics.add(inside, 0, 1) + 1;
      if (now > inside[1]!) inside[1] = now;
    };
    const others = threads(3, { permits, inside, rounds }, async ({ permits, inside, rounds, index }) => {
      for (let i = 0; i < rounds; i++) {
        if (index) permits.acquire();
        else await permits.acquireAsync();
        const now = Atomics.add(inside, 0, 1) + 1;
        if (now > inside[1]!) inside[1] = now;
        Atomics.sub(inside, 0, 1);
        permits.release();
      }
    });
    const task = async () => {
      for (let i = 0; i < rounds; i++) {
        await permits.withAsync(async () => {
          visit();
          if (i % 100 === 0) await turn();
          Atomics.sub(inside, 0, 1);
        });
      }
    };
    await Promise.all([others, task(), task(), task()]);
    expect(inside[0]).toBe(0);
    expect(inside[1]).toBeLessThanOrEqual(room);
    expect([permits.value, permits.waiters]).toEqual([room, 0]);
  });
});
