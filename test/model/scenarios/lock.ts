/** Lock: mutual exclusion, no lost wake-up, no starvation, whoever gives up leaves nothing behind. */

import {
  call,
  expect,
  FOR_EVER,
  forever,
  linearizable,
  observed,
  once,
  type Scenario,
  SOON,
  type Specification,
  Status,
  TIMED,
  UNTIMED,
  use,
  type World,
} from '../scenario.ts';
import type { Script } from '../thread.ts';

/** Takes the lock, uses what it protects, gives it back. */
function* round(world: World, me: number, cell: number, stamp: number, data: number, timeout: number): Script {
  const status = yield* call('lockAcquire', cell, stamp, me, timeout);
  expect(status, Status.OK, ...(timeout === FOR_EVER ? [] : [Status.TIMEOUT]));
  if (status !== Status.OK) return;
  yield* use(data);
  expect(yield* call('lockRelease', cell, stamp, me), Status.OK);
}

const contention = (threads: number, name: string, timeouts: readonly number[], loops = threads): Scenario => ({
  primitive: 'lock',
  name,
  threads,
  build(world) {
    const { cell, stamp } = world.lock();
    const data = world.data('data');
    return {
      clock: timeouts.some((timeout) => timeout !== FOR_EVER) ? TIMED : UNTIMED,
      programs: world.threads.map((me, t) =>
        (t < loops ? forever : once)(() => round(world, me, cell, stamp, data, timeouts[t % timeouts.length]!)),
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

export const lock: readonly Scenario[] = [
  contention(2, '2 threads for ever', [FOR_EVER]),
  contention(3, '3 threads for ever', [FOR_EVER]),
  contention(3, '3 threads for ever, timed', [SOON]),
  contention(3, '3 threads for ever, one of them timed', [SOON, FOR_EVER, FOR_EVER]),
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
