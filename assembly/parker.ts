import { STATE_PARKED, STATE_WAITING } from "./abi";
import { loadWord, swapWord } from "./cell";
import { sleep } from "./futex";
import { Thread } from "./thread";

/**
 * Spin, and park. The states are in `thread.ts`.
 *
 * A waiter looks at its own word for a while, marks it PARKED, and sleeps. Who takes it out of the queue exchanges the
 * word for a verdict and notifies only if it was PARKED: no system call for a waiter that still spins, none in vain.
 *
 *   waiter: WAITING → PARKED (compare-exchange)      waker: → verdict (exchange), finds WAITING: no notify
 *   waiter: finds the verdict instead: does not sleep
 *
 * The notify comes when the guard is free again, and the waiter may have seen the verdict and gone its way by then; one
 * that finds nobody, or somebody who waits for something else in the same cell, does no harm: every wait looks again.
 * A task's waiter (AWAITED) does not park; it cannot have gone either, as its thread looks into the inbox only.
 *
 * To park and to be woken takes tens of microseconds, and a verdict that comes before takes a tenth of one. So a waiter
 * looks for as long as parking would take, at the most; nobody loses more than half by that, whatever comes (A. Karlin
 * et al., "Competitive randomized algorithms for non-uniform problems"). How long it looks, it learns:
 *
 *   looked     the next time
 *   ──────────────────────────────────────────────────────────────────────────────────────────
 *   in vain    half as often; after the last half, as often as it may: times may have changed
 *   not so     as often as it may
 *
 * Who finds as many in the queue as there are other cores parks at once: they would look in turns, and those whom they
 * wait for would not run meanwhile.
 */

/**
 * Waits until there is a verdict, and answers it; a state up to PARKED means that the deadline has passed. `queueLength`:
 * how many stood in the queue, itself among them, when it came.
 */
export function park(thread: Thread, deadline: f64, queueLength: i32): i32 {
  let spins = queueLength < thread.cores ? thread.spinBudget : 0;
  let state = loadWord(thread);
  while (state <= STATE_PARKED) {
    if (spins) spins--;
    else if (state == STATE_WAITING) swapWord(thread, STATE_WAITING, STATE_PARKED);
    else if (!sleep(changetype<usize>(thread), STATE_PARKED, deadline)) break;
    state = loadWord(thread);
  }
  adaptSpin(thread, spins);
  return state;
}

/** Of so many `looks` so many were `left`: it paid if less than half of them were needed. */
export function adaptSpin(thread: Thread, left: i32): void {
  const half = thread.spinBudget >> 1;
  thread.spinBudget = left > half || !half ? thread.maxSpins : half;
}
