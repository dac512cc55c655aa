/** Tasks that wait for a Condition, beside threads. */
import { Condition, Lock, NotHeldError, Owner, RLock } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers } from '../support/settle.ts';
import { thread, thrown, until } from '../support/threads.ts';
import { expectInTurn, timed } from '../support/turns.ts';
import { start } from '../support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

describe.each([
  ['a Lock', () => new Lock()],
  ['an RLock', () => new RLock()],
] as [string, () => Lock | RLock][])('A Condition over %s', (_, make) => {
  /** A thread or task that waits, and writes its place down when it has the lock again. */
  const wait = (condition: Condition, order: Int32Array, place: number): Promise<unknown> =>
    start(
      { condition, order, place },
      ({ condition, order, place }) =>
        condition.with(() => {
          if (condition.wait()) order.set([place], ++order[0]!);
        }),
      ({ condition, order, place }) =>
        condition.withAsync(async ({ owner }) => {
          if (await condition.waitAsync(owner && { owner })) order.set([place], ++order[0]!);
        }),
    );

  it('gives a free lock in as many turns as the lock itself', async () => {
    const condition = new Condition(make());
    const turns = async (target: Condition | Lock | RLock): Promise<number> => {
      const owner = new Owner();
      let turns = 0;
      let held = false;
      void target.acquireAsync({ owner }).then(() => {
        held = true;
      });
      for (; !held && turns < 10; turns++) await undefined;
      target.release({ owner });
      return turns;
    };
    expect([await turns(condition.lock), await turns(condition)]).toEqual([1, 1]);
    condition.destroy();
    await expect(condition.acquireAsync()).rejects.toThrow(/destroyed/);
    await expect(condition.holdAsync()).rejects.toThrow(/destroyed/);
    await expect(condition.withAsync(() => 1)).rejects.toThrow(/destroyed/);
  });

  it('is not released by the guard of one that was destroyed', async () => {
    const condition = new Condition(make());
    const guard = await condition.holdAsync();
    condition.destroy();
    expect(() => guard.release()).toThrow(/^Condition.*destroyed/);
    expect(condition.lock.locked).toBe(true);
  });

  it('is not given up by waitForAsync with a timeout of 0', async () => {
    const condition = new Condition(make());
    await condition.withAsync(async ({ owner }) => {
      let held: unknown;
      void condition
        .waitForAsync(() => false, { timeout: 0, ...(owner && { owner }) })
        .then((answer) => {
          held = answer;
        });
      for (let turns = 0; turns < 10; turns++) await undefined;
      expect([held, condition.waiters, condition.lock.locked]).toEqual([false, 0, true]);
    });
  });

  it('lets exactly n threads and tasks go on with notify(n), the oldest first', async () => {
    const round = async () => {
      const condition = new Condition(make());
      const order = integers(16);
      const waits: Promise<unknown>[] = [];
      for (let place = 1; place <= 12; place++) {
        waits.push(wait(condition, order, place));
        await until(() => condition.waiters === place && !condition.lock.locked, `${place} wait`);
      }
      let [total, slowest] = [0, 0];
      for (const [n, elsewhere] of [
        [1, false],
        [0, true],
        [3, true],
        [2, false],
        [1, true],
        [9, false],
      ] as const) {
        total = Math.min(12, total + n);
        if (elsewhere) await thread({ condition, n }, ({ condition, n }) => condition.with(() => condition.notify(n)));
        else await condition.withAsync(({ owner }) => condition.notify(n, owner && { owner }));
        const gone = () => Atomics.load(order, 0) === total && !condition.lock.locked;
        slowest = Math.max(slowest, await timed(() => until(gone, `${total} have gone on`)));
        expect(condition.waiters).toBe(12 - total);
      }
      await Promise.all(waits);
      return { order: [...order.slice(1, 13)], slowest };
    };
    await expectInTurn(round, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('spends no notify on a task whose time is up or that is aborted', async () => {
    const rounds = 1_000;
    const condition = new Condition(make());
    // The waits that were notified; whether the patient thread stands in the queue; whether all is over.
    const state = integers(3);
    const patient = thread({ condition, state }, ({ condition, state }) =>
      condition.with(() => {
        while (!state[2]) {
          state[1] = 1;
          if (condition.wait()) state[0]!++;
          state[1] = 0;
        }
      }),
    );
    const impatient = async ({ condition, state }: { condition: Condition; state: Int32Array }) => {
      while (!state[2]) {
        const controller = new AbortController();
        if (Math.random() < 0.5) setTimeout(() => controller.abort('off'), Math.random() * 2);
        const options = { timeout: Math.random() * 3, signal: controller.signal };
        await condition.withAsync(async ({ owner }) => {
          try {
            if (await condition.waitAsync(owner ? { ...options, owner } : options)) state[0]!++;
          } catch (error) {
            if (error !== 'off') throw error;
          }
        });
      }
    };
    const all = [
      patient,
      impatient({ condition, state }),
      impatient({ condition, state }),
      thread({ condition, state }, impatient),
    ];
    let notified = 0;
    while (notified < rounds) {
      await condition.withAsync(({ owner }) => {
        if (!state[1] || state[0] !== notified) return;
        notified++;
        condition.notify(1, owner && { owner });
      });
      const now = notified;
      await until(() => Atomics.load(state, 0) >= now, `notify ${now} ends a wait`);
      expect(Atomics.load(state, 0)).toBe(now);
    }
    await condition.withAsync(({ owner }) => {
      state[2] = 1;
      condition.notifyAll(owner && { owner });
    });
    await Promise.all(all);
    expect([condition.waiters, condition.lock.waiters, condition.lock.locked]).toEqual([0, 0, false]);
  });

  it('carries items from tasks to threads and from threads to tasks, losing none', async () => {
    const [items, room] = [250, 2];
    const lock = make();
    const [notFull, notEmpty] = [new Condition(lock), new Condition(lock)];
    // How many items are in the buffer, and the items, the last one first to go.
    const buffer = integers(1 + room);
    const shared = { notFull, notEmpty, buffer, items, room };
    const produce = async ({ notFull, notEmpty, buffer, items, room }: typeof shared) => {
      for (let item = 1; item <= items; item++) {
        await notFull.withAsync(async ({ owner }) => {
          await notFull.waitForAsync(async () => buffer[0]! < room, owner && { owner });
          buffer[++buffer[0]!] = item;
          notEmpty.notify(1, owner && { owner });
        });
      }
      return 0;
    };
    const consume = async ({ notFull, notEmpty, buffer, items }: typeof shared) => {
      let sum = 0;
      for (let item = 1; item <= items; item++) {
        await notEmpty.withAsync(async ({ owner }) => {
          await notEmpty.waitForAsync(() => buffer[0]! > 0, owner && { owner });
          sum += buffer[buffer[0]!--]!;
          notFull.notify(1, owner && { owner });
        });
      }
      return sum;
    };
    const sums = await Promise.all([
      produce(shared),
      consume(shared),
      thread(shared, produce),
      thread(shared, consume),
      thread(shared, ({ notFull, notEmpty, buffer, items, room }) => {
        for (let item = 1; item <= items; item++) {
          notFull.with(() => {
            notFull.waitFor(() => buffer[0]! < room);
            buffer[++buffer[0]!] = item;
            notEmpty.notify();
          });
        }
        return 0;
      }),
      thread(shared, ({ notFull, notEmpty, buffer, items }) => {
        let sum = 0;
        for (let item = 1; item <= items; item++) {
          notEmpty.with(() => {
            notEmpty.waitFor(() => buffer[0]! > 0);
            sum += buffer[buffer[0]!--]!;
            notFull.notify();
          });
        }
        return sum;
      }),
    ]);
    expect(sums.reduce((sum, one) => sum + one)).toBe((3 * items * (items + 1)) / 2);
    expect([buffer[0], notFull.waiters, notEmpty.waiters, lock.locked]).toEqual([0, 0, 0, false]);
  });

  it('has its lock again however waitForAsync ends', async () => {
    const condition = new Condition(make());
    const later = (ms: number, value: unknown) => new Promise((resolve) => setTimeout(resolve, ms, value));
    const controller = new AbortController();
    setTimeout(() => controller.abort(boom), 5);
    const fail = () => {
      throw boom;
    };
    const ends: [predicate: () => unknown, options: { timeout?: number; signal?: AbortSignal }, end: unknown][] = [
      [() => 1, { timeout: 0 }, true],
      [() => later(1, true), {}, true],
      [() => '', { timeout: 0 }, false],
      [() => later(1, 0), { timeout: 3 }, false],
      [() => undefined, { signal: controller.signal }, boom],
      [() => true, { signal: AbortSignal.abort(boom) }, boom],
      [fail, {}, boom],
      [async () => fail(), {}, boom],
    ];
    for (const [predicate, options, end] of ends) {
      await condition.withAsync(async ({ owner }) => {
        const mine = owner ? { ...options, owner } : options;
        const held = () => expect(condition.tryAcquire()).toBe(false);
        const wait = condition.waitForAsync(() => {
          held();
          return predicate();
        }, mine);
        expect(await wait.catch((error) => error), String(predicate)).toBe(end);
        held();
      });
      expect([condition.waiters, condition.lock.waiters, condition.lock.locked]).toEqual([0, 0, false]);
    }
  });

  it('is not waited for by a task that does not hold it', async () => {
    const condition = new Condition(make());
    const guard = await condition.holdAsync();
    const { owner } = guard;
    guard.release();
    for (const call of [
      () => condition.waitAsync(owner && { owner }),
      () => condition.waitForAsync(() => true, owner && { owner }),
    ]) {
      expect(await thrown(call())).toBe('NotHeldError');
    }
    expect([condition.waiters, condition.lock.locked]).toEqual([0, false]);
  });
});

describe('The owner of an RLock', () => {
  it('has it for all its tasks when waitForAsync comes to an end', async () => {
    const condition = new Condition();
    const owner = new Owner();
    let holds = false;
    await condition.acquireAsync({ owner });
    const wait = condition.waitForAsync(() => holds, { owner });
    await until(() => condition.waiters === 1, 'it waits');
    condition.acquire();
    holds = true;
    condition.notify();
    const other = condition.acquireAsync({ owner });
    condition.release();
    expect(await Promise.all([wait, other])).toEqual([true, true]);
    condition.release({ owner });
    condition.release({ owner });
    expect(condition.lock.locked).toBe(false);
  });
});

describe('A task without the lock', () => {
  it('is refused by waitAsync, and its other calls go on waiting', async () => {
    const changed = new Condition();
    const owner = new Owner();
    changed.acquire();
    const pending = changed.acquireAsync({ owner });
    await expect(changed.waitAsync({ owner })).rejects.toBeInstanceOf(NotHeldError);
    changed.release();
    expect(await pending).toBe(true);
    changed.release({ owner });
  });
});
