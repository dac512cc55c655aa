/**
 * A blocked thread looks around now and then. A look by itself changes nothing; but a waiter that finds free what it waits
 * for takes its turn, while those that were woken for it do not come. And whoever looks after a primitive, in no call or in
 * the midst of its own wait, wakes nobody in vain and takes nothing from the living.
 */

import {
  ACTION,
  CELL_GENERATION,
  CELL_LENGTH,
  CELL_PREV,
  FILLING,
  HELD_BY_TASK,
  NO_ACTION,
  STATE_GRANTED,
  STATE_WOKEN,
  STATUS_BROKEN,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_INBOX,
  WITH_ACTION,
  WOKEN,
} from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  forever,
  get,
  look,
  mark,
  once,
  PERMIT,
  type Primitive,
  type Scenario,
  SOON,
  TIMED,
  UNTIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import {
  acquiringLock,
  acquiringPermit,
  allowed,
  came,
  eventLoop,
  releaseLock,
  releasePermit,
  type Step,
  waits,
  within,
} from '../tasks.ts';
import type { Program, Script } from '../thread.ts';

type Kind = 'lock' | 'semaphore';

/** A Lock, or a permit, as a thread has it and as a task. */
interface Thing extends Primitive {
  acquire(me: number, timeout: number): Script<number>;
  release(me: number): Script;
  /** What acquiring adds to the word, of a task of this thread. */
  taskOf(me: number): number;
}

function thing(world: World, kind: Kind, permits = 1): Thing {
  const isLock = kind === 'lock';
  const it = isLock ? world.lock() : world.semaphore(permits);
  const { cell, stamp } = it;
  return {
    ...it,
    acquire: (me, timeout) => call(isLock ? 'lockAcquire' : 'semAcquire', cell, stamp, me, timeout),
    *release(me) {
      const status = isLock ? call('lockRelease', cell, stamp, me) : call('semRelease', cell, stamp, me, 1);
      expect(yield* status, STATUS_OK);
    },
    taskOf: (me) => (isLock ? me | HELD_BY_TASK : PERMIT),
  };
}

/** Threads that acquire, use and release it. */
const napping = (kind: Kind, name: string, timeouts: readonly number[], loops: number): Scenario => ({
  primitive: kind,
  name: `${name}, with naps`,
  threads: timeouts.length,
  naps: true,
  build(world) {
    const it = thing(world, kind);
    const data = world.data('data');
    return {
      clock: timeouts.includes(SOON) ? TIMED : UNTIMED,
      programs: world.threads.map((me, t) =>
        (t < loops ? forever : once)(function* () {
          const timeout = timeouts[t]!;
          if (expect(yield* it.acquire(me, timeout), ...allowed(timeout)) === STATUS_TIMEOUT) return;
          yield* use(data);
          yield* it.release(me);
        }),
      ),
    };
  },
});

/** A task of this thread enters the queue; when it is woken, it does not come before `done`. */
const slow = (it: Thing, me: number, waiter: number, done: number): Program =>
  once(() =>
    within(
      (function* () {
        const acquire = (flags: number): Script<number> =>
          call('acquire', it.cell, it.stamp, waiter, it.taskOf(me), FOR_EVER, flags);
        if (expect(yield* acquire(0), STATUS_OK, STATUS_PENDING) === STATUS_PENDING) {
          yield until(me + THREAD_INBOX, Boolean);
          expect(yield* call('collect', me), waiter);
          if ((yield* look(waiter)) === STATE_WOKEN) {
            yield until(done, Boolean);
            expect(yield* acquire(WOKEN), STATUS_OK);
          }
        }
        yield* call('accept', waiter, 0);
        yield* it.release(it.taskOf(me) === PERMIT ? me : it.taskOf(me));
      })(),
      () => 'acquireAsync',
    ),
  );

