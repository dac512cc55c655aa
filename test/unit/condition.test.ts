import {
  Arena,
  Condition,
  Lock,
  NotHeldError,
  OutOfMemoryError,
  Owner,
  type PrimitiveOptions,
  RLock,
  ThreadingError,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import {
  integersFrom,
  NOT_FUNCTIONS,
  NOT_OPTIONS,
  OPTIONS,
  OWNERS,
  refuses,
  rejects,
  TIMEOUTS,
  WAITS,
} from '../support/badInput.ts';
import { integers, settle } from '../support/settle.ts';
import { thread, threads, thrown, until } from '../support/threads.ts';
import { expectInTurn, timed } from '../support/turns.ts';

/** `count` threads that wait, one behind the other. Each writes its place into `woken` when it has the lock again. */
async function line(condition: Condition, count: number): Promise<{ woken: Int32Array; done: Promise<boolean>[] }> {
  const woken = integers(count + 1);
  const done: Promise<boolean>[] = [];
  for (let place = 1; place <= count; place++) {
    done.push(
      thread({ condition, woken, place }, ({ condition, woken, place }) => {
        condition.acquire();
        const notified = condition.wait();
        woken[++woken[0]!] = place;
        condition.release();
        return notified;
      }),
    );
    await until(() => condition.waiters === place && !condition.lock.locked, `${place} threads wait`);
  }
  return { woken, done };
}

/** Calls notify, and waits until `woken` have gone on in all. */
async function notify(condition: Condition, n: number, line: Int32Array, woken: number): Promise<void> {
  condition.with(() => condition.notify(n));
  await until(() => Atomics.load(line, 0) === woken && !condition.lock.locked, `${woken} threads have gone on`);
}

const LOCKS: [name: string, make: () => Lock | RLock | undefined][] = [
  ['an RLock of its own', () => undefined],
  ['an RLock', () => new RLock()],
  ['a Lock', () => new Lock()],
];

describe.each(LOCKS)('A Condition over %s', (_, make) => {
  it('is acquired and released as its lock', async () => {
    const lock = make();
    const condition = new Condition(lock);
    if (lock) expect(condition.lock).toBe(lock);
    else expect(condition.lock).toBeInstanceOf(RLock);
    expect(condition.acquire()).toBe(true);
    expect(condition.lock.locked).toBe(true);
    expect(await thread({ condition }, ({ condition }) => [condition.tryAcquire(), condition.acquire(5)])).toEqual([
      false,
      false,
    ]);
    condition.release();
    expect(condition.lock.locked).toBe(false);
    expect(condition.tryAcquire()).toBe(true);
    condition.release();
    expect(() => condition.release()).toThrow(NotHeldError);
  });

  it('gives the lock up while it waits, and has it when it goes on', async () => {
    const condition = new Condition(make());
    const held = thread({ condition }, ({ condition }) => {
      condition.acquire();
      condition.wait();
      const { locked } = condition.lock;
      condition.release();
      return locked;
    });
    await until(() => condition.waiters === 1, 'a thread waits');
    expect(condition.acquire()).toBe(true);
    condition.notify();
    expect([condition.waiters, condition.lock.waiters]).toEqual([0, 1]);
    condition.release();
    expect(await held).toBe(true);
    expect(condition.lock.locked).toBe(false);
  });

  it('lets as many go on as it is told, the oldest first', async () => {
    const round = async () => {
      const condition = new Condition(make());
      const { woken, done } = await line(condition, 8);
      let [total, slowest] = [0, 0];
      for (const n of [1, 2, 0, 1, 3]) {
        total += n;
        slowest = Math.max(slowest, await timed(() => notify(condition, n, woken, total)));
        expect(condition.waiters).toBe(8 - total);
      }
      slowest = Math.max(slowest, await timed(() => notify(condition, 100, woken, 8)));
      expect(await Promise.all(done)).toEqual(Array(8).fill(true));
      return { order: [...woken], slowest };
    };
    await expectInTurn(round, [8, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('lets the oldest go on first, one by one', async () => {
    const condition = new Condition(make());
    const { woken, done } = await line(condition, 5);
    for (let i = 1; i <= 5; i++) {
      await notify(condition, 1, woken, i);
      expect(woken[i]).toBe(i);
    }
    await Promise.all(done);
  });

  it('lets all go on with notifyAll, in their order', async () => {
    const round = async () => {
      const condition = new Condition(make());
      const { woken, done } = await line(condition, 6);
      const slowest = await timed(() => {
        condition.with(() => condition.notifyAll());
        return Promise.all(done);
      });
      expect([condition.waiters, condition.lock.waiters, condition.lock.locked]).toEqual([0, 0, false]);
      return { order: [...woken], slowest };
    };
    await expectInTurn(round, [6, 1, 2, 3, 4, 5, 6]);
  });

  it('closes ranks when one in the middle gives up', async () => {
    const condition = new Condition(make());
    const woken = integers(3);
    const done: Promise<boolean>[] = [];
    for (const timeout of [Infinity, 800, Infinity]) {
      const standing = condition.waiters;
      done.push(
        thread({ condition, woken, timeout, standing }, ({ condition, woken, timeout, standing }) => {
          condition.acquire();
          const notified = condition.wait(timeout);
          woken[Atomics.add(woken, 0, 1) + 1] = standing;
          condition.release();
          return notified;
        }),
      );
      await until(() => condition.waiters === standing + 1 && !condition.lock.locked, 'one more waits');
    }
    expect(await done[1]).toBe(false);
    expect([condition.waiters, woken[0], woken[1]]).toEqual([2, 1, 1]);
    woken.fill(0);
    await notify(condition, 1, woken, 1);
    await notify(condition, 1, woken, 2);
    expect([...woken]).toEqual([2, 0, 2]);
    expect(await Promise.all(done)).toEqual([true, false, true]);
  });

  it('does not remember a notify', () => {
    const condition = new Condition(make());
    condition.acquire();
    condition.notify(3);
    condition.notifyAll();
    expect(condition.wait(5)).toBe(false);
    condition.release();
  });

  it('answers false when the time is up, not before, and with the lock', () => {
    const condition = new Condition(make());
    condition.acquire();
    for (const timeout of [0, 0.1, 0.9, 1, 2.5, 30]) {
      const start = performance.now();
      expect(condition.wait(timeout)).toBe(false);
      expect(performance.now() - start).toBeGreaterThanOrEqual(timeout);
      expect([condition.lock.locked, condition.waiters]).toEqual([true, 0]);
    }
    condition.release();
    expect(condition.lock.locked).toBe(false);
  });

  it('waits for the lock also when the time is up', async () => {
    const condition = new Condition(make());
    const waiting = thread({ condition }, ({ condition }) => {
      condition.acquire();
      const notified = condition.wait(50);
      condition.release();
      return notified;
    });
    await until(() => condition.waiters === 1, 'a thread waits');
    condition.acquire();
    await until(() => condition.waiters === 0 && condition.lock.waiters === 1, 'it gives up, and wants the lock');
    condition.notify();
    condition.release();
    expect(await waiting).toBe(false);
  });

  it('refuses to wait or notify without the lock, and changes nothing', async () => {
    const condition = new Condition(make());
    const { done } = await line(condition, 2);
    const calls: (() => unknown)[] = [
      () => condition.wait(),
      () => condition.wait(0),
      () => condition.waitFor(() => false),
      () => condition.waitFor(() => false, 0),
      () => condition.waitFor(() => true),
      () => condition.notify(),
      () => condition.notify(0),
      () => condition.notifyAll(),
    ];
    for (const call of calls) {
      expect(call).toThrow(NotHeldError);
      expect([condition.waiters, condition.lock.locked, condition.lock.waiters]).toEqual([2, false, 0]);
    }
    condition.with(() => condition.notifyAll());
    await Promise.all(done);
  });

  it('waits for a predicate', async () => {
    const condition = new Condition(make());
    const state = integers(1);
    const waiting = thread({ condition, state }, ({ condition, state }) => {
      let calls = 0;
      condition.acquire();
      const held = condition.waitFor(() => {
        calls++;
        return state[0] === 4;
      });
      const { locked } = condition.lock;
      condition.release();
      return { held, locked, calls };
    });
    for (let i = 1; i <= 4; i++) {
      await until(() => condition.waiters === 1, 'a thread waits');
      condition.acquire();
      state[0] = i;
      condition.notify();
      condition.release();
    }
    expect(await waiting).toEqual({ held: true, locked: true, calls: 5 });
  });

  it('waits for a predicate so long in all, however often it is notified', async () => {
    const condition = new Condition(make());
    const waiting = thread({ condition }, ({ condition }) => {
      condition.acquire();
      const start = performance.now();
      const held = condition.waitFor(() => false, 60);
      const elapsed = performance.now() - start;
      const { locked } = condition.lock;
      condition.release();
      return { held, elapsed, locked };
    });
    let over = false;
    waiting.finally(() => {
      over = true;
    });
    await until(() => {
      condition.with(() => condition.notifyAll());
      return over;
    }, 'a thread that is notified all the time gives up');
    const { held, elapsed, locked } = await waiting;
    expect([held, locked]).toEqual([false, true]);
    expect(elapsed).toBeGreaterThanOrEqual(60);
  });

  it('holds the lock when a predicate throws, before or after a wait', async () => {
    const condition = new Condition(make());
    const state = integers(1);
    condition.acquire();
    const first = () =>
      condition.waitFor(() => {
        throw new RangeError('first');
      });
    expect(first).toThrow(RangeError);
    expect(condition.lock.locked).toBe(true);
    condition.release();

    const waiting = thread({ condition, state }, ({ condition, state }) => {
      condition.acquire();
      try {
        condition.waitFor(() => {
          if (state[0]) throw new RangeError('second');
          return false;
        });
        return 'nothing thrown';
      } catch (error) {
        return [(error as Error).message, condition.lock.locked];
      } finally {
        condition.release();
      }
    });
    await until(() => condition.waiters === 1, 'a thread waits');
    condition.with(() => {
      state[0] = 1;
      condition.notify();
    });
    expect(await waiting).toEqual(['second', true]);
    expect(condition.lock.locked).toBe(false);
  });

  it('refuses a predicate that returns a promise', () => {
    const condition = new Condition(make());
    condition.with(() => expect(() => condition.waitFor(async () => true)).toThrow(TypeError));
  });

  it('spends no notify on a waiter whose time is up', async () => {
    const rounds = 2_000;
    const condition = new Condition(make());
    // The waits that were notified; whether the patient thread stands in the queue; whether all is over.
    const state = integers(3);
    const [NOTIFIED, STANDING, OVER] = [0, 1, 2];
    const waiting = threads(4, { condition, state }, ({ condition, state, index }) => {
      condition.acquire();
      while (!state[2]) {
        if (!index) state[1] = 1;
        if (condition.wait(index ? Math.random() * 0.1 : Infinity)) state[0]!++;
        if (!index) state[1] = 0;
      }
      condition.release();
    });
    await until(() => Atomics.load(state, STANDING) === 1, 'the patient thread waits');
    for (let round = 1; round <= rounds; round++) {
      // Everybody notified has returned. With the patient thread in the queue one notify must end one wait.
      settle(() => {
        const standing = condition.acquire() && state[STANDING] === 1;
        if (standing) condition.notify();
        condition.release();
        return standing;
      }, 'the patient thread waits');
      settle(() => Atomics.load(state, NOTIFIED) >= round, `notify ${round} ends a wait`);
      expect(Atomics.load(state, NOTIFIED)).toBe(round);
    }
    condition.with(() => {
      state[OVER] = 1;
      condition.notifyAll();
    });
    await waiting;
    expect([condition.waiters, condition.lock.waiters, condition.lock.locked]).toEqual([0, 0, false]);
  });

  it('cannot be destroyed while a thread waits, and not used afterwards', async () => {
    const { used } = Arena.default;
    const lock = make();
    const condition = new Condition(lock);
    const { done } = await line(condition, 1);
    expect(() => condition.destroy()).toThrow(ThreadingError);
    condition.acquire();
    condition.notify();
    if (!lock) expect(() => condition.destroy()).toThrow(ThreadingError);
    condition.release();
    await Promise.all(done);
    condition.destroy();
    for (const use of [() => condition.wait(), () => condition.notify(), () => condition.waiters]) {
      expect(use).toThrow(/^Condition.*destroyed/);
    }
    if (lock) {
      lock.acquire();
      lock.release();
      lock.destroy();
    }
    // The array of the line, and at most the record of the one thread that a test may be the first to start.
    expect(Arena.default.used - used).toBeLessThanOrEqual(128);
  });

  it('notifies nobody when a predicate is waited for', async () => {
    const condition = new Condition(make());
    const { done } = await line(condition, 1);
    expect(condition.with(() => condition.waitFor(() => true))).toBe(true);
    await condition.withAsync(({ owner }) => condition.waitForAsync(() => true, owner && { owner }));
    expect([condition.waiters, condition.lock.waiters]).toEqual([1, 0]);
    condition.with(() => condition.notify());
    expect(await Promise.all(done)).toEqual([true]);
  });
});

describe('A notification over a Lock', () => {
  it('does not ask for the name of an owner', () => {
    const condition = new Condition(new Lock());
    condition.acquire();
    condition.notify(1, { owner: new Owner() });
    expect(condition.lock.locked).toBe(true);
  });
});

/** Takes all cells that are left. */
function fill(arena: Arena): Int32Array[] {
  const all: Int32Array[] = [];
  try {
    while (true) all.push(arena.allocate(Int32Array, 16));
  } catch {
    return all;
  }
}

describe('A Condition that is destroyed right after notifyAll', () => {
  it.each([
    ['a Lock', (options: PrimitiveOptions) => new Lock(options)],
    ['an RLock', (options: PrimitiveOptions) => new RLock(options)],
  ])('leaves the lock, %s, to the waiters that were notified', async (_, make) => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const lock = make({ arena });
    let barged = 0;
    for (let round = 0; round < 5; round++) {
      const condition = new Condition(lock, { arena });
      // How many have the lock, and how many are done with it.
      const state = integers(2);
      const waiting = threads(2, { condition, state }, ({ condition, state }) => {
        condition.acquire();
        const notified = condition.wait();
        const others = Atomics.add(state, 0, 1);
        const { locked } = condition.lock;
        Atomics.sub(state, 0, 1);
        Atomics.add(state, 1, 1);
        condition.lock.release();
        return [notified, others, locked];
      });
      waiting.catch(() => {});
      await until(() => condition.waiters === 2 && !lock.locked, 'two threads wait');
      // In a full arena, its place is the next to be taken.
      const all = fill(arena);
      lock.acquire();
      condition.notifyAll();
      condition.destroy();
      const mine = arena.allocate(Int32Array, 16).fill(-1);
      expect(mine.byteOffset).toBe(condition.address);
      // The first is woken, and finds that somebody was faster.
      lock.release();
      if (lock.tryAcquire()) {
        barged++;
        Atomics.add(state, 0, 1);
        settle(
          () => lock.waiters + Atomics.load(state, 1) === 2 || Atomics.load(state, 0) > 1,
          'it comes back to the queue',
        );
        Atomics.sub(state, 0, 1);
        lock.release();
      }
      expect(await waiting).toEqual(Array(2).fill([true, 0, true]));
      expect([lock.locked, lock.waiters, [...mine]]).toEqual([false, 0, Array(16).fill(-1)]);
      for (const array of [mine, ...all]) arena.free(array);
    }
    expect(barged).toBeGreaterThan(0);
  });
});

describe('The destruction of a Condition', () => {
  /** Its waiter was notified, and wants the lock, which is held. */
  async function wanted(condition: Condition): Promise<Promise<boolean>[]> {
    const { done } = await line(condition, 1);
    condition.acquire();
    condition.notify();
    return done;
  }

  it.each([
    ['held', (condition: Condition) => void condition.acquire()],
    ['held and waited for', wanted],
  ])('is refused while its own lock is %s, and changes nothing', async (_, make) => {
    const condition = new Condition();
    const { lock } = condition;
    const done = (await make(condition)) ?? [];
    const { used } = Arena.default;
    for (let i = 0; i < 2; i++) expect(() => condition.destroy()).toThrow(/^Condition.*cannot be destroyed/);
    expect([Arena.default.used, lock.locked, lock.waiters]).toEqual([used, true, done.length]);
    // Both live, and work.
    expect(condition.wait(1)).toBe(false);
    condition.release();
    await Promise.all(done);
    const again = await line(condition, 1);
    condition.with(() => condition.notify());
    expect(await Promise.all(again.done)).toEqual([true]);
    condition.destroy();
    expect(() => lock.locked).toThrow(/^RLock.*destroyed/);
  });

  it('is of both or of none, while notified waiters come for its own lock', async () => {
    for (let round = 0; round < 10; round++) {
      const condition = new Condition();
      const { done } = await line(condition, 3);
      condition.with(() => condition.notifyAll());
      // Nobody holds the lock, most of the time: the first is on its way, and the others stand behind it.
      let destroyed = true;
      try {
        condition.destroy();
      } catch (error) {
        destroyed = false;
        expect((error as Error).message).toMatch(/^Condition.*cannot be destroyed/);
        expect([condition.waiters, condition.acquire(10_000)]).toEqual([0, true]);
        condition.release();
      }
      expect(await Promise.all(done)).toEqual([true, true, true]);
      if (!destroyed) condition.destroy();
    }
  });

  it('gives back all that it took, its own lock and names included', () => {
    const { used } = Arena.default;
    const name = 'a name that is longer than a cell of the arena, since it tells whose it is and what for';
    new Condition(undefined, { name }).destroy();
    expect(Arena.default.used).toBe(used);
    const lock = new Lock({ name });
    new Condition(lock, { name }).destroy();
    lock.destroy();
    expect(Arena.default.used).toBe(used);
  });

  it('leaves alone what has the place of its own lock, which was destroyed by itself', () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const { used } = arena;
    const condition = new Condition(undefined, { arena });
    const all = fill(arena);
    condition.lock.destroy();
    const heir = new RLock({ arena });
    expect(heir.address).toBe(condition.lock.address);
    heir.acquire();
    condition.destroy();
    expect(heir.owned).toBe(true);
    heir.release();
    heir.destroy();
    for (const array of all) arena.free(array);
    expect(arena.used).toBe(used);
  });
});

describe('A Condition over an RLock', () => {
  it('gives it up entirely and restores its count, notified or not', async () => {
    const condition = new Condition();
    const counts = thread({ condition }, ({ condition }) => {
      const lock = condition.lock as RLock;
      const counts: unknown[] = [];
      for (let i = 0; i < 3; i++) lock.acquire();
      counts.push(condition.wait(), lock.recursionCount);
      let calls = 0;
      counts.push(
        condition.waitFor(() => calls++),
        lock.recursionCount,
      );
      counts.push(condition.wait(1), lock.recursionCount);
      for (let i = 3; i > 0; i--) {
        lock.release();
        counts.push(lock.recursionCount);
      }
      return [...counts, lock.owned];
    });
    const lock = condition.lock as RLock;
    for (let i = 0; i < 2; i++) {
      await until(() => condition.waiters === 1, 'a thread waits');
      expect(lock.acquire()).toBe(true);
      expect(lock.acquire()).toBe(true);
      expect(lock.recursionCount).toBe(2);
      condition.notify();
      lock.release();
      expect(lock.recursionCount).toBe(1);
      lock.release();
    }
    expect(await counts).toEqual([true, 3, true, 3, false, 3, 2, 1, 0, false]);
    expect(() => lock.release()).toThrow(NotHeldError);
  });

  it('keeps the counts of those that wait at once apart', async () => {
    const condition = new Condition(new RLock());
    const counts = threads(5, { condition }, ({ condition, index }) => {
      const lock = condition.lock as RLock;
      for (let i = 0; i <= index; i++) lock.acquire();
      const seen: number[] = [];
      for (let round = 0; round < 20; round++) {
        condition.wait(round % 3 ? 0.2 : Infinity);
        seen.push(lock.recursionCount);
      }
      for (let i = 0; i <= index; i++) lock.release();
      return { seen, left: lock.recursionCount };
    });
    let over = false;
    counts.finally(() => {
      over = true;
    });
    await until(() => {
      condition.with(() => condition.notify());
      return over;
    }, 'all have waited 20 times');
    for (const [index, { seen, left }] of (await counts).entries()) {
      expect(seen).toEqual(Array(20).fill(index + 1));
      expect(left).toBe(0);
    }
    expect(condition.lock.locked).toBe(false);
  });

  it('is only for its owner, though another thread holds it', async () => {
    const condition = new Condition(new RLock());
    condition.acquire();
    for (const call of ['wait', 'notify', 'notifyAll'] as const) {
      const name = thrown(thread({ condition, call }, ({ condition, call }) => void condition[call]()));
      expect(await name).toBe('NotHeldError');
    }
    expect(condition.waiters).toBe(0);
    condition.release();
  });
});

describe('Two Conditions over one lock', () => {
  for (const [name, lock] of [
    ['a Lock', new Lock()],
    ['an RLock', new RLock()],
  ] as const) {
    it(`make a bounded buffer, over ${name}`, async () => {
      const [items, room] = [2_500, 3];
      const notFull = new Condition(lock);
      const notEmpty = new Condition(lock);
      // How many items are in the buffer, and the items, the last one first to go.
      const buffer = integers(1 + room);
      const sums = await threads(4, { lock, notFull, notEmpty, buffer, items, room }, (shared) => {
        const { notFull, notEmpty, buffer, items, room, index } = shared;
        let sum = 0;
        for (let item = 1; item <= items; item++) {
          if (index % 2) {
            notFull.acquire();
            while (buffer[0] === room) notFull.wait();
            buffer[++buffer[0]!] = item;
            notEmpty.notify();
            notFull.release();
          } else {
            notEmpty.with(() => {
              notEmpty.waitFor(() => buffer[0]! > 0);
              sum += buffer[buffer[0]!--]!;
              notFull.notify();
            });
          }
        }
        return sum;
      });
      expect(sums.reduce((sum, one) => sum + one)).toBe(items * (items + 1));
      expect([buffer[0], notFull.waiters, notEmpty.waiters, lock.locked]).toEqual([0, 0, 0, false]);
    });
  }

  it('have a queue each', async () => {
    const lock = new Lock();
    const [left, right] = [new Condition(lock), new Condition(lock)];
    const [inLeft, inRight] = [await line(left, 2), await line(right, 2)];
    await notify(left, 5, inLeft.woken, 2);
    expect([left.waiters, right.waiters]).toEqual([0, 2]);
    await notify(right, 5, inRight.woken, 2);
    await Promise.all([...inLeft.done, ...inRight.done]);
  });
});

function held(): Condition {
  const condition = new Condition();
  condition.acquire();
  return condition;
}

const state = (condition: Condition) => [
  condition.waiters,
  (condition.lock as RLock).recursionCount,
  Arena.default.used,
];

refuses('Condition', held, state, {
  'new (lock)': [
    [null, 1, 'lock', {}, { kind: 'Lock' }].map((bad) => [bad, TypeError]),
    (_, bad) => new Condition(bad),
  ],
  'new (options)': [OPTIONS, (_, bad) => new Condition(undefined, bad)],
  'new (options of a lock)': [OPTIONS, (condition, bad) => new Condition(condition.lock, bad)],
  acquire: [TIMEOUTS, (condition, bad) => condition.acquire(bad)],
  hold: [TIMEOUTS, (condition, bad) => condition.hold(bad)],
  with: [NOT_FUNCTIONS, (condition, bad) => condition.with(bad)],
  wait: [TIMEOUTS, (condition, bad) => condition.wait(bad)],
  'waitFor (predicate)': [NOT_FUNCTIONS, (condition, bad) => condition.waitFor(bad)],
  'waitFor (timeout)': [TIMEOUTS, (condition, bad) => condition.waitFor(() => true, bad)],
  notify: [integersFrom(0), (condition, bad) => condition.notify(bad)],
  'notify (options)': [[...OWNERS, ...NOT_OPTIONS], (condition, bad) => condition.notify(1, bad)],
  notifyAll: [[...OWNERS, ...NOT_OPTIONS], (condition, bad) => condition.notifyAll(bad)],
  release: [[...OWNERS, ...NOT_OPTIONS], (condition, bad) => condition.release(bad)],
});

rejects(
  'Condition over a Lock',
  () => {
    const condition = new Condition(new Lock());
    condition.acquire();
    return condition;
  },
  ({ lock, waiters }) => [lock.locked, lock.waiters, waiters, Arena.default.used],
  {
    acquireAsync: [WAITS, (condition, bad) => condition.acquireAsync(bad)],
    holdAsync: [WAITS, (condition, bad) => condition.holdAsync(bad)],
    withAsync: [NOT_FUNCTIONS, (condition, bad) => condition.withAsync(bad)],
    waitAsync: [[...OWNERS, ...WAITS], (condition, bad) => condition.waitAsync(bad)],
    'waitForAsync (predicate)': [NOT_FUNCTIONS, (condition, bad) => condition.waitForAsync(bad)],
    'waitForAsync (options)': [[...OWNERS, ...WAITS], (condition, bad) => condition.waitForAsync(() => true, bad)],
  },
);

describe('new Condition', () => {
  it('refuses a lock of another arena', () => {
    const arena = new Arena({ maximumBytes: 65536 });
    expect(() => new Condition(new Lock(), { arena })).toThrow(TypeError);
    expect(new Condition(new Lock({ arena })).arena.address).toBe(arena.address);
  });

  it('refuses what is no arena, also beside a lock', () => {
    const message = 'new Condition: the arena must be an Arena';
    expect(() => new Condition(new Lock(), { arena: {} as never })).toThrow(message);
  });

  it('leaves nothing where the arena has room for its lock only', () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const [cell] = [arena.allocate(Int32Array, 16), fill(arena)];
    arena.free(cell);
    const { used } = arena;
    expect(() => new Condition(undefined, { arena })).toThrow(OutOfMemoryError);
    expect(arena.used).toBe(used);
  });
});

describe('Condition.waitFor beside tasks', () => {
  it('passes on what a task of its thread is given meanwhile', async () => {
    const lock = new Lock();
    const changed = new Condition(new Lock());
    const words = integers(2);
    lock.acquire();
    const waiting = thread({ lock, changed, words }, ({ lock, changed, words }) => {
      const task = lock.withAsync(() => {});
      changed.acquire();
      Atomics.store(words, 1, 1);
      // It computes while its task is woken.
      while (Atomics.load(words, 1) !== 2);
      changed.waitFor(() => words[0]);
      changed.release();
      return task;
    });
    await until(() => Atomics.load(words, 1) === 1 && lock.waiters === 1, 'a task waits');
    lock.release();
    Atomics.store(words, 1, 2);
    await until(() => changed.waiters === 1, 'its thread waits, too');
    expect(lock.acquire(20_000)).toBe(true);
    lock.release();
    changed.with(() => {
      words[0] = 1;
      changed.notify();
    });
    await waiting;
  });
});

describe('Condition.from', () => {
  it('refuses a handle with a lock that is not its own', () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const condition = new Condition(undefined, { arena });
    const attach = (lock: Lock | RLock) => () => Condition.from({ ...condition, lock } as never);
    expect(attach(condition.lock)()).toBeInstanceOf(Condition);
    const wrong = 'is not the lock of its Condition';
    for (const other of [new RLock({ arena }), new Lock({ arena }), new RLock()]) {
      expect(attach(other)).toThrow(wrong);
    }
    // One that has the place of its own.
    fill(arena);
    condition.lock.destroy();
    const heir = new RLock({ arena });
    expect(heir.address).toBe(condition.lock.address);
    expect(attach(heir)).toThrow(wrong);
  });
});
