/**
 * One call after the other, of one thread and of waiters of its tasks: what each answers, and what it leaves in the word
 * and the queue, exactly. Where threads race, a scenario can only see that nothing is lost; here it is seen, too, that
 * nobody is woken in vain, and nobody is passed over.
 */

import {
  ACTION,
  ANY,
  AT_FRONT,
  BROKEN,
  CELL_GENERATION,
  CELL_LENGTH,
  CELL_NEXT,
  CELL_PINS,
  CELL_WORD,
  FILLING,
  HANDOFF,
  HELD_BY_TASK,
  JOIN_AFTER_TRYING,
  JOIN_AT_ONCE,
  JOIN_NOT,
  KIND_BOUNDED_SEMAPHORE,
  NEVER_SLEEPS,
  NOT_LAST,
  RLOCK_DEPTH,
  SEMAPHORE_BOUND,
  SET,
  STATE_AWAITED,
  STATE_BROKEN,
  STATE_GRANTED,
  STATE_PARKED,
  STATE_WOKEN,
  STATUS_BROKEN,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_OVER_RELEASE,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_MAX_SPINS,
  THREAD_QUEUED_ON,
  THREAD_SPIN_BUDGET,
  UNIT,
  WITH_ACTION,
  WOKEN,
} from '../../../assembly/abi.ts';
import {
  call,
  expect,
  FOR_EVER,
  get,
  mark,
  once,
  PERMIT,
  type Primitive,
  QUEUE_LOCK,
  QUEUED,
  type Scenario,
  type World,
} from '../scenario.ts';
import { within } from '../tasks.ts';
import { Objection, type Script } from '../thread.ts';

/** What is called; of a Condition, with its lock. */
type Target = Primitive & { readonly lock?: Primitive };

/** A primitive with waiters of one thread. */
export class Bench {
  readonly me: number;
  readonly waiters: readonly number[];
  readonly it: Target;
  /** What acquiring adds to the word, of a waiter. */
  readonly adds: (waiter: number) => number;
  /** Waiters that were in the inbox. */
  told = new Set<number>();

  constructor(world: World, it: Target, count: number, adds: (waiter: number, me: number) => number) {
    this.me = world.threads[0]!;
    this.it = it;
    this.waiters = Array.from({ length: count }, () => world.task(this.me));
    this.adds = (waiter) => adds(waiter, this.me);
  }

  calls(name: string, result: number, ...args: number[]): Script {
    return this.on(this.it, name, result, ...args);
  }

  *on({ cell, stamp }: Primitive, name: string, result: number, ...args: number[]): Script {
    const answer = yield* call(name, cell, stamp, ...args);
    if (answer !== result) throw new Objection(`${name}(${args}) answers ${answer} in place of ${result}`);
  }

  /** A waiter gives up, and nothing is due to it any more. */
  *does(name: string, waiter: number): Script {
    yield* call(name, this.it.cell, this.it.stamp, waiter);
    yield* this.owes(waiter, 0);
  }

  /** All that is due to a waiter goes back. */
  *undoes(waiter: number): Script {
    yield* call('undo', waiter);
    yield* this.owes(waiter, 0);
  }

  /** A task has a permit, or what it was handed: it was due to its waiter until now. */
  *accepts(waiter: number, hold = 0): Script {
    yield* this.owes(waiter, this.it.cell);
    yield* call('accept', waiter, hold);
    yield* this.owes(waiter, 0);
  }

  *counts(proxy: number, change: number): Script {
    yield* call('countTasks', this.it.cell, proxy, change);
  }

  *renames(from: number, to: number): Script {
    yield* call('rename', this.it.cell, from, to);
  }

  /** What is in the word, and how many wait. */
  *has(word: number, length: number): Script {
    const { cell } = this.it;
    const found = [yield* get(cell), yield* get(cell + CELL_LENGTH)];
    if (found[0] !== word || found[1] !== length)
      throw new Objection(`the word is ${found[0]} in place of ${word}, and ${found[1]} wait in place of ${length}`);
  }

  /** A waiter enters the queue, or acquires: what `acquire` answers. */
  *enters(waiter: number, result: number, flags = 0): Script {
    yield* this.collects();
    yield* this.calls('acquire', result, waiter, this.adds(waiter), FOR_EVER, flags);
    if (result !== STATUS_OK) return;
    if (this.adds(waiter) === PERMIT) yield* this.accepts(waiter);
    else yield* this.owes(waiter, 0);
  }

  /** Where something is due to a waiter. */
  *owes(waiter: number, cell: number): Script {
    const due = yield* get(waiter + THREAD_QUEUED_ON);
    if (due !== cell) throw new Objection(`something is due to it of ${due} in place of ${cell}`);
  }

  /** All waiters that have come into the inbox. */
  *collects(): Script {
    for (let waiter = yield* call('collect', this.me); waiter; waiter = yield* get(waiter + CELL_NEXT))
      this.told.add(waiter);
  }

  /** A waiter has this verdict, and has come into the inbox with it; or it stands in the queue. */
  *is(waiter: number, state: number): Script {
    yield* this.collects();
    const found = yield* get(waiter + CELL_WORD);
    if (found !== state) throw new Objection(`its verdict is ${found} in place of ${state}`);
    if (this.told.delete(waiter) !== state > STATE_PARKED)
      throw new Objection('it has a verdict, or has come into the inbox, and not both');
  }

  *all(): Script {
    for (const waiter of this.waiters) yield* this.enters(waiter, STATUS_PENDING);
  }
}

