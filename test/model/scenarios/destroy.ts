/** Destroy: refused while somebody holds or waits; afterwards every use says so, also one that had begun. */

import {
  ANY,
  BROKEN,
  HEADER_USED,
  NO_ACTION,
  STATE_BROKEN,
  STATUS_BROKEN,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_TIMEOUT,
} from '../../../assembly/abi.ts';
import { IDLE, IDLE_BARRIER, IDLE_LOCK, type Idle, idleBoundedSemaphore } from '../../../bindings/idle.ts';
import {
  call,
  expect,
  FOR_EVER,
  forever,
  look,
  once,
  type Primitive,
  type Scenario,
  SOON,
  TIMED,
  type World,
} from '../scenario.ts';
import type { Script } from '../thread.ts';

/** Threads that use a primitive for ever, and one that destroys it as soon as it may. */
const destroyed = (
  primitive: string,
  { mask, idle, dead }: Idle,
  make: (world: World) => Primitive,
  use: (cell: number, stamp: number, me: number) => Script<number>,
): Scenario => ({
  primitive,
  name: 'destroyed in the midst of use',
  threads: 3,
  build(world) {
    const { cell, stamp } = make(world);
    const destroyer = world.threads[2]!;
    const used = world.peek(world.arena + HEADER_USED);
    return {
      clock: TIMED,
      programs: [
        ...world.threads.slice(0, 2).map((me) =>
          forever(function* () {
            yield* use(cell, stamp, me);
          }),
        ),
        once(function* () {
          const status = yield* call('destroy', cell, stamp, destroyer, mask, idle, dead);
          expect(status, STATUS_OK, STATUS_BUSY);
          if (status === STATUS_BUSY) return;
          expect(yield* look(world.arena + HEADER_USED), used - 1);
          expect(yield* call('destroy', cell, stamp, destroyer, mask, idle, dead), STATUS_DESTROYED);
          expect(yield* use(cell, stamp, destroyer), STATUS_DESTROYED);
        }),
      ],
    };
  },
});

/** One thread, nobody else: it can be destroyed, and only once. */
const idle = (primitive: string, { mask, idle, dead }: Idle, make: (world: World) => Primitive): Scenario => ({
  primitive,
  name: 'destroyed when idle',
  threads: 1,
  build(world) {
    const { cell, stamp } = make(world);
    const [me] = world.threads as [number];
    return {
      programs: [
        once(function* () {
          expect(yield* call('destroy', cell, stamp, me, mask, idle, dead), STATUS_OK);
          expect(yield* call('destroy', cell, stamp, me, mask, idle, dead), STATUS_DESTROYED);
        }),
      ],
    };
  },
});

const some = [STATUS_OK, STATUS_TIMEOUT, STATUS_DESTROYED];

/** Of both that come too late, one looks for itself whether it is dead, and the other takes the queue lock first. */
const both: Scenario = {
  primitive: 'barrier',
  name: 'destroyed beside a thread that aborts it, and a newcomer',
  threads: 3,
  build(world) {
    const { cell, stamp } = world.barrier(2);
    const [destroyer, aborts, waits] = world.threads as [number, number, number];
    const { mask, idle, dead } = IDLE_BARRIER;
    return {
      clock: TIMED,
      programs: [
        once(function* () {
          const status = yield* call('destroy', cell, stamp, destroyer, mask, idle, dead);
          expect(status, STATUS_OK, STATUS_BUSY);
        }),
        once(function* () {
          expect(yield* call('barrierEnd', cell, stamp, aborts, 0, ANY, STATE_BROKEN, BROKEN), 0, 1);
        }),
        once(function* () {
          const status = yield* call('barrierWait', cell, stamp, waits, SOON, NO_ACTION);
          expect(status, STATUS_BROKEN, STATUS_DESTROYED);
        }),
      ],
    };
  },
};

/** Nobody has set it. */
const beneath: Scenario = {
  primitive: 'event',
  name: 'destroyed beneath a waiter that looks before it enters',
  spins: 2,
  threads: 2,
  build(world) {
    const { cell, stamp } = world.event();
    const [destroyer, waits] = world.threads as [number, number];
    const { mask, idle, dead } = IDLE;
    return {
      clock: TIMED,
      programs: [
        once(function* () {
          const status = yield* call('destroy', cell, stamp, destroyer, mask, idle, dead);
          expect(status, STATUS_OK, STATUS_BUSY);
        }),
        once(function* () {
          expect(yield* call('eventWait', cell, stamp, waits, SOON), STATUS_TIMEOUT, STATUS_DESTROYED);
        }),
      ],
    };
  },
};

export const destroy: readonly Scenario[] = [
  beneath,
  both,
  idle('lock', IDLE_LOCK, (world) => world.lock()),
  idle('rlock', IDLE_LOCK, (world) => world.rlock()),
  idle('semaphore', idleBoundedSemaphore(1), (world) => world.semaphore(1, 1)),
  idle('event', IDLE, (world) => world.event()),
  idle('barrier', IDLE_BARRIER, (world) => world.barrier(3)),
  idle('condition', IDLE, (world) => world.condition(world.lock())),
  destroyed(
    'lock',
    IDLE_LOCK,
    (world) => world.lock(),
    function* (cell, stamp, me) {
      const status = expect(yield* call('lockAcquire', cell, stamp, me, SOON), ...some);
      if (status === STATUS_OK) expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
      return status;
    },
  ),
  destroyed(
    'rlock',
    IDLE_LOCK,
    (world) => world.rlock(),
    function* (cell, stamp, me) {
      const status = expect(yield* call('rlockAcquire', cell, stamp, me, SOON), ...some);
      if (status === STATUS_OK) expect(yield* call('rlockRelease', cell, stamp, me), STATUS_OK);
      return status;
    },
  ),
  destroyed(
    'semaphore',
    idleBoundedSemaphore(1),
    (world) => world.semaphore(1, 1),
    function* (cell, stamp, me) {
      const status = expect(yield* call('semAcquire', cell, stamp, me, SOON), ...some);
      if (status === STATUS_OK) expect(yield* call('semRelease', cell, stamp, me, 1), STATUS_OK);
      return status;
    },
  ),
  destroyed(
    'event',
    IDLE,
    (world) => world.event(),
    (cell, stamp, me) => call('eventWait', cell, stamp, me, SOON),
  ),
  destroyed(
    'barrier',
    IDLE_BARRIER,
    (world) => world.barrier(3),
    (cell, stamp, me) => call('barrierWait', cell, stamp, me, SOON, NO_ACTION),
  ),
  destroyed(
    'condition',
    IDLE,
    (world) => world.condition(world.lock()),
    function* (cell, stamp, me) {
      const notified = yield* call('condNotify', cell, stamp, me, 1, 0);
      const waited = yield* call('condWait', cell, stamp, me, me, FOR_EVER, 0);
      // Nobody holds the lock: as long as it lives, that is what it says; once it is gone, it stays gone.
      expect(notified, STATUS_NOT_HELD, STATUS_DESTROYED);
      return notified === STATUS_DESTROYED ? waited : STATUS_NOT_HELD;
    },
  ),
];
