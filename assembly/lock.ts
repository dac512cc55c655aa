import { Status, UNIT } from "./abi";
import { alive, Cell, loadWord, swapWord } from "./cell";
import { acquire, FLAGS, give } from "./resource";
import { Thread } from "./thread";

/**
 * A mutual exclusion lock. Any thread may release it.
 *
 *   word (see resource.ts)       state
 *   ────────────────────────────────────────────────────
 *   0                            free
 *   owner                        held, nobody waits
 *   owner | TASK                 held by a task of the owner
 *   owner | flags                held, somebody waits or was woken
 *   flags                        free, a woken waiter is on its way; a newcomer may still barge in
 *
 * The fast paths are one compare-exchange each: 0 → owner and owner → 0.
 */

/** Whether a lock's word has an owner. */
@inline
export function held(word: i32): bool {
  return <u32>word >= <u32>UNIT;
}

export function lockAcquire(cell: Cell, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  if (swapWord(cell, 0, changetype<i32>(thread)) == 0) return Status.OK;
  return acquire(cell, stamp, thread, changetype<i32>(thread), timeout, 0);
}

export function lockRelease(cell: Cell, stamp: i32, thread: Thread): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  if (swapWord(cell, changetype<i32>(thread), 0) == changetype<i32>(thread)) return Status.OK;
  return unlock(cell, thread);
}

/** The release of a lock that has flags, or that another thread or a task took. */
export function unlock(cell: Cell, thread: Thread): Status {
  while (true) {
    const word = loadWord(cell);
    if (!held(word)) return Status.NOT_HELD;
    if (give(cell, thread, false, word, word & FLAGS)) return Status.OK;
  }
}
