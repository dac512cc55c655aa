import { CELL_PREV, HEADER_NAP, STATE_PARKED, STATE_WAITING, STATUS_TIMEOUT } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { sleep, stalled, Woke } from "./futex";
import { cancelWait } from "./queue";
import { queuedOn, Thread } from "./thread";

/**
 * Spin, then park. The states are in thread.ts.
 *
 * A waiter spins on its own word for a while, marks it PARKED, and sleeps. The unparker exchanges the word for a verdict,
 * and notifies only if it was PARKED: a waiter that still spins costs no system call.
 *
 *   waiter: WAITING → PARKED (compare-exchange)      unparker: → verdict (exchange), finds WAITING: no notify
 *   waiter: finds the verdict instead: does not sleep
 *
 * The notify comes after the queue lock is free, and by then the waiter may have seen its verdict and gone on. A notify
 * that wakes no thread, or one that sleeps on the same word for something else, does no harm: every wait looks again.
 * A task's waiter (AWAITED) does not park. It cannot go on before the notify either: its thread looks into the inbox only.
 *
 * Parking and unparking take tens of microseconds; a verdict that comes during the spin costs a tenth of one. So a waiter
 * spins at the most for as long as parking takes, and never loses more than half by that (A. Karlin et al., "Competitive
 * randomized algorithms for non-uniform problems"). How long it spins, it learns:
 *
 *   the spin     the next budget
 *   ──────────────────────────────────────────────────────────────────────────────────────────
 *   in vain      half; after the last half, maxSpins again: times may have changed
 *   paid         maxSpins
 *
 * Naps. A blocked thread does not sleep for longer than a nap (in the arena's header; a tenth of it for the first in a
 * queue). Then, still in its queue, it calls the host (`stalled`), which looks whether those that it waits for live
 * (bindings/reap.ts). And if it is the first in the queue of a lock or semaphore that is free, it takes its turn: those
 * that were woken for it compute, say, or wait for something else, and may do so for long.
 *
 * A waiter that finds as many waiters in the queue as there are other cores parks at once: they would spin in turns, and
 * keep the threads that they wait for off the cores.
 */

/**
 * Waits for a verdict, and answers it. A state up to PARKED means that the deadline has passed; or that the waiter has left
 * the queue of `lock` to take its turn, and then nothing is due to it any more.
 *
 * `queueLength`: the number of waiters when this one entered, itself among them. `lock`: the Lock, RLock or Semaphore that
 * it waits for, if it is one. Without `naps` the host is not asked, so nothing can throw; there must be no deadline.
 */
export function park(thread: Thread, deadline: f64, queueLength: i32, lock: Cell, lockStamp: i32, naps: bool): i32 {
  let spins = queueLength < thread.cores ? thread.spinBudget : 0;
  let state = loadWord(thread);
  while (state <= STATE_PARKED) {
    if (spins) spins--;
    else if (state == STATE_WAITING) swapWord(thread, STATE_WAITING, STATE_PARKED);
    else {
      const nap = naps ? napOf(thread) : 0;
      const woke = sleep(changetype<usize>(thread), STATE_PARKED, deadline, nap);
      if (woke == Woke.EXPIRED) break;
      if (woke == Woke.NAPPED && nap) {
        stalled(changetype<usize>(thread));
        if (queuedOn(thread) == lock && cancelWait(lock, lockStamp, thread, true) == STATUS_TIMEOUT) break;
      }
    }
    state = loadWord(thread);
  }
  adaptSpin(thread, spins);
  return state;
}

/** A nap of the first in a queue is shorter: so many times. */
const FIRST: i32 = 10;

/** ms */
@inline
function napOf(thread: Thread): i32 {
  const nap = load<i32>(thread.arena, HEADER_NAP);
  // Only its own thread looks at it without the queue lock: it may be over at once.
  const first = atomic.load<usize>(changetype<usize>(thread), CELL_PREV) == changetype<usize>(queuedOn(thread));
  return first ? nap / FIRST : nap;
}

/** `left`: the spins of the budget that were not needed. The spin paid if they are more than half. */
export function adaptSpin(thread: Thread, left: i32): void {
  const half = thread.spinBudget >> 1;
  thread.spinBudget = left > half || !half ? thread.maxSpins : half;
}
