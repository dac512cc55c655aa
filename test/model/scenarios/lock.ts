/** Lock: mutual exclusion, no lost wake-up, no starvation; a waiter that gives up leaves nothing behind. */

import {
  CELL_LENGTH,
  CELL_NEXT,
  CELL_SIZE,
  HANDOFF,
  HELD_BY_TASK,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_INBOX,
  THREAD_SPIN_BUDGET,
  UNIT,
  WOKEN,
} from '../../../assembly/abi.ts';
import {
  after,
  call,
  expect,
  FOR_EVER,
  forever,
  get,
  linearizable,
  mark,
  observed,
  once,
  ownerOf,
  type Primitive,
  QUEUE_LOCK,
  QUEUED,
  type Scenario,
  SOON,
  type Specification,
  TIMED,
  UNTIMED,
  until,
  use,
} from '../scenario.ts';
import type { Monitor } from '../system.ts';
import {
  acquiringLock,
  blockForLock,
  came,
  END,
  eventLoop,
  REFUSED,
  releaseLock,
  type Step,
  waits,
  within,
} from '../tasks.ts';
import { Objection, type Request, type Script } from '../thread.ts';

/** Takes the lock, uses what it protects, gives it back. */
function* lockRound(me: number, cell: number, stamp: number, data: number, timeout: number): Script {
  const status = yield* call('lockAcquire', cell, stamp, me, timeout);
  expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
  if (status !== STATUS_OK) return;
  yield* use(data);
  expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
}

const contention = (
  threads: number,
  name: string,
  timeouts: readonly number[],
  loops = threads,
  spins = 0,
  guesses = false,
): Scenario => ({
  primitive: 'lock',
  name,
  threads,
  spins,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    const crowded = [0, ...world.threads].map((owner) => owner | QUEUED | WOKEN);
    return {
      clock: timeouts.some((timeout) => timeout !== FOR_EVER) ? TIMED : UNTIMED,
      // All that a thread tells from each other.
      ...(guesses && { guesses: (address) => (address === cell ? [0, ...crowded] : []) }),
      programs: world.threads.map((me, t) =>
        (t < loops ? forever : once)(() => lockRound(me, cell, stamp, data, timeouts[t % timeouts.length]!)),
      ),
    };
  },
});

/** What a lock is: held by somebody or not. A timeout may come at any time, but a look (0 ms) fails only at a held lock. */
export const lockSpecification: Specification<boolean> = {
  initial: false,
  apply(held, _thread, [operation, timeout]) {
    if (operation === 'release') return held ? [[STATUS_OK, false]] : [[STATUS_NOT_HELD, false]];
    const inTime: (readonly [number, boolean])[] = held ? [] : [[STATUS_OK, true]];
    const tooLate = timeout === 0 ? held : timeout !== FOR_EVER && timeout !== null;
    return tooLate ? [...inTime, [STATUS_TIMEOUT, held]] : inTime;
  },
};

/** A waiter of more than 1 ms is not overtaken once more: the lock is handed over without ever being free. */
const handoff: Scenario = {
  primitive: 'lock',
  name: 'a waiter that has waited too long is not overtaken',
  threads: 2,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    return {
      invariant(view) {
        const word = view.word(cell);
        if (word & HANDOFF && word < CELL_SIZE) return 'the lock is free, and somebody waits for a handoff';
        const late = world.threads.some((me, t) => world.stands(view, me) && view.time(t) !== UNTIMED[0]);
        if (view.word(cell + QUEUE_LOCK) !== 0) return undefined;
        if (late && !(word & HANDOFF)) return 'somebody has waited too long, and no handoff is asked for';
        return word & HANDOFF && !late ? 'a handoff is asked for, and nobody has waited too long' : undefined;
      },
      programs: world.threads.map((me) => forever(() => lockRound(me, cell, stamp, data, FOR_EVER))),
    };
  },
};

