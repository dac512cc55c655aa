import { HANDOFF_AFTER_MS, STATUS_OK, STATUS_PENDING } from '../assembly/abi.ts';
import type { Core } from './core.ts';

/**
 * A wait as a state machine. Its steps are objects of `steps/`: they call the core and use nothing of the host, so that
 * the model checker runs them, too (`test/model/steps.ts`).
 */

/** An arena as the steps of a wait see it. */
export interface World {
  readonly core: Core;
  /** A 32-bit field of a cell, unsigned. */
  load(cell: number, field: number): number;
  /** ms */
  now(): number;
}

/** A primitive as the steps of a wait see it. */
export interface Target {
  readonly arena: World;
  readonly cell: number;
  readonly stamp: number;
  /** This thread's record. */
  readonly thread: number;
}

/**
 * The steps of one kind of wait. Each answers a status, or (Barrier) an arrival index. PENDING: the waiter stands in a
 * queue, and a verdict will come. BUSY: the wait starts anew when this thread's blocking call has returned.
 */
export interface Steps {
  /** Has it at once, or enters the queue. */
  start(op: Operation): number;
  /** The waiter has a verdict. */
  resume(op: Operation, verdict: number): number;
  /** The wait times out or is aborted. */
  cancel(op: Operation): number;
  /** The thread must not block after all, or its call throws. PENDING: a verdict was given, and must be declined. */
  abandon(op: Operation): number;
  /**
   * The waiter has a verdict while its thread blocks, so the task cannot run: what was granted passes on, and the wait
   * starts anew later. False when it is nothing that another waiter could use.
   */
  decline(op: Operation): boolean;
  /**
   * Those that were woken before the waiter do not come, perhaps: if what it waits for is free, it may do what a newcomer
   * may. PENDING: it waits on.
   */
  takeTurn(op: Operation): number;
  /**
   * A thread blocks by this wait, and a task of it has a verdict that serves the thread as well: then the thread takes the
   * verdict, and the task waits on in its place.
   */
  takeOver(op: Operation, task: Operation): boolean;
}

/** Of a wait in which nobody takes a turn: `takeTurn`. */
export const noTurn = (): number => STATUS_PENDING;

/** Receives the end of a task's wait. A thread that blocks has none. */
export interface Completion {
  /** The task that it is the wait of, if others come after it. */
  readonly first?: object | undefined;
  complete(status: number, op: Operation): void;
}

/** One wait. One class has the fields of all kinds: engines are fast with one class, and slow with one for each kind. */
export class Operation {
  readonly target: Target;
  readonly steps: Steps;
  readonly completion: Completion | undefined;
  /** The cell that stands in the queue for it, while the wait lasts. */
  waiter = 0;
  /** The waiter gives up with its next verdict, unless that grants. */
  cancelled = false;
  /** Lock, RLock, Semaphore: what acquiring adds to the word. */
  addToAcquire: number;
  /** Semaphore: the cell that counts the permit, which is to be a guard's (holds.ts); 0 for a permit without a guard. */
  hold = 0;
  /** How many looks in succession have found free what it waits for (turn.ts). */
  looksFree = 0;
  /** When the waiter was first woken in vain; 0 for never. */
  wokenInVain = 0;
  /** Barrier: whether this thread's object has an action. */
  readonly action: boolean;
  /** Barrier: the generation in which the waiter entered. */
  generation = 0;
  /** Condition: the wait for its lock; whether the lock was released; the RLock's depth before; the status in the end. */
  readonly lock: Operation | undefined;
  letGo = false;
  depth = 0;
  result = STATUS_OK;

  constructor(
    target: Target,
    steps: Steps,
    completion?: Completion,
    addToAcquire = 0,
    action = false,
    lock?: Operation,
  ) {
    this.target = target;
    this.steps = steps;
    this.completion = completion;
    this.addToAcquire = addToAcquire;
    this.action = action;
    this.lock = lock;
  }

  /** Whether a handoff is due to it. */
  get passedOver(): boolean {
    return this.wokenInVain !== 0 && this.target.arena.now() - this.wokenInVain >= HANDOFF_AFTER_MS;
  }
}
