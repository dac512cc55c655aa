import { type Scenario, scenarios, type Task } from '../scenario.ts';

type Shared = { semaphore: import('lockwork').Semaphore };
const scenario = scenarios('Semaphore');
const two: Scenario<Shared>['share'] = ({ Semaphore }, options) => ({ semaphore: new Semaphore(2, options) });
const none: Scenario<Shared>['share'] = ({ Semaphore }, options) => ({ semaphore: new Semaphore(0, options) });

/** Holds a permit for more than a turn. */
const use: Task<Shared> = async ({ semaphore }, t) => {
  t.check(await semaphore.acquireAsync(), 'it waits for ever, and has one');
  t.enter('the section', 2);
  await t.turn();
  t.leave();
  semaphore.release();
};

/** The same, if it gets it in time and is not aborted. */
const useInTime: Task<Shared> = async ({ semaphore }, t) => {
  try {
    if (!(await semaphore.acquireAsync({ timeout: 10, signal: t.signal() }))) return;
  } catch (reason) {
    t.check(reason === 'aborted', `it rejects with ${reason}`);
    return;
  }
  t.enter('the section', 2);
  await t.turn();
  t.leave();
  semaphore.release();
};

const take: Task<Shared> = async ({ semaphore }, t) => {
  await semaphore.acquireAsync();
  t.state.taken = (t.state.taken ?? 0) + 1;
};

const takeInTime: Task<Shared> = async ({ semaphore }, t) => {
  if (await semaphore.acquireAsync({ timeout: 10 })) t.state.taken = (t.state.taken ?? 0) + 1;
};

/** Of three permits what is not taken is there. */
const allThere: Task<Shared> = ({ semaphore }, t) => {
  let left = 3 - (t.state.taken ?? 0);
  while (semaphore.tryAcquire()) left--;
  t.check(left === 0, `${left} permits are lost`);
};

export const semaphore: readonly Scenario[] = [
  scenario('two permits for two tasks in each of two threads', {
    share: two,
    threads: { A: [use, use], B: [use, use] },
  }),
  scenario('two permits for tasks that give up, and others', {
    share: two,
    threads: { A: [useInTime, use], B: [useInTime, use] },
  }),
  scenario('several permits released at once', {
    share: none,
    threads: { A: [take, take], B: [({ semaphore }) => semaphore.release(3)], C: [take] },
    after: allThere,
  }),
  scenario('permits released one by one, for tasks that wait for some time only', {
    share: none,
    threads: {
      A: [takeInTime, takeInTime],
      B: [
        async ({ semaphore }, t) => {
          semaphore.release();
          await t.turn();
          semaphore.release(2);
        },
        takeInTime,
      ],
    },
    after: allThere,
  }),
  scenario('a blocking call beside tasks', {
    share: two,
    threads: {
      A: [
        use,
        ({ semaphore }, t) => {
          // What its own task has, it would wait for in vain.
          if (!semaphore.acquire(10)) return;
          t.enter('the section', 2);
          t.leave();
          semaphore.release();
        },
        useInTime,
      ],
      B: [use],
    },
  }),
  scenario('a thread ends while its tasks wait', {
    share: none,
    threads: {
      A: [
        async ({ semaphore }, t) => {
          t.exit();
          await semaphore.acquireAsync();
          semaphore.release();
        },
      ],
      B: [take, ({ semaphore }) => semaphore.release(3)],
    },
    after: allThere,
  }),
  scenario('one permit too many of a bounded one', {
    share: ({ BoundedSemaphore }, options) => ({ semaphore: new BoundedSemaphore(1, options) }),
    threads: {
      A: [
        async ({ semaphore }, t) => {
          await semaphore.acquireAsync();
          t.note('held');
          await t.turn();
          semaphore.release();
        },
      ],
      B: [
        async ({ semaphore }, t) => {
          await t.when('held');
          await semaphore.acquireAsync();
          semaphore.release();
          await t.idle('A');
          await t.throws('OverReleaseError', () => semaphore.release());
        },
      ],
    },
  }),
];
