import {
  CELL_WORD,
  KIND_RLOCK,
  NOBODY,
  RLOCK_DEPTH,
  STATUS_NOT_HELD,
  STATUS_OK,
  THREAD_OWNING_THREAD,
  UNIT,
} from '../assembly/abi.ts';
import { admitOwner } from './acquirable.ts';
import { attachCell, type CellRef, type Handle } from './handle.ts';
import { IDLE_LOCK, type Idle } from './idle.ts';
import {
  checkOwner,
  Owner,
  type OwnerOptions,
  type OwnerWaitOptions,
  type OwnerWanted,
  ownerIn,
  unuseOwner,
  useOwner,
  usesOf,
} from './owner.ts';
import { type LockOptions, type LockRecovery, Recoverable } from './recoverable.ts';
import { schedulerOf, tasksOf } from './scheduler.ts';
import { SOON } from './thread-arena.ts';
import { invalidType, OWNER_OPTIONS } from './validate.ts';

/**
 * A lock that the thread which holds it may acquire again, like Python's `threading.RLock`. It is free when it was
 * released as often as it was acquired. Algorithm: `assembly/rlock.ts`.
 *
 * Blocking calls act in the name of their thread. Async ones act in the name of an `Owner`, as two tasks of one thread
 * must not hold it together.
 *
 * When the thread that holds it dies, it is abandoned, as a Lock.
 *
 * @example
 * ```js
 * import { RLock } from 'lockwork';
 *
 * const lock = new RLock();
 * const inner = () => lock.with(() => lock.recursionCount);
 * lock.with(() => inner()); // 2: acquired again by its owner
 *
 * await lock.withAsync(async ({ owner }) => {
 *   await lock.withAsync(() => 'booked', { owner }); // 'booked': of tasks, the owner says who
 * });
 * ```
 */
export class RLock extends Recoverable<'RLock'> {
  // Its own, since engines are slow where all classes come by.
  readonly #ref = this.ref;

  /**
   * Makes a lock that nobody holds. Works in any thread, and never waits.
   *
   * @throws TypeError, RangeError when an option is wrong
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(options?: LockOptions);
  /** @internal */
  constructor(existing: CellRef, recovery: LockRecovery | undefined);
  constructor(options?: LockOptions | CellRef, recovery?: LockRecovery) {
    super('RLock', KIND_RLOCK, options, recovery);
  }

  /**
   * Attaches to the lock that a handle names: an `RLock` that was posted.
   *
   * @param options `recover`: what this thread does with an abandoned one
   * @throws TypeError when it is not the handle of an RLock, of a destroyed one, or of an incompatible version; when an
   *   option is wrong
   */
  static from(handle: Handle<'RLock'>, options?: LockRecovery): RLock {
    return attachRLock(attachCell(handle, 'RLock', KIND_RLOCK), options);
  }

  /**
   * Blocks until this thread holds the lock; at once when it holds it already. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws DeadlockError when a task of this thread holds it, unless `timeout` is 0; in a circle of threads that wait for each
   *   other's RLocks without a timeout, unless `setDeadlockPolicy` says otherwise
   * @throws AbandonedError when the thread that held it has died: it is not held, and abandoned until `recover` has repaired
   *   what it protects. With the option `recover`, that is done here, and what it throws is thrown
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  acquire(timeout?: number): boolean {
    const limit = this.limit(timeout, 'acquire');
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    let status: number;
    try {
      status = (scheduler && this.blockIfTasks(scheduler, limit)) ?? core.rlockAcquire(cell, stamp, thread, limit);
    } catch (error) {
      // In this frame, as there may be no stack for one more: see `debt`.
      arena.debt = 1;
      arena.tasks ??= arena.nobody;
      void SOON.then(arena.pay);
      arena.pay();
      throw error;
    }
    return scheduler || status !== STATUS_OK ? this.finish(arena, status) : true;
  }

  /**
   * Takes the lock if it is free or this thread's; never waits. True when this thread holds it now.
   *
   * @throws AbandonedError, whatever `recover` throws: as `acquire`
   */
  tryAcquire(): boolean {
    const { core, arena, cell, stamp, thread } = this.#ref;
    // To pay what the thread owes may throw: before it takes something. And what a wait that has thrown was given is not its own.
    tasksOf(arena);
    return this.finish(arena, core.rlockAcquire(cell, stamp, thread, 0));
  }

