import { type Scenario, scenarios, type Task } from '../scenario.ts';

type Shared = { lock: import('lockwork').Lock };
type WithEvent = Shared & { event: import('lockwork').Event };
const scenario = scenarios('Lock');
const share: Scenario<Shared>['share'] = ({ Lock }, options) => ({ lock: new Lock(options) });

/** Holds the lock for more than a turn. */
const use: Task<Shared> = async ({ lock }, t) => {
  t.check(await lock.acquireAsync(), 'it waits for ever, and has it');
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

/** The same, if it gets it in time. */
const useInTime: Task<Shared> = async ({ lock }, t) => {
  if (!(await lock.acquireAsync({ timeout: 10 }))) return;
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

/** The same, if it is not aborted first. */
const useUnlessAborted: Task<Shared> = async ({ lock }, t) => {
  try {
    await lock.acquireAsync({ signal: t.signal('enough') });
  } catch (reason) {
    t.check(reason === 'enough', `it rejects with ${reason}`);
    return;
  }
  t.enter();
  await t.turn();
  t.leave();
  lock.release();
};

/** Holds it in one turn, and blocks for it if no task of its own thread has it. */
const block: Task<Shared> = ({ lock }, t) => {
  if (!t.acquires(lock)) return;
  t.enter();
  t.leave();
  lock.release();
};

/** Takes its place in the queue while the lock is held: a task that came behind it must not go before it. */
const queue: Task<Shared> = async ({ lock }, t) => {
  await t.when('held');
  const { waiting } = t.state;
  const me = { came: t.state.time++, stood: Infinity };
  const acquired = lock.acquireAsync();
  me.stood = t.state.time++;
  waiting.push(me);
  if (waiting.length === 3) t.note('all stand');
  await acquired;
  waiting.splice(waiting.indexOf(me), 1);
  t.check(!waiting.some(({ stood }: typeof me) => stood < me.came), 'one that stood before it still waits');
  await t.turn();
  lock.release();
};

/** Acquires it before all others, and keeps it. */
const holdFirst: Task<Shared> = async ({ lock }, t) => {
  t.state.held = 0;
  t.state.released = 0;
  await lock.acquireAsync();
  t.state.held++;
  t.note('held');
};

/** Acquires it once it is held, if it is released in time, and keeps it. */
const holdInTime: Task<Shared> = async ({ lock }, t) => {
  await t.when('held');
  if (await lock.acquireAsync({ timeout: 10 })) t.state.held++;
};

/** Releases what others acquired, and must be told if there is nothing to release. */
const releaseOnce: Task<Shared> = async ({ lock }, t) => {
  await t.when('held');
  try {
    lock.release();
    t.state.released++;
  } catch (error) {
    t.check((error as Error).name === 'NotHeldError', `it throws ${error}`);
  }
};

/** No more was released than was acquired. */
const balance: Task<Shared> = ({ lock }, t) => {
  const { held, released } = t.state;
  const free = held === released;
  t.check(lock.locked !== free, `acquired ${held} times, released ${released} times, it is ${free ? 'held' : 'free'}`);
  if (held > released) lock.release();
};

/** The last one of three destroys it. */
const useAndDestroy: Task<Shared> = async ({ lock }, t) => {
  await lock.acquireAsync();
  t.state.served = (t.state.served ?? 0) + 1;
  const last = t.state.served === 3;
  await t.turn();
  lock.release();
  if (last) lock.destroy();
};

export const lock: readonly Scenario[] = [
  scenario('a task in each of two threads', { share, threads: { A: [use], B: [use] } }),
  scenario('two tasks of a thread, one of another', { share, threads: { A: [use, use], B: [use] } }),
  scenario('two tasks in each of two threads', { share, threads: { A: [use, use], B: [use, use] } }),
  scenario('a task in each of three threads', { share, threads: { A: [use], B: [use], C: [use] } }),
  scenario('waiters go on in the order of the queue', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          t.state.waiting = [];
          t.state.time = 0;
          await lock.acquireAsync();
          t.note('held');
          await t.when('all stand');
          t.check(lock.waiters === 3, `three wait, and waiters is ${lock.waiters}`);
          lock.release();
        },
        queue,
        queue,
      ],
      B: [queue],
    },
  }),
  scenario('waiters go on in the order of the queue, also when another thread releases it', {
    share,
    threads: {
      A: [queue, queue],
      B: [
        async ({ lock }, t) => {
          t.state.waiting = [];
          t.state.time = 0;
          lock.acquire();
          t.note('held');
          await t.when('all stand');
          t.check(lock.waiters === 3, `three wait, and waiters is ${lock.waiters}`);
          lock.release();
        },
        queue,
      ],
    },
  }),
  scenario('tasks with a timeout, in two threads', { share, threads: { A: [use, useInTime], B: [useInTime] } }),
  scenario('tasks with a timeout, all of them', { share, threads: { A: [useInTime, useInTime], B: [useInTime] } }),
  scenario('tasks that are aborted', { share, threads: { A: [use], B: [useUnlessAborted, useUnlessAborted] } }),
  scenario('an aborted task, and others behind it in three threads', {
    share,
    threads: { A: [use], B: [useUnlessAborted, use], C: [useInTime] },
  }),
  scenario('a third thread releases it while a task gives up', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          await lock.acquireAsync();
          t.note('held');
        },
        use,
      ],
      B: [useInTime, useUnlessAborted],
      C: [
        async ({ lock }, t) => {
          await t.when('held');
          lock.release();
        },
      ],
    },
  }),
  scenario('one keeps it: nobody stands in the queue, and nothing keeps the process alive', {
    share,
    threads: {
      A: [
        useInTime,
        async ({ lock }) => {
          await lock.acquireAsync();
        },
      ],
      B: [useInTime],
    },
    after: ({ lock }, t) => {
      t.check(lock.locked && lock.waiters === 0, `locked: ${lock.locked}, ${lock.waiters} wait`);
      lock.release();
    },
  }),
  scenario('a late waiter gives up, also if it was woken: another has taken it, and keeps it', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          await lock.acquireAsync();
          await t.idle('B');
          lock.release();
          lock.tryAcquire();
        },
      ],
      B: [useInTime, useInTime],
    },
    after: ({ lock }) => {
      if (lock.locked) lock.release();
    },
  }),
  scenario('one release too many', {
    share,
    threads: {
      A: [holdFirst, releaseOnce],
      B: [
        async ({ lock }, t) => {
          await t.when('held');
          try {
            await lock.acquireAsync({ signal: t.signal() });
            t.state.held++;
          } catch {}
        },
      ],
      C: [releaseOnce],
    },
    after: balance,
  }),
  scenario('one release too many, of a lock that a thread holds and its tasks wait for', {
    share,
    threads: {
      A: [
        ({ lock }, t) => {
          t.state.held = lock.tryAcquire() ? 1 : 0;
          t.state.released = 0;
          t.note('held');
        },
        holdInTime,
        releaseOnce,
      ],
      B: [releaseOnce],
    },
    after: balance,
  }),
  scenario<WithEvent>('one release too many, while a thread that blocks passes on what its task gets', {
    share: ({ Lock, Event }, options): WithEvent => ({ lock: new Lock(options), event: new Event(options) }),
    threads: {
      A: [
        holdFirst,
        holdInTime,
        async ({ event }: WithEvent, t) => {
          await t.when('held');
          event.wait();
        },
      ],
      B: [releaseOnce],
      C: [
        async ({ lock, event }: WithEvent, t) => {
          await t.when('held');
          try {
            lock.release();
            t.state.released++;
          } catch (error) {
            t.check((error as Error).name === 'NotHeldError', `it throws ${error}`);
          }
          event.set();
        },
      ],
    },
    after: balance,
  }),
  scenario('a blocking call beside a task, and a task of another thread', {
    share,
    threads: { A: [use, block], B: [use] },
  }),
  scenario('a blocking call beside a task with a timeout', { share, threads: { A: [useInTime, block], B: [use] } }),
  scenario('a blocking call beside a task that is aborted', {
    share,
    threads: { A: [useUnlessAborted, block], B: [use] },
  }),
  scenario('blocking calls beside tasks in two threads', { share, threads: { A: [use, block], B: [use, block] } }),
  scenario('blocking calls with a timeout beside tasks', {
    share,
    threads: {
      A: [
        use,
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
      B: [use, useInTime],
    },
  }),
  scenario('threads that block, and tasks', { share, threads: { A: [block, use], B: [block], C: [use] } }),
  scenario('guards, and a guard that is released twice', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          const guard = await lock.holdAsync();
          t.enter();
          await t.turn();
          t.leave();
          guard.release();
          guard.release();
        },
        async ({ lock }, t) => {
          try {
            const guard = await lock.holdAsync({ timeout: 10 });
            t.enter();
            t.leave();
            guard.release();
          } catch (error) {
            t.check((error as Error).name === 'TimeoutError', `it throws ${error}`);
          }
        },
      ],
      B: [
        ({ lock }, t) =>
          lock.withAsync(async () => {
            t.enter();
            await t.turn();
            t.leave();
          }),
      ],
    },
  }),
  scenario('a waiter that others pass by for long is handed the lock', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          lock.acquire();
          t.note('held');
          await t.idle('B');
          for (let times = 0; !t.state.served; times++) {
            t.check(times < 40, 'a task waits, and was passed by 40 times');
            lock.release();
            if (!lock.tryAcquire()) return;
            await t.idle('B');
          }
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          await t.when('held');
          await lock.acquireAsync();
          t.state.served = true;
          lock.release();
        },
      ],
    },
  }),
  scenario<WithEvent>('a task is handed the lock while its thread blocks', {
    share: ({ Lock, Event }, options): WithEvent => ({ lock: new Lock(options), event: new Event(options) }),
    threads: {
      A: [
        async ({ lock }, t) => {
          lock.acquire();
          t.note('held');
          for (let times = 0; times < 5; times++) {
            await t.turn();
            lock.release();
            if (!lock.tryAcquire()) return;
          }
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          await t.when('held');
          const acquired = lock.acquireAsync();
          t.note('a task waits');
          await acquired;
          t.enter();
          await t.turn();
          t.leave();
          lock.release();
        },
        async ({ event }, t) => {
          await t.when('a task waits');
          // Until then it may have been woken in vain, and have asked to be handed the lock.
          await t.turn();
          await t.turn();
          await t.turn();
          event.wait();
        },
      ],
      C: [
        async ({ event }, t) => {
          await t.idle('A');
          event.set();
        },
        use,
      ],
    },
    // A waiter's patience is over when it was woken in vain a second time.
    tick: 2,
  }),
  scenario('a thread ends while its tasks wait', {
    share,
    threads: {
      A: [use],
      B: [
        async ({ lock }, t) => {
          t.exit();
          await lock.acquireAsync();
          lock.release();
        },
        async ({ lock }) => {
          await lock.acquireAsync();
          lock.release();
        },
      ],
      C: [use],
    },
  }),
  scenario('the last one out destroys it', {
    share,
    threads: { A: [useAndDestroy, useAndDestroy], B: [useAndDestroy] },
    destroys: true,
  }),
];