/** A waiter that was woken and found the lock taken again stands first in the queue as before. */
const order: Scenario = {
  primitive: 'lock',
  name: 'a waiter that was woken in vain keeps its place',
  threads: 3,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    const [holder, first, second] = world.threads as [number, number, number];
    return {
      invariant(view) {
        if (((view.word(cell) >> 2) & 7) > 1) return 'two are awake for one lock';
        const both = world.stands(view, first) && world.stands(view, second) && view.word(cell + QUEUE_LOCK) === 0;
        return both && view.word(cell + CELL_NEXT) !== first ? 'the second waiter stands before the first' : undefined;
      },
      programs: [
        forever(() => lockRound(holder, cell, stamp, data, FOR_EVER)),
        once(() => lockRound(first, cell, stamp, data, FOR_EVER)),
        once(function* () {
          yield until(cell + CELL_LENGTH, (length) => length === 1);
          yield* lockRound(second, cell, stamp, data, FOR_EVER);
        }),
      ],
      // If the first never has to wait, the second waits for nothing.
      mayStarve: (thread, view) => thread === 2 && view.finished(1),
    };
  },
};

/**
 * Threads that block and threads with tasks, all for one lock. `tasks`: how many each thread has, 0 for one that blocks.
 */
const mixed = (name: string, tasks: readonly number[], timeout: number, loops = tasks.length): Scenario => ({
  primitive: 'lock',
  name,
  threads: tasks.length,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const data = world.data('data');
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: world.threads.map((me, t) => {
        const program = t < loops ? forever : once;
        if (tasks[t] === 0) return program(() => lockRound(me, cell, stamp, data, timeout));
        const task: Step[] = [
          waits(acquiringLock(lock, me), timeout),
          function* (status) {
            expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
            if (status !== STATUS_OK) return END;
            return yield* use(data);
          },
          releaseLock(lock, me),
          came(STATUS_OK),
        ];
        return program(eventLoop(world, me, Array<Step[]>(tasks[t]!).fill(task)));
      }),
    };
  },
});

/** Tells it what was acquired, and released with success. */
const balance: Monitor<number> = { initial: 0, step: (held, _thread, event) => held + (event === 'acquired' ? 1 : -1) };

/**
 * Tasks of one thread, which may block beside them, and a stranger that releases the lock so often whether it is held or
 * not: as many releases succeed as there were acquisitions, and when all is over the lock is free or has one owner. So a
 * waiter that only passes its wake-up on must not hold the lock for a moment.
 */
const released = (
  name: string,
  { tasks, timeout = FOR_EVER, blocks = false }: { tasks: number; timeout?: number; blocks?: boolean },
): Scenario => ({
  primitive: 'lock',
  name,
  threads: 2,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, stranger] = world.threads as [number, number];
    const told = function* (status: number, event: string, ...others: number[]): Script<unknown> {
      return expect(status, STATUS_OK, ...others) === STATUS_OK ? yield after(event) : END;
    };
    const round = (acquire: Step): Step[] => [
      acquire,
      (status) => told(status, 'acquired', STATUS_TIMEOUT, REFUSED),
      releaseLock(lock, me),
      (status) => told(status, 'released', STATUS_NOT_HELD),
    ];
    if (blocks) expect(world.call('lockAcquire', cell, stamp, stranger, 0), STATUS_OK);
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      keeps: blocks ? [CELL_NEXT] : [],
      monitor: { ...balance, initial: blocks ? 1 : 0 },
      invariant(view) {
        if (!world.threads.every((_, t) => view.finished(t))) return undefined;
        const owners = view.word(cell) < UNIT ? 0 : 1;
        return view.monitor() === owners ? undefined : 'a release of a lock that nobody held has succeeded';
      },
      programs: [
        once(
          eventLoop(world, me, [
            ...Array<Step[]>(tasks).fill(round(waits(acquiringLock(lock, me), timeout))),
            ...(blocks ? [round(blockForLock(lock, me))] : []),
          ]),
        ),
        once(function* () {
          for (const _often of [1, 2])
            yield* told(yield* call('lockRelease', cell, stamp, stranger), 'released', STATUS_NOT_HELD);
        }),
      ],
    };
  },
});