  /**
   * Waits without blocking the thread until `owner` holds the lock; not at all when it holds it already. False when the
   * time is up first. Tasks and blocked threads stand in one queue.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws AbandonedError, whatever `recover` throws: as `acquire`, and an async `recover` is awaited
   * @throws TypeError without an owner (`holdAsync()` makes one); TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: OwnerWaitOptions): Promise<boolean> {
    return this.acquirePromise(options, this.kind);
  }

  /** @internal */
  protected override wanted(options: OwnerWaitOptions | undefined, kind: string): OwnerWanted {
    const wanted = super.wanted(options, kind);
    if (wanted.owner) return wanted;
    throw invalidType(
      `${kind}.acquireAsync: it needs an owner, since tasks of one thread must not own the lock together. Use holdAsync(), and { owner: guard.owner } to acquire it again`,
    );
  }

  /** @internal */
  protected override acquireNow(wanted: OwnerWanted, owner: Owner): boolean | Promise<boolean> {
    const { arena, cell } = this.ref;
    const name = useOwner(owner, arena);
    let held: boolean | Promise<boolean> = false;
    try {
      held = this.acquireAs(name, wanted, owner, 0);
    } finally {
      if (held === false) unuseOwner(owner, arena);
    }
    // What its other tasks wait for, it has.
    if (held === true && usesOf(owner, arena) > 1) admitOwner(schedulerOf(arena), cell, name);
    return held;
  }

  /** @internal */
  protected override newOwner(): Owner {
    return new Owner();
  }

  /**
   * Releases the lock once: in this thread's name, or in an owner's. Never waits. An abandoned one stays abandoned.
   *
   * @throws NotHeldError when this thread, or the owner, does not hold it
   * @throws TypeError when the owner is none
   */
  release(options?: OwnerOptions): void {
    this.letGo(options === undefined ? undefined : checkOwner(options, 'RLock.release', OWNER_OPTIONS), 0);
  }

  /** @internal */
  override letGo(owner: Owner | undefined, _hold: number): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    // Apart, so that this is inlined: without tasks.
    if (owner || arena.tasks) {
      this.#letGo(owner);
      return;
    }
    const status = core.rlockRelease(cell, stamp, thread);
    if (status !== STATUS_OK) this.throwStatus(status);
  }

  #letGo(owner: Owner | undefined): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    const name = owner ? ownerIn(owner, arena) || this.throwStatus(STATUS_NOT_HELD) : thread;
    const scheduler = tasksOf(arena);
    const queue = scheduler && this.localQueue(scheduler);
    const heir = queue?.heir;
    if (heir && core.handOff(cell, stamp, queue!.proxy.waiter, name, heir.name, queue!.others)) this.handedOff(queue!);
    else this.finishOk(arena, core.rlockRelease(cell, stamp, name));
    if (owner) unuseOwner(owner, arena);
  }

  /** Whether some thread or task holds it. */
  get locked(): boolean {
    return this.peek(CELL_WORD) >= UNIT;
  }

  /** Whether this thread holds it: what its tasks hold is not its own. */
  get owned(): boolean {
    return Math.floor(this.peek(CELL_WORD) / UNIT) * UNIT === this.ref.thread;
  }

  /** How often this thread holds it; 0 when it is not the owner. */
  get recursionCount(): number {
    return this.owned ? this.peek(RLOCK_DEPTH) + 1 : 0;
  }

  /** @internal */
  override get heldByTask(): boolean {
    const { arena, cell, thread } = this.ref;
    const name = arena.load(cell, CELL_WORD) & -UNIT;
    const owner = name >>> 0;
    // The record of a task of this thread, or whatever it is of another one: that never becomes this thread's.
    if (owner === 0 || name === NOBODY || owner === thread) return false;
    return arena.load(owner, THREAD_OWNING_THREAD) === thread;
  }

  /** @internal */
  protected override acquireIn(name: number, limit: number): number {
    const { core, cell, stamp } = this.ref;
    return core.rlockAcquire(cell, stamp, name, limit);
  }

  /** @internal */
  protected override get proxyName(): number {
    return 0;
  }

  /** @internal */
  protected override heldBy(): string {
    if (this.heldByTask) return ' by this thread, but by a task of it. Pass its owner: { owner: guard.owner }';
    return this.locked ? ' by this thread, but by another, or by a task of it' : super.heldBy();
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_LOCK;
  }
}

// Outside of the class: one that names itself within is called _RLock by bundlers.
function attachRLock(ref: CellRef, recovery: LockRecovery | undefined): RLock {
  return new RLock(ref, recovery);
}
