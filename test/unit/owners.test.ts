/** In whose name tasks hold an RLock, and a Condition over one. */
import { Arena, Condition, Event, NotHeldError, Owner, RLock } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { until } from '../support/threads.ts';
import { outcome, turn } from '../support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

describe('An RLock that a task holds', () => {
  it('is in the name of a new owner each time, not in that of the thread', async () => {
    const lock = new RLock();
    const guard = await lock.holdAsync();
    expect(guard.owner).toBeInstanceOf(Owner);
    expect([lock.locked, lock.owned, lock.recursionCount]).toEqual([true, false, 0]);
    expect([lock.tryAcquire(), lock.acquire(0)]).toEqual([false, false]);
    expect(() => lock.release()).toThrow(NotHeldError);
    guard.release();
    const other = await lock.holdAsync();
    expect(other.owner).not.toBe(guard.owner);
    expect(() => lock.release({ owner: guard.owner! })).toThrow(NotHeldError);
    other.release();
    expect(lock.locked).toBe(false);
  });

  it('is not released in the name of an owner that has nothing, where no task has waited yet', () => {
    const lock = new RLock({ arena: new Arena({ maximumBytes: 65_536 }) });
    lock.acquire();
    expect(() => lock.release({ owner: new Owner() })).toThrow(NotHeldError);
    expect(lock.owned).toBe(true);
  });

  it('is acquired again by its owner at once, whichever way, and free when released as often', async () => {
    const lock = new RLock();
    const guard = await lock.holdAsync();
    const owner = guard.owner!;
    for (const timeout of [0, 5, Infinity]) expect(await lock.acquireAsync({ owner, timeout })).toBe(true);
    expect(await lock.acquireAsync({ owner })).toBe(true);
    const again = await lock.holdAsync({ owner, timeout: 0 });
    expect(again.owner).toBe(owner);
    again.release();
    again.release();
    expect(await lock.withAsync((held) => held.owner, { owner })).toBe(owner);
    for (let count = 4; count > 0; count--) {
      lock.release({ owner });
      expect(lock.locked).toBe(true);
    }
    guard.release();
    guard.release();
    expect(lock.locked).toBe(false);
    expect(() => lock.release({ owner })).toThrow(NotHeldError);
  });

  it('is waited for by other owners and by the thread, as theirs is by it', async () => {
    const lock = new RLock();
    const guard = await lock.holdAsync();
    expect(await lock.acquireAsync({ owner: new Owner(), timeout: 0 })).toBe(false);
    expect(await lock.acquireAsync({ owner: new Owner(), timeout: 2 })).toBe(false);
    const next = lock.holdAsync();
    expect(lock.waiters).toBe(1);
    guard.release();
    (await next).release();
    lock.tryAcquire();
    expect(await lock.acquireAsync({ owner: guard.owner!, timeout: 2 })).toBe(false);
    const last = lock.holdAsync();
    lock.release();
    (await last).release();
    expect([lock.locked, lock.waiters]).toEqual([false, 0]);
  });

  it('comes to all waits of an owner when it comes to one, and only theirs', async () => {
    const lock = new RLock();
    lock.tryAcquire();
    const [owner, other] = [new Owner(), new Owner()];
    const mine = [lock.acquireAsync({ owner }), lock.acquireAsync({ owner })];
    const theirs = lock.acquireAsync({ owner: other });
    mine.push(lock.acquireAsync({ owner, timeout: 60_000 }));
    await until(() => lock.waiters === 4, 'four tasks wait');
    lock.release();
    expect(await Promise.all(mine)).toEqual([true, true, true]);
    expect(lock.waiters).toBe(1);
    for (const _ of mine) lock.release({ owner });
    expect(await theirs).toBe(true);
    lock.release({ owner: other });
    expect(lock.locked).toBe(false);
  });

  it('takes no wait of an owner with it that gives up', async () => {
    const lock = new RLock();
    lock.tryAcquire();
    const owner = new Owner();
    const controller = new AbortController();
    const [aborted, late, patient] = [{ signal: controller.signal }, { timeout: 1 }, {}].map((options) =>
      lock.acquireAsync({ owner, ...options }),
    );
    controller.abort(boom);
    await expect(aborted).rejects.toBe(boom);
    expect(await late).toBe(false);
    lock.release();
    expect(await patient).toBe(true);
    lock.release({ owner });
    expect(lock.locked).toBe(false);
  });

  it('is one of several, in several arenas, that an owner holds', async () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const locks = [new RLock(), new RLock(), new RLock({ arena })];
    const owner = new Owner();
    for (const lock of [...locks, ...locks]) expect(await lock.acquireAsync({ owner })).toBe(true);
    for (const lock of locks) {
      lock.release({ owner });
      expect(lock.locked).toBe(true);
      lock.release({ owner });
      expect(lock.locked).toBe(false);
      expect(() => lock.release({ owner })).toThrow(NotHeldError);
    }
  });

  it('is nobody in an arena in which it has released all, also while it holds one in another', async () => {
    // Two arenas in which all begins at the same addresses.
    const locks = [0, 1].map(() => new RLock({ arena: new Arena({ maximumBytes: 65_536 }) }));
    for (const [here, there] of [locks, locks.toReversed()] as [RLock, RLock][]) {
      // While a task waits there, its thread keeps the places of others.
      const events = [here, there].map(({ arena }) => new Event({ arena }));
      const waits = events.map((event) => event.waitAsync());
      const [owner, stranger] = [new Owner(), new Owner()];
      await here.acquireAsync({ owner });
      await there.acquireAsync({ owner });
      expect(await there.acquireAsync({ owner: stranger, timeout: 0 })).toBe(false);
      here.release({ owner });
      const other = await here.holdAsync();
      expect(await here.acquireAsync({ owner, timeout: 0 })).toBe(false);
      expect(() => here.release({ owner })).toThrow(NotHeldError);
      other.release();
      there.release({ owner });
      expect([here.locked, there.locked]).toEqual([false, false]);
      for (const event of events) event.set();
      expect(await Promise.all(waits)).toEqual([true, true]);
    }
  });

  it('costs no memory, and no arena that is gone, where it was destroyed', async () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const lock = new RLock({ arena });
    const owner = new Owner();
    lock.destroy();
    const { used } = arena;
    for (let i = 0; i < 3; i++)
      await expect(lock.acquireAsync({ owner })).rejects.toThrow('RLock: it has been destroyed');
    expect(arena.used).toBe(used);
    arena.destroy();
    await expect(lock.acquireAsync({ owner })).rejects.toThrow(/destroyed/);
  });

  it('costs no memory once it is free again', async () => {
    const lock = new RLock();
    const { used } = Arena.default;
    const guards = [];
    for (let i = 0; i < 50; i++) {
      const one = new RLock();
      guards.push({ guard: await one.holdAsync(), one });
    }
    const owner = new Owner();
    await lock.acquireAsync({ owner });
    await lock.acquireAsync({ owner });
    expect(await outcome(lock.acquireAsync({ owner, signal: AbortSignal.abort(boom) }))).toBe(undefined);
    expect(await lock.acquireAsync({ owner: new Owner(), timeout: 0 })).toBe(false);
    lock.release({ owner });
    lock.release({ owner });
    for (const { guard, one } of guards) {
      guard.release();
      one.destroy();
    }
    expect(Arena.default.used).toBe(used);
  });

  it('excludes the tasks of others, also while its own awaits', async () => {
    const lock = new RLock();
    let inside: Owner | undefined;
    let count = 0;
    const task = async () => {
      for (let round = 0; round < 100; round++) {
        await lock.withAsync(async ({ owner }) => {
          expect(inside).toBe(undefined);
          inside = owner;
          const before = count;
          await (round % 10 ? undefined : turn());
          await lock.withAsync(() => expect(inside).toBe(owner), { owner: owner! });
          count = before + 1;
          inside = undefined;
        });
      }
    };
    await Promise.all([task(), task(), task(), task()]);
    expect([count, lock.locked]).toEqual([400, false]);
  });
});

