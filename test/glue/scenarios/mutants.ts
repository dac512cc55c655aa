import { type Scenario, scenarios } from '../scenario.ts';

/** What only mutants of the bindings have shown to be missing among the others. */

type Shared = { lock: import('lockwork').Lock };
type WithEvent = Shared & { event: import('lockwork').Event };
type Barriers = { one: import('lockwork').Barrier; two: import('lockwork').Barrier };
const ofLock = scenarios('Lock');
const ofBarrier = scenarios('Barrier');
const share: Scenario<Shared>['share'] = ({ Lock }, options) => ({ lock: new Lock(options) });
const withEvent: Scenario<WithEvent>['share'] = ({ Lock, Event }, options) => ({
  lock: new Lock(options),
  event: new Event(options),
});

export const mutants: readonly Scenario[] = [
  ofLock('a second object of it stands behind the task of another thread', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          t.state.order = [];
          await lock.acquireAsync();
          t.note('held');
          await t.when('all stand');
          lock.release();
        },
        async ({ lock }, t) => {
          await t.when('held');
          const acquired = lock.acquireAsync();
          t.note('one stands');
          await acquired;
          t.state.order.push(1);
          lock.release();
        },
        async ({ lock }, t) => {
          await t.when('two stand');
          const acquired = t.lockwork.Lock.from(lock).acquireAsync();
          t.note('all stand');
          await acquired;
          t.state.order.push(3);
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          await t.when('one stands');
          const acquired = lock.acquireAsync();
          t.note('two stand');
          await acquired;
          t.state.order.push(2);
          lock.release();
        },
      ],
    },
    after: (_shared, t) => t.check(String(t.state.order) === '1,2,3', `they go on in the order ${t.state.order}`),
  }),
  ofLock('a thread blocks beside its task, and then once more without one', {
    share: withEvent,
    threads: {
      A: [
        ({ event }) => event.waitAsync(),
        async ({ lock, event }, t) => {
          await t.when('held');
          lock.acquire();
          lock.release();
          event.set();
          t.note('again');
          await t.when('held again');
          lock.acquire();
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          for (const [before, after] of [
            ['', 'held'],
            ['again', 'held again'],
          ] as const) {
            if (before) await t.when(before);
            await lock.acquireAsync();
            t.note(after);
            await t.turn();
            lock.release();
          }
        },
      ],
    },
  }),
  ofLock('the host throws where a thread blocks beside its task', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          await t.when('held');
          const acquired = lock.acquireAsync();
          t.note('a task waits');
          await acquired;
          lock.release();
        },
        async ({ lock }, t) => {
          await t.when('a task waits');
          const { wait } = Atomics;
          Atomics.wait = () => {
            throw new RangeError('the stack is full');
          };
          await t.throws('RangeError', () => lock.acquire());
          Atomics.wait = wait;
          t.check(lock.waiters === 1, `a task waits, and waiters is ${lock.waiters}`);
          t.note('thrown');
        },
      ],
      B: [
        async ({ lock }, t) => {
          await lock.acquireAsync();
          t.note('held');
          await t.when('thrown');
          lock.release();
        },
      ],
    },
  }),
  ofBarrier<Barriers>('a thread waits at one in the action of another', {
    share: ({ Barrier }, options): Barriers => ({ one: new Barrier(1, options), two: new Barrier(2, options) }),
    threads: {
      A: [
        async ({ one, two }, t) => {
          const acting = t.lockwork.Barrier.from(one, { action: () => two.waitAsync() });
          await acting.waitAsync();
          t.lockwork.Barrier.from(one, { action: () => void two.wait() }).wait();
        },
      ],
      B: [
        async ({ two }) => {
          await two.waitAsync();
          await two.waitAsync();
        },
      ],
    },
  }),
];
