import { Status, UNIT } from "./abi";
import { alive, Cell, loadWord } from "./cell";
import { lockAcquire, lockRelease } from "./lock";
import { Thread } from "./thread";

/**
 * A lock that its owner, a thread or a task, may take again. The word and its states are a Lock's.
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
  return (loadWord(cell) & -UNIT) == changetype<i32>(thread);
}

export function rlockAcquire(cell: RLock, stamp: i32, thread: Thread, timeout: f64): Status {
  if (alive(cell, stamp) && owned(cell, thread)) {
    cell.depth++;
    return Status.OK;
  }
  return lockAcquire(cell, stamp, thread, timeout);
}

export function rlockRelease(cell: RLock, stamp: i32, thread: Thread): Status {
  if (alive(cell, stamp)) {
    if (!owned(cell, thread)) return Status.NOT_HELD;
    if (cell.depth) {
      cell.depth--;
      return Status.OK;
    }
  }
  return lockRelease(cell, stamp, thread);
}
