import { Field, Kind } from '../assembly/abi.js';
import { Holdable } from './guard.js';
import { attached, type Handle, type Idle, type PrimitiveOptions } from './primitive.js';

/** The bits of a lock's or a semaphore's word below its owner or permits. */
export const UNIT = 64;

/** Not held, no waiter on its way; leaves an owner behind that nobody has. */
export const IDLE_LOCK: Idle = { mask: -1, idle: 0, dead: -UNIT };

/**
 * A mutual exclusion lock, like Python's `threading.Lock`: one thread holds it, and any thread may release it.
 *
 * A free lock is taken by whoever asks first, also past those who wait; of those who wait, the first is woken first, and
 * one that was passed over for a millisecond is handed the lock. Algorithm: `assembly/resource.ts`.
 */
export class Lock extends Holdable<'Lock'> {
  constructor(options?: PrimitiveOptions) {
    super('Lock', Kind.LOCK, options);
  }

  /**
   * Attaches to the lock that a handle names: a `Lock` that was posted.
   *
   * @throws TypeError when it is not the handle of a Lock, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle): Lock {
    return new Lock(attached(handle, 'Lock', Kind.LOCK) as PrimitiveOptions);
  }

  /**
   * Blocks until this thread holds the lock. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  acquire(timeout?: number): boolean {
    return this.settle(this.core.lockAcquire(this.cell, this.life, this.thread, this.limit(timeout, 'acquire')));
  }

  /** Takes the lock if it is free; never waits. True when this thread holds it now. */
  tryAcquire(): boolean {
    return this.settle(this.core.lockAcquire(this.cell, this.life, this.thread, 0));
  }

  /**
   * Releases the lock, whichever thread acquired it, and lets the first in the queue go on. Never waits.
   *
   * @throws NotHeldError when nobody holds it
   */
  release(): void {
    this.expect(this.core.lockRelease(this.cell, this.life, this.thread));
  }

  /** Whether somebody holds it. */
  get locked(): boolean {
    return this.peek(Field.WORD) >= UNIT;
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_LOCK;
  }
}
