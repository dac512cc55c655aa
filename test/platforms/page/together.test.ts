/** One primitive, awaited by this thread (a page's main thread, where this runs in a page) and blocked on by others. */
import { Arena, Barrier, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, threads, until } from '../../support/threads.ts';

const integers = (length: number) => Arena.default.allocate(Int32Array, length);

/** Each of four threads, this one among them. */
const TURNS = 25_000;

describe('A thread that awaits and three that block', () => {
  it.each([
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()],
    ['Semaphore', () => new Semaphore(1)],
    ['Condition', () => new Condition(new Lock())],
  ])('%s: count with a plain variable', async (_kind, make) => {
    const lock = make();
    const count = integers(1);
    const others = threads(3, { lock, count, TURNS }, ({ lock, count, TURNS }) => {
      for (let i = 0; i < TURNS; i++) {
        lock.acquire();
        count[0]!++;
        lock.release();
      }
    });
    for (let i = 0; i < TURNS; i++) {
      await lock.withAsync(() => {
        count[0]!++;
      });
    }
    await others;
    expect(count[0]).toBe(4 * TURNS);
    expect(lock.waiters).toBe(0);
    expect(lock.tryAcquire()).toBe(true);
  });

  it('Semaphore(2): never more than 2 are inside, and 2 are', async () => {
    const permits = new Semaphore(2);
    // 0: how many are inside; 1: the most there were; 2: how often there were too many; 3: turns.
    const words = integers(4);
    // This thread is inside when the others begin: they may be through before it comes again.
    let guard = await permits.holdAsync();
    Atomics.add(words, 0, 1);
    const others = threads(3, { permits, words, TURNS }, ({ permits, words, TURNS }) => {
      for (let i = 0; i < TURNS; i++) {
        permits.acquire();
        const inside = Atomics.add(words, 0, 1) + 1;
        if (inside > words[1]!) words[1] = inside;
        if (inside > 2) Atomics.add(words, 2, 1);
        Atomics.add(words, 3, 1);
        Atomics.sub(words, 0, 1);
        permits.release();
      }
    });
    await until(() => Atomics.load(words, 1) === 2, 'another is inside, too');
    for (let i = 1; i <= TURNS; i++) {
      Atomics.add(words, 3, 1);
      // Inside, but not in one go.
      if (i % 1_000 === 0) await new Promise((resolve) => setTimeout(resolve));
      Atomics.sub(words, 0, 1);
      guard.release();
      if (i === TURNS) break;
      guard = await permits.holdAsync();
      if (Atomics.add(words, 0, 1) + 1 > 2) Atomics.add(words, 2, 1);
    }
    await others;
    expect([...words]).toEqual([0, 2, 0, 4 * TURNS]);
    expect(permits.value).toBe(2);
  });

  it('Barrier: 1,000 rounds, each begun by all only when all have ended the one before', async () => {
    const rounds = 1_000;
    const barrier = new Barrier(4);
    const reached = integers(4);
    const others = threads(3, { barrier, reached, rounds }, ({ barrier, reached, rounds, index }) => {
      const seen = new Set<number>();
      let last = 0;
      for (let round = 1; round <= rounds; round++) {
        reached[index] = round;
        if (barrier.wait() === 3) last++;
        for (const each of reached) seen.add(each - round);
        barrier.wait();
      }
      return { seen: [...seen], last };
    });
    const seen = new Set<number>();
    let last = 0;
    for (let round = 1; round <= rounds; round++) {
      reached[3] = round;
      if ((await barrier.waitAsync()) === 3) last++;
      for (const each of reached) seen.add(each - round);
      await barrier.waitAsync();
    }
    const all = [...(await others), { seen: [...seen], last }];
    expect(all.map(({ seen }) => seen)).toEqual([[0], [0], [0], [0]]);
    expect(all.reduce((sum, { last }) => sum + last, 0)).toBe(rounds);
    expect(barrier.waiting).toBe(0);
  });
});

