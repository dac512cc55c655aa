import { AT_ENTRY, CELL_NEXT, CELL_PREV, HANDOFF, STATE_AWAITED, STATE_PARKED, STATE_WAITING, STATE_WOKEN, STATUS_DESTROYED, STATUS_OK, STATUS_TIMEOUT, UNIT } from "./abi";
import { State, Status } from "./types";
import { alive, Cell, loadWord, storeWord, swapWord } from "./cell";
import { wake } from "./futex";
import { lockQueue, lockQueueLate, unlockQueue } from "./queue-lock";
import { post } from "./inbox";
import { isTask, queuedOn, setQueuedOn, Thread } from "./thread";
import { available, PERMIT } from "./word";

/**
 * The FIFO queue of a primitive's waiters: a ring through their own cells that begins and ends at the primitive's.
 * No end is a special case, and a waiter that gives up leaves from the middle. All of it is under the queue lock.
 *
 * An unparker takes a waiter out of the queue and gives it its verdict in the same section (`unparkHead`); only a
 * Condition moves waiters to another queue without a verdict, and then sets their `queuedOn`. So under a queue lock, a
 * waiter's state and `queuedOn` tell whether it stands in that queue.
 *
 * After the last waiter that was due, an unparker touches the cell no more: it may be destroyed. If more are due, they
 * may give up meanwhile, or another thread may unpark them: so the next section is a latecomer's (queue-lock.ts).
 */

/** In the word of each primitive that uses it: the queue is not empty. */
export const QUEUED: i32 = 1;

/*
 * A link of a waiter is written atomically, since a thread also reads those of its own waiters without the queue lock
 * (local.ts, parker.ts). The two of the primitive, `cell`, are plain: with one waiter, the usual case, nothing else changes, and an
 * atomic store costs as much as a compare-exchange.
 */

@inline
function setNext(cell: Cell, neighbour: Cell, next: Cell): void {
  if (neighbour == cell) cell.next = next;
  else atomic.store<usize>(changetype<usize>(neighbour), changetype<usize>(next), CELL_NEXT);
}

@inline
function setPrev(cell: Cell, neighbour: Cell, prev: Cell): void {
  if (neighbour == cell) cell.prev = prev;
  else atomic.store<usize>(changetype<usize>(neighbour), changetype<usize>(prev), CELL_PREV);
}

/** Puts a waiter before the primitive itself, for the back of the queue, or before its first waiter, for the front. */
@inline
export function enqueue(cell: Cell, before: Cell, waiter: Cell): i32 {
  const prev = before.prev;
  waiter.next = before;
  atomic.store<usize>(changetype<usize>(waiter), changetype<usize>(prev), CELL_PREV);
  setNext(cell, prev, waiter);
  setPrev(cell, before, waiter);
  return atomic.add<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length")) + 1;
}

@inline
function dequeue(cell: Cell, waiter: Cell): void {
  const next = waiter.next;
  const prev = waiter.prev;
  setNext(cell, prev, next);
  setPrev(cell, next, prev);
  atomic.sub<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length"));
}

/** `dequeue` of the first waiter, before `next`: before it is the primitive. */
@inline
export function dequeueHead(cell: Cell, next: Cell): void {
  cell.next = next;
  setPrev(cell, next, cell);
  atomic.sub<i32>(changetype<usize>(cell), 1, offsetof<Cell>("length"));
}

/** Where `enqueueIf` puts a waiter. */
export const enum QueueEnd {
  BACK = 0,
  FRONT = 1,
  /** Not into the queue: only the step of the word, and the generation that goes with it. Answers 1. */
  NONE = -1,
}

/**
 * `thread`, a thread's record or a task's waiter, enters the queue, in one step with the word's from `word` to `next`:
 * another change of the word comes before, and this fails, or after, and finds the waiter. Answers the number of waiters
 * with this one, 0 when the word was another, or DESTROYED.
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
    queueLength = 0;
    if (swapWord(cell, word, next) == word) {
      queueLength = 1;
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
 * A waiter gives up. TIMEOUT: it has left the queue of `cell`. OK: too late, what it waited for has come: its state has
 * a verdict, or it was moved to another queue, or (Event) its generation has ended and it leaves before an unparker has
 * reached it.
 *
 * It is a latecomer: at the moment in which it gives up it may be unparked, and the cell destroyed.
 *
 * `forTurn`: it leaves only if what it waits for, of a Lock, RLock or Semaphore, is free: those that were woken do not come
 * for it. Then it may do what a newcomer may, and the next one looks more often (parker.ts).
 */
