/** A lock whose owner has died: which ones are told, and how it comes in order again. */

import { Worker } from 'node:worker_threads';
import {
  AbandonedError,
  Arena,
  Condition,
  DeadlockError,
  Event,
  type Guard,
  Lock,
  type LockOptions,
  NotHeldError,
  Owner,
  RLock,
  reap,
  Semaphore,
  ThreadingError,
  TimeoutError,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import { NO_NUMBER } from '../../bindings/host.ts';
import { abandon, Doomed, refOf } from '../support/dead.ts';
import { fill } from '../support/fill.ts';
import { thread, until } from '../support/threads.ts';
import { outcome, turn } from '../support/waits.ts';

const ARENA = 1 << 16;
/** Of all arenas here: engines have room for some hundred memories only. */
const memory = new WebAssembly.Memory({ initial: 400, maximum: 400, shared: true });
let arenas = 0;
const makeArena = () => new Arena({ memory, byteOffset: arenas++ * ARENA, byteLength: ARENA });

type AnyLock = Lock | RLock;
const LOCKS: [string, (options?: LockOptions) => AnyLock][] = [
  ['Lock', (options) => new Lock(options)],
  ['RLock', (options) => new RLock(options)],
];

/** What acquires, as a lock has it and a Condition over it. */
interface Call {
  readonly async?: true;
  /** Acquires, and answers what releases; nothing when it has done so already. */
  act(target: Lock): Promise<(() => void) | undefined> | (() => void) | undefined;
}

/** What releases, after a call that answers whether it holds it. */
function holding(answer: boolean, release: () => void): () => void {
  if (!answer) throw new Error('not acquired');
  return release;
}

async function holdingAs(target: Lock, timeout?: number): Promise<() => void> {
  const owner = new Owner();
  const lock = target as unknown as RLock;
  return holding(await lock.acquireAsync({ owner, timeout }), () => lock.release({ owner }));
}

const CALLS: Record<string, Call> = {
  acquire: { act: (target) => holding(target.acquire(), () => target.release()) },
  'acquire for some time': { act: (target) => holding(target.acquire(10_000), () => target.release()) },
  'acquire for no time': { act: (target) => holding(target.acquire(0), () => target.release()) },
  tryAcquire: { act: (target) => holding(target.tryAcquire(), () => target.release()) },
  hold: {
    act(target) {
      const guard = target.hold();
      return () => guard.release();
    },
  },
  with: { act: (target) => target.with(() => undefined) },
  acquireAsync: { async: true, act: (target) => holdingAs(target) },
  'acquireAsync for no time': { async: true, act: (target) => holdingAs(target, 0) },
  holdAsync: {
    async: true,
    async act(target) {
      const guard = await target.holdAsync();
      return () => guard.release();
    },
  },
  withAsync: { async: true, act: (target) => target.withAsync(() => undefined) },
};

const CASES = LOCKS.flatMap(([kind, make]) =>
  [false, true].flatMap((condition) =>
    Object.entries(CALLS).map(([name, { act, async = false }]) => {
      /** A lock, and what is called to acquire it. */
      const set = (options?: LockOptions): { lock: AnyLock; act: () => ReturnType<Call['act']> } => {
        const lock = make({ arena: makeArena(), ...options });
        const target = condition ? new Condition(lock) : lock;
        return { lock, act: () => act(target as Lock) };
      };
      return [`${condition ? 'Condition over ' : ''}${kind}.${name}`, set, async] as const;
    }),
  ),
);

/** Neither held nor waited for. */
const free = (lock: AnyLock): unknown[] => [lock.locked, lock.waiters];
const FREE = [false, 0];

async function caught(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe.each(CASES)('%s of an abandoned lock', (_name, set, async) => {
  it('throws an AbandonedError, time after time, and does not hold it', async () => {
    const { lock, act } = set({ name: 'seats' });
    expect(lock.abandoned).toBe(false);
    abandon(lock);
    const { used } = lock.arena;
    for (let time = 0; time < 3; time++) {
      expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
      const error = (await caught(act)) as AbandonedError;
      expect(error).toBeInstanceOf(AbandonedError);
      expect(error).toBeInstanceOf(ThreadingError);
      expect(error.code).toBe('ERR_LOCKWORK_ABANDONED');
      expect(error.message).toBe(
        `${lock.kind} "seats": abandoned: the thread that held it has died ("booker", worker 3). Repair what it protects in recover(fn)`,
      );
    }
    // No owner is left behind.
    expect(lock.arena.used).toBe(used);
    lock.recover(() => {});
    const release = await act();
    expect(lock.abandoned).toBe(false);
    release?.();
    expect(free(lock)).toEqual(FREE);
  });

  it('runs recover once, which holds it, and goes on as ever', async () => {
    const seen: unknown[] = [];
    const { lock, act } = set({ recover: () => void seen.push(lock.locked, lock.abandoned) });
    abandon(lock);
    for (let time = 0; time < 2; time++) {
      const release = await act();
      expect([lock.abandoned, lock.locked]).toEqual([false, release !== undefined]);
      release?.();
    }
    expect(seen).toEqual([true, true]);
    expect(free(lock)).toEqual(FREE);
  });

  it('throws what recover throws, and it is still abandoned', async () => {
    let times = 0;
    const boom = new Error('the seats are gone');
    const recover = (): void => {
      if (++times < 3) throw boom;
    };
    const { lock, act } = set({ recover });
    abandon(lock);
    const { used } = lock.arena;
    for (let time = 0; time < 2; time++) {
      expect(await caught(act)).toBe(boom);
      expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    }
    expect(lock.arena.used).toBe(used);
    (await act())?.();
    expect([times, lock.abandoned, ...free(lock)]).toEqual([3, false, ...FREE]);
  });

  it(async ? 'awaits recover' : 'refuses a recover that answers a promise', async () => {
    let done = false;
    const recover = async (): Promise<void> => {
      await turn();
      done = true;
    };
    const { lock, act } = set({ name: 'seats', recover });
    abandon(lock);
    if (async) {
      (await act())?.();
      expect([done, lock.abandoned, ...free(lock)]).toEqual([true, false, ...FREE]);
      return;
    }
    const error = (await caught(act)) as TypeError;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(
      `${lock.kind} "seats": recover returned a promise, and blocking calls do not await it. Use the async ones, such as acquireAsync()`,
    );
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
  });

  it("finds it as any other with abandoned: 'release', and held with 'keep'", async () => {
    const released = set({ abandoned: 'release' });
    abandon(released.lock);
    expect([released.lock.abandoned, ...free(released.lock)]).toEqual([false, ...FREE]);
    (await released.act())?.();
    expect(free(released.lock)).toEqual(FREE);
    const { lock } = set({ abandoned: 'keep' });
    abandon(lock);
    expect([lock.abandoned, lock.locked]).toEqual([false, true]);
    expect([lock.acquire(0), lock.acquire(1), lock.tryAcquire()]).toEqual([false, false, false]);
    const owner = new Owner();
    for (const timeout of [0, 1]) expect(await (lock as RLock).acquireAsync({ owner, timeout })).toBe(false);
    if (lock instanceof RLock) expect(() => lock.release()).toThrow(NotHeldError);
    else {
      lock.release();
      expect(lock.tryAcquire()).toBe(true);
    }
  });
});

describe.each(LOCKS)('A %s whose owner dies while others wait', (_kind, make) => {
  it('is given to each blocked thread in turn, which is told', async () => {
    const lock = make();
    const doomed = new Doomed().acquire(lock);
    const waiting = [1, 2, 3].map(() => outcome(thread({ lock }, ({ lock }) => lock.acquire())));
    await until(() => lock.waiters === 3, 'three wait');
    doomed.die();
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('AbandonedError'));
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    lock.destroy();
  });

  it('is given to each task in turn, which is told', async () => {
    const arena = makeArena();
    const lock = make({ arena });
    const { used } = arena;
    const doomed = new Doomed(arena).acquire(lock);
    const order: number[] = [];
    const waiting = [0, 1, 2].map((place) =>
      outcome(lock.withAsync(() => {})).then((name) => {
        order.push(place);
        return name;
      }),
    );
    expect(lock.waiters).toBe(3);
    doomed.die();
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('AbandonedError'));
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    expect(order).toEqual([0, 1, 2]);
    // The record of a thread that has died is kept for the next.
    expect(arena.used).toBe(used);
    lock.destroy();
  });

  it('is repaired by the first task, and then is as any other', async () => {
    let times = 0;
    const lock = make({
      async recover() {
        await turn();
        times++;
      },
    });
    const doomed = new Doomed().acquire(lock);
    const order: number[] = [];
    const waiting = [0, 1, 2].map((place) => lock.withAsync(() => order.push(place)));
    doomed.die();
    await Promise.all(waiting);
    expect([times, order, lock.abandoned, ...free(lock)]).toEqual([1, [0, 1, 2], false, ...FREE]);
    lock.destroy();
  });

  it.each([
    ['itself, as often as it likes', { times: 2 }],
    ['by a task of it', { task: true }],
  ])('is abandoned whether the thread held it %s', async (_how, how) => {
    const lock = make();
    new Doomed().acquire(lock, lock instanceof RLock ? how : { ...how, times: 1 }).die();
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    lock.recover(() => {
      if (lock instanceof RLock) expect(lock.recursionCount).toBe(1);
    });
    expect(free(lock)).toEqual(FREE);
    lock.destroy();
  });

  it.each(['acquire', 'recover'] as const)('is told to a thread that blocks beside its tasks: %s', async (call) => {
    const lock = make();
    const event = new Event();
    const done = event.waitAsync();
    const doomed = new Doomed().acquire(lock);
    const { record } = doomed;
    const undertaker = thread({ lock, record }, ({ lock, record }) => {
      // A loop of its own: the main thread blocks.
      const nap = new Int32Array(new SharedArrayBuffer(4));
      while (lock.waiters === 0) Atomics.wait(nap, 0, 0, 1);
      const { core, cell } = (lock as never as { ref: ReturnType<typeof refOf> }).ref;
      core.reapWaiter(record, 1);
      core.reapCell(cell, record, record);
    });
    if (call === 'acquire') expect(() => lock.acquire()).toThrow(AbandonedError);
    else expect(lock.recover(() => [lock.locked, lock.abandoned])).toEqual([true, true]);
    expect([lock.abandoned, ...free(lock)]).toEqual([call === 'acquire', ...FREE]);
    await undertaker;
    doomed.die();
    event.set();
    expect(await done).toBe(true);
    // Other threads find it, and its arena.
    if (call === 'recover') expect(await thread({ lock }, ({ lock }) => lock.with(() => lock.locked))).toBe(true);
    lock.destroy();
    event.destroy();
  });

  it('is told to a task that gives up at the same time, or it is late', async () => {
    const lock = make();
    const doomed = new Doomed().acquire(lock);
    const controller = new AbortController();
    const { signal } = controller;
    const first = outcome(lock.withAsync(() => 'held'));
    const second = outcome(lock.withAsync(() => 'held', { signal }));
    controller.abort(new Error('the flight is cancelled'));
    doomed.die();
    expect(await Promise.all([first, second])).toEqual(['AbandonedError', 'Error']);
    expect(free(lock)).toEqual(FREE);
    lock.destroy();
  });
});

