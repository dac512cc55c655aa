import { CELL_WORD, STATE_PARKED, STATUS_OK, STATUS_PENDING } from '../../assembly/abi.ts';
import { noTurn, type Operation, type Steps } from '../operation.ts';

/** The wait for an Event: `assembly/event.ts`. */

function cancel({ target, waiter }: Operation): number {
  const { arena, cell, stamp } = target;
  const status = arena.core.cancelWait(cell, stamp, waiter, false);
  // OK: the Event was set. The waiter has a verdict, or has left the queue before its unparker came. Out of the queue, its
  // state changes no more.
  return status === STATUS_OK && (arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : status;
}

export const eventSteps: Steps = {
  start: ({ target: { arena, cell, stamp }, waiter }) => arena.core.eventWait(cell, stamp, waiter, Infinity),
  resume: () => STATUS_OK,
  cancel,
  abandon: cancel,
  decline: () => false,
  takeTurn: noTurn,
  takeOver: () => false,
};
