/**
 * One call after the other, as in sequences.ts: what a reaper does, and what is there for its sake. Where threads race, a
 * scenario can only see that nothing is lost (reap.ts); here it is seen what exactly each call leaves.
 */

import {
  ABANDONED,
  ACTION,
  BROKEN,
  CELL_ARENA,
  CELL_GENERATION,
  CELL_LENGTH,
  CELL_PINS,
  CELL_STAMP,
  CELL_WORD,
  FILLING,
  HANDOFF,
  HEADER_REAPER,
  HEADER_SPARES,
  HEADER_USED,
  HELD_BY_TASK,
  HOLD_COUNT,
  INFO_ID,
  INFO_NAME,
  KIND_ARRAY,
  KIND_BOUNDED_SEMAPHORE,
  KIND_INFO,
  KIND_SPARE,
  KIND_TASK,
  KIND_THREAD,
  LOCK_ABANDONER,
  LOCK_ON_DEATH,
  NOBODY,
  ON_DEATH_KEEP,
  ON_DEATH_RELEASE,
  ON_DEATH_TELL,
  RLOCK_DEPTH,
  SEMAPHORE_BOUND,
  SET,
  STATE_AWAITED,
  STATE_BROKEN,
  STATE_GRANTED,
  STATE_WOKEN,
  STATUS_ABANDONED,
  STATUS_OK,
  STATUS_OVER_RELEASE,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  TASK_EXTRA,
  THREAD_ADD_TO_ACQUIRE,
  THREAD_CORES,
  THREAD_INBOX,
  THREAD_INFO,
  THREAD_MAX_SPINS,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  THREAD_TICKETS,
  UNIT,
  WITH_ACTION,
  WOKEN,
} from '../../../assembly/abi.ts';
import { IDLE_LOCK, IDLE_SEMAPHORE } from '../../../bindings/idle.ts';
import {
  call,
  expect,
  FOR_EVER,
  get,
  ID,
  look,
  lookWide,
  mark,
  PERMIT,
  QUEUE_LOCK,
  QUEUED,
  type Scenario,
  set,
  type World,
} from '../scenario.ts';
import type { Script } from '../thread.ts';
import { type Bench, lock, rlock, semaphore, sequence } from './sequences.ts';

const CORES = 7;

const reap = (waiter: number): Script<number> => call('reapWaiter', waiter, CORES);
const reapCell = (cell: number, thread: number, owner = 0): Script<number> => call('reapCell', cell, thread, owner);

/** A word is this. */
function* holds(address: number, value: number): Script {
  expect(yield* look(address), value);
}

/** A Lock that its thread owns, and two tasks that wait. */
const owned = (name: string, onDeath: number, play: (l: Bench, a: number, b: number) => Script): Scenario =>
  sequence(
    'lock',
    name,
    2,
    (world) => world.lock(onDeath),
    (_, me) => me | HELD_BY_TASK,
    function* (l, a, b) {
      yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
      yield* l.all();
      yield* play(l, a!, b!);
    },
  );