describe('A Condition', () => {
  /** 0: put; 1: taken; 2: there will be no more. Each item is its own number, in a ring that holds 8. */
  const store = () => ({ condition: new Condition(new Lock()), words: integers(3), ring: integers(8), items: 3_000 });

  it('lets this thread produce what three others consume', async () => {
    const { condition, words, ring, items } = store();
    const others = threads(3, { condition, words, ring }, ({ condition, words, ring }) => {
      const mine: number[] = [];
      while (true) {
        condition.acquire();
        condition.waitFor(() => words[0]! > words[1]! || words[2]);
        const some = words[0]! > words[1]!;
        if (some) mine.push(ring[words[1]!++ % 8]!);
        condition.notifyAll();
        condition.release();
        if (!some) return mine;
      }
    });
    for (let item = 0; item < items; item++) {
      await condition.withAsync(async () => {
        await condition.waitForAsync(() => words[0]! - words[1]! < 8);
        ring[words[0]!++ % 8] = item;
        condition.notifyAll();
      });
    }
    await condition.withAsync(() => {
      words[2] = 1;
      condition.notifyAll();
    });
    const taken = (await others).flat().sort((a, b) => a - b);
    expect(taken).toEqual(Array.from({ length: items }, (_, item) => item));
    expect(condition.waiters).toBe(0);
  });

  it('lets this thread consume what three others produce', async () => {
    const { condition, words, ring, items } = store();
    const others = threads(3, { condition, words, ring, items }, ({ condition, words, ring, items, index }) => {
      for (let item = index; item < items; item += 3) {
        condition.acquire();
        condition.waitFor(() => words[0]! - words[1]! < 8);
        ring[words[0]!++ % 8] = item;
        condition.notifyAll();
        condition.release();
      }
    });
    const taken: number[] = [];
    while (taken.length < items) {
      await condition.withAsync(async () => {
        await condition.waitForAsync(() => words[0]! > words[1]!);
        taken.push(ring[words[1]!++ % 8]!);
        condition.notifyAll();
      });
    }
    await others;
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: items }, (_, item) => item));
    expect(condition.waiters).toBe(0);
  });

  it('over an RLock wakes this thread with the lock held as often as before', async () => {
    const condition = new Condition();
    const { lock } = condition;
    await condition.withAsync(async ({ owner }) => {
      await condition.acquireAsync({ owner: owner! });
      const waking = thread({ condition }, ({ condition }) => condition.with(() => condition.notify()));
      expect(await condition.waitAsync({ owner: owner! })).toBe(true);
      await waking;
      condition.release({ owner: owner! });
      expect(lock.locked).toBe(true);
    });
    expect(lock.locked).toBe(false);
  });
});

describe('An Event', () => {
  it('that this thread sets lets those go on that block', async () => {
    const event = new Event();
    const others = threads(3, { event }, ({ event }) => event.wait());
    await until(() => event.waiters === 3, 'all wait');
    event.set();
    expect(await others).toEqual([true, true, true]);
  });

  it('that another thread sets lets this one go on, and those that block', async () => {
    const event = new Event();
    const others = threads(2, { event }, ({ event }) => event.wait());
    const mine = [event.waitAsync(), event.waitAsync({ timeout: 20_000 })];
    await until(() => event.waiters === 4, 'all wait');
    await thread({ event }, ({ event }) => event.set());
    expect(await Promise.all(mine)).toEqual([true, true]);
    expect(await others).toEqual([true, true]);
  });

  it('goes back and forth between this thread and another', async () => {
    const [ping, pong] = [new Event(), new Event()];
    const rounds = 2_000;
    const other = thread({ ping, pong, rounds }, ({ ping, pong, rounds }) => {
      for (let round = 0; round < rounds; round++) {
        ping.wait();
        ping.clear();
        pong.set();
      }
    });
    for (let round = 0; round < rounds; round++) {
      ping.set();
      await pong.waitAsync();
      pong.clear();
    }
    await other;
  });
});

describe('A thread that awaits', () => {
  it('gives up in time, or when it is told to, and leaves nothing behind', async () => {
    const lock = new Lock();
    const held = thread({ lock }, ({ lock }) => lock.acquire());
    await held;
    const start = performance.now();
    expect(await lock.acquireAsync({ timeout: 20 })).toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(20);
    const reason = new Error('the flight is cancelled');
    const controller = new AbortController();
    const waiting = lock.acquireAsync({ signal: controller.signal });
    await until(() => lock.waiters === 1, 'it waits');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(lock.acquireAsync({ signal: controller.signal })).rejects.toBe(reason);
    expect(lock.waiters).toBe(0);
    lock.release();
    expect(await lock.acquireAsync()).toBe(true);
  });

  it('stands in one queue with those that block', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    const order = integers(7);
    const all: Promise<void>[] = [];
    for (let place = 0; place < 6; place++) {
      all.push(
        place % 2
          ? lock.withAsync(() => {
              order[++order[0]!] = place;
            })
          : thread({ lock, order, place }, ({ lock, order, place }) => {
              lock.acquire();
              order[++order[0]!] = place;
              lock.release();
            }),
      );
      await until(() => lock.waiters === place + 1, `${place} waits`);
    }
    lock.release();
    await Promise.all(all);
    expect([...order]).toEqual([6, 0, 1, 2, 3, 4, 5]);
  });
});
