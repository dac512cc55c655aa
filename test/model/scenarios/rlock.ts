/** RLock: what a Lock does, and its owner may take it again; nobody else can release it. */

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
  Status,
  TIMED,
  UNTIMED,
  use,
} from '../scenario.ts';
import type { Script } from '../thread.ts';

/** As in assembly/resource.ts and rlock.ts. */
const FLAGS = 63;
const DEPTH = 44;

/** How often this thread holds it, read as the bindings read it. */
export function* recursion(cell: number, me: number): Script<number> {
  const owner = (yield* look(cell)) & ~FLAGS;
  return owner === me ? (yield* get(cell + DEPTH)) + 1 : 0;
}

/** Takes the lock twice, uses what it protects, and gives it back twice; says how often it has it all the while. */
const nested = (threads: number, name: string, timeout: number, loops = threads): Scenario => ({
  primitive: 'rlock',
  name,
  threads,
  build(world) {
    const { cell, stamp } = world.rlock();
    const data = world.data('data');
    const program = (me: number) =>
      function* () {
        expect(yield* call('rlockRelease', cell, stamp, me), Status.NOT_HELD);
        const status = yield* call('rlockAcquire', cell, stamp, me, timeout);
        expect(status, Status.OK, ...(timeout === FOR_EVER ? [] : [Status.TIMEOUT]));
        if (status !== Status.OK) return;
        expect(yield* call('rlockAcquire', cell, stamp, me, timeout), Status.OK);
        expect(yield* recursion(cell, me), 2);
        yield* use(data);
        expect(yield* call('rlockRelease', cell, stamp, me), Status.OK);
        expect(yield* recursion(cell, me), 1);
        yield* use(data);
        expect(yield* call('rlockRelease', cell, stamp, me), Status.OK);
        expect(yield* recursion(cell, me), 0);
      };
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: world.threads.map((me, t) => (t < loops ? forever : once)(program(me))),
    };
  },
});

export const rlock: readonly Scenario[] = [
  nested(2, '2 threads for ever', FOR_EVER),
  nested(2, '2 threads for ever, timed', SOON),
  nested(3, '3 threads for ever', FOR_EVER),
  nested(3, '3 threads for ever, timed', SOON),
];
