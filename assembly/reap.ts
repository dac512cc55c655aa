import { ABANDONED, ACTION, BROKEN, HEADER_REAPER, INFO_NAME, KIND_EVENT, KIND_RLOCK, KIND_SEMAPHORE, LOCK_ABANDONER, LOCK_ON_DEATH, NOBODY, ON_DEATH_KEEP, ON_DEATH_RELEASE, STATE_BROKEN, STATE_GRANTED, TASK_EXTRA, TASK_LINE, WOKEN } from "./abi";
import { Kind } from "./types";
import { kindOf } from "./arena";
import { Cell, loadWord, stampOf, swapWord } from "./cell";
import { unpin } from "./condition";
import { endGeneration, QUEUED } from "./queue";
import { lockQueueLate, unlockQueue } from "./queue-lock";
import { wakeWaiters } from "./resource";
import { RLock } from "./rlock";
import { queuedOn, Thread } from "./thread";
import { withdraw } from "./withdraw";
import { FLAGS, ownerRecord } from "./word";

/**
 * What becomes of the things of a thread that has died. Which thread finds that out, and in which order these steps are taken:
 * bindings/reap.ts.
 *
 * A thread dies only where an engine can stop it: at a function's entry, at a loop's head, in a wait. So all that is
 * straight-line code, it has done whole or not at all; and `queuedOn` of its waiters, `pin`, the owner in a lock's word say
 * which. Each step here is one section under a queue lock, or one compare-exchange, and done once more it changes nothing:
 * when a reaper dies, another one begins anew.
 *
 * What is due to its waiters: withdraw.ts.
 *
 * The reaper acts in the name of the dead: the dead thread's record is the `thread` of the calls, with the reaper's `cores`,
 * since the reaper's own may stand in a queue (parker.ts). So it wakes its own tasks as another thread would.
 */

/** All that is due to a waiter of a dead thread goes back, its pin too, and what it counts in a queue's length. */
export function reapWaiter(waiter: Thread, cores: i32): void {
  const thread = waiter.owningThread;
  waiter.cores = cores;
  // A lock that was handed to it is abandoned, as if it had seen that.
  const cell = queuedOn(waiter);
  if (cell && kindOf(thread.arena, changetype<usize>(cell)) <= KIND_RLOCK && loadWord(waiter) == STATE_GRANTED)
    reapCell(changetype<RLock>(cell), thread, ownerRecord(waiter.addToAcquire));
  withdraw(waiter);
  unpin(waiter);
  if (thread != waiter) {
    const line = changetype<Cell>(load<usize>(changetype<usize>(waiter), TASK_LINE));
    const extra = load<i32>(changetype<usize>(waiter), TASK_EXTRA);
    // Straight-line code: another reaper finds 0.
    if (extra && lockQueueLate(line, waiter.generation, waiter)) {
      store<i32>(changetype<usize>(waiter), 0, TASK_EXTRA);
      atomic.sub<i32>(changetype<usize>(line), extra, offsetof<Cell>("length"));
      unlockQueue(line);
    }
  }
}

/**
 * What `thread`, which is dead, has left at a primitive. `owner`: it or a task of it may own this Lock or RLock; else 0.
 *
 *   Lock, RLock    it is abandoned, or what the lock's `onDeath` says
 *   all of them    waiters that can go on, and that the dead thread did not come to wake any more
 *   Barrier        the action that the dead thread ran, or was about to, has failed
 */
export function reapCell(cell: RLock, thread: Thread, owner: Thread): void {
  const stamp = stampOf(cell);
  const kind = kindOf(thread.arena, changetype<usize>(cell));
  if (kind >= KIND_EVENT) endGeneration(cell, stamp, thread, 0, changetype<i32>(thread) | ACTION, STATE_BROKEN, BROKEN);
  else {
    if (kind <= KIND_RLOCK && owner) while (!reapOwner(cell, stamp, thread, owner, kind)) {}
    wakeWaiters(cell, stamp, thread, kind >= KIND_SEMAPHORE);
  }
}

/** Takes a lock from its dead owner; false when its word has changed meanwhile. */
function reapOwner(cell: RLock, stamp: i32, thread: Thread, owner: Thread, kind: Kind): bool {
  // A plain Lock may be released by any thread, and destroyed then: not while its queue is locked.
  if (!lockQueueLate(cell, stamp, thread)) return true;
  const word = loadWord(cell);
  let done = ownerRecord(word) != owner;
  if (!done) {
    const onDeath = load<i32>(changetype<usize>(cell), LOCK_ON_DEATH);
    let next = word & FLAGS;
    if (onDeath & ON_DEATH_KEEP) next |= NOBODY;
    else if (!(onDeath & ON_DEATH_RELEASE)) {
      next = (word & (QUEUED | WOKEN)) | ABANDONED;
      const info = thread.verdict;
      if (info) {
        atomic.store<i32>(changetype<usize>(cell), load<i32>(info) << 2, LOCK_ON_DEATH);
        atomic.store<i64>(changetype<usize>(cell), load<i64>(info, INFO_NAME), LOCK_ABANDONER);
        atomic.store<i64>(changetype<usize>(cell), load<i64>(info, INFO_NAME + 8), LOCK_ABANDONER + 8);
      }
    }
    // Nobody else releases it. Any thread may release a Lock, and the next owner write there.
    if (kind == KIND_RLOCK) cell.depth = 0;
    done = swapWord(cell, word, next) == word;
  }
  unlockQueue(cell);
  return done;
}

/** Changes which thread is the reaper (bindings/reap.ts has the table). False when the word was not `current`. */
export function claimReaper(arena: usize, current: i64, next: i64): bool {
  return atomic.cmpxchg<i64>(arena, current, next, HEADER_REAPER) == current;
}
