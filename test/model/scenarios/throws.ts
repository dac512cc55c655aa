/**
 * The host throws in the midst of a wait: its clock, or a look after a nap, finds the stack full, say. The exception ends the
 * call wherever it is, and the binding makes good for it. Nothing is left of the wait, nothing that it was given is lost.
 */

import {
  ACTION,
  CELL_GENERATION,
  FILLING,
  NO_ACTION,
  STATE_GRANTED,
  STATUS_BROKEN,
  STATUS_OK,
  STATUS_TIMEOUT,
  THREAD_QUEUED_ON,
  WITH_ACTION,
} from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  get,
  look,
  once,
  type Primitive,
  type Scenario,
  SOON,
  TIMED,
  use,
  type World,
} from '../scenario.ts';
import { type Script, THREW } from '../thread.ts';

/** With naps it may also throw while it looks around. */
const nameOf = (name: string, naps: boolean): string =>
  `the ${naps ? 'host throws in a nap of' : 'clock throws in'} a wait: ${name}`;

/** Threads that acquire within a time, use and release it, with one that does the same for ever. */
const acquiring = (
  kind: 'lock' | 'rlock' | 'sem',
  primitive: string,
  name: string,
  timeouts: readonly number[],
  make: (world: World) => Primitive,
  naps = false,
): Scenario => ({
  primitive,
  name: nameOf(name, naps),
  threads: timeouts.length,
  naps,
  build(world) {
    const { cell, stamp } = make(world);
    const data = world.data('data');
    return {
      clock: TIMED,
      throws: true,
      programs: world.threads.map((me, t) =>
        once(function* () {
          const timeout = timeouts[t]!;
          const status = yield* call(`${kind}Acquire`, cell, stamp, me, timeout);
          expect(status, STATUS_OK, THREW, ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]));
          if (status === THREW) yield* call('undo', me);
          if (status !== STATUS_OK) return;
          yield* use(data);
          const more = kind === 'sem' ? [1] : [];
          expect(yield* call(`${kind}Release`, cell, stamp, me, ...more), STATUS_OK);
        }),
      ),
    };
  },
});

/** A wait that another thread ends, and what puts it right when the clock throws. */
const unparked = (
  primitive: string,
  name: string,
  timeouts: readonly number[],
  make: (world: World) => Primitive,
  wait: (it: Primitive, me: number, timeout: number) => Script<number>,
  results: readonly number[],
  unpark: (it: Primitive, me: number) => Script<unknown>,
): Scenario => ({
  primitive,
  name: nameOf(name, false),
  threads: timeouts.length + 1,
  build(world) {
    const it = make(world);
    return {
      clock: TIMED,
      throws: true,
      programs: world.threads.map((me, t) =>
        once(function* () {
          const timeout = timeouts[t];
          if (timeout === undefined) {
            yield* unpark(it, me);
            return;
          }
          const status = expect(yield* wait(it, me, timeout), ...results, STATUS_TIMEOUT, THREW);
          if (status === THREW) yield* call('undo', me);
        }),
      ),
    };
  },
});

/** A waiter of a Condition has the lock again, also after an exception. */
const condition = (name: string, timeout: number, recursive: number, naps = false): Scenario => ({
  primitive: 'condition',
  name: nameOf(name, naps),
  threads: 2,
  naps,
  build(world) {
    const it = recursive ? world.rlock() : world.lock();
    const { cell, stamp } = world.condition(it);
    const [acquire, release] = recursive ? ['rlockAcquire', 'rlockRelease'] : ['lockAcquire', 'lockRelease'];
    const data = world.data('data');
    const depth = recursive;
    const acquired = function* (me: number): Script<boolean> {
      const status = yield* call(acquire!, it.cell, it.stamp, me, FOR_EVER);
      if (status === THREW) yield* call('undo', me);
      return status === STATUS_OK;
    };
    return {
      clock: TIMED,
      throws: true,
      programs: world.threads.map((me, t) =>
        once(function* () {
          if (!(yield* acquired(me))) return;
          if (t === 1) expect(yield* call('condNotify', cell, stamp, me, 1, recursive), STATUS_OK);
          else {
            if (depth) yield* acquired(me);
            const status = yield* call('condWait', cell, stamp, me, me, timeout, recursive);
            expect(status, STATUS_OK, STATUS_TIMEOUT, THREW);
            if (status === THREW) yield* call('condUndo', me, depth);
            yield* use(data);
            if (depth) expect(yield* call(release!, it.cell, it.stamp, me), STATUS_OK);
          }
          expect(yield* call(release!, it.cell, it.stamp, me), STATUS_OK);
        }),
      ),
    };
  },
});