/** A thread with tasks that wait for the lock takes it itself, by blocking: before them, and others are not held up by the verdicts of its tasks meanwhile. */
const beside = (name: string, tasks: number, { rounds = 1, overdue = false } = {}): Scenario => ({
  primitive: 'lock',
  name,
  threads: 2,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const data = world.data('data');
    const [me, other] = world.threads as [number, number];
    const round = [() => use(data), releaseLock(lock, me), came(STATUS_OK)];
    const task: Step[] = [waits(acquiringLock(lock, me)), came(STATUS_OK), ...round];
    const thread: Step[] = [
      blockForLock(lock, me),
      // biome-ignore lint/correctness/useYield: there is nothing to ask for
      function* (status) {
        return expect(status, STATUS_OK, REFUSED) === STATUS_OK ? undefined : END;
      },
      ...round,
    ];
    return {
      // The thread's own record comes into its inbox.
      keeps: [CELL_NEXT],
      programs: [
        once(eventLoop(world, me, [...Array<Step[]>(tasks).fill(task), thread], { overdue })),
        once(function* () {
          for (let i = 0; i < rounds; i++) yield* lockRound(other, cell, stamp, data, FOR_EVER);
        }),
      ],
    };
  },
});

/** The proxy of a local queue has the lock for the first task, and enters the queue anew for the next one. */
const anew: Scenario = {
  primitive: 'lock',
  name: 'the proxy that waits for the next of its tasks stands before all others',
  threads: 3,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, other, behind] = world.threads as [number, number, number];
    world.call('lockAcquire', cell, stamp, other, 0);
    const task: Step[] = [waits(acquiringLock(lock, me)), came(STATUS_OK), releaseLock(lock, me), came(STATUS_OK)];
    return {
      invariant(view) {
        const proxy = world.tasks[0]!.find((waiter) => world.stands(view, waiter));
        const both = proxy !== undefined && world.stands(view, behind) && view.word(cell + QUEUE_LOCK) === 0;
        return both && view.word(cell + CELL_NEXT) !== proxy ? 'a waiter stands before it' : undefined;
      },
      programs: [
        once(eventLoop(world, me, [task, task])),
        once(function* () {
          yield until(cell + CELL_LENGTH, (length) => length === 3);
          expect(yield* call('lockRelease', cell, stamp, other), STATUS_OK);
        }),
        once(function* () {
          yield until(cell + CELL_LENGTH, (length) => length === 2);
          yield* lockRound(behind, cell, stamp, world.data('data'), FOR_EVER);
        }),
      ],
    };
  },
};

/** A task whose lock was taken by others again and again, for longer than HANDOFF_AFTER_MS, is handed it: it is not overtaken once more. */
const overdue: Scenario = {
  primitive: 'lock',
  name: 'a task that has waited too long is not overtaken',
  threads: 2,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, other] = world.threads as [number, number];
    world.call('lockAcquire', cell, stamp, other, 0);
    return {
      programs: [
        once(eventLoop(world, me, [[waits(acquiringLock(lock, me)), came(STATUS_OK)]], { overdue: true })),
        once(function* () {
          for (const _inVain of [1, 2]) {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            expect(yield* call('lockRelease', cell, stamp, other), STATUS_OK);
            if ((yield* call('lockAcquire', cell, stamp, other, 0)) !== STATUS_OK) return;
          }
          yield until(cell, (word) => (word & HANDOFF) !== 0);
          expect(yield* call('lockRelease', cell, stamp, other), STATUS_OK);
          expect(yield* call('lockAcquire', cell, stamp, other, 0), STATUS_TIMEOUT);
        }),
      ],
    };
  },
};

