import { SET, STATE_PARKED, STATUS_DESTROYED, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT } from "./abi";
import { Status } from "./types";
import { alive, Cell, loadWord, storeWord, swapWord, waiters } from "./cell";
import { clock } from "./futex";
import { lockQueue } from "./queue-lock";
import { park } from "./parker";
import { drain, enqueueIf, cancelWait, nextGeneration, QueueEnd, QUEUED, unparkIfOlder } from "./queue";
import { isTask, Thread } from "./thread";

/**
 * A flag that threads wait for.
 *
 *   word       state                              next
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   0          clear, the queue is empty          SET by set (one compare-exchange); QUEUED by wait (queue lock)
 *   QUEUED     clear, waiters in the queue        SET by set, 0 when the last one gives up (both: queue lock)
 *   SET        set                                0 by clear
 *
 * A waiter remembers the generation in which it entered. `set` starts a new one, then lets all older waiters through:
 * all that stood in the queue at the moment of `set` go on, even if `clear` follows at once; waiters that enter after
 * `clear` have the new generation and stay.
 *
 * A setter that is terminated on its way leaves waiters of an earlier generation in the queue of a set Event. The next
 * `set`, or the first of them to give up, lets the others through.
 */

export function eventWait(cell: Cell, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  let deadline: f64 = 0;
  let queueLength = 0;
  do {
    const word = loadWord(cell);
    if (word & SET) return STATUS_OK;
    if (timeout == 0) return STATUS_TIMEOUT;
    // Before the waiter stands in the queue: the host's clock may throw.
    if (!deadline) deadline = timeout == Infinity ? timeout : clock() + timeout;
    queueLength = enqueueIf(cell, stamp, thread, 0, word, QUEUED, QueueEnd.BACK);
    if (queueLength < 0) return queueLength;
  } while (!queueLength);
  if (isTask(thread)) return STATUS_PENDING;
  if (park(thread, deadline, queueLength) > STATE_PARKED) return STATUS_OK;
  const status = cancelWait(cell, stamp, thread);
  // The Event was set, but this waiter not unparked: perhaps the setter was terminated on its way to it and to others.
  if (status == STATUS_OK) drain(cell, stamp, thread);
  return status;
}

export function eventSet(cell: Cell, stamp: i32, thread: Thread): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  const word = swapWord(cell, 0, SET);
  if (word == QUEUED) {
    lockQueue(cell, thread);
    storeWord(cell, SET);
    nextGeneration(cell);
    if (unparkIfOlder(cell, thread)) drain(cell, stamp, thread);
  } else if (word == SET && waiters(cell)) drain(cell, stamp, thread);
  return STATUS_OK;
}

export function eventClear(cell: Cell, stamp: i32): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  swapWord(cell, SET, 0);
  return STATUS_OK;
}
