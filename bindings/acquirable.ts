import {
  JOIN_AFTER_TRYING,
  JOIN_AT_ONCE,
  JOIN_NOT,
  STATUS_ABANDONED,
  STATUS_OK,
  STATUS_TIMEOUT,
} from '../assembly/abi.ts';
import { blockBesideTasks } from './blocking.ts';
import { afterTurn, countPass, turns } from './clock.ts';
import type { Signal } from './globals.ts';
import { LocalQueue, localQueuesOf, type QueuedTask } from './local-queue.ts';
import { Operation } from './operation.ts';
import {
  checkOwnerWait,
  FOR_EVER,
  type Holder,
  holderOf,
  holdOfHolder,
  type Owner,
  type OwnerWaitOptions,
  type OwnerWanted,
  ownerOfHolder,
  unuseOwner,
  usesOf,
} from './owner.ts';
import { armCall, completeCall, isCancelled, type PendingCall, promiseOf } from './pending-call.ts';
import { type Scheduler, schedulerOf, tasksOf } from './scheduler.ts';
import { Holdable } from './scoped.ts';
import { acquireSteps } from './steps/acquire.ts';
import { SOON } from './thread-arena.ts';

/** A call of `acquireAsync` that waits in a local queue. */
class QueuedCall implements QueuedTask, PendingCall {
  resolve: PendingCall['resolve'];
  reject: PendingCall['reject'];
  limits: PendingCall['limits'];
  next: QueuedTask | undefined;
  prev: QueuedTask | undefined;
  readonly name: number;
  /** An abandoned lock will do. */
  recovers = false;
  readonly #primitive: Acquirable;
  readonly #queue: LocalQueue;
  readonly #holder: Holder;

  constructor(primitive: Acquirable, queue: LocalQueue, name: number, owner: Owner | undefined, hold: number) {
    this.#primitive = primitive;
    this.#queue = queue;
    this.name = name;
    this.#holder = holderOf(owner, hold);
  }

