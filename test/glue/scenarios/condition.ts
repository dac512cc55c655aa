import { type Scenario, scenarios, type Task } from '../scenario.ts';

type OverLock = { lock: import('lockwork').Lock; condition: import('lockwork').Condition };
type Own = { condition: import('lockwork').Condition };
const scenario = scenarios('Condition');
const overLock: Scenario<OverLock>['share'] = ({ Lock, Condition }, options) => {
  const lock = new Lock(options);
  return { lock, condition: new Condition(lock, options) };
};
const own: Scenario<Own>['share'] = ({ Condition }, options) => ({ condition: new Condition(undefined, options) });

/** Waits for something to be there, and takes it. */
const consume: Task<Own> = async ({ condition }, t) => {
  await condition.acquireAsync();
  t.enter();
  while (!t.state.there) {
    t.leave();
    t.check(await condition.waitAsync(), 'it waits for ever, and was not notified');
    t.enter();
  }
  t.state.there--;
  t.leave();
  condition.release();
};

/** The same, if it comes in time. */
const consumeInTime: Task<Own> = async ({ condition }, t) => {
  const deadline = t.signal();
  await condition.acquireAsync();
  try {
    const there = await condition.waitForAsync(() => t.state.there > 0, { timeout: 10, signal: deadline });
    t.enter();
    if (there) t.state.there--;
    t.leave();
  } catch (reason) {
    t.check(reason === 'aborted', `it rejects with ${reason}`);
  }
  condition.release();
};

const produce: Task<Own> = async ({ condition }, t) => {
  await condition.acquireAsync();
  t.enter();
  t.state.there = (t.state.there ?? 0) + 1;
  condition.notify();
  await t.turn();
  t.leave();
  condition.release();
};

/** Blocks as a thread. */
const produceBlocking: Task<Own> = ({ condition }, t) => {
  condition.acquire();
  t.enter();
  t.state.there = (t.state.there ?? 0) + 1;
  condition.notify();
  t.leave();
  condition.release();
};

/** The same as `consume`, with an owner that holds the RLock twice. */
const consumeAsOwner: Task<Own> = async ({ condition }, t) => {
  const guard = await condition.holdAsync();
  const owner = guard.owner!;
  await condition.acquireAsync({ owner });
  t.enter();
  while (!t.state.there) {
    t.leave();
    t.check(await condition.waitAsync({ owner }), 'it waits for ever, and was not notified');
    t.enter();
  }
  t.state.there--;
  await t.turn();
  t.leave();
  condition.release({ owner });
  guard.release();
};

const consumeAsOwnerInTime: Task<Own> = async ({ condition }, t) => {
  const guard = await condition.holdAsync();
  const owner = guard.owner!;
  try {
    await condition.waitAsync({ owner, timeout: 10, signal: t.signal() });
  } catch (reason) {
    t.check(reason === 'aborted', `it rejects with ${reason}`);
  }
  // The lock is held, whatever came of it.
  t.enter();
  if (t.state.there) t.state.there--;
  else t.state.missed = true;
  await t.turn();
  t.leave();
  guard.release();
};

const produceAsOwner: Task<Own> = async ({ condition }, t) => {
  const guard = await condition.holdAsync();
  t.enter();
  t.state.there = (t.state.there ?? 0) + 1;
  condition.notify(1, { owner: guard.owner! });
  await t.turn();
  t.leave();
  guard.release();
};

/** All that wait are let go on, once nobody else is to come. */
const end: Task<Own> = async ({ condition }, t) => {
  await t.when('two wait');
  await condition.acquireAsync();
  t.state.over = true;
  condition.notifyAll();
  condition.release();
};

const waitForEnd: Task<Own> = async ({ condition }, t) => {
  await condition.acquireAsync();
  t.state.waiting = (t.state.waiting ?? 0) + 1;
  if (t.state.waiting === 2) t.note('two wait');
  t.check(await condition.waitForAsync(() => t.state.over), 'it waits for ever');
  t.enter();
  t.leave();
  condition.release();
};

