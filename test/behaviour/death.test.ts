/** Threads that are terminated: nothing hangs, and nothing is lost but what nobody can know. */
import type * as threading from 'lockwork';
import {
  AbandonedError,
  Arena,
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Event,
  Lock,
  RLock,
  reap,
  Semaphore,
} from 'lockwork';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buried, mortal, reaped } from '../support/mortal.ts';
import { thread, threads, until } from '../support/threads.ts';

/** How long a wait in these tests may take (ms). A death is known within a fraction of a second; Chromium's after two. */
const SOON = 15_000;
/** For how long (ms) threads that live are suspected; a minute is a proof. */
const SUSPECTED = Number(globalThis.process?.env.LOCKWORK_SUSPECTED ?? 1_500);

/** A thread's record, and what it is called. */
const PER_THREAD = 17 * 64;

const locks = { Lock: () => new Lock(), RLock: () => new RLock() };

/** How something that is abandoned, or free, is met. */
const meetings = {
  'a blocked thread': (lock: Lock | RLock) =>
    thread({ lock, SOON }, ({ lock, SOON }, { AbandonedError }) => {
      try {
        if (!lock.acquire(SOON)) return 'late';
        lock.release();
        return 'held';
      } catch (error) {
        return error instanceof AbandonedError ? 'abandoned' : String(error);
      }
    }),
  'a task': async (lock: Lock | RLock) => {
    try {
      return await lock.withAsync(() => 'held', { timeout: SOON });
    } catch (error) {
      return error instanceof AbandonedError ? 'abandoned' : String(error);
    }
  },
};

describe.each(Object.entries(locks))('a %s', (_kind, make) => {
  describe.each(Object.entries(meetings))('that %s waits for', (_who, meet) => {
    it.each([
      [
        'computes',
        ({ lock }: { lock: Lock | RLock }) => {
          lock.acquire();
          for (;;);
        },
      ],
      [
        'sleeps',
        ({ lock }: { lock: Lock | RLock }) => {
          lock.acquire();
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        },
      ],
      ['is idle', ({ lock }: { lock: Lock | RLock }) => void lock.acquire()],
      ['holds it as a task', ({ lock }: { lock: Lock | RLock }) => void lock.holdAsync()],
    ])('is abandoned when its owner, a thread that %s, is terminated', async (_what, act) => {
      const lock = make();
      const owner = mortal({ lock }, act);
      await until(() => lock.locked, 'the owner holds it');
      const meeting = meet(lock);
      await until(() => lock.waiters === 1, 'somebody waits for it');
      await owner.terminate();
      expect(await meeting).toBe('abandoned');
      // Everybody is told.
      expect(await meet(lock)).toBe('abandoned');
      expect(lock.abandoned).toBe(true);
      lock.recover(() => {});
      expect(await meet(lock)).toBe('held');
      lock.destroy();
    });

    it('goes past a dead waiter', async () => {
      const lock = make();
      lock.acquire();
      const blocked = mortal({ lock }, ({ lock }) => lock.acquire());
      await until(() => lock.waiters === 1, 'a thread blocks');
      const waiting = mortal({ lock }, ({ lock }) => lock.holdAsync());
      await until(() => lock.waiters === 2, 'a task waits');
      const meeting = meet(lock);
      await until(() => lock.waiters === 3, 'somebody waits behind them');
      await blocked.terminate();
      await waiting.terminate();
      await reaped(() => lock.waiters === 1, 'the dead have left the queue');
      lock.release();
      expect(await meeting).toBe('held');
      await buried(lock);
    });

    it('goes past a thread that was woken and did not come', async () => {
      const lock = make();
      const words = Arena.default.allocate(Int32Array, 1);
      lock.acquire();
      const busy = mortal({ lock, words }, ({ lock, words }) => {
        void lock.holdAsync();
        Atomics.store(words, 0, 1);
        for (;;);
      });
      await until(() => Atomics.load(words, 0) === 1 && lock.waiters === 1, 'a task of a busy thread waits');
      const meeting = meet(lock);
      await until(() => lock.waiters === 2, 'somebody waits behind it');
      lock.release();
      await busy.terminate();
      expect(await meeting).toBe('held');
      await buried(lock);
      Arena.default.free(words);
    });

    it('does not wait for the living who do not come', async () => {
      const lock = make();
      const words = Arena.default.allocate(Int32Array, 1);
      lock.acquire();
      const busy = mortal({ lock, words }, ({ lock, words }) => {
        void lock.withAsync(() => Atomics.store(words, 0, 3));
        Atomics.store(words, 0, 1);
        while (Atomics.load(words, 0) === 1);
      });
      await until(() => Atomics.load(words, 0) === 1 && lock.waiters === 1, 'a task of a busy thread waits');
      const meeting = meet(lock);
      await until(() => lock.waiters === 2, 'somebody waits behind it');
      lock.release();
      expect(await meeting).toBe('held');
      Atomics.store(words, 0, 2);
      await until(() => Atomics.load(words, 0) === 3, 'the busy one has had its turn');
      await busy.terminate();
      await buried(lock);
      Arena.default.free(words);
    });
  });

  it('that a thread holds when it ends by itself is abandoned', async () => {
    const lock = make();
    const owner = mortal({ lock }, ({ lock }) => {
      lock.acquire();
      const ends = [() => globalThis.process?.exit?.(), () => globalThis.close()];
      for (const end of ends) if (globalThis.process || end === ends[1]) end();
    });
    await reaped(() => lock.abandoned, 'it is abandoned');
    expect(() => lock.acquire(0)).toThrow(AbandonedError);
    lock.recover(() => {});
    lock.destroy();
    await owner.terminate();
  });
});