export const sequence = (
  primitive: string,
  name: string,
  count: number,
  make: (world: World) => Target,
  adds: (waiter: number, me: number) => number,
  play: (bench: Bench, ...waiters: number[]) => Script,
): Scenario => ({
  primitive,
  name: `one call after the other: ${name}`,
  threads: 1,
  build(world) {
    const bench = new Bench(world, make(world), count, adds);
    return {
      // The time is asked for only where a thread's own may be up.
      throws: true,
      wraps: new Map([[bench.it.cell + CELL_GENERATION, 16]]),
      programs: [
        once(function* () {
          yield* within(
            (function* () {
              bench.told = new Set();
              yield* play(bench, ...bench.waiters);
              yield* bench.collects();
            })(),
            () => 'a sequence',
          );
        }),
      ],
    };
  },
});

const permit = (): number => PERMIT;
const ofTask = (_waiter: number, me: number): number => me | HELD_BY_TASK;
const own = (waiter: number): number => waiter;
const nothing = (): number => 0;
/** The offset of a cell's verdict (assembly/cell.ts): no binding needs it. */
const VERDICT = 36;

export const semaphore = (
  name: string,
  count: number,
  play: (bench: Bench, ...waiters: number[]) => Script,
): Scenario => sequence('semaphore', name, count, (world) => world.semaphore(0), permit, play);
export const lock = (name: string, count: number, play: (bench: Bench, ...waiters: number[]) => Script): Scenario =>
  sequence('lock', name, count, (world) => world.lock(), ofTask, play);
export const rlock = (name: string, count: number, play: (bench: Bench, ...waiters: number[]) => Script): Scenario =>
  sequence('rlock', name, count, (world) => world.rlock(), own, play);

/** The lock of a Condition. */
interface OwnLock {
  readonly lock: number;
  /** Whether it is an RLock. */
  readonly recursive: boolean;
  readonly kind: 'lock' | 'rlock';
  /** A call of it. */
  of(name: string, result: number, ...args: number[]): Script;
}

/** A Condition over a Lock, and one over an RLock. */
const overBoth = (
  name: string,
  count: number,
  play: (bench: Bench, own: OwnLock, ...waiters: number[]) => Script,
): Scenario[] =>
  [false, true].map((recursive) =>
    sequence(
      'condition',
      `over ${recursive ? 'an RLock' : 'a Lock'}: ${name}`,
      count,
      (world) => {
        const lock = recursive ? world.rlock() : world.lock();
        return { ...world.condition(lock), lock };
      },
      nothing,
      (bench, ...waiters) => {
        const lock = bench.it.lock!;
        const of = (name: string, result: number, ...args: number[]) => bench.on(lock, name, result, ...args);
        return play(bench, { lock: lock.cell, recursive, kind: recursive ? 'rlock' : 'lock', of }, ...waiters);
      },
    ),
  );

/** A task and its thread wait; `a` notifies the task, or both, and in the end the task is handed the lock. */
function* handed(c: Bench, { recursive, kind, of }: OwnLock, a: number, task: number, notified: number): Script {
  yield* call('waitAsTask', c.me);
  for (const waiter of [task, c.me]) {
    yield* of(`${kind}Acquire`, STATUS_OK, waiter, 0);
    yield* c.calls('condWait', STATUS_PENDING, waiter, waiter, FOR_EVER, Number(recursive));
  }
  yield* of(`${kind}Acquire`, STATUS_OK, a, 0);
  yield* c.calls('condNotify', STATUS_OK, a, notified, Number(recursive));
  yield* of(`${kind}Release`, STATUS_OK, a);
  yield* c.is(task, STATE_WOKEN);
  yield* of(`${kind}Acquire`, STATUS_OK, a, 0);
  yield* of('acquire', STATUS_PENDING, task, task, FOR_EVER, WOKEN | HANDOFF);
  yield* of(`${kind}Release`, STATUS_OK, a);
  yield* c.is(task, STATE_GRANTED);
}

