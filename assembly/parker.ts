import { State } from "./abi";
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
 */

/** Waits until there is a verdict, and answers it; a state up to PARKED means that the deadline has passed. */
export function park(thread: Thread, deadline: f64): i32 {
  let spins = thread.spins;
  let state = loadWord(thread);
  while (state <= State.PARKED) {
    if (spins) spins--;
    else if (state == State.WAITING) swapWord(thread, State.WAITING, State.PARKED);
    else if (!sleep(changetype<usize>(thread), State.PARKED, deadline)) break;
    state = loadWord(thread);
  }
  return state;
}
