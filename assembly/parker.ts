import { HEADER_NAP, STATE_PARKED, STATE_WAITING, STATUS_TIMEOUT } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { sleep, stalled } from "./futex";
import { cancelWait } from "./queue";
import { Thread } from "./thread";

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
 * Naps. A blocked thread does not sleep for longer than a nap. Then, still in its queue, it calls the host (`stalled`), which
 * looks whether those that it waits for live (bindings/reap.ts), and whether it may take its turn (bindings/turn.ts): those
 * that were woken for what is free compute, say, or wait for something else, and may do so for long. The host says how long
 * the next nap is; the first one is in the arena's header.
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
  let nap = naps ? load<i32>(thread.arena, HEADER_NAP) : 0;
  // Short: then the host knows who stands before this thread.
  if (lock) nap /= FIRST_PART;
  let first = true;
  let state = loadWord(thread);
  while (state <= STATE_PARKED) {
    if (spins) spins--;
    else if (state == STATE_WAITING) swapWord(thread, STATE_WAITING, STATE_PARKED);
    else {
      if (!sleep(changetype<usize>(thread), STATE_PARKED, deadline, nap)) break;
      if (nap && loadWord(thread) == STATE_PARKED) {
        nap = stalled(changetype<usize>(thread), deadline, first);
        first = false;
        if (nap < 0) {
          if (cancelWait(lock, lockStamp, thread, true) == STATUS_TIMEOUT) break;
          nap = -nap;
        }
      }
    }
    state = loadWord(thread);
  }
  adaptSpin(thread, spins);
  return state;
}

/** The first nap of a waiter for a Lock, an RLock or a permit: such a part of the one in the header. */
const FIRST_PART: i32 = 15;

/** `left`: the spins of the budget that were not needed. The spin paid if they are more than half. */
export function adaptSpin(thread: Thread, left: i32): void {
  const half = thread.spinBudget >> 1;
  thread.spinBudget = left > half || !half ? thread.maxSpins : half;
}
