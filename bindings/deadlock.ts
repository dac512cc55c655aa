import {
  ACTION,
  CELL_WORD,
  KIND_BARRIER,
  KIND_LOCK,
  KIND_RLOCK,
  STATE_PARKED,
  THREAD_PIN,
  THREAD_QUEUED_ON,
  UNIT,
} from '../assembly/abi.ts';
import { now } from './clock.ts';
import { DeadlockError } from './errors.ts';
import { POLICY, warn } from './host.ts';
import type { SharedWords } from './memory.ts';
import {
  ENDLESS,
  type Introduced,
  KINDS,
  labelOf,
  nameOf,
  noteWait,
  policyIn,
  threadOf,
  waitOf,
} from './thread-info.ts';
import { checkChoice, show } from './validate.ts';

/**
 * Deadlocks: threads that wait for each other in a circle. A blocked thread that waits for a lock waits for the lock's owner;
 * what a task of a blocked thread owns is the thread's, as the task cannot run. A thread in its event loop waits for nothing:
 * its tasks may let go of what they own. A Semaphore, an Event and a Condition have no owner. So there are circles that are
 * not found, and none that is not there:
 *
 * The word of a lock and a waiter's record are read one after the other, so one walk may put together what never was at one
 * time, and a wait with a timeout may end. A thread that is blocked without a timeout and finds a circle through itself
 * looks at it again and again. It owns the lock before it in the circle all the while. If the owner of the next one was seen
 * in its nap meanwhile, blocked there without a timeout (`waitOf` has changed), it will not come back: it owns what it owns
 * for good. After the next look the same is true of the one before it; after as many looks as there are threads, of all. What
 * was seen in one wait counts in that wait only.
 *
 *   in the circle                   becomes
 *   ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   RLocks only                     for ever: only owners release an RLock. One of the threads, that with the greatest record
 *                                   among those that may (not in a Condition's wait, which must end with its lock held),
 *                                   leaves the queue with a DeadlockError
 *   a Lock, or a Barrier's action   for ever, unless another thread releases the Lock: one of the threads says so, once
 *
 * The one that acts needs news of the others, and wakes them to look; any other one wakes the one that acts. Each does so once
 * in a while, and for some seconds.
 */

/** One thread waits for another, as it was at some moment. */
export interface Edge {
  readonly thread: number;
  readonly cell: number;
  readonly kind: number;
  /** The thread that owns what is waited for, or whose task does. */
  readonly owner: number;
}

/** An arena as this thread sees it, as far as it is needed here. */
export interface Watched extends Introduced, Pick<SharedWords, 'notify'> {
  circle: Circle | undefined;
  /** Runs what may call the program, which must not use the arena meanwhile. */
  withoutCalls(act: () => void): void;
}

/** A circle that this thread looks at, in the present wait. */
export interface Circle {
  readonly key: string;
  /** When it was first seen, ms. */
  readonly since: number;
  /** How often it was seen with news of all. */
  looks: number;
  /** In which waits the threads were last seen. */
  waits: readonly number[];
  /** When others were last woken, ms. */
  woken: number;
  told: boolean;
}

/** What a thread does that finds a circle through itself. */
export type DeadlockPolicy = 'throw' | 'warn' | 'off';

const WARNS = 1;
const DEFAULT = 2;
const THROWS = 3;
const POLICIES = { throw: THROWS, warn: WARNS, off: 0 };
/** Of this thread. Shared by copies of the package: of them the one that came first to an arena looks. */
const shared = globalThis as { [POLICY]?: number };

/**
 * What this thread does when it blocks, without a timeout, in a circle of threads that wait for each other's locks.
 *
 * Until this is called: of RLocks, one of the threads gets a `DeadlockError`, and the others go on when it has released
 * what it holds. If there is a Lock among them, which any thread may release, one of the threads warns (`process.emitWarning`,
 * `console.warn`), a second after it was found, and waits on.
 *
 * @example
 * ```js
 * import { setDeadlockPolicy } from 'lockwork';
 *
 * setDeadlockPolicy('throw'); // in each thread: no Lock of this program is a signal
 * ```
 *
 * @param policy `'throw'`: the error, of Locks, too; `'warn'`: the warning, of RLocks, too; `'off'`: neither. Of the thread
 *   that calls it: each has its own. The error goes before the warning: a thread with `'warn'` says nothing while another one
 *   of the circle leaves it
 * @throws TypeError, RangeError when it is none of these
 */
export function setDeadlockPolicy(policy: DeadlockPolicy): void {
  shared[POLICY] = checkChoice(policy, POLICIES, 'setDeadlockPolicy: the policy');
}

