import { HANDOFF, STATE_GRANTED, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT, WOKEN } from '../../assembly/abi.ts';
import type { Operation, Steps } from '../operation.ts';

/** The wait for a Lock, an RLock or a permit: `acquire` of `assembly/resource.ts`, called again after each wake-up. */

function acquire(op: Operation, timeout: number, flags: number): number {
  const { arena, cell, stamp } = op.target;
  return arena.core.acquire(cell, stamp, op.waiter, op.addToAcquire, timeout, flags);
}

/** @param flags AT_FRONT, or 0 */
export function startAcquire(op: Operation, flags: number): number {
  op.wokenInVain = 0;
  op.cancelled = false;
  return acquire(op, Infinity, flags);
}

export function resumeAcquire(op: Operation, verdict: number): number {
  if (verdict === STATE_GRANTED) return STATUS_OK;
  const status = acquire(op, op.cancelled ? 0 : Infinity, op.passedOver ? WOKEN | HANDOFF : WOKEN);
  // Only a waiter that was woken in vain asks for the time: the others need no handoff.
  if (status === STATUS_PENDING && op.wokenInVain === 0) op.wokenInVain = op.target.arena.now();
  return status;
}

/** PENDING: a verdict is on its way. */
export function cancelAcquire(op: Operation): number {
  const { arena, cell, stamp } = op.target;
  op.cancelled = true;
  return arena.core.cancelWait(cell, stamp, op.waiter) === STATUS_TIMEOUT ? STATUS_TIMEOUT : STATUS_PENDING;
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
  takeOver: () => false,
};
