/**
 * A thread is terminated, at any moment at which an engine can do that: at a function's entry, a loop's head, in a wait.
 *
 * What the core promises today: a dead thread never leaves a queue lock taken, and one that held nothing and stood in no
 * queue harms nobody. One that dies as the owner, or inside a call that waits, may keep others waiting: that is not
 * passed on yet. A waiter that is let through all the same is let through correctly.
 */

import { CELL_LENGTH, STATUS_OK, STATUS_TIMEOUT, UNIT } from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  forever,
  mark,
  once,
  QUEUE_LOCK,
  type Scenario,
  SOON,
  TIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import type { View } from '../system.ts';
import type { Script } from '../thread.ts';

const MORTAL = 0;

/** No other thread is at work, so no thread will ever unlock a queue lock that is still taken. */
const guardLeft =
  (world: World, cells: readonly number[]) =>
  (view: View): string | undefined => {
    if (!view.dead(MORTAL)) return undefined;
    if (world.threads.some((_, t) => t !== MORTAL && view.inside(t))) return undefined;
    return cells.some((cell) => view.word(cell + QUEUE_LOCK) !== 0)
      ? 'a thread died with a guard in its hands'
      : undefined;
  };

/** Two threads for ever and a mortal one, with something that each acquires, uses and releases. */
const holding = (
  primitive: string,
  make: (world: World) => { cell: number; stamp: number },
  acquire: string,
  release: (cell: number, stamp: number, me: number) => Script<number>,
  owned: (word: number, mortal: number) => boolean,
): Scenario => ({
  primitive,
  name: 'one of 3 threads dies',
  threads: 3,
  build(world) {
    const { cell, stamp } = make(world);
    const data = world.data('data');
    const mortal = world.threads[MORTAL]!;
    const round = function* (me: number): Script {
      expect(yield* call(acquire, cell, stamp, me, FOR_EVER), STATUS_OK);
      yield* use(data);
      expect(yield* release(cell, stamp, me), STATUS_OK);
    };
    return {
      programs: world.threads.map((me, t) => (t === MORTAL ? once : forever)(() => round(me))),
      deaths: { most: 1, threads: [MORTAL] },
      invariant: guardLeft(world, [cell]),
      mayStarve: (_thread, view) => view.dead(MORTAL) && (view.inside(MORTAL) || owned(view.word(cell), mortal)),
    };
  },
});

export const death: readonly Scenario[] = [
  holding(
    'lock',
    (world) => world.lock(),
    'lockAcquire',
    (cell, stamp, me) => call('lockRelease', cell, stamp, me),
    (word, mortal) => (word & -UNIT) === mortal,
  ),
  holding(
    'rlock',
    (world) => world.rlock(),
    'rlockAcquire',
    (cell, stamp, me) => call('rlockRelease', cell, stamp, me),
    (word, mortal) => (word & -UNIT) === mortal,
  ),
  holding(
    'semaphore',
    (world) => world.semaphore(1),
    'semAcquire',
    (cell, stamp, me) => call('semRelease', cell, stamp, me, 1),
    // A permit has no owner: while there is none, the dead thread may have it.
    (word) => word >>> 6 === 0,
  ),
  {
    primitive: 'event',
    name: 'one of 2 waiters dies: set lets the other through all the same',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.event();
      return {
        programs: world.threads.map((me, t) =>
          once(function* () {
            const status =
              t === 2 ? yield* call('eventSet', cell, stamp, me) : yield* call('eventWait', cell, stamp, me, FOR_EVER);
            expect(status, STATUS_OK);
          }),
        ),
        deaths: { most: 1, threads: [MORTAL] },
        invariant: guardLeft(world, [cell]),
      };
    },
  },
  {
    primitive: 'event',
    name: 'the setter dies on its way to 2 waiters: the one whose time is up lets the other through',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.event();
      const told = world.data('told');
      const [setter, first, second] = world.threads as [number, number, number];
      return {
        clock: TIMED,
        programs: [
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 2);
            expect(yield* call('eventSet', cell, stamp, setter), STATUS_OK);
          }),
          once(function* () {
            expect(yield* call('eventWait', cell, stamp, first, FOR_EVER), STATUS_OK);
          }),
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            const status = yield* call('eventWait', cell, stamp, second, SOON);
            if (expect(status, STATUS_OK, STATUS_TIMEOUT) === STATUS_OK) yield mark(told, 1);
          }),
        ],
        deaths: { most: 1, threads: [MORTAL] },
        invariant: guardLeft(world, [cell]),
        // Its time may be up before the setter comes.
        mayStarve: (_thread, view) => view.word(told) === 0,
      };
    },
  },
  {
    primitive: 'condition',
    name: "one of 2 waiters dies: notifying all lets the other through, if the lock is not the dead one's",
    threads: 3,
    build(world) {
      const lock = world.lock();
      const { cell, stamp } = world.condition(lock);
      const data = world.data('data');
      return {
        programs: world.threads.map((me) =>
          once(function* () {
            expect(yield* call('lockAcquire', lock.cell, lock.stamp, me, FOR_EVER), STATUS_OK);
            yield* use(data);
            if (me !== world.threads[2]) expect(yield* call('condWait', cell, stamp, me, me, FOR_EVER, 0), STATUS_OK);
            else expect(yield* call('condNotify', cell, stamp, me, 2, 0), STATUS_OK);
            expect(yield* call('lockRelease', lock.cell, lock.stamp, me), STATUS_OK);
          }),
        ),
        deaths: { most: 1, threads: [MORTAL] },
        invariant: guardLeft(world, [cell, lock.cell]),
        // A waiter that comes after the notification waits for another.
        mayStarve: (thread, view) => view.dead(MORTAL) || (thread < 2 && view.finished(2)),
      };
    },
  },
];