describe('A Condition over an RLock that a task holds', () => {
  /** A task that holds the lock `depth` times. */
  async function held(depth: number) {
    const lock = new RLock();
    const condition = new Condition(lock);
    const { owner } = await condition.holdAsync();
    for (let i = 1; i < depth; i++) await condition.acquireAsync({ owner: owner! });
    return { lock, condition, owner: owner! };
  }

  /** How often an owner holds a lock: releases it as often. */
  function depthOf(lock: RLock, owner: Owner): number {
    for (let depth = 0; ; depth++) {
      try {
        lock.release({ owner });
      } catch {
        return depth;
      }
    }
  }

  it.each([1, 2, 5])('gives it up entirely and has it again, %i deep: notified, late or aborted', async (depth) => {
    const { lock, condition, owner } = await held(depth);
    const controller = new AbortController();
    const notified = condition.waitAsync({ owner, timeout: 60_000 });
    expect(lock.locked).toBe(false);
    condition.tryAcquire();
    condition.notify();
    condition.release();
    expect(await notified).toBe(true);
    expect(lock.tryAcquire()).toBe(false);
    expect(await condition.waitAsync({ owner, timeout: 2 })).toBe(false);
    expect(lock.tryAcquire()).toBe(false);
    const aborted = condition.waitAsync({ owner, signal: controller.signal });
    expect(lock.locked).toBe(false);
    controller.abort(boom);
    await expect(aborted).rejects.toBe(boom);
    expect(lock.tryAcquire()).toBe(false);
    expect(depthOf(lock, owner)).toBe(depth);
    expect([lock.locked, condition.waiters, lock.waiters]).toEqual([false, 0, 0]);
  });

  it('is only for the owner that holds it', async () => {
    const { lock, condition, owner } = await held(1);
    const stranger = new Owner();
    for (const options of [{ owner: stranger }, undefined]) {
      expect(() => condition.notify(1, options)).toThrow(NotHeldError);
      expect(() => condition.notifyAll(options)).toThrow(NotHeldError);
      expect(() => condition.release(options)).toThrow(NotHeldError);
    }
    for (const call of ['waitAsync', 'waitForAsync'] as const) {
      const start = (options?: { owner?: Owner }) =>
        call === 'waitAsync' ? condition.waitAsync(options) : condition.waitForAsync(() => true, options);
      await expect(start({ owner: stranger })).rejects.toThrow(NotHeldError);
      await expect(start()).rejects.toThrow(new RegExp(`^Condition.${call}: .*owner`));
      await expect(start({})).rejects.toThrow(TypeError);
    }
    condition.notify(0, { owner });
    condition.notify(3, { owner });
    condition.notifyAll({ owner });
    expect([condition.waiters, lock.waiters]).toEqual([0, 0]);
    expect(depthOf(lock, owner)).toBe(1);
  });

  it('lets exactly as many go on as its owner tells, in their order', async () => {
    const condition = new Condition(new RLock());
    const woken: number[] = [];
    const waits = [0, 1, 2, 3, 4, 5].map((index) =>
      condition.withAsync(async ({ owner }) => {
        await condition.waitAsync({ owner: owner! });
        woken.push(index);
      }),
    );
    await until(() => condition.waiters === 6, 'six tasks wait');
    const tell = (n?: number) =>
      condition.withAsync(({ owner }) =>
        n === undefined ? condition.notifyAll({ owner: owner! }) : condition.notify(n, { owner: owner! }),
      );
    for (const [n, expected] of [
      [1, 1],
      [0, 1],
      [2, 3],
      [undefined, 6],
    ] as const) {
      await tell(n);
      await until(() => woken.length === expected && !condition.lock.locked, `${expected} tasks have gone on`);
      expect(condition.waiters).toBe(6 - expected);
    }
    await Promise.all(waits);
    expect(woken).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('gives the lock to all waits of an owner that has it again', async () => {
    const { lock, condition, owner } = await held(2);
    const waiting = condition.waitAsync({ owner });
    const other = await lock.holdAsync();
    condition.notify(1, { owner: other.owner! });
    const again = lock.acquireAsync({ owner, timeout: 5_000 });
    other.release();
    expect(await waiting).toBe(true);
    expect(await again).toBe(true);
    expect(depthOf(lock, owner)).toBe(3);
  });
});
