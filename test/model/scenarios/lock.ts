/** Lock: mutual exclusion, no lost wake-up, no starvation, whoever gives up leaves nothing behind. */

import {
  CELL,
  call,
  expect,
  FOR_EVER,
  forever,
  GUARD,
  get,
  LENGTH,
  LOOKS,
  linearizable,
  mark,
  NEXT,
  observed,
  once,
  type Scenario,
  SOON,
  type Specification,
  Status,
  TASK,
  TIMED,
  UNTIMED,
  until,
  use,
} from '../scenario.ts';
import { acquiring, allowed, came, END, eventLoop, queueing, releases, type Step, shared, waits } from '../tasks.ts';
import type { Script } from '../thread.ts';

/** Takes the lock, uses what it protects, gives it back. */
function* round(me: number, cell: number, stamp: number, data: number, timeout: number): Script {
  const status = yield* call('lockAcquire', cell, stamp, me, timeout);
  expect(status, Status.OK, ...(timeout === FOR_EVER ? [] : [Status.TIMEOUT]));
  if (status !== Status.OK) return;
  yield* use(data);
  expect(yield* call('lockRelease', cell, stamp, me), Status.OK);
}

const contention = (
  threads: number,
  name: string,
  timeouts: readonly number[],
  loops = threads,
  spins = 0,
): Scenario => ({
  primitive: 'lock',
  name,
  threads,
  spins,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    return {
      clock: timeouts.some((timeout) => timeout !== FOR_EVER) ? TIMED : UNTIMED,
      programs: world.threads.map((me, t) =>
        (t < loops ? forever : once)(() => round(me, cell, stamp, data, timeouts[t % timeouts.length]!)),
      ),
    };
  },
});

/** What a lock is: held by somebody or not. A timeout may come at any time, but a look (0 ms) fails only at a held lock. */
export const lockSpecification: Specification<boolean> = {
  initial: false,
  apply(held, _thread, [operation, timeout]) {
    if (operation === 'release') return held ? [[Status.OK, false]] : [[Status.NOT_HELD, false]];
    const inTime: (readonly [number, boolean])[] = held ? [] : [[Status.OK, true]];
    const tooLate = timeout === 0 ? held : timeout !== FOR_EVER && timeout !== null;
    return tooLate ? [...inTime, [Status.TIMEOUT, held]] : inTime;
  },
};

/** The flag that asks for a handoff, as in assembly/resource.ts. */
const HANDOFF = 2;

/** Who has waited longer than 1 ms is not overtaken once more: the lock is handed over without ever being free. */
const handoff: Scenario = {
  primitive: 'lock',
  name: 'who has waited too long is not overtaken',
  threads: 2,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    return {
      invariant(view) {
        const word = view.word(cell);
        if (word & HANDOFF && word < CELL) return 'the lock is free, and somebody waits for a handoff';
        const late = world.threads.some((me, t) => world.stands(view, me) && view.time(t) !== UNTIMED[0]);
        if (view.word(cell + GUARD) !== 0) return undefined;
        if (late && !(word & HANDOFF)) return 'somebody has waited too long, and no handoff is asked for';
        return word & HANDOFF && !late ? 'a handoff is asked for, and nobody has waited too long' : undefined;
      },
      programs: world.threads.map((me) => forever(() => round(me, cell, stamp, data, FOR_EVER))),
    };
  },
};

/** Who was woken and found the lock taken again stands first in the queue as before. */
const order: Scenario = {
  primitive: 'lock',
  name: 'who was woken in vain keeps its place',
  threads: 3,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    const [holder, first, second] = world.threads as [number, number, number];
    return {
      invariant(view) {
        if (((view.word(cell) >> 2) & 7) > 1) return 'two are awake for one lock';
        const both = world.stands(view, first) && world.stands(view, second) && view.word(cell + GUARD) === 0;
        return both && view.word(cell + NEXT) !== first ? 'the second waiter stands before the first' : undefined;
      },
      programs: [
        forever(() => round(holder, cell, stamp, data, FOR_EVER)),
        once(() => round(first, cell, stamp, data, FOR_EVER)),
        once(function* () {
          yield until(cell + LENGTH, (length) => length === 1);
          yield* round(second, cell, stamp, data, FOR_EVER);
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
        if (tasks[t] === 0) return program(() => round(me, cell, stamp, data, timeout));
        const task: Step[] = [
          waits(acquiring(lock, me | TASK, me), timeout),
          function* (status) {
            expect(status, Status.OK, ...(timeout === FOR_EVER ? [] : [Status.TIMEOUT]));
            if (status !== Status.OK) return END;
            return yield* use(data);
          },
          () => call('lockRelease', cell, stamp, me),
        ];
        return program(eventLoop(world, me, Array<Step[]>(tasks[t]!).fill(task)));
      }),
    };
  },
});