describe.each([
  ['Semaphore', (permits: number) => new Semaphore(permits)],
  ['BoundedSemaphore', (permits: number) => new BoundedSemaphore(permits)],
])('a %s', (_kind, make) => {
  it('has the permits back that guards of a dead thread held', async () => {
    const permits = make(4);
    const holder = mortal({ permits }, async ({ permits }) => {
      void permits.withAsync(() => new Promise(() => {}));
      await permits.holdAsync();
      permits.hold();
      permits.with(() => {
        for (;;);
      });
    });
    await until(() => permits.value === 0, 'all permits are held');
    const waiting = thread({ permits, SOON }, ({ permits, SOON }) => permits.acquire(SOON));
    await until(() => permits.waiters === 1, 'a thread waits for one');
    await holder.terminate();
    expect(await waiting).toBe(true);
    await reaped(() => permits.value === 3, 'the others are back');
    permits.release();
    permits.destroy();
  });

  it('has lost the permits that a dead thread had acquired without a guard', async () => {
    const permits = make(2);
    const lock = new Lock();
    const holder = mortal({ permits, lock }, ({ permits, lock }) => lock.acquire() && permits.acquire());
    await until(() => permits.value === 1, 'one is acquired');
    await holder.terminate();
    await reaped(() => lock.abandoned, 'the thread is found dead');
    expect(permits.value).toBe(1);
    permits.release();
    permits.destroy();
    lock.destroy();
  });

  it('passes a permit on that was for a thread that died', async () => {
    const permits = make(1);
    permits.acquire();
    const words = Arena.default.allocate(Int32Array, 1);
    const busy = mortal({ permits, words }, ({ permits, words }) => {
      void permits.acquireAsync();
      Atomics.store(words, 0, 1);
      for (;;);
    });
    await until(() => Atomics.load(words, 0) === 1 && permits.waiters === 1, 'a task of a busy thread waits');
    permits.release();
    await busy.terminate();
    expect(await permits.acquireAsync({ timeout: SOON })).toBe(true);
    permits.release();
    await buried(permits);
    Arena.default.free(words);
  });
});

describe('an Event', () => {
  it('lets all through beside dead waiters', async () => {
    const event = new Event();
    const dead = [mortal({ event }, ({ event }) => event.wait()), mortal({ event }, ({ event }) => event.waitAsync())];
    await until(() => event.waiters === 2, 'two wait');
    const alive = [thread({ event, SOON }, ({ event, SOON }) => event.wait(SOON)), event.waitAsync({ timeout: SOON })];
    await until(() => event.waiters === 4, 'four wait');
    for (const worker of dead) await worker.terminate();
    event.set();
    expect(await Promise.all(alive)).toEqual([true, true]);
    await reaped(() => event.waiters === 0, 'nobody waits');
    event.destroy();
  });
});

interface Acting {
  barrier: Barrier;
  words: Int32Array;
}

