/** Event: `set` lets all waiters through, also when `clear` follows at once. */

import {
  CELL_GENERATION,
  CELL_LENGTH,
  SET,
  STATUS_OK,
  STATUS_TIMEOUT,
  THREAD_QUEUED_ON,
  THREAD_SPIN_BUDGET,
} from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  forever,
  linearizable,
  look,
  observed,
  once,
  type Scenario,
  SOON,
  type Specification,
  TIMED,
  UNTIMED,
  until,
  use,
} from '../scenario.ts';
import { allowed, awaitingEvent, came, eventLoop, type Step, waits } from '../tasks.ts';
import type { Script } from '../thread.ts';

/** A set event, or a clear one. A look (0 ms) fails only at a clear one. */
const specification: Specification<boolean> = {
  initial: false,
  apply(isSet, _thread, [operation, timeout]) {
    if (operation === 'set') return [[STATUS_OK, true]];
    if (operation === 'clear') return [[STATUS_OK, false]];
    const inTime: (readonly [number, boolean])[] = isSet ? [[STATUS_OK, isSet]] : [];
    const tooLate = timeout === 0 ? !isSet : timeout === SOON;
    return tooLate ? [...inTime, [STATUS_TIMEOUT, isSet]] : inTime;
  },
};

/** The waiters at the moment of `set` must all come through, whatever happens to the flag afterwards. */
const released = (name: string, waiters: number, timeout: number, clears: boolean, spins = 0): Scenario => ({
  primitive: 'event',
  name,
  spins,
  threads: waiters + 1,
  build(world) {
    const { cell, stamp } = world.event();
    const setter = world.threads.at(-1)!;
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      programs: [
        ...world.threads.slice(0, -1).map((me) =>
          once(function* () {
            expect(
              yield* call('eventWait', cell, stamp, me, timeout),
              STATUS_OK,
              ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]),
            );
          }),
        ),
        once(function* () {
          if (timeout === FOR_EVER) yield until(cell + CELL_LENGTH, (length) => length === waiters);
          expect(yield* call('eventSet', cell, stamp, setter), STATUS_OK);
          if (!clears) return;
          expect(yield* call('eventClear', cell, stamp), STATUS_OK);
          // Nobody is left in the queue, and the word says so.
          if (timeout === FOR_EVER) expect(yield* look(cell), 0);
        }),
      ],
    };
  },
});

/** Waiters and a thread that sets and clears, all of them for ever. */
const flicker = (name: string, waiters: readonly number[], spins = 0): Scenario => ({
  primitive: 'event',
  name,
  spins,
  threads: waiters.length + 1,
  build(world) {
    const { cell, stamp } = world.event();
    const setter = world.threads.length - 1;
    return {
      clock: waiters.includes(SOON) ? TIMED : UNTIMED,
      wraps: new Map([[cell + CELL_GENERATION, 4]]),
      // When no thread is left that could set it, waiting is in order: unless it is set.
      mayStarve: (_thread, view) => view.finished(setter) && (view.word(cell) & SET) === 0,
      programs: [
        ...waiters.map((timeout, t) =>
          forever(function* () {
            expect(
              yield* call('eventWait', cell, stamp, world.threads[t]!, timeout),
              STATUS_OK,
              ...(timeout === FOR_EVER ? [] : [STATUS_TIMEOUT]),
            );
          }),
        ),
        forever(function* () {
          expect(yield* call('eventSet', cell, stamp, world.threads[setter]!), STATUS_OK);
          expect(yield* call('eventClear', cell, stamp), STATUS_OK);
        }),
      ],
    };
  },
});

/** A waiter whose second look is at a set Event has learnt from that (parker.ts), and must not enter the queue. */
const pulse: Scenario = {
  primitive: 'event',
  name: 'a waiter that looks before it enters and sees it set goes on, though it is cleared at once',
  spins: 2,
  threads: 2,
  build(world) {
    const { cell, stamp } = world.event();
    const [waiter, setter] = world.threads as [number, number];
    return {
      // It may have come too late, or not have looked in between.
      mayStarve: (_thread, view) => (view.word(cell) & SET) === 0,
      invariant: (view) =>
        view.word(waiter + THREAD_SPIN_BUDGET) === 1 && view.word(waiter + THREAD_QUEUED_ON) === cell
          ? 'a waiter that has seen the event set stands in its queue'
          : undefined,
      programs: [
        once(function* () {
          expect(yield* call('eventWait', cell, stamp, waiter, FOR_EVER), STATUS_OK);
        }),
        once(function* () {
          expect(yield* call('eventSet', cell, stamp, setter), STATUS_OK);
          expect(yield* call('eventClear', cell, stamp), STATUS_OK);
        }),
      ],
    };
  },
};

