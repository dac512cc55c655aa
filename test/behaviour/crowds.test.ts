/**
 * What many tasks cost that wait for the same: each as much as one of few, in whichever order they come and go. Work is
 * counted, as no time is the same twice: the most frequent step runs so many times for each task.
 */
import { type Lock, Owner, RLock } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers } from '../support/settle.ts';
import { steps } from '../support/steps.ts';
import { thread, until } from '../support/threads.ts';
import { HOLDABLES, outcome, WAITS } from '../support/waits.ts';

const TASKS = 4_000;
/**
 * It is 1 to 7; the rest is for a slow machine, as every 30 ms a thread looks after its tasks: at all, and at up to 64 before
 * each of 256. Were each to walk over those of its thread that wait, it would be 500 at least.
 */
const FOR_EACH = 300;

/** How many times the most frequent step runs for each task; it is counted at all. */
async function expectLinear(act: () => unknown): Promise<void> {
  const forEach = (await steps(act)) / TASKS;
  expect(forEach).toBeGreaterThan(0);
  expect(forEach).toBeLessThanOrEqual(FOR_EACH);
}

/** By how they go: the places of those that came one after the other. */
const ORDERS: Record<string, (length: number) => number[]> = {
  'as they came': (length) => Array.from({ length }, (_, place) => place),
  'the last first': (length) => Array.from({ length }, (_, place) => length - 1 - place),
  // As 7,919 is a prime, each once.
  'in no order': (length) => Array.from({ length }, (_, place) => (place * 7_919) % length),
};

/** What lets a task give up, by the ways to do so. A timer fires when it is told to. */
const WAYS: Record<string, () => { options(): object; giveUp: (() => void)[]; end(): void }> = {
  'are aborted'() {
    const giveUp: (() => void)[] = [];
    const options = () => {
      const controller = new AbortController();
      giveUp.push(() => controller.abort());
      return { signal: controller.signal };
    };
    return { options, giveUp, end() {} };
  },
  'run out of time'() {
    const { setTimeout, clearTimeout } = globalThis;
    const giveUp: (() => void)[] = [];
    Object.assign(globalThis, { setTimeout: (run: () => void) => giveUp.push(run), clearTimeout() {} });
    return {
      options: () => ({ timeout: 1 }),
      giveUp,
      end: () => void Object.assign(globalThis, { setTimeout, clearTimeout }),
    };
  },
};

it('A walk over all for each is noticed', async () => {
  const all = Array.from({ length: TASKS });
  await expect(
    expectLinear(() => {
      for (let task = 0; task < TASKS; task++) for (let other = 0; other < task; other++) all[other] = task;
    }),
  ).rejects.toThrow(/less than or equal/);
});

describe.each(Object.entries(WAITS))('Many tasks that wait: %s', (_, make) => {
  for (const [way, made] of Object.entries(WAYS)) {
    it.each(Object.entries(ORDERS))(`${way} %s`, async (_, order) => {
      const place = make(TASKS);
      const { options, giveUp, end } = made();
      try {
        await expectLinear(async () => {
          const waits = Array.from({ length: TASKS }, () => outcome(place.wait(options())));
          // Those that wait for a Condition have its lock one after the other.
          for (let turn = 0; place.target.waiters < TASKS; turn++) {
            expect(turn).toBeLessThan(TASKS);
            await new Promise((resolve) => setImmediate(resolve));
          }
          for (const index of order(TASKS)) giveUp[index]!();
          await Promise.all(waits);
        });
      } finally {
        end();
      }
      expect(place.target.waiters).toBe(0);
      place.mend?.();
      place.end();
    });
  }
});

describe('Many owners of an RLock', () => {
  /** The owner of each wait: each has two of them, far from each other. */
  const pairs = (): Owner[] => {
    const owners = Array.from({ length: TASKS / 2 }, () => new Owner());
    return [...owners, ...owners];
  };

  it('have it one after the other, each by both of its tasks', async () => {
    const lock = new RLock();
    lock.acquire();
    const held: number[] = [];
    await expectLinear(async () => {
      const waits = pairs().map(async (owner, index) => {
        await lock.acquireAsync({ owner });
        held.push(index);
        lock.release({ owner });
      });
      lock.release();
      await Promise.all(waits);
    });
    expect(held).toEqual(Array.from({ length: TASKS }, (_, turn) => (turn >> 1) + (turn & 1) * (TASKS / 2)));
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it.each(Object.entries(ORDERS))('give up %s', async (_, order) => {
    const lock = new RLock();
    lock.acquire();
    const controllers = Array.from({ length: TASKS }, () => new AbortController());
    await expectLinear(async () => {
      const owners = pairs();
      const waits = controllers.map(({ signal }, index) =>
        outcome(lock.acquireAsync({ owner: owners[index], signal })),
      );
      for (const index of order(TASKS)) controllers[index]!.abort();
      await Promise.all(waits);
    });
    lock.release();
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });

  it('acquire it again while many wait', async () => {
    const lock = new RLock();
    await expectLinear(async () => {
      const again = async (): Promise<void> => {
        const guard = await lock.holdAsync();
        const { owner } = guard;
        await lock.withAsync(() => {}, { owner });
        guard.release();
      };
      await Promise.all(Array.from({ length: TASKS }, again));
    });
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  });
});

interface InTurns {
  lock: Lock;
  /** Whose turn it is, from 1 on: the thread that comes second begins with that. */
  turn: Int32Array;
  second: boolean;
  /** How many tasks each has. */
  length: number;
  /** Of those that give up. */
  order: readonly number[] | undefined;
}

/** The tasks of one of two threads, which wait for the same strictly in turns with the other's; all have it, or give up. */
async function inTurns({ lock, turn, second, length, order }: InTurns): Promise<void> {
  const within = 10_000;
  const aborts: (() => void)[] = [];
  const tasks: Promise<unknown>[] = [];
  if (second) Atomics.store(turn, 0, 1);
  for (let mine = second ? 2 : 1; mine <= 2 * length; mine += 2) {
    // The notify of the turn before may come as late as this.
    while (Atomics.load(turn, 0) !== mine) {
      if (Atomics.wait(turn, 0, mine - 1, within) !== 'timed-out') continue;
      throw new Error(`not within ${within} ms: the other thread's turn ${mine - 1}`);
    }
    const controller = new AbortController();
    aborts.push(() => controller.abort());
    tasks.push(order ? lock.holdAsync({ signal: controller.signal }).catch(() => {}) : lock.withAsync(() => {}));
    Atomics.store(turn, 0, mine + 1);
    Atomics.notify(turn, 0);
  }
  for (const index of order ?? []) aborts[index]!();
  if (!order && !second) lock.release();
  await Promise.all(tasks);
}

describe.each(HOLDABLES)('Tasks of two threads that wait for a %s strictly in turns', (_, make) => {
  async function both(order?: readonly number[]): Promise<void> {
    const lock = make();
    lock.acquire();
    const args = { lock, turn: integers(1), length: TASKS / 2, order };
    const other = thread({ ...args, second: true }, inTurns);
    // One that has not begun might need this thread to begin.
    await until(() => Atomics.load(args.turn, 0) === 1, 'the other thread has begun');
    await expectLinear(() => Promise.all([inTurns({ ...args, second: false }), other]));
    if (order) lock.release();
    expect([lock.waiters, lock.tryAcquire()]).toEqual([0, true]);
  }

  it('have it one after the other', () => both());

  it.each(Object.entries(ORDERS))('give up %s', (_, order) => both(order(TASKS / 2)));
});
