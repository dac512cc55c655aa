import { Field, Kind, Status } from '../assembly/abi.js';
import { Arena, regionOf } from './arena.js';
import { checkFunction, checkInteger, checkOptions, checkTimeout, isThenable, show } from './check.js';
import { Holdable } from './guard.js';
import { Lock } from './lock.js';
import { type Attached, attached, created, type Handle, type Idle, type PrimitiveOptions } from './primitive.js';
import { RLock } from './rlock.js';

const MOST = 2 ** 31 - 1;
/** Not 0 when the lock is the Condition's own: the high word of `last`. */
const OWN = 60;

export interface ConditionHandle extends Handle {
  readonly lock: Handle;
}

/** What the constructor gets from `from`, in place of a lock. */
class Existing {
  constructor(
    readonly at: Attached,
    readonly lock: Lock | RLock,
  ) {}
}

/**
 * A queue of threads that wait for a state which the holder of a lock changes, like Python's `threading.Condition`.
 * `wait` gives the lock up and has it again when it returns; `notify` lets the first in the queue go on. Waiters are
 * moved to the lock's queue, not woken all at once. Algorithm: `assembly/condition.ts`.
 */
export class Condition extends Holdable<'Condition'> {
  /** The lock: the one given to the constructor, or an `RLock` of its own. Part of the handle. */
  readonly lock: Lock | RLock;
  readonly #recursive: boolean;

  /**
   * @param lock default: a new RLock, which is destroyed with the Condition
   * @throws TypeError when it is no lock, or one of another arena
   */
  constructor(lock?: Lock | RLock, options?: PrimitiveOptions) {
    const { at, lock: used } =
      (lock as unknown) instanceof Existing ? (lock as unknown as Existing) : make(lock, options);
    super('Condition', Kind.CONDITION, at);
    this.lock = used;
    this.#recursive = used instanceof RLock;
  }

  /**
   * Attaches to the condition that a handle names, and to its lock: a `Condition` that was posted.
   *
   * @throws TypeError when it is not the handle of a Condition, of a destroyed one, or of an incompatible version
   */
  static from(handle: ConditionHandle): Condition {
    const at = attached(handle, 'Condition', Kind.CONDITION);
    const theirs = handle.lock;
    const lock = theirs?.kind === 'Lock' ? Lock.from(theirs) : RLock.from(theirs);
    const [address, stamp] = new Uint32Array(at.region.memory.buffer, at.address + Field.FIRST, 2);
    if (lock.arena.address !== at.region.base || lock.address !== address || lock.stamp >>> 0 !== stamp) {
      throw new TypeError('Condition.from: the lock of this handle is not the lock of its Condition');
    }
    return new Condition(new Existing(at, lock) as unknown as Lock);
  }

  /** Acquires the lock: its `acquire`. */
  acquire(timeout?: number): boolean {
    this.live();
    return this.lock.acquire(timeout);
  }

  /** Acquires the lock if that needs no waiting: its `tryAcquire`. */
  tryAcquire(): boolean {
    this.live();
    return this.lock.tryAcquire();
  }

  /** Releases the lock: its `release`. */
  release(): void {
    this.live();
    this.lock.release();
  }

  /**
   * Gives the lock up (an RLock entirely), blocks until it is notified, and acquires the lock again, as often as it was
   * held. False when the time is up first; the lock is held then too.
   *
   * @param timeout ms until it must be notified; having the lock again may take longer. Nothing or `Infinity` for ever
   * @throws NotHeldError when the lock is not held
   * @throws BlockingNotAllowedError on a thread that may not block
   */
  wait(timeout?: number): boolean {
    this.mayBlock('wait');
    const limit = checkTimeout(timeout, 'Condition.wait');
    return this.settle(this.core.conditionWait(this.cell, this.life, this.thread, limit, this.#recursive));
  }

  /**
   * Waits until `predicate()`, called with the lock held, answers something true. False when the time is up first.
   *
   * @param timeout ms in all; nothing or `Infinity` for ever
   * @throws NotHeldError when the lock is not held
   * @throws BlockingNotAllowedError on a thread that may not block
   * @throws TypeError when `predicate` is not a function, or returns a promise
   */
  waitFor(predicate: () => unknown, timeout?: number): boolean {
    this.mayBlock('waitFor');
    checkFunction(predicate, 'Condition.waitFor: the predicate');
    const deadline = performance.now() + checkTimeout(timeout, 'Condition.waitFor');
    // The predicate looks at what the lock protects: notifying nobody checks that the lock is held.
    this.notify(0);
    const holds = (): boolean => {
      const result = predicate();
      if (isThenable(result)) throw new TypeError(`${this}: the predicate returned a promise, which is always true`);
      return Boolean(result);
    };
    let held = holds();
    for (let left = deadline - performance.now(); !held && left > 0; left = deadline - performance.now()) {
      this.wait(left);
      held = holds();
    }
    return held;
  }

  /**
   * Lets the first `n` waiters go on, or as many as there are, once they have the lock. Never waits.
   *
   * @throws NotHeldError when the lock is not held
   * @throws TypeError, RangeError when `n` is not an integer of 0 or more
   */
  notify(n = 1): void {
    checkInteger(n, 0, MOST, 'Condition.notify: the number of waiters');
    this.expect(this.core.conditionNotify(this.cell, this.life, this.thread, n, this.#recursive));
  }

  /** Lets all waiters go on, once they have the lock. Never waits. */
  notifyAll(): void {
    this.notify(MOST);
  }

  /** Gives its memory back, and that of a lock of its own. */
  override destroy(): void {
    const own = this.peek(OWN) !== 0;
    if (own && this.lock.locked) this.refuse(Status.BUSY);
    super.destroy();
    if (own) this.lock.destroy();
  }

  protected override heldBy(): string {
    return `: its ${this.lock} must be held by this thread`;
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: 0, idle: 0, dead: 0 };
  }
}

function make(lock: Lock | RLock | undefined, options: PrimitiveOptions | undefined): Existing {
  checkOptions(options, 'new Condition');
  if (lock !== undefined && !(lock instanceof Lock || lock instanceof RLock)) {
    throw new TypeError(`new Condition: the lock must be a Lock or an RLock, not ${show(lock)}`);
  }
  const used = lock ?? new RLock(options);
  const arena = options?.arena === undefined ? used.arena : options.arena;
  if (arena instanceof Arena && regionOf(arena) !== regionOf(used.arena)) {
    throw new TypeError('new Condition: the lock lives in another arena. Both must be in one');
  }
  try {
    const initial = { first: used.address, second: used.stamp, last: lock ? 0 : 1 };
    return new Existing(created('Condition', Kind.CONDITION, { ...options, arena }, initial), used);
  } catch (error) {
    if (!lock) used.destroy();
    throw error;
  }
}
