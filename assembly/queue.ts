import { Status } from "./abi";
import { alive, Cell, loadWord, swapWord } from "./cell";
import { lockGuard, unlockGuard } from "./guard";
import { conclude, notify } from "./parker";
import { setTarget, State, targetOf, Thread } from "./thread";

/**
 * The FIFO queue of a primitive's waiters: a ring through their own cells that begins and ends at the primitive's.
 * No end is a special case, and one that gives up leaves from the middle. All of it under the primitive's guard.
 *
 * Who takes a waiter out tells it why in the same section (`conclude`); only a Condition moves waiters to another queue
 * without a word, and then says so in their `target`. So under the guard of a queue, a waiter's state and target tell
 * whether it stands there.
 */

/** In the word of every primitive that uses it: somebody stands in the queue. */
export const QUEUED: i32 = 1;
/** In the word of a resource: the first in the queue was passed over for too long. Nobody there, nobody to hand to. */
export const HANDOFF: i32 = 2;

/** Puts a waiter before `place`: the primitive itself for the back of the queue, its first waiter for the front. */
@inline
export function enqueue(cell: Cell, place: Cell, waiter: Cell): void {
  const prev = place.prev;
  waiter.next = place;
  waiter.prev = prev;
  prev.next = waiter;
  place.prev = waiter;
  atomic.add<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length"));
}

@inline
export function dequeue(cell: Cell, waiter: Cell): void {
  const next = waiter.next;
  const prev = waiter.prev;
  prev.next = next;
  next.prev = prev;
  atomic.sub<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length"));
}

/** Where `enter` puts a waiter. */
export const enum Place {
  BACK = 0,
  FRONT = 1,
  /** Nowhere: only the word's step, and the generation that goes with it. */
  NONE = 2,
}

/**
 * This thread enters the queue, in one step with the word's from `word` to `next`: whoever else changes the word comes
 * before, and this fails, or after, and finds the waiter. Answers 1, 0 when the word was another, or DESTROYED.
 */
export function enter(
  cell: Cell,
  stamp: i32,
  thread: Thread,
  take: i32,
  word: i32,
  next: i32,
  place: Place,
): i32 {
  thread.take = take;
  setTarget(thread, cell);
  atomic.store<i32>(changetype<usize>(thread), State.WAITING);
  let entered: i32 = Status.DESTROYED;
  lockGuard(cell, thread);
  if (alive(cell, stamp)) {
    entered = i32(swapWord(cell, word, next) == word);
    if (entered) {
      thread.generation = cell.generation;
      if (place != Place.NONE) enqueue(cell, place == Place.FRONT ? cell.next : cell, thread);
    }
  }
  unlockGuard(cell);
  return entered;
}

/**
 * This thread gives up: leaves the queue of `cell`. False when it stands there no more: then its state has the verdict,
 * or it was moved to another queue.
 */
export function leave(cell: Cell, thread: Thread): bool {
  lockGuard(cell, thread);
  const standing = loadWord(thread) <= State.PARKED && targetOf(thread) == cell;
  if (standing) {
    dequeue(cell, thread);
    if (cell.next == cell) atomic.and<i32>(changetype<usize>(cell), ~(QUEUED | HANDOFF));
  }
  unlockGuard(cell);
  return standing;
}

/** Event, Barrier: written under the guard; read by a waiter that gave up, without it. */
@inline
export function loadGeneration(cell: Cell): i32 {
  return atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("generation"));
}

/** Event, Barrier: under the guard: all who wait now belong to an earlier one. */
@inline
export function nextGeneration(cell: Cell): void {
  atomic.add<i32>(changetype<usize>(cell), 1, offsetof<Cell>("generation"));
}

/**
 * Event, Barrier: lets all waiters of earlier generations through, oldest first, with the cell's verdict.
 *
 * One at a time, so that each stands in the queue until it has its verdict: one that times out meanwhile finds either
 * itself in the queue or the verdict in its state, and if the waker dies half way the rest can still be found.
 */
export function drain(cell: Cell, thread: Thread): void {
  while (true) {
    lockGuard(cell, thread);
    const head = changetype<Thread>(cell.next);
    const older = head != cell && head.generation != cell.generation;
    let parked = false;
    if (older) {
      dequeue(cell, head);
      // A negative index: came while the barrier's action ran, and has not arrived yet.
      parked = conclude(head, head.take < 0 ? State.WOKEN : cell.verdict);
    }
    unlockGuard(cell);
    if (!older) return;
    notify(head, parked);
  }
}
