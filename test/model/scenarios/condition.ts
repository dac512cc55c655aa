/** Condition: notify wakes as many as it says, oldest first; no waiter that gives up takes a notification along. */

import {
  ABANDONED,
  CELL_LENGTH,
  CELL_NEXT,
  CELL_PINS,
  HELD_BY_TASK,
  STATUS_ABANDONED,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_INBOX,
  WOKEN,
} from '../../../assembly/abi.ts';
import {
  after,
  before,
  call,
  expect,
  FOR_EVER,
  forever,
  get,
  look,
  mark,
  once,
  type Primitive,
  type Scenario,
  SOON,
  set,
  TIMED,
  UNTIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import type { Monitor, View } from '../system.ts';
import {
  acquiringLock,
  acquiringRLock,
  blockForNotify,
  blockForRLock,
  came,
  eventLoop,
  notification,
  releaseRLock,
  SKIP,
  type Step,
  waits,
  within,
} from '../tasks.ts';
import { Objection, type Script } from '../thread.ts';
import { recursion } from './rlock.ts';

interface Setting {
  /** The steps of a task that acquires the lock, and that waits; and in whose name it does the rest, the thread's over a Lock. */
  task(me: number): { readonly acquires: Step; readonly waits: (timeout: number) => Step; readonly actor: number };
  readonly condition: Primitive;
  readonly lock: Primitive;
  readonly recursive: number;
  acquire(me: number): Script;
  release(me: number): Script;
  wait(me: number, timeout: number): Script<number>;
  notify(me: number, n: number): Script;
}

function setting(world: World, recursive: boolean): Setting {
  const lock = recursive ? world.rlock() : world.lock();
  const condition = world.condition(lock);
  const name = recursive ? 'rlock' : 'lock';
  const flag = recursive ? 1 : 0;
  return {
    condition,
    lock,
    recursive: flag,
    task(me) {
      const actor = recursive ? world.task(me) : me;
      const owner = recursive ? actor : me | HELD_BY_TASK;
      return {
        acquires: waits(recursive ? acquiringRLock(lock, actor) : acquiringLock(lock, me)),
        waits: (timeout) => waits(notification(condition, lock, owner, recursive), timeout),
        actor,
      };
    },
    *acquire(me) {
      expect(yield* call(`${name}Acquire`, lock.cell, lock.stamp, me, FOR_EVER), STATUS_OK);
    },
    *release(me) {
      expect(yield* call(`${name}Release`, lock.cell, lock.stamp, me), STATUS_OK);
    },
    *wait(me, timeout) {
      const status = yield* call('condWait', condition.cell, condition.stamp, me, me, timeout, flag);
      return expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
    },
    *notify(me, n) {
      expect(yield* call('condNotify', condition.cell, condition.stamp, me, n, flag), STATUS_OK);
    },
  };
}

/** Notifications that were sent and have not arrived. Tell it `before(n)` and `after('woken')`. */
const counted: Monitor<number> = {
  initial: 0,
  step(pending, thread, event) {
    if (typeof event === 'number') return pending + event;
    if (pending === 0) throw new Objection(`T${thread + 1} was woken, and nobody was notified`);
    return pending - 1;
  },
};
/** A waiter that was not notified may wait for ever; a notification that has not arrived may not. */
const allArrived = (_thread: number, view: View): boolean => view.monitor() === 0;

/** The waiters: for how long, and whether as a thread that blocks (0) or as so many tasks of one. */
type Waiter = number | { readonly tasks: number; readonly timeout: number };
const tasksOf = (waiter: Waiter): number => (typeof waiter === 'number' ? 0 : waiter.tasks);
const timeoutOf = (waiter: Waiter): number => (typeof waiter === 'number' ? waiter : waiter.timeout);
const tasks = (tasks: number, timeout = FOR_EVER): Waiter => ({ tasks, timeout });

/** All wait; then somebody notifies some. */
const notified = (
  name: string,
  recursive: boolean,
  waiters: readonly Waiter[],
  notifications: readonly number[],
): Scenario => ({
  primitive: 'condition',
  name,
  threads: waiters.length + 1,
  build(world) {
    const { condition, lock, acquire, release, wait, notify, task } = setting(world, recursive);
    const data = world.data('data');
    const notifier = world.threads.at(-1)!;
    const all = waiters.flatMap((waiter) => Array<number>(Math.max(tasksOf(waiter), 1)).fill(timeoutOf(waiter)));
    const patient = all.filter((timeout) => timeout === FOR_EVER).length;
    const woken = function* (actor: number, status: number): Script {
      if (status === STATUS_OK) yield after('woken');
      yield* use(data);
      yield* release(actor);
    };
    return {
      clock: all.includes(SOON) ? TIMED : UNTIMED,
      monitor: counted,
      mayStarve: allArrived,
      programs: [
        ...waiters.map((waiter, t) => {
          const me = world.threads[t]!;
          const timeout = timeoutOf(waiter);
          const steps = (): Step[] => {
            const { acquires, waits, actor } = task(me);
            return [
              acquires,
              // Twice, as far as that goes.
              function* () {
                if (recursive) expect(yield* call('rlockAcquire', lock.cell, lock.stamp, actor, 0), STATUS_OK);
                yield* use(data);
              },
              waits(timeout),
              function* (status) {
                expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
                if (recursive) {
                  expect(yield* recursion(lock.cell, actor), 2);
                  yield* release(actor);
                }
                yield* woken(actor, status);
              },
            ];
          };
          if (tasksOf(waiter) > 0) return once(eventLoop(world, me, Array.from({ length: tasksOf(waiter) }, steps)));
          return once(function* () {
            yield* acquire(me);
            yield* use(data);
            yield* woken(me, yield* wait(me, timeout));
          });
        }),
        once(function* () {
          yield until(condition.cell + CELL_LENGTH, (length) => length === all.length);
          yield* acquire(notifier);
          let left = patient;
          for (const n of notifications) {
            // Timed waiters may have gone; then those that wait for ever are enough for what is notified here.
            const arriving = Math.min(n, left);
            left -= arriving;
            yield before(arriving);
            yield* notify(notifier, n);
          }
          yield* use(data);
          yield* release(notifier);
        }),
      ],
    };
  },
});

/** Takes what is there, or waits for it; brings it when it is not there. All of them for ever. */
const market = (name: string, recursive: boolean, consumers: readonly Waiter[], producers = 0): Scenario => ({
  primitive: 'condition',
  name,
  threads: consumers.length + 1,
  build(world) {
    const { acquire, release, wait, notify, task } = setting(world, recursive);
    const goods = world.data('goods');
    const producer = world.threads.length - 1;
    const takes = function* (actor: number): Script {
      if ((yield* get(goods)) > 0) yield set(goods, 0);
      yield* release(actor);
    };
    const brings = function* (actor: number): Script {
      if ((yield* get(goods)) === 0) {
        yield set(goods, 1);
        yield* notify(actor, 1);
      }
      yield* release(actor);
    };
    return {
      clock: consumers.map(timeoutOf).includes(SOON) ? TIMED : UNTIMED,
      mayStarve: (_thread, view) => view.finished(producer) && view.word(goods) === 0,
      programs: [
        ...consumers.map((consumer, t) => {
          const me = world.threads[t]!;
          const timeout = timeoutOf(consumer);
          const steps = (): Step[] => {
            const { acquires, waits, actor } = task(me);
            return [
              acquires,
              function* () {
                return (yield* get(goods)) === 0 ? undefined : SKIP;
              },
              waits(timeout),
              () => takes(actor),
            ];
          };
          if (tasksOf(consumer) > 0)
            return forever(eventLoop(world, me, Array.from({ length: tasksOf(consumer) }, steps)));
          return forever(function* () {
            yield* acquire(me);
            if ((yield* get(goods)) === 0) yield* wait(me, timeout);
            yield* takes(me);
          });
        }),
        forever(
          producers === 0
            ? function* () {
                yield* acquire(world.threads[producer]!);
                yield* brings(world.threads[producer]!);
              }
            : eventLoop(
                world,
                world.threads[producer]!,
                Array.from({ length: producers }, () => {
                  const { acquires, actor } = task(world.threads[producer]!);
                  return [acquires, () => brings(actor)];
                }),
              ),
        ),
      ],
    };
  },
});

const kinds = (make: (name: string, recursive: boolean) => readonly Scenario[]): readonly Scenario[] => [
  ...make('Lock', false),
  ...make('RLock', true),
];

/**
 * A thread blocks in a Condition's queue behind a task of its own: when the task is notified, the thread takes that, and
 * the task waits on in its place. The lock is always in the name of the one that has it.
 */
const exchanged = (name: string, n: number, others: number): Scenario => ({
  primitive: 'condition',
  name,
  threads: 2 + others,
  build(world) {
    const lock = world.rlock();
    const condition = world.condition(lock);
    const data = world.data('data');
    const done = world.data('done');
    const [me, notifier] = world.threads as [number, number];
    const owner = world.task(me);
    expect(world.call('rlockAcquire', lock.cell, lock.stamp, owner, 0), STATUS_OK);
    const uses: Step = () => use(data);
    const task: Step[] = [
      waits(notification(condition, lock, owner, true)),
      came(STATUS_OK),
      uses,
      releaseRLock(lock, owner),
      came(STATUS_OK),
    ];
    const thread: Step[] = [
      blockForRLock(lock, me),
      came(STATUS_OK),
      blockForNotify(condition, lock, me, true),
      came(STATUS_OK),
      uses,
      releaseRLock(lock, me),
      came(STATUS_OK),
      function* () {
        yield mark(done, 1);
      },
    ];
    const round = function* (actor: number, act?: () => Script): Script {
      expect(yield* call('rlockAcquire', lock.cell, lock.stamp, actor, FOR_EVER), STATUS_OK);
      if (act) yield* act();
      yield* use(data);
      expect(yield* call('rlockRelease', lock.cell, lock.stamp, actor), STATUS_OK);
    };
    const notify = (many: number) =>
      function* (): Script {
        expect(yield* call('condNotify', condition.cell, condition.stamp, notifier, many, 1), STATUS_OK);
      };
    return {
      // The thread's own record comes into its inbox.
      keeps: [CELL_NEXT],
      programs: [
        once(eventLoop(world, me, [task, thread], { busy: true })),
        once(function* () {
          yield until(condition.cell + CELL_LENGTH, (length) => length === 2);
          yield* round(notifier, notify(n));
          yield until(done, Boolean);
          yield* round(notifier, notify(1));
        }),
        ...world.threads.slice(2).map((other) => once(() => round(other))),
      ],
    };
  },
});

/** A task's wait for a notify, over a Lock: what a thread calls for it. */
function taskWait(world: World, lock: Primitive, { cell, stamp }: Primitive, me: number) {
  const waiter = world.task(me);
  const name = me | HELD_BY_TASK;
  return {
    waiter,
    acquire: ['lockAcquire', lock.cell, lock.stamp, name, 0] as const,
    wait: ['condWait', cell, stamp, waiter, name, FOR_EVER, 0] as const,
    retry: ['acquire', lock.cell, lock.stamp, waiter, name, FOR_EVER, WOKEN] as const,
    release: ['lockRelease', lock.cell, lock.stamp, name] as const,
    /** Its thread ends, and it never has the lock again. */
    *ends(): Script {
      yield* call('undo', waiter);
      yield* call('unpin', waiter);
    },
  };
}

/** Waits end beside one that begins, and no lock is between them: each takes its own pin off, and no other. */
const unpinned: Scenario = {
  primitive: 'condition',
  name: 'Lock, 2 tasks end their waits beside one that begins: each has its own pin',
  threads: 3,
  build(world) {
    const lock = world.lock();
    const condition = world.condition(lock);
    const waits = world.threads.map((me) => taskWait(world, lock, condition, me));
    for (const { acquire, wait } of waits.slice(1)) {
      expect(world.call(...acquire), STATUS_OK);
      expect(world.call(...wait), STATUS_PENDING);
    }
    return {
      programs: waits.map(({ acquire, wait, ends }, t) =>
        once(() =>
          within(
            (function* () {
              if (t === 0) {
                expect(yield* call(...acquire), STATUS_OK);
                expect(yield* call(...wait), STATUS_PENDING);
                expect(Math.sign(yield* look(lock.cell + CELL_PINS)), 1);
              }
              yield* ends();
            })(),
            () => 'waitAsync',
          ),
        ),
      ),
    };
  },
};

/** A stranger notifies while the holder lets an abandoned Lock go as it is: the notifier wakes the waiter, which is told. */
const abandoned: Scenario = {
  primitive: 'condition',
  name: 'Lock, notify by a stranger, while the holder lets it go as it was abandoned',
  threads: 2,
  build(world) {
    const lock = world.lock();
    const condition = world.condition(lock);
    const [me, holder] = world.threads as [number, number];
    const { waiter, acquire, wait, retry, release, ends } = taskWait(world, lock, condition, me);
    expect(world.call(...acquire), STATUS_OK);
    expect(world.call(...wait), STATUS_PENDING);
    world.poke(lock.cell, holder | ABANDONED);
    return {
      programs: [
        once(() =>
          within(
            (function* () {
              const status = yield* call('condNotify', condition.cell, condition.stamp, me, 1, 0);
              if (expect(status, STATUS_OK, STATUS_NOT_HELD) === STATUS_NOT_HELD) yield* ends();
              else {
                yield until(me + THREAD_INBOX, Boolean);
                expect(yield* call('collect', me), waiter);
                expect(yield* call(...retry), STATUS_ABANDONED);
                yield* call('condEnd', waiter, 0);
                expect(yield* call(...release), STATUS_OK);
              }
              yield* call('restore', lock.cell);
            })(),
            () => 'waitAsync',
          ),
        ),
        once(function* () {
          expect(yield* call('lockRelease', lock.cell, lock.stamp, holder), STATUS_OK);
        }),
      ],
    };
  },
};

/** A waiter that looks lets the thread run that notified it, until that waits itself, if it does. */
const running = (name: string, recursive: boolean, returns: boolean): Scenario => ({
  primitive: 'condition',
  name: `${name}, a waiter that looks lets its unparker run, which ${returns ? 'waits, too' : 'goes on'}`,
  threads: 2,
  spins: 4,
  build(world) {
    const s = setting(world, recursive);
    const [waiter, unparker] = world.threads as [number, number];
    return {
      programs: [
        once(function* () {
          yield* s.acquire(waiter);
          yield* s.wait(waiter, FOR_EVER);
          if (returns) yield* s.notify(waiter, 1);
          yield* s.release(waiter);
        }),
        once(function* () {
          yield until(s.condition.cell + CELL_LENGTH, (length) => length === 1);
          yield* s.acquire(unparker);
          yield* s.notify(unparker, 1);
          if (returns) yield* s.wait(unparker, FOR_EVER);
          yield* s.release(unparker);
        }),
      ],
    };
  },
});

export const condition: readonly Scenario[] = [
  ...kinds((name, recursive) => [
    notified(`${name}, notify(1), 2 wait`, recursive, [FOR_EVER, FOR_EVER], [1]),
    notified(`${name}, notify(1) twice, 2 wait`, recursive, [FOR_EVER, FOR_EVER], [1, 1]),
    notified(`${name}, notify(2), 2 wait`, recursive, [FOR_EVER, FOR_EVER], [2]),
    running(name, recursive, false),
    running(name, recursive, true),
    notified(`${name}, notify(1), 1 of 2 timed: it takes no notification along`, recursive, [SOON, FOR_EVER], [1]),
    market(`${name}, 2 consumers and a producer for ever`, recursive, [FOR_EVER, FOR_EVER]),
    market(`${name}, 2 consumers, one of them timed, and a producer for ever`, recursive, [SOON, FOR_EVER]),
    notified(`${name}, notify(1), 2 tasks of one thread wait`, recursive, [tasks(2)], [1]),
    notified(`${name}, notify(2), a task and a thread wait`, recursive, [tasks(1), FOR_EVER], [2]),
    notified(`${name}, notify(1), a timed task and a thread`, recursive, [tasks(1, SOON), FOR_EVER], [1]),
    notified(`${name}, notify(1), a task and a timed thread`, recursive, [tasks(1), SOON], [1]),
    notified(
      `${name}, notify(1), 2 timed tasks of one thread and a thread`,
      recursive,
      [tasks(2, SOON), FOR_EVER],
      [1],
    ),
    market(`${name}, a task, a thread and a producer for ever`, recursive, [tasks(1), FOR_EVER]),
    market(`${name}, a timed task and a producer for ever`, recursive, [tasks(1, SOON)]),
    market(`${name}, 2 tasks of one thread and a producer for ever`, recursive, [tasks(2)]),
    market(`${name}, a thread and a task that produces for ever`, recursive, [FOR_EVER], 1),
    market(`${name}, a task and a task that produces for ever`, recursive, [tasks(1)], 1),
  ]),
  notified('Lock, notify(2), 3 wait', false, [FOR_EVER, FOR_EVER, FOR_EVER], [2]),
  {
    primitive: 'condition',
    name: 'Lock, a wait lets in a waiter of the lock',
    threads: 2,
    build(world) {
      const { acquire, release, wait } = setting(world, false);
      const [waiter, other] = world.threads as [number, number];
      return {
        mayStarve: (thread, view) => thread === 0 && view.finished(1),
        programs: [
          once(function* () {
            yield* acquire(waiter);
            yield* wait(waiter, FOR_EVER);
          }),
          once(function* () {
            yield* acquire(other);
            yield* release(other);
          }),
        ],
      };
    },
  },
  {
    primitive: 'condition',
    name: 'Lock, notify by a stranger, while the holder lets it go',
    threads: 3,
    build(world) {
      const { condition, acquire, release, wait } = setting(world, false);
      const [waiter, holder, notifier] = world.threads as [number, number, number];
      const { cell, stamp } = condition;
      return {
        // Nobody held it: then nobody was notified.
        mayStarve: (thread, view) => thread === 0 && view.finished(2) && view.monitor() !== 'notified',
        monitor: { initial: '', step: () => 'notified' },
        programs: [
          once(function* () {
            yield* acquire(waiter);
            yield* wait(waiter, FOR_EVER);
            yield* release(waiter);
          }),
          forever(function* () {
            yield* acquire(holder);
            yield* release(holder);
          }),
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            const status = yield* call('condNotify', cell, stamp, notifier, 1, 0);
            if (expect(status, STATUS_OK, STATUS_NOT_HELD) === STATUS_OK) yield after('notified');
          }),
        ],
      };
    },
  },
  {
    primitive: 'condition',
    name: 'RLock, a wait gives it up entirely and takes it back as often',
    threads: 2,
    build(world) {
      const { condition, lock, acquire, release, wait, notify } = setting(world, true);
      const data = world.data('data');
      const [waiter, notifier] = world.threads as [number, number];
      return {
        programs: [
          once(function* () {
            yield* acquire(waiter);
            yield* acquire(waiter);
            yield* use(data);
            yield* wait(waiter, FOR_EVER);
            yield* use(data);
            expect(yield* recursion(lock.cell, waiter), 2);
            yield* release(waiter);
            yield* release(waiter);
            expect(yield* call('rlockRelease', lock.cell, lock.stamp, waiter), STATUS_NOT_HELD);
          }),
          once(function* () {
            yield until(condition.cell + CELL_LENGTH, (length) => length === 1);
            yield* acquire(notifier);
            expect(yield* recursion(lock.cell, notifier), 1);
            yield* use(data);
            yield* notify(notifier, 1);
            yield* release(notifier);
          }),
        ],
      };
    },
  },
  {
    primitive: 'condition',
    name: 'Lock, the oldest waiter is notified first',
    threads: 3,
    build(world) {
      const { condition, acquire, release, wait, notify } = setting(world, false);
      const [first, second, notifier] = world.threads as [number, number, number];
      const waiters = condition.cell + CELL_LENGTH;
      return {
        mayStarve: (thread, view) => thread === 1 && view.finished(0),
        programs: [
          once(function* () {
            yield* acquire(first);
            yield* wait(first, FOR_EVER);
            yield* release(first);
          }),
          once(function* () {
            yield until(waiters, (length) => length === 1);
            yield* acquire(second);
            yield* wait(second, FOR_EVER);
            yield* release(second);
          }),
          once(function* () {
            yield until(waiters, (length) => length === 2);
            yield* acquire(notifier);
            yield* notify(notifier, 1);
            yield* release(notifier);
          }),
        ],
      };
    },
  },
  ...kinds((name, recursive) => [
    {
      primitive: 'condition',
      name: `${name}, nobody notifies: a timed wait comes to an end, and holds it again`,
      threads: 2,
      build(world) {
        const { acquire, release, wait } = setting(world, recursive);
        const data = world.data('data');
        return {
          clock: TIMED,
          programs: world.threads.map((me) =>
            forever(function* () {
              yield* acquire(me);
              yield* use(data);
              expect(yield* wait(me, SOON), STATUS_TIMEOUT);
              yield* use(data);
              yield* release(me);
            }),
          ),
        };
      },
    },
    {
      primitive: 'condition',
      name: `${name}, a stranger, which does not hold it, can neither wait nor notify`,
      threads: 2,
      build(world) {
        const { condition, recursive: flag, acquire, release } = setting(world, recursive);
        const [stranger, holder] = world.threads as [number, number];
        const { cell, stamp } = condition;
        return {
          programs: [
            once(function* () {
              expect(yield* call('condWait', cell, stamp, stranger, stranger, FOR_EVER, flag), STATUS_NOT_HELD);
              expect(yield* call('condNotify', cell, stamp, stranger, 1, flag), STATUS_NOT_HELD);
            }),
            // That somebody else holds an RLock changes nothing; a Lock's holder is not asked for.
            forever(function* () {
              if (!recursive) return;
              yield* acquire(holder);
              yield* release(holder);
            }),
          ],
        };
      },
    },
  ]),
  unpinned,
  abandoned,
  exchanged('a thread takes what its task is notified of', 1, 0),
  exchanged('a thread takes what its task is notified of, beside another', 1, 1),
  exchanged('a thread and its task are notified', 2, 0),
];
