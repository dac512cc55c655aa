import type { Signal } from './globals.ts';
import type { CellRef } from './handle.ts';
import { type Completion, Operation, type Steps } from './operation.ts';
import { armCall, cancelCall, completeCall, isCancelled, type PendingCall, promiseOf } from './pending-call.ts';
import { type Scheduler, schedulerOf } from './scheduler.ts';

/** A primitive that tasks wait for. */
export interface Awaitable<T> {
  readonly ref: CellRef;
  /** What the final status means; it may throw. It must not collect: see `blockBesideTasks`. */
  toResult(status: number, op: Operation): T | PromiseLike<T>;
}

/** A task's call that waits by an operation of its own: of an Event, a Barrier or a Condition. */
export class OperationCall<T> implements PendingCall, Completion {
  resolve: PendingCall['resolve'];
  reject: PendingCall['reject'];
  limits: PendingCall['limits'];
  readonly #scheduler: Scheduler;
  readonly #operation: Operation;
  readonly #primitive: Awaitable<T>;

  constructor(primitive: Awaitable<T>, steps: Steps, action = false, lock?: Operation) {
    const { ref } = primitive;
    this.#scheduler = schedulerOf(ref.arena);
    this.#operation = new Operation(ref, steps, this, 0, action, lock);
    this.#primitive = primitive;
  }

  /**
   * Waits. Resolves with the result of the final status; rejects with what `toResult` throws, or with the reason of the
   * aborted signal.
   *
   * @param limit ms
   */
  wait(limit: number, signal: Signal | undefined): Promise<T> {
    const scheduler = this.#scheduler;
    this.#operation.waiter = scheduler.allocateWaiter();
    const promise = promiseOf<T>(this);
    if (scheduler.start(this.#operation)) armCall(this, limit, signal);
    scheduler.watch();
    return promise;
  }

  /** It times out, unless it has been cancelled already. */
  expire(): void {
    if (!isCancelled(this)) cancelCall(this);
  }

  complete(status: number, op: Operation): void {
    completeCall(this, status, op);
  }

  leave(): void {
    this.#scheduler.cancel(this.#operation);
  }

  toResult(status: number, op: Operation): T | PromiseLike<T> {
    return this.#primitive.toResult(status, op);
  }
}
