import { type Scenario, scenarios, type Task } from '../scenario.ts';

/**
 * Threads that die, at any step: M, and N where there are two. Nothing may be left of them, and nobody may wait for them. A
 * thread that dies in a section leaves it damaged: no thread may enter it that was not told (`Kit.mend`).
 */

type WithLock = { lock: import('lockwork').Lock };
type WithRLock = { lock: import('lockwork').RLock };
type WithSemaphore = { semaphore: import('lockwork').Semaphore };
type WithEvent = { event: import('lockwork').Event };
type WithBarrier = { barrier: import('lockwork').Barrier };
type WithCondition = {
  lock: import('lockwork').Lock | import('lockwork').RLock;
  condition: import('lockwork').Condition;
};

const scenario = scenarios('Death');
const mortal = ['M'];
const two = ['M', 'N'];

/** Asks for the dead, once M has died or has done all. */
const reap: Task = async (_shared, t) => {
  await t.gone('M');
  const dead = t.reap();
  t.check(dead <= Number(t.died('M')), `${dead} were found dead`);
};

/** The same, where a second one may die. */
const reapTwo: Task = async (_shared, t) => {
  await t.gone('M');
  t.check(t.reap() < 3, 'three were found dead');
};

// ---------------------------------------------------------------------------------------------------- Lock

const share: Scenario<WithLock>['share'] = ({ Lock }, options) => ({ lock: new Lock(options) });

