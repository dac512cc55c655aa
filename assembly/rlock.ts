import { STATUS_NOT_HELD, STATUS_OK } from "./abi";
import { Status } from "./types";
import { Cell, guessWord, seemsAlive } from "./cell";
import { handOffLocally } from "./local";
import { lockAcquire, lockRelease } from "./lock";
import { Thread } from "./thread";
import { ownerRecord } from "./word";

/**
 * A lock that its owner, a thread or a task, may acquire again. The word and its states are a Lock's.
 *
 *   44  depth   how often the owner acquired it again: 0 when it holds it once
 *
 * Only the owner touches `depth`, so it is plain. It must be 0 when the lock is free.
 */
@unmanaged
export class RLock extends Cell {
  depth: i32;
}

/** Whether a lock's word says that this is its owner. */
@inline
export function ownedBy(word: i32, owner: Thread): bool {
  return ownerRecord(word) == owner;
}

export function rlockAcquire(cell: RLock, stamp: i32, thread: Thread, timeout: f64): Status {
  if (seemsAlive(cell, stamp) && ownedBy(guessWord(cell), thread)) {
    cell.depth++;
    return STATUS_OK;
  }
  return lockAcquire(cell, stamp, changetype<i32>(thread), timeout);
}

export function rlockRelease(cell: RLock, stamp: i32, thread: Thread): Status {
  if (seemsAlive(cell, stamp)) {
    if (!ownedBy(guessWord(cell), thread)) return STATUS_NOT_HELD;
    if (cell.depth) {
      cell.depth--;
      return STATUS_OK;
    }
  }
  return lockRelease(cell, stamp, changetype<i32>(thread));
}

/**
 * A release of a Lock or RLock by `from`, the thread of this proxy or a task of it: the lock goes to the first task of the
 * local queue, `to` (local.ts). False, and nothing is changed, when it must be an ordinary release. A plain Lock that
 * changes its owner needs `others`: any thread may release it between the two steps that this would take.
 */
export function handOff(cell: RLock, stamp: i32, proxy: Thread, from: i32, to: i32, others: bool): bool {
  return seemsAlive(cell, stamp) && !cell.depth && handOffLocally(cell, stamp, proxy, from, to, others);
}
