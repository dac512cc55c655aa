import { type Scenario, scenarios, type Task } from '../scenario.ts';

type Shared = { event: import('lockwork').Event };
const scenario = scenarios('Event');
const share: Scenario<Shared>['share'] = ({ Event }, options) => ({ event: new Event(options) });

/** Waits, and says when it certainly does. */
const wait: Task<Shared> = async ({ event }, t) => {
  const told = event.waitAsync();
  t.state.waiting = (t.state.waiting ?? 0) + 1;
  if (t.state.waiting === 2) t.note('two wait');
  t.check(await told, 'it waits for ever, and was not let through');
};

const waitInTime: Task<Shared> = async ({ event }, t) => {
  try {
    await event.waitAsync({ timeout: 10, signal: t.signal() });
  } catch (reason) {
    t.check(reason === 'aborted', `it rejects with ${reason}`);
  }
};

export const event: readonly Scenario[] = [
  scenario('set and cleared at once: the waiters of that moment go on', {
    share,
    threads: {
      A: [wait],
      B: [wait],
      C: [
        async ({ event }, t) => {
          await t.when('two wait');
          event.set();
          event.clear();
        },
      ],
    },
  }),
  scenario('set in one of its threads', {
    share,
    threads: { A: [wait, ({ event }) => event.set()], B: [wait, waitInTime] },
  }),
  scenario('set while waiters give up', {
    share,
    threads: { A: [waitInTime, waitInTime], B: [waitInTime, wait], C: [({ event }) => event.set()] },
  }),
  scenario('never set, and waiters that give up', {
    share,
    threads: {
      A: [async ({ event }, t) => t.check(!(await event.waitAsync({ timeout: 10 })), 'it is not set')],
      B: [async ({ event }, t) => t.check(!(await event.waitAsync({ timeout: 10 })), 'it is not set')],
    },
  }),
  scenario('blocking calls beside tasks, and without', {
    share,
    threads: {
      A: [wait, ({ event }, t) => t.check(event.wait(), 'it waits for ever')],
      B: [({ event }, t) => t.check(event.wait(), 'it waits for ever')],
      C: [({ event }) => event.set()],
    },
  }),
  scenario('a blocking call with a timeout beside a task', {
    share,
    threads: { A: [waitInTime, ({ event }) => void event.wait(10)], B: [({ event }) => event.set()] },
  }),
  scenario('a thread ends while its tasks wait', {
    share,
    threads: {
      A: [
        async ({ event }, t) => {
          t.exit();
          await event.waitAsync();
        },
      ],
      B: [wait, ({ event }) => event.set()],
    },
  }),
];
