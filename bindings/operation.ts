import { HANDOFF_AFTER_MS, STATUS_OK } from '../assembly/abi.ts';
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
 * What a kind of wait does. Each step answers a status, or (Barrier) an arrival index. PENDING: the waiter stands in a
 * queue, and a verdict will come. BUSY: not now; it starts anew when this thread, which blocks, has come back.
 */
export interface Steps {
  /** Goes through, or into the queue. */
  start(op: Operation): number;
  /** There is a verdict. */
  resume(op: Operation, verdict: number): number;
  /** Its time is up, or it is aborted. */
  cancel(op: Operation): number;
  /** The thread ends, or must not block. PENDING: there is a verdict, to be declined. */
  abandon(op: Operation): number;
  /**
   * There is a verdict while the thread blocks, and the task can't run: what came goes to somebody else, and the wait
   * starts anew later. False when it is nothing that others wait for.
   */
  decline(op: Operation): boolean;
  /**
   * A thread blocks by this wait, and a task of it was given meanwhile what serves the thread as well: then the thread
   * has it, and the task waits on in its place.
   */
  takeOver(op: Operation, task: Operation): boolean;
}

/** What becomes of a wait of a task; a thread that blocks has none. */
export interface Completion {
  complete(status: number, op: Operation): void;
}

/** One wait. Its fields are numbers, for all kinds: engines are fast with one class, and slow with one for each. */
export class Operation {
  readonly target: Target;
  readonly steps: Steps;
  readonly completion: Completion | undefined;
  /** The cell that stands in the queue for it, while it lasts. */
  waiter = 0;
  /** It gives up as soon as it can. */
  cancelled = false;
  /** Lock, RLock, Semaphore: what acquiring adds to the word. */
  addToAcquire: number;
  /** When it was first woken in vain; 0 when it was not. */
  wokenInVain = 0;
  /** Barrier: whether this thread's object has an action; and the round that the wait came in. */
  readonly action: boolean;
  generation = 0;
  /** Condition: the wait for its lock; whether that was let go, and how often it was held; what is answered in the end. */
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
