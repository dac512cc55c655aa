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
 *   0          clear, nobody waits                SET by set (one compare-exchange); QUEUED by wait (guard)
 *   QUEUED     clear, somebody waits              SET by set, 0 when the last gives up (both under the guard)
 *   SET        set                                0 by clear
 *
 * A waiter remembers the generation that it came in. `set` starts a new one, then lets all older waiters through: those
 * who stood there at the moment of `set` go on, also when `clear` follows at once; those who come after `clear` have
 * the new generation and stay.
 *
 * A setter that dies on its way leaves waiters of an earlier generation in the queue of a set event: the next `set`, and
 * whoever of them gives up, let the others through.
 */

export function eventWait(cell: Cell, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  let deadline: f64 = 0;
  let queueLength = 0;
  do {
    const word = loadWord(cell);
    if (word & SET) return STATUS_OK;
    if (timeout == 0) return STATUS_TIMEOUT;
    // Before it stands in the queue: the host may throw.
    if (!deadline) deadline = timeout == Infinity ? timeout : clock() + timeout;
    queueLength = enqueueIf(cell, stamp, thread, 0, word, QUEUED, QueueEnd.BACK);
    if (queueLength < 0) return queueLength;
  } while (!queueLength);
  if (isTask(thread)) return STATUS_PENDING;
  if (park(thread, deadline, queueLength) > STATE_PARKED) return STATUS_OK;
  const status = cancelWait(cell, stamp, thread);
  // Set, and not told: perhaps the setter died on its way to it, and to the others.
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
