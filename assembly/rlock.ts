import { Status } from "./abi";
import { alive, Cell, loadWord, swapWord } from "./cell";
import { unlock } from "./lock";
import { acquire, FLAGS } from "./resource";
import { Thread } from "./thread";

/**
 * A lock that its owner may take again. The word and its states are a Lock's.
 *
 *   44  depth   how often the owner took it again: 0 when it holds it once
 *
 * Only the owner touches `depth`, so it is plain. It must be 0 when the lock is free.
 */
@unmanaged
export class RLock extends Cell {
  depth: i32;
}

@inline
export function owned(cell: Cell, thread: Thread): bool {
  return (loadWord(cell) & ~FLAGS) == changetype<i32>(thread);
}

export function rlockAcquire(cell: RLock, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  if (swapWord(cell, 0, changetype<i32>(thread)) == 0) return Status.OK;
  if (owned(cell, thread)) {
    cell.depth++;
    return Status.OK;
  }
  return acquire(cell, stamp, thread, changetype<i32>(thread), timeout);
}

export function rlockRelease(cell: RLock, stamp: i32, thread: Thread): Status {
  if (!alive(cell, stamp)) return Status.DESTROYED;
  if (!owned(cell, thread)) return Status.NOT_HELD;
  if (cell.depth) {
    cell.depth--;
    return Status.OK;
  }
  if (swapWord(cell, changetype<i32>(thread), 0) == changetype<i32>(thread)) return Status.OK;
  return unlock(cell, thread);
}
