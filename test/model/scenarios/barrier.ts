/** Barrier: nobody goes on before all have come, each with an index of its own; a wait in vain breaks it for all. */

import {
  ACTION,
  ANY,
  BROKEN,
  CELL_GENERATION,
  CELL_LENGTH,
  FILLING,
  NO_ACTION,
  NOT_LAST,
  STATE_BROKEN,
  STATE_GRANTED,
  STATUS_BROKEN,
  STATUS_BUSY,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_QUEUED_ON,
  WITH_ACTION,
} from '../../../assembly/abi.ts';
import {
  after,
  before,
  call,
  expect,
  FOR_EVER,
  forever,
  get,
  look,
  once,
  type Play,
  type Primitive,
  type Scenario,
  SOON,
  TIMED,
  UNTIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import type { Monitor } from '../system.ts';
import { eventLoop, meeting, type Step, waits, within } from '../tasks.ts';
import { Objection, type Script } from '../thread.ts';

/** The ways to end a generation: the table at `barrierEnd` in assembly/barrier.ts. */
function* abort({ cell, stamp }: Primitive, me: number): Script {
  expect(yield* call('barrierEnd', cell, stamp, me, 0, ANY, STATE_BROKEN, BROKEN), 1);
}
function* renew({ cell, stamp }: Primitive, me: number): Script {
  expect(yield* call('barrierEnd', cell, stamp, me, 0, ANY, STATE_BROKEN, FILLING), 1);
}
/** After the action. The generation is the one in which its runner came: in the record, if that blocked. */
function* end({ cell, stamp }: Primitive, me: number, failed: boolean, came?: number): Script<number> {
  const generation = came ?? (yield* get(me + CELL_GENERATION));
  const [verdict, to] = failed ? [STATE_BROKEN, BROKEN] : [STATE_GRANTED, FILLING];
  return (yield* call('barrierEnd', cell, stamp, me, generation, ACTION, verdict, to)) ? STATUS_OK : STATUS_BROKEN;
}

/** Rounds of a barrier: how often each thread came and left, and which indexes were given in rounds that are not over. */
interface Rounds {
  readonly came: readonly number[];
  readonly left: readonly number[];
  readonly given: readonly (readonly number[])[];
}

/** Tell it `before([party, 'come'])` and `after([party, index])`. Counts are kept relative to the slowest thread, or they would never end. */
export const rounds = (parties: number): Monitor<Rounds> => ({
  initial: { came: Array(parties).fill(0), left: Array(parties).fill(0), given: [[], []] },
  step({ came, left, given }, _thread, told) {
    const [party, event] = told as [number, unknown];
    const plus = (counts: readonly number[]): number[] => counts.map((count, p) => (p === party ? count + 1 : count));
    if (event === 'come') return { came: plus(came), left, given };
    const index = Number(event);
    const round = left[party]!;
    if (came.some((count) => count <= round)) throw new Objection(`party ${party + 1} goes on before all have come`);
    if (index < 0 || index >= parties || given[round]!.includes(index))
      throw new Objection(`party ${party + 1} got the index ${index}, which is taken or none`);
    const now = given.map((indexes, r) => (r === round ? [...indexes, index].sort() : indexes));
    if (now[0]!.length < parties) return { came, left: plus(left), given: now };
    return { came: came.map((count) => count - 1), left: plus(left).map((count) => count - 1), given: [now[1]!, []] };
  },
});

/** A thread comes to a barrier. Answers its arrival index. */
export const comes = ({ cell, stamp }: Primitive, me: number): Script<number> =>
  call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION);

/** Everybody comes, again and again. A party that stops leaves the others waiting, which is in order. */
export function everybodyComes(
  world: World,
  come: (barrier: Primitive, me: number, t: number) => Script<number>,
): Play {
  const parties = world.threads.length;
  const barrier = world.barrier(parties);
  return {
    wraps: new Map([[barrier.cell + CELL_GENERATION, 8]]),
    monitor: rounds(parties),
    mayStarve: (_thread, view) => world.threads.some((_, t) => view.finished(t)),
    programs: world.threads.map((me, t) =>
      forever(function* () {
        yield before([t, 'come']);
        yield after([t, yield* come(barrier, me, t)]);
      }),
    ),
  };
}

const meetings = (threads: number, name: string): Scenario => ({
  primitive: 'barrier',
  name,
  threads,
  build: (world) => everybodyComes(world, comes),
});

