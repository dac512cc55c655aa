import { type Scenario, scenarios, type Task } from '../scenario.ts';

type Shared = { barrier: import('lockwork').Barrier };
const scenario = scenarios('Barrier');
const two: Scenario<Shared>['share'] = ({ Barrier }, options) => ({ barrier: new Barrier(2, options) });
const three: Scenario<Shared>['share'] = ({ Barrier }, options) => ({ barrier: new Barrier(3, options) });

/** Two rounds: nobody begins the second before all have ended the first. */
const rounds: Task<Shared> = async ({ barrier }, t) => {
  const { parties } = barrier;
  for (let round = 1; round <= 2; round++) {
    t.state.arrived = (t.state.arrived ?? 0) + 1;
    const index = await barrier.waitAsync();
    t.check(t.state.arrived >= round * parties, `round ${round} goes on before all have arrived`);
    t.check(index >= 0 && index < parties, `its index is ${index}`);
    const key = `${round}:${index}`;
    t.check(!t.state[key], `two have the index ${index} of round ${round}`);
    t.state[key] = true;
  }
};

/** One round, which is broken or not for all. */
const pass: Task<Shared> = async ({ barrier }, t) => {
  try {
    await barrier.waitAsync();
    t.state.passed = (t.state.passed ?? 0) + 1;
  } catch (error) {
    t.check((error as Error).name === 'BrokenBarrierError', `it throws ${error}`);
    t.state.broken = (t.state.broken ?? 0) + 1;
  }
};

const passInTime: Task<Shared> = async ({ barrier }, t) => {
  try {
    await barrier.waitAsync({ timeout: 10, signal: t.signal() });
    t.state.passed = (t.state.passed ?? 0) + 1;
  } catch (error) {
    t.check(error === 'aborted' || (error as Error).name === 'BrokenBarrierError', `it throws ${error}`);
    t.state.broken = (t.state.broken ?? 0) + 1;
  }
};

/** Of a round all pass or none. */
const allOrNone: Task<Shared> = ({ barrier }, t) => {
  const { passed = 0, broken = 0 } = t.state;
  t.check(passed % barrier.parties === 0, `${passed} passed a barrier of ${barrier.parties}, ${broken} did not`);
  t.check(barrier.waiting === 0, `${barrier.waiting} wait for the others`);
};

/** A round with an action that takes a turn: nobody goes on before it is over. */
const act: Task<Shared> = async ({ barrier }, t) => {
  const { state } = t;
  const mine = t.lockwork.Barrier.from(barrier, {
    action: async () => {
      state.acting = true;
      await t.turn();
      state.acting = false;
      state.acted = (state.acted ?? 0) + 1;
    },
  });
  for (let round = 1; round <= 2; round++) {
    await mine.waitAsync();
    t.check(state.acted >= round, `round ${round} goes on before its action is over`);
  }
};

export const barrier: readonly Scenario[] = [
  scenario('two rounds of two threads', { share: two, threads: { A: [rounds], B: [rounds] } }),
  scenario('two rounds of three tasks in two threads', { share: three, threads: { A: [rounds, rounds], B: [rounds] } }),
  scenario('a party that gives up', {
    share: two,
    threads: { A: [passInTime], B: [pass] },
    after: allOrNone,
  }),
  scenario('three parties, two of which give up', {
    share: three,
    threads: { A: [passInTime, pass], B: [passInTime] },
    after: allOrNone,
  }),
  scenario('an action that takes a turn, two rounds', {
    share: two,
    threads: { A: [act], B: [act] },
    after: (_shared, t) => t.check(t.state.acted === 2, `the action ran ${t.state.acted} times in two rounds`),
  }),
  scenario('an action that takes a turn, three parties', {
    share: three,
    threads: { A: [act, act], B: [act] },
    after: (_shared, t) => t.check(t.state.acted === 2, `the action ran ${t.state.acted} times in two rounds`),
  }),
  scenario('an action that throws', {
    share: two,
    threads: {
      A: [
        async ({ barrier }, t) => {
          const action = () => {
            throw new Error('no');
          };
          try {
            await t.lockwork.Barrier.from(barrier, { action }).waitAsync();
            t.state.passed = 1;
          } catch (error) {
            t.check((error as Error).message === 'no', `it throws ${error}`);
            t.state.failed = true;
          }
        },
      ],
      B: [pass],
    },
    after: ({ barrier }, t) => {
      // The other party has no action: if that came last, both pass.
      const { passed = 0, broken = 0, failed = false } = t.state;
      t.check(
        broken === (failed ? 1 : 0) && barrier.broken === failed,
        `${passed} passed, the action failed: ${failed}`,
      );
    },
  }),
  scenario('aborted while tasks wait', {
    share: three,
    threads: { A: [pass, pass], B: [({ barrier }) => barrier.abort()] },
    after: ({ barrier }, t) => {
      t.check(t.state.broken === 2 && barrier.broken, 'the barrier is broken, and tasks passed');
    },
  }),
  scenario('reset while tasks wait', {
    share: two,
    threads: { A: [passInTime], B: [passInTime], C: [({ barrier }) => barrier.reset(), passInTime] },
    after: allOrNone,
  }),
  scenario('a blocking call beside a task, and two of another thread', {
    share: two,
    threads: {
      A: [
        async ({ barrier }, t) => {
          const passed = barrier.waitAsync();
          t.note('a task waits');
          await passed;
          t.state.passed = (t.state.passed ?? 0) + 1;
        },
        async ({ barrier }, t) => {
          await t.when('a task waits');
          barrier.wait();
          t.state.passed = (t.state.passed ?? 0) + 1;
        },
      ],
      B: [pass, pass],
    },
    after: allOrNone,
  }),
  scenario('a blocking call with a timeout beside a task', {
    share: two,
    threads: {
      A: [
        passInTime,
        ({ barrier }, t) => {
          try {
            barrier.wait(10);
            t.state.passed = (t.state.passed ?? 0) + 1;
          } catch (error) {
            t.check((error as Error).name === 'BrokenBarrierError', `it throws ${error}`);
          }
        },
      ],
      B: [pass, ({ barrier }) => barrier.abort()],
    },
    after: allOrNone,
  }),
  scenario('a thread ends while its task waits', {
    share: two,
    threads: {
      A: [
        async ({ barrier }, t) => {
          t.exit();
          await barrier.waitAsync();
        },
      ],
      B: [pass],
    },
  }),
];