/** A task that was woken does not come: a blocked thread behind it takes what is free. */
const turn = (kind: Kind): Scenario => ({
  primitive: kind,
  name: 'a task that was woken does not come, and a blocked thread takes its turn',
  threads: 3,
  naps: true,
  build(world) {
    const [me, holder, blocked] = world.threads as [number, number, number];
    const it = thing(world, kind, 0);
    if (kind === 'lock') expect(world.call('lockAcquire', it.cell, it.stamp, holder, 0), STATUS_OK);
    const done = world.data('done');
    return {
      programs: [
        slow(it, me, world.task(me), done),
        once(function* () {
          yield until(it.cell + CELL_LENGTH, (length) => length === 2);
          yield* it.release(holder);
        }),
        once(function* () {
          expect(yield* it.acquire(blocked, FOR_EVER), STATUS_OK);
          yield* it.release(blocked);
          yield mark(done, 1);
        }),
      ],
    };
  },
});

/** The same for a waiter that was notified, and stands in the lock's queue. */
const notified = (timeout: number): Scenario => ({
  primitive: 'condition',
  name: `a task that was woken does not come, and a notified ${timeout === FOR_EVER ? '' : 'timed '}thread takes its turn`,
  threads: 3,
  naps: true,
  build(world) {
    const [me, notifier, waiter] = world.threads as [number, number, number];
    const it = thing(world, 'lock');
    const { cell, stamp } = world.condition(it);
    const [came, done] = [world.data('came'), world.data('done')];
    const task = world.task(me);
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: [
        once(function* () {
          yield until(came, (value) => value === 2);
          yield* slow(it, me, task, done).body() as Script;
        }),
        once(function* () {
          yield until(came, Boolean);
          expect(yield* it.acquire(notifier, FOR_EVER), STATUS_OK);
          yield mark(came, 2);
          yield until(it.cell + CELL_LENGTH, Boolean);
          expect(yield* call('condNotify', cell, stamp, notifier, 1, 0), STATUS_OK);
          yield* it.release(notifier);
        }),
        once(function* () {
          expect(yield* it.acquire(waiter, FOR_EVER), STATUS_OK);
          yield mark(came, 1);
          expect(yield* call('condWait', cell, stamp, waiter, waiter, timeout, 0), ...allowed(timeout));
          yield* it.release(waiter);
          yield mark(done, 1);
        }),
      ],
    };
  },
});

/**
 * A thread whose naps are over stays behind a task that came before it, until that is woken. Then it takes its turn: it
 * leaves the queue, is overtaken before it has what was free, and goes back to its place, before a task that came later.
 * `notified`: it waits for a Condition, and was notified.
 */
const keepsPlace = (kind: Kind, notified = false): Scenario => ({
  primitive: notified ? 'condition' : kind,
  name: `a ${notified ? 'notified ' : ''}thread takes its turn, is overtaken, and keeps its place`,
  threads: 2,
  naps: true,
  build(world) {
    const [me, blocked] = world.threads as [number, number];
    const it = thing(world, kind, 0);
    const condition = notified ? world.condition(it) : undefined;
    const [woken, behind] = [world.task(me), world.task(me)];
    const args = (waiter: number) => [it.cell, it.stamp, waiter, it.taskOf(me), FOR_EVER, 0] as const;
    const occupy = (): void => {
      if (kind === 'lock') expect(world.call('lockAcquire', it.cell, it.stamp, me, 0), STATUS_OK);
      expect(world.call('acquire', ...args(woken)), STATUS_PENDING);
    };
    if (!condition) occupy();
    return {
      invariant(view) {
        if (view.word(woken + CELL_PREV) === blocked) return 'it stands before one that came earlier';
        return view.word(blocked + CELL_PREV) === behind ? 'it stands behind one that came later' : undefined;
      },
      programs: [
        once(() =>
          within(
            (function* () {
              if (condition) {
                yield until(condition.cell + CELL_LENGTH, Boolean);
                expect(yield* it.acquire(me, FOR_EVER), STATUS_OK);
                expect(yield* call('acquire', ...args(woken)), STATUS_PENDING);
                expect(yield* call('condNotify', condition.cell, condition.stamp, me, 1, 0), STATUS_OK);
              }
              yield until(it.cell + CELL_LENGTH, (length) => length === 2);
              expect(yield* call('acquire', ...args(behind)), STATUS_PENDING);
              yield* it.release(me);
              if ((yield* it.acquire(me, 0)) === STATUS_OK) yield* it.release(me);
              for (const waiter of [woken, behind]) yield* call('undo', waiter);
              yield* call('collect', me);
            })(),
            () => 'acquireAsync',
          ),
        ),
        once(function* () {
          expect(yield* it.acquire(blocked, FOR_EVER), STATUS_OK);
          if (condition)
            expect(yield* call('condWait', condition.cell, condition.stamp, blocked, blocked, FOR_EVER, 0), STATUS_OK);
          yield* it.release(blocked);
        }),
      ],
    };
  },
});

