import { CELL_NEXT, CELL_PREV, HANDOFF, STATE_AWAITED, STATE_PARKED, STATE_WAITING, STATE_WOKEN, STATUS_DESTROYED, STATUS_OK, STATUS_TIMEOUT } from "./abi";
import { State, Status } from "./types";
import { alive, Cell, loadWord, swapWord } from "./cell";
import { wake } from "./futex";
import { lockQueue, lockQueueLate, unlockQueue } from "./queue-lock";
import { post } from "./inbox";
import { isTask, queuedOn, setQueuedOn, Thread } from "./thread";

/**
 * The FIFO queue of a primitive's waiters: a ring through their own cells that begins and ends at the primitive's.
 * No end is a special case, and one that gives up leaves from the middle. All of it under the primitive's guard.
 *
 * Who takes a waiter out gives it its verdict in the same section (`unparkHead`); only a Condition moves waiters to another
 * queue without a word, and then says so in their `queuedOn`. So under the guard of a queue, a waiter's state and `queuedOn`
 * tell whether it stands there.
 *
 * Whoever has told a waiter that was the last one due touches the cell no more: it may be destroyed by then. If more are
 * due, they may give up meanwhile, or be told by somebody else: so the next section is a latecomer's (queue-lock.ts).
 */

/** In the word of every primitive that uses it: somebody stands in the queue. */
export const QUEUED: i32 = 1;

/* Links to a neighbour: a primitive's own two are also read without the guard, by threads whose tasks wait (local.ts). */

@inline
export function setNext(cell: Cell, next: Cell): void {
  atomic.store<usize>(changetype<usize>(cell), changetype<usize>(next), CELL_NEXT);
}

@inline
export function setPrev(cell: Cell, prev: Cell): void {
  atomic.store<usize>(changetype<usize>(cell), changetype<usize>(prev), CELL_PREV);
}

/** Puts a waiter before another cell: the primitive itself for the back of the queue, its first waiter for the front. */
@inline
export function enqueue(cell: Cell, before: Cell, waiter: Cell): i32 {
  const prev = before.prev;
  waiter.next = before;
  waiter.prev = prev;
  setNext(prev, waiter);
  setPrev(before, waiter);
  return atomic.add<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length")) + 1;
}

@inline
export function dequeue(cell: Cell, waiter: Cell): void {
  const next = waiter.next;
  const prev = waiter.prev;
  setNext(prev, next);
  setPrev(next, prev);
  atomic.sub<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length"));
}

/** Where `enqueueIf` puts a waiter. */
export const enum QueueEnd {
  BACK = 0,
  FRONT = 1,
  /** Nowhere: only the word's step, and the generation that goes with it. */
  NONE = -1,
}

/**
 * `thread`, a thread or a waiter of its task, enters the queue, in one step with the word's from `word` to `next`:
 * whoever else changes the word comes before, and this fails, or after, and finds the waiter. Answers how many stand
 * there now, 0 when the word was another, or DESTROYED.
 */
export function enqueueIf(
  cell: Cell,
  stamp: i32,
  thread: Thread,
  addToAcquire: i32,
  word: i32,
  next: i32,
  end: QueueEnd,
): i32 {
  let queueLength: i32 = STATUS_DESTROYED;
  lockQueue(cell, thread);
  if (alive(cell, stamp)) {
    queueLength = i32(swapWord(cell, word, next) == word);
    if (queueLength) {
      thread.generation = cell.generation;
      if (end != QueueEnd.NONE) {
        thread.addToAcquire = addToAcquire;
        setQueuedOn(thread, cell);
        atomic.store<i32>(changetype<usize>(thread), isTask(thread) ? STATE_AWAITED : STATE_WAITING);
        queueLength = enqueue(cell, end == QueueEnd.FRONT ? cell.next : cell, thread);
      }
    }
  }
  unlockQueue(cell);
  return queueLength;
}

/**
 * A waiter gives up: leaves the queue of `cell`, and answers TIMEOUT. OK when what it waited for has come: it stands
 * there no more, and its state has the verdict, or it was moved to another queue; or (Event) it stood there still, its
 * state says so, and had not been reached yet.
 *
 * It comes late: in the moment in which it gives up it may be told, and the cell destroyed.
 */
export function cancelWait(cell: Cell, stamp: i32, thread: Thread): Status {
  let status = STATUS_OK;
  if (lockQueueLate(cell, stamp, thread)) {
    if (loadWord(thread) <= STATE_PARKED && queuedOn(thread) == cell) {
      dequeue(cell, thread);
      setQueuedOn(thread, changetype<Cell>(0));
      if (cell.next == cell) atomic.and<i32>(changetype<usize>(cell), ~(QUEUED | HANDOFF));
      if (thread.generation == cell.generation) status = STATUS_TIMEOUT;
    }
    unlockQueue(cell);
  }
  return status;
}

/** Event, Barrier: under the guard: all who wait now belong to an earlier one. */
@inline
export function nextGeneration(cell: Cell): void {
  cell.generation++;
}

/**
 * Under the guard, which it gives back: takes a waiter out of the queue, gives it its verdict, and tells it. The only
 * place where a waiter gets one.
 *
 * Straight-line code to the end, so that no thread dies between the verdict and the news of it. What comes after the
 * guard is in the waiter's record, not in the cell.
 */
@inline
export function unparkHead(cell: Cell, head: Thread, thread: Thread, verdict: State): void {
  dequeue(cell, head);
  const state = atomic.xchg<i32>(changetype<usize>(head), verdict);
  unlockQueue(cell);
  if (state == STATE_PARKED) wake(changetype<usize>(head));
  else if (state == STATE_AWAITED) post(head, thread);
}

/**
 * Event, Barrier: under the guard, which it gives back: tells the first waiter, if it is of an earlier generation, the
 * cell's verdict. Answers whether one of an earlier generation is left.
 */
@inline
export function unparkIfOlder(cell: Cell, thread: Thread): bool {
  const head = changetype<Thread>(cell.next);
  if (head == cell || head.generation == cell.generation) {
    unlockQueue(cell);
    return false;
  }
  const second = head.next;
  const left = second != cell && second.generation != cell.generation;
  // Nothing else is due to it. A negative index came while the barrier's action ran, and has not arrived yet.
  setQueuedOn(head, changetype<Cell>(0));
  unparkHead(cell, head, thread, head.addToAcquire < 0 ? STATE_WOKEN : <State>cell.verdict);
  return left;
}

/**
 * Event, Barrier: lets all waiters of earlier generations through, oldest first. The caller has let somebody through
 * already, or may have been told itself: it comes late.
 *
 * One at a time, so that each stands in the queue until it has its verdict: one that times out meanwhile finds either
 * itself in the queue or the verdict in its state, and if the waker dies half way the rest can still be found.
 */
export function drain(cell: Cell, stamp: i32, thread: Thread): void {
  while (lockQueueLate(cell, stamp, thread) && unparkIfOlder(cell, thread)) {}
}