/** What a thread that is blocked waits for; undefined when nobody in particular must come. */
export function edgeOf(arena: Introduced, thread: number): Edge | undefined {
  // All of it may be over at once: see above.
  const cell = arena.load(thread, THREAD_QUEUED_ON);
  const kind = arena.kindAt(cell);
  if (kind !== KIND_LOCK && kind !== KIND_RLOCK && kind !== KIND_BARRIER) return undefined;
  // So may these.
  if ((arena.load(thread, CELL_WORD) | 0) > STATE_PARKED) return undefined;
  const word = arena.load(cell, CELL_WORD);
  if (kind === KIND_BARRIER && !(word & ACTION)) return undefined;
  const owner = threadOf(arena, (word & -UNIT) >>> 0);
  return owner ? { thread, cell, kind, owner } : undefined;
}

/** The most threads in a circle. */
const MOST = 256;

/** The circle through a thread; undefined when there is none. */
export function circleOf(arena: Introduced, thread: number): Edge[] | undefined {
  const edges: Edge[] = [];
  for (let at = thread; edges.length < MOST; at = edges.at(-1)!.owner) {
    const edge = edgeOf(arena, at);
    if (!edge) return undefined;
    edges.push(edge);
    if (edge.owner === thread) return edges;
  }
  return undefined;
}

/** How long (ms) before a circle that may end is told of; after which it is looked at no more often than other waits are. */
const PATIENCE = 900;
const GIVEN_UP = 3_000;
/** The least time (ms) between two looks that wake others. */
const INTERVAL = 40;

/**
 * This thread is blocked, has slept for a nap, and still stands in its queue. Answers whether it should look again
 * soon; or the error with which it must leave.
 */
export function checkDeadlock(arena: Watched, endless: boolean): boolean | DeadlockError {
  const { thread } = arena;
  const { [POLICY]: chosen = DEFAULT } = shared;
  // Its own. A Condition's waiter that comes back for its lock has no deadline any more.
  const cell = arena.load(thread, THREAD_QUEUED_ON);
  const stays = endless || cell === arena.load(thread, THREAD_PIN);
  noteWait(arena, cell, stays, chosen);
  const edges = (stays && chosen && circleOf(arena, thread)) || [];
  const waits = edges.map((edge) => waitOf(arena, edge.thread));
  // News of another wait is none.
  const isThere = (wait: number, i: number): boolean => (wait & -UNIT) >>> 0 === edges[i]!.cell;
  // There is none, or it may end: a wait has a timeout.
  if (edges.length === 0 || waits.some((wait, i) => isThere(wait, i) && !(wait & ENDLESS))) {
    arena.circle = undefined;
    return false;
  }
  const time = now();
  const key = edges.map(Object.values).join();
  if (arena.circle?.key !== key) arena.circle = { key, since: time, looks: 0, waits: [], woken: 0, told: false };
  const circle = arena.circle!;
  if (circle.told) return false;
  if (waits.every((wait, i) => isThere(wait, i) && wait !== circle.waits[i])) {
    circle.looks++;
    circle.waits = waits;
  }
  const age = time - circle.since;
  const soon = age < Math.max(GIVEN_UP, edges.length * 2 * INTERVAL);
  // What each of them does it has noted. Exact as soon as there is news of all.
  const does = (least: number): Edge[] => edges.filter((_, i) => policyIn(waits[i]!) >= least);
  // One that comes back from a Condition's wait must have its lock. Written before it was blocked.
  const victims = does(edges.every(({ kind }) => kind === KIND_RLOCK) ? DEFAULT : THROWS).filter(
    (edge) => arena.load(edge.thread, THREAD_PIN) === 0,
  );
  const throws = victims.length > 0;
  const acts = Math.max(...(throws ? victims : does(WARNS)).map((edge) => edge.thread));
  if (soon && time - circle.woken >= INTERVAL) {
    circle.woken = time;
    // The one that acts needs news of all; the others need it to look.
    for (const other of edges) if (acts === thread || acts === other.thread) arena.notify(other.thread);
  }
  // The first look has no news.
  if (acts !== thread || circle.looks <= edges.length) return soon;
  const text = textOf(arena, edges);
  if (throws) return new DeadlockError(`${describe(arena, edges[0]!)}: this would wait for ever: ${text}`);
  if (age < PATIENCE) return soon;
  circle.told = true;
  const detail = "LOCKWORK_HANG=5000 shows where, setDeadlockPolicy('throw') throws";
  arena.withoutCalls(() => warn(`lockwork: threads wait for each other: ${text}`, detail));
  return false;
}

function describe(arena: Introduced, { cell, kind }: Edge): string {
  const label = labelOf(arena, cell);
  return KINDS[kind as keyof typeof KINDS] + (label && ` ${show(label)}`);
}

/** A circle in words. */
export function textOf(arena: Introduced, edges: readonly Edge[]): string {
  const name = (thread: number): string => show(nameOf(arena, thread).name);
  return edges
    .map((edge) => `${name(edge.thread)} waits for ${describe(arena, edge)}, held by ${name(edge.owner)}`)
    .join('; ');
}