describe('a Barrier', () => {
  const meet = {
    'a blocked thread': (barrier: Barrier) =>
      thread({ barrier }, ({ barrier }) => barrier.wait()).then(String, (error: Error) => error.name),
    'a task': (barrier: Barrier) => barrier.waitAsync().then(String, (error: Error) => error.name),
  };
  describe.each(Object.entries(meet))('at which %s waits', (_who, wait) => {
    it.each([
      ['a blocked thread', ({ barrier }: { barrier: Barrier }) => barrier.wait()],
      ['a task', ({ barrier }: { barrier: Barrier }) => barrier.waitAsync()],
    ])('breaks when %s that has arrived dies', async (_what, act) => {
      const barrier = new Barrier(3);
      const dead = mortal({ barrier }, act);
      await until(() => barrier.waiting === 1, 'it has arrived');
      const met = wait(barrier);
      await until(() => barrier.waiting === 2, 'two have arrived');
      await dead.terminate();
      expect(await met).toBe('BrokenBarrierError');
      barrier.reset();
      barrier.destroy();
    });

    it.each([
      [
        'a thread',
        ({ barrier, words }: Acting, { Barrier }: typeof threading) => {
          const action = () => {
            Atomics.store(words, 0, 1);
            for (;;);
          };
          Barrier.from(barrier, { action }).wait();
        },
      ],
      [
        'a task',
        ({ barrier, words }: Acting, { Barrier }: typeof threading) => {
          const action = () => {
            Atomics.store(words, 0, 1);
            return new Promise(() => {});
          };
          void Barrier.from(barrier, { action }).waitAsync();
        },
      ],
    ])('breaks when %s dies that runs its action', async (_what, act) => {
      const barrier = new Barrier(2);
      const words = Arena.default.allocate(Int32Array, 1);
      const met = wait(barrier);
      await until(() => barrier.waiting === 1, 'one has arrived');
      const runner = mortal({ barrier, words }, act);
      await until(() => Atomics.load(words, 0) === 1, 'the action runs');
      expect(barrier.waiting).toBe(0);
      await runner.terminate();
      expect(await met).toBe('BrokenBarrierError');
      barrier.reset();
      barrier.destroy();
      Arena.default.free(words);
    });
  });

  it('waits on for a thread that had not arrived', async () => {
    const barrier = new Barrier(2);
    const dead = mortal({ barrier }, ({ barrier }) => barrier.waiting);
    await dead.terminate();
    await expect(barrier.waitAsync({ timeout: 300 })).rejects.toBeInstanceOf(BrokenBarrierError);
    barrier.reset();
    barrier.destroy();
  });
});

describe.each([
  ['a Lock', () => new Lock()],
  ['an RLock', () => new RLock()],
])('a Condition over %s', (_kind, make) => {
  it.each([
    ['a blocked thread', ({ condition }: { condition: Condition }) => condition.with(() => condition.wait())],
    [
      'a task',
      ({ condition }: { condition: Condition }) =>
        condition.withAsync(({ owner }) => condition.waitAsync(owner && { owner })),
    ],
  ])('loses a dead waiter, %s', async (_what, act) => {
    const condition = new Condition(make());
    const dead = mortal({ condition }, act);
    await until(() => condition.waiters === 1, 'it waits');
    await dead.terminate();
    await reaped(() => condition.waiters === 0, 'it has left');
    const living = thread({ condition, SOON }, ({ condition, SOON }) => condition.with(() => condition.wait(SOON)));
    await until(() => condition.waiters === 1, 'another waits');
    condition.with(() => condition.notify());
    expect(await living).toBe(true);
    const { lock } = condition;
    condition.destroy();
    // No pin of the dead one keeps it.
    lock.destroy();
  });

  it.each([
    ['a blocked thread', ({ condition }: { condition: Condition }) => condition.with(() => condition.wait())],
    [
      'a task',
      ({ condition }: { condition: Condition }) =>
        condition.withAsync(({ owner }) => condition.waitAsync(owner && { owner })),
    ],
  ])('loses a dead waiter that was notified, %s', async (_what, act) => {
    const condition = new Condition(make());
    const { lock } = condition;
    const dead = mortal({ condition }, act);
    await until(() => condition.waiters === 1, 'it waits');
    lock.acquire();
    condition.notify();
    await until(() => lock.waiters === 1, 'it waits for the lock');
    await dead.terminate();
    await reaped(() => lock.waiters === 0, 'it has left');
    lock.release();
    expect(lock.locked).toBe(false);
    condition.destroy();
    lock.destroy();
  });

  it('gives its waiter an abandoned lock, and an AbandonedError', async () => {
    const condition = new Condition(make());
    const { lock } = condition;
    const waiter = thread({ condition, SOON }, ({ condition, SOON }, { AbandonedError }) => {
      condition.acquire();
      try {
        condition.wait(SOON);
        return 'no error';
      } catch (error) {
        const held = condition.lock.locked;
        condition.release();
        return error instanceof AbandonedError && held;
      }
    });
    await until(() => condition.waiters === 1, 'a thread waits');
    const dead = mortal({ condition }, ({ condition }) => {
      condition.acquire();
      condition.notify();
      for (;;);
    });
    await until(() => lock.waiters === 1, 'it was notified');
    await dead.terminate();
    expect(await waiter).toBe(true);
    lock.recover(() => {});
    condition.destroy();
    lock.destroy();
  });
});

