/**
 * The inbox: the verdicts of a thread's tasks arrive, from whichever unparker, and however many unpark at once; also
 * when one of them dies at it.
 */

import { CELL_GENERATION, STATUS_OK, STATUS_OVER_RELEASE, THREAD_INBOX } from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  forever,
  once,
  type Primitive,
  type Scenario,
  SOON,
  TIMED,
  UNTIMED,
  type World,
} from '../scenario.ts';
import type { View } from '../system.ts';
import {
  acquiringPermit,
  allowed,
  awaitingEvent,
  came,
  eventLoop,
  meeting,
  type Step,
  type Wait,
  waits,
} from '../tasks.ts';
import type { Program, Script } from '../thread.ts';

/** A thread that has something in its inbox, and no unparker on the way to notify it, must not sleep. */
const unheard =
  (world: World) =>
  (view: View): string | undefined => {
    const someone = world.threads.some(
      (_, t) => view.inside(t) && view.sleepsOn(t) !== world.threads[t]! + THREAD_INBOX,
    );
    const lost = world.threads.findIndex(
      (me, t) => view.sleepsOn(t) === me + THREAD_INBOX && view.word(me + THREAD_INBOX) !== 0,
    );
    return lost >= 0 && !someone ? `T${lost + 1} sleeps with something in its inbox` : undefined;
  };

/** Each of the first thread's tasks waits for a permit of its own, and each of the other threads gives one of them. */
const givers = (name: string, timeout: number, loops: boolean): Scenario => ({
  primitive: 'inbox',
  name,
  threads: 3,
  build(world) {
    const [me, ...others] = world.threads as [number, number, number];
    const semaphores = others.map(() => world.semaphore(0, 1));
    const program = loops ? forever : once;
    const tasks = semaphores.map((semaphore): Step[] => [
      waits(acquiringPermit(semaphore, me), timeout),
      came(...allowed(timeout)),
    ]);
    return {
      clock: timeout === FOR_EVER ? UNTIMED : TIMED,
      invariant: unheard(world),
      mayStarve: (thread, view) => loops && thread === 0 && others.some((_, t) => view.finished(t + 1)),
      programs: [
        program(eventLoop(world, me, tasks)),
        ...others.map((other, t) =>
          program(function* () {
            const { cell, stamp } = semaphores[t]!;
            expect(yield* call('semRelease', cell, stamp, other, 1), STATUS_OK, STATUS_OVER_RELEASE);
          }),
        ),
      ],
    };
  },
});

/** Two tasks of one thread wait; of the other threads the first, which unparks them, may die at any moment. */
const mortal = (
  name: string,
  make: (world: World) => Primitive,
  wait: (primitive: Primitive, me: number) => Wait,
  unpark: (primitive: Primitive, me: number) => Script,
  helps: boolean,
): Scenario => ({
  primitive: 'inbox',
  name,
  threads: helps ? 3 : 2,
  build(world) {
    const primitive = make(world);
    const [me, ...others] = world.threads as [number, number, number?];
    const tasks = [1, 2].map((): Step[] => [waits(wait(primitive, me))]);
    const lost = unheard(world);
    return {
      deaths: { most: 1, threads: [1] },
      keeps: [CELL_GENERATION],
      invariant: lost,
      // A waiter that stands in the queue still has no verdict.
      mayStarve: (thread, view) =>
        thread === 0 && view.dead(1) && world.tasks[0]!.some((waiter) => world.stands(view, waiter)),
      programs: [
        once(eventLoop(world, me, tasks)),
        ...others.map(
          (other): Program =>
            once(function* () {
              yield* unpark(primitive, other!);
            }),
        ),
      ],
    };
  },
});

const set = function* ({ cell, stamp }: Primitive, me: number): Script {
  expect(yield* call('eventSet', cell, stamp, me), STATUS_OK);
};

export const inbox: readonly Scenario[] = [
  givers('2 tasks, and 2 threads that each give one of them what it waits for', FOR_EVER, false),
  givers('2 timed tasks, and 2 threads that each give one of them what it waits for', SOON, false),
  givers('2 tasks, and 2 threads that each give one of them what it waits for, for ever', FOR_EVER, true),
  {
    primitive: 'inbox',
    name: '3 tasks: one is unparked by a thread, one by another task',
    threads: 2,
    build(world) {
      const [me, other] = world.threads as [number, number];
      const [own, others] = [world.event(), world.event()];
      return {
        invariant: unheard(world),
        programs: [
          forever(
            eventLoop(world, me, [
              [waits(awaitingEvent(own, me))],
              [waits(awaitingEvent(others, me)), () => call('eventClear', others.cell, others.stamp)],
              [() => set(own, me), () => call('eventClear', own.cell, own.stamp)],
            ]),
          ),
          forever(() => set(others, other)),
        ],
        mayStarve: (thread, view) => thread === 0 && view.finished(1),
        wraps: new Map([own, others].map(({ cell }) => [cell + CELL_GENERATION, 4])),
      };
    },
  },
  mortal('the setter of an event for 2 tasks dies', (world) => world.event(), awaitingEvent, set, false),
  mortal('one of 2 setters of an event for 2 tasks dies', (world) => world.event(), awaitingEvent, set, true),
  mortal(
    'the releaser of 2 permits to 2 tasks dies',
    (world) => world.semaphore(0),
    (semaphore, me) => acquiringPermit(semaphore, me),
    function* ({ cell, stamp }, me) {
      expect(yield* call('semRelease', cell, stamp, me, 2), STATUS_OK);
    },
    false,
  ),
  mortal(
    'the last party of a barrier, after 2 tasks, dies',
    (world) => world.barrier(3),
    (barrier) => meeting(barrier),
    function* ({ cell, stamp }, me) {
      expect(yield* call('barrierWait', cell, stamp, me, FOR_EVER, 0), 0, 1, 2);
    },
    false,
  ),
];
