import {
  ABANDONED,
  CELL_PREV,
  CELL_WORD,
  HELD_BY_TASK,
  KIND_BOUNDED_SEMAPHORE,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_TASK,
  THREAD_ADD_TO_ACQUIRE,
  THREAD_QUEUED_ON,
  UNIT,
  WOKEN,
} from '../assembly/abi.ts';

/**
 * Turns. A thread that was woken for a Lock, an RLock or a permit computes, perhaps, or its event loop sleeps: then what it
 * was woken for is free, and the others wait beside it. They may do what a newcomer may, and take it; in their order, as far
 * as they come.
 *
 * A blocked thread that finds another blocked one before it leaves that to it. One that has only tasks before it gives those
 * some time: of a thread whose event loop turns they look, too. All that is read here is of others, and may be over at once.
 * The core decides (`cancelWait`): at the worst, one goes before another.
 */

/** An arena as this thread sees it, as far as it is needed here. */
export interface Queues {
  load(cell: number, field: number): number;
  /** What begins at an address, as the map has it; 0 where nothing can. */
  kindAt(address: number): number;
}

/** Which waiters stand before one: none; tasks; a blocked thread, at least. */
type Ahead = 'nobody' | 'tasks' | 'a thread';

export const isAcquired = (kind: number): boolean => kind >= KIND_LOCK && kind <= KIND_BOUNDED_SEMAPHORE;

/** The most tasks that are looked at. */
const MOST = 64;

/** What stands before a waiter in the queue of a Lock, an RLock or a Semaphore. Of others, no waiter takes a turn. */
export function aheadOf(arena: Queues, cell: number, waiter: number): Ahead {
  if (!isAcquired(arena.kindAt(cell))) return 'a thread';
  for (let before = waiter, tasks = 0; tasks <= MOST; tasks++) {
    // May be over at once, and then leads anywhere: only what the map knows is read.
    before = arena.load(before, CELL_PREV);
    if (before === cell) return tasks === 0 ? 'nobody' : 'tasks';
    if (arena.kindAt(before) !== KIND_TASK) return 'a thread';
  }
  return 'a thread';
}

/**
 * Whether a waiter may soon be the one to take its turn: a task stands right before it, or was woken, and may be long in
 * coming. A blocked thread comes by itself; if it has died, a nap is soon enough.
 */
export function mayBeNext(arena: Queues, cell: number, waiter: number): boolean {
  const kind = arena.kindAt(cell);
  if (!isAcquired(kind)) return false;
  // All of it may be over at once.
  const before = arena.load(waiter, CELL_PREV);
  if (before !== cell) return arena.kindAt(before) === KIND_TASK;
  // Wakers in flight.
  return (arena.load(cell, CELL_WORD) & ((kind <= KIND_RLOCK ? ABANDONED : HELD_BY_TASK) - WOKEN)) !== 0;
}

/** Whether what a waiter stands in the queue for is free, and may be taken out of turn. */
export function isFree(arena: Queues, waiter: number): boolean {
  // May be over at once.
  const cell = arena.load(waiter, THREAD_QUEUED_ON);
  if (!isAcquired(arena.kindAt(cell))) return false;
  // The waiter's thread writes it before it enters a queue; the word is as it is at this moment.
  const permits = (arena.load(waiter, THREAD_ADD_TO_ACQUIRE) | 0) === -UNIT;
  return arena.load(cell, CELL_WORD) >= UNIT === permits;
}
