/** Semaphore and BoundedSemaphore: never more inside than permits, every permit that is given is found. */

import { SEMAPHORE_FIRST, STATUS_OK, STATUS_OVER_RELEASE, STATUS_TIMEOUT, UNIT, WOKEN } from '../../../assembly/abi.ts';
import {
  after,
  atMost,
  before,
  call,
  expect,
  FOR_EVER,
  forever,
  linearizable,
  observed,
  once,
  QUEUED,
  type Scenario,
  SOON,
  type Specification,
  TIMED,
  UNTIMED,
} from '../scenario.ts';
import { acquiringPermit, allowed, came, END, eventLoop, releasePermit, type Step, waits } from '../tasks.ts';
import type { Script } from '../thread.ts';

/** Takes a permit, is inside for a while, gives the permit back. */
const contention = (
  threads: number,
  permits: number,
  name: string,
  timeout: number,
  loops = threads,
  guesses = false,
): Scenario => ({
  primitive: 'semaphore',
  name,
  threads,
  build(world) {
    const { cell, stamp } = world.semaphore(permits, permits);
    const wrong = new Map([
      [cell, [0, UNIT, UNIT | QUEUED, UNIT | WOKEN]],
      [cell + SEMAPHORE_FIRST, [0]],
    ]);
    const program = (me: number) =>
      function* () {
        const status = yield* call('semAcquire', cell, stamp, me, timeout);
        expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
        if (status !== STATUS_OK) return;
        yield after('in');
        yield before('out');
        expect(yield* call('semRelease', cell, stamp, me, 1), STATUS_OK);
      };
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      monitor: atMost(permits),
      ...(guesses && { guesses: (address) => wrong.get(address) ?? [] }),
      programs: world.threads.map((me, t) => (t < loops ? forever : once)(program(me))),
    };
  },
});

/** Several wait, one gives them all what they wait for, in one call or in two. */
const releases = (name: string, timeout: number, gifts: readonly number[]): Scenario => ({
  primitive: 'semaphore',
  name,
  threads: gifts.reduce((sum, gift) => sum + gift, 0) + 1,
  build(world) {
    const { cell, stamp } = world.semaphore(0);
    const giver = world.threads.at(-1)!;
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: [
        ...world.threads.slice(0, -1).map((me) =>
          once(function* () {
            const status = yield* call('semAcquire', cell, stamp, me, timeout);
            expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
          }),
        ),
        once(function* () {
          for (const gift of gifts) expect(yield* call('semRelease', cell, stamp, giver, gift), STATUS_OK);
        }),
      ],
    };
  },
});

/** Threads with tasks, and threads that block: as `contention`. */
const mixed = (
  name: string,
  tasks: readonly number[],
  permits: number,
  timeout: number,
  loops = tasks.length,
): Scenario => ({
  primitive: 'semaphore',
  name,
  threads: tasks.length,
  build(world) {
    const semaphore = world.semaphore(permits, permits);
    const { cell, stamp } = semaphore;
    const enter = function* (status: number): Script<unknown> {
      if (expect(status, ...allowed(timeout)) !== STATUS_OK) return END;
      return yield after('in');
    };
    const leave = function* (me: number): Script<unknown> {
      yield before('out');
      return expect(yield* call('semRelease', cell, stamp, me, 1), STATUS_OK);
    };
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      monitor: atMost(permits),
      programs: world.threads.map((me, t) => {
        const program = t < loops ? forever : once;
        const task: Step[] = [
          waits(acquiringPermit(semaphore, me), timeout),
          enter,
          function* () {
            yield before('out');
          },
          releasePermit(semaphore, me),
          came(STATUS_OK),
        ];
        if (tasks[t]! > 0) return program(eventLoop(world, me, Array<Step[]>(tasks[t]!).fill(task)));
        return program(function* () {
          if ((yield* enter(yield* call('semAcquire', cell, stamp, me, timeout))) !== END) yield* leave(me);
        });
      }),
    };
  },
});

/** Waiters of all kinds get what they wait for, in one release or in two. */
const gifts = (name: string, tasks: readonly number[], timeout: number, gifts: readonly number[]): Scenario => ({
  primitive: 'semaphore',
  name,
  threads: tasks.length + 1,
  build(world) {
    const semaphore = world.semaphore(0);
    const { cell, stamp } = semaphore;
    const giver = world.threads.at(-1)!;
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: [
        ...tasks.map((count, t) => {
          const me = world.threads[t]!;
          const task: Step[] = [waits(acquiringPermit(semaphore, me), timeout), came(...allowed(timeout))];
          if (count > 0) return once(eventLoop(world, me, Array<Step[]>(count).fill(task)));
          return once(function* () {
            expect(yield* call('semAcquire', cell, stamp, me, timeout), ...allowed(timeout));
          });
        }),
        once(function* () {
          for (const gift of gifts) expect(yield* call('semRelease', cell, stamp, giver, gift), STATUS_OK);
        }),
      ],
    };
  },
});