/** Holds the lock for more than a turn. */
const use: Task<WithLock> = async ({ lock }, t) => {
  try {
    t.check(await lock.acquireAsync(), 'it waits for ever, and has it');
  } catch (error) {
    t.check((error as Error).name === 'AbandonedError', `it throws ${error}`);
    await lock.recoverAsync(async () => {
      t.mend();
      t.enter();
      await t.turn();
      t.leave();
    });
    return;
  }
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

/** The same, where nobody else can die any more. */
const useForAll: Task<WithLock> = async ({ lock }, t) => {
  try {
    await lock.acquireAsync();
  } catch {
    await lock.recoverAsync(async () => t.mend());
    t.check(!lock.abandoned, 'it is recovered, and abandoned');
    return;
  }
  lock.release();
};

/** The same, if it gets it in time. */
const useInTime: Task<WithLock> = async ({ lock }, t) => {
  try {
    if (!(await lock.acquireAsync({ timeout: 10 }))) return;
  } catch (error) {
    t.check((error as Error).name === 'AbandonedError', `it throws ${error}`);
    return;
  }
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

/** The same, if it is not aborted first. */
const useUnlessAborted: Task<WithLock> = async ({ lock }, t) => {
  try {
    await lock.acquireAsync({ signal: t.signal('enough') });
  } catch (error) {
    t.check(error === 'enough' || (error as Error).name === 'AbandonedError', `it throws ${error}`);
    return;
  }
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

/** Blocks for it, and looks at it while it holds it. */
const block: Task<WithLock> = ({ lock }, t) => {
  try {
    lock.acquire();
  } catch (error) {
    const { name } = error as Error;
    if (name === 'DeadlockError') return;
    t.check(name === 'AbandonedError', `it throws ${error}`);
    try {
      lock.recover(() => {
        t.mend();
        t.enter();
        t.check(lock.locked, 'it is recovered, and free');
        t.leave();
      });
    } catch (error) {
      t.check((error as Error).name === 'DeadlockError', `it throws ${error}`);
    }
    return;
  }
  t.enter();
  t.check(lock.locked, 'it is held, and free');
  t.leave();
  lock.release();
};

/** Its view of the lock repairs it. */
const useRecovering: Task<WithLock> = async (shared, t) => {
  const lock = t.lockwork.Lock.from(shared.lock as never, {
    recover: async () => {
      await t.turn();
      t.mend();
    },
  });
  await lock.acquireAsync();
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

const blockRecovering: Task<WithLock> = (shared, t) => {
  const lock = t.lockwork.Lock.from(shared.lock as never, { recover: () => t.mend() });
  lock.acquire();
  t.enter();
  t.check(lock.locked, 'it is held, and free');
  t.leave();
  lock.release();
};

/** Of a lock that is just released. */
const useReleased: Task<WithLock> = async ({ lock }, t) => {
  await lock.acquireAsync();
  t.mend();
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

const blockReleased: Task<WithLock> = ({ lock }, t) => {
  lock.acquire();
  t.mend();
  t.enter();
  t.check(lock.locked, 'it is held, and free');
  t.leave();
  lock.release();
};

/** Holds it until M waits, or is dead; then, of the dead, nobody waits any more. */
const countWaiters: Task<WithLock> = async ({ lock }, t) => {
  lock.acquire();
  t.note('held');
  await t.idle('M');
  const found = t.reap();
  if (found) t.check(lock.waiters === 0, `${lock.waiters} wait, and all are dead`);
  lock.release();
};

const useHeld: Task<WithLock> = async ({ lock }, t) => {
  await t.when('held');
  try {
    await lock.acquireAsync();
    await t.turn();
    lock.release();
  } catch (error) {
    t.check(['AbandonedError', 'NotHeldError'].includes((error as Error).name), `it throws ${error}`);
  }
};

const unlocked = (
  { lock }: { lock: { readonly locked: boolean } },
  t: { check(right: boolean, otherwise: string): void },
) => t.check(!lock.locked, 'it is held, and all are done');

const locks: readonly Scenario[] = [
  scenario('Lock: a task, and one of another thread', {
    share,
    mortal,
    threads: { M: [use], A: [use] },
    after: unlocked,
  }),
  scenario('Lock: two tasks, and one of another thread', { share, mortal, threads: { A: [use], M: [use, use] } }),
  scenario('Lock: three tasks, and one of another thread', {
    share,
    mortal,
    threads: { M: [use, use, use], A: [use] },
  }),
  scenario('Lock: a task, and two of another thread', { share, mortal, threads: { M: [use], A: [use, use] } }),
  scenario('Lock: a task, and others of two threads', { share, mortal, threads: { A: [use], M: [use], B: [use] } }),
  scenario('Lock: threads that block', { share, mortal, threads: { M: [block], A: [block], B: [block] } }),
  scenario('Lock: it blocks, beside a task of another thread', { share, mortal, threads: { M: [block], A: [use] } }),
  scenario('Lock: a task, and a thread that blocks', { share, mortal, threads: { M: [use, use], A: [block] } }),
  scenario('Lock: it blocks beside its task', { share, mortal, threads: { M: [use, block], A: [use] } }),
  scenario('Lock: another one blocks beside its task', { share, mortal, threads: { M: [use], A: [use, block] } }),
  scenario('Lock: tasks that give up', {
    share,
    mortal,
    threads: { M: [use, useInTime], A: [useInTime, useUnlessAborted] },
  }),
  scenario('Lock: a third one asks', { share, mortal, threads: { M: [use, use], A: [use], B: [reap] } }),
  scenario('Lock: how many wait', { share, mortal, threads: { A: [countWaiters], M: [useHeld, useHeld, useHeld] } }),
  scenario('Lock: how many wait, between others', {
    share,
    mortal,
    threads: {
      A: [
        async ({ lock }, t) => {
          lock.acquire();
          t.note('held');
          await t.idle('B');
          await t.idle('M');
          const { stands = 0 } = t.state;
          if (t.reap()) t.check(lock.waiters === stands, `${lock.waiters} wait, and ${stands} live`);
          lock.release();
        },
      ],
      M: [useHeld, useHeld],
      B: [
        async ({ lock }, t) => {
          await t.when('held');
          const acquired = lock.acquireAsync();
          t.state.stands = lock.waiters > 0 ? 1 : 0;
          try {
            await acquired;
            lock.release();
          } catch {}
          t.state.stands = 0;
        },
      ],
    },
  }),
  scenario('Lock: views that recover it', {
    share,
    mortal,
    threads: { M: [useRecovering, use], A: [useRecovering], B: [blockRecovering] },
  }),
  scenario('Lock: released when its holder dies', {
    share: ({ Lock }, options) => ({ lock: new Lock({ ...options, abandoned: 'release' }) }),
    mortal,
    threads: { M: [useReleased, useReleased], A: [useReleased], B: [blockReleased] },
    after: unlocked,
  }),
  scenario('Lock: kept when its holder dies', {
    share: ({ Lock }, options) => ({ lock: new Lock({ ...options, abandoned: 'keep' }) }),
    mortal,
    threads: {
      M: [useInTime, useInTime],
      A: [
        useInTime,
        ({ lock }, t) => {
          try {
            if (!lock.acquire(10)) return;
          } catch (error) {
            t.check((error as Error).name === 'DeadlockError', `it throws ${error}`);
            return;
          }
          t.enter();
          t.leave();
          lock.release();
        },
      ],
      B: [
        async (_shared, t) => {
          await t.gone('M');
          t.reap();
        },
      ],
    },
    after: ({ lock }, t) => {
      t.check(t.died('M') || !lock.locked, 'it is held, and nobody has died');
      if (lock.locked) lock.release();
    },
  }),
  scenario('Lock: two die', { share, mortal: two, threads: { M: [use], N: [use, block], A: [use] } }),
  scenario('Lock: two die, one after the other', {
    share,
    mortal: two,
    threads: { M: [use], N: [use, use], A: [use] },
  }),
  scenario('Lock: recovered for all', { share, mortal, threads: { M: [use], A: [useForAll] } }),
  scenario('Lock: two die, and one blocks', { share, mortal: two, threads: { M: [use, use], N: [block], A: [block] } }),
  scenario('Lock: the reaper dies, too', {
    share,
    mortal: two,
    threads: { M: [use, use], N: [reapTwo], A: [use], B: [reapTwo] },
  }),
  scenario('Lock: another thread releases what it holds', {
    share,
    mortal,
    threads: {
      M: [
        async ({ lock }, t) => {
          try {
            await lock.acquireAsync();
          } catch {
            return;
          }
          t.note('held');
        },
        useHeld,
      ],
      A: [
        async ({ lock }, t) => {
          await t.when('held');
          try {
            lock.release();
          } catch (error) {
            t.check((error as Error).name === 'NotHeldError' && t.died('M'), `it throws ${error}`);
          }
        },
        useHeld,
      ],
    },
    after: ({ lock }) => {
      if (lock.locked) lock.release();
    },
  }),
];

// ---------------------------------------------------------------------------------------------------- turns

/** Notes that it was served. */
const serve: Task<WithLock> = async ({ lock }, t) => {
  await t.when('stands');
  const acquired = lock.acquireAsync();
  t.note('waits');
  await acquired;
  t.enter();
  t.note('served');
  t.leave();
  lock.release();
};

/** Waits, and then its thread does not come for what it is given. */
const stand: Task<WithLock> = async ({ lock }, t) => {
  await t.when('held');
  const acquired = lock.acquireAsync();
  t.note('stands');
  await acquired;
  t.enter();
  t.leave();
  lock.release();
};

const computeMeanwhile: Task = async (_shared, t) => {
  await t.when('waits');
  t.note('computes');
  t.compute('served');
};

/** Holds it until another thread computes. */
const holdMeanwhile: Task<WithLock> = async ({ lock }, t) => {
  await lock.acquireAsync();
  t.note('held');
  await t.when('computes');
  lock.release();
};

const turns: readonly Scenario[] = [
  scenario('a task takes its turn: the thread of the one before it computes', {
    share,
    looks: true,
    threads: { C: [holdMeanwhile], B: [stand, computeMeanwhile], A: [serve] },
  }),
  scenario('the second of two tasks takes its turn, and then the first', {
    share,
    looks: true,
    threads: { C: [holdMeanwhile], B: [stand, stand, computeMeanwhile], A: [serve, serve] },
  }),
  scenario('a blocked thread takes its turn: the thread of the one before it computes', {
    share,
    looks: true,
    threads: {
      C: [
        async ({ lock }: WithLock, t) => {
          await lock.acquireAsync();
          t.note('held');
          await t.when('blocks');
          lock.release();
        },
      ],
      A: [
        async ({ lock }: WithLock, t) => {
          await t.when('computes');
          t.note('blocks');
          lock.acquire();
          t.enter();
          t.note('served');
          t.leave();
          lock.release();
        },
      ],
      B: [
        stand,
        async (_shared, t) => {
          await t.when('stands');
          t.note('computes');
          t.compute('served');
        },
      ],
    },
  }),
  scenario('a thread that blocks beside its task takes its turn', {
    share,
    looks: true,
    threads: {
      C: [
        async ({ lock }: WithLock, t) => {
          await lock.acquireAsync();
          t.note('held');
          await t.when('blocks');
          lock.release();
        },
      ],
      A: [
        async ({ lock }: WithLock, t) => {
          await t.when('stands');
          await lock.acquireAsync();
          t.enter();
          t.leave();
          lock.release();
        },
        async ({ lock }: WithLock, t) => {
          await t.when('computes');
          t.note('blocks');
          try {
            lock.acquire();
          } catch {
            t.note('served');
            return;
          }
          t.enter();
          t.note('served');
          t.leave();
          lock.release();
        },
      ],
      B: [
        stand,
        async (_shared, t) => {
          await t.when('stands');
          t.note('computes');
          t.compute('served');
        },
      ],
    },
  }),
  scenario<WithSemaphore>('a task takes its turn: a permit is there', {
    share: ({ Semaphore }, options) => ({ semaphore: new Semaphore(1, options) }),
    looks: true,
    threads: {
      C: [
        async ({ semaphore }, t) => {
          await semaphore.acquireAsync();
          t.note('held');
          await t.when('computes');
          semaphore.release();
        },
      ],
      B: [
        async ({ semaphore }, t) => {
          await t.when('held');
          const acquired = semaphore.acquireAsync();
          t.note('stands');
          await acquired;
          semaphore.release();
        },
        computeMeanwhile,
      ],
      A: [
        async ({ semaphore }, t) => {
          await t.when('stands');
          const served = semaphore.withAsync(() => t.note('served'));
          t.note('waits');
          await served;
        },
      ],
    },
    after: ({ semaphore }, t) => t.check(semaphore.value === 1, `${semaphore.value} of 1 permits are there`),
  }),
];

// ---------------------------------------------------------------------------------------------------- RLock

const shareRLock: Scenario<WithRLock>['share'] = ({ RLock }, options) => ({ lock: new RLock(options) });

/** An owner that acquires it again. */
const useTwice: Task<WithRLock> = async ({ lock }, t) => {
  const section = async ({ owner }: { owner: import('lockwork').Owner | undefined }): Promise<void> => {
    await lock.acquireAsync({ owner });
    t.enter();
    await t.turn();
    t.leave();
    lock.release({ owner });
  };
  try {
    await lock.withAsync(section);
  } catch (error) {
    t.check((error as Error).name === 'AbandonedError', `it throws ${error}`);
    await lock.recoverAsync((guard) => {
      t.mend();
      return section(guard);
    });
  }
};

/** A thread that acquires it again. */
const blockTwice: Task<WithRLock> = ({ lock }, t) => {
  const section = (): void => {
    lock.acquire();
    t.enter();
    t.check(lock.locked, 'it is held, and free');
    t.leave();
    lock.release();
  };
  try {
    lock.with(section);
  } catch (error) {
    const { name } = error as Error;
    if (name === 'DeadlockError') return;
    t.check(name === 'AbandonedError', `it throws ${error}`);
    try {
      lock.recover(() => {
        t.mend();
        section();
      });
    } catch (error) {
      t.check((error as Error).name === 'DeadlockError', `it throws ${error}`);
    }
  }
};

/** Two tasks of one owner: both have it when one has. */
const useTogether: Task<WithRLock> = async ({ lock }, t) => {
  const owner = new t.lockwork.Owner();
  const one = async (): Promise<void> => {
    try {
      await lock.acquireAsync({ owner });
    } catch (error) {
      t.check((error as Error).name === 'AbandonedError', `it throws ${error}`);
      await lock.recoverAsync(() => t.mend(), { owner });
      return;
    }
    t.enter('their section', 2);
    await t.turn();
    t.leave('their section');
    lock.release({ owner });
  };
  await Promise.all([one(), one()]);
};

const useRecoveringOwner: Task<WithRLock> = async (shared, t) => {
  const lock = t.lockwork.RLock.from(shared.lock as never, {
    recover: async () => {
      await t.turn();
      t.mend();
    },
  });
  await lock.withAsync(async () => {
    t.enter();
    await t.turn();
    t.leave();
  });
};

const rlocks: readonly Scenario[] = [
  scenario('RLock: an owner, and one of another thread', {
    share: shareRLock,
    mortal,
    threads: { M: [useTwice], A: [useTwice] },
  }),
  scenario('RLock: two owners, and one of another thread', {
    share: shareRLock,
    mortal,
    threads: { M: [useTwice, useTwice], A: [useTwice] },
  }),
  scenario('RLock: a thread, and an owner of another', {
    share: shareRLock,
    mortal,
    threads: { M: [blockTwice], A: [useTwice] },
  }),
  scenario('RLock: threads that block', {
    share: shareRLock,
    mortal,
    threads: { M: [blockTwice], A: [blockTwice], B: [blockTwice] },
  }),
  scenario('RLock: it blocks beside its owner', {
    share: shareRLock,
    mortal,
    threads: { M: [useTwice, blockTwice], A: [useTwice] },
  }),
  scenario('RLock: an owner of several tasks', {
    share: shareRLock,
    mortal,
    threads: { M: [useTogether, useTwice], A: [useTogether] },
  }),
  scenario('RLock: views that recover it', {
    share: shareRLock,
    mortal,
    threads: { M: [useTwice], A: [useRecoveringOwner, useTwice] },
  }),
  scenario('RLock: two die', {
    share: shareRLock,
    mortal: two,
    threads: { M: [useTwice], N: [blockTwice], A: [useTwice] },
  }),
];

// ---------------------------------------------------------------------------------------------------- Semaphore

const one: Scenario<WithSemaphore>['share'] = ({ Semaphore }, options) => ({ semaphore: new Semaphore(1, options) });
const pair: Scenario<WithSemaphore>['share'] = ({ Semaphore }, options) => ({ semaphore: new Semaphore(2, options) });
const bounded: Scenario<WithSemaphore>['share'] = ({ BoundedSemaphore }, options) => ({
  semaphore: new BoundedSemaphore(1, options),
});

const keepGuard: Task<WithSemaphore> = async ({ semaphore }, t) => {
  const guard = await semaphore.holdAsync();
  await t.turn();
  guard.release();
};

const guardInTime: Task<WithSemaphore> = async ({ semaphore }, t) => {
  try {
    await semaphore.withAsync(() => t.turn(), { timeout: 10 });
  } catch (error) {
    t.check((error as Error).name === 'TimeoutError', `it throws ${error}`);
  }
};

const blockWith: Task<WithSemaphore> = ({ semaphore }, t) => {
  semaphore.with(() => t.check(semaphore.value < 2, 'a permit is taken, and all are there'));
};

const blockHold: Task<WithSemaphore> = ({ semaphore }, t) => {
  const guard = semaphore.hold();
  t.check(semaphore.value < 2, 'a permit is taken, and all are there');
  guard.release();
};

/** The same, if it gets it in time: a task of its own may have it. */
const blockHoldInTime: Task<WithSemaphore> = ({ semaphore }, t) => {
  try {
    const guard = semaphore.hold(10);
    t.check(semaphore.value < 2, 'a permit is taken, and all are there');
    guard.release();
  } catch (error) {
    t.check((error as Error).name === 'TimeoutError', `it throws ${error}`);
  }
};

/** Without a guard: only the living may. */
const plain: Task<WithSemaphore> = async ({ semaphore }, t) => {
  await semaphore.acquireAsync();
  await t.turn();
  semaphore.release();
};

/** The same, of a thread that may die. */
const plainOfM: Task<WithSemaphore> = async ({ semaphore }, t) => {
  t.state.plain = true;
  await semaphore.acquireAsync();
  await t.turn();
  semaphore.release();
  t.state.plain = false;
};

/** Does something for a while. */
const live: Task = async (_shared, t) => {
  for (let turns = 0; turns < 6; turns++) await t.turn();
};

const allButPlain: Scenario<WithSemaphore>['after'] = ({ semaphore }, t) => {
  const { value } = semaphore;
  t.check(value === 1 || (value === 0 && t.state.plain), `${value} of 1 permits are there`);
};

const allOfOne: Scenario<WithSemaphore>['after'] = ({ semaphore }, t) =>
  t.check(semaphore.value === 1, `${semaphore.value} of 1 permits are there`);
const allOfTwo: Scenario<WithSemaphore>['after'] = ({ semaphore }, t) =>
  t.check(semaphore.value === 2, `${semaphore.value} of 2 permits are there`);

const semaphores: readonly Scenario[] = [
  scenario('Semaphore: a guard, and one of another thread', {
    share: one,
    mortal,
    threads: { M: [keepGuard], A: [keepGuard] },
    after: allOfOne,
  }),
  scenario('Semaphore: guards of a thread, and one of another', {
    share: one,
    mortal,
    threads: { M: [keepGuard, keepGuard, keepGuard], A: [plain] },
    after: allOfOne,
  }),
  scenario('Semaphore: guards for two permits', {
    share: pair,
    mortal,
    threads: { M: [keepGuard, keepGuard, keepGuard], A: [plain, keepGuard] },
    after: allOfTwo,
  }),
  scenario('Semaphore: it blocks with a guard', {
    share: one,
    mortal,
    threads: { M: [blockWith], A: [blockHold], B: [keepGuard] },
    after: allOfOne,
  }),
  scenario('Semaphore: it blocks with a guard beside guards of its tasks', {
    share: pair,
    mortal,
    threads: { M: [keepGuard, blockHold], A: [keepGuard] },
    after: allOfTwo,
  }),
  scenario('Semaphore: it blocks with a guard beside a task that waits for one', {
    share: one,
    mortal,
    threads: { A: [keepGuard], M: [keepGuard, blockHoldInTime] },
    after: allOfOne,
  }),
  scenario('Semaphore: guards that come late', {
    share: one,
    mortal,
    threads: { M: [guardInTime, keepGuard], A: [guardInTime, plain] },
    after: allOfOne,
  }),
  scenario('Semaphore: a bounded one, and all is back', {
    share: bounded,
    mortal,
    threads: { M: [keepGuard, guardInTime], A: [blockWith], B: [reap] },
    after: allOfOne,
  }),
  scenario('Semaphore: two die', {
    share: one,
    mortal: two,
    threads: { M: [keepGuard, keepGuard], N: [blockWith], A: [keepGuard] },
    after: allOfOne,
  }),
  scenario('Semaphore: the reaper dies, too', {
    share: pair,
    mortal: two,
    threads: { M: [keepGuard, keepGuard], N: [reapTwo], A: [plain, plain], B: [reapTwo] },
    after: allOfTwo,
  }),
  scenario('Semaphore: it releases several at once', {
    share: ({ Semaphore }, options) => ({ semaphore: new Semaphore(0, options) }),
    mortal,
    threads: {
      M: [({ semaphore }) => semaphore.release(2)],
      A: [plain],
      B: [
        plain,
        async ({ semaphore }, t) => {
          await t.gone('M');
          if (t.died('M')) semaphore.release();
        },
      ],
    },
    after: ({ semaphore }, t) => {
      const least = t.died('M') ? 1 : 2;
      t.check(semaphore.value >= least, `${semaphore.value} of ${least} permits are there`);
    },
  }),
  scenario('Semaphore: its tasks hand a permit on, from one without a guard to one with', {
    share: one,
    mortal,
    threads: { M: [plainOfM, keepGuard], A: [live] },
    after: allButPlain,
  }),
  scenario('Semaphore: its tasks hand a permit on, from one with a guard to one without', {
    share: one,
    mortal,
    threads: { M: [keepGuard, plainOfM, live], A: [live] },
    after: allButPlain,
  }),
  scenario('Semaphore: a permit without a guard is lost', {
    share: pair,
    mortal,
    threads: {
      M: [
        async ({ semaphore }) => {
          await semaphore.acquireAsync();
          semaphore.release();
        },
        keepGuard,
      ],
      A: [keepGuard],
    },
    after: ({ semaphore }, t) => {
      const { value } = semaphore;
      t.check(value === 2 || (value === 1 && t.died('M')), `${value} of 2 permits are there`);
    },
  }),
];

// ---------------------------------------------------------------------------------------------------- Event, Barrier

const await_: Task<WithEvent> = async ({ event }) => void (await event.waitAsync());
const awaitInTime: Task<WithEvent> = async ({ event }) => void (await event.waitAsync({ timeout: 10 }));
const blockFor: Task<WithEvent> = ({ event }) => void event.wait();
const setLate: Task<WithEvent> = async ({ event }, t) => {
  await t.turn();
  event.set();
};
const shareEvent: Scenario<WithEvent>['share'] = ({ Event }, options) => ({ event: new Event(options) });

const events: readonly Scenario[] = [
  scenario('Event: tasks wait', {
    share: shareEvent,
    mortal,
    threads: { M: [await_, awaitInTime], A: [setLate, await_] },
  }),
  scenario('Event: it blocks', { share: shareEvent, mortal, threads: { M: [blockFor], A: [setLate], B: [blockFor] } }),
  scenario('Event: it blocks beside its task', {
    share: shareEvent,
    mortal,
    threads: { M: [await_, blockFor], A: [setLate] },
  }),
  scenario('Event: it sets', {
    share: shareEvent,
    mortal,
    threads: { M: [({ event }) => event.set()], A: [await_, await_], B: [setLate] },
  }),
];

const meet: Task<WithBarrier> = async ({ barrier }, t) => {
  t.state.arrived ??= [];
  try {
    t.state.arrived.push(await barrier.waitAsync());
  } catch (error) {
    t.check((error as Error).name === 'BrokenBarrierError' && t.died('M'), `it throws ${error}`);
  }
};
const blockAt: Task<WithBarrier> = ({ barrier }, t) => {
  t.state.arrived ??= [];
  try {
    t.state.arrived.push(barrier.wait());
  } catch (error) {
    t.check((error as Error).name === 'BrokenBarrierError' && t.died('M'), `it throws ${error}`);
  }
};
/** M may have died before it arrived: then nobody else may wait for it. */
const breakAfter: Task<WithBarrier> = async ({ barrier }, t) => {
  await t.gone('M');
  if (!t.died('M')) return;
  t.reap();
  barrier.abort();
};
/** With an action that takes a turn. */
const meetActing: Task<WithBarrier> = async (shared, t) => {
  const barrier = t.lockwork.Barrier.from(shared.barrier as never, {
    action: async () => {
      t.check(shared.barrier.waiting === 0, 'all have arrived, and some are waited for');
      t.state.acts = true;
      await t.turn();
      t.state.acts = false;
    },
  });
  try {
    await barrier.waitAsync();
    t.check(!t.state.acts, 'it goes on before the action has ended');
  } catch (error) {
    t.check((error as Error).name === 'BrokenBarrierError' && t.died('M'), `it throws ${error}`);
  }
};
const blockActing: Task<WithBarrier> = (shared, t) => {
  const barrier = t.lockwork.Barrier.from(shared.barrier as never, {
    action: () => {
      t.state.acts = true;
      t.check(!shared.barrier.broken, 'it is broken');
      t.state.acts = false;
    },
  });
  try {
    barrier.wait();
    t.check(!t.state.acts, 'it goes on before the action has ended');
  } catch (error) {
    t.check((error as Error).name === 'BrokenBarrierError' && t.died('M'), `it throws ${error}`);
  }
};
const parties2: Scenario<WithBarrier>['share'] = ({ Barrier }, options) => ({ barrier: new Barrier(2, options) });
const parties3: Scenario<WithBarrier>['share'] = ({ Barrier }, options) => ({ barrier: new Barrier(3, options) });

const barriers: readonly Scenario[] = [
  scenario('Barrier: tasks meet', { share: parties2, mortal, threads: { M: [meet], A: [meet], B: [breakAfter] } }),
  scenario('Barrier: two tasks of it, and a third', {
    share: parties3,
    mortal,
    threads: { M: [meet, meet], A: [meet], B: [breakAfter] },
  }),
  scenario('Barrier: it blocks', { share: parties2, mortal, threads: { M: [blockAt], A: [blockAt], B: [breakAfter] } }),
  scenario('Barrier: an arrived one is found by a waiter', {
    share: parties3,
    mortal,
    threads: {
      M: [
        async ({ barrier }, t) => {
          t.note('comes');
          try {
            await barrier.waitAsync();
          } catch {}
        },
      ],
      A: [
        async ({ barrier }, t) => {
          await t.when('comes');
          try {
            await barrier.waitAsync({ timeout: 10 });
          } catch {}
        },
      ],
      B: [
        async ({ barrier }, t) => {
          await t.idle('M');
          if (t.reap() && barrier.waiting === 0) t.note('broken');
          try {
            barrier.wait(10);
          } catch {}
        },
      ],
    },
  }),
  scenario('Barrier: the action of a task', {
    share: parties2,
    mortal,
    threads: { A: [meet], M: [meetActing], B: [breakAfter] },
  }),
  scenario('Barrier: actions of both', {
    share: parties2,
    mortal,
    threads: { A: [meetActing], M: [meetActing], B: [breakAfter] },
  }),
  scenario('Barrier: the action of a thread', {
    share: parties2,
    mortal,
    threads: { A: [blockAt], M: [blockActing], B: [breakAfter] },
  }),
  scenario('Barrier: it dies in its action, and is found by a waiter', {
    share: parties2,
    mortal,
    threads: {
      A: [meet],
      M: [meetActing],
      B: [
        async ({ barrier }, t) => {
          await t.gone('M');
          await t.idle('A');
          // It has not come, and nobody else will. In its action, nobody is waited for.
          if (barrier.waiting > 0) barrier.abort();
        },
      ],
    },
  }),
  scenario('Barrier: nobody dies, and the thread that runs the action looks around', {
    share: parties2,
    looks: true,
    threads: {
      A: [
        meetActing,
        meet,
        async (_shared, t) => {
          // Until then only looks go on.
          await t.turn();
          await t.turn();
          await t.turn();
        },
      ],
      B: [({ barrier }, t) => t.check(!barrier.broken, 'it is broken, and nobody has died')],
    },
    after: ({ barrier }, t) => t.check(!barrier.broken, 'it is broken, and nobody has died'),
  }),
];

// ---------------------------------------------------------------------------------------------------- Condition

const overLock: Scenario<WithCondition>['share'] = ({ Lock, Condition }, options) => {
  const lock = new Lock(options);
  return { lock, condition: new Condition(lock, options) };
};
const overRLock: Scenario<WithCondition>['share'] = ({ RLock, Condition }, options) => {
  const lock = new RLock(options);
  return { lock, condition: new Condition(lock, options) };
};

/** Views that recover make it short: they find all in order. */
const consumeRecovering: Task<WithCondition> = async (shared, t) => {
  const condition = t.lockwork.Condition.from(shared.condition as never, {
    recover: async () => {
      await t.turn();
      t.mend();
    },
  });
  const owner = shared.lock.kind === 'RLock' ? { owner: new t.lockwork.Owner() } : {};
  await condition.acquireAsync(owner);
  while (!t.state.full) await condition.waitAsync(owner);
  t.enter();
  t.check(shared.lock.locked, 'it is held, and free');
  t.leave();
  condition.release(owner);
};
const produceRecovering: Task<WithCondition> = async (shared, t) => {
  const condition = t.lockwork.Condition.from(shared.condition as never, { recover: () => t.mend() });
  const owner = shared.lock.kind === 'RLock' ? { owner: new t.lockwork.Owner() } : {};
  await condition.acquireAsync(owner);
  t.state.full = true;
  condition.notifyAll(owner);
  condition.release(owner);
};
const blockConsuming: Task<WithCondition> = (shared, t) => {
  const condition = t.lockwork.Condition.from(shared.condition as never, { recover: () => t.mend() });
  condition.acquire();
  while (!t.state.full) condition.wait();
  t.check(shared.lock.locked, 'it is held, and free');
  condition.release();
};
const blockProducing: Task<WithCondition> = (shared, t) => {
  const condition = t.lockwork.Condition.from(shared.condition as never, { recover: () => t.mend() });
  condition.acquire();
  t.state.full = true;
  condition.notifyAll();
  condition.release();
};
/** Is told in place of a view that recovers: it holds the lock then, and says so by releasing it. */
const consumeTold: Task<WithCondition> = async ({ condition, lock }, t) => {
  const recover = (): void => lock.recover(() => t.mend());
  for (;;) {
    try {
      condition.acquire();
      break;
    } catch (error) {
      t.check((error as Error).name === 'AbandonedError' && t.died('M'), `it throws ${error}`);
      recover();
    }
  }
  while (!t.state.full) {
    try {
      condition.wait();
    } catch (error) {
      t.check((error as Error).name === 'AbandonedError' && t.died('M'), `it throws ${error}`);
      t.check(lock.locked, 'it throws, and the lock is free');
      condition.release();
      recover();
      condition.acquire();
    }
  }
  condition.release();
};

const conditions: readonly Scenario[] = (
  [
    ['a Lock', overLock],
    ['an RLock', overRLock],
  ] as const
).flatMap(([over, share]) => [
  scenario(`Condition over ${over}: tasks wait`, {
    share,
    mortal,
    threads: { M: [consumeRecovering, consumeRecovering], A: [produceRecovering], B: [consumeRecovering] },
  }),
  scenario(`Condition over ${over}: threads block`, {
    share,
    mortal,
    threads: { M: [blockConsuming], A: [blockConsuming], B: [blockProducing] },
  }),
  scenario(`Condition over ${over}: it blocks beside its task`, {
    share,
    mortal,
    threads: { M: [consumeRecovering, blockConsuming], A: [produceRecovering] },
  }),
  scenario(`Condition over ${over}: it notifies`, {
    share,
    mortal,
    threads: { A: [consumeRecovering, consumeRecovering], M: [produceRecovering], B: [blockProducing] },
  }),
  scenario(`Condition over ${over}: a thread that is told`, {
    share,
    mortal,
    threads: { A: [consumeTold], M: [produceRecovering, consumeRecovering], B: [blockProducing] },
  }),
]);

export const deaths: readonly Scenario[] = [locks, turns, rlocks, semaphores, events, barriers, conditions].flat();