/** Tasks look around, too, and take their turn. */
const tasks = (kind: Kind, name: string, steps: (it: Thing, me: number) => readonly (readonly Step[])[]): Scenario => ({
  primitive: kind,
  name: `${name}, with naps`,
  threads: 2,
  naps: true,
  build(world) {
    const it = thing(world, kind);
    const [me, other] = world.threads as [number, number];
    return {
      programs: [
        once(eventLoop(world, me, steps(it, me))),
        forever(function* () {
          expect(yield* it.acquire(other, FOR_EVER), STATUS_OK);
          yield* it.release(other);
        }),
      ],
    };
  },
});

/** A task takes its turn in place of another thread's that does not come. */
const taskTurn = (kind: Kind): Scenario => ({
  primitive: kind,
  name: 'a task that was woken does not come, and another takes its turn',
  threads: 3,
  naps: true,
  build(world) {
    const [me, holder, other] = world.threads as [number, number, number];
    const it = thing(world, kind, 0);
    if (kind === 'lock') expect(world.call('lockAcquire', it.cell, it.stamp, holder, 0), STATUS_OK);
    const done = world.data('done');
    const steps: Step[] = [
      waits(kind === 'lock' ? acquiringLock(it, other) : acquiringPermit(it, other)),
      came(STATUS_OK),
      kind === 'lock' ? releaseLock(it, other) : releasePermit(it, other),
      function* () {
        yield mark(done, 1);
      },
    ];
    return {
      programs: [
        slow(it, me, world.task(me), done),
        once(function* () {
          yield until(it.cell + CELL_LENGTH, (length) => length === 2);
          yield* it.release(holder);
        }),
        once(eventLoop(world, other, [steps])),
      ],
    };
  },
});

/** Others use it, and one that is in no call looks after it for ever. */
const lookedAfter = (
  primitive: string,
  name: string,
  threads: number,
  make: (world: World) => Primitive,
  round: (world: World, it: Primitive) => (me: number, t: number) => Script<unknown>,
  loops = threads,
): Scenario => ({
  primitive,
  name: `${name}, and one looks after it for ever`,
  threads: threads + 1,
  build(world) {
    const it = make(world);
    const act = round(world, it);
    return {
      keeps: [CELL_GENERATION],
      wraps: new Map([[it.cell + CELL_GENERATION, 8]]),
      mayStarve: (_, view) => primitive === 'barrier' && [0, 1].some((t) => view.finished(t)),
      programs: world.threads.map((me, t) =>
        t === threads
          ? forever(function* () {
              yield* call('reapCell', it.cell, me, 0);
            })
          : (t < loops ? forever : once)(function* () {
              yield* act(me, t);
            }),
      ),
    };
  },
});