const twice = (threads: number, name: string): Scenario => ({
  primitive: 'barrier',
  name,
  threads,
  build(world) {
    const barrier = world.barrier(threads);
    const { cell, stamp } = barrier;
    const data = world.data('data');
    return {
      monitor: rounds(threads),
      programs: world.threads.map((me, t) =>
        once(function* () {
          // In every round another one writes, and what it wrote is seen by all after the barrier.
          for (let round = 0; round < 2; round++) {
            if (t === round) yield* use(data);
            yield before([t, 'come']);
            yield after([t, yield* call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION)]);
          }
          yield { kind: 'read', address: data };
        }),
      ),
    };
  },
});

/** A party says whether it got through or found the barrier broken: of one round, all must say the same. */
const agree: Monitor<string> = {
  initial: '',
  step(verdict, thread, event) {
    if (verdict !== '' && verdict !== event)
      throw new Objection(`T${thread + 1} finds the barrier ${event}, others ${verdict}`);
    return event as string;
  },
};
const verdict = (status: number) => after(status === STATUS_BROKEN ? 'broken' : 'passed');

/** Parties of a barrier of two come within a time. Either both get through, or it is broken for both. */
const late = (name: string, timeouts: readonly number[]): Scenario => ({
  primitive: 'barrier',
  name,
  threads: timeouts.length,
  build(world) {
    const barrier = world.barrier(timeouts.length);
    const { cell, stamp } = barrier;
    return {
      clock: TIMED,
      monitor: agree,
      programs: world.threads.map((me, t) =>
        once(function* () {
          const index = yield* call('barrierWait', cell, stamp, me, timeouts[t]!, NO_ACTION);
          yield verdict(index);
        }),
      ),
    };
  },
});

/** Waits that an abort or a reset puts an end to; afterwards a reset barrier works. */
const broken = (name: string, reset: boolean, timeout: number): Scenario => ({
  primitive: 'barrier',
  name,
  threads: 3,
  build(world) {
    const barrier = world.barrier(2);
    const { cell, stamp } = barrier;
    const [a, b, c] = world.threads as [number, number, number];
    const come = (me: number): (() => Script) =>
      function* () {
        const index = expect(yield* call('barrierWait', cell, stamp, me, timeout, NO_ACTION), 0, 1, STATUS_BROKEN);
        if (!reset) yield verdict(index);
      };
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      monitor: agree,
      wraps: new Map([[cell + CELL_GENERATION, 4]]),
      // After a reset, or when the other has gone, waiting alone is in order: in a barrier that is whole.
      mayStarve: (_thread, view) =>
        timeout === FOR_EVER &&
        (view.word(cell) & BROKEN) === 0 &&
        view.finished(2) &&
        (view.finished(0) || view.finished(1)),
      programs: [
        (reset ? forever : once)(come(a)),
        (reset ? forever : once)(come(b)),
        (reset ? forever : once)(function* () {
          yield* (reset ? renew : abort)(barrier, c);
        }),
      ],
    };
  },
});

/** The last to come runs an action, before which nobody goes on; if it fails, the barrier is broken for the others. */
const action = (name: string, fails: boolean, timeout: number, aborted = false): Scenario => ({
  primitive: 'barrier',
  name,
  threads: aborted ? 3 : 2,
  build(world) {
    const barrier = world.barrier(2);
    const { cell, stamp } = barrier;
    const data = world.data('data');
    // The binding reads the generation off its thread's record to call `barrierEnd`.
    const keeps = [CELL_GENERATION];
    const allowed = fails || timeout !== FOR_EVER || aborted ? [STATUS_BROKEN] : [];
    return {
      keeps,
      monitor: agree,
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      wraps: new Map([[cell + CELL_GENERATION, 8]]),
      programs: world.threads.map((me, t) =>
        once(function* () {
          if (t === 2) {
            yield* abort(barrier, me);
            return;
          }
          const index = yield* call('barrierWait', cell, stamp, me, timeout, WITH_ACTION);
          expect(index, 1, ...(fails ? [] : [0]), ...allowed);
          if (index === 1) {
            yield* use(data);
            const status = yield* end(barrier, me, fails);
            if (!fails) yield verdict(status);
            if (!aborted) expect(status, STATUS_OK);
          } else {
            if (!fails) yield verdict(index);
            if (index === 0) yield* use(data);
          }
          // A broken barrier stays broken.
          if (fails) expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, WITH_ACTION), STATUS_BROKEN);
        }),
      ),
    };
  },
});

/* The same with tasks; `tasks` says how many each thread has, 0 for one that blocks. */

const partiesOf = (tasks: readonly number[]): number => tasks.reduce((sum, count) => sum + Math.max(count, 1), 0);

