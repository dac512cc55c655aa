import { AT_FRONT, CELL_PREV, CLOCKLESS, STATE_AWAITED, STATE_GRANTED, STATE_PARKED, STATE_WOKEN, STATUS_DESTROYED, STATUS_NOT_HELD, STATUS_OK, STATUS_PENDING } from "./abi";
import { Status } from "./types";
import { Cell, loadWord, seemsAlive } from "./cell";
import { deadlineAfter } from "./futex";
import { awaitVerdicts, lockQueueLate, tryLockQueue, unlockQueue } from "./queue-lock";
import { unlock } from "./lock";
import { letRun, park } from "./parker";
import { cancelWait, dequeueHead, enqueue, enqueueIf, QUEUED, QueueEnd } from "./queue";
import { acquire, rename, wakeWaiters } from "./resource";
import { ownedBy, RLock } from "./rlock";
import { isTask, setQueuedOn, queuedOn, Thread } from "./thread";
import { withdraw } from "./withdraw";
import { held } from "./word";

/**
 * A queue of waiters that released a lock until they are notified. Its word is not used.
 *
 *   44  lock       the Lock's or RLock's cell
 *   48  lockStamp  its stamp
 *
 *   a waiter stands in           leaves it by
 *   ───────────────────────────────────────────────────────────────────────────────────────────
 *   the Condition's queue        notify: into the lock's queue, in one step under both queue locks
 *                                its deadline: it leaves, and acquires the lock as a newcomer
 *   the lock's queue             as any waiter of the lock (resource.ts); its deadline counts no more
 *
 * Moving instead of waking ("wait morphing", as in nsync): the notifier holds the lock, so a woken waiter could only
 * run into it. The one step makes `notify` exact: a waiter that times out either stands in the Condition's queue, and no
 * notify was spent on it, or was notified.
 *
 * A Condition may be destroyed as soon as its queue is empty: a notified waiter reads nothing of it on its way to the
 * lock. The lock stays: each wait has a pin on it, and the waiter's record names the lock. While a waiter stands in the
 * Condition's queue, the lock is held or has its pin; so a Condition whose lock could be destroyed can be destroyed, too.
 */
@unmanaged
class Condition extends Cell {
  lock: RLock;
  lockStamp: i32;
}

/** OK when both cells live and the lock is held: an RLock (`recursive`) by this owner, a Lock by any thread. */
function checkHeld(cell: Condition, stamp: i32, owner: Thread, recursive: bool): Status {
  const lock = cell.lock;
  if (!seemsAlive(cell, stamp) || !seemsAlive(lock, cell.lockStamp)) return STATUS_DESTROYED;
  const word = loadWord(lock);
  return (recursive ? ownedBy(word, owner) : held(word)) ? STATUS_OK : STATUS_NOT_HELD;
}

/**
 * `addToAcquire`: the owner, as it is in the lock's word. After PENDING the task itself acquires the lock in the end, and
 * then calls `conditionEnd` with the RLock's depth from before.
 */
export function conditionWait(
  cell: Condition,
  stamp: i32,
  thread: Thread,
  addToAcquire: i32,
  timeout: f64,
  recursive: bool,
): Status {
  let status = checkHeld(cell, stamp, changetype<Thread>(addToAcquire), recursive);
  if (status != STATUS_OK) return status;
  // Read now: after the wait the Condition may be gone.
  const lock = cell.lock;
  const lockStamp = cell.lockStamp;
  // A plain Lock has 0 there.
  const depth = lock.depth;
  // Before the waiter stands in the queue: the host's clock may throw.
  const deadline = deadlineAfter(timeout);
  // Enter the queue, then release: the next holder of the lock may notify, and must find this waiter.
  const queueLength = enqueueIf(cell, stamp, thread, addToAcquire, 0, 0, QueueEnd.BACK);
  if (queueLength < 0) return queueLength;
  atomic.add<i32>(changetype<usize>(lock), 1, offsetof<Cell>("pins"));
  thread.pin = changetype<usize>(lock);
  lock.depth = 0;
  unlock(lock, lockStamp, thread);
  if (isTask(thread)) return STATUS_PENDING;

  // A notified waiter stands in the lock's queue, and may take its turn there.
  let flags = QUEUED;
  const state = park(thread, deadline, queueLength, lock, lockStamp, true);
  if (state == STATE_WOKEN) letRun(thread, lock);
  if (state <= STATE_PARKED) {
    if (!queuedOn(thread)) flags = AT_FRONT;
    else {
      status = cancelWait(cell, stamp, thread, false);
      if (status != STATUS_OK) flags = 0;
    }
  }
  const acquired = acquire(lock, lockStamp, thread, addToAcquire, Infinity, flags);
  conditionEnd(thread, depth);
  return acquired != STATUS_OK ? acquired : status;
}

