import {
  AT_FRONT,
  HANDOFF,
  STATE_GRANTED,
  STATUS_ABANDONED,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  WOKEN,
} from '../../assembly/abi.ts';
import type { Operation, Steps } from '../operation.ts';

/** The wait for a Lock, an RLock or a permit: `acquire` of `assembly/resource.ts`, called again after each wake-up. */

function acquire(op: Operation, timeout: number, flags: number): number {
  const { arena, cell, stamp } = op.target;
  return accept(op, arena.core.acquire(cell, stamp, op.waiter, op.addToAcquire, timeout, flags));
}

/** Has what it waited for, with these two: until the core is told so, that is due to the waiter. */
function accept(op: Operation, status: number): number {
  if (status === STATUS_OK || status === STATUS_ABANDONED) op.target.arena.core.accept(op.waiter, op.hold);
  return status;
}

/** @param flags AT_FRONT, or 0 */
export function startAcquire(op: Operation, flags: number): number {
  op.wokenInVain = 0;
  op.cancelled = false;
  return acquire(op, Infinity, flags);
}

export function resumeAcquire(op: Operation, verdict: number): number {
  if (verdict === STATE_GRANTED) return accept(op, STATUS_OK);
  const status = acquire(op, op.cancelled ? 0 : Infinity, op.passedOver ? WOKEN | HANDOFF : WOKEN);
  // Only a waiter that was woken in vain asks for the time: the others need no handoff.
  if (status === STATUS_PENDING && op.wokenInVain === 0) op.wokenInVain = op.target.arena.now();
  return status;
}

/** PENDING: a verdict is on its way. */
export function cancelAcquire(op: Operation): number {
  const { arena, cell, stamp } = op.target;
  op.cancelled = true;
  return arena.core.cancelWait(cell, stamp, op.waiter, false) === STATUS_TIMEOUT ? STATUS_TIMEOUT : STATUS_PENDING;
}

export function takeTurnAcquire(op: Operation): number {
  const { arena, cell, stamp } = op.target;
  const left = arena.core.cancelWait(cell, stamp, op.waiter, true) === STATUS_TIMEOUT;
  return left ? acquire(op, Infinity, AT_FRONT) : STATUS_PENDING;
}

export function declineAcquire(op: Operation): boolean {
  const { arena, cell, stamp } = op.target;
  arena.core.decline(cell, stamp, op.waiter);
  return true;
}

export const acquireSteps: Steps = {
  start: (op) => startAcquire(op, 0),
  resume: resumeAcquire,
  cancel: cancelAcquire,
  abandon: cancelAcquire,
  decline: declineAcquire,
  takeTurn: takeTurnAcquire,
  takeOver: () => false,
};