/** Waits with naps for what others do. */
const eventOrBarrier: readonly Scenario[] = [
  {
    primitive: 'event',
    name: '2 waiters, and it is set, with naps',
    threads: 3,
    naps: true,
    build(world) {
      const { cell, stamp } = world.event();
      return {
        clock: TIMED,
        programs: world.threads.map((me, t) =>
          once(function* () {
            const timeout = t ? FOR_EVER : SOON;
            if (t === 2) expect(yield* call('eventSet', cell, stamp, me), STATUS_OK);
            else expect(yield* call('eventWait', cell, stamp, me, timeout), ...allowed(timeout));
          }),
        ),
      };
    },
  },
  {
    primitive: 'barrier',
    name: '2 parties for ever, with naps',
    threads: 2,
    naps: true,
    build(world) {
      const { cell, stamp } = world.barrier(2);
      return {
        wraps: new Map([[cell + CELL_GENERATION, 8]]),
        mayStarve: (thread, view) => view.finished(1 - thread),
        programs: world.threads.map((me) =>
          forever(function* () {
            expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION), 0, 1);
          }),
        ),
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'a timed party waits for the end of the action, with naps',
    threads: 2,
    naps: true,
    build(world) {
      const { cell, stamp } = world.barrier(2);
      const [party, last] = world.threads as [number, number];
      const wait = (me: number, timeout: number) => call('barrierWait', cell, stamp, me, timeout, WITH_ACTION);
      return {
        clock: TIMED,
        keeps: [CELL_GENERATION],
        programs: [
          once(function* () {
            expect(yield* wait(party, SOON), 0, STATUS_BROKEN);
          }),
          once(function* () {
            yield until(cell, Boolean);
            if (expect(yield* wait(last, FOR_EVER), 1, STATUS_BROKEN) !== 1) return;
            const generation = yield* get(last + CELL_GENERATION);
            expect(yield* call('barrierEnd', cell, stamp, last, generation, ACTION, STATE_GRANTED, FILLING), 1);
          }),
        ],
      };
    },
  },
];

export const naps: readonly Scenario[] = [
  napping('lock', '2 threads for ever', [FOR_EVER, FOR_EVER], 2),
  napping('lock', '2 threads for ever, one of them timed', [SOON, FOR_EVER], 2),
  napping('lock', '3 threads', [FOR_EVER, FOR_EVER, FOR_EVER], 0),
  napping('semaphore', '2 threads for ever', [FOR_EVER, FOR_EVER], 2),
  napping('semaphore', '3 threads', [FOR_EVER, FOR_EVER, FOR_EVER], 0),
  turn('lock'),
  turn('semaphore'),
  taskTurn('lock'),
  taskTurn('semaphore'),
  keepsPlace('lock'),
  keepsPlace('semaphore'),
  keepsPlace('lock', true),
  notified(FOR_EVER),
  notified(SOON),
  tasks('lock', 'a task, and another thread for ever', (it, me) => [
    [waits(acquiringLock(it, me)), came(STATUS_OK), releaseLock(it, me)],
  ]),
  tasks('semaphore', 'a task, and another thread for ever', (it, me) => [
    [waits(acquiringPermit(it, me)), came(STATUS_OK), releasePermit(it, me)],
  ]),
  ...eventOrBarrier,
  lookedAfter(
    'lock',
    '2 threads for ever',
    2,
    (world) => world.lock(),
    (world, { cell, stamp }) => {
      const data = world.data('data');
      return function* (me) {
        expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK);
        yield* use(data);
        expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
      };
    },
  ),
  lookedAfter(
    'semaphore',
    '2 waiters and one that gives 2 permits',
    3,
    (world) => world.semaphore(0),
    (_, { cell, stamp }) =>
      function* (me, t) {
        const status =
          t === 2
            ? yield* call('semRelease', cell, stamp, me, 2)
            : yield* call('semAcquire', cell, stamp, me, FOR_EVER);
        expect(status, STATUS_OK);
      },
    0,
  ),
  lookedAfter(
    'barrier',
    '2 parties with an action for ever',
    2,
    (world) => world.barrier(2),
    (_, { cell, stamp }) =>
      function* (me) {
        const index = expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, WITH_ACTION), 0, 1);
        if (index === 0) return;
        const generation = yield* get(me + CELL_GENERATION);
        expect(yield* call('barrierEnd', cell, stamp, me, generation, ACTION, STATE_GRANTED, FILLING), 1);
      },
  ),
];