export function cancelWait(cell: Cell, stamp: i32, thread: Thread, forTurn: bool): Status {
  let status = STATUS_OK;
  let nudged = cell;
  if (lockQueueLate(cell, stamp, thread)) {
    if (
      queuedOn(thread) == cell &&
      loadWord(thread) <= STATE_PARKED &&
      (!forTurn || available(loadWord(cell), thread.addToAcquire == PERMIT))
    ) {
      if (thread.generation == cell.generation) status = STATUS_TIMEOUT;
      if (forTurn) nudged = thread.next;
      dequeue(cell, thread);
      setQueuedOn(thread, changetype<Cell>(0));
      if (cell.next == cell) atomic.and<i32>(changetype<usize>(cell), ~(QUEUED | HANDOFF));
    }
    unlockQueue(cell);
  }
  if (nudged != cell) wake(changetype<usize>(nudged));
  return status;
}

/**
 * Under the queue lock, which it unlocks: takes the first waiter out of the queue, gives it its verdict, and unparks it.
 * The only place where a waiter gets a verdict.
 *
 * Straight-line code to the end, so that no thread dies between the verdict and the unparking. After the unlock it
 * touches nothing: the last waiter may destroy the cell, and a reaper that finds the verdict frees a dead thread's waiter
 * (reap.ts). So the post comes before; a notify in vain does no harm.
 *
 * `isDue`: something is due to the waiter after its verdict.
 */
@inline
export function unparkHead(cell: Cell, head: Thread, next: Cell, thread: Thread, verdict: State, isDue: bool): void {
  dequeueHead(cell, next);
  // At the last moment: the waiter may look at the same cache line again and again, and gets it back after each write.
  if (!isDue) setQueuedOn(head, changetype<Cell>(0));
  const state = atomic.xchg<i32>(changetype<usize>(head), verdict);
  let sleeper: usize = 0;
  if (state == STATE_PARKED) sleeper = changetype<usize>(head);
  else if (state == STATE_AWAITED) sleeper = post(head, thread);
  unlockQueue(cell);
  if (sleeper) wake(sleeper);
}

/**
 * Event, Barrier, under the queue lock, which it unlocks: unparks the first waiter with the cell's verdict, if it is of an
 * earlier generation. Answers whether another one of an earlier generation is left. Where no waiter stands there is the cell
 * itself, which has the current generation.
 */
@inline
function unparkIfOlder(cell: Cell, thread: Thread): bool {
  const head = changetype<Thread>(cell.next);
  const generation = cell.generation;
  if (head.generation == generation) {
    unlockQueue(cell);
    return false;
  }
  const second = head.next;
  const left = second.generation != generation;
  unparkHead(cell, head, second, thread, head.addToAcquire == AT_ENTRY ? STATE_WOKEN : cell.verdict, false);
  return left;
}

/** `endGeneration`: no thread can have destroyed the cell yet, so the first section need not be a latecomer's. */
export const NOT_LATE: i32 = -2;

/**
 * Event, Barrier: ends a generation, if the current one is the one that the caller means. Sets the verdict of its waiters
 * and the word, starts the next one, and unparks all waiters of earlier ones, oldest first. Answers whether it has ended it.
 *
 * `from`: a Barrier's state, which must be the current one, and `generation`, too; or the whole word (its action, by a
 * thread that has died); or ANY, NOT_LATE: any.
 *
 * One waiter at a time, so that each stands in the queue until it has its verdict. One that times out meanwhile either
 * stands in the queue or has its verdict, and if the unparker dies half way, the rest can still be found. The cell
 * remembers one verdict only, so a generation does not end before the one before it is drained.
 *
 * After its first step the caller is a latecomer: it has let a waiter go on already.
 */
export function endGeneration(
  cell: Cell,
  stamp: i32,
  thread: Thread,
  generation: i32,
  from: i32,
  verdict: State,
  to: i32,
): bool {
  let pending = true;
  let ended = false;
  let late = from != NOT_LATE;
  while (true) {
    if (late) {
      if (!lockQueueLate(cell, stamp, thread)) return ended;
    } else lockQueue(cell, thread);
    if (pending) {
      const head = cell.next;
      const word = loadWord(cell);
      let current = <u32>from >= <u32>NOT_LATE || word == from;
      if (<u32>from < <u32>UNIT) current = cell.generation == generation && (word & (UNIT - 1)) == from;
      const drained = !late || head.generation == cell.generation;
      if (current && drained) {
        ended = true;
        cell.verdict = verdict;
        cell.generation++;
        storeWord(cell, to);
      }
      pending = current && !drained;
    }
    const left = unparkIfOlder(cell, thread);
    late = true;
    if (!pending && !left) return ended;
  }
}