/** A task that has given up and is woken in vain gives up: it does not wait once more. */
const cancelled: Scenario = {
  primitive: 'lock',
  name: 'a timed task comes to an end, though the lock is taken again before it looks',
  threads: 2,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, other] = world.threads as [number, number];
    world.call('lockAcquire', cell, stamp, other, 0);
    return {
      clock: TIMED,
      programs: [
        once(eventLoop(world, me, [[waits(acquiringLock(lock, me), SOON), came(STATUS_OK, STATUS_TIMEOUT)]])),
        once(function* () {
          expect(yield* call('lockRelease', cell, stamp, other), STATUS_OK);
          expect(yield* call('lockAcquire', cell, stamp, other, 0), STATUS_OK, STATUS_TIMEOUT);
        }),
      ],
    };
  },
};

/** A thread that came before a task of another thread acquires the lock before it. */
const inOrder: Monitor<boolean> = {
  initial: false,
  step(had, _thread, event) {
    if (event === 'task' && !had) throw new Objection('a task has the lock before the thread that came before it');
    return true;
  },
};

/** The task, which comes once `since` holds. */
const comesLater = (lock: Primitive, me: number, since: Request): Step[] => [
  function* () {
    yield since;
  },
  waits(acquiringLock(lock, me)),
  function* () {
    yield after('task');
  },
  releaseLock(lock, me),
  came(STATUS_OK),
];

function* comesBefore({ cell, stamp }: Primitive, thread: number): Script {
  expect(yield* call('lockAcquire', cell, stamp, thread, FOR_EVER), STATUS_OK);
  yield after('thread');
  expect(yield* call('lockRelease', cell, stamp, thread), STATUS_OK);
}

/** A waiter that was passed over for too long leaves the word so; then the holder releases the lock. */
function* handsOver({ cell, stamp }: Primitive, holder: number): Script {
  yield until(cell, (word) => word === (holder | QUEUED));
  yield mark(cell, holder | QUEUED | HANDOFF);
  expect(yield* call('lockRelease', cell, stamp, holder), STATUS_OK);
}

/** Another thread came before the tasks that wait: a task that releases the lock hands it to none of them. */
const inTurn: Scenario = {
  primitive: 'lock',
  name: 'a task does not hand the lock on past a thread that came before',
  threads: 2,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, other] = world.threads as [number, number];
    world.call('lockAcquire', cell, stamp, me | HELD_BY_TASK, 0);
    const comer = comesLater(
      lock,
      me,
      until(cell + CELL_LENGTH, (length) => length > 0),
    );
    return {
      monitor: inOrder,
      programs: [
        once(eventLoop(world, me, [comer, [releaseLock(lock, me), came(STATUS_OK)]], { busy: true })),
        once(() => comesBefore(lock, other)),
      ],
    };
  },
};

/** The lock is handed to a proxy, and a thread enters the queue: a newcomer of the proxy's thread does not join the proxy. */
const joined: Scenario = {
  primitive: 'lock',
  name: 'a task does not join a proxy that has its verdict, past a thread that came before',
  threads: 3,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, holder, other] = world.threads as [number, number, number];
    const name = me | HELD_BY_TASK;
    const proxied = [waits(acquiringLock(lock, me)), came(STATUS_OK), releaseLock(lock, me)];
    const comer = comesLater(
      lock,
      me,
      until(cell, (word) => word === (name | QUEUED)),
    );
    world.call('lockAcquire', cell, stamp, holder, 0);
    return {
      monitor: inOrder,
      programs: [
        once(eventLoop(world, me, [proxied, comer], { busy: true })),
        once(() => handsOver(lock, holder)),
        once(function* () {
          yield until(cell, (word) => ownerOf(word) === name);
          yield* comesBefore(lock, other);
        }),
      ],
    };
  },
};

/**
 * The lock is handed to a task whose thread blocks for another one, and so declines. Meanwhile a release too many takes
 * it from the task: what is declined then is no later owner's.
 */