describe.each(LOCKS)('%s.recover', (kind, make) => {
  it.each([
    ['an abandoned one', true],
    ['one in order', false],
  ])('runs its function while it holds %s, answers what that does, and it is in order', async (_what, dies) => {
    const lock = make();
    if (dies) abandon(lock);
    const inside = (): unknown[] => [lock.locked, lock.abandoned];
    expect(lock.recover(inside, 0)).toEqual([true, dies]);
    expect([lock.abandoned, ...free(lock)]).toEqual([false, ...FREE]);
    if (dies) abandon(lock);
    const answer = await lock.recoverAsync(async () => {
      await turn();
      return inside();
    });
    expect(answer).toEqual([true, dies]);
    expect([lock.abandoned, ...free(lock)]).toEqual([false, ...FREE]);
    lock.destroy();
  });

  it('leaves it abandoned when its function throws, or answers a promise that it cannot await', async () => {
    const lock = make({ name: 'seats' });
    abandon(lock);
    const boom = new Error('the seats are gone');
    const fail = (): never => {
      throw boom;
    };
    expect(() => lock.recover(fail)).toThrow(boom);
    await expect(lock.recoverAsync(fail)).rejects.toBe(boom);
    await expect(lock.recoverAsync(async () => fail())).rejects.toBe(boom);
    expect(() => lock.recover(async () => fail())).toThrow(
      new TypeError(
        `${kind} "seats": recover(fn) does not wait for promises; it was released before this one settled. Use recoverAsync(fn)`,
      ),
    );
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    lock.destroy();
  });

  it('has no use for the option recover', async () => {
    const lock = make({
      recover() {
        throw new Error('not asked for');
      },
    });
    abandon(lock);
    expect(lock.recover(() => 'repaired')).toBe('repaired');
    abandon(lock);
    expect(await lock.recoverAsync(() => 'repaired')).toBe('repaired');
    expect(lock.abandoned).toBe(false);
    lock.destroy();
  });

  it('gives up when its time is up, or its signal is aborted', async () => {
    const lock = make({ name: 'seats' });
    const other = new Doomed().acquire(lock);
    for (const timeout of [0, 2]) {
      const error = new TimeoutError(`${kind} "seats": not acquired within ${timeout} ms`);
      expect(() => lock.recover(() => {}, timeout)).toThrow(error);
      await expect(lock.recoverAsync(() => {}, { timeout })).rejects.toThrow(error);
    }
    const controller = new AbortController();
    const waiting = outcome(lock.recoverAsync(() => {}, { signal: controller.signal }));
    controller.abort(new RangeError('the flight is cancelled'));
    expect(await waiting).toBe('RangeError');
    expect(lock.waiters).toBe(0);
    other.die();
    expect(lock.abandoned).toBe(true);
    lock.destroy();
  });

  it('waits for its turn as all do, and one repairs for those behind', async () => {
    const lock = make();
    const doomed = new Doomed().acquire(lock);
    const seen: boolean[] = [];
    const repairing = lock.recoverAsync(async () => {
      await turn();
      seen.push(lock.abandoned);
    });
    const blocked = thread({ lock }, ({ lock }) => lock.recover(() => lock.abandoned));
    await until(() => lock.waiters === 2, 'a thread waits, too');
    const behind = lock.withAsync(() => seen.push(lock.abandoned));
    expect(lock.waiters).toBe(3);
    doomed.die();
    await repairing;
    expect(await blocked).toBe(false);
    await behind;
    expect(seen).toEqual([true, false]);
    expect(free(lock)).toEqual(FREE);
    lock.destroy();
  });

  it('does not restore what its function has destroyed', () => {
    const arena = makeArena();
    const lock = make({ arena });
    abandon(lock);
    const doomed = new Doomed(arena);
    const others = fill(arena);
    let next: AnyLock | undefined;
    const act = (): void => {
      lock.release();
      lock.destroy();
      // In its place there is another one, which is abandoned.
      next = make({ arena });
      doomed.acquire(next).die();
    };
    expect(() => lock.recover(act)).toThrow(`${kind}: it has been destroyed`);
    expect([next?.address, next?.abandoned]).toEqual([lock.address, true]);
    for (const one of [...others, next!]) one.destroy();
  });

  it('does not restore what its function has released before its end', async () => {
    const lock = make();
    abandon(lock);
    await lock.recoverAsync(async (guard) => {
      guard.release();
      await turn();
    });
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    lock.destroy();
  });

  it('refuses to wait for a task of its own thread', async () => {
    const lock = make();
    abandon(lock);
    await lock.recoverAsync(() => {
      expect(() => lock.recover(() => {})).toThrow(DeadlockError);
    });
    lock.destroy();
  });
});

