/** Blocking threads, and tasks of several threads, in one queue. */
import { Barrier, BoundedSemaphore, Condition, Event, Lock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';
import { expectInTurn, timed } from '../support/turns.ts';
import { HOLDABLES, outcome, start, turn } from '../support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

describe.each(HOLDABLES)('The queue of a %s', (_, make) => {
  /** Twelve have their turns: their places in the order of those, and how long (ms) the next one let wait for itself at most. */
  async function turns(): Promise<{ order: number[]; slowest: number }> {
    const lock = make();
    const order = integers(16);
    const times = integers(16);
    const shared = { lock, order, times };
    lock.acquire();
    const all: Promise<unknown>[] = [];
    for (let place = 1; place <= 12; place++) {
      all.push(
        start(
          { ...shared, place },
          ({ lock, order, times, place }) =>
            lock.with(() => {
              order.set([place], ++order[0]!);
              times[order[0]!] = Date.now() % 2 ** 30;
            }),
          ({ lock, order, times, place }) =>
            lock.withAsync(() => {
              order.set([place], ++order[0]!);
              times[order[0]!] = Date.now() % 2 ** 30;
            }),
        ),
      );
      await until(() => lock.waiters === place, `${place} wait`);
    }
    times[0] = Date.now() % 2 ** 30;
    lock.release();
    await Promise.all(all);
    expect(lock.waiters).toBe(0);
    const gaps = [...times.slice(1, 13)].map((time, index) => time - times[index]!);
    return { order: [...order.slice(1, 13)], slowest: Math.max(...gaps) };
  }

  it('lets threads and tasks of several threads go on in the order in which they came', async () => {
    await expectInTurn(turns, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
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

  it('excludes threads that block beside tasks of their own, and lets all of them through', async () => {
    const lock = make();
    const count = integers(1);
    const both = async ({ lock, count }: { lock: Lock; count: Int32Array }) => {
      let left = 3;
      const task = async () => {
        for (let i = 0; i < 1_000; i++) await lock.withAsync(() => count[0]!++);
        left--;
      };
      const tasks = [task(), task(), task()];
      let blocked = 0;
      for (; left > 0; blocked++) {
        // At the begin of a turn none of them holds it.
        await new Promise((resolve) => setTimeout(resolve));
        lock.with(() => count[0]!++);
      }
      await Promise.all(tasks);
      return blocked;
    };
    const others = threads(2, { lock, count }, both);
    const [own, ...theirs] = await Promise.all([both({ lock, count }), others]);
    const blocked = [own, ...theirs.flat()].reduce((sum, one) => sum + one);
    expect(count[0]).toBe(3 * 3 * 1_000 + blocked);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('is left by a thread whose time is up, after it has blocked beside its tasks', async () => {
    const lock = make();
    lock.acquire();
    // What it learns of spinning beside a task, which does not spin, it must not use without one.
    const took = await thread({ lock, event: new Event() }, async ({ lock, event }) => {
      const task = event.waitAsync();
      for (let tries = 0; tries < 40; tries++) lock.acquire(0.01);
      event.set();
      await task;
      const begun = performance.now();
      for (let tries = 0; tries < 3; tries++) lock.acquire(1);
      return performance.now() - begun;
    });
    expect(took).toBeLessThan(2_000);
    lock.release();
  });

  it.each([
    ['has it', false],
    ['finds it taken and passes the wake-up on', true],
  ])('wakes a task that is aborted before it can be told: it %s', async (_, taken) => {
    const lock = make();
    const step = integers(1);
    const controller = new AbortController();
    const holding = thread({ lock, step, taken }, ({ lock, step, taken }) => {
      lock.acquire();
      Atomics.store(step, 0, 1);
      while (Atomics.load(step, 0) === 1);
      lock.release();
      if (taken) lock.acquire();
      Atomics.store(step, 0, 3);
      while (Atomics.load(step, 0) === 3);
      if (taken) lock.release();
    });
    await until(() => Atomics.load(step, 0) === 1, 'the other thread holds it');
    const task = outcome(lock.withAsync(() => 'through', { signal: controller.signal }));
    const behind = thread({ lock }, ({ lock }) => lock.with(() => 'through'));
    await until(() => lock.waiters === 2, 'a task and a thread wait');
    Atomics.store(step, 0, 2);
    // Without a turn of the event loop: nobody tells the task.
    while (Atomics.load(step, 0) === 2);
    controller.abort(new RangeError('off'));
    Atomics.store(step, 0, 4);
    expect(await task).toBe(taken ? 'RangeError' : 'through');
    expect(await behind).toBe('through');
    await holding;
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('passes on a grant that meets an abort', async () => {
    const rounds = 150;
    const lock = make();
    // 3n + 1: a thread holds the lock; 3n + 2: a task waits; 3n + 3: a thread behind it, too, and it is about to be aborted.
    const step = integers(1);
    const both = threads(2, { lock, step, rounds }, ({ lock, step, rounds, index }) => {
      const reached = (state: number) => {
        while (Atomics.load(step, 0) < state);
      };
      for (let round = 0; round < rounds; round++) {
        if (index) reached(3 * round + 2);
        lock.acquire();
        if (!index) {
          Atomics.store(step, 0, 3 * round + 1);
          reached(3 * round + 3);
          for (let i = Math.random() * 300; i > 0; i--);
        }
        lock.release();
      }
    });
    let taken = 0;
    for (let round = 0; round < rounds; round++) {
      await until(() => Atomics.load(step, 0) === 3 * round + 1, `round ${round}`);
      const controller = new AbortController();
      const task = lock.withAsync(() => taken++, { signal: controller.signal });
      Atomics.store(step, 0, 3 * round + 2);
      await until(() => lock.waiters === 2, 'a thread waits behind the task');
      Atomics.store(step, 0, 3 * round + 3);
      for (let i = Math.random() * 3_000; i > 0; i--);
      controller.abort(boom);
      await task.catch((error) => expect(error).toBe(boom));
    }
    await both;
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });
});

describe('A task that is aborted after it was given what it waits for, and before it was told', () => {
  it.each([
    ['Event', () => new Event()],
    ['Barrier', () => new Barrier(2)],
    ['Condition over a Lock', () => new Condition(new Lock())],
    ['Condition over an RLock', () => new Condition()],
  ])('has it: %s', async (_, make) => {
    const target = make();
    const step = integers(1);
    const controller = new AbortController();
    const { signal } = controller;
    const wait =
      target instanceof Condition
        ? target.withAsync(({ owner }) => target.waitAsync({ signal, owner }))
        : target.waitAsync({ signal });
    const giving = thread({ target, step }, ({ target, step }, { Event, Barrier }) => {
      Atomics.store(step, 0, 1);
      while (Atomics.load(step, 0) === 1);
      if (target instanceof Event) target.set();
      else if (target instanceof Barrier) target.wait();
      else target.with(() => target.notify());
      Atomics.store(step, 0, 3);
    });
    await until(() => Atomics.load(step, 0) === 1 && target.waiters === 1, 'the task waits, the other thread runs');
    Atomics.store(step, 0, 2);
    while (Atomics.load(step, 0) === 2);
    controller.abort(boom);
    expect(await wait).toBe(target instanceof Barrier ? 0 : true);
    await giving;
    expect(target.waiters).toBe(0);
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

  it('lets all go on that wait at the moment of set, also when clear follows at once', async () => {
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
    const state = (total: number) => [9 - total, 0, ...Array.from({ length: 9 }, (_, place) => Number(place < total))];
    const round = async () => {
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
      const order: number[] = [];
      let [total, slowest] = [0, 0];
      for (const n of [1, 4, 2, 2]) {
        total += n;
        const took = await timed(() => {
          permits.release(n);
          return until(() => through.reduce((sum, one) => sum + one) === total, `${total} are through`);
        });
        slowest = Math.max(slowest, took);
        order.push(permits.waiters, permits.value, ...through);
      }
      await Promise.all(waits);
      permits.release(3);
      expect(permits.value).toBe(3);
      return { order, slowest };
    };
    await expectInTurn(round, [1, 5, 7, 9].flatMap(state));
  });

  it('lets all of many tasks go on with one release, though not all are woken at once', async () => {
    const permits = new Semaphore(0);
    const tasks = Array.from({ length: 100 }, () => permits.acquireAsync());
    permits.release(99);
    expect(await Promise.all(tasks.slice(0, 99))).toEqual(Array(99).fill(true));
    expect([permits.waiters, permits.value]).toEqual([1, 0]);
    permits.release();
    await tasks[99];
  });

  it('never lets more in than it has permits, tasks and threads together', async () => {
    const [rounds, room] = [500, 2];
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
