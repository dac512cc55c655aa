import { HELD_BY_TASK, STATUS_DESTROYED, STATUS_NOT_HELD, STATUS_OK, UNIT } from "./abi";
import { Status } from "./types";
import { alive, Cell, loadWord, swapWord } from "./cell";
import { handOffLocally } from "./local";
import { acquire, FLAGS, releaseStep } from "./resource";
import { Thread } from "./thread";

/**
 * A mutual exclusion lock. Any thread may release it.
 *
 *   word (see resource.ts)       state
 *   ────────────────────────────────────────────────────
 *   0                            free
 *   owner                        held, nobody waits
 *   owner | HELD_BY_TASK                 held by a task of the owner
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

/** `owner`: a thread, or with HELD_BY_TASK one of its tasks, which must not wait here. */
export function lockAcquire(cell: Cell, stamp: i32, owner: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  const addToAcquire = changetype<i32>(owner);
  return swapWord(cell, 0, addToAcquire)
    ? acquire(cell, stamp, changetype<Thread>(addToAcquire & -UNIT), addToAcquire, timeout, 0)
    : STATUS_OK;
}

/** `owner`: as above, who probably holds it. */
export function lockRelease(cell: Cell, stamp: i32, owner: Thread): Status {
  if (!alive(cell, stamp)) return STATUS_DESTROYED;
  const word = changetype<i32>(owner);
  if (swapWord(cell, word, 0) == word) return STATUS_OK;
  return unlock(cell, stamp, changetype<Thread>(word & -UNIT));
}

/** The release of a lock that has flags, or that somebody else took. */
export function unlock(cell: Cell, stamp: i32, thread: Thread): Status {
  while (true) {
    const word = loadWord(cell);
    if (!held(word)) return STATUS_NOT_HELD;
    if (releaseStep(cell, stamp, thread, false, word, word & FLAGS)) return STATUS_OK;
  }
}

/**
 * A release by the thread of this proxy, or a task of it, which goes to the first task that the proxy stands for
 * (local.ts). False: it must be one for all.
 */
export function lockHandOff(cell: Cell, stamp: i32, proxy: Thread, others: bool): bool {
  const task = changetype<i32>(proxy.owningThread) | HELD_BY_TASK;
  const owner = loadWord(cell) & -HELD_BY_TASK;
  return (owner | HELD_BY_TASK) == task && alive(cell, stamp) && handOffLocally(cell, proxy, owner, task, others);
}