describe.each(LOCKS)('The recover of a %s', (_kind, make) => {
  it('begins when the call of a task is over', async () => {
    const seen: string[] = [];
    const lock = make({ recover: () => seen.push('recover') });
    abandon(lock);
    const held = lock.withAsync(() => seen.push('held'));
    seen.push('called');
    await held;
    expect(seen).toEqual(['called', 'recover', 'held']);
    lock.destroy();
  });

  it('begins when the tasks go on that were woken while its thread blocked', async () => {
    const semaphore = new Semaphore(0);
    const seen: number[] = [];
    const lock = make({ recover: () => seen.push(semaphore.value) });
    abandon(lock);
    const acquired = semaphore.acquireAsync();
    // As by another thread.
    const { core, cell, stamp, thread: me } = refOf(semaphore);
    core.semRelease(cell, stamp, me, 1);
    expect(semaphore.value).toBe(1);
    lock.acquire();
    expect(seen).toEqual([0]);
    lock.release();
    expect(await acquired).toBe(true);
    lock.destroy();
    semaphore.destroy();
  });
});

describe('While an abandoned RLock is repaired', () => {
  it('it is held in the name of the owner that the call was given', async () => {
    const lock = new RLock();
    const owner = new Owner();
    abandon(lock);
    await lock.recoverAsync(
      async (guard) => {
        expect(guard.owner).toBe(owner);
        expect(await lock.acquireAsync({ owner, timeout: 0 })).toBe(true);
        lock.release({ owner });
      },
      { owner },
    );
    expect([lock.abandoned, ...free(lock)]).toEqual([false, ...FREE]);
    lock.destroy();
  });

  it('its owner acquires it again without being told', async () => {
    const lock = new RLock();
    abandon(lock);
    lock.recover(() => {
      expect(lock.acquire()).toBe(true);
      expect([lock.recursionCount, lock.abandoned]).toEqual([2, true]);
      lock.release();
      // The inner one has put it in order.
      lock.recover(() => {});
      expect(lock.abandoned).toBe(false);
    });
    abandon(lock);
    await lock.recoverAsync(async ({ owner }) => {
      const guard = await lock.holdAsync({ owner });
      expect(lock.abandoned).toBe(true);
      guard.release();
    });
    expect([lock.abandoned, ...free(lock)]).toEqual([false, ...FREE]);
    lock.destroy();
  });

  it("the owner's other tasks wait, and have it with the owner when it is in order", async () => {
    const arena = makeArena();
    const order: unknown[] = [];
    const lock = new RLock({
      arena,
      async recover() {
        await turn();
        order.push('recover');
      },
    });
    const { used } = arena;
    const doomed = new Doomed(arena).acquire(lock);
    const owner = new Owner();
    const waiting = [0, 1, 2].map(async (place) => {
      await lock.acquireAsync({ owner });
      order.push(place);
    });
    doomed.die();
    await Promise.all(waiting);
    expect([order.length, order[0]]).toEqual([4, 'recover']);
    for (let count = 0; count < 3; count++) lock.release({ owner });
    expect(free(lock)).toEqual(FREE);
    expect(arena.used).toBe(used);
    lock.destroy();
  });

  it("the owner's other tasks are told in their turn, when it is not repaired", async () => {
    const arena = makeArena();
    const lock = new RLock({ arena });
    const { used } = arena;
    const doomed = new Doomed(arena).acquire(lock);
    const owner = new Owner();
    const waiting = [0, 1, 2].map(() => outcome(lock.acquireAsync({ owner })));
    doomed.die();
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('AbandonedError'));
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    expect(() => lock.release({ owner })).toThrow(NotHeldError);
    expect(arena.used).toBe(used);
    lock.destroy();
  });
});

