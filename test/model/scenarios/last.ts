/**
 * The waiter that is let through last may destroy at once, and the cell be something else the next moment: plain data
 * of the user's, or another primitive. Its unparker may still be on the way out, and so may a waiter whose time was up.
 */

import {
  ANY,
  BROKEN,
  CELL_LENGTH,
  CELL_SIZE,
  CELL_STAMP,
  KIND_EVENT,
  NO_ACTION,
  STATE_BROKEN,
  STATUS_BROKEN,
  STATUS_NOT_HELD,
  STATUS_OK,
} from '../../../assembly/abi.ts';
import { IDLE, IDLE_BARRIER, IDLE_LOCK, IDLE_SEMAPHORE, type Idle } from '../../../bindings/idle.ts';
import {
  call,
  expect,
  FOR_EVER,
  get,
  ID,
  look,
  mark,
  once,
  type Primitive,
  type Scenario,
  SOON,
  set,
  TIMED,
  UNTIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import type { View } from '../system.ts';
import { allowed } from '../tasks.ts';
import type { Script } from '../thread.ts';

/** What becomes of a cell: the thread that destroyed it has it for something else. */
type Heir = (world: World, primitive: Primitive, me: number) => Script;

/** An array, which looks as like the primitive that was there as it can. */
const array: Heir = function* (_world, { cell, stamp }) {
  const contents = new Map([[CELL_STAMP, stamp]]);
  for (let offset = 0; offset < CELL_SIZE; offset += 4) yield set(cell + offset, contents.get(offset) ?? cell);
  for (let offset = 0; offset < CELL_SIZE; offset += 4) expect(yield* get(cell + offset), contents.get(offset) ?? cell);
};

/** An event, in the only cell that is free: a latecomer must not take it for what was there. */
const another: Heir = function* (world, { cell, stamp }, me) {
  expect(yield* call('create', world.arena, ID, KIND_EVENT), cell);
  expect(yield* call('eventSet', cell, stamp + 1, me), STATUS_OK);
  expect(yield* look(cell), 4);
};

function* destroyed(world: World, it: Primitive, me: number, { mask, idle, dead }: Idle, heir = array): Script {
  expect(yield* call('destroy', it.cell, it.stamp, me, mask, idle, dead), STATUS_OK);
  yield* heir(world, it, me);
}

interface Parts {
  readonly idle: Idle;
  readonly make: (world: World) => Primitive;
  /** What waiters call, and what they may get beside a timeout; and what lets them through. */
  readonly wait: (it: Primitive, me: number, timeout: number) => Script<number>;
  readonly results?: readonly number[];
  readonly unpark: (it: Primitive, me: number) => Script<unknown>;
}

/** One lets waiters through, the first of which waits for ever; that one destroys, when all others are out. */
const lastOut = (
  primitive: string,
  name: string,
  others: readonly number[],
  { idle, make, wait, results = [STATUS_OK], unpark }: Parts,
  { heir = array, cells = 64 } = {},
): Scenario => ({
  primitive,
  name: `${name}; the last one out destroys`,
  threads: others.length + 2,
  cells,
  build(world) {
    const it = make(world);
    const [first, ...rest] = world.threads as [number, ...number[]];
    const unparker = rest.pop()!;
    const out = rest.map((_, t) => world.data(`out${t + 2}`));
    return {
      clock: others.includes(SOON) ? TIMED : UNTIMED,
      programs: [
        once(function* () {
          // A waiter that was unparked by another one whose time is up knows nothing of the unparker.
          if (expect(yield* wait(it, first, FOR_EVER), ...results) === STATUS_BROKEN && others.includes(SOON)) return;
          for (const other of out) yield until(other, Boolean);
          yield* destroyed(world, it, first, idle, heir);
        }),
        ...rest.map((me, t) =>
          once(function* () {
            const timeout = others[t]!;
            expect(yield* wait(it, me, timeout), ...results, ...allowed(timeout));
            yield mark(out[t]!, 1);
          }),
        ),
        once(function* () {
          yield* unpark(it, unparker);
        }),
      ],
    };
  },
});

/** One whose time is up may go before all have come: then the others wait in vain. */
const goneBefore =
  (timeouts: readonly number[]) =>
  (_thread: number, view: View): boolean =>
    timeouts.some((timeout, t) => timeout !== FOR_EVER && !view.inside(t) && view.finished(t));

/** The unparker destroys at once: no waiter stands there any more. */
const byUnparker = (
  primitive: string,
  name: string,
  waiters: readonly number[],
  { idle, make, wait, results = [STATUS_OK], unpark }: Parts,
): Scenario => ({
  primitive,
  name: `${name}; their unparker destroys`,
  threads: waiters.length + 1,
  build(world) {
    const it = make(world);
    const me = world.threads.at(-1)!;
    return {
      clock: waiters.includes(SOON) ? TIMED : UNTIMED,
      mayStarve: goneBefore(waiters),
      programs: [
        ...waiters.map((timeout, t) =>
          once(function* () {
            expect(yield* wait(it, world.threads[t]!, timeout), ...results, ...allowed(timeout));
          }),
        ),
        once(function* () {
          // All have come, and perhaps gone.
          yield until(it.cell + CELL_LENGTH, (length) => length === waiters.length);
          yield* unpark(it, me);
          yield* destroyed(world, it, me, idle);
        }),
      ],
    };
  },
});

const event: Parts = {
  idle: IDLE,
  make: (world) => world.event(),
  wait: ({ cell, stamp }, me, timeout) => call('eventWait', cell, stamp, me, timeout),
  *unpark({ cell, stamp }, me) {
    expect(yield* call('eventSet', cell, stamp, me), STATUS_OK);
  },
};

/** So many permits, one after the other or at once. */
const semaphore = (...permits: readonly number[]): Parts => ({
  idle: IDLE_SEMAPHORE,
  make: (world) => world.semaphore(0),
  wait: ({ cell, stamp }, me, timeout) => call('semAcquire', cell, stamp, me, timeout),
  *unpark({ cell, stamp }, me) {
    for (const n of permits) expect(yield* call('semRelease', cell, stamp, me, n), STATUS_OK);
  },
});

/** Held from the beginning by the thread that lets the others through: each takes it and gives it back. */
const lock = (kind: 'lock' | 'rlock'): Parts => ({
  idle: IDLE_LOCK,
  make(world) {
    const it = world[kind]();
    expect(world.call(`${kind}Acquire`, it.cell, it.stamp, world.threads.at(-1)!, 0), STATUS_OK);
    return it;
  },
  *wait({ cell, stamp }, me, timeout) {
    const status = yield* call(`${kind}Acquire`, cell, stamp, me, timeout);
    if (status === STATUS_OK) expect(yield* call(`${kind}Release`, cell, stamp, me), STATUS_OK);
    return status;
  },
  *unpark({ cell, stamp }, me) {
    expect(yield* call(`${kind}Release`, cell, stamp, me), STATUS_OK);
  },
});

/** The thread that lets the others through is the last of the parties, or breaks it. */
const barrier = (parties: number, breaks = false): Parts => ({
  idle: IDLE_BARRIER,
  make: (world) => world.barrier(parties),
  wait: ({ cell, stamp }, me, timeout) => call('barrierWait', cell, stamp, me, timeout, NO_ACTION),
  results: [...Array(parties).keys(), STATUS_BROKEN],
  *unpark({ cell, stamp }, me) {
    if (breaks) yield* call('barrierEnd', cell, stamp, me, 0, ANY, STATE_BROKEN, BROKEN);
    else yield* call('barrierWait', cell, stamp, me, FOR_EVER, NO_ACTION);
  },
});

/**
 * A notifier destroys the Condition as soon as it has notified all, and takes the lock once more, past those that are
 * on their way to it; the last of the waiters destroys the lock.
 */
const notified = (name: string, waiters: readonly number[], recursive: number): Scenario => ({
  primitive: 'condition',
  name,
  threads: waiters.length + 1,
  build(world) {
    const it = recursive ? world.rlock() : world.lock();
    const condition = world.condition(it);
    const [acquire, release] = recursive ? ['rlockAcquire', 'rlockRelease'] : ['lockAcquire', 'lockRelease'];
    const data = world.data('data');
    const came = waiters.map((_, t) => world.data(`came${t + 1}`));
    const out = world.threads.map((_, t) => world.data(`out${t + 1}`));
    const letGo = function* (me: number): Script {
      yield* use(data);
      expect(yield* call(release!, it.cell, it.stamp, me), STATUS_OK);
    };
    return {
      clock: waiters.includes(SOON) ? TIMED : UNTIMED,
      programs: world.threads.map((me, t) =>
        once(function* () {
          const timeout = waiters[t];
          if (timeout === undefined) for (const waiter of came) yield until(waiter, Boolean);
          expect(yield* call(acquire!, it.cell, it.stamp, me, FOR_EVER), STATUS_OK);
          if (timeout === undefined) {
            const notify = call('condNotify', condition.cell, condition.stamp, me, waiters.length, recursive);
            expect(yield* notify, STATUS_OK);
            yield* destroyed(world, condition, me, IDLE);
            yield* letGo(me);
            if ((yield* call(acquire!, it.cell, it.stamp, me, 0)) === STATUS_OK) yield* letGo(me);
          } else {
            yield mark(came[t]!, 1);
            const status = yield* call('condWait', condition.cell, condition.stamp, me, me, timeout, recursive);
            expect(status, ...allowed(timeout));
            yield* letGo(me);
          }
          yield mark(out[t]!, 1);
          if (t > 0) return;
          for (const other of out) yield until(other, Boolean);
          yield* destroyed(world, it, me, IDLE_LOCK);
        }),
      ),
    };
  },
});

/** A thread notifies that does not hold the Lock; the holder releases it meanwhile, and the waiter is through. */
const stranger: Scenario = {
  primitive: 'condition',
  name: 'notified by a stranger, which does not hold the Lock; the waiter destroys it',
  threads: 3,
  build(world) {
    const it = world.lock();
    const condition = world.condition(it);
    const came = world.data('came');
    const [waiter, holder, notifier] = world.threads as [number, number, number];
    return {
      // A notifier that comes when nobody holds the lock is refused, and notifies nobody.
      mayStarve: (thread, view) => thread === 0 && view.finished(2),
      programs: [
        once(function* () {
          expect(yield* call('lockAcquire', it.cell, it.stamp, waiter, FOR_EVER), STATUS_OK);
          yield mark(came, 1);
          const status = yield* call('condWait', condition.cell, condition.stamp, waiter, waiter, FOR_EVER, 0);
          expect(status, STATUS_OK);
          yield* destroyed(world, condition, waiter, IDLE);
          expect(yield* call('lockRelease', it.cell, it.stamp, waiter), STATUS_OK);
        }),
        once(function* () {
          yield until(came, Boolean);
          expect(yield* call('lockAcquire', it.cell, it.stamp, holder, FOR_EVER), STATUS_OK);
          yield mark(came, 2);
          expect(yield* call('lockRelease', it.cell, it.stamp, holder), STATUS_OK);
        }),
        once(function* () {
          yield until(came, (value) => value === 2);
          const notify = call('condNotify', condition.cell, condition.stamp, notifier, 2, 0);
          expect(yield* notify, STATUS_OK, STATUS_NOT_HELD);
        }),
      ],
    };
  },
};

export const last: readonly Scenario[] = [
  lastOut('event', 'one waiter', [], event),
  lastOut('event', 'one waiter, and another event takes its cell', [], event, { heir: another, cells: 8 }),
  lastOut('event', '2 waiters', [FOR_EVER], event),
  lastOut('event', '2 waiters, one of them timed', [SOON], event),
  lastOut('event', '2 waiters, one of them timed, and another event takes its cell', [SOON], event, {
    heir: another,
    cells: 9,
  }),
  lastOut('event', '3 waiters, one of them timed', [FOR_EVER, SOON], event),
  byUnparker('event', 'one timed waiter', [SOON], event),
  byUnparker('event', '2 waiters, one of them timed', [FOR_EVER, SOON], event),
  lastOut('semaphore', 'one waiter', [], semaphore(1)),
  lastOut('semaphore', '2 waiters, 2 permits at once', [FOR_EVER], semaphore(2)),
  lastOut('semaphore', '2 waiters, one permit after the other', [FOR_EVER], semaphore(1, 1)),
  lastOut('semaphore', '2 waiters, one of them timed, 2 permits at once', [SOON], semaphore(2)),
  lastOut('lock', 'one waiter', [], lock('lock')),
  lastOut('lock', '2 waiters', [FOR_EVER], lock('lock')),
  lastOut('lock', '2 waiters, one of them timed', [SOON], lock('lock')),
  lastOut('rlock', '2 waiters, one of them timed', [SOON], lock('rlock')),
  lastOut('barrier', '2 parties', [], barrier(2)),
  lastOut('barrier', '3 parties', [FOR_EVER], barrier(3)),
  lastOut('barrier', '3 parties, one of them timed', [SOON], barrier(3)),
  lastOut('barrier', '2 wait for a third, and it is broken', [SOON], barrier(3, true)),
  byUnparker('barrier', 'one of 2 waits, and it is broken', [SOON], barrier(2, true)),
  notified('one waiter; its notifier destroys it', [FOR_EVER], 0),
  notified('one timed waiter; its notifier destroys it', [SOON], 0),
  notified('one timed waiter over an RLock; its notifier destroys it', [SOON], 1),
  notified('2 waiters, one of them timed; their notifier destroys it', [FOR_EVER, SOON], 0),
  stranger,
];