/** Everybody comes, again and again. */
const mixedMeetings = (name: string, tasks: readonly number[]): Scenario => ({
  primitive: 'barrier',
  name,
  threads: tasks.length,
  build(world) {
    const parties = partiesOf(tasks);
    const barrier = world.barrier(parties);
    const { cell, stamp } = barrier;
    let party = 0;
    return {
      keeps: [CELL_GENERATION],
      wraps: new Map([[cell + CELL_GENERATION, 8]]),
      monitor: rounds(parties),
      mayStarve: (_thread, view) => world.threads.some((_, t) => view.finished(t)),
      programs: world.threads.map((me, t) => {
        const come = (p: number) =>
          function* (): Script {
            yield before([p, 'come']);
          };
        const go = (p: number) =>
          function* (index: number): Script {
            yield after([p, index]);
          };
        const mine = Array.from({ length: Math.max(tasks[t]!, 1) }, () => party++);
        if (tasks[t]! > 0)
          return forever(
            eventLoop(
              world,
              me,
              mine.map((p) => [come(p), waits(meeting(barrier)), go(p)]),
            ),
          );
        return forever(function* () {
          yield* come(mine[0]!)();
          yield* go(mine[0]!)(yield* call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION));
        });
      }),
    };
  },
});

/** All come once, within a time or not; another thread may abort it, or the last to come has an action to run. */
const mixed = (
  name: string,
  tasks: readonly number[],
  timeouts: readonly number[],
  { aborts = false, acts = false, fails = false, parties = partiesOf(tasks) } = {},
): Scenario => ({
  primitive: 'barrier',
  name,
  threads: tasks.length + (aborts ? 1 : 0),
  build(world) {
    const barrier = world.barrier(parties);
    const { cell, stamp } = barrier;
    const data = world.data('data');
    const timed = timeouts.includes(SOON);
    const breaks = timed || aborts || fails;
    // More than parties: some are of the next round, in which nobody else may come.
    const surplus = partiesOf(tasks) > parties;
    // A waiter whose time is up at the entry, while an action runs, has not arrived.
    const atEntry = surplus && acts && timed ? [STATUS_TIMEOUT] : [];
    const results = [...Array(parties).keys(), ...(breaks ? [STATUS_BROKEN] : []), ...atEntry];
    const came = function* (me: number, index: number, generation: number): Script {
      expect(index, ...results);
      let passed = index >= 0;
      if (acts && index === parties - 1) {
        yield* use(data);
        passed = (yield* end(barrier, me, fails, generation)) === STATUS_OK && !fails;
        if (!breaks) expect(passed ? 1 : 0, 1);
      } else if (acts && passed) yield { kind: 'read', address: data };
      if (!surplus) yield verdict(passed ? STATUS_OK : STATUS_BROKEN);
    };
    return {
      keeps: [CELL_GENERATION],
      clock: timed ? TIMED : UNTIMED,
      monitor: agree,
      wraps: new Map([[cell + CELL_GENERATION, 8]]),
      mayStarve: (thread, view) =>
        surplus &&
        timeouts[thread] === FOR_EVER &&
        world.threads.every((_, t) => t === thread || view.finished(t)) &&
        view.word(cell + CELL_LENGTH) < parties,
      programs: [
        ...tasks.map((count, t) => {
          const me = world.threads[t]!;
          const timeout = timeouts[t]!;
          const task: Step[] = [waits(meeting(barrier, acts), timeout), (index, g) => came(me, index, g)];
          if (count > 0) return once(eventLoop(world, me, Array<Step[]>(count).fill(task)));
          return once(function* () {
            const index = yield* call('barrierWait', cell, stamp, me, timeout, acts ? WITH_ACTION : NO_ACTION);
            yield* came(me, index, yield* get(me + CELL_GENERATION));
          });
        }),
        ...(aborts
          ? [
              once(function* () {
                yield* abort(barrier, world.threads.at(-1)!);
              }),
            ]
          : []),
      ],
    };
  },
});