describe.each(LOCKS)('A wait for a Condition over a %s that is abandoned meanwhile', (kind, make) => {
  /** The lock's holder dies, and has notified or not. */
  const die = (condition: Condition, notifies: boolean): void => {
    const { lock } = condition;
    const doomed = new Doomed(lock.arena);
    lock.acquire();
    if (notifies) condition.notify();
    // In one step: the waiter must not have the lock between this thread and the doomed one.
    const { core, cell, thread: me } = refOf(lock);
    core.rename(cell, me, doomed.record);
    doomed.die();
  };
  type Waits = [string, (condition: Condition, guard: Guard, timeout?: number) => Promise<unknown>];
  const ASYNC: Waits[] = [
    ['waitAsync', (condition, { owner }, timeout) => condition.waitAsync({ owner, timeout })],
    ['waitForAsync', (condition, { owner }) => condition.waitForAsync(() => condition.lock.abandoned, { owner })],
  ];
  const message = (lock: AnyLock): string =>
    `${lock}: abandoned: the thread that held it has died ("booker", worker 3). Repair what it protects in recover(fn). It is held, as after every wait: release it before`;

  it.each(ASYNC)('throws while the task holds it: %s', async (_name, wait) => {
    const condition = new Condition(make({ name: 'seats' }));
    const { lock } = condition;
    const waiting = condition.withAsync(async (guard) => {
      const error = await wait(condition, guard).catch((error: Error) => error);
      expect(error).toBeInstanceOf(AbandonedError);
      expect((error as Error).message).toBe(message(lock));
      expect([lock.abandoned, lock.locked]).toEqual([true, true]);
      condition.notify(0, { owner: guard.owner });
    });
    await until(() => condition.waiters === 1, 'the task waits');
    // It is notified, and its lock is abandoned before it has it again.
    die(condition, true);
    await waiting;
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    condition.destroy();
    lock.destroy();
  });

  it.each([
    ['its time is up', false],
    ['it is notified', true],
  ])('throws while the thread holds it, when %s', async (_when, notifies) => {
    const condition = new Condition(make({ name: 'seats' }));
    const { lock } = condition;
    const waiting = thread({ condition, notifies }, ({ condition, notifies }) => {
      const { lock } = condition;
      condition.acquire();
      try {
        return condition.wait(notifies ? undefined : 500);
      } catch (error) {
        return [(error as Error).name, (error as Error).message, lock.locked, lock.abandoned];
      } finally {
        condition.release();
      }
    });
    await until(() => condition.waiters === 1, 'the thread waits');
    die(condition, notifies);
    expect(await waiting).toEqual(['AbandonedError', message(lock), true, true]);
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    condition.destroy();
    lock.destroy();
  });

  it('throws in a thread that waits beside its tasks, which holds it', async () => {
    const condition = new Condition(make());
    const { lock } = condition;
    const waiting = thread({ condition, event: new Event() }, async ({ condition, event }) => {
      const task = event.waitAsync();
      condition.acquire();
      let name = '';
      try {
        condition.waitFor(() => false);
      } catch (error) {
        ({ name } = error as Error);
      }
      const held = condition.lock.locked;
      condition.release();
      event.set();
      return [name, held, await task];
    });
    await until(() => condition.waiters === 1, 'the thread waits');
    die(condition, true);
    expect(await waiting).toEqual(['AbandonedError', true, true]);
    condition.destroy();
    lock.destroy();
  });

  it('is over, and true, when recover has put it in order', async () => {
    let times = 0;
    const lock = make({
      async recover() {
        await turn();
        times++;
      },
    });
    const condition = new Condition(lock);
    const waiting = condition.withAsync(({ owner }) => condition.waitAsync({ owner, timeout: 1_000 }));
    await until(() => condition.waiters === 1, 'the task waits');
    const doomed = new Doomed().acquire(lock);
    await until(() => condition.waiters === 0, 'its time is up');
    doomed.die();
    expect(await waiting).toBe(true);
    expect([times, lock.abandoned, ...free(lock)]).toEqual([1, false, ...FREE]);
    const blocked = thread({ condition }, ({ condition }, { Condition }) => {
      let times = 0;
      const own = Condition.from(condition as never, { recover: () => times++ });
      return own.with(() => [own.wait(), times, own.lock.abandoned]);
    });
    await until(() => condition.waiters === 1, 'the thread waits');
    die(condition, true);
    // Unless the thread came before the death.
    expect(await blocked).toEqual([true, expect.any(Number), false]);
    condition.destroy();
    lock.destroy();
  });

  it('throws what recover throws, and the lock is held and abandoned', async () => {
    const lock = make({
      recover() {
        throw new RangeError('the seats are gone');
      },
    });
    const condition = new Condition(lock);
    const waiting = condition.withAsync(async ({ owner }) => {
      const name = await outcome(condition.waitAsync({ owner, timeout: 1_000 }));
      return [name, lock.locked, lock.abandoned];
    });
    await until(() => condition.waiters === 1, 'the task waits');
    const doomed = new Doomed().acquire(lock);
    await until(() => condition.waiters === 0, 'its time is up');
    doomed.die();
    expect(await waiting).toEqual(['RangeError', true, true]);
    expect([lock.abandoned, ...free(lock)]).toEqual([true, ...FREE]);
    condition.destroy();
    lock.destroy();
  });

  it(`is of no concern to a Condition that is destroyed with its ${kind}`, () => {
    const lock = make();
    const condition = new Condition(lock);
    abandon(lock);
    condition.destroy();
    lock.destroy();
    expect(() => lock.abandoned).toThrow(`${kind}: it has been destroyed`);
  });
});

