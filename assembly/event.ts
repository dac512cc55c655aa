import { SET, State, Status } from "./abi";
import { alive, Cell, loadWord, storeWord, swapWord } from "./cell";
import { clock } from "./futex";
import { lockGuard, unlockGuard } from "./guard";
import { park } from "./parker";
import { drain, enter, leave, nextGeneration, Place, QUEUED } from "./queue";
import { isTask, Thread } from "./thread";

/**
 * A flag that threads wait for.
 *
 *   word       state                              next
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   0          clear, nobody waits                SET by set (one compare-exchange); QUEUED by wait (guard)
 *   QUEUED     clear, somebody waits              SET by set, 0 when the last gives up (both under the guard)
 *   SET        set                                0 by clear
 *
 * A waiter remembers the generation that it came in. `set` starts a new one, then lets all older waiters through: those
 * who stood there at the moment of `set` go on, also when `clear` follows at once; those who come after `clear` have
 * the new generation and stay.
 */

export function eventWait(cell: Cell, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  let standing = 0;
  do {
    const word = loadWord(cell);
    if (word & SET) return Status.OK;
    if (timeout == 0) return Status.TIMEOUT;
    standing = enter(cell, stamp, thread, 0, word, QUEUED, Place.BACK);
    if (standing < 0) return standing;
  } while (!standing);
  if (isTask(thread)) return Status.PENDING;
  return park(thread, clock() + timeout, standing) > State.PARKED ? Status.OK : leave(cell, thread);
}

export function eventSet(cell: Cell, stamp: i32, thread: Thread): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  if (swapWord(cell, 0, SET) != QUEUED) return Status.OK;
  lockGuard(cell, thread);
  storeWord(cell, SET);
  nextGeneration(cell);
  unlockGuard(cell);
  drain(cell, thread);
  return Status.OK;
}

export function eventClear(cell: Cell, stamp: i32): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  swapWord(cell, SET, 0);
  return Status.OK;
}
