/** Destroy: refused while somebody holds or waits; afterwards every use says so, also one that had begun. */

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
  Status,
  TIMED,
  type World,
} from '../scenario.ts';
import type { Script } from '../thread.ts';

/** How many cells are allocated: a field of the arena's header, as in assembly/abi.ts. */
const USED = 32;

/** What must be idle, and what is left behind: the table at `destroy` in assembly/cell.ts. */
interface Idle {
  readonly mask: number;
  readonly idle: number;
  readonly dead: number;
}

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
    const used = world.peek(world.arena + USED);
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
          expect(status, Status.OK, Status.BUSY);
          if (status === Status.BUSY) return;
          expect(yield* look(world.arena + USED), used - 1);
          expect(yield* call('destroy', cell, stamp, destroyer, mask, idle, dead), Status.DESTROYED);
          expect(yield* use(cell, stamp, destroyer), Status.DESTROYED);
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
          expect(yield* call('destroy', cell, stamp, me, mask, idle, dead), Status.OK);
          expect(yield* call('destroy', cell, stamp, me, mask, idle, dead), Status.DESTROYED);
        }),
      ],
    };
  },
});

const NOBODY = ~63;
const some = [Status.OK, Status.TIMEOUT, Status.DESTROYED];

export const destroy: readonly Scenario[] = [
  idle('lock', { mask: -1, idle: 0, dead: NOBODY }, (world) => world.lock()),
  idle('rlock', { mask: -1, idle: 0, dead: NOBODY }, (world) => world.rlock()),
  idle('semaphore', { mask: -1, idle: 64, dead: 0 }, (world) => world.semaphore(1, 1)),
  idle('event', { mask: 0, idle: 0, dead: 0 }, (world) => world.event()),
  idle('barrier', { mask: 4, idle: 0, dead: 8 }, (world) => world.barrier(3)),
  idle('condition', { mask: 0, idle: 0, dead: 0 }, (world) => world.condition(world.lock())),
  destroyed(
    'lock',
    { mask: -1, idle: 0, dead: NOBODY },
    (world) => world.lock(),
    function* (cell, stamp, me) {
      const status = expect(yield* call('lockAcquire', cell, stamp, me, SOON), ...some);
      if (status === Status.OK) expect(yield* call('lockRelease', cell, stamp, me), Status.OK);
      return status;
    },
  ),
  destroyed(
    'rlock',
    { mask: -1, idle: 0, dead: NOBODY },
    (world) => world.rlock(),
    function* (cell, stamp, me) {
      const status = expect(yield* call('rlockAcquire', cell, stamp, me, SOON), ...some);
      if (status === Status.OK) expect(yield* call('rlockRelease', cell, stamp, me), Status.OK);
      return status;
    },
  ),
  destroyed(
    'semaphore',
    { mask: -1, idle: 64, dead: 0 },
    (world) => world.semaphore(1, 1),
    function* (cell, stamp, me) {
      const status = expect(yield* call('semAcquire', cell, stamp, me, SOON), ...some);
      if (status === Status.OK) expect(yield* call('semRelease', cell, stamp, me, 1), Status.OK);
      return status;
    },
  ),
  destroyed(
    'event',
    { mask: 0, idle: 0, dead: 0 },
    (world) => world.event(),
    (cell, stamp, me) => call('eventWait', cell, stamp, me, SOON),
  ),
  destroyed(
    'barrier',
    { mask: 4, idle: 0, dead: 8 },
    (world) => world.barrier(3),
    (cell, stamp, me) => call('barrierWait', cell, stamp, me, SOON, 0),
  ),
  destroyed(
    'condition',
    { mask: 0, idle: 0, dead: 0 },
    (world) => world.condition(world.lock()),
    function* (cell, stamp, me) {
      const notified = yield* call('condNotify', cell, stamp, me, 1, 0);
      const waited = yield* call('condWait', cell, stamp, me, me, FOR_EVER, 0);
      // Nobody holds the lock: as long as it lives, that is what it says; once it is gone, it stays gone.
      expect(notified, Status.NOT_HELD, Status.DESTROYED);
      return notified === Status.DESTROYED ? waited : Status.NOT_HELD;
    },
  ),
];