describe('An abandoned lock of a Condition', () => {
  it('is destroyed with it, and not before nobody stands in the way', async () => {
    const arena = makeArena();
    const condition = new Condition(undefined, { arena, name: 'seats' });
    const { lock } = condition;
    const busy = 'Condition "seats": cannot be destroyed while it is held or waited on';
    const waiting = outcome(condition.withAsync(({ owner }) => condition.waitAsync({ owner, timeout: 20 })));
    await until(() => condition.waiters === 1, 'a task waits');
    expect(() => condition.destroy()).toThrow(busy);
    const doomed = new Doomed(arena).acquire(lock);
    await until(() => condition.waiters === 0, 'its time is up');
    expect(() => condition.destroy()).toThrow(busy);
    doomed.die();
    expect(await waiting).toBe('AbandonedError');
    expect(lock.abandoned).toBe(true);
    condition.destroy();
    expect(() => lock.locked).toThrow('RLock "seats": it has been destroyed');
    expect(() => condition.notify()).toThrow('Condition "seats": it has been destroyed');
  });
});

describe('The message', () => {
  const long = 'the thread that books seats';
  it.each([
    ['a name and a number', { name: 'booker', number: 3 }, ' ("booker", worker 3)'],
    ['a number', { name: '', number: 12 }, ' (worker 12)'],
    ['the main thread', { name: '', number: 0 }, ' (the main thread)'],
    ['the main thread, which has a name', { name: 'page', number: 0 }, ' ("page", the main thread)'],
    ['a name', { name: 'booker', number: NO_NUMBER }, ' ("booker")'],
    ['nothing', { name: '', number: NO_NUMBER }, ''],
    ['a name that is cut', { name: long, number: 3 }, ` (${JSON.stringify(long.slice(0, 16))}, worker 3)`],
    ['a name that is cut in a character', { name: 'fünfzehn Zeichñ', number: 3 }, ' ("fünfzehn Zeich", worker 3)'],
  ])('says who died: %s', (_what, who, text) => {
    const lock = new Lock();
    abandon(lock, who);
    expect(() => lock.acquire()).toThrow(
      new AbandonedError(
        `Lock: abandoned: the thread that held it has died${text}. Repair what it protects in recover(fn)`,
      ),
    );
    lock.destroy();
  });
});

