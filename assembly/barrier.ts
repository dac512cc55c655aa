import { ACTION, AT_ENTRY, BROKEN, FILLING, NOT_LAST, NO_ACTION, STATE_BROKEN, STATE_GRANTED, STATE_PARKED, STATUS_BROKEN, STATUS_BUSY, STATUS_DESTROYED, STATUS_PENDING, STATUS_TIMEOUT, UNIT, WITH_ACTION } from "./abi";
import { Cell, loadWord, seemsAlive } from "./cell";
import { clock, deadlineAfter } from "./futex";
import { park } from "./parker";
import { cancelWait, endGeneration, enqueueIf, QueueEnd } from "./queue";
import { isTask, queuedOn, Thread } from "./thread";

/**
 * A point that `parties` threads reach before any goes on; then it serves the next round.
 *
 *   44  parties       never changes
 *   56  timeout       f64, the default, ms; never changes; the bindings read it
 *
 *   word          state                           next
 *   ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   n << 6        n have arrived                  (n + 1) << 6 by the next to arrive
 *                                                 ACTION by the last to arrive, n = parties - 1
 *                                                 BROKEN by a timeout, an abort; 0 by a reset
 *   the last one  all have arrived; the last      0 when the action returns (at once if there is none), or by a reset
 *   | ACTION      runs its action                 BROKEN when it throws, or by an abort, or when its thread dies (reap.ts)
 *   BROKEN        every wait fails                0 by a reset
 *
 * All steps are under the queue lock. Each step but the first ends the generation.
 *
 * To end a generation is to set the verdict for its waiters, to start the next one, and to drain the queue of the old
 * one. The queue holds waiters of the generation that ended last (being drained) and of the current one, never older:
 * the cell remembers one verdict only, so a generation must not end before the one before it is drained. A waiter that
 * times out breaks its generation, unless that has ended; then it helps to drain, and so finds its own verdict.
 *
 * How a generation ends (`endGeneration`, queue.ts):
 *
 *                            from             verdict    to
 *   the action returned      ACTION           GRANTED    FILLING
 *   the action failed        ACTION           BROKEN     BROKEN
 *   its thread has died      the whole word   BROKEN     BROKEN
 *   a waiter gives up        FILLING          BROKEN     BROKEN
 *   abort                    ANY              BROKEN     BROKEN
 *   reset                    ANY              BROKEN     FILLING
 *
 * A newcomer that finds an action running has not arrived: it stands in the queue, too, but at the entry, and is woken
 * together with the arrived waiters to try again. If it times out there, it leaves, and the barrier is as it was.
 */
@unmanaged
class Barrier extends Cell {
  parties: i32;
}

/**
 * Answers the arrival index, or BROKEN, DESTROYED, or TIMEOUT at the entry. With an action, the last to arrive (index
 * parties - 1) returns while all others still wait, and must end the generation. NOT_LAST: in that case it has not
 * arrived, and the answer is BUSY. A task whose verdict is WOKEN calls again.
 */
export function barrierWait(cell: Barrier, stamp: i32, thread: Thread, timeout: f64, action: i32): i32 {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  // No other party to wait for, nothing to change.
  if (cell.parties == 1 && action == NO_ACTION && loadWord(cell) == FILLING) return 0;
  const deadline = deadlineAfter(timeout);
  const others = cell.parties - 1;
  while (true) {
    const word = loadWord(cell);
    if (word & BROKEN) return STATUS_BROKEN;
    const index: i32 = word & ACTION ? AT_ENTRY : <u32>word / UNIT;
    const last = index == others;
    if (last && action == NOT_LAST) return STATUS_BUSY;
    // A thread that dies while the others wait for it is known by its record in the word.
    let next = word + UNIT;
    if (last) next = changetype<i32>(thread.owningThread) | ACTION;
    else if (index == AT_ENTRY) next = word;
    const end = last ? QueueEnd.NONE : QueueEnd.BACK;
    const queueLength = enqueueIf(cell, stamp, thread, index, word, next, end);
    if (queueLength < 0) return queueLength;
    if (!queueLength) continue;
    const generation = thread.generation;
    if (last) {
      if (action == WITH_ACTION) return index;
      return endGeneration(cell, stamp, thread, generation, ACTION, STATE_GRANTED, FILLING) ? index : STATUS_BROKEN;
    }

    if (isTask(thread)) return STATUS_PENDING;
    // It waits for all others: of more than there are other cores, some would need the core on which it spins.
    let state = park(thread, deadline, others, changetype<Cell>(0), 0, true);
    if (state <= STATE_PARKED) {
      if (index == AT_ENTRY) {
        cancelWait(cell, stamp, thread, false);
        return STATUS_TIMEOUT;
      }
      // While the action runs this changes nothing: all have arrived in time, and only the action's end counts.
      endGeneration(cell, stamp, thread, generation, FILLING, STATE_BROKEN, BROKEN);
      state = park(thread, Infinity, others, changetype<Cell>(0), 0, true);
    }
    if (state == STATE_GRANTED) return index;
    if (state == STATE_BROKEN) return STATUS_BROKEN;
    if (clock() >= deadline) return STATUS_TIMEOUT;
  }
}

/**
 * A waiter leaves, at the entry or arrived, because its thread has ended, or must not block. If it has arrived, its generation
 * breaks, unless all have arrived. Afterwards it does not stand in the queue: it has left, or its state is a verdict.
 */
export function barrierLeave(cell: Cell, stamp: i32, thread: Thread): void {
  if (queuedOn(thread) != cell) return;
  if (thread.addToAcquire != AT_ENTRY) endGeneration(cell, stamp, thread, thread.generation, FILLING, STATE_BROKEN, BROKEN);
  cancelWait(cell, stamp, thread, false);
}
