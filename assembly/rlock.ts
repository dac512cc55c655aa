import { STATUS_NOT_HELD, STATUS_OK } from "./abi";
import { Status } from "./types";
import { alive, Cell, loadWord } from "./cell";
import { handOffLocally } from "./local";
import { lockAcquire, lockRelease } from "./lock";
import { ownerRecord } from "./resource";
import { Thread } from "./thread";

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
  if (alive(cell, stamp) && ownedBy(loadWord(cell), thread)) {
    cell.depth++;
    return STATUS_OK;
  }
  return lockAcquire(cell, stamp, changetype<i32>(thread), timeout);
}

export function rlockRelease(cell: RLock, stamp: i32, thread: Thread): Status {
  if (alive(cell, stamp)) {
    if (!ownedBy(loadWord(cell), thread)) return STATUS_NOT_HELD;
    if (cell.depth) {
      cell.depth--;
      return STATUS_OK;
    }
  }
  return lockRelease(cell, stamp, changetype<i32>(thread));
}

/** As `lockHandOff`: `from` releases, `to` acquires. */
export function rlockHandOff(cell: RLock, stamp: i32, proxy: Thread, from: Thread, to: Thread, others: bool): bool {
  if (!alive(cell, stamp) || !ownedBy(loadWord(cell), from) || cell.depth) return false;
  return handOffLocally(cell, stamp, proxy, changetype<i32>(from), changetype<i32>(to), others);
}