export const sequences: readonly Scenario[] = [
  semaphore(
    'as many are woken as there are permits, seven at a time, and those wake the others',
    10,
    function* (s, ...w) {
      yield* s.all();
      yield* s.has(QUEUED, 10);
      yield* s.calls('semRelease', STATUS_OK, s.me, 1);
      yield* s.has(UNIT + WOKEN + QUEUED, 9);
      yield* s.is(w[0]!, STATE_WOKEN);
      yield* s.is(w[1]!, STATE_AWAITED);
      yield* s.calls('semRelease', STATUS_OK, s.me, 9);
      yield* s.has(10 * UNIT + 7 * WOKEN + QUEUED, 3);
      yield* s.enters(w[0]!, STATUS_OK, WOKEN);
      yield* s.has(9 * UNIT + 7 * WOKEN + QUEUED, 2);
      yield* s.enters(w[1]!, STATUS_OK, WOKEN);
      yield* s.enters(w[2]!, STATUS_OK, WOKEN);
      yield* s.has(7 * UNIT + 7 * WOKEN, 0);
      for (const waiter of w.slice(3)) yield* s.enters(waiter, STATUS_OK, WOKEN);
      yield* s.has(0, 0);
    },
  ),
  semaphore(
    'one release after the other wakes as many, unless permits are gone meanwhile',
    4,
    function* (s, a, b, c, d) {
      yield* s.all();
      yield* s.calls('semRelease', STATUS_OK, s.me, 1);
      yield* s.calls('semRelease', STATUS_OK, s.me, 1);
      yield* s.has(2 * UNIT + 2 * WOKEN + QUEUED, 2);
      yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
      yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
      yield* s.calls('semAcquire', STATUS_TIMEOUT, s.me, 0);
      // Two wakers are in flight for one permit.
      yield* s.calls('semRelease', STATUS_OK, s.me, 1);
      yield* s.has(UNIT + 2 * WOKEN + QUEUED, 2);
      yield* s.enters(a!, STATUS_OK, WOKEN);
      yield* s.enters(b!, STATUS_PENDING, WOKEN);
      yield* s.has(QUEUED, 3);
      yield* s.calls('semRelease', STATUS_OK, s.me, 4);
      for (const waiter of [b!, c!, d!]) yield* s.is(waiter, STATE_WOKEN);
      yield* s.has(4 * UNIT + 3 * WOKEN, 0);
      for (const waiter of [b!, c!, d!]) yield* s.enters(waiter, STATUS_OK, WOKEN);
      yield* s.has(UNIT, 0);
    },
  ),
  semaphore('two permits, three wait, and nobody wakes the third', 3, function* (s, a, b, c) {
    yield* s.all();
    yield* s.calls('semRelease', STATUS_OK, s.me, 2);
    yield* s.has(2 * UNIT + 2 * WOKEN + QUEUED, 1);
    yield* s.enters(b!, STATUS_OK, WOKEN);
    yield* s.has(UNIT + WOKEN + QUEUED, 1);
    yield* s.enters(a!, STATUS_OK, WOKEN);
    yield* s.has(QUEUED, 1);
    yield* s.enters(a!, STATUS_PENDING);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.is(c!, STATE_WOKEN);
    yield* s.calls('semRelease', STATUS_OK, s.me, 3);
    yield* s.has(4 * UNIT + 2 * WOKEN, 0);
    yield* s.enters(c!, STATUS_OK, WOKEN);
    yield* s.enters(a!, STATUS_OK, WOKEN);
    yield* s.has(2 * UNIT, 0);
  }),
  semaphore('a handoff does not wait for a waker in flight', 2, function* (s, a, b) {
    yield* s.all();
    yield* s.calls('semRelease', STATUS_OK, s.me, 2);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.enters(a!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* s.has(WOKEN + HANDOFF + QUEUED, 1);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.is(a!, STATE_GRANTED);
    yield* s.accepts(a!);
    yield* s.has(WOKEN, 0);
    yield* s.does('decline', b!);
    yield* s.has(0, 0);
  }),
  semaphore('two permits, and the third of three gives up', 3, function* (s, a, b, c) {
    yield* s.all();
    yield* s.calls('semRelease', STATUS_OK, s.me, 2);
    yield* s.calls('cancelWait', STATUS_TIMEOUT, c!, 0);
    yield* s.has(2 * UNIT + 2 * WOKEN, 0);
    yield* s.enters(b!, STATUS_OK, WOKEN);
    yield* s.enters(a!, STATUS_OK, WOKEN);
    yield* s.has(0, 0);
  }),
  semaphore('a waiter that wakes the next, when more has come than wakers are in flight', 3, function* (s, a, b, c) {
    yield* s.all();
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    // Taken by somebody else, so that the waker in flight comes in vain.
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.has(WOKEN + QUEUED, 2);
    yield* s.enters(a!, STATUS_PENDING, WOKEN);
    yield* s.has(QUEUED, 3);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    // It stood before the others.
    yield* s.is(a!, STATE_WOKEN);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.enters(a!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* s.has(QUEUED + HANDOFF, 3);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.is(a!, STATE_GRANTED);
    yield* s.accepts(a!);
    yield* s.has(QUEUED, 2);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.enters(b!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* s.calls('semRelease', STATUS_OK, s.me, 2);
    // One is handed over, and one is left for the next.
    yield* s.is(b!, STATE_GRANTED);
    yield* s.accepts(b!);
    yield* s.is(c!, STATE_WOKEN);
    yield* s.has(UNIT + WOKEN, 0);
    yield* s.enters(c!, STATUS_OK, WOKEN);
    yield* s.has(0, 0);
  }),
  semaphore('what a waiter has no use for goes to the next', 4, function* (s, a, b, c, d) {
    yield* s.all();
    yield* s.calls('cancelWait', STATUS_TIMEOUT, b!, 0);
    yield* s.has(QUEUED, 3);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.does('decline', a!);
    yield* s.is(c!, STATE_WOKEN);
    yield* s.has(UNIT + WOKEN + QUEUED, 1);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.enters(c!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.is(c!, STATE_GRANTED);
    yield* s.has(QUEUED, 1);
    yield* s.does('decline', c!);
    yield* s.is(d!, STATE_WOKEN);
    yield* s.has(UNIT + WOKEN, 0);
    yield* s.undoes(d!);
    yield* s.has(UNIT, 0);
    yield* s.undoes(d!);
    yield* s.has(UNIT, 0);
  }),
  semaphore('a bound of releases, and a wait of no time', 1, function* (s, a) {
    yield* s.calls('semAcquire', STATUS_TIMEOUT, s.me, 0);
    yield* s.calls('semRelease', STATUS_OVER_RELEASE, s.me, 1001);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1000);
    yield* s.calls('semRelease', STATUS_OVER_RELEASE, s.me, 1);
    yield* s.enters(a!, STATUS_OK);
    yield* s.has(999 * UNIT, 0);
  }),
  semaphore('a release goes to the next task of a local queue', 2, function* (s, a, b) {
    const { cell, stamp } = s.it;
    yield* s.enters(a!, STATUS_PENDING);
    yield* s.counts(a!, 1);
    yield* s.has(QUEUED, 2);
    expect(yield* call('semHandOff', cell, stamp + 1, a!, 1, 0, 0), 0);
    yield* s.calls('semHandOff', 1, a!, 1, 0, 0);
    yield* s.has(QUEUED, 1);
    yield* s.enters(b!, STATUS_PENDING);
    // It is not the first.
    yield* s.calls('semHandOff', 0, b!, 0, 0, 0);
    yield* s.calls('semHandOff', 1, a!, 0, 0, 0);
    yield* s.has(QUEUED, 1);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.calls('semAcquire', STATUS_OK, s.me, 0);
    yield* s.enters(a!, STATUS_PENDING, AT_FRONT);
    // A waker is in flight.
    yield* s.has(WOKEN + QUEUED, 1);
    yield* s.calls('semHandOff', 0, a!, 0, 0, 0);
    yield* s.enters(b!, STATUS_PENDING, WOKEN | HANDOFF);
    // A handoff is due.
    yield* s.calls('semHandOff', 0, b!, 0, 0, 0);
    yield* s.calls('semRelease', STATUS_OK, s.me, 1);
    yield* s.is(b!, STATE_GRANTED);
    yield* s.accepts(b!);
    yield* s.calls('semHandOff', 1, a!, 0, 0, 0);
    yield* s.has(0, 0);
  }),
  sequence(
    'semaphore',
    'no release of one whose bound is 0',
    1,
    (world) => world.create(KIND_BOUNDED_SEMAPHORE, 'semaphore', { [SEMAPHORE_BOUND]: 0 }),
    permit,
    function* (s, a) {
      yield* s.enters(a!, STATUS_PENDING);
      yield* s.counts(a!, 1);
      yield* s.calls('semHandOff', 0, a!, 1, 0, 0);
      yield* s.calls('semRelease', STATUS_OVER_RELEASE, s.me, 1);
      yield* s.counts(a!, -1);
      yield* s.calls('cancelWait', STATUS_TIMEOUT, a!, 0);
      yield* s.has(0, 0);
    },
  ),
  lock('a release wakes one, and is handed over to one that was passed over', 3, function* (l, a, b, c) {
    const task = l.me | HELD_BY_TASK;
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.calls('lockAcquire', STATUS_TIMEOUT, l.me, 0);
    yield* l.all();
    yield* l.has(l.me + QUEUED, 3);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
    yield* l.has(WOKEN + QUEUED, 2);
    yield* l.is(a!, STATE_WOKEN);
    yield* l.calls('lockRelease', STATUS_NOT_HELD, l.me);
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.has(l.me + WOKEN + QUEUED, 2);
    // While one is in flight a release wakes no other.
    yield* l.calls('lockRelease', STATUS_OK, l.me);
    yield* l.has(WOKEN + QUEUED, 2);
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.enters(a!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* l.has(l.me + HANDOFF + QUEUED, 3);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
    yield* l.is(a!, STATE_GRANTED);
    yield* l.has(task + QUEUED, 2);
    // Any thread may release it: then it is nobody's any more whom it was handed to.
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* l.is(b!, STATE_WOKEN);
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.does('decline', a!);
    yield* l.has(l.me + WOKEN + QUEUED, 1);
    yield* l.enters(b!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
    yield* l.is(b!, STATE_GRANTED);
    yield* l.does('decline', b!);
    yield* l.is(c!, STATE_WOKEN);
    yield* l.has(WOKEN, 0);
    yield* l.enters(c!, STATUS_OK, WOKEN);
    yield* l.has(task, 0);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
    yield* l.has(0, 0);
  }),
  lock('a thread or a task hands it to the next task of a local queue', 2, function* (l, a, b) {
    const { cell, stamp } = l.it;
    const task = l.me | HELD_BY_TASK;
    const hands = (result: number, proxy: number, others: number, from = task): Script =>
      l.calls('handOff', result, proxy, from, task, others);
    yield* l.calls('lockAcquire', STATUS_OK, l.me, 0);
    yield* l.enters(a!, STATUS_PENDING);
    yield* l.counts(a!, 1);
    expect(yield* call('handOff', cell, stamp + 1, a!, l.me, task, 1), 0);
    yield* hands(1, a!, 1, l.me);
    yield* l.has(task + QUEUED, 1);
    yield* l.counts(a!, 1);
    yield* hands(1, a!, 1);
    yield* l.has(task + QUEUED, 1);
    yield* l.enters(b!, STATUS_PENDING);
    yield* hands(0, b!, 0);
    yield* hands(1, a!, 0);
    yield* l.has(task + QUEUED, 1);
    yield* l.calls('lockRelease', STATUS_OK, task);
    // It is nobody's, and a waker is in flight.
    yield* l.enters(a!, STATUS_OK);
    yield* l.has(task + WOKEN, 0);
    yield* l.enters(b!, STATUS_PENDING, WOKEN);
    yield* hands(1, b!, 0);
    yield* l.has(task, 0);
    yield* l.renames(task, a!);
    yield* l.enters(b!, STATUS_PENDING);
    // Another thread's, or an owner's.
    yield* l.counts(b!, 1);
    yield* hands(0, b!, 1);
    yield* l.renames(task, l.me);
    yield* l.has(a! + QUEUED, 2);
    yield* l.renames(a!, task);
    yield* l.has(task + QUEUED, 2);
    yield* hands(1, b!, 1);
    yield* hands(1, b!, 0);
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* hands(0, b!, 0);
    yield* l.has(0, 0);
  }),
  lock('a newcomer joins a local queue that is the last, and has nothing to acquire', 3, function* (l, a, b, c) {
    const { cell } = l.it;
    const task = l.me | HELD_BY_TASK;
    yield* l.calls('lockAcquire', STATUS_OK, task, 0);
    yield* l.enters(a!, STATUS_PENDING);
    expect(yield* call('join', cell, a!, 0), JOIN_AT_ONCE);
    yield* l.has(task + QUEUED, 1);
    expect(yield* call('join', cell, a!, 1), JOIN_AT_ONCE);
    yield* l.has(task + QUEUED, 2);
    yield* l.enters(b!, STATUS_PENDING);
    expect(yield* call('join', cell, a!, 1), JOIN_NOT);
    yield* l.has(task + QUEUED, 3);
    yield* l.counts(a!, -1);
    yield* l.calls('lockRelease', STATUS_OK, task);
    // The first has its verdict; it is free, and a waker is in flight.
    expect(yield* call('join', cell, a!, 1), JOIN_NOT);
    expect(yield* call('join', cell, b!, 1), JOIN_AFTER_TRYING);
    yield* l.calls('lockAcquire', STATUS_OK, task, 0);
    yield* l.enters(c!, STATUS_PENDING);
    yield* l.enters(a!, STATUS_PENDING, WOKEN | HANDOFF);
    expect(yield* call('join', cell, c!, 1), JOIN_AFTER_TRYING);
    yield* l.has(task + HANDOFF + QUEUED, 3);
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* l.is(a!, STATE_GRANTED);
    yield* l.accepts(a!);
    expect(yield* call('join', cell, c!, 1), JOIN_AT_ONCE);
    yield* l.has(task + QUEUED, 3);
    yield* l.counts(c!, -1);
    yield* l.undoes(b!);
    yield* l.undoes(c!);
    yield* l.calls('lockRelease', STATUS_OK, task);
    yield* l.has(0, 0);
  }),
  lock("a latecomer leaves the queue lock of the cell's next life alone", 1, function* (l, a) {
    const { cell, stamp } = l.it;
    // Somebody else works on the queue, and has it still.
    yield mark(cell + QUEUE_LOCK, 1);
    yield* call('awaitVerdicts', cell, stamp + 1, l.me);
    expect(yield* call('cancelWait', cell, stamp + 1, a!, 0), STATUS_OK);
    expect(yield* get(cell + QUEUE_LOCK), 1);
    yield mark(cell + QUEUE_LOCK, 0);
  }),
  lock('a thread that waits beside its tasks is handed it', 1, function* (l, a) {
    const budget = yield* call('waitAsTask', l.me);
    yield* l.calls('lockAcquire', STATUS_OK, a!, 0);
    yield* l.calls('acquire', STATUS_PENDING, l.me, l.me, FOR_EVER, 0);
    yield* l.calls('lockRelease', STATUS_OK, a!);
    yield* l.is(l.me, STATE_WOKEN);
    yield* l.calls('lockAcquire', STATUS_OK, a!, 0);
    yield* l.calls('acquire', STATUS_PENDING, l.me, l.me, FOR_EVER, WOKEN | HANDOFF);
    yield* l.calls('lockRelease', STATUS_OK, a!);
    yield* l.is(l.me, STATE_GRANTED);
    yield* l.has(l.me, 0);
    yield* call('waitAsThread', l.me, 0, budget);
    yield* l.owes(l.me, 0);
    yield* l.calls('lockRelease', STATUS_OK, l.me);
  }),
  rlock('an owner hands it to the next owner of a local queue', 4, function* (r, a, b, p, q) {
    const { cell, stamp } = r.it;
    yield* r.calls('rlockAcquire', STATUS_OK, p!, 0);
    yield* r.calls('rlockAcquire', STATUS_OK, p!, 0);
    yield* r.calls('rlockAcquire', STATUS_TIMEOUT, q!, 0);
    yield* r.calls('rlockRelease', STATUS_NOT_HELD, q!);
    expect(yield* get(cell + RLOCK_DEPTH), 1);
    yield* r.enters(a!, STATUS_PENDING);
    yield* r.counts(a!, 1);
    yield* r.calls('handOff', 0, a!, p!, q!, 1);
    yield* r.calls('rlockRelease', STATUS_OK, p!);
    yield* r.calls('handOff', 0, a!, q!, p!, 1);
    expect(yield* call('handOff', cell, stamp + 1, a!, p!, q!, 1), 0);
    yield* r.calls('handOff', 1, a!, p!, q!, 1);
    yield* r.has(q! + QUEUED, 1);
    yield* r.enters(b!, STATUS_PENDING);
    yield* r.calls('handOff', 0, b!, q!, p!, 0);
    yield* r.calls('handOff', 1, a!, q!, p!, 0);
    yield* r.has(p! + QUEUED, 1);
    yield* r.calls('rlockRelease', STATUS_OK, p!);
    yield* r.has(WOKEN, 0);
    yield* r.calls('rlockAcquire', STATUS_OK, q!, 0);
    yield* r.enters(b!, STATUS_PENDING, WOKEN | HANDOFF);
    yield* r.calls('handOff', 0, b!, q!, p!, 0);
    yield* r.calls('rlockRelease', STATUS_OK, q!);
    yield* r.is(b!, STATE_GRANTED);
    yield* r.has(b!, 0);
    yield* r.does('decline', b!);
    yield* r.has(0, 0);
  }),
  sequence(
    'semaphore',
    'a bound of 1',
    1,
    (world) => world.semaphore(0, 1),
    permit,
    function* (s, a) {
      yield* s.enters(a!, STATUS_PENDING);
      yield* s.calls('semHandOff', 1, a!, 0, 0, 0);
      yield* s.calls('semRelease', STATUS_OK, s.me, 1);
      yield* s.calls('semRelease', STATUS_OVER_RELEASE, s.me, 1);
      yield* s.has(UNIT, 0);
    },
  ),
  sequence(
    'event',
    'it lets all through that wait, also those whom a dead setter left',
    3,
    (world) => world.event(),
    nothing,
    function* (e, a, b, c) {
      const { cell } = e.it;
      const waits = (waiter: number, result: number) => e.calls('eventWait', result, waiter, FOR_EVER);
      yield* e.calls('eventWait', STATUS_TIMEOUT, e.me, 0);
      yield* waits(a!, STATUS_PENDING);
      yield* waits(b!, STATUS_PENDING);
      yield* e.has(QUEUED, 2);
      yield* e.calls('eventSet', STATUS_OK, e.me);
      yield* e.has(SET, 0);
      yield* e.is(a!, STATE_GRANTED);
      yield* e.is(b!, STATE_GRANTED);
      yield* e.owes(a!, 0);
      yield* e.calls('eventWait', STATUS_OK, e.me, 0);
      yield* waits(a!, STATUS_OK);
      expect(yield* call('eventClear', cell, e.it.stamp + 1), STATUS_DESTROYED);
      yield* e.has(SET, 0);
      expect(yield* call('eventClear', cell, e.it.stamp), STATUS_OK);
      yield* waits(c!, STATUS_PENDING);
      yield* e.has(QUEUED, 1);
      // As a setter leaves it that dies on its way to the first.
      yield mark(cell, SET);
      yield mark(cell + CELL_GENERATION, (yield* get(cell + CELL_GENERATION)) + 1);
      yield* e.is(c!, STATE_AWAITED);
      yield* e.calls('eventSet', STATUS_OK, e.me);
      yield* e.is(c!, STATE_AWAITED);
      yield* call('reapCell', cell, e.me, 0);
      yield* e.is(c!, STATE_GRANTED);
      yield* e.has(SET, 0);
      // Or it was cleared meanwhile: those that come then stand behind the others, and stay.
      expect(yield* call('eventClear', cell, e.it.stamp), STATUS_OK);
      yield* waits(a!, STATUS_PENDING);
      yield mark(cell, 0);
      yield mark(cell + CELL_GENERATION, (yield* get(cell + CELL_GENERATION)) + 1);
      yield* waits(b!, STATUS_PENDING);
      yield* call('reapCell', cell, e.me, 0);
      yield* e.is(a!, STATE_GRANTED);
      yield* e.is(b!, STATE_AWAITED);
      yield* e.has(QUEUED, 1);
      yield* e.calls('eventSet', STATUS_OK, e.me);
      yield* e.is(b!, STATE_GRANTED);
    },
  ),
  sequence(
    'barrier',
    'who leaves breaks it, but for one at the entry',
    4,
    (world) => world.barrier(3),
    nothing,
    function* (b, p, q, r, s) {
      const arrives = (waiter: number, result: number) => b.calls('barrierWait', result, waiter, FOR_EVER, WITH_ACTION);
      const ends = (result: number, from: number, verdict: number, to: number) =>
        b.calls('barrierEnd', result, b.me, 0, from, verdict, to);
      yield* arrives(p!, STATUS_PENDING);
      yield* arrives(q!, STATUS_PENDING);
      yield* b.has(2 * UNIT, 2);
      expect(yield* call('barrierWait', b.it.cell, b.it.stamp, r!, FOR_EVER, NOT_LAST), STATUS_BUSY);
      yield* arrives(r!, 2);
      yield* b.has(b.me + ACTION, 2);
      const generation = yield* get(r! + CELL_GENERATION);
      yield* arrives(s!, STATUS_PENDING);
      yield* b.has(b.me + ACTION, 3);
      yield* b.does('barrierLeave', s!);
      yield* b.has(b.me + ACTION, 2);
      yield* arrives(s!, STATUS_PENDING);
      // All have arrived, so that one of them breaks nothing any more.
      yield* b.calls('barrierEnd', 0, b.me, generation, FILLING, STATE_BROKEN, BROKEN);
      yield* b.calls('barrierEnd', 1, b.me, generation, ACTION, STATE_GRANTED, FILLING);
      yield* b.has(FILLING, 0);
      yield* b.is(p!, STATE_GRANTED);
      yield* b.is(q!, STATE_GRANTED);
      yield* b.is(s!, STATE_WOKEN);
      yield* arrives(s!, STATUS_PENDING);
      yield* arrives(p!, STATUS_PENDING);
      yield* call('barrierLeave', b.it.cell, b.it.stamp, s!);
      yield* b.has(BROKEN, 0);
      yield* b.is(s!, STATE_BROKEN);
      yield* b.is(p!, STATE_BROKEN);
      yield* b.owes(p!, 0);
      yield* arrives(q!, STATUS_BROKEN);
      yield* ends(1, ANY, STATE_BROKEN, FILLING);
      yield* b.has(FILLING, 0);
      yield* arrives(p!, STATUS_PENDING);
      yield* arrives(q!, STATUS_PENDING);
      // As the last to arrive leaves it that dies on its way to the first.
      yield mark(b.it.cell, FILLING);
      yield mark(b.it.cell + CELL_GENERATION, (yield* get(b.it.cell + CELL_GENERATION)) + 1);
      yield mark(b.it.cell + VERDICT, STATE_GRANTED);
      yield* ends(1, ANY, STATE_BROKEN, BROKEN);
      yield* b.is(p!, STATE_GRANTED);
      yield* b.is(q!, STATE_GRANTED);
      yield* b.has(BROKEN, 0);
      const { cell, stamp } = b.it;
      expect(yield* call('barrierEnd', cell, stamp + 1, b.me, 0, ANY, STATE_BROKEN, FILLING), 0);
      yield* b.has(BROKEN, 0);
    },
  ),
  ...overBoth(
    'a wait gives the lock back and has it again, and its pin goes once',
    3,
    function* (c, { lock, recursive, kind, of }, a, b, d) {
      const name = (waiter: number): number => (recursive ? waiter : c.me | HELD_BY_TASK);
      const waits = (waiter: number) =>
        c.calls('condWait', STATUS_PENDING, waiter, name(waiter), FOR_EVER, Number(recursive));
      const pinned = function* (count: number): Script {
        const pins = yield* get(lock + CELL_PINS);
        if (pins !== count) throw new Objection(`there are ${pins} pins in place of ${count}`);
      };
      yield* c.calls('condWait', STATUS_NOT_HELD, a!, name(a!), FOR_EVER, Number(recursive));
      for (const waiter of [a!, b!]) {
        yield* of(`${kind}Acquire`, STATUS_OK, name(waiter), 0);
        yield* waits(waiter);
      }
      yield* c.has(0, 2);
      yield* pinned(2);
      yield* c.calls('condNotify', STATUS_NOT_HELD, c.me, 1, Number(recursive));
      yield* of(`${kind}Acquire`, STATUS_OK, c.me, 0);
      yield* c.calls('condNotify', STATUS_OK, c.me, 1, Number(recursive));
      yield* c.has(0, 1);
      yield* c.owes(a!, lock);
      yield* of(`${kind}Release`, STATUS_OK, c.me);
      yield* c.is(a!, STATE_WOKEN);
      yield* of('acquire', STATUS_OK, a!, name(a!), FOR_EVER, WOKEN);
      yield* c.owes(a!, 0);
      yield* call('condEnd', a!, recursive ? 2 : 0);
      yield* pinned(1);
      yield* call('unpin', a!);
      yield* pinned(1);
      if (recursive) {
        expect(yield* get(lock + RLOCK_DEPTH), 2);
        yield* of('rlockRelease', STATUS_OK, a!);
        yield* of('rlockRelease', STATUS_OK, a!);
      }
      yield* of(`${kind}Release`, STATUS_OK, name(a!));
      // The thread blocks beside its task, which is notified and gets the lock: they change places.
      const budget = yield* call('waitAsTask', c.me);
      expect(yield* get(c.me + THREAD_MAX_SPINS), NEVER_SLEEPS);
      expect(yield* get(c.me + THREAD_SPIN_BUDGET), NEVER_SLEEPS);
      yield* of(`${kind}Acquire`, STATUS_OK, c.me, 0);
      yield* c.calls('condWait', STATUS_PENDING, c.me, c.me, FOR_EVER, Number(recursive));
      yield* of(`${kind}Acquire`, STATUS_OK, name(d!), 0);
      yield* waits(d!);
      yield* c.has(0, 3);
      yield* of(`${kind}Acquire`, STATUS_OK, name(a!), 0);
      yield* c.calls('condNotify', STATUS_OK, name(a!) & -UNIT, 1, Number(recursive));
      yield* of(`${kind}Release`, STATUS_OK, name(a!));
      yield* c.is(b!, STATE_WOKEN);
      yield* c.calls('condExchange', 1, c.me, b!);
      yield* c.has(0, 2);
      yield* c.owes(b!, c.it.cell);
      yield* c.owes(c.me, lock);
      expect(yield* get(c.me + CELL_WORD), STATE_WOKEN);
      expect(yield* get(b! + CELL_WORD), STATE_AWAITED);
      // It stands there no more.
      yield* c.calls('condExchange', 0, c.me, d!);
      yield* of('acquire', STATUS_OK, c.me, c.me, FOR_EVER, WOKEN);
      yield* call('condEnd', c.me, 0);
      yield* call('waitAsThread', c.me, 77, budget);
      expect(yield* get(c.me + THREAD_MAX_SPINS), 77);
      expect(yield* get(c.me + THREAD_SPIN_BUDGET), budget);
      yield* pinned(2);
      if (recursive) {
        yield* c.calls('cancelWait', STATUS_TIMEOUT, d!, 0);
        yield* c.has(0, 1);
        yield* c.calls('cancelWait', STATUS_TIMEOUT, b!, 0);
      } else {
        yield* c.calls('cancelWait', STATUS_TIMEOUT, b!, 0);
        yield* c.calls('condNotify', STATUS_OK, c.me, 1, 0);
        yield* c.owes(d!, lock);
        yield* of('cancelWait', STATUS_TIMEOUT, d!, 0);
      }
      yield* c.has(0, 0);
      yield* call('unpin', b!);
      yield* call('unpin', d!);
      yield* pinned(0);
      yield* of(`${kind}Release`, STATUS_OK, c.me);
    },
  ),
  ...overBoth(
    'the host throws when a thread was notified, and it has the lock again',
    2,
    function* (c, { lock, recursive, kind, of }, a, b) {
      yield* call('waitAsTask', c.me);
      yield* of(`${kind}Acquire`, STATUS_OK, c.me, 0);
      yield* c.calls('condWait', STATUS_PENDING, c.me, c.me, FOR_EVER, Number(recursive));
      yield* of(`${kind}Acquire`, STATUS_OK, a!, 0);
      yield* c.calls('condNotify', STATUS_OK, a!, 1, Number(recursive));
      yield* of('acquire', STATUS_PENDING, b!, b!, FOR_EVER, 0);
      yield* of(`${kind}Release`, STATUS_OK, a!);
      yield* c.is(c.me, STATE_WOKEN);
      // Its wake-up goes to the next, which comes in vain.
      yield* call('condUndo', c.me, 0);
      yield* c.owes(c.me, 0);
      yield* c.is(b!, STATE_WOKEN);
      expect(yield* get(lock), c.me + WOKEN);
      expect(yield* get(lock + CELL_PINS), 0);
      // Once more; now it was handed the lock when the host throws.
      yield* c.calls('condWait', STATUS_PENDING, c.me, c.me, FOR_EVER, Number(recursive));
      yield* of('acquire', STATUS_OK, b!, b!, FOR_EVER, WOKEN);
      yield* c.calls('condNotify', STATUS_OK, b!, 1, Number(recursive));
      yield* of(`${kind}Release`, STATUS_OK, b!);
      yield* c.is(c.me, STATE_WOKEN);
      yield* of(`${kind}Acquire`, STATUS_OK, a!, 0);
      yield* of('acquire', STATUS_PENDING, c.me, c.me, FOR_EVER, WOKEN | HANDOFF);
      yield* of('acquire', STATUS_PENDING, b!, b!, FOR_EVER, 0);
      yield* of(`${kind}Release`, STATUS_OK, a!);
      yield* c.is(c.me, STATE_GRANTED);
      yield* call('condUndo', c.me, 0);
      yield* c.owes(c.me, 0);
      yield* c.is(b!, STATE_WOKEN);
      expect(yield* get(lock), c.me + WOKEN);
      expect(yield* get(lock + CELL_PINS), 0);
      // A second time there is nothing to withdraw.
      yield* call('condUndo', c.me, 3);
      expect(yield* get(lock + RLOCK_DEPTH), 0);
      yield* call('waitAsThread', c.me, 0, 0);
      yield* call('undo', b!);
      yield* of(`${kind}Release`, STATUS_OK, c.me);
    },
  ),
  ...overBoth(
    'the host throws before a thread has released the lock, and it has it still',
    0,
    function* (c, { lock, recursive, kind, of }) {
      yield* call('waitAsTask', c.me);
      yield* of(`${kind}Acquire`, STATUS_OK, c.me, 0);
      yield* c.calls('condWait', STATUS_PENDING, c.me, c.me, FOR_EVER, Number(recursive));
      // As it is when it stands in the queue, and its stack is full on the way to the release.
      yield* of(`${kind}Acquire`, STATUS_OK, c.me, 0);
      yield* call('condUndo', c.me, Number(recursive));
      yield* c.owes(c.me, 0);
      yield* c.has(0, 0);
      expect(yield* get(lock), c.me);
      expect(yield* get(lock + CELL_PINS), 0);
      if (recursive) yield* of('rlockRelease', STATUS_OK, c.me);
      yield* of(`${kind}Release`, STATUS_OK, c.me);
      expect(yield* get(lock), 0);
      yield* call('waitAsThread', c.me, 0, 0);
    },
  ),
  ...overBoth('a thread that was notified, too, does not change places with its task', 2, function* (c, own, a, b) {
    const { lock, kind, of } = own;
    yield* handed(c, own, a!, b!, 2);
    yield* c.calls('condExchange', 0, c.me, b!);
    expect(yield* get(lock), b! + QUEUED);
    yield* call('condEnd', b!, 0);
    yield* of(`${kind}Release`, STATUS_OK, b!);
    yield* c.is(c.me, STATE_WOKEN);
    yield* of('acquire', STATUS_OK, c.me, c.me, FOR_EVER, WOKEN);
    yield* call('condEnd', c.me, 0);
    yield* call('waitAsThread', c.me, 0, 0);
    yield* of(`${kind}Release`, STATUS_OK, c.me);
  }),
  ...overBoth(
    'a thread that changes places with its task has the lock that the task was handed',
    2,
    function* (c, own, a, b) {
      const { lock, kind, of } = own;
      yield* handed(c, own, a!, b!, 1);
      yield* c.calls('condExchange', 1, c.me, b!);
      expect(yield* get(c.me + CELL_WORD), STATE_GRANTED);
      expect(yield* get(lock), c.me);
      yield* call('accept', c.me, 0);
      yield* call('condEnd', c.me, 0);
      yield* call('waitAsThread', c.me, 0, 0);
      yield* of(`${kind}Release`, STATUS_OK, c.me);
      yield* c.calls('cancelWait', STATUS_TIMEOUT, b!, 0);
      yield* call('unpin', b!);
    },
  ),
];