/**
 * A task hands the lock off to another one of its thread, whose proxy leaves the queue, or has its verdict already, as
 * another thread released the lock, too. A waiter behind the proxy must not be forgotten.
 */
const handedOff: Scenario = {
  primitive: 'lock',
  name: 'a task hands it off, and another thread releases it once too often',
  threads: 3,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, other, behind] = world.threads as [number, number, number];
    const released = ['one', 'two', 'other', 'behind'].map((name) => world.data(name));
    const note = function* (status: number, word: number): Script {
      if (expect(status, Status.OK, Status.NOT_HELD) === Status.OK) yield mark(word, 1);
    };
    const release = function* (who: number, word: number): Script {
      yield* note(yield* call('lockRelease', cell, stamp, who), word);
    };
    const queued = shared(lock, 'lock');
    const task = (index: number): Step[] => [
      waits(queueing(queued, me | TASK)),
      releases(queued, me | TASK),
      (status) => note(status, released[index]!),
    ];
    return {
      // It was acquired three times. A release too many must not succeed while a wake-up passes on.
      invariant(view) {
        if (![0, 1, 2].every((thread) => view.finished(thread))) return undefined;
        return released.filter((word) => view.word(word)).length > 3 ? 'it was released four times' : undefined;
      },
      programs: [
        once(eventLoop(world, me, [task(0), task(1)])),
        once(() => release(other, released[2]!)),
        once(function* () {
          expect(yield* call('lockAcquire', cell, stamp, behind, FOR_EVER), Status.OK);
          yield* release(behind, released[3]!);
        }),
      ],
    };
  },
};

/** Tasks of two threads in their local queues, which hand it off, and a thread that blocks. */
const queues = (name: string, tasks: readonly number[], timeout: number, loops = tasks.length): Scenario => ({
  primitive: 'lock',
  name,
  threads: tasks.length,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const data = world.data('data');
    const queued = shared(lock, 'lock');
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: world.threads.map((me, t) => {
        const program = t < loops ? forever : once;
        if (tasks[t] === 0) return program(() => round(me, cell, stamp, data, timeout));
        const task: Step[] = [
          waits(queueing(queued, me | TASK), timeout),
          function* (status) {
            if (expect(status, ...allowed(timeout)) !== Status.OK) return END;
            return yield* use(data);
          },
          releases(queued, me | TASK),
          came(Status.OK),
        ];
        return program(eventLoop(world, me, Array<Step[]>(tasks[t]!).fill(task)));
      }),
    };
  },
});

/** The proxy of a local queue has the lock for the first task, and enters the queue anew for the next one. */
const anew: Scenario = {
  primitive: 'lock',
  name: 'the proxy that waits for the next task stands before all others',
  threads: 3,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, other, behind] = world.threads as [number, number, number];
    const has = (word: number): boolean => (word & -TASK) === (me | TASK);
    const queued = shared(lock, 'lock');
    const task: Step[] = [waits(queueing(queued, me | TASK)), () => call('lockRelease', cell, stamp, me | TASK)];
    // One has it, and another thread releases it; two wait.
    const loop = eventLoop(world, me, [task.slice(0, 1), task, task], true);
    const proxy = world.tasks[0]!.at(-1)!;
    return {
      invariant(view) {
        const both = world.stands(view, proxy) && world.stands(view, behind) && view.word(cell + GUARD) === 0;
        return both && view.word(cell + NEXT) !== proxy ? 'a waiter stands before it' : undefined;
      },
      programs: [
        once(loop),
        once(function* () {
          yield until(cell + LENGTH, (length) => length === 3);
          expect(yield* call('lockRelease', cell, stamp, other), Status.OK);
        }),
        once(function* () {
          yield until(cell, has);
          expect(yield* call('lockAcquire', cell, stamp, behind, FOR_EVER), Status.OK);
          expect(yield* call('lockRelease', cell, stamp, behind), Status.OK);
        }),
      ],
    };
  },
};