const taken: Scenario = {
  primitive: 'lock',
  name: 'a thread that blocks declines what a task was handed, and takes nothing from a later owner',
  threads: 2,
  build(world) {
    const lock = world.lock();
    const another = world.lock();
    const { cell, stamp } = lock;
    const [me, other] = world.threads as [number, number];
    for (const it of [lock, another]) world.call('lockAcquire', it.cell, it.stamp, other, 0);
    return {
      keeps: [CELL_NEXT],
      programs: [
        once(eventLoop(world, me, [[waits(acquiringLock(lock, me))], [blockForLock(another, me)]], { busy: true })),
        once(function* () {
          yield* handsOver(lock, other);
          expect(yield* call('lockRelease', cell, stamp, other), STATUS_OK, STATUS_NOT_HELD);
          const status = expect(yield* call('lockAcquire', cell, stamp, other, 0), STATUS_OK, STATUS_TIMEOUT);
          if (status === STATUS_OK) expect(yield* call('lockRelease', cell, stamp, other), STATUS_OK);
          expect(yield* call('lockRelease', another.cell, another.stamp, other), STATUS_OK);
        }),
      ],
    };
  },
};

/** parker.ts: of so few looks each wait takes away one. */
const FEW = 128;
/** How often a thread looks at first. */
const MOST = FEW + 8;

/** Each of these waits looks in vain: at the word, of which there is nothing to learn, and at its own. */
const learning: Scenario = {
  primitive: 'lock',
  name: 'a thread that looked in vain looks half as often, or once less where it was rarely, and begins anew in the end',
  threads: 1,
  spins: MOST,
  build(world) {
    const { cell, stamp } = world.lock();
    const [me] = world.threads as [number];
    return {
      clock: TIMED,
      spins: true,
      programs: [
        once(function* () {
          expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK);
          let looks = MOST;
          do {
            expect(yield* call('lockAcquire', cell, stamp, me, SOON), STATUS_TIMEOUT);
            const fewer = looks > FEW ? looks >> 1 : looks - 1;
            looks = expect(yield* get(me + THREAD_SPIN_BUDGET), fewer || MOST);
          } while (looks !== MOST);
          expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
        }),
      ],
    };
  },
};