export const barrier: readonly Scenario[] = [
  meetings(2, '2 threads for ever'),
  meetings(3, '3 threads for ever'),
  twice(3, '3 threads, 2 rounds'),
  late('2 timed threads agree', [SOON, SOON]),
  late('3 threads, 2 of them timed, agree', [SOON, SOON, FOR_EVER]),
  {
    primitive: 'barrier',
    name: 'nobody else comes: a timed wait breaks it',
    threads: 1,
    build(world) {
      const barrier = world.barrier(2);
      const { cell, stamp } = barrier;
      const [me] = world.threads as [number];
      return {
        clock: TIMED,
        programs: [
          once(function* () {
            expect(yield* call('barrierWait', cell, stamp, me, SOON, NO_ACTION), STATUS_BROKEN);
            expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION), STATUS_BROKEN);
          }),
        ],
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'an action does not end: a timed wait at the entry does',
    threads: 1,
    build(world) {
      const barrier = world.barrier(2);
      const { cell, stamp } = barrier;
      const [me] = world.threads as [number];
      const [first, last] = [world.task(me), world.task(me)];
      const wait = (waiter: number) => ['barrierWait', cell, stamp, waiter, FOR_EVER, WITH_ACTION] as const;
      expect(world.call(...wait(first)), STATUS_PENDING);
      expect(world.call(...wait(last)), 1);
      const generation = world.peek(last + CELL_GENERATION);
      return {
        clock: TIMED,
        programs: [
          once(() =>
            within(
              (function* () {
                expect(yield* call('barrierWait', cell, stamp, me, SOON, WITH_ACTION), STATUS_TIMEOUT);
                // Its record can stand somewhere else.
                expect(yield* look(me + THREAD_QUEUED_ON), 0);
                expect(yield* look(cell + CELL_LENGTH), 1);
                expect(yield* end(barrier, me, false, generation), STATUS_OK);
                expect(yield* call('collect', me), first);
              })(),
              () => 'waitAsync',
            ),
          ),
        ],
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'one party is the last, with an action and without',
    threads: 1,
    build(world) {
      const barrier = world.barrier(1);
      const { cell, stamp } = barrier;
      const [me] = world.threads as [number];
      const wait = (action: number): Script<number> => call('barrierWait', cell, stamp, me, FOR_EVER, action);
      return {
        keeps: [CELL_GENERATION],
        programs: [
          once(function* () {
            expect(yield* wait(NO_ACTION), 0);
            expect(yield* wait(NOT_LAST), STATUS_BUSY);
            expect(yield* wait(WITH_ACTION), 0);
            expect(yield* look(cell), me | ACTION);
            expect(yield* end(barrier, me, false), STATUS_OK);
            expect(yield* wait(NO_ACTION), 0);
          }),
        ],
      };
    },
  },
  ...[NO_ACTION, WITH_ACTION].map(
    (acts): Scenario => ({
      primitive: 'barrier',
      name: `after a round ${acts ? 'with an action' : 'without one'} a timed wait still breaks it`,
      threads: 2,
      build(world) {
        const barrier = world.barrier(2);
        const { cell, stamp } = barrier;
        return {
          keeps: [CELL_GENERATION],
          clock: TIMED,
          programs: world.threads.map((me, t) =>
            once(function* () {
              const index = expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, acts), 0, 1);
              if (acts && index === 1) expect(yield* end(barrier, me, false), STATUS_OK);
              if (t === 0) expect(yield* call('barrierWait', cell, stamp, me, SOON, acts), STATUS_BROKEN);
            }),
          ),
        };
      },
    }),
  ),
  broken('abort', false, FOR_EVER),
  broken('abort races with timeouts', false, SOON),
  broken('reset, for ever', true, FOR_EVER),
  broken('reset and timeouts, for ever', true, SOON),
  action('an action', false, FOR_EVER),
  action('an action that fails', true, FOR_EVER),
  action('an action races with timeouts', false, SOON),
  action('an action races with abort', false, FOR_EVER, true),
  mixedMeetings('a task and a thread for ever', [1, 0]),
  mixedMeetings('2 tasks of one thread for ever', [2]),
  mixedMeetings('2 tasks of one thread, and another thread for ever', [2, 0]),
  mixedMeetings('2 tasks of 2 threads, and another thread for ever', [1, 1, 0]),
  mixed('a timed task and a timed thread agree', [1, 0], [SOON, SOON]),
  mixed('2 timed tasks of one thread, and another thread, agree', [2, 0], [SOON, FOR_EVER]),
  mixed('a timed task, another thread and a timed one agree', [1, 0, 0], [SOON, FOR_EVER, SOON]),
  mixed('an abort, a task and a thread', [1, 0], [FOR_EVER, FOR_EVER], { aborts: true }),
  mixed('an abort, a timed task and a timed thread', [1, 0], [SOON, SOON], { aborts: true }),
  // One has gone on, the other one has not been told yet: what both hear is the same.
  mixed('an abort, 2 tasks of one thread and another thread', [2, 0], [FOR_EVER, FOR_EVER], { aborts: true }),
  mixed('an abort, and 3 threads', [0, 0, 0], [FOR_EVER, FOR_EVER, FOR_EVER], { aborts: true }),
  mixed('a task and a thread, and an action', [1, 0], [FOR_EVER, FOR_EVER], { acts: true }),
  mixed('a task and a thread, timed, and an action', [1, 0], [SOON, SOON], { acts: true }),
  mixed('a task and a thread, and an action that fails', [1, 0], [FOR_EVER, FOR_EVER], { acts: true, fails: true }),
  mixed('a task and a thread, and an action that races with abort', [1, 0], [FOR_EVER, FOR_EVER], {
    acts: true,
    aborts: true,
  }),
  mixed('a task comes while an action runs', [1, 0, 0], [FOR_EVER, FOR_EVER, FOR_EVER], { acts: true, parties: 2 }),
  mixed('a timed task comes while an action runs', [1, 0, 0], [SOON, FOR_EVER, FOR_EVER], { acts: true, parties: 2 }),
  mixed('2 tasks of one thread come, and a thread while an action runs', [2, 0], [FOR_EVER, FOR_EVER], {
    acts: true,
    parties: 2,
  }),
  {
    primitive: 'barrier',
    name: 'a party that waits when it is reset finds it broken; then it works',
    threads: 2,
    build(world) {
      const barrier = world.barrier(2);
      const { cell, stamp } = barrier;
      const [waiter, other] = world.threads as [number, number];
      return {
        programs: [
          once(function* () {
            expect(yield* call('barrierWait', cell, stamp, waiter, FOR_EVER, NO_ACTION), STATUS_BROKEN);
            yield* call('barrierWait', cell, stamp, waiter, FOR_EVER, NO_ACTION);
          }),
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            yield* renew(barrier, other);
            expect(yield* call('barrierWait', cell, stamp, other, FOR_EVER, NO_ACTION), 0, 1);
          }),
        ],
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'a newcomer while the action runs is of the next round',
    threads: 3,
    build(world) {
      const barrier = world.barrier(2);
      const { cell, stamp } = barrier;
      const data = world.data('data');
      return {
        keeps: [CELL_GENERATION],
        mayStarve: (_thread, view) =>
          world.threads.filter((_, t) => view.finished(t)).length === 2 && view.word(cell + CELL_LENGTH) === 1,
        programs: world.threads.map((me) =>
          once(function* () {
            const index = expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, WITH_ACTION), 0, 1);
            yield* use(data);
            if (index === 0) return;
            expect(yield* end(barrier, me, false), STATUS_OK);
          }),
        ),
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'more threads than parties',
    threads: 3,
    build(world) {
      const barrier = world.barrier(2);
      const { cell, stamp } = barrier;
      return {
        // Two of three go on, whichever.
        mayStarve: (_thread, view) =>
          world.threads.filter((_, t) => view.finished(t)).length === 2 && view.word(cell + CELL_LENGTH) === 1,
        programs: world.threads.map((me) =>
          once(function* () {
            expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION), 0, 1);
          }),
        ),
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'a newcomer to a broken barrier does not wait, until it is reset',
    threads: 2,
    build(world) {
      const barrier = world.barrier(2);
      const { cell, stamp } = barrier;
      const flag = world.data('flag');
      const [a, b] = world.threads as [number, number];
      return {
        programs: [
          once(function* () {
            yield* abort(barrier, a);
            expect(yield* call('barrierWait', cell, stamp, a, FOR_EVER, NO_ACTION), STATUS_BROKEN);
            yield* renew(barrier, a);
            yield { kind: 'write', address: flag, value: 1 };
            expect(yield* call('barrierWait', cell, stamp, a, FOR_EVER, NO_ACTION), 0);
          }),
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            expect(yield* call('barrierWait', cell, stamp, b, FOR_EVER, NO_ACTION), 1);
            expect(yield* get(flag), 1);
          }),
        ],
      };
    },
  },
  {
    primitive: 'barrier',
    name: 'one that must not be the last is not',
    threads: 2,
    build(world) {
      const { cell, stamp } = world.barrier(2);
      const [a, b] = world.threads as [number, number];
      return {
        programs: [
          once(function* () {
            expect(yield* call('barrierWait', cell, stamp, a, FOR_EVER, NO_ACTION), 0);
          }),
          once(function* () {
            yield until(cell + CELL_LENGTH, (length) => length === 1);
            expect(yield* call('barrierWait', cell, stamp, b, FOR_EVER, NOT_LAST), STATUS_BUSY);
            expect(yield* call('barrierWait', cell, stamp, b, FOR_EVER, NO_ACTION), 1);
          }),
        ],
      };
    },
  },
];
