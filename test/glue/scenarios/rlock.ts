import { type Scenario, scenarios, type Task } from '../scenario.ts';

type Shared = { lock: import('lockwork').RLock };
const scenario = scenarios('RLock');
const share: Scenario<Shared>['share'] = ({ RLock }, options) => ({ lock: new RLock(options) });

/** Holds it twice, for more than a turn. */
const use: Task<Shared> = async ({ lock }, t) => {
  const guard = await lock.holdAsync();
  const { owner } = guard;
  t.enter();
  t.check(await lock.acquireAsync({ owner: owner! }), 'its owner has it, and gets it again');
  await t.turn();
  lock.release({ owner: owner! });
  t.leave();
  guard.release();
};

/** The same once, if it gets it in time and is not aborted. */
const useInTime: Task<Shared> = async ({ lock }, t) => {
  let guard: import('lockwork').Guard;
  try {
    guard = await lock.holdAsync({ timeout: 10, signal: t.signal() });
  } catch (error) {
    t.check(error === 'aborted' || (error as Error).name === 'TimeoutError', `it throws ${error}`);
    return;
  }
  t.enter();
  await t.turn();
  t.leave();
  guard.release();
};

/** Blocks for it, twice. */
const block: Task<Shared> = ({ lock }, t) => {
  if (!t.acquires(lock)) return;
  t.enter();
  t.check(lock.acquire() && lock.recursionCount === 2, 'it has it twice');
  lock.release();
  t.leave();
  lock.release();
};

/** One of the tasks of an owner: they may hold it together, and nobody else meanwhile. */
const share3: Task<Shared> = async ({ lock }, t) => {
  t.state.owner ??= new t.lockwork.Owner();
  const { owner } = t.state;
  await lock.acquireAsync({ owner });
  t.check(!t.state.others, 'another owner has it');
  t.state.ours = (t.state.ours ?? 0) + 1;
  await t.turn();
  t.check(!t.state.others, 'another owner has it');
  t.state.ours--;
  lock.release({ owner });
};

const shareInTime: Task<Shared> = async ({ lock }, t) => {
  t.state.owner ??= new t.lockwork.Owner();
  const { owner } = t.state;
  try {
    if (!(await lock.acquireAsync({ owner, timeout: 10, signal: t.signal() }))) return;
  } catch (reason) {
    t.check(reason === 'aborted', `it rejects with ${reason}`);
    return;
  }
  t.check(!t.state.others, 'another owner has it');
  await t.turn();
  lock.release({ owner });
};

const other: Task<Shared> = async ({ lock }, t) => {
  const guard = await lock.holdAsync();
  t.check(!t.state.ours, 'two owners have it');
  t.state.others = (t.state.others ?? 0) + 1;
  t.check(t.state.others === 1, 'two owners have it');
  await t.turn();
  t.check(!t.state.ours, 'two owners have it');
  t.state.others--;
  guard.release();
};

export const rlock: readonly Scenario[] = [
  scenario('an owner in each of two threads', { share, threads: { A: [use], B: [use] } }),
  scenario('two owners in a thread, one in another', { share, threads: { A: [use, use], B: [use] } }),
  scenario('owners that give up, and others', { share, threads: { A: [useInTime, use], B: [useInTime, use] } }),
  scenario('two tasks of an owner, and another owner', { share, threads: { A: [share3, share3], B: [other] } }),
  scenario('two tasks of an owner, and other owners in both threads', {
    share,
    threads: { A: [share3, other, share3], B: [other] },
  }),
  scenario('tasks of an owner that give up', {
    share,
    threads: { A: [shareInTime, other, shareInTime], B: [other] },
  }),
  scenario('tasks of an owner on both sides of another thread’s task have it together', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          const guard = await lock.holdAsync();
          t.note('held');
          await t.when('third');
          guard.release();
        },
        async ({ lock }, t) => {
          await t.when('held');
          t.state.owner = new t.lockwork.Owner();
          const { owner } = t.state;
          const acquired = lock.acquireAsync({ owner });
          t.note('first');
          await acquired;
          // Its other task has it meanwhile, wherever it stands.
          await t.when('together');
          lock.release({ owner });
        },
        // It waits behind the first, and keeps the first local queue in its place.
        async ({ lock }, t) => {
          await t.when('first');
          const acquired = lock.holdAsync();
          t.note('between');
          (await acquired).release();
        },
        async ({ lock }, t) => {
          await t.when('second');
          const { owner } = t.state;
          const acquired = lock.acquireAsync({ owner });
          t.note('third');
          await acquired;
          t.note('together');
          await t.turn();
          lock.release({ owner });
        },
      ],
      B: [
        async ({ lock }, t) => {
          await t.when('between');
          const acquired = lock.holdAsync();
          t.note('second');
          (await acquired).release();
        },
      ],
    },
  }),
  scenario('a blocking call beside a task, and an owner of another thread', {
    share,
    threads: { A: [use, block], B: [use] },
  }),
  scenario('threads that block, and an owner', { share, threads: { A: [block], B: [use], C: [useInTime] } }),
  scenario('a release in the name of somebody else', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          const guard = await lock.holdAsync();
          t.note('held');
          await t.turn();
          await t.throws('NotHeldError', () => lock.release());
          guard.release();
        },
        useInTime,
      ],
      B: [
        async ({ lock }, t) => {
          await t.when('held');
          await t.throws('NotHeldError', () => lock.release());
          await t.throws('NotHeldError', () => lock.release({ owner: new t.lockwork.Owner() }));
        },
      ],
    },
  }),
  scenario('a thread ends while its owners wait', {
    share,
    threads: {
      A: [use],
      B: [
        async ({ lock }, t) => {
          t.exit();
          (await lock.holdAsync()).release();
        },
      ],
    },
  }),
];
