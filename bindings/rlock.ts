import {
  CELL_WORD,
  KIND_RLOCK,
  RLOCK_DEPTH,
  STATUS_NOT_HELD,
  STATUS_OK,
  THREAD_OWNING_THREAD,
  UNIT,
} from '../assembly/abi.js';
import { OWNER_OPTIONS, OWNER_WAIT_OPTIONS, type WaitOptions } from './check.js';
import { invalidType } from './errors.js';
import { IDLE_LOCK } from './lock.js';
import { checkOwner, Owner, type OwnerOptions, ownerIn, unuseOwner, useOwner, usesOf } from './owner.js';
import { attached, type Handle, type Idle, type PrimitiveOptions, type View } from './primitive.js';
import { Resource, ResourceWait } from './resource.js';

/** The options of an async call of an `RLock`, or of a `Condition` over one. */
export type OwnerWaitOptions = WaitOptions & OwnerOptions;

/** A wait for the whole lock: that of who waited for a Condition. */
export class RLockReturn extends ResourceWait {
  /** @internal */
  protected override release(): number {
    return this.region.core.rlockRelease(this.cell, this.life, this.take);
  }

  /** @internal */
  protected override heldByTask(): boolean {
    const { region, cell } = this;
    const owner = (region.load(cell, CELL_WORD) & -UNIT) >>> 0;
    return owner !== 0 && owner !== region.thread && region.load(owner, THREAD_OWNING_THREAD) === region.thread;
  }
}

/**
 * The way of a line's representative. It acquires in its own name, and then in that of the first: whoever gives up takes
 * his name with him, and it may be another's when the lock is handed to it.
 */
class RLockWay extends RLockReturn {
  override enter(waiter: number, flags?: number): number {
    this.take = waiter;
    return super.enter(waiter, flags);
  }
}

/**
 * A lock that the thread which holds it may acquire again, like Python's `threading.RLock`. It is free when it was
 * released as often as it was acquired. Algorithm: `assembly/rlock.ts`.
 *
 * Blocking calls act in the name of their thread. Async ones act in the name of an `Owner`, as two tasks of one thread
 * must not hold it together.
 */
export class RLock extends Resource<'RLock'> {
  // Its own, since engines are slow where all classes come by.
  readonly #view = this.view;

  constructor(options?: PrimitiveOptions) {
    super('RLock', KIND_RLOCK, options);
  }

  /**
   * Attaches to the lock that a handle names: an `RLock` that was posted.
   *
   * @throws TypeError when it is not the handle of an RLock, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'RLock'>): RLock {
    return make(attached(handle, 'RLock', KIND_RLOCK));
  }

  /**
   * Blocks until this thread holds the lock; at once when it holds it already. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws DeadlockError when a task of this thread holds it, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  acquire(timeout?: number): boolean {
    const limit = this.limit(timeout, 'acquire');
    const { core, region, cell, life, thread } = this.#view;
    const { inbox } = region;
    let status: number;
    try {
      status = (inbox && this.beside(region, limit)) ?? core.rlockAcquire(cell, life, thread, limit);
    } catch (error) {
      return this.withdraw(error);
    }
    return inbox || status !== STATUS_OK ? this.settle(region, status) : true;
  }

  /** Takes the lock if it is free or this thread's; never waits. True when this thread holds it now. */
  tryAcquire(): boolean {
    const { core, region, cell, life, thread } = this.#view;
    return this.settle(region, core.rlockAcquire(cell, life, thread, 0));
  }

  /**
   * Waits without blocking the thread until `owner` holds the lock; not at all when it holds it already. False when the
   * time is up first. Tasks and blocked threads stand in one queue.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError without an owner (`holdAsync()` makes one); TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: OwnerWaitOptions): Promise<boolean> {
    return this.promise(options);
  }

  /** @internal */
  protected override attainNow(options: OwnerWaitOptions | undefined, given?: Owner): boolean | Promise<boolean> {
    const owner = given ?? checkOwner(options, 'RLock.acquireAsync', OWNER_WAIT_OPTIONS);
    if (!owner) {
      throw invalidType(
        'RLock.acquireAsync: it needs an owner, since tasks of one thread must not own the lock together. Use holdAsync(), and { owner: guard.owner } to acquire it again',
      );
    }
    const { region, cell } = this.view;
    const name = useOwner(owner, region);
    let held: boolean | Promise<boolean> = false;
    try {
      held = this.task(options, name, owner);
    } finally {
      if (held === false) unuseOwner(owner, region);
    }
    // What its other tasks wait for, it has.
    if (held === true && usesOf(owner, region) > 1) region.inbox!.lines.get(cell)?.oldest.retry(name);
    return held;
  }

  /** @internal */
  protected override newOwner(): Owner {
    return new Owner();
  }

  /**
   * Releases the lock once: in this thread's name, or in an owner's. Never waits.
   *
   * @throws NotHeldError when this thread, or the owner, does not hold it
   * @throws TypeError when the owner is none
   */
  release(options?: OwnerOptions): void {
    this.letGo(options === undefined ? undefined : checkOwner(options, 'RLock.release', OWNER_OPTIONS));
  }

  /** @internal */
  override letGo(owner: Owner | undefined): void {
    const { core, region, cell, life, thread } = this.#view;
    const who = owner ? ownerIn(owner, region) || this.refuse(STATUS_NOT_HELD) : thread;
    const line = region.inbox && this.lineIn(region.inbox);
    const passed = line && region.load(cell, RLOCK_DEPTH) === 0 && line.passOn(who, who);
    if (!passed) this.expect(region, core.rlockRelease(cell, life, who));
    if (owner) unuseOwner(owner, region);
  }

  /** Whether some thread or task holds it. */
  get locked(): boolean {
    return this.peek(CELL_WORD) >= UNIT;
  }

  /** Whether this thread holds it: what its tasks hold is not its own. */
  get owned(): boolean {
    return Math.floor(this.peek(CELL_WORD) / UNIT) * UNIT === this.view.thread;
  }

  /**
   * Whether a task of this thread holds it.
   *
   * @internal
   */
  get heldByTask(): boolean {
    return this.wait(this.view.thread).deadlocked(false);
  }

  /** How often this thread holds it; 0 when it is not the owner. */
  get recursionCount(): number {
    return this.owned ? this.peek(RLOCK_DEPTH) + 1 : 0;
  }

  /** @internal */
  protected override attempt(take: number): number {
    const { core, cell, life } = this.view;
    return core.rlockAcquire(cell, life, take, 0);
  }

  /** @internal */
  protected override wait(take: number): ResourceWait {
    return new RLockReturn(this, take);
  }

  /** @internal */
  protected override way(): ResourceWait {
    return new RLockWay(this, 0);
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
function make(at: View): RLock {
  return new RLock(at as PrimitiveOptions);
}
