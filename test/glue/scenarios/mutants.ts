import { type Scenario, scenarios, type Task } from '../scenario.ts';

/** What only mutants of the bindings have shown to be missing among the others. */

type Shared = { lock: import('lockwork').Lock };
type WithEvent = Shared & { event: import('lockwork').Event };
type WithCondition = WithEvent & { condition: import('lockwork').Condition };
type Acting = { barrier: import('lockwork').Barrier; event: import('lockwork').Event };
type Locks = { one: import('lockwork').Lock; two: import('lockwork').Lock };
type LocksWithEvent = Locks & { event: import('lockwork').Event };
type Conditions = Record<'held' | 'condition', import('lockwork').Condition>;
type Barriers = { one: import('lockwork').Barrier; two: import('lockwork').Barrier };
const ofLock = scenarios('Lock');
const ofBarrier = scenarios('Barrier');
const ofCondition = scenarios('Condition');
const share: Scenario<Shared>['share'] = ({ Lock }, options) => ({ lock: new Lock(options) });
const withEvent: Scenario<WithEvent>['share'] = ({ Lock, Event }, options) => ({
  lock: new Lock(options),
  event: new Event(options),
});

type Held = Conditions | { held: import('lockwork').Lock; condition: import('lockwork').Condition };

const lockAndCondition: Scenario<{ held: import('lockwork').Lock } & Pick<Conditions, 'condition'>>['share'] = (
  { Lock, Condition },
  options,
) => ({ held: new Lock(options), condition: new Condition(undefined, options) });
const twoConditions: Scenario<Conditions>['share'] = ({ Condition }, options) => ({
  held: new Condition(undefined, options),
  condition: new Condition(undefined, options),
});

/** What a task waits for is released while its thread blocks, which passes the wake-up on, and is notified then. */
const passesOn: Task<Held> = async ({ held, condition }, t) => {
  held.acquire();
  t.note('held');
  await t.when('about to block');
  held.release();
  condition.with(() => condition.notify());
};

/** Its thread blocks, and passes on what a task is woken for; in the predicate it tries to destroy that. */
const inNoQueue: Scenario<Held>['threads'] = {
  A: [
    async ({ held }, t) => {
      await t.when('held');
      const turn = held.withAsync(() => {});
      t.note('stands');
      await turn;
    },
    async ({ held, condition }, t) => {
      await t.when('stands');
      let asked = 0;
      condition.with(() =>
        condition.waitFor(() => {
          if (++asked === 1) {
            t.note('about to block');
            return false;
          }
          let refused = false;
          try {
            held.destroy();
          } catch {
            refused = true;
          }
          t.check(refused, 'a task waits for it');
          return true;
        }),
      );
    },
  ],
  B: [passesOn],
};

type Several = Shared & {
  other: import('lockwork').Lock;
  rlock: import('lockwork').RLock;
  semaphore: import('lockwork').Semaphore;
  event: import('lockwork').Event;
};

/** What its thread acquires, or waits for, without waiting. */
const CALLS: Readonly<Record<string, Task>> = {
  'Lock.acquire': ({ other }, t) => {
    t.state.calls = { begin: () => other.acquire(), end: () => other.release() };
    t.note('ready');
  },
  'RLock.acquire': ({ rlock }, t) => {
    t.state.calls = { begin: () => rlock.acquire(), end: () => rlock.release() };
    t.note('ready');
  },
  'Semaphore.acquire': ({ semaphore }, t) => {
    t.state.calls = { begin: () => semaphore.acquire(), end: () => semaphore.release() };
    t.note('ready');
  },
  'Event.wait': ({ event }, t) => {
    t.state.calls = { begin: () => event.wait(0), end: () => event.clear() };
    event.set();
    t.note('ready');
  },
};