  get hold(): number {
    return holdOfHolder(this.#holder);
  }

  get cancelled(): boolean {
    return isCancelled(this);
  }

  arm(limit: number, signal: Signal | undefined): void {
    armCall(this, limit, signal);
  }

  complete(status: number, op: Operation): void {
    const owner = ownerOfHolder(this.#holder);
    if (!owner) {
      completeCall(this, status, op);
      return;
    }
    const { arena, cell } = this.#primitive.ref;
    // An abandoned lock is held, and its owner's other tasks have it when it is in order again.
    if (status !== STATUS_OK && status !== STATUS_ABANDONED) unuseOwner(owner, arena);
    completeCall(this, status, op);
    if (status === STATUS_OK && usesOf(owner, arena) > 1) admitOwner(schedulerOf(arena), cell, this.name);
  }

  admit(status: number, op: Operation): void {
    completeCall(this, status, op);
  }

  leave(): void {
    this.#queue.cancelTask(this);
  }

  toResult(status: number): boolean | Promise<boolean> {
    return status === STATUS_OK || this.#primitive.toHeld(status, ownerOfHolder(this.#holder), this.recovers);
  }
}

/** RLock: when an owner has acquired it, so have all tasks in the name of the same owner. */
export function admitOwner(scheduler: Scheduler, cell: number, name: number): void {
  localQueuesOf(scheduler).get(cell)?.oldest.admitOwner(name);
}

/** An answer that is known at once needs no promise of its own. */
export const HELD = /* @__PURE__ */ Promise.resolve(true);
const NOT_HELD = /* @__PURE__ */ Promise.resolve(false);

/**
 * What Lock, RLock and Semaphore share: acquiring as a task, and beside tasks. Algorithm: `assembly/resource.ts`.
 *
 * Each of the three has its own `acquire`, `tryAcquire` and `release`, nearly alike: engines inline a method that one
 * class calls, and not one that three classes share.
 */
export abstract class Acquirable<K extends string = string> extends Holdable<K> {
  #queue: LocalQueue | undefined;

  /**
   * Acquires, and blocks where it must. `name`, of a thread or a task, is what acquiring adds to the word; a task must not
   * block, so its limit is 0. `hold`: of a permit for a guard.
   *
   * @internal
   */
  protected abstract acquireIn(name: number, limit: number, hold: number): number;

  /**
   * What the proxy of a local queue adds to the word; 0: it acquires in its own name.
   *
   * @internal
   */
  protected abstract get proxyName(): number;

  /**
   * Whether a task of this thread holds it.
   *
   * @internal
   */
  get heldByTask(): boolean {
    return false;
  }

  /**
   * A wait for it, by this thread's record or by a Condition's waiter.
   *
   * @internal
   */
  operation(name: number): Operation {
    return new Operation(this.ref, acquireSteps, undefined, name);
  }

  /**
   * This thread's oldest local queue for it, if a task waits.
   *
   * @internal
   */
  protected localQueue(scheduler: Scheduler): LocalQueue | undefined {
    if (this.#queue?.proxy.waiter) return this.#queue;
    if (scheduler.localQueues.size === 0) return undefined;
    const { cell, stamp } = this.ref;
    const oldest = localQueuesOf(scheduler).get(cell)?.oldest;
    // It may be another object's, of the same primitive; or another primitive's, if this one was destroyed.
    if (oldest?.proxy.target.stamp !== stamp) return undefined;
    this.#queue = oldest;
    return oldest;
  }

  /**
   * Also by a task that has given its place up because its thread blocks, as long as the thread is asked itself.
   *
   * @internal
   */
  override get awaited(): boolean {
    const scheduler = tasksOf(this.ref.arena);
    return super.awaited || (scheduler !== undefined && this.localQueue(scheduler) !== undefined);
  }

  /**
   * The core has handed it off to the first task of this queue.
   *
   * @internal
   */
  protected handedOff(queue: LocalQueue): void {
    countPass();
    queue.advance();
  }

  /**
   * What `acquire` of the three does, but for its last line: where nothing counts on being inlined.
   *
   * @internal
   */
  block(limit: number, hold: number): number {
    const { arena, thread } = this.ref;
    const scheduler = tasksOf(arena);
    try {
      return (scheduler && this.blockIfTasks(scheduler, limit, hold)) ?? this.acquireIn(thread, limit, hold);
    } catch (error) {
      // In this frame, as there may be no stack for one more: see `debt`.
      arena.debt = 1;
      arena.tasks ??= arena.nobody;
      void SOON.then(arena.pay);
      arena.pay();
      throw error;
    }
  }

  /**
   * Blocks beside this thread's waiting tasks. Answers `undefined` when there are none: then the core may block.
   *
   * @internal
   */
  protected blockIfTasks(scheduler: Scheduler, limit: number, hold = 0): number | undefined {
    if (limit === 0) return undefined;
    const { arena, thread } = this.ref;
    const status = this.acquireIn(thread, 0, hold);
    if (status !== STATUS_TIMEOUT) return status;
    if (!scheduler.busy) return this.heldByTask ? this.deadlock() : undefined;
    const op = this.operation(thread);
    op.hold = hold;
    return blockBesideTasks(
      arena,
      scheduler,
      op,
      limit,
      // Once this thread stands in the queue, its tasks acquire nothing.
      (standing) => !standing && this.heldByTask && !this.#handedOver(scheduler),
      () => this.deadlock(),
    );
  }

  /** Whether the word names a task only because it was handed the primitive, and has not seen that. */
  #handedOver(scheduler: Scheduler): boolean {
    const { core, cell, stamp, thread } = this.ref;
    core.awaitVerdicts(cell, stamp, thread);
    return scheduler.hasGrantAt(cell);
  }

  /** @internal */
  override acquireTask(wanted: OwnerWanted, owner: Owner | undefined, hold: number): boolean | Promise<boolean> {
    if (!turns.late || wanted.limit === 0) return this.acquireNow(wanted, owner, hold);
    return afterTurn(() => {
      // It may have been aborted meanwhile.
      if (wanted.signal?.aborted) throw wanted.signal.reason;
      return this.acquireNow(wanted, owner, hold);
    });
  }

  /**
   * As `acquireTask`, in this turn of the event loop.
   *
   * @internal
   */
  protected abstract acquireNow(
    wanted: OwnerWanted,
    owner: Owner | undefined,
    hold: number,
  ): boolean | Promise<boolean>;

  /**
   * Acquires as a task, in this name: at once, or after a wait.
   *
   * @internal
   */
  protected acquireAs(
    name: number,
    { limit, signal, recovers }: OwnerWanted,
    owner: Owner | undefined,
    hold: number,
  ): boolean | Promise<boolean> {
    const { arena } = this.ref;
    // Made here even if nothing waits: from now on, blocking calls check whether a task holds it.
    const scheduler = schedulerOf(arena);
    const oldest = this.localQueue(scheduler);
    let queue = oldest?.youngest;
    // The owner may hold it already, and a call without a wait must try.
    const triesFirst = !queue || owner !== undefined || limit === 0;
    let place = triesFirst ? JOIN_AFTER_TRYING : queue!.ask();
    if (place !== JOIN_AT_ONCE) {
      const status = this.acquireIn(name, 0, hold);
      if (status !== STATUS_TIMEOUT || limit === 0) {
        scheduler.collect();
        return status === STATUS_OK || this.toHeld(status, owner, recovers);
      }
      if (triesFirst) place = queue ? queue.ask() : JOIN_NOT;
      if (place === JOIN_NOT) queue = this.#newQueue(scheduler, oldest !== undefined);
    }
    const call = new QueuedCall(this, queue!, name, owner, hold);
    if (recovers) call.recovers = true;
    const promise = promiseOf<boolean>(call);
    queue!.join(call, place === JOIN_AT_ONCE, limit, signal);
    return promise;
  }

  /**
   * Whether a task holds it: what its acquiring, in this owner's name, has come to. It must not collect: see
   * `blockBesideTasks`.
   *
   * @internal
   */
  toHeld(status: number, _owner: Owner | undefined, _recovers: boolean): boolean | Promise<boolean> {
    return this.toBoolean(status);
  }

  /** This object's own queue, made once; or a new one, if `another` queue of this thread is in use at the cell. */
  #newQueue(scheduler: Scheduler, another: boolean): LocalQueue {
    if (!another && this.#queue) return this.#queue;
    const queue = new LocalQueue(this.ref, scheduler, this.proxyName);
    if (!another) this.#queue = queue;
    return queue;
  }

  /**
   * The checked options of `acquireAsync`, of this primitive or of a Condition over it (`kind`, for messages).
   *
   * @internal
   */
  protected wanted(options: OwnerWaitOptions | undefined, kind: string): OwnerWanted {
    return options === undefined ? FOR_EVER : checkOwnerWait(options, `${kind}.acquireAsync`);
  }

  /**
   * What `acquireAsync` answers.
   *
   * @internal
   */
  acquirePromise(options: OwnerWaitOptions | undefined, kind: string): Promise<boolean> {
    try {
      const wanted = this.wanted(options, kind);
      const held = this.acquireTask(wanted, wanted.owner, 0);
      return held === true ? HELD : held || NOT_HELD;
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
