/** RLock: what a Lock does, and its owner may take it again; nobody else can release it. */

import { RLOCK_DEPTH, STATUS_NOT_HELD, STATUS_OK, STATUS_TIMEOUT, UNIT } from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  forever,
  get,
  look,
  once,
  type Scenario,
  SOON,
  TIMED,
  UNTIMED,
  use,
} from '../scenario.ts';
import { acquiringRLock, allowed, came, END, eventLoop, releaseRLock, type Step, waits } from '../tasks.ts';
import type { Script } from '../thread.ts';

/** How often this thread holds it, read as the bindings read it. */
export function* recursion(cell: number, me: number): Script<number> {
  const owner = (yield* look(cell)) & -UNIT;
  return owner === me ? (yield* get(cell + RLOCK_DEPTH)) + 1 : 0;
}

/**
 * Takes the lock twice, uses what it protects, and gives it back twice. `looks`: says how often it has it all the while, and
 * tries to release what it does not hold. That only reads, but with three timed threads it makes five times as many states.
 */
const nested = (threads: number, name: string, timeout: number, loops = threads, looks = true): Scenario => ({
  primitive: 'rlock',
  name,
  threads,
  build(world) {
    const { cell, stamp } = world.rlock();
    const data = world.data('data');
    const program = (me: number) =>
      function* () {
        if (looks) expect(yield* call('rlockRelease', cell, stamp, me), STATUS_NOT_HELD);
        const status = yield* call('rlockAcquire', cell, stamp, me, timeout);
        expect(status, STATUS_OK, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
        if (status !== STATUS_OK) return;
        expect(yield* call('rlockAcquire', cell, stamp, me, timeout), STATUS_OK);
        if (looks) expect(yield* recursion(cell, me), 2);
        yield* use(data);
        expect(yield* call('rlockRelease', cell, stamp, me), STATUS_OK);
        if (looks) expect(yield* recursion(cell, me), 1);
        yield* use(data);
        expect(yield* call('rlockRelease', cell, stamp, me), STATUS_OK);
        if (looks) expect(yield* recursion(cell, me), 0);
      };
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: world.threads.map((me, t) => (t < loops ? forever : once)(program(me))),
    };
  },
});

/** Threads with tasks that each own it in their turn, or together in the name of one owner; and threads that block. */
const mixed = (
  name: string,
  tasks: readonly number[],
  timeout: number,
  together = false,
  loops = tasks.length,
): Scenario => ({
  primitive: 'rlock',
  name,
  threads: tasks.length,
  build(world) {
    const lock = world.rlock();
    const { cell, stamp } = lock;
    const data = world.data('data');
    const acquire = (owner: number) => call('rlockAcquire', cell, stamp, owner, 0);
    const release = (owner: number) => call('rlockRelease', cell, stamp, owner);
    const task = (owner: number): Step[] => [
      waits(acquiringRLock(lock, owner), timeout),
      function* (status) {
        if (expect(status, ...allowed(timeout)) !== STATUS_OK) return END;
        if (together) return undefined;
        expect(yield* acquire(owner), STATUS_OK);
        expect(yield* recursion(cell, owner), 2);
        yield* use(data);
        return expect(yield* release(owner), STATUS_OK);
      },
      function* () {
        if (together) yield* use(data);
      },
      releaseRLock(lock, owner),
      came(STATUS_OK),
    ];
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: world.threads.map((me, t) => {
        const program = t < loops ? forever : once;
        if (tasks[t] === 0)
          return program(function* () {
            expect(yield* release(me), STATUS_NOT_HELD);
            const status = yield* call('rlockAcquire', cell, stamp, me, timeout);
            if (expect(status, ...allowed(timeout)) !== STATUS_OK) return;
            yield* use(data);
            expect(yield* release(me), STATUS_OK);
          });
        const owner = world.task(me);
        return program(
          eventLoop(
            world,
            me,
            Array.from({ length: tasks[t]! }, () => task(together ? owner : world.task(me))),
          ),
        );
      }),
    };
  },
});

export const rlock: readonly Scenario[] = [
  nested(2, '2 threads for ever', FOR_EVER),
  nested(2, '2 threads for ever, timed', SOON),
  nested(3, '3 threads for ever', FOR_EVER),
  nested(3, '3 threads for ever, timed', SOON, 3, false),
  mixed('2 tasks of one thread for ever', [2], FOR_EVER),
  mixed('2 tasks in the name of one owner for ever', [2], FOR_EVER, true),
  mixed('a task and a thread for ever', [1, 0], FOR_EVER),
  mixed('2 tasks of one thread, and another thread for ever', [2, 0], FOR_EVER),
  mixed('2 tasks of one thread, and another thread for ever, timed', [2, 0], SOON),
  mixed('2 tasks in the name of one owner, and another thread for ever', [2, 0], FOR_EVER, true),
  mixed('2 tasks in the name of one owner, and another thread for ever, timed', [2, 0], SOON, true),
  mixed('a task and 2 threads for ever', [1, 0, 0], FOR_EVER),
  mixed('a task and 2 threads, once, timed', [1, 0, 0], SOON, false, 0),
];