/** Threads with tasks and threads that block wait; another one, or the last task of the first, sets it and may clear it. */
const mixed = (
  name: string,
  tasks: readonly number[],
  timeout: number,
  { clears = false, loops = false, sets = false } = {},
): Scenario => ({
  primitive: 'event',
  name,
  threads: tasks.length + (sets ? 0 : 1),
  build(world) {
    const event = world.event();
    const { cell, stamp } = event;
    const program = loops ? forever : once;
    const setter = world.threads.length - 1;
    const set = function* (me: number): Script<unknown> {
      return expect(yield* call('eventSet', cell, stamp, me), STATUS_OK);
    };
    const clear = function* (): Script<unknown> {
      return expect(yield* call('eventClear', cell, stamp), STATUS_OK);
    };
    const all = tasks.reduce((sum, count) => sum + Math.max(count, 1), 0);
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      wraps: new Map([[cell + CELL_GENERATION, 4]]),
      mayStarve: (_thread, view) =>
        (loops || (sets && clears)) && view.finished(sets ? 0 : setter) && (view.word(cell) & SET) === 0,
      programs: [
        ...tasks.map((count, t) => {
          const me = world.threads[t]!;
          const task: Step[] = [waits(awaitingEvent(event, me), timeout), came(...allowed(timeout))];
          const own: Step[] = [() => set(me), ...(clears ? [clear] : [])];
          const steps = Array<Step[]>(count).fill(task);
          if (count > 0) return program(eventLoop(world, me, sets && t === 0 ? [...steps, own] : steps));
          return program(function* () {
            expect(yield* call('eventWait', cell, stamp, me, timeout), ...allowed(timeout));
          });
        }),
        ...(sets
          ? []
          : [
              program(function* () {
                if (!loops && timeout === FOR_EVER && clears)
                  yield until(cell + CELL_LENGTH, (length) => length === all);
                yield* set(world.threads[setter]!);
                if (clears) yield* clear();
              }),
            ]),
      ],
    };
  },
});

