import { BoundedSemaphore, Condition, type Guard, Lock, RLock, Semaphore, TimeoutError } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, until } from '../support/threads.ts';

/** Everything that can be held, once each, and whether it is held. */
const HOLDABLES = [
  ['Lock', () => new Lock({ name: 'seats' }), (lock: Lock) => lock.locked],
  ['RLock', () => new RLock({ name: 'seats' }), (lock: RLock) => lock.owned],
  ['Semaphore', () => new Semaphore(1, { name: 'seats' }), (semaphore: Semaphore) => semaphore.value === 0],
  [
    'BoundedSemaphore',
    () => new BoundedSemaphore(1, { name: 'seats' }),
    (semaphore: Semaphore) => semaphore.value === 0,
  ],
  ['Condition', () => new Condition(new Lock(), { name: 'seats' }), (condition: Condition) => condition.lock.locked],
] as unknown as [string, () => Lock, (holdable: Lock) => boolean][];

// WebKit has no Symbol.dispose yet.
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');

type Scope = (holdable: Lock, fn: () => unknown) => unknown;

// Vitest compiles `using` away in its files, as bundlers do for older engines ...
const compiled: Scope = (holdable, fn) => {
  using _held = holdable.hold();
  return fn();
};
// ... but not in text.
const native: Scope = (holdable, fn) =>
  new Function('holdable', 'fn', 'using held = holdable.hold(); return fn();')(holdable, fn);

describe.each(HOLDABLES)('%s', (_name, make, isHeld) => {
  it.each([
    ['compiled away', compiled],
    ["the engine's own", native],
  ])('is held by using, %s, to the end of the block', (_kind, scope) => {
    const holdable = make();
    expect(scope(holdable, () => isHeld(holdable))).toBe(true);
    expect(isHeld(holdable)).toBe(false);
    const fail = () => {
      throw new Error(`held: ${isHeld(holdable)}`);
    };
    expect(() => scope(holdable, fail)).toThrow('held: true');
    expect(isHeld(holdable)).toBe(false);
  });

  it('is released by using in every turn of a loop, however it ends', () => {
    const holdable = make();
    for (let turn = 0; turn < 3; turn++) {
      using _held = holdable.hold();
      if (turn === 0) continue;
      if (turn === 1) break;
    }
    expect(isHeld(holdable)).toBe(false);
  });

  it('is released once by a guard, whatever it is asked', () => {
    const holdable = make();
    const guard = holdable.hold();
    expect(isHeld(holdable)).toBe(true);
    expect(guard.release()).toBe(undefined);
    expect(isHeld(holdable)).toBe(false);
    // Now somebody else holds it: that is none of the old guard's business.
    holdable.acquire();
    guard.release();
    guard[dispose]();
    expect(isHeld(holdable)).toBe(true);
  });

  it('may be released by hand within using', () => {
    const holdable = make();
    {
      using held = holdable.hold();
      held.release();
      expect(isHeld(holdable)).toBe(false);
    }
    expect(holdable.tryAcquire()).toBe(true);
  });

  it('is held while with runs its function, whose result it returns', () => {
    const holdable = make();
    const result = {};
    const seen: boolean[] = [];
    expect(
      holdable.with(() => {
        seen.push(isHeld(holdable));
        return result;
      }),
    ).toBe(result);
    expect(seen).toEqual([true]);
    expect(isHeld(holdable)).toBe(false);
  });

  it('is released when the function of with throws, and what it throws is passed on', () => {
    const holdable = make();
    for (const thrown of [new Error('sold out'), 'a string', undefined]) {
      let caught: unknown = 'nothing';
      try {
        holdable.with(() => {
          throw thrown;
        });
      } catch (error) {
        caught = error;
      }
      expect(caught).toBe(thrown);
      expect(isHeld(holdable)).toBe(false);
    }
  });

  it('does not keep a promise waiting in with: refuses it, and is released', () => {
    const holdable = make();
    expect(() => holdable.with(async () => 1)).toThrow(TypeError);
    expect(() => holdable.with(async () => 1)).toThrow('with(fn) does not wait');
    expect(isHeld(holdable)).toBe(false);
  });

  it('is not held when the time of hold is up', async () => {
    const holdable = make();
    const guard = holdable.hold();
    const hold = (timeout: number) =>
      thread({ holdable, timeout }, ({ holdable, timeout }) => {
        const start = performance.now();
        try {
          holdable.hold(timeout);
        } catch (error) {
          const { name, message } = error as Error;
          return { name, message, took: performance.now() - start };
        }
        return { name: 'none', message: '', took: 0 };
      });
    for (const timeout of [0, 20]) {
      const { name, message, took } = await hold(timeout);
      expect(name).toBe('TimeoutError');
      expect(message).toContain(`${holdable.kind} "seats"`);
      expect(message).toContain(`${timeout} ms`);
      expect(took).toBeGreaterThanOrEqual(timeout);
    }
    guard.release();
    expect((await hold(20)).name).toBe('none');
  });

  it('is waited for by hold and by with', async () => {
    const holdable = make();
    const count = holdable.arena.allocate(Int32Array, 1);
    // A Condition's own queue is another: the lock has the waiters.
    const queue = (holdable as unknown as Condition).lock ?? holdable;
    for (const way of ['hold', 'with'] as const) {
      const guard = holdable.hold();
      const other = thread({ holdable, count, way }, ({ holdable, count, way }) => {
        if (way === 'with') return holdable.with(() => ++count[0]!);
        const held = holdable.hold(10_000);
        count[0]!++;
        held.release();
        return count[0];
      });
      await until(() => queue.waiters === 1, 'the other thread waits');
      const before = count[0];
      guard.release();
      expect(await other).toBe(before! + 1);
      expect(isHeld(holdable)).toBe(false);
    }
  });
});