export const condition: readonly Scenario[] = [
  scenario<OverLock>('over a Lock: a consumer and a producer', {
    share: overLock,
    threads: { A: [consume], B: [produce] },
  }),
  scenario<OverLock>('over a Lock: two consumers of a thread, one of another', {
    share: overLock,
    threads: { A: [consume, consume], B: [consume, produce, produce], C: [produce] },
  }),
  scenario<OverLock>('over a Lock: consumers that give up', {
    share: overLock,
    threads: { A: [consumeInTime, consume], B: [consumeInTime], C: [produce, produce, produce] },
  }),
  scenario<OverLock>('over a Lock: all are notified', {
    share: overLock,
    threads: { A: [waitForEnd], B: [waitForEnd], C: [end] },
  }),
  scenario<OverLock>('over a Lock: a thread releases it for a task that waits', {
    share: overLock,
    threads: {
      A: [consume],
      B: [
        async ({ condition }, t) => {
          await condition.acquireAsync();
          t.state.there = (t.state.there ?? 0) + 1;
          condition.notify();
          t.note('held');
        },
        consumeInTime,
      ],
      C: [
        async ({ lock }, t) => {
          await t.when('held');
          lock.release();
        },
        produce,
      ],
    },
  }),
  scenario<OverLock>('over a Lock: a blocking wait beside a task that waits', {
    share: overLock,
    threads: {
      A: [
        consume,
        async ({ condition }, t) => {
          await condition.acquireAsync();
          condition.waitFor(() => t.state.there);
          t.state.there--;
          condition.release();
        },
      ],
      B: [produce, produce],
    },
  }),
  scenario<OverLock>('over a Lock: a blocking wait takes over what a task was notified of', {
    share: overLock,
    threads: {
      A: [
        async ({ condition }, t) => {
          await condition.acquireAsync();
          t.state.waits = 1;
          const notified = condition.waitAsync({ timeout: 100 });
          t.note('a task waits');
          await notified;
          condition.release();
        },
        async ({ condition }, t) => {
          await t.when('a task waits');
          condition.acquire();
          t.note('a thread waits');
          t.check(condition.wait(), 'it waits for ever');
          condition.release();
        },
      ],
      B: [
        async ({ condition }, t) => {
          await t.when('a thread waits');
          await condition.acquireAsync();
          // For the first in the queue, the task, which cannot go on with it.
          condition.notify();
          condition.release();
        },
      ],
    },
  }),
  scenario<OverLock>('over a Lock: threads that block, and tasks', {
    share: overLock,
    threads: { A: [consume], B: [produceBlocking, produceBlocking], C: [consume] },
  }),
  scenario<OverLock>('over a Lock: a thread ends while its task waits', {
    share: overLock,
    threads: {
      A: [
        async ({ condition }, t) => {
          await condition.acquireAsync();
          t.exit();
          await condition.waitAsync();
          condition.release();
        },
      ],
      B: [produce],
    },
  }),
  scenario<Own>('over an RLock: a consumer and a producer', {
    share: own,
    threads: { A: [consumeAsOwner], B: [produceAsOwner] },
  }),
  scenario<Own>('over an RLock: two consumers of a thread, and producers of both', {
    share: own,
    threads: { A: [consumeAsOwner, consumeAsOwner, produceAsOwner], B: [produceAsOwner] },
  }),
  scenario<Own>('over an RLock: consumers that give up', {
    share: own,
    threads: { A: [consumeAsOwnerInTime, consumeAsOwnerInTime], B: [produceAsOwner] },
  }),
  scenario<Own>('over an RLock: two tasks of the owner that waits', {
    share: own,
    threads: {
      A: [
        async ({ condition }, t) => {
          const guard = await condition.holdAsync();
          t.state.owner = guard.owner;
          t.note('held');
          await condition.waitAsync({ owner: guard.owner! });
          // Its other task has it meanwhile.
          await t.when('again');
          guard.release();
        },
        async ({ condition }, t) => {
          await t.when('held');
          const { owner } = t.state;
          await condition.acquireAsync({ owner });
          t.note('again');
          condition.release({ owner });
        },
      ],
      B: [
        async ({ condition }, t) => {
          await t.when('held');
          const guard = await condition.holdAsync();
          condition.notifyAll({ owner: guard.owner! });
          await t.turn();
          guard.release();
        },
      ],
    },
  }),
];