/** The waiter holds the lock again, as often as before. */
export function conditionEnd(waiter: Thread, depth: i32): void {
  changetype<RLock>(waiter.pin).depth = depth;
  unpin(waiter);
}

/** The waiter holds the lock again, or its thread ends and it never will. */
export function unpin(waiter: Thread): void {
  const lock = waiter.pin;
  if (!lock) return;
  waiter.pin = 0;
  atomic.sub<i32>(lock, 1, offsetof<Cell>("pins"));
}

/**
 * The host threw in the midst of a wait. The wait is over, and the lock is held again, as often as before. Nothing here
 * asks the host.
 */
export function conditionWithdraw(thread: Thread, depth: i32): void {
  const lock = changetype<RLock>(thread.pin);
  if (!lock) return;
  // The thread may not have released the lock yet.
  withdraw(thread);
  if (!ownedBy(loadWord(lock), thread)) acquire(lock, lock.stamp, thread, changetype<i32>(thread), Infinity, CLOCKLESS);
  conditionEnd(thread, depth);
}

/** Moves up to `n` waiters into the lock's queue, oldest first. */
export function conditionNotify(cell: Condition, stamp: i32, thread: Thread, n: u32, recursive: bool): Status {
  const status = checkHeld(cell, stamp, thread, recursive);
  if (status != STATUS_OK) return status;
  const lock = cell.lock;
  const lockStamp = cell.lockStamp;
  // While the lock is held, no thread begins to wait. Later the Condition may be gone.
  if (!atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("length"))) return STATUS_OK;
  while (n && lockQueueLate(cell, stamp, thread)) {
    const head = changetype<Thread>(cell.next);
    if (head == cell) {
      unlockQueue(cell);
      break;
    }
    // Only a try: a thread must not wait for a queue lock while it holds another.
    const both = tryLockQueue(lock);
    let free = false;
    if (both) {
      dequeueHead(cell, head.next);
      // Before `queuedOn`, with which its own thread reads it (withdraw.ts).
      head.generation = lock.generation;
      setQueuedOn(head, lock);
      enqueue(lock, lock, head);
      // The lock is free if another thread released a plain Lock meanwhile. Then no release will come to wake the waiter.
      free = !held(atomic.or<i32>(changetype<usize>(lock), QUEUED));
      unlockQueue(lock);
    }
    unlockQueue(cell);
    if (both) n--;
    else awaitVerdicts(lock, lockStamp, thread);
    if (free) wakeWaiters(lock, lockStamp, thread, false);
  }
  return STATUS_OK;
}

/**
 * A thread blocks in the Condition's queue. A task of the same thread waits there, too, and was notified and given the
 * lock's verdict, but cannot go on while its thread blocks. So they change places: the thread takes the verdict, and the
 * task the thread's place in the queue. False when the thread does not stand there any more: it was notified, too.
 */
export function conditionExchange(cell: Condition, stamp: i32, waiter: Thread, task: Thread): bool {
  const lock = changetype<RLock>(waiter.pin);
  const verdict = loadWord(task);
  let standing = false;
  if (lockQueueLate(cell, stamp, waiter)) {
    standing = loadWord(waiter) == STATE_AWAITED && queuedOn(waiter) == cell;
    if (standing) {
      const next = waiter.next;
      const prev = waiter.prev;
      task.next = next;
      task.prev = prev;
      task.generation = cell.generation;
      waiter.generation = lock.generation;
      prev.next = task;
      // Atomic: a waiter's own thread looks at it (parker.ts).
      atomic.store<usize>(changetype<usize>(next), changetype<usize>(task), CELL_PREV);
      setQueuedOn(task, cell);
      atomic.store<i32>(changetype<usize>(task), STATE_AWAITED);
      setQueuedOn(waiter, lock);
      atomic.store<i32>(changetype<usize>(waiter), verdict);
    }
    unlockQueue(cell);
  }
  // The lock was handed to the task, in its own name.
  if (standing && verdict == STATE_GRANTED) rename(lock, task.addToAcquire, waiter.addToAcquire);
  return standing;
}
