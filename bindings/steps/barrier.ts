import {
  AT_ENTRY,
  BROKEN,
  CELL_GENERATION,
  CELL_WORD,
  FILLING,
  NO_ACTION,
  NOT_LAST,
  STATE_BROKEN,
  STATE_GRANTED,
  STATE_PARKED,
  STATUS_BROKEN,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_ADD_TO_ACQUIRE,
  THREAD_QUEUED_ON,
  WITH_ACTION,
} from '../../assembly/abi.ts';
import { noTurn, type Operation, type Steps } from '../operation.ts';

/** The wait at a Barrier: `assembly/barrier.ts`. With an action, the last to arrive ends the generation by itself. */

function start(op: Operation): number {
  const { target, waiter } = op;
  const { arena, cell, stamp, thread } = target;
  // If this thread blocks here, and has arrived, it could not run the action of its own task. While the thread runs, only
  // itself writes these fields.
  const blocked = waiter !== thread && arena.load(thread, THREAD_QUEUED_ON) === cell;
  const arrived = blocked && (arena.load(thread, THREAD_ADD_TO_ACQUIRE) | 0) !== AT_ENTRY;
  const action = op.action ? (arrived ? NOT_LAST : WITH_ACTION) : NO_ACTION;
  const index = arena.core.barrierWait(cell, stamp, waiter, Infinity, action);
  // Written when the waiter entered; it stays until the waiter enters anew.
  op.generation = arena.load(waiter, CELL_GENERATION);
  return index;
}

function resume(op: Operation, verdict: number): number {
  // The arrival index, written when the waiter entered.
  if (verdict === STATE_GRANTED) return op.target.arena.load(op.waiter, THREAD_ADD_TO_ACQUIRE);
  if (verdict === STATE_BROKEN) return STATUS_BROKEN;
  // Woken at the entry, where it stood while an action ran: only now it may arrive.
  return op.cancelled ? STATUS_TIMEOUT : start(op);
}

function cancel(op: Operation): number {
  const { target, waiter, generation } = op;
  const { arena, cell, stamp } = target;
  op.cancelled = true;
  // Written when the waiter entered.
  if ((arena.load(waiter, THREAD_ADD_TO_ACQUIRE) | 0) === AT_ENTRY) {
    arena.core.cancelWait(cell, stamp, waiter, false);
    return toldOf(op);
  }
  arena.core.barrierEnd(cell, stamp, waiter, generation, FILLING, STATE_BROKEN, BROKEN);
  return STATUS_PENDING;
}

function abandon(op: Operation): number {
  const { arena, cell, stamp } = op.target;
  arena.core.barrierLeave(cell, stamp, op.waiter);
  return toldOf(op);
}

/** PENDING when the waiter has a verdict, and so is, or will be, in the inbox. Its state changes no more then. */
function toldOf({ target, waiter }: Operation): number {
  return (target.arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : STATUS_TIMEOUT;
}

export const barrierSteps: Steps = {
  start,
  resume,
  cancel,
  abandon,
  decline: () => false,
  takeTurn: noTurn,
  takeOver: () => false,
};