describe('hold', () => {
  it('nests on an RLock', () => {
    const lock = new RLock();
    {
      using _outer = lock.hold();
      {
        using _inner = lock.hold();
        lock.with(() => expect(lock.recursionCount).toBe(3));
      }
      expect(lock.recursionCount).toBe(1);
    }
    expect(lock.locked).toBe(false);
  });

  it('takes several and releases them in the opposite order', () => {
    const locks = [new Lock(), new Lock()] as const;
    {
      using _first = locks[0].hold();
      using _second = locks[1].hold();
      expect(locks.map((lock) => lock.locked)).toEqual([true, true]);
    }
    expect(locks.map((lock) => lock.locked)).toEqual([false, false]);
  });

  it('throws in the thread itself, too', () => {
    const lock = new Lock();
    lock.acquire();
    expect(() => lock.hold(5)).toThrow(TimeoutError);
    expect(lock.waiters).toBe(0);
    lock.release();
    expect(() => lock.hold(5).release()).not.toThrow();
  });

  it('says so when what it held was released by somebody else', () => {
    const lock = new Lock();
    const guard = lock.hold();
    lock.release();
    expect(() => guard.release()).toThrow('Lock: not held');
    expect(() => lock.with(() => lock.release())).toThrow('Lock: not held');
    expect(lock.locked).toBe(false);
  });
});

/** Whether nobody holds it. */
function isFree(holdable: Lock): boolean {
  const free = holdable.tryAcquire();
  if (free) holdable.release();
  return free;
}

describe.each(HOLDABLES)('%s, by a task', (_name, make) => {
  it('is held by using to the end of the block', async () => {
    const holdable = make();
    for (let turn = 0; turn < 3; turn++) {
      using _held = await holdable.holdAsync();
      expect(isFree(holdable)).toBe(false);
      if (turn) continue;
    }
    expect(isFree(holdable)).toBe(true);
    const failing = async () => {
      using _held = await holdable.holdAsync();
      await undefined;
      throw new Error(`free: ${isFree(holdable)}`);
    };
    await expect(failing()).rejects.toThrow('free: false');
    expect(isFree(holdable)).toBe(true);
  });

  it('is held at once when it is free, before anything else of this turn', async () => {
    const order: string[] = [];
    const held = make()
      .holdAsync()
      .then((guard) => {
        order.push('held');
        guard.release();
      });
    await Promise.resolve().then(() => order.push('next'));
    await held;
    expect(order).toEqual(['held', 'next']);
  });

  it('is released once by a guard, whatever it is asked', async () => {
    const holdable = make();
    const guard = await holdable.holdAsync();
    guard.release();
    const other = await holdable.holdAsync({ timeout: 0 });
    guard.release();
    guard[dispose]();
    expect(isFree(holdable)).toBe(false);
    other[dispose]();
    expect(isFree(holdable)).toBe(true);
  });

  it('throws when the time is up, and rejects when it is aborted, without calling the function', async () => {
    const holdable = make();
    const guard = await holdable.holdAsync();
    const calls: unknown[] = [];
    const fn = () => calls.push(1);
    for (const timeout of [0, 2]) {
      for (const wait of [() => holdable.holdAsync({ timeout }), () => holdable.withAsync(fn, { timeout })]) {
        const late: unknown = await wait().catch((error: unknown) => error);
        expect(late).toBeInstanceOf(TimeoutError);
        expect((late as Error).message).toBe(`${holdable.kind} "seats": not acquired within ${timeout} ms`);
      }
    }
    const controller = new AbortController();
    for (const early of [true, false]) {
      const { signal } = early ? { signal: AbortSignal.abort('off') } : controller;
      const waits = [holdable.holdAsync({ signal }), holdable.withAsync(fn, { signal })];
      controller.abort('off');
      await Promise.all(waits.map((wait) => expect(wait).rejects.toBe('off')));
    }
    expect(calls).toEqual([]);
    guard.release();
    expect(isFree(holdable)).toBe(true);
  });

  it('is held while a function runs, to the end of its promise, and released however it ends', async () => {
    const holdable = make();
    const boom = new Error('off');
    const held: boolean[] = [];
    const look = () => held.push(isFree(holdable));
    const ends: [fn: (guard: Guard) => unknown, answer: unknown][] = [
      [() => 'plain', 'plain'],
      [() => undefined, undefined],
      [(guard) => guard, expect.objectContaining({ release: expect.any(Function) })],
      [async () => 'async', 'async'],
      [() => new Promise((resolve) => setTimeout(resolve, 1, 'later')).finally(look), 'later'],
      // biome-ignore lint/suspicious/noThenProperty: that is the point
      [() => ({ then: (resolve: (answer: string) => void) => resolve('thenable') }), 'thenable'],
      [
        () => {
          throw boom;
        },
        boom,
      ],
      [() => Promise.reject(boom), boom],
      [(guard) => guard.release(), undefined],
    ];
    for (const [fn, answer] of ends) {
      const run = holdable.withAsync((guard) => {
        look();
        return fn(guard);
      });
      expect(await run.catch((error) => error)).toEqual(answer);
      expect(isFree(holdable), String(fn)).toBe(true);
    }
    expect(held).toEqual(Array(ends.length + 1).fill(false));
  });

  it('gives each task in the queue its turn', async () => {
    const holdable = make();
    const order: number[] = [];
    const tasks = [0, 1, 2, 3, 4].map((index) =>
      holdable.withAsync(async () => {
        order.push(index);
        await new Promise((resolve) => setTimeout(resolve));
        order.push(index);
      }),
    );
    await Promise.all(tasks);
    expect(order).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    expect(isFree(holdable)).toBe(true);
  });
});