/**
 * A task gives up while its wake-up is on the way, and a lock that is held once is released twice: of as many releases as
 * it was acquired, and not one more, nobody is refused.
 */
const exact = (name: string, queued: boolean): Scenario => ({
  primitive: 'lock',
  name,
  threads: 3,
  build(world) {
    const lock = world.lock();
    const { cell, stamp } = lock;
    const [me, first, second] = world.threads as [number, number, number];
    const [held, taken, ...released] = ['held', 'taken', 'first', 'second'].map((word) => world.data(word));
    const wait = queued ? queueing(shared(lock, 'lock'), me | TASK) : acquiring(lock, me | TASK, me);
    const task: Step[] = [
      function* () {
        yield until(held!, (word) => word !== 0);
      },
      waits(wait, SOON),
      function* (status) {
        if (expect(status, Status.OK, Status.TIMEOUT) === Status.OK) yield mark(taken!, 1);
      },
    ];
    const release = function* (who: number, word: number): Script {
      const status = yield* call('lockRelease', cell, stamp, who);
      if (expect(status, Status.OK, Status.NOT_HELD) === Status.OK) yield mark(word, 1);
    };
    return {
      clock: TIMED,
      invariant(view) {
        if (![0, 1, 2].every((thread) => view.finished(thread))) return undefined;
        const releases = released.filter((word) => view.word(word)).length;
        return releases > 1 + view.word(taken!) ? 'it was released more often than it was acquired' : undefined;
      },
      programs: [
        once(eventLoop(world, me, [task])),
        once(function* () {
          expect(yield* call('lockAcquire', cell, stamp, first, FOR_EVER), Status.OK);
          yield mark(held!, 1);
          yield* release(first, released[0]!);
        }),
        once(function* () {
          yield until(held!, (word) => word !== 0);
          yield* release(second, released[1]!);
        }),
      ],
    };
  },
});

/** Each of these waits looks twice in vain: at the word, and at its own. */
const learning: Scenario = {
  primitive: 'lock',
  name: 'who looked in vain looks half as often, and after the last half begins anew',
  threads: 1,
  spins: 4,
  build(world) {
    const { cell, stamp } = world.lock();
    const [me] = world.threads as [number];
    return {
      clock: TIMED,
      programs: [
        once(function* () {
          expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), Status.OK);
          for (const looks of [1, 2, 4, 1]) {
            expect(yield* call('lockAcquire', cell, stamp, me, SOON), Status.TIMEOUT);
            expect(yield* get(me + LOOKS), looks);
          }
          expect(yield* call('lockRelease', cell, stamp, me), Status.OK);
        }),
      ],
    };
  },
};

export const lock: readonly Scenario[] = [
  handedOff,
  anew,
  exact('a task gives up, and it is released once too often', false),
  exact('a task in a local queue gives up, and it is released once too often', true),
  queues('2 tasks of one thread in a local queue, and a thread for ever', [2, 0], FOR_EVER),
  queues('2 tasks of one thread in a local queue, and a thread for ever, timed', [2, 0], SOON),
  queues('2 tasks of each of 2 threads in local queues, once', [2, 2], FOR_EVER, 0),
  queues('3 tasks of one thread in a local queue, and a thread, once, timed', [3, 0], SOON, 0),
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
                expect(yield* call('lockAcquire', cell, stamp, me, SOON), Status.TIMEOUT);
              }),
            ),
            once(function* () {}),
          ],
        };
      },
    }),
  ),
  ...[GUARD, 0].map(
    (taken): Scenario => ({
      primitive: 'lock',
      name: `who looks twice sleeps in the end, when ${taken ? 'the guard is' : 'it is'} not released`,
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
            if ((yield* acquire(a, SOON)) === Status.OK) yield* release(a);
          }),
          forever(function* () {
            if ((yield* acquire(b, 0)) === Status.OK) yield* release(b);
          }),
          forever(function* () {
            yield* release(c); // whether it is held, by anybody, or not
          }),
        ],
      };
    },
  },
];
