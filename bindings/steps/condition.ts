import { RLOCK_DEPTH, STATUS_ABANDONED, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT } from '../../assembly/abi.ts';
import type { Operation, Steps } from '../operation.ts';
import { cancelAcquire, declineAcquire, resumeAcquire, startAcquire, takeTurnAcquire } from './acquire.ts';

/**
 * The wait for a notify, and then for the lock: `assembly/condition.ts` and `resource.ts`. A verdict is always the lock's:
 * a notified waiter stands in the lock's queue.
 */

/** The wait for the lock, by the same waiter. */
function lockOf(op: Operation): Operation {
  const lock = op.lock!;
  lock.waiter = op.waiter;
  return lock;
}

/** A step of the wait for the lock has answered `status`. */
function end(op: Operation, status: number): number {
  if (status !== STATUS_OK && status !== STATUS_ABANDONED) return status;
  op.target.arena.core.condEnd(op.waiter, op.depth);
  return status === STATUS_OK ? op.result : status;
}

function cancel(op: Operation): number {
  const { arena, cell, stamp } = op.target;
  if (arena.core.cancelWait(cell, stamp, op.waiter, false) !== STATUS_TIMEOUT) return STATUS_PENDING;
  op.result = STATUS_TIMEOUT;
  return end(op, startAcquire(lockOf(op), 0));
}

function abandon(op: Operation): number {
  const { arena, cell, stamp } = op.target;
  const status = arena.core.cancelWait(cell, stamp, op.waiter, false);
  // A notified waiter stands in the lock's queue, or has a verdict.
  return status === STATUS_TIMEOUT ? status : cancelAcquire(lockOf(op));
}

/** The thread and a task wait for the same Condition. The task was notified and has a verdict: they change places. */
function takeOver(op: Operation, task: Operation): boolean {
  const { arena, cell, stamp } = op.target;
  // Not told by comparing their `steps`: the task's may be those of another copy of the package.
  const alike = task.lock !== undefined && task.target.cell === cell;
  if (!alike || op.result !== STATUS_OK || task.result !== STATUS_OK) return false;
  return arena.core.condExchange(cell, stamp, op.waiter, task.waiter) !== 0;
}

function conditionSteps(recursive: boolean): Steps {
  return {
    start(op) {
      const { arena, cell, stamp } = op.target;
      const lock = lockOf(op);
      if (op.letGo) return end(op, startAcquire(lock, 0));
      // Only the owner writes it. A plain Lock has 0 there.
      op.depth = arena.load(lock.target.cell, RLOCK_DEPTH);
      const status = arena.core.condWait(cell, stamp, op.waiter, lock.addToAcquire, Infinity, recursive);
      op.letGo = status === STATUS_PENDING;
      return status;
    },
    resume: (op, verdict) => end(op, resumeAcquire(lockOf(op), verdict)),
    cancel,
    abandon,
    decline: (op) => declineAcquire(lockOf(op)),
    takeTurn: (op) => end(op, takeTurnAcquire(lockOf(op))),
    takeOver,
  };
}

export const overLock = /* @__PURE__ */ conditionSteps(false);
export const overRLock = /* @__PURE__ */ conditionSteps(true);
