import { ABANDONED, STATUS_DESTROYED, STATUS_NOT_HELD, STATUS_OK, WOKEN } from "./abi";
import { Status } from "./types";
import { Cell, guessWord, loadWord, seemsAlive, swapWord } from "./cell";
import { QUEUED } from "./queue";
import { acquire, releaseStep } from "./resource";
import { Thread } from "./thread";
import { FLAGS, held, ownerRecord } from "./word";

/**
 * A mutual exclusion lock. Any thread may release it.
 *
 *   word (see resource.ts)       state
 *   ────────────────────────────────────────────────────
 *   0                            free
 *   owner                        held, the queue is empty
 *   owner | HELD_BY_TASK         held by a task of the owner
 *   owner | flags                held; waiters in the queue, or a waker in flight
 *   flags                        free, a waker in flight; a newcomer may still barge in
 *   ABANDONED                    free, or with an owner held; a former owner died
 *
 * The fast paths are one compare-exchange each: 0 → owner and owner → 0. A waker in flight may take long to come, as long
 * as a queue's whole batch, if it has no core: beside it the same is done with CROWDED. Which of them it will be, a look
 * tells beforehand; if it was wrong, what the compare-exchange finds is tried next.
 */

/** A waker in flight, and others in the queue. */
const CROWDED: i32 = QUEUED | WOKEN;

/** `owner`: a thread, or with HELD_BY_TASK a task of it. A task must pass a timeout of 0: here the thread waits. */
export function lockAcquire(cell: Cell, stamp: i32, owner: i32, timeout: f64): Status {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  let word = guessWord(cell);
  // Not what it finds, whatever that is: the compare-exchange would have to wait for the look.
  if (word != CROWDED) word = 0;
  do {
    const seen = swapWord(cell, word, word + owner);
    if (seen == word) return STATUS_OK;
    word = seen;
  } while (<u32>word < <u32>ABANDONED);
  return acquire(cell, stamp, ownerRecord(owner), owner, timeout, 0);
}

/** `owner`: as above, the one that probably holds the lock. */
export function lockRelease(cell: Cell, stamp: i32, owner: i32): Status {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  let word = guessWord(cell);
  if (word != owner + CROWDED) word = owner;
  do {
    const seen = swapWord(cell, word, word - owner);
    if (seen == word) return STATUS_OK;
    word = seen;
  } while (word == owner || word - owner == WOKEN);
  return unlock(cell, stamp, ownerRecord(owner));
}

/** The release of a lock whose word has flags, or another owner. */
export function unlock(cell: Cell, stamp: i32, thread: Thread): Status {
  while (true) {
    const word = loadWord(cell);
    if (!held(word)) return STATUS_NOT_HELD;
    if (releaseStep(cell, stamp, thread, false, word, word & FLAGS)) return STATUS_OK;
  }
}