export const mutants: readonly Scenario[] = [
  ...Object.entries(CALLS).map(([call, first]) =>
    ofLock(`${call} does not wait, and a task that was told goes on before it returns`, {
      share: ({ Lock, RLock, Semaphore, Event }, options): Several => ({
        lock: new Lock(options),
        other: new Lock(options),
        rlock: new RLock(options),
        semaphore: new Semaphore(1, options),
        event: new Event(options),
      }),
      threads: {
        A: [
          first,
          async ({ lock }, t) => {
            await t.when('held');
            const acquired = lock.acquireAsync();
            t.note('stands');
            await acquired;
            await t.when('called');
            lock.release();
          },
          async ({ lock }, t) => {
            await t.when('ready');
            await t.when('released');
            const { begin, end } = t.state.calls;
            begin();
            t.check(lock.locked, 'the task has not acquired it');
            end();
            t.note('called');
          },
        ],
        B: [
          async ({ lock }, t) => {
            lock.acquire();
            t.note('held');
            await t.when('stands');
            lock.release();
            t.note('released');
          },
        ],
      },
    }),
  ),
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
  ofLock('a task is handed the lock just before its thread looks whether it would wait for that task', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          await t.when('held');
          await lock.acquireAsync();
          lock.release();
        },
        async ({ lock }, t) => {
          await t.when('to be handed on');
          // The task holds it in no other turn than the one that it learns of it in.
          lock.acquire();
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          lock.acquire();
          t.note('held');
          let mine = true;
          // Twice the task is woken in vain; then it has asked to be handed the lock.
          for (let times = 0; mine && times < 2; times++) {
            await t.idle('A');
            lock.release();
            mine = lock.tryAcquire();
          }
          await t.idle('A');
          t.note('to be handed on');
          await t.turn();
          await t.turn();
          if (mine) lock.release();
        },
      ],
    },
    // A waiter's patience is over when it was woken in vain a second time.
    tick: 2,
  }),
  ofCondition<WithCondition>('the time of a thread that blocks beside its task is up while another has the lock', {
    share: ({ Lock, Event, Condition }, options): WithCondition => {
      const lock = new Lock(options);
      return { lock, event: new Event(options), condition: new Condition(lock, options) };
    },
    threads: {
      A: [
        ({ event }) => event.waitAsync(),
        ({ condition, event }, t) => {
          condition.acquire();
          t.note('about to wait');
          t.check(!condition.wait(10), 'nobody notifies it');
          condition.release();
          event.set();
        },
      ],
      B: [
        async ({ lock, event }, t) => {
          await t.when('about to wait');
          await lock.acquireAsync();
          // Longer than the other one waits.
          await event.waitAsync({ timeout: 20 });
          lock.release();
        },
      ],
    },
  }),
  ofLock('it is destroyed while a task that waits for it stands in no queue', {
    share: lockAndCondition,
    threads: inNoQueue,
  }),
  ofCondition('one is destroyed while a task that waits for its own lock stands in no queue', {
    share: twoConditions,
    threads: inNoQueue,
  }),
  ofLock('a task gives up in the predicate that its thread blocks in, while it stands in no queue', {
    share: lockAndCondition,
    threads: {
      A: [
        async ({ held }, t) => {
          await t.when('held');
          const signal = {
            aborted: false,
            reason: 'off',
            addEventListener: (_type: string, listener: () => void) => {
              t.state.abort = listener;
            },
            removeEventListener: () => {},
          };
          const end = held.acquireAsync({ signal: signal as never }).catch((reason) => reason);
          t.note('stands');
          t.check((await end) === 'off', 'it was aborted before it had the lock');
        },
        async ({ condition }, t) => {
          await t.when('stands');
          let asked = 0;
          condition.with(() =>
            condition.waitFor(() => {
              if (++asked === 1) t.note('about to block');
              else t.state.abort();
              return asked === 2;
            }),
          );
        },
      ],
      B: [passesOn],
    },
  }),
  ofCondition('an owner acquires its lock where a task of it stands in no queue, as their thread blocks', {
    share: twoConditions,
    threads: {
      A: [
        async ({ held }, t) => {
          await t.when('held');
          const owner = new t.lockwork.Owner();
          t.state.owner = owner;
          const turn = held.acquireAsync({ owner });
          t.note('stands');
          await turn;
          held.release({ owner });
        },
        async ({ held, condition }, t) => {
          await t.when('stands');
          const { owner } = t.state;
          let turn: Promise<boolean> | undefined;
          let asked = 0;
          condition.with(() =>
            condition.waitFor(() => {
              if (++asked === 1) t.note('about to block');
              else turn = held.acquireAsync({ owner });
              return asked === 2;
            }),
          );
          t.check(await turn!, 'the owner has it');
          held.release({ owner });
        },
      ],
      B: [passesOn],
    },
  }),
  ofLock('an object of it that had the oldest local queue waits again when others have waited and gone', {
    share,
    threads: {
      A: [
        async ({ lock }, t) => {
          await t.when('held');
          t.state.same = t.lockwork.Lock.from(lock);
          const held = lock.acquireAsync();
          t.note('one stands');
          await held;
          t.state.same.release();
        },
        async ({ lock }, t) => {
          await t.when('two stand');
          const { same } = t.state;
          const held = same.acquireAsync();
          t.note('three stand');
          await held;
          const again = lock.acquireAsync();
          same.release();
          await again;
          lock.release();
          const third = lock.tryAcquire() && lock.acquireAsync();
          same.release();
          await third;
          lock.release();
        },
      ],
      B: [
        async ({ lock }, t) => {
          lock.acquire();
          t.note('held');
          await t.when('one stands');
          const held = lock.acquireAsync();
          t.note('two stand');
          await t.when('three stand');
          lock.release();
          await held;
          lock.release();
        },
      ],
    },
  }),
  ofBarrier<Pick<Acting, 'barrier'>>(
    'a task comes last where its thread has arrived and blocks, so that it cannot act',
    {
      share: ({ Barrier }, options) => ({ barrier: new Barrier(2, options) }),
      threads: {
        A: [
          async ({ barrier }, t) => {
            t.state.passed = 0;
            await t.when('it acts');
            const acting = t.lockwork.Barrier.from(barrier, { action() {} });
            const passed = acting.waitAsync();
            t.note('one at the entry');
            await passed;
            t.state.passed++;
            if (t.state.passed === 2 && !t.state.paired) await barrier.waitAsync();
          },
          async ({ barrier }, t) => {
            await t.when('one at the entry');
            const acting = t.lockwork.Barrier.from(barrier, { action() {} });
            t.note('about to block');
            for (let passed = false; !passed; ) {
              try {
                acting.wait();
                passed = true;
              } catch (error) {
                // The task came last before: it acts in its next turn.
                t.check((error as Error).name === 'DeadlockError', `it throws ${error}`);
                await t.turn();
              }
            }
            t.state.passed++;
            if (t.state.passed === 2 && !t.state.paired) await barrier.waitAsync();
          },
        ],
        B: [
          async ({ barrier }, t) => {
            const action = async () => {
              t.note('it acts');
              await t.when('about to block');
            };
            const acting = t.lockwork.Barrier.from(barrier, { action });
            await Promise.all([acting.waitAsync(), acting.waitAsync()]);
            await t.turn();
            await barrier.waitAsync();
            t.state.paired = true;
            // With one of the two, or with what comes after them.
            if (t.state.passed < 2) await barrier.waitAsync();
          },
        ],
      },
    },
  ),
  ofBarrier<Acting>('the time of a task at its entry is up', {
    share: ({ Barrier, Event }, options): Acting => ({ barrier: new Barrier(2, options), event: new Event(options) }),
    threads: {
      A: [
        async ({ barrier, event }, t) => {
          await t.when('it acts');
          await t.throws('TimeoutError', async () => {
            // It is never the last to arrive.
            await barrier.waitAsync({ timeout: 10 }).catch((error) => {
              if (error.name !== 'BrokenBarrierError') throw error;
              throw Object.assign(error, { name: 'TimeoutError' });
            });
          });
          // The next waiter has the same place, since another task waits.
          t.check(!(await event.waitAsync({ timeout: 10 })), 'nobody sets it');
          event.set();
        },
        ({ event }) => event.waitAsync(),
      ],
      B: [
        async ({ barrier }, t) => {
          const action = async () => {
            t.note('it acts');
            await t.turn();
          };
          const acting = t.lockwork.Barrier.from(barrier, { action });
          await Promise.all([acting.waitAsync(), acting.waitAsync()]);
        },
      ],
    },
  }),
  ofCondition<WithEvent>('an Event is set and cleared while the thread of a task that waits for it blocks', {
    share: withEvent,
    threads: {
      A: [
        async ({ event }, t) => {
          await t.when('held');
          const set = event.waitAsync();
          t.note('waits');
          await set;
        },
        async ({ lock }, t) => {
          await t.when('waits');
          t.note('about to block');
          lock.acquire();
          lock.release();
        },
      ],
      B: [
        async ({ lock, event }, t) => {
          lock.acquire();
          t.note('held');
          await t.when('about to block');
          event.set();
          event.clear();
          lock.release();
        },
      ],
    },
  }),
  ofCondition('a thread blocks at one while a task of it is notified at another', {
    share: twoConditions,
    threads: {
      A: [
        ({ held }, t) =>
          held.withAsync(async ({ owner }) => {
            const notified = held.waitAsync({ owner: owner! });
            t.note('it waits');
            await notified;
          }),
        async ({ condition }, t) => {
          await t.when('it waits');
          condition.acquire();
          t.note('about to block');
          condition.wait();
          t.check(t.state.notified, 'the thread was not notified');
          condition.release();
        },
      ],
      B: [
        async ({ held, condition }, t) => {
          await t.when('about to block');
          held.with(() => held.notify());
          await t.turn();
          await t.turn();
          condition.acquire();
          t.state.notified = true;
          condition.notify();
          condition.release();
        },
      ],
    },
  }),
  ofCondition<Pick<Conditions, 'condition'>>(
    'a thread blocks at one while its task, whose time was up, is given the lock',
    {
      share: ({ Condition }, options) => ({ condition: new Condition(undefined, options) }),
      threads: {
        A: [
          ({ condition }, t) =>
            condition.withAsync(async ({ owner }) => {
              const notified = condition.waitAsync({ owner: owner!, timeout: 10 });
              t.note('it waits');
              await notified;
            }),
          async ({ condition }, t) => {
            await t.when('its time is up');
            while (!condition.tryAcquire()) await t.turn();
            t.note('about to block');
            condition.wait();
            t.check(t.state.told, 'the thread was not notified');
            condition.release();
          },
        ],
        B: [
          async ({ condition }, t) => {
            await t.when('it waits');
            condition.acquire();
            // Its task waits for the lock by then.
            for (let turns = 0; turns < 8; turns++) await t.turn();
            t.note('its time is up');
            condition.release();
            await t.when('about to block');
            condition.acquire();
            t.state.told = true;
            condition.notifyAll();
            condition.release();
          },
        ],
      },
    },
  ),
  ofLock<Locks>('a thread would block for what a task of it holds, while another task is handed another lock', {
    share: ({ Lock }, options): Locks => ({ one: new Lock(options), two: new Lock(options) }),
    threads: {
      A: [
        async ({ two }, t) => {
          await t.when('held');
          await two.acquireAsync();
          two.release();
        },
        async ({ one }, t) => {
          await t.when('to be handed on');
          await one.acquireAsync();
          await t.throws('DeadlockError', () => one.acquire());
          one.release();
        },
      ],
      B: [
        async ({ two }, t) => {
          two.acquire();
          t.note('held');
          let mine = true;
          // Twice the task is woken in vain; then it has asked to be handed the lock.
          for (let times = 0; mine && times < 2; times++) {
            await t.idle('A');
            two.release();
            mine = two.tryAcquire();
          }
          await t.idle('A');
          t.note('to be handed on');
          await t.turn();
          if (mine) two.release();
        },
      ],
    },
    tick: 2,
  }),
  ofLock<LocksWithEvent>('two tasks are told while their thread blocks, each of another one', {
    share: ({ Lock, Event }, options): LocksWithEvent => ({
      one: new Lock(options),
      two: new Lock(options),
      event: new Event(options),
    }),
    threads: {
      A: [
        async ({ one }, t) => {
          await t.when('held');
          const held = one.acquireAsync();
          t.note('one waits');
          await held;
          one.release();
        },
        async ({ two }, t) => {
          await t.when('one waits');
          const held = two.acquireAsync();
          t.note('two wait');
          await held;
          two.release();
        },
        async ({ event }, t) => {
          await t.when('two wait');
          t.note('about to block');
          event.wait();
        },
      ],
      B: [
        async ({ one, two, event }, t) => {
          one.acquire();
          two.acquire();
          t.note('held');
          await t.when('about to block');
          one.release();
          two.release();
          event.set();
        },
      ],
    },
  }),
  ofCondition('a task begins to wait in the predicate that its thread blocks in', {
    share: ({ Event, Condition }, options) => ({
      event: new Event(options),
      condition: new Condition(undefined, options),
    }),
    threads: {
      A: [
        async ({ event, condition }, t) => {
          // From now on it blocks as a thread that may have tasks.
          await condition.withAsync(() => {});
          let set: Promise<boolean> | undefined;
          condition.with(() =>
            condition.waitFor(() => {
              const first = !set;
              set ??= event.waitAsync();
              if (first) t.note('about to block');
              return !first;
            }),
          );
          t.note('blocks no more');
          await set;
        },
      ],
      B: [
        async ({ event, condition }, t) => {
          await t.when('about to block');
          condition.with(() => condition.notify());
          await t.when('blocks no more');
          await t.idle('A');
          event.set();
        },
      ],
    },
  }),
];
