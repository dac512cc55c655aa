import { KIND_BARRIER, KIND_BOUNDED_SEMAPHORE, KIND_CONDITION, KIND_EVENT, KIND_LOCK, STATUS_TIMEOUT } from "./abi";
import { kindOf } from "./arena";
import { barrierLeave } from "./barrier";
import { Cell, stampOf } from "./cell";
import { cancelWait } from "./queue";
import { decline } from "./resource";
import { queuedOn, setQueuedOn, Thread } from "./thread";

/**
 * The host threw in the midst of a wait (a stack overflow in the clock, say), or the waiter's thread is dead (reap.ts): all
 * that is due to it goes back. Nothing here asks the host.
 *
 *   queuedOn        state         what is due to the waiter     becomes
 *   ──────────────────────────────────────────────────────────────────────────────────────────────────────
 *   a primitive     to PARKED     its place in the queue        it leaves; a Barrier where it has arrived breaks
 *   a resource      WOKEN         a wake-up                     the next waiter's
 *   a resource      GRANTED       the lock, or a permit         goes back
 *   itself          any           nothing: it spins, or looks (thread.ts)
 *   0                             nothing
 */
export function withdraw(waiter: Thread): void {
  while (true) {
    const cell = queuedOn(waiter);
    if (!cell) return;
    const stamp = stampOf(cell);
    const kind = kindOf(waiter.arena, changetype<usize>(cell));
    if (kind == KIND_BARRIER) barrierLeave(cell, stamp, waiter);
    else if (kind == KIND_EVENT || kind == KIND_CONDITION) cancelWait(cell, stamp, waiter, false);
    // A Semaphore may be destroyed beside a waiter that has its permit and has not returned.
    else if (kind < KIND_LOCK || kind > KIND_BOUNDED_SEMAPHORE || stamp != waiter.generation)
      setQueuedOn(waiter, changetype<Cell>(0));
    else if (cancelWait(cell, stamp, waiter, false) != STATUS_TIMEOUT) decline(cell, stamp, waiter);
  }
}