/** Also while the action runs, when all have arrived, and at the entry, where one waits for the next round. */
const acting = (timeouts: readonly number[]): Scenario => ({
  primitive: 'barrier',
  name: nameOf(`${timeouts.length} threads, 2 parties with an action`, false),
  threads: timeouts.length,
  build(world) {
    const { cell, stamp } = world.barrier(2);
    return {
      clock: TIMED,
      throws: true,
      keeps: [CELL_GENERATION, THREAD_QUEUED_ON],
      wraps: new Map([[cell + CELL_GENERATION, 8]]),
      // A party that comes to the next round is alone there.
      mayStarve: (_thread, view) => timeouts.length > 2 && timeouts.some((_, t) => view.finished(t)),
      programs: world.threads.map((me, t) =>
        once(function* () {
          const index = yield* call('barrierWait', cell, stamp, me, timeouts[t]!, WITH_ACTION);
          expect(index, 0, 1, STATUS_BROKEN, STATUS_TIMEOUT, THREW);
          if (index === THREW) yield* call('undo', me);
          // Its record can stand somewhere else, also when its time was up at the entry.
          expect(yield* look(me + THREAD_QUEUED_ON), 0);
          if (index !== 1) return;
          const generation = yield* get(me + CELL_GENERATION);
          yield* call('barrierEnd', cell, stamp, me, generation, ACTION, STATE_GRANTED, FILLING);
        }),
      ),
    };
  },
});

const semaphore = (world: World): Primitive => world.semaphore(1);

export const throws: readonly Scenario[] = [
  acquiring('lock', 'lock', '2 threads, one of them timed', [SOON, FOR_EVER], (world) => world.lock()),
  acquiring('lock', 'lock', '3 threads, one of them timed', [SOON, FOR_EVER, FOR_EVER], (world) => world.lock()),
  acquiring('rlock', 'rlock', '2 threads, both timed', [SOON, SOON], (world) => world.rlock()),
  acquiring('sem', 'semaphore', '2 threads, one of them timed', [SOON, FOR_EVER], semaphore),
  acquiring('sem', 'semaphore', '3 threads, all of them timed', [SOON, SOON, SOON], semaphore),
  unparked(
    'event',
    '2 timed waiters, and it is set',
    [SOON, SOON],
    (world) => world.event(),
    ({ cell, stamp }, me, timeout) => call('eventWait', cell, stamp, me, timeout),
    [STATUS_OK],
    ({ cell, stamp }, me) => call('eventSet', cell, stamp, me),
  ),
  unparked(
    'barrier',
    'a timed one of 2 parties',
    [SOON],
    (world) => world.barrier(2),
    ({ cell, stamp }, me, timeout) => call('barrierWait', cell, stamp, me, timeout, NO_ACTION),
    [0, 1, STATUS_BROKEN],
    function* ({ cell, stamp }, me) {
      if ((yield* call('barrierWait', cell, stamp, me, SOON, NO_ACTION)) === THREW) yield* call('undo', me);
    },
  ),
  acting([SOON, SOON]),
  acting([SOON, SOON, SOON]),
  condition('a timed one over a Lock', SOON, 0),
  condition('a timed one over an RLock, held twice', SOON, 1),
  acquiring('lock', 'lock', '2 threads', [FOR_EVER, FOR_EVER], (world) => world.lock(), true),
  acquiring('rlock', 'rlock', '3 threads', [FOR_EVER, FOR_EVER, FOR_EVER], (world) => world.rlock(), true),
  acquiring('sem', 'semaphore', '3 threads', [FOR_EVER, FOR_EVER, FOR_EVER], semaphore, true),
  condition('one over a Lock', FOR_EVER, 0, true),
  condition('one over an RLock, held twice', FOR_EVER, 1, true),
];
