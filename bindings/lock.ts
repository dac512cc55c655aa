import { CELL_WORD, HELD_BY_TASK, KIND_LOCK, STATUS_OK, UNIT } from '../assembly/abi.js';
import type { WaitOptions } from './check.js';
import { attached, type Handle, type Idle, type PrimitiveOptions, type View } from './primitive.js';
import { Resource, ResourceWait } from './resource.js';

/** Not held, no waiter on its way; leaves an owner behind that nobody has. */
export const IDLE_LOCK: Idle = /* @__PURE__ */ (() => ({ mask: -1, idle: 0, dead: -UNIT }))();

export class LockWait extends ResourceWait {
  /** @internal */
  protected override release(): number {
    return this.region.core.lockRelease(this.cell, this.life, this.region.thread);
  }

  /** @internal */
  protected override heldByTask(): boolean {
    const { region, cell } = this;
    return (region.load(cell, CELL_WORD) & -HELD_BY_TASK) === (region.thread | HELD_BY_TASK);
  }
}

/**
 * A mutual exclusion lock, like Python's `threading.Lock`: one thread holds it, and any thread may release it.
 *
 * A free lock is taken by whoever asks first, also past those who wait; of those who wait, the first is woken first, and
 * one that was passed over for a millisecond is handed the lock. Algorithm: `assembly/resource.ts`.
 */
export class Lock extends Resource<'Lock'> {
  // Its own, since engines are slow where all classes come by.
  readonly #view = this.view;

  constructor(options?: PrimitiveOptions) {
    super('Lock', KIND_LOCK, options);
  }

  /**
   * Attaches to the lock that a handle names: a `Lock` that was posted.
   *
   * @throws TypeError when it is not the handle of a Lock, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Lock'>): Lock {
    return make(attached(handle, 'Lock', KIND_LOCK));
  }

  /**
   * Blocks until this thread holds the lock. False when the time is up first.
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
      status = (inbox && this.beside(region, limit)) ?? core.lockAcquire(cell, life, thread, limit);
    } catch (error) {
      return this.withdraw(error);
    }
    return inbox || status !== STATUS_OK ? this.settle(region, status) : true;
  }

  /**
   * Waits without blocking the thread until it holds the lock. False when the time is up first. Tasks and blocked threads
   * stand in one queue.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: WaitOptions): Promise<boolean> {
    return this.promise(options);
  }

  /** Takes the lock if it is free; never waits. True when this thread holds it now. */
  tryAcquire(): boolean {
    const { core, region, cell, life, thread } = this.#view;
    return this.settle(region, core.lockAcquire(cell, life, thread, 0));
  }

  /**
   * Releases the lock, whichever thread acquired it, and lets the first in the queue go on. Never waits.
   *
   * @throws NotHeldError when nobody holds it
   */
  release(): void {
    const { core, region, cell, life, thread } = this.#view;
    let owner = thread;
    const { inbox } = region;
    if (inbox) {
      // A guess: a task may hold it.
      owner |= region.words(cell)[cell >>> 2]! & HELD_BY_TASK;
      if (this.lineIn(inbox)?.passOn(owner, owner)) return;
    }
    const status = core.lockRelease(cell, life, owner);
    if (inbox || status !== STATUS_OK) this.expect(region, status);
  }

  /** Whether somebody holds it. */
  get locked(): boolean {
    return this.peek(CELL_WORD) >= UNIT;
  }

  /** @internal */
  protected override attempt(take: number): number {
    const { core, cell, life } = this.view;
    return core.lockAcquire(cell, life, take, 0);
  }

  /** @internal */
  protected override wait(take: number): ResourceWait {
    return new LockWait(this, take);
  }

  /** @internal */
  protected override attainNow(options: WaitOptions | undefined): boolean | Promise<boolean> {
    return this.task(options, this.view.thread | HELD_BY_TASK);
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_LOCK;
  }
}

// Outside of the class: one that names itself within is called _Lock by bundlers.
function make(at: View): Lock {
  return new Lock(at as PrimitiveOptions);
}
