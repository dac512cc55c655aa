import { Cell, loadWord, swapWord } from "./cell";
import { sleep, wake } from "./futex";
import { State, Thread } from "./thread";

/**
 * Spin, park, and the verdict that ends both. The states are in `thread.ts`.
 *
 * A waiter looks at its own word for a while, marks it PARKED, and sleeps. Who takes it out of the queue exchanges the
 * word for a verdict and notifies only if it was PARKED: no system call for a waiter that still spins, none in vain.
 *
 *   waiter: WAITING → PARKED (compare-exchange)      waker: → verdict (exchange), finds WAITING: no notify
 *   waiter: finds the verdict instead: does not sleep
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

/** Under the guard of the queue that the waiter was taken out of: tells it. Answers whether it must be notified. */
@inline
export function conclude(waiter: Cell, verdict: i32): bool {
  return atomic.xchg<i32>(changetype<usize>(waiter), verdict) == State.PARKED;
}

/**
 * Outside the guard. The waiter may have seen the verdict and gone its way by now; a notify that finds nobody, or
 * somebody who waits for something else in the same cell, does no harm: every wait looks again.
 */
@inline
export function notify(waiter: Cell, parked: bool): void {
  if (parked) wake(changetype<usize>(waiter));
}