export const lock: readonly Scenario[] = [
  anew,
  overdue,
  released('2 tasks, and a stranger that releases it twice', { tasks: 2 }),
  released('2 timed tasks, and a stranger that releases it twice', { tasks: 2, timeout: SOON }),
  released('a thread blocks beside a task, and a stranger releases it twice', { tasks: 1, blocks: true }),
  released('a thread blocks beside 2 tasks, and a stranger releases it twice', { tasks: 2, blocks: true }),
  cancelled,
  inTurn,
  joined,
  taken,
  beside('a thread blocks beside a task of its own, and another thread', 1),
  beside('a thread blocks beside 2 tasks of its own, and another thread', 2),
  beside('a thread blocks beside a task of its own that is handed the lock', 1, { rounds: 3, overdue: true }),
  learning,
  mixed('a task and a thread for ever', [1, 0], FOR_EVER),
  mixed('a task and a thread for ever, timed', [1, 0], SOON),
  mixed('2 tasks of one thread for ever', [2], FOR_EVER),
  mixed('2 tasks of one thread for ever, timed', [2], SOON),
  mixed('2 tasks of one thread, and another thread for ever', [2, 0], FOR_EVER),
  mixed('2 tasks of one thread, and another thread for ever, timed', [2, 0], SOON),
  mixed('a task and 2 threads for ever', [1, 0, 0], FOR_EVER),
  mixed('a task and 2 threads, once, timed', [1, 0, 0], SOON, 0),
  mixed('2 tasks of 2 threads, and another thread for ever', [1, 1, 0], FOR_EVER),
  mixed('2 tasks of one thread and 2 threads, once', [2, 0, 0], FOR_EVER, 0),

  contention(2, '2 threads for ever', [FOR_EVER]),
  contention(2, '2 threads for ever that look twice before they sleep', [FOR_EVER], 2, 2),
  contention(2, '2 threads for ever that look twice before they sleep, timed', [SOON], 2, 2),
  contention(2, '2 threads for ever that guess wrong', [FOR_EVER], 2, 0, true),
  contention(2, '2 threads for ever that guess wrong, timed', [SOON], 2, 0, true),
  contention(3, '3 threads for ever', [FOR_EVER]),
  contention(3, '3 threads for ever, timed', [SOON]),
  contention(3, '3 threads for ever, one of them timed', [SOON, FOR_EVER, FOR_EVER]),
  ...[0, 2].map(
    (spins): Scenario => ({
      primitive: 'lock',
      name: `never released: timed acquires${spins ? ' that look twice' : ''} come to an end`,
      threads: 3,
      spins,
      build(world) {
        const { cell, stamp } = world.lock();
        world.call('lockAcquire', cell, stamp, world.threads[2]!, 0);
        return {
          clock: TIMED,
          programs: [
            ...world.threads.slice(0, 2).map((me) =>
              forever(function* () {
                expect(yield* call('lockAcquire', cell, stamp, me, SOON), STATUS_TIMEOUT);
              }),
            ),
            once(function* () {}),
          ],
        };
      },
    }),
  ),
  ...[QUEUE_LOCK, 0].map(
    (taken): Scenario => ({
      primitive: 'lock',
      name: `a thread that looks twice sleeps in the end, when ${taken ? 'the queue lock is' : 'it is'} not released`,
      threads: 2,
      spins: 2,
      build(world) {
        const { cell, stamp } = world.lock();
        const [me, holder] = world.threads as [number, number];
        world.call('lockAcquire', cell, stamp, holder, 0);
        if (taken) world.poke(cell + taken, 1);
        return {
          mayStarve: (thread) => thread === 0,
          programs: [
            once(function* () {
              yield* call('lockAcquire', cell, stamp, me, FOR_EVER);
            }),
            once(function* () {}),
          ],
        };
      },
    }),
  ),
  handoff,
  order,
  {
    primitive: 'lock',
    name: 'a stranger releases it beside a thread that hands it to the next task of its local queue',
    threads: 2,
    build(world) {
      const { cell, stamp } = world.lock();
      const [me, stranger] = world.threads as [number, number];
      const [proxy, task] = [world.task(me), me | HELD_BY_TASK];
      const acquire = ['acquire', cell, stamp, proxy, task, FOR_EVER] as const;
      expect(world.call('lockAcquire', cell, stamp, me, 0), STATUS_OK);
      expect(world.call(...acquire, 0), STATUS_PENDING);
      world.call('countTasks', cell, proxy, 1);
      return {
        programs: [
          once(() =>
            within(
              (function* () {
                // Whichever comes first: it is free in the end, and the proxy is woken, for the first task or the second.
                const handed = yield* call('handOff', cell, stamp, proxy, me, task, 1);
                yield until(me + THREAD_INBOX, Boolean);
                expect(yield* call('collect', me), proxy);
                expect(yield* call(...acquire, WOKEN), STATUS_OK);
                if (!handed) yield* call('countTasks', cell, proxy, -1);
                expect(yield* call('lockRelease', cell, stamp, task), STATUS_OK);
              })(),
              () => 'acquireAsync',
            ),
          ),
          once(function* () {
            expect(yield* call('lockRelease', cell, stamp, stranger), STATUS_OK);
          }),
        ],
      };
    },
  },
  contention(3, '3 threads, once, timed', [SOON], 0),
  contention(4, '4 threads, once', [FOR_EVER], 0),
  {
    primitive: 'lock',
    name: 'a release by another thread, looks and timeouts are linearizable',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.lock();
      const acquire = (me: number, timeout: number) =>
        observed(['acquire', timeout], call('lockAcquire', cell, stamp, me, timeout));
      const release = (me: number) => observed(['release'], call('lockRelease', cell, stamp, me));
      const [a, b, c] = world.threads as [number, number, number];
      return {
        clock: TIMED,
        monitor: linearizable(lockSpecification, 3),
        programs: [
          forever(function* () {
            if ((yield* acquire(a, SOON)) === STATUS_OK) yield* release(a);
          }),
          forever(function* () {
            if ((yield* acquire(b, 0)) === STATUS_OK) yield* release(b);
          }),
          forever(function* () {
            yield* release(c); // whether it is held, by anybody, or not
          }),
        ],
      };
    },
  },
];
