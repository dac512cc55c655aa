import { STATUS_DESTROYED, STATUS_OK, STATUS_OVER_RELEASE, UNIT } from "./abi";
import { Status } from "./types";
import { alive, Cell, loadWord, swapWord } from "./cell";
import { handOffLocally } from "./local";
import { acquire, releaseStep, PERMIT } from "./resource";
import { Thread } from "./thread";

/**
 * A count of permits. Semaphore and BoundedSemaphore differ in their bound only: MAX_PERMITS, or the first value.
 *
 *   word (see resource.ts)       state
 *   ────────────────────────────────────────────────────
 *   permits << 6                 the queue is empty
 *   flags                        no permits; waiters in the queue, or wakers in flight
 *   permits << 6 | flags         permits, and wakers in flight to them; a newcomer may still barge in
 *
 *   44  bound   the most permits there may be; never changes
 */
@unmanaged
export class Semaphore extends Cell {
  bound: i32;
}

export function semaphoreAcquire(cell: Semaphore, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  const word = loadWord(cell);
  if (<u32>word >= <u32>UNIT && swapWord(cell, word, word + PERMIT) == word) return STATUS_OK;
  return acquire(cell, stamp, thread, PERMIT, timeout, 0);
}

export function semaphoreRelease(cell: Semaphore, stamp: i32, thread: Thread, permits: i32): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  while (true) {
    const word = loadWord(cell);
    if (permits > cell.bound - <i32>(<u32>word / UNIT)) return STATUS_OVER_RELEASE;
    if (releaseStep(cell, stamp, thread, true, word, word + permits * UNIT)) return STATUS_OK;
  }
}

/** As `lockHandOff`: a permit goes to the task, and the word stays as it is. With a bound of 0 no permit can be released. */
export function semaphoreHandOff(cell: Semaphore, stamp: i32, proxy: Thread, others: bool): bool {
  return alive(cell, stamp) && cell.bound > 0 && handOffLocally(cell, stamp, proxy, 0, 0, others);
}
