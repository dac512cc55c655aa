import { Field, Kind } from '../assembly/abi.js';
import { Holdable } from './guard.js';
import { IDLE_LOCK, UNIT } from './lock.js';
import { attached, type Handle, type Idle, type PrimitiveOptions } from './primitive.js';

/**
 * A lock that the thread which holds it may acquire again, like Python's `threading.RLock`. It is free when it was
 * released as often as it was acquired. Algorithm: `assembly/rlock.ts`.
 */
export class RLock extends Holdable<'RLock'> {
  constructor(options?: PrimitiveOptions) {
    super('RLock', Kind.RLOCK, options);
  }

  /**
   * Attaches to the lock that a handle names: an `RLock` that was posted.
   *
   * @throws TypeError when it is not the handle of an RLock, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle): RLock {
    return new RLock(attached(handle, 'RLock', Kind.RLOCK) as PrimitiveOptions);
  }

  /**
   * Blocks until this thread holds the lock; at once when it holds it already. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  acquire(timeout?: number): boolean {
    return this.settle(this.core.rlockAcquire(this.cell, this.life, this.thread, this.limit(timeout, 'acquire')));
  }

  /** Takes the lock if it is free or this thread's; never waits. True when this thread holds it now. */
  tryAcquire(): boolean {
    return this.settle(this.core.rlockAcquire(this.cell, this.life, this.thread, 0));
  }

  /**
   * Releases the lock once. Never waits.
   *
   * @throws NotHeldError when this thread is not its owner
   */
  release(): void {
    this.expect(this.core.rlockRelease(this.cell, this.life, this.thread));
  }

  /** Whether some thread holds it. */
  get locked(): boolean {
    return this.peek(Field.WORD) >= UNIT;
  }

  /** Whether this thread holds it. */
  get owned(): boolean {
    return Math.floor(this.peek(Field.WORD) / UNIT) * UNIT === this.thread;
  }

  /** How often this thread holds it; 0 when it is not the owner. */
  get recursionCount(): number {
    return this.owned ? this.peek(Field.FIRST) + 1 : 0;
  }

  protected override heldBy(): string {
    return this.locked ? ' by this thread, but by another' : '';
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_LOCK;
  }
}
