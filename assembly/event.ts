import { SET, STATE_GRANTED, STATE_PARKED, STATUS_DESTROYED, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT } from "./abi";
import { Status } from "./types";
import { Cell, loadWord, seemsAlive, swapWord } from "./cell";
import { deadlineAfter } from "./futex";
import { park, spin } from "./parker";
import { cancelWait, endGeneration, enqueueIf, NOT_LATE, QueueEnd, QUEUED } from "./queue";
import { isTask, setQueuedOn, Thread } from "./thread";

/**
 * A flag that threads wait for.
 *
 *   word       state                              next
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   0          clear, the queue is empty          SET by set (one compare-exchange); QUEUED by wait (queue lock)
 *   QUEUED     clear, waiters in the queue        SET by set, 0 when the last one gives up (both: queue lock)
 *   SET        set                                0 by clear
 *
 * A waiter that spins does so before it enters the queue, on the word itself: as long as nobody stands there, `set` is one
 * compare-exchange, and touches nothing else that the waiter looks at. It spins once: if that was in vain, it enters and parks.
 *
 * A waiter remembers the generation in which it entered. `set` starts a new one, then lets all older waiters through:
 * all that stood in the queue at the moment of `set` go on, even if `clear` follows at once; waiters that enter after
 * `clear` have the new generation and stay.
 *
 * A setter that is terminated on its way leaves waiters of an earlier generation in the queue of a set Event. They are let
 * through by the first of them whose nap is over, or by the reaper that buries the setter (`reapCell`, reap.ts).
 */

export function eventWait(cell: Cell, stamp: i32, thread: Thread, timeout: f64): Status {
  // The word first: that of another event in this cell is no reason to go on.
  const word = loadWord(cell);
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  if (word & SET) return STATUS_OK;
  return timeout == 0 ? STATUS_TIMEOUT : waitForSet(cell, stamp, thread, timeout);
}

function waitForSet(cell: Cell, stamp: i32, thread: Thread, timeout: f64): Status {
  // Before the waiter stands in the queue: the host's clock may throw.
  const deadline = deadlineAfter(timeout);
  // Not a task.
  const spun = thread.spinBudget > 0 && !loadWord(cell);
  let seen = 0;
  if (spun) {
    // For a Condition's waiter that this thread has just notified, and that lets it run until it waits (parker.ts).
    setQueuedOn(thread, thread);
    seen = spin(thread, cell, QUEUED);
    setQueuedOn(thread, changetype<Cell>(0));
  }
  let queueLength = 0;
  do {
    const word = loadWord(cell);
    if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
    // It goes on also if `clear` has followed at once.
    if ((word | seen) & SET) return STATUS_OK;
    queueLength = enqueueIf(cell, stamp, thread, 0, word, QUEUED, QueueEnd.BACK);
    if (queueLength < 0) return queueLength;
  } while (!queueLength);
  if (isTask(thread)) return STATUS_PENDING;
  // As behind many.
  if (spun) queueLength = thread.cores;
  if (park(thread, deadline, queueLength, changetype<Cell>(0), 0, true) > STATE_PARKED) return STATUS_OK;
  // OK: the Event was set, and its setter has not come to this waiter yet.
  return cancelWait(cell, stamp, thread, false);
}

export function eventSet(cell: Cell, stamp: i32, thread: Thread): Status {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  if (swapWord(cell, 0, SET) == QUEUED) endGeneration(cell, stamp, thread, 0, NOT_LATE, STATE_GRANTED, SET);
  return STATUS_OK;
}

export function eventClear(cell: Cell, stamp: i32): Status {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  swapWord(cell, SET, 0);
  return STATUS_OK;
}