const locks: readonly Scenario[] = [
  owned(
    'a dead thread owns it: it is abandoned until an owner has put things in order',
    ON_DEATH_TELL,
    function* (l, a, b) {
      const { cell } = l.it;
      const task = l.me | HELD_BY_TASK;
      // Not that of another.
      yield* reapCell(cell, l.me, a);
      yield* reapCell(cell, l.me);
      yield* l.has(l.me + QUEUED, 2);
      yield* reapCell(cell, l.me, l.me);
      yield* l.is(a, STATE_WOKEN);
      yield* l.has(ABANDONED + WOKEN + QUEUED, 1);
      // Once more changes nothing.
      yield* reapCell(cell, l.me, l.me);
      yield* l.has(ABANDONED + WOKEN + QUEUED, 1);
      yield* l.calls('acquire', STATUS_ABANDONED, a, task, FOR_EVER, WOKEN);
      yield* l.owes(a, 0);
      yield* l.has(task + ABANDONED + QUEUED, 1);
      // It is released as it is, and the next one is told.
      yield* l.calls('lockRelease', STATUS_OK, task);
      yield* l.is(b, STATE_WOKEN);
      yield* l.calls('lockAcquire', STATUS_ABANDONED, l.me, 0);
      yield* l.calls('lockAcquire', STATUS_TIMEOUT, l.me, 0);
      // Woken in vain, and passed over: but nobody is handed it.
      yield* l.enters(b, STATUS_PENDING, WOKEN | HANDOFF);
      yield* l.has(l.me + ABANDONED + QUEUED, 1);
      yield* call('restore', cell);
      yield* l.has(l.me + QUEUED, 1);
      yield* l.calls('lockRelease', STATUS_OK, l.me);
      yield* l.is(b, STATE_WOKEN);
      yield* l.enters(b, STATUS_OK, WOKEN);
      yield* l.has(task, 0);
      yield* l.calls('lockRelease', STATUS_OK, task);
      yield* l.has(0, 0);
    },
  ),
  owned('a dead thread owns it, and it is released', ON_DEATH_RELEASE, function* (l, a, b) {
    yield* reapCell(l.it.cell, l.me, l.me);
    yield* l.is(a, STATE_WOKEN);
    yield* l.has(WOKEN + QUEUED, 1);
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.enters(a, STATUS_PENDING, WOKEN | HANDOFF);
    yield* l.has(l.me + HANDOFF + QUEUED, 2);
    // To whom it is due.
    yield* reapCell(l.it.cell, l.me, l.me);
    yield* l.is(a, STATE_GRANTED);
    yield* l.has((l.me | HELD_BY_TASK) + QUEUED, 1);
    yield* l.accepts(a);
    yield* call('undo', b);
    yield* l.calls('lockRelease', STATUS_OK, l.me | HELD_BY_TASK);
  }),
  owned(
    'a dead thread owns it, and it stays held until a thread releases it that knows better',
    ON_DEATH_KEEP,
    function* (l, a, b) {
      yield* reapCell(l.it.cell, l.me, l.me);
      yield* l.has(NOBODY + QUEUED, 2);
      yield* l.is(a, STATE_AWAITED);
      yield* l.calls('lockAcquire', STATUS_TIMEOUT, l.me, 0);
      yield* l.calls('lockRelease', STATUS_OK, l.me);
      yield* l.is(a, STATE_WOKEN);
      yield* l.has(WOKEN + QUEUED, 1);
      yield* call('undo', a);
      yield* call('undo', b);
    },
  ),
  owned(
    "a dead thread was passed over: its handoff is nobody's when it is abandoned",
    ON_DEATH_TELL,
    function* (l, a, b) {
      yield* l.calls('lockRelease', STATUS_OK, l.me);
      yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
      yield* l.enters(a, STATUS_PENDING, WOKEN | HANDOFF);
      yield* l.has(l.me + HANDOFF + QUEUED, 2);
      yield* reapCell(l.it.cell, l.me, l.me);
      yield* l.is(a, STATE_WOKEN);
      yield* l.has(ABANDONED + WOKEN + QUEUED, 1);
      yield* call('undo', a);
      yield* l.is(b, STATE_WOKEN);
      yield* l.does('decline', b);
      yield* l.has(ABANDONED, 0);
      // Free, though abandoned.
      const { mask, idle, dead } = IDLE_LOCK;
      yield* l.calls('destroy', STATUS_OK, l.me, mask, idle, dead);
    },
  ),
  owned(
    'what was handed to a task of a dead thread is abandoned; what a waiter was woken for is not',
    ON_DEATH_TELL,
    function* (l, a, b) {
      yield* l.calls('lockRelease', STATUS_OK, l.me);
      yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
      yield* l.enters(a, STATUS_PENDING, WOKEN | HANDOFF);
      yield* l.calls('lockRelease', STATUS_OK, l.me);
      yield* l.is(a, STATE_GRANTED);
      yield* reap(a);
      yield* l.owes(a, 0);
      yield* holds(a + THREAD_CORES, CORES);
      yield* l.is(b, STATE_WOKEN);
      yield* l.has(ABANDONED + WOKEN, 0);
      yield* reap(b);
      yield* l.has(ABANDONED, 0);
      yield* l.calls('lockAcquire', STATUS_ABANDONED, l.me, 0);
      yield* call('restore', l.it.cell);
      yield* l.enters(a, STATUS_PENDING);
      yield* reap(a);
      yield* l.owes(a, 0);
      yield* l.has(l.me, 0);
      yield* l.calls('lockRelease', STATUS_OK, l.me);
      // A thread in no call, which ends by itself. It has tickets.
      yield mark(l.me + THREAD_TICKETS, 5);
      yield mark(l.me + CELL_GENERATION, 1);
      yield* reap(l.me);
      yield* holds(l.me + THREAD_TICKETS, 5);
      yield mark(l.me + THREAD_TICKETS, 0);
      yield* holds(l.me + THREAD_CORES, CORES);
      yield* l.has(0, 0);
    },
  ),
  lock('a dead thread stands for several tasks in a local queue', 1, function* (l, a) {
    const task = l.me | HELD_BY_TASK;
    yield* l.calls('lockAcquire', STATUS_OK, task, 0);
    yield* l.enters(a!, STATUS_PENDING);
    yield* l.counts(a!, 1);
    yield* l.counts(a!, 2);
    yield* l.counts(a!, -1);
    yield* l.has(task + QUEUED, 3);
    yield* reap(a!);
    yield* l.has(task, 0);
    yield* reap(a!);
    yield* l.has(task, 0);
    yield* holds(a! + TASK_EXTRA, 0);
    // There is nothing to take back, and somebody else works on the queue.
    yield mark(l.it.cell + QUEUE_LOCK, 1);
    yield* reap(a!);
    yield* holds(l.it.cell + QUEUE_LOCK, 1);
    yield mark(l.it.cell + QUEUE_LOCK, 0);
    // The same between one task and the next, when the proxy does not stand in the queue.
    yield* l.enters(a!, STATUS_PENDING);
    yield* l.counts(a!, 1);
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* l.enters(a!, STATUS_OK, WOKEN);
    yield* l.has(task, 1);
    yield* reap(a!);
    yield* l.has(task, 0);
    yield* l.calls('lockRelease', STATUS_OK, task);
  }),
  lock('it says who died last with it', 1, function* (l, a) {
    const { cell } = l.it;
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield set(a! + INFO_ID, 5);
    for (const [i, word] of [11, 22, 33, 44].entries()) yield set(a! + INFO_NAME + 4 * i, word);
    yield mark(l.me + THREAD_INFO, a!);
    yield* reapCell(cell, l.me, l.me);
    yield* l.has(ABANDONED, 0);
    yield* holds(cell + LOCK_ON_DEATH, 5 << 2);
    for (const [i, word] of [11, 22, 33, 44].entries()) yield* holds(cell + LOCK_ABANDONER + 4 * i, word);
    yield mark(l.me + THREAD_INFO, 0);
    yield* l.calls('lockAcquire', STATUS_ABANDONED, l.me, 0);
    yield* call('restore', cell);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
  }),
  rlock('what was handed to a task of a dead thread is abandoned', 2, function* (r, a, b) {
    yield* r.calls('rlockAcquire', STATUS_OK, b!, 0);
    yield* r.enters(a!, STATUS_PENDING);
    yield* r.calls('rlockRelease', STATUS_OK, b!);
    yield* r.is(a!, STATE_WOKEN);
    yield* r.calls('rlockAcquire', STATUS_OK, b!, 0);
    yield* r.enters(a!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* r.calls('rlockRelease', STATUS_OK, b!);
    yield* r.is(a!, STATE_GRANTED);
    yield* reap(a!);
    yield* r.has(ABANDONED, 0);
    yield* r.calls('rlockAcquire', STATUS_ABANDONED, b!, 0);
    yield* call('restore', r.it.cell);
    yield* r.calls('rlockRelease', STATUS_OK, b!);
  }),
  rlock('an owner dies that is a task, however often it has it', 2, function* (r, a, b) {
    const { cell } = r.it;
    for (const _again of [1, 2, 3]) yield* r.calls('rlockAcquire', STATUS_OK, a!, 0);
    yield* r.enters(b!, STATUS_PENDING);
    yield* reapCell(cell, r.me, r.me);
    yield* r.has(a! + QUEUED, 1);
    yield* reapCell(cell, r.me, a!);
    yield* holds(cell + RLOCK_DEPTH, 0);
    yield* r.is(b!, STATE_WOKEN);
    yield* r.has(ABANDONED + WOKEN, 0);
    yield* r.calls('acquire', STATUS_ABANDONED, b!, b!, FOR_EVER, WOKEN);
    yield* call('restore', cell);
    yield* r.calls('rlockRelease', STATUS_OK, b!);
    yield* r.has(0, 0);
  }),
  lock('a waiter takes its turn if it is free', 2, function* (l, a, b) {
    const task = l.me | HELD_BY_TASK;
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.all();
    yield* l.calls('cancelWait', STATUS_OK, a!, 1);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
    yield* l.is(a!, STATE_WOKEN);
    yield* l.has(WOKEN + QUEUED, 1);
    yield* l.calls('cancelWait', STATUS_OK, a!, 1);
    yield* l.calls('cancelWait', STATUS_TIMEOUT, b!, 1);
    yield* l.has(WOKEN, 0);
    yield* l.enters(b!, STATUS_OK, 0);
    yield* l.has(task + WOKEN, 0);
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* l.enters(a!, STATUS_OK, WOKEN);
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* l.has(0, 0);
  }),
];

const semaphores: readonly Scenario[] = [
  semaphore('what was due to a dead thread goes on', 4, function* (s, a, b, c, d) {
    yield* s.all();
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.is(a!, STATE_WOKEN);
    // A wake-up.
    yield* reap(a!);
    yield* s.owes(a!, 0);
    yield* s.is(b!, STATE_WOKEN);
    yield* s.has(UNIT + WOKEN + QUEUED, 2);
    // A permit, of a task that has not accepted it.
    yield* s.calls('acquire', STATUS_OK, b!, PERMIT, FOR_EVER, WOKEN);
    yield* s.owes(b!, s.it.cell);
    yield* s.has(QUEUED, 2);
    yield* reap(b!);
    yield* s.owes(b!, 0);
    yield* s.is(c!, STATE_WOKEN);
    yield* s.has(UNIT + WOKEN + QUEUED, 1);
    // A place.
    yield* reap(d!);
    yield* s.has(UNIT + WOKEN, 0);
    yield* s.enters(c!, STATUS_OK, WOKEN);
    yield* s.has(0, 0);
  }),
  sequence(
    'semaphore',
    'what was due of one that is destroyed, and whose cell looks like it',
    1,
    (world) => world.semaphore(1),
    () => PERMIT,
    function* (s, a) {
      const { cell, stamp } = s.it;
      const { mask, idle, dead } = IDLE_SEMAPHORE;
      yield* s.calls('acquire', STATUS_OK, a!, PERMIT, FOR_EVER, 0);
      yield* s.calls('destroy', STATUS_OK, s.me, mask, idle, dead);
      const arena = yield* get(s.me + CELL_ARENA);
      for (const again of [false, true]) {
        // First it is free, and then an array.
        if (again) while ((yield* call('alloc', arena, ID, KIND_ARRAY, 1)) !== cell);
        yield mark(cell + CELL_STAMP, stamp);
        yield mark(cell + SEMAPHORE_BOUND, 9);
        yield mark(a! + THREAD_QUEUED_ON, cell);
        yield* reap(a!);
        yield* s.owes(a!, 0);
        yield* holds(cell, 0);
      }
    },
  ),
  sequence(
    'semaphore',
    'what was due of a bounded one',
    1,
    (world) => world.create(KIND_BOUNDED_SEMAPHORE, 'semaphore', { [CELL_WORD]: UNIT, [SEMAPHORE_BOUND]: 1 }),
    () => PERMIT,
    function* (s, a) {
      const { cell, stamp } = s.it;
      yield* s.calls('acquire', STATUS_OK, a!, PERMIT, FOR_EVER, 0);
      // Of another semaphore, which was there before.
      yield mark(cell + CELL_STAMP, stamp + 1);
      yield* reap(a!);
      yield* s.owes(a!, 0);
      yield* s.has(0, 0);
      yield mark(cell + CELL_STAMP, stamp);
      yield mark(a! + THREAD_QUEUED_ON, cell);
      yield* reap(a!);
      yield* s.owes(a!, 0);
      yield* s.has(UNIT, 0);
    },
  ),
  semaphore('waiters that a dead thread did not come to wake', 3, function* (s, a, b, c) {
    yield* s.all();
    // As a releaser of 2 leaves it that dies on its way to the second.
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield mark(s.it.cell, (yield* get(s.it.cell)) + UNIT);
    yield* reapCell(s.it.cell, s.me);
    yield* s.is(b!, STATE_WOKEN);
    yield* s.is(c!, STATE_AWAITED);
    yield* s.has(2 * UNIT + 2 * WOKEN + QUEUED, 1);
    yield* s.enters(a!, STATUS_OK, WOKEN);
    yield* s.enters(b!, STATUS_OK, WOKEN);
    yield* call('undo', c!);
    yield* s.has(0, 0);
  }),
  semaphore('a waiter that was passed over asks for a handoff, however many are woken', 6, function* (s, ...w) {
    yield* s.all();
    yield* s.calls('semRelease', STATUS_OK, s.me, 5);
    for (let taken = 0; taken < 5; taken++) yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.has(5 * WOKEN + QUEUED, 1);
    yield* s.enters(w[0]!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* s.has(4 * WOKEN + HANDOFF + QUEUED, 2);
    for (const waiter of w) yield* call('undo', waiter);
    yield* s.has(0, 0);
  }),
  semaphore('a permit that is due and has come back by a release too many', 1, function* (s, a) {
    yield* s.calls('semRelease', STATUS_OK, s.me, 1000);
    yield* s.calls('acquire', STATUS_OK, a!, PERMIT, FOR_EVER, 0);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.has(1000 * UNIT, 0);
    yield* reap(a!);
    yield* s.owes(a!, 0);
    yield* s.has(1000 * UNIT, 0);
  }),
];

/** With a cell that counts the permits of guards. */
const guarded = (
  name: string,
  count: number,
  bound: number,
  play: (s: Bench, hold: number, ...w: number[]) => Script,
): Scenario => {
  let hold = 0;
  return sequence(
    'semaphore',
    name,
    count,
    (world) => {
      const it = world.semaphore(0, bound);
      hold = world.hold(world.threads[0]!, it);
      return it;
    },
    () => PERMIT,
    (s, ...waiters) => play(s, hold, ...waiters),
  );
};

const guards: readonly Scenario[] = [
  guarded("a guard's permit is counted from the moment in which it is had", 2, 2, function* (s, hold, a, b) {
    const has = (count: number): Script => holds(hold + HOLD_COUNT, count);
    yield* s.calls('semHold', STATUS_TIMEOUT, s.me, 0, hold);
    yield* has(0);
    yield* s.calls('semRelease', STATUS_OK, s.me, 2);
    yield* s.calls('semHold', STATUS_OK, s.me, 0, hold);
    yield* has(1);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* has(1);
    yield* s.enters(a!, STATUS_PENDING);
    yield* s.enters(b!, STATUS_PENDING);
    yield* s.calls('semLetGo', STATUS_OK, s.me, hold);
    yield* s.owes(s.me, 0);
    yield* has(0);
    yield* s.is(a!, STATE_WOKEN);
    yield* s.calls('acquire', STATUS_OK, a!, PERMIT, FOR_EVER, WOKEN);
    yield* s.accepts(a!, hold);
    yield* has(1);
    // It goes to a task that has no guard, or one.
    yield* s.calls('semHandOff', 1, b!, 1, hold, -1);
    yield* has(0);
    yield* s.counts(b!, 1);
    yield* s.calls('semHandOff', 1, b!, 1, hold, 0);
    yield* has(0);
    yield* s.counts(b!, 1);
    yield* s.calls('semHandOff', 1, b!, 0, hold, 1);
    yield* has(1);
    yield* s.has(0, 0);
    yield* s.calls('semLetGo', STATUS_OK, s.me, hold);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* has(0);
    // One too many: the guard is over all the same.
    yield* s.calls('semLetGo', STATUS_OVER_RELEASE, s.me, hold);
    yield* has(-1);
    yield* s.owes(s.me, 0);
    yield set(hold + HOLD_COUNT, 0);
    yield* s.has(2 * UNIT, 0);
  }),
  guarded('a thread dies in the release of a guard', 1, 1, function* (s, hold, a) {
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.calls('semHold', STATUS_OK, s.me, 0, hold);
    yield* s.enters(a!, STATUS_PENDING);
    // As it is before the first step that others see: the permit is due to the thread.
    yield set(hold + HOLD_COUNT, 0);
    for (const [field, value] of [
      [THREAD_QUEUED_ON, s.it.cell],
      [CELL_WORD, STATE_GRANTED],
      [THREAD_ADD_TO_ACQUIRE, PERMIT],
      [CELL_GENERATION, s.it.stamp],
    ] as const)
      yield mark(s.me + field, value);
    yield* reap(s.me);
    yield* s.owes(s.me, 0);
    yield* s.is(a!, STATE_WOKEN);
    yield* s.has(UNIT + WOKEN, 0);
    yield* s.enters(a!, STATUS_OK, WOKEN);
  }),
];

const others: readonly Scenario[] = [
  sequence(
    'event',
    'a waiter of a dead thread leaves it',
    2,
    (world) => world.event(),
    () => 0,
    function* (e, a, b) {
      for (const waiter of [a!, b!]) yield* e.calls('eventWait', STATUS_PENDING, waiter, FOR_EVER);
      yield* reap(a!);
      yield* e.owes(a!, 0);
      yield* e.has(QUEUED, 1);
      yield* reapCell(e.it.cell, e.me);
      yield* e.has(QUEUED, 1);
      yield* e.calls('eventSet', STATUS_OK, e.me);
      yield* e.is(b!, STATE_GRANTED);
      yield* reap(b!);
      yield* e.has(SET, 0);
    },
  ),
  sequence(
    'barrier',
    'who is dead breaks it: arrived, or as the last one; not at the entry, and not when others run the action',
    3,
    (world) => world.barrier(2),
    () => 0,
    function* (b, p, q, r) {
      const { cell, stamp } = b.it;
      const arrives = (waiter: number, result: number) => b.calls('barrierWait', result, waiter, FOR_EVER, WITH_ACTION);
      const mends = function* (): Script {
        yield* b.has(BROKEN, 0);
        yield* call('barrierEnd', cell, stamp, b.me, 0, -1, STATE_BROKEN, FILLING);
        yield* b.has(FILLING, 0);
      };
      yield* arrives(p!, STATUS_PENDING);
      yield* reap(p!);
      yield* b.owes(p!, 0);
      yield* b.is(p!, STATE_BROKEN);
      yield* mends();
      yield* arrives(p!, STATUS_PENDING);
      yield* arrives(q!, 1);
      yield* arrives(r!, STATUS_PENDING);
      yield* b.has(b.me + ACTION, 2);
      // At the entry; arrived, but all have.
      yield* reap(r!);
      yield* b.owes(r!, 0);
      yield* b.has(b.me + ACTION, 1);
      // The action of another.
      yield* reapCell(cell, p!);
      yield* b.has(b.me + ACTION, 1);
      yield* arrives(r!, STATUS_PENDING);
      yield* reapCell(cell, b.me);
      yield* b.is(p!, STATE_BROKEN);
      yield* b.is(r!, STATE_WOKEN);
      yield* mends();
      yield* arrives(p!, STATUS_PENDING);
      yield* arrives(q!, 1);
      yield* reap(p!);
      yield* b.owes(p!, 0);
      yield* b.has(b.me + ACTION, 0);
      yield* b.calls('barrierEnd', 1, b.me, yield* get(q! + CELL_GENERATION), ACTION, STATE_GRANTED, FILLING);
      yield* b.has(FILLING, 0);
    },
  ),
  ...[false, true].map((notified) =>
    sequence(
      'condition',
      `a waiter of a dead thread, ${notified ? 'notified' : 'in its queue'}: its pin goes`,
      2,
      (world) => {
        const lock = world.lock();
        return { ...world.condition(lock), lock };
      },
      () => 0,
      function* (c, a, b) {
        const lock = c.it.lock!;
        const task = c.me | HELD_BY_TASK;
        const of = (name: string, result: number, ...args: number[]): Script => c.on(lock, name, result, ...args);
        for (const waiter of [a!, b!]) {
          yield* of('lockAcquire', STATUS_OK, task, 0);
          yield* c.calls('condWait', STATUS_PENDING, waiter, task, FOR_EVER, 0);
        }
        yield* of('lockAcquire', STATUS_OK, task, 0);
        if (notified) yield* c.calls('condNotify', STATUS_OK, c.me, 2, 0);
        yield* reap(a!);
        yield* c.owes(a!, 0);
        yield* holds(lock.cell + CELL_PINS, 1);
        yield* reap(a!);
        yield* holds(lock.cell + CELL_PINS, 1);
        yield* holds((notified ? lock.cell : c.it.cell) + CELL_LENGTH, 1);
        yield* of('lockRelease', STATUS_OK, task);
        yield* reap(b!);
        yield* holds(lock.cell + CELL_PINS, 0);
        yield* holds(lock.cell, 0);
        yield* c.has(0, 0);
      },
    ),
  ),
];

const exchanged = sequence(
  'condition',
  'a dead thread has changed places with its task: the wake-up that it took goes on',
  2,
  (world) => {
    const lock = world.lock();
    return { ...world.condition(lock), lock };
  },
  () => 0,
  function* (c, a, b) {
    const lock = c.it.lock!;
    const task = c.me | HELD_BY_TASK;
    const of = (name: string, result: number, ...args: number[]): Script => c.on(lock, name, result, ...args);
    yield* call('waitAsTask', c.me);
    for (const [waiter, owner] of [
      [a!, task],
      [c.me, c.me],
    ] as const) {
      yield* of('lockAcquire', STATUS_OK, owner, 0);
      yield* c.calls('condWait', STATUS_PENDING, waiter, owner, FOR_EVER, 0);
    }
    yield* of('lockAcquire', STATUS_OK, task, 0);
    yield* c.calls('condNotify', STATUS_OK, c.me, 1, 0);
    yield* of('acquire', STATUS_PENDING, b!, task, FOR_EVER, 0);
    yield* of('lockRelease', STATUS_OK, task);
    yield* c.is(a!, STATE_WOKEN);
    yield* c.calls('condExchange', 1, c.me, a!);
    yield* reap(c.me);
    yield* c.owes(c.me, 0);
    yield* c.is(b!, STATE_WOKEN);
    yield* holds(lock.cell, WOKEN);
    yield* reap(a!);
    yield* c.owes(a!, 0);
    yield* c.has(0, 0);
    yield* holds(lock.cell + CELL_PINS, 0);
    yield* call('undo', b!);
    yield* holds(lock.cell, 0);
    yield* call('waitAsThread', c.me, 0, 0);
  },
);

/** One thread and its arena. */
const arena = (name: string, body: (world: World, me: number) => Script): Scenario => ({
  primitive: 'arena',
  name: `one call after the other: ${name}`,
  threads: 1,
  cells: 10,
  build: (world) => ({
    programs: [
      {
        forever: false,
        body: () => body(world, world.threads[0]!),
      },
    ],
  }),
});

const arenas: readonly Scenario[] = [
  arena("the record of a thread that has ended becomes another thread's", function* (world, me) {
    const { arena } = world;
    const add = (kind: number, spare: number): Script<number> =>
      call('addRecord', arena, ID, kind, 5, 3, kind === KIND_THREAD ? 0 : me, spare);
    const used = yield* look(arena + HEADER_USED);
    const thread = yield* add(KIND_THREAD, 0);
    for (const field of [THREAD_INBOX, THREAD_TICKETS, THREAD_INFO]) yield mark(thread + field, 77);
    yield mark(thread + THREAD_CORES, 1);
    yield* holds(arena + HEADER_USED, used + 1);
    expect(yield* add(KIND_THREAD, thread), 0);
    yield* call('dropRecord', arena, ID, thread);
    expect(yield* world.kindOf(thread), KIND_SPARE);
    yield* holds(arena + HEADER_USED, used);
    yield* holds(arena + HEADER_SPARES, 1);
    // Nothing else can be made of it.
    const task = yield* add(KIND_TASK, 0);
    expect(Number(task === thread), 0);
    expect(yield* call('addRecord', arena, ID + 1, KIND_THREAD, 5, 3, 0, thread), 0);
    expect(yield* add(KIND_THREAD, thread), thread);
    expect(yield* world.kindOf(thread), KIND_THREAD);
    yield* holds(arena + HEADER_USED, used + 2);
    yield* holds(arena + HEADER_SPARES, 0);
    for (const field of [THREAD_INBOX, THREAD_TICKETS, THREAD_INFO]) yield* holds(thread + field, 0);
    yield* holds(thread + CELL_ARENA, arena);
    yield* holds(thread + THREAD_CORES, 3);
    yield* holds(thread + THREAD_MAX_SPINS, 5);
    yield* holds(thread + THREAD_OWNING_THREAD, thread);
    expect(yield* add(KIND_THREAD, thread), 0);
    const info = yield* add(KIND_INFO, 0);
    for (const record of [task, info]) {
      yield* call('dropRecord', arena, ID, record);
      expect(yield* world.kindOf(record), 0);
    }
    yield* holds(arena + HEADER_SPARES, 0);
    yield* call('dropRecord', arena, ID, thread);
  }),
  arena('one reaps at a time, and tickets are given and taken', function* ({ arena }, me) {
    const claim = (from: bigint, to: bigint): Script<number> => call('claimReaper', arena, from, to);
    const first = (1n << 32n) | BigInt(me);
    expect(yield* claim(1n, first), 0);
    expect(yield* claim(0n, first), 1);
    expect(yield* claim(0n, first), 0);
    expect(Number((yield* lookWide(arena + HEADER_REAPER)) === first), 1);
    // The same record, in an earlier claim.
    expect(yield* claim(BigInt(me), 0n), 0);
    expect(yield* claim(first, 2n << 32n), 1);
    yield* holds(arena + HEADER_REAPER, 0);
    yield* holds(arena + HEADER_REAPER + 4, 2);
    expect(yield* call('swap', me + THREAD_TICKETS, 1, 2), 0);
    expect(yield* call('swap', me + THREAD_TICKETS, 0, 2), 1);
    expect(yield* call('swap', me + THREAD_TICKETS, 2, 0x701), 1);
    yield* holds(me + THREAD_TICKETS, 0x701);
    expect(yield* call('swap', me + THREAD_TICKETS, 0x701, 0), 1);
  }),
];

export const burials: readonly Scenario[] = [...locks, ...semaphores, ...guards, ...others, exchanged, ...arenas];