export const event: readonly Scenario[] = [
  released('set lets 2 waiters through', 2, FOR_EVER, false),
  released('set and clear at once let 2 waiters through', 2, FOR_EVER, true),
  released('set and clear at once let 3 waiters through', 3, FOR_EVER, true),
  {
    primitive: 'event',
    name: 'two threads clear it, and the later one leaves a waiter alone that came in between',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.event();
      const [waiter, , setter] = world.threads as [number, number, number];
      world.call('eventSet', cell, stamp, setter);
      return {
        programs: [
          once(function* () {
            yield until(cell, (word) => (word & SET) === 0);
            expect(yield* call('eventWait', cell, stamp, waiter, FOR_EVER), STATUS_OK);
          }),
          once(function* () {
            expect(yield* call('eventClear', cell, stamp), STATUS_OK);
          }),
          once(function* () {
            expect(yield* call('eventClear', cell, stamp), STATUS_OK);
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            expect(yield* call('eventSet', cell, stamp, setter), STATUS_OK);
          }),
        ],
      };
    },
  },
  {
    primitive: 'event',
    name: 'a waiter that comes after clear does not stand in the way of those before it',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.event();
      const [old, setter, late] = world.threads as [number, number, number];
      return {
        clock: TIMED,
        programs: [
          once(function* () {
            expect(yield* call('eventWait', cell, stamp, old, FOR_EVER), STATUS_OK);
          }),
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            expect(yield* call('eventSet', cell, stamp, setter), STATUS_OK);
          }),
          once(function* () {
            yield until(cell, (word) => (word & SET) !== 0);
            expect(yield* call('eventClear', cell, stamp), STATUS_OK);
            expect(yield* call('eventWait', cell, stamp, late, SOON), STATUS_TIMEOUT);
          }),
        ],
      };
    },
  },
  released('set and clear race with 2 timeouts', 2, SOON, true),
  released('set lets 2 waiters through that look before they enter', 2, FOR_EVER, false, 2),
  released('set and clear race with 2 timeouts of waiters that look before they enter', 2, SOON, true, 2),
  pulse,
  {
    primitive: 'event',
    name: 'one thread: set, look, clear, look',
    threads: 1,
    build(world) {
      const { cell, stamp } = world.event();
      const [me] = world.threads as [number];
      return {
        programs: [
          forever(function* () {
            expect(yield* call('eventWait', cell, stamp, me, 0), STATUS_TIMEOUT);
            for (const _again of [1, 2]) expect(yield* call('eventSet', cell, stamp, me), STATUS_OK);
            expect(yield* call('eventWait', cell, stamp, me, 0), STATUS_OK);
            expect(yield* call('eventWait', cell, stamp, me, FOR_EVER), STATUS_OK);
            for (const _again of [1, 2]) expect(yield* call('eventClear', cell, stamp), STATUS_OK);
          }),
        ],
      };
    },
  },
  {
    primitive: 'event',
    name: 'nobody sets it: timed waits come to an end',
    threads: 2,
    build(world) {
      const { cell, stamp } = world.event();
      return {
        clock: TIMED,
        programs: world.threads.map((me) =>
          forever(function* () {
            expect(yield* call('eventWait', cell, stamp, me, SOON), STATUS_TIMEOUT);
          }),
        ),
      };
    },
  },
  flicker('1 waiter, set and clear, for ever', [FOR_EVER]),
  flicker('2 waiters, set and clear, for ever', [FOR_EVER, FOR_EVER]),
  flicker('2 waiters that look before they enter, set and clear, for ever', [FOR_EVER, FOR_EVER], 2),
  flicker('2 waiters, one of them timed, set and clear, for ever', [SOON, FOR_EVER]),
  mixed('set lets 2 tasks and a thread through', [2, 0], FOR_EVER),
  mixed('set lets 2 tasks and a thread through, timed', [2, 0], SOON),
  mixed('set and clear at once let 2 tasks and a thread through', [2, 0], FOR_EVER, { clears: true }),
  mixed('set and clear race with the timeouts of a task and a thread', [1, 0], SOON, { clears: true }),
  mixed('a task and a thread, set and clear, for ever', [1, 0], FOR_EVER, { clears: true, loops: true }),
  mixed('a task and a thread, set and clear, for ever, timed', [1, 0], SOON, { clears: true, loops: true }),
  mixed('2 tasks of 2 threads, set and clear, for ever', [1, 1], FOR_EVER, { clears: true, loops: true }),
  mixed('a task lets another one of its thread through, and 2 threads', [1, 0, 0], FOR_EVER, { sets: true }),
  mixed('a task lets 2 others of its thread through, timed', [2, 0], SOON, { sets: true, clears: true }),
  {
    primitive: 'event',
    name: 'what was written before set is seen after wait',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.event();
      const data = world.data('data');
      const [writer, ...readers] = world.threads as [number, number, number];
      return {
        programs: [
          once(function* () {
            yield* use(data);
            yield* call('eventSet', cell, stamp, writer);
          }),
          ...readers.map((me) =>
            once(function* () {
              expect(yield* call('eventWait', cell, stamp, me, FOR_EVER), STATUS_OK);
              yield { kind: 'read', address: data };
            }),
          ),
        ],
      };
    },
  },
  {
    primitive: 'event',
    name: 'wait, look, set by two and clear are linearizable',
    threads: 3,
    build(world) {
      const { cell, stamp } = world.event();
      const [a, b, c] = world.threads as [number, number, number];
      const wait = (me: number, timeout: number) =>
        observed(['wait', timeout], call('eventWait', cell, stamp, me, timeout));
      return {
        clock: TIMED,
        wraps: new Map([[cell + CELL_GENERATION, 4]]),
        monitor: linearizable(specification, 3),
        programs: [
          forever(function* () {
            yield* wait(a, SOON);
          }),
          forever(function* () {
            yield* wait(b, 0);
            yield* observed(['set'], call('eventSet', cell, stamp, b));
          }),
          forever(function* () {
            yield* observed(['set'], call('eventSet', cell, stamp, c));
            yield* observed(['clear'], call('eventClear', cell, stamp));
          }),
        ],
      };
    },
  },
];
