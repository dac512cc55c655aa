import { CELL_WORD, STATE_PARKED, STATUS_OK, STATUS_PENDING } from '../../assembly/abi.ts';
import type { Operation, Steps } from '../operation.ts';

/** The wait for an Event: `assembly/event.ts`. */

function cancel({ target, waiter }: Operation): number {
  const { arena, cell, stamp } = target;
  const status = arena.core.cancelWait(cell, stamp, waiter);
  // It stands there no more because the Event was set: the verdict is on its way, unless the wait was over without one.
  // The state changes no more once the waiter is out of the queue.
  return status === STATUS_OK && (arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : status;
}

export const eventSteps: Steps = {
  start: ({ target: { arena, cell, stamp }, waiter }) => arena.core.eventWait(cell, stamp, waiter, Infinity),
  resume: () => STATUS_OK,
  cancel,
  abandon: cancel,
  decline: () => false,
  takeOver: () => false,
};