/** A number of permits. A look (0 ms) fails only when there are none. */
export const semaphoreSpecification = (permits: number, bound: number): Specification<number> => ({
  initial: permits,
  apply(free, _thread, [operation, argument]) {
    if (operation === 'release') {
      const more = free + Number(argument);
      return more > bound ? [[STATUS_OVER_RELEASE, free]] : [[STATUS_OK, more]];
    }
    const inTime: (readonly [number, number])[] = free > 0 ? [[STATUS_OK, free - 1]] : [];
    const tooLate = argument === 0 ? free === 0 : argument === SOON;
    return tooLate ? [...inTime, [STATUS_TIMEOUT, free]] : inTime;
  },
});

const explained = (name: string, permits: number, bound: number): Scenario => ({
  primitive: 'semaphore',
  name,
  threads: 3,
  build(world) {
    const { cell, stamp } = world.semaphore(permits, bound);
    const [a, b, c] = world.threads as [number, number, number];
    const acquire = (me: number, timeout: number) =>
      observed(['acquire', timeout], call('semAcquire', cell, stamp, me, timeout));
    const release = (me: number, n: number) => observed(['release', n], call('semRelease', cell, stamp, me, n));
    return {
      clock: TIMED,
      monitor: linearizable(semaphoreSpecification(permits, bound), 3),
      programs: [
        forever(function* () {
          yield* acquire(a, SOON);
        }),
        forever(function* () {
          if ((yield* acquire(b, 0)) === STATUS_OK) yield* release(b, 1);
        }),
        forever(function* () {
          yield* release(c, 2);
        }),
      ],
    };
  },
});

export const semaphore: readonly Scenario[] = [
  contention(2, 1, '2 threads for ever, 1 permit', FOR_EVER),
  contention(2, 1, '2 threads for ever that guess wrong, 1 permit', FOR_EVER, 2, true),
  contention(3, 1, '3 threads for ever, 1 permit', FOR_EVER),
  contention(3, 2, '3 threads for ever, 2 permits', FOR_EVER),
  contention(3, 2, '3 threads for ever, 2 permits, timed', SOON),
  contention(4, 2, '4 threads, once, 2 permits', FOR_EVER, 0),
  {
    primitive: 'semaphore',
    name: 'one thread: looks, releases, and the bound',
    threads: 1,
    build(world) {
      const { cell, stamp } = world.semaphore(1, 2);
      const [me] = world.threads as [number];
      const take = (timeout: number) => call('semAcquire', cell, stamp, me, timeout);
      const give = (n: number) => call('semRelease', cell, stamp, me, n);
      return {
        programs: [
          forever(function* () {
            expect(yield* give(2), STATUS_OVER_RELEASE);
            expect(yield* give(1), STATUS_OK);
            expect(yield* give(1), STATUS_OVER_RELEASE);
            expect(yield* take(0), STATUS_OK);
            expect(yield* take(FOR_EVER), STATUS_OK);
            expect(yield* take(0), STATUS_TIMEOUT);
            expect(yield* give(1), STATUS_OK);
          }),
        ],
      };
    },
  },
  {
    primitive: 'semaphore',
    name: 'no permits: timed acquires come to an end',
    threads: 2,
    build(world) {
      const { cell, stamp } = world.semaphore(0);
      return {
        clock: TIMED,
        programs: world.threads.map((me) =>
          forever(function* () {
            expect(yield* call('semAcquire', cell, stamp, me, SOON), STATUS_TIMEOUT);
          }),
        ),
      };
    },
  },
  releases('release(2) to 2 waiters', FOR_EVER, [2]),
  releases('release(1) and release(1) to 2 waiters', FOR_EVER, [1, 1]),
  releases('release(3) to 3 waiters', FOR_EVER, [3]),
  releases('release(1) and release(1) to 2 timed waiters', SOON, [1, 1]),
  mixed('a task and a thread for ever, 1 permit, timed', [1, 0], 1, SOON),
  mixed('2 tasks of one thread for ever, 1 permit', [2], 1, FOR_EVER),
  mixed('2 tasks of one thread, and another thread for ever, 1 permit', [2, 0], 1, FOR_EVER),
  mixed('2 tasks of one thread, and another thread for ever, 1 permit, timed', [2, 0], 1, SOON),
  mixed('2 tasks of one thread, and 2 threads, once, 2 permits', [2, 0, 0], 2, FOR_EVER, 0),
  mixed('a task and 2 threads for ever, 1 permit', [1, 0, 0], 1, FOR_EVER),
  mixed('a task and 2 threads for ever, 2 permits', [1, 0, 0], 2, FOR_EVER),
  gifts('release(3) to 2 tasks and a thread', [2, 0], FOR_EVER, [3]),
  gifts('release(2) to 2 tasks of 2 threads', [1, 1], FOR_EVER, [2]),
  gifts('release(2) and release(1) to 2 tasks of 2 threads and a thread', [1, 1, 0], FOR_EVER, [2, 1]),
  gifts('release(1) and release(1) to a timed task and a timed thread', [1, 0], SOON, [1, 1]),
  explained('acquire, look and release are linearizable', 1, 3),
  explained('a bounded one refuses what is too much', 1, 2),
];