describe('A thread that really ends', () => {
  const ENDS: Record<string, string> = {
    'calls process.exit': 'process.exit()',
    'has an uncaught error': 'throw new Error("the thread fails")',
    'comes to its end': '',
    'is terminated': 'setInterval(() => {}, 1_000)',
    'is terminated while it computes': 'for (;;);',
  };

  describe.each(Object.entries(ENDS))('since it %s', (how, code) => {
    it.each(LOCKS)('abandons its %s', async (_kind, make) => {
      const lock = make({ name: 'seats' });
      const source = `
        import(${JSON.stringify(import.meta.resolve('lockwork'))}).then(({ attach }) => {
          attach(require('node:worker_threads').workerData.lock).acquire();
          setImmediate(() => { ${code} });
        })`;
      const worker = new Worker(source, { eval: true, name: 'booker', workerData: { lock } });
      worker.on('error', () => {});
      const { threadId } = worker;
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      const waiting: Promise<unknown>[] = [];
      await until(() => lock.locked || lock.abandoned, 'the thread holds it');
      waiting.push(
        thread({ lock }, ({ lock }) => lock.acquire()).catch((error: Error) => error.message),
        lock.withAsync(() => 'held').catch((error: Error) => error.message),
      );
      if (how.startsWith('is terminated')) await worker.terminate();
      await ended;
      await until(() => reap() >= 0 && !lock.locked && lock.waiters === 0, 'all have been told');
      for (const message of await Promise.all(waiting)) {
        expect(message).toMatch(
          new RegExp(
            `^${lock.kind} "seats": abandoned: the thread that held it has died \\(("[^"]+", )?worker ${threadId}\\)`,
          ),
        );
      }
      expect(lock.abandoned).toBe(true);
      expect(lock.recover(() => lock.abandoned)).toBe(true);
      expect(lock.tryAcquire()).toBe(true);
      lock.release();
      lock.destroy();
    });
  });
});
