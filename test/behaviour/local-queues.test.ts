/** The tasks of one thread that wait for the same: they stand in one local queue, and pass on within it. */
import { Arena, BoundedSemaphore, Lock, NotHeldError, OverReleaseError, Owner, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { fill } from '../support/fill.ts';
import { integers } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';
import { expectInTurn, passOn } from '../support/turns.ts';
import { HOLDABLES, outcome, turn } from '../support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

describe.each(HOLDABLES)('The local queue of a %s', (_, make) => {
  /** Held by a task; so many others wait, and write down that they had their turn. */
  async function localQueue(length: number, options: (index: number) => object = () => ({})) {
    const lock = make();
    const held = await lock.holdAsync();
    const order: number[] = [];
    const tasks = Array.from({ length }, (_, index) =>
      outcome(lock.withAsync(() => order.push(index), options(index))).then((answer) => answer ?? 'off'),
    );
    return { lock, held, order, tasks };
  }

  it('goes on in its order, each with its turn, and takes one cell', async () => {
    const { used } = Arena.default;
    const { lock, held, order, tasks } = await localQueue(100);
    expect(lock.waiters).toBe(100);
    // A scheduler's first waiters, and of a Semaphore the count of its guards.
    if (!(lock instanceof RLock)) expect(Arena.default.used - used).toBeLessThanOrEqual(192);
    held.release();
    expect([lock.waiters, lock.tryAcquire()]).toEqual([99, false]);
    await Promise.all(tasks);
    expect(order).toEqual(tasks.map((_, index) => index));
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('is left from the head, the middle and the end, by time or abort', async () => {
    const controller = new AbortController();
    const leavers = [0, 3, 4, 9];
    const { lock, held, order, tasks } = await localQueue(10, (index) =>
      leavers.includes(index) ? (index % 2 ? { signal: controller.signal } : { timeout: 1 }) : {},
    );
    controller.abort(boom);
    expect(lock.waiters).toBe(8);
    await until(() => lock.waiters === 6, 'two are late');
    held.release();
    const ends = await Promise.all(tasks);
    expect(leavers.map((index) => ends[index])).toEqual(['TimeoutError', 'off', 'TimeoutError', 'off']);
    expect(order).toEqual([1, 2, 5, 6, 7, 8]);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('leaves nothing behind when all leave, and stands again', async () => {
    const controller = new AbortController();
    const { lock, held, order, tasks } = await localQueue(3, () => ({ signal: controller.signal }));
    controller.abort(boom);
    await Promise.all(tasks);
    expect([lock.waiters, order]).toEqual([0, []]);
    const next = lock.withAsync(() => 'next');
    const behind = thread({ lock }, ({ lock }) => lock.with(() => 'behind'));
    await until(() => lock.waiters === 2, 'a task and a thread wait');
    held.release();
    expect([await next, await behind]).toEqual(['next', 'behind']);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('is one for all objects of a thread that are the same lock', async () => {
    const lock = make();
    const same = (lock.constructor as typeof Lock).from(lock);
    const held = await lock.holdAsync();
    const { used } = Arena.default;
    const order: number[] = [];
    const tasks = [lock, same, lock, same].map((it, index) => it.withAsync(() => order.push(index)));
    expect([lock.waiters, same.waiters]).toEqual([4, 4]);
    if (!(lock instanceof RLock)) expect(Arena.default.used - used).toBeLessThanOrEqual(64);
    held.release();
    await Promise.all(tasks);
    expect(order).toEqual([0, 1, 2, 3]);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('begins anew behind waiters that came meanwhile', async () => {
    const round = async () => {
      const lock = make();
      const order = integers(16);
      lock.acquire();
      const all: Promise<unknown>[] = [];
      // This thread's tasks in local queues of 1, 2, 3 and 1, threads between them; one gives up at the head of a queue.
      for (const [place, kind] of [...'ataataaata'].entries()) {
        all.push(
          kind === 'a'
            ? outcome(lock.withAsync(() => (order[++order[0]!] = place), place === 5 ? { timeout: 1 } : {}))
            : thread({ lock, order, place }, ({ lock, order, place }) =>
                lock.with(() => {
                  order[++order[0]!] = place;
                }),
              ),
        );
        // The sixth is about to give up.
        if (place === 5 || place === 6) continue;
        await until(() => lock.waiters === place + Number(place < 5), `${place} waits`);
      }
      const slowest = await passOn(lock, all);
      expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
      return { order: [...order.slice(1, 10)], slowest };
    };
    await expectInTurn(round, [0, 1, 2, 3, 4, 6, 7, 8, 9]);
  });

  it('goes from between two others', async () => {
    const lock = make();
    const order = integers(16);
    lock.acquire();
    const all: Promise<unknown>[] = [];
    const leave = new AbortController();
    // Three local queues of this thread, threads between them; the middle one goes, and a newcomer finds the last one.
    for (const [place, kind] of [...'atltaa'].entries()) {
      all.push(
        kind === 't'
          ? thread({ lock, order, place }, ({ lock, order, place }) =>
              lock.with(() => {
                order[++order[0]!] = place;
              }),
            )
          : outcome(lock.withAsync(() => (order[++order[0]!] = place), kind === 'l' ? { signal: leave.signal } : {})),
      );
      await until(() => lock.waiters === Math.min(place + 1, 5 + Number(place > 4)), `${place} waits`);
      if (place === 4) {
        leave.abort(boom);
        await until(() => lock.waiters === 4, 'the local queue in the middle has gone');
        all.push(outcome(lock.withAsync(() => (order[++order[0]!] = 9))));
      }
    }
    lock.release();
    await Promise.all(all);
    expect([...order.slice(1, 7)]).toEqual([0, 1, 3, 4, 9, 5]);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('lets a thread that blocks beside another have its turn, though tasks come without end', async () => {
    const lock = make();
    const done = integers(1);
    const blocking = thread({ lock, done }, ({ lock, done }) => {
      for (let i = 0; i < 100; i++) lock.with(() => {});
      Atomics.store(done, 0, 1);
    });
    const task = async () => {
      while (!Atomics.load(done, 0)) for (let i = 0; i < 100; i++) await lock.withAsync(() => {});
    };
    await Promise.all([blocking, ...Array.from({ length: 20 }, task)]);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('excludes 50 tasks of each of three threads, which count with a plain variable', async () => {
    const rounds = 200;
    const lock = make();
    const count = integers(1);
    const fifty = async ({ lock, count, rounds }: { lock: Lock; count: Int32Array; rounds: number }) => {
      const task = async () => {
        for (let i = 0; i < rounds; i++) {
          await lock.withAsync(async () => {
            const before = count[0]!;
            await (i % 7 ? undefined : null);
            count[0] = before + 1;
          });
        }
      };
      await Promise.all(Array.from({ length: 50 }, task));
    };
    await Promise.all([fifty({ lock, count, rounds }), threads(2, { lock, count, rounds }, fifty)]);
    expect(count[0]).toBe(3 * 50 * rounds);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('loses nothing to a thread that takes and releases, while its own tasks give up', async () => {
    const lock = make();
    const [turns, stop] = [integers(1), integers(1)];
    const other = thread({ lock, turns, stop }, ({ lock, turns, stop }) => {
      while (!Atomics.load(stop, 0)) lock.with(() => turns[0]!++);
    });
    await until(() => Atomics.load(turns, 0) > 0, 'the other thread has had a turn');
    let through = 0;
    const task = async (index: number) => {
      for (let i = 0; i < 300; i++) {
        const options = (i + index) % 3 ? { timeout: Math.random() / 2 } : {};
        const held = await lock.holdAsync(options).catch(() => undefined);
        if (!held) continue;
        through++;
        if (i % 50 === 0) await turn();
        held.release();
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => task(index)));
    Atomics.store(stop, 0, 1);
    await other;
    expect(through).toBeGreaterThanOrEqual(20 * 100);
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });
});

describe('The local queue of a Lock', () => {
  it('is served by a release of another thread', async () => {
    const lock = new Lock();
    await lock.acquireAsync();
    const order: number[] = [];
    const tasks = [0, 1, 2].map((index) => lock.acquireAsync().then(() => order.push(index)));
    for (let released = 1; released <= 3; released++) {
      await thread({ lock }, ({ lock }) => lock.release());
      await until(() => order.length === released, `${released} had their turn`);
      expect([lock.locked, lock.waiters]).toEqual([true, 3 - released]);
    }
    await Promise.all(tasks);
    lock.release();
    expect(() => lock.release()).toThrow(NotHeldError);
  });

  it('gets as many turns as there were releases, when two threads release at once', async () => {
    const lock = new Lock();
    const rounds = 500;
    const step = integers(2);
    const releasing = thread({ lock, step, rounds }, ({ lock, step, rounds }) => {
      let refused = 0;
      for (let round = 1; round <= rounds; round++) {
        while (Atomics.load(step, 0) < round);
        for (let i = Math.random() * 200; i > 0; i--);
        try {
          lock.release();
        } catch {
          refused++;
        }
        Atomics.store(step, 1, round);
      }
      return refused;
    });
    await turn();
    let through = 0;
    let mine = 0;
    for (let round = 1; round <= rounds; round++) {
      // One holds it, and so many wait: the last of them may be let go by either side, and the proxy have it.
      await lock.acquireAsync();
      const tasks = Array.from({ length: 1 + (round % 3) }, () => lock.acquireAsync().then(() => through++));
      Atomics.store(step, 0, round);
      for (let i = Math.random() * 200; i > 0; i--);
      try {
        lock.release();
      } catch {
        mine++;
      }
      await until(() => Atomics.load(step, 1) === round, 'the other thread has released');
      for (let left = tasks.length; left > 0; left--) {
        await turn();
        if (lock.locked) lock.release();
      }
      await Promise.all(tasks);
      if (lock.locked) lock.release();
      expect([lock.waiters, lock.locked]).toEqual([0, false]);
    }
    expect(through).toBe(Array.from({ length: rounds }, (_, i) => 1 + ((i + 1) % 3)).reduce((sum, n) => sum + n));
    expect(mine + (await releasing)).toBeLessThan(rounds);
  });
});

describe('The local queue of a Lock', () => {
  it('is none of an object whose lock was destroyed, and whose cell it stands in', async () => {
    const arena = new Arena({ maximumBytes: 4096 });
    const before = new Lock({ arena });
    before.destroy();
    let lock = new Lock({ arena });
    for (let tries = 0; lock.address !== before.address; tries++) {
      if (tries > 1000) throw new Error('the cell is not used again');
      lock.destroy();
      lock = new Lock({ arena });
    }
    await lock.acquireAsync();
    const next = lock.acquireAsync();
    expect(() => before.release()).toThrow('Lock: it has been destroyed');
    await expect(before.acquireAsync({ timeout: 1 })).rejects.toThrow('Lock: it has been destroyed');
    await turn();
    expect([lock.locked, lock.waiters]).toEqual([true, 1]);
    lock.release();
    expect(await next).toBe(true);
    lock.release();
    expect(lock.locked).toBe(false);
  });

  it('does not begin where the arena has no room for a task that waits', async () => {
    const arena = new Arena({ maximumBytes: 4096 });
    const lock = new Lock({ arena });
    await lock.acquireAsync();
    const rest = fill(arena);
    await expect(lock.acquireAsync()).rejects.toThrow('The arena is full');
    expect(await lock.acquireAsync({ timeout: 0 })).toBe(false);
    for (const one of rest) one.destroy();
    const order: number[] = [];
    const waits = [0, 1, 2].map((index) => lock.withAsync(() => order.push(index)));
    expect(lock.waiters).toBe(3);
    lock.release();
    await Promise.all(waits);
    expect([order, lock.waiters, lock.locked]).toEqual([[0, 1, 2], 0, false]);
    lock.destroy();
    arena.destroy();
  });
});

describe('The local queue of an RLock', () => {
  it('is of owners, each of which releases what is in its name', async () => {
    const lock = new RLock();
    const owners = Array.from({ length: 4 }, () => new Owner());
    await lock.acquireAsync({ owner: owners[0]! });
    await lock.acquireAsync({ owner: owners[0]! });
    const waits = owners.map((owner) => (owner === owners[0] ? undefined : lock.acquireAsync({ owner })));
    lock.release({ owner: owners[0]! });
    expect(lock.waiters).toBe(3);
    for (const [index, owner] of owners.entries()) {
      await waits[index];
      for (const other of owners) {
        if (other !== owner) expect(() => lock.release({ owner: other })).toThrow(NotHeldError);
      }
      lock.release({ owner });
    }
    expect([lock.waiters, lock.locked]).toEqual([0, false]);
  });

  it('goes with its owner, also where it begins behind a thread, after another owner has acquired again', async () => {
    const lock = new RLock();
    const [holder, owner, other] = [new Owner(), new Owner(), new Owner()];
    await lock.acquireAsync({ owner: holder });
    const first = lock.acquireAsync({ owner });
    const others = lock.acquireAsync({ owner: other });
    expect(await lock.acquireAsync({ owner: holder })).toBe(true);
    const between = thread({ lock }, ({ lock }) => lock.with(() => 'between'));
    await until(() => lock.waiters === 3, 'a thread waits behind them');
    const leave = new AbortController();
    const left = outcome(lock.acquireAsync({ owner, signal: leave.signal }));
    const second = lock.acquireAsync({ owner, timeout: 5_000 });
    leave.abort(boom);
    expect([await left, lock.waiters]).toEqual([undefined, 4]);
    lock.release({ owner: holder });
    lock.release({ owner: holder });
    expect([await first, await second, lock.waiters]).toEqual([true, true, 2]);
    lock.release({ owner });
    lock.release({ owner });
    expect(() => lock.release({ owner })).toThrow(NotHeldError);
    expect(await others).toBe(true);
    lock.release({ owner: other });
    expect([await between, lock.waiters, lock.locked]).toEqual(['between', 0, false]);
  });

  it('is passed on by a thread that holds it itself', async () => {
    const lock = new RLock();
    lock.acquire(0);
    lock.acquire(0);
    const next = lock.withAsync(() => lock.owned);
    lock.release();
    expect([lock.owned, lock.waiters]).toEqual([true, 1]);
    lock.release();
    expect([lock.owned, await next, lock.locked]).toEqual([false, false, false]);
  });
});

describe('The local queue of a Semaphore', () => {
  it('lets no more in than there are permits, with local queues in two threads', async () => {
    const permits = new Semaphore(3);
    const inside = integers(2);
    const fifty = async ({ permits, inside }: { permits: Semaphore; inside: Int32Array }) => {
      const task = async () => {
        for (let i = 0; i < 100; i++) {
          await permits.acquireAsync();
          const now = Atomics.add(inside, 0, 1) + 1;
          if (now > inside[1]!) inside[1] = now;
          await (i % 20 ? undefined : new Promise((resolve) => setTimeout(resolve)));
          Atomics.sub(inside, 0, 1);
          permits.release();
        }
      };
      await Promise.all(Array.from({ length: 50 }, task));
    };
    await Promise.all([fifty({ permits, inside }), thread({ permits, inside }, fifty)]);
    expect(inside[0]).toBe(0);
    expect(inside[1]).toBeLessThanOrEqual(3);
    expect([permits.value, permits.waiters]).toEqual([3, 0]);
  });

  it('gets nothing of one whose bound is 0', async () => {
    const permits = new BoundedSemaphore(0);
    const late = permits.acquireAsync({ timeout: 5 });
    expect(() => permits.release()).toThrow(OverReleaseError);
    expect(await late).toBe(false);
  });
});