describe('nobody is found dead who lives', () => {
  /** Where nobody has died before. */
  let arena: Arena;
  let lock: Lock;
  beforeEach(() => {
    arena = new Arena();
    lock = new Lock({ arena });
  });
  afterEach(() => {
    lock.destroy();
    arena.destroy();
  });

  const suspect = async (look: () => void) => {
    const { waiters } = lock;
    const end = performance.now() + SUSPECTED;
    while (performance.now() < end) {
      look();
      expect([lock.locked, lock.abandoned, lock.waiters]).toEqual([true, false, waiters]);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };

  it('and computes, while others wait for it; nor are they', { timeout: 30_000 + SUSPECTED }, async () => {
    const words = arena.allocate(Int32Array, 1);
    const owner = mortal({ lock, words }, ({ lock, words }) => {
      lock.acquire();
      while (Atomics.load(words, 0) === 0);
      lock.release();
    });
    await until(() => lock.locked, 'a thread holds it, and computes');
    const timeout = SUSPECTED + SOON;
    const block = ({ lock, timeout }: { lock: Lock; timeout: number }) => {
      const held = lock.acquire(timeout);
      lock.release();
      return held;
    };
    const blocked = threads(8, { lock, timeout }, block, timeout + SOON);
    const tasks = Array.from({ length: 8 }, () => lock.withAsync(() => true, { timeout }));
    await until(() => lock.waiters === 16, 'all wait');
    // They look around by themselves; the program would use its tickets up within seconds.
    await suspect(() => {});
    for (let asked = 0; asked < 100; asked++) expect(reap(arena)).toBe(0);
    Atomics.store(words, 0, 1);
    expect([...(await blocked), ...(await Promise.all(tasks))]).toEqual(Array(16).fill(true));
    await owner.terminate();
    arena.free(words);
  });

  it('and is idle', { timeout: 30_000 + SUSPECTED }, async () => {
    const owner = mortal({ lock }, ({ lock }) => lock.acquire());
    await until(() => lock.locked, 'a thread holds it, and is idle');
    await suspect(() => expect(reap(arena)).toBe(0));
    await owner.terminate();
    await reaped(() => lock.abandoned, 'it is found as soon as it dies', arena);
  });
});

it('gives the memory of dead threads back', async () => {
  reap();
  const arena = new Arena();
  const event = new Event({ arena });
  const before = arena.used;
  for (let round = 0; round < 3; round++) {
    const dead = Array.from({ length: 4 }, () => mortal({ event }, ({ event }) => event.wait()));
    await until(() => event.waiters === dead.length, 'all wait');
    expect(arena.used).toBe(before + dead.length * PER_THREAD);
    await Promise.all(dead.map((thread) => thread.terminate()));
    await reaped(() => event.waiters === 0, 'they are reaped', arena);
    expect(arena.used).toBe(before);
  }
  event.destroy();
  arena.destroy();
});

it('makes room in a full arena by that', async () => {
  const arena = new Arena({ maximumBytes: 65_536 });
  const event = new Event({ arena });
  const dead = mortal({ event }, ({ event }) => event.wait());
  await until(() => event.waiters === 1, 'a thread waits');
  const arrays: ArrayBufferView[] = [];
  for (let length = 4096; length >= 1; length = Math.floor(length / 2)) {
    for (let made = true; made; ) {
      try {
        arrays.push(arena.allocate(Int32Array, length * 16));
      } catch {
        made = false;
      }
    }
  }
  expect(event.waiters).toBe(1);
  await dead.terminate();
  await until(() => {
    try {
      return Boolean(arrays.push(arena.allocate(Int32Array, 1)));
    } catch {
      return false;
    }
  }, 'what the dead thread was called is free');
  for (const array of arrays) arena.free(array);
  event.destroy();
  arena.destroy();
});
