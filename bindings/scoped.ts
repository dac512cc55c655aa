/// <reference lib="esnext.disposable" preserve="true" />
import { TimeoutError } from './errors.ts';
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
  STAYS,
} from './owner.ts';
import { Primitive } from './primitive.ts';
import { checkFunction, invalidType, isStrayPromise } from './validate.ts';

// WebKit has no Symbol.dispose yet; compiled `using` looks for this one there.
const dispose: typeof Symbol.dispose = /* @__PURE__ */ ((): typeof Symbol.dispose =>
  Symbol.dispose ?? Symbol.for('Symbol.dispose'))();

/** What `using` releases. Made by a call, as bundlers keep a class that has a method by another name than a literal one. */
const Scoped = /* @__PURE__ */ (() => {
  abstract class Scoped {
    abstract release(): void;

    /** The same as `release()`: what `using` calls. */
    [dispose](): void {
      this.release();
    }
  }
  return Scoped;
})();

/**
 * Something that is held, until `release()` or the end of the scope of a `using`.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 *
 * const lock = new Lock();
 * {
 *   using held = lock.hold();
 *   lock.locked; // true
 * }
 * const guard = await lock.holdAsync();
 * guard.release();
 * guard.release(); // a second time does nothing
 * ```
 */
export class Guard extends Scoped {
  /** What `postMessage` refuses, with this text in its error. */
  protected readonly thread = STAYS;
  #held: Holdable | undefined;
  readonly #holder: Holder;

  /** @internal */
  constructor(held: Holdable, owner: Owner | undefined, hold: number) {
    super();
    this.#held = held;
    this.#holder = holderOf(owner, hold);
  }

  /** The holder of an `RLock` that `holdAsync` acquired: acquires it again, `acquireAsync({ owner })`, and the like. */
  get owner(): Owner | undefined {
    return ownerOfHolder(this.#holder);
  }

  /** @internal Whether it has not been released. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  /** For `Object.prototype.toString`, see `Primitive`. */
  get [Symbol.toStringTag](): string {
    return 'Guard';
  }

  /** Releases what is held. A second call does nothing. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.letGo(this.owner, holdOfHolder(this.#holder));
  }
}

/** What can be held: acquired, released, and so scoped. */
export abstract class Holdable<K extends string = string> extends Primitive<K> {
  /** Blocks until it is held, for at most `timeout` ms: true. False when the time is up first. */
  abstract acquire(timeout?: number): boolean;
  /** The same without blocking the thread. */
  abstract acquireAsync(options?: OwnerWaitOptions): Promise<boolean>;
  /** Lets it go, and the next in the queue go on. Never waits. */
  abstract release(): void;

  /**
   * Acquires it for a scope: `using held = lock.hold();`, or `guard.release()` by hand. Blocks; see `acquire`.
   *
   * @param timeout ms; nothing or `Infinity` for ever
   * @throws TimeoutError when the time is up
   * @throws AbandonedError, what `recover` throws: as `acquire`
   */
  hold(timeout?: number): Guard {
    this.limit(timeout, 'hold');
    const hold = this.permitHold;
    if (!this.acquireGuarded(timeout, hold)) throw this.tooLate(timeout);
    return new Guard(this, undefined, hold);
  }

  /**
   * Acquires it for a scope without blocking the thread: `using held = await lock.holdAsync();`. An `RLock` is acquired
   * in the name of `owner`, or else of a new one, found at `guard.owner`.
   *
   * @throws TimeoutError when the time is up; the signal's reason when it is aborted; see `acquireAsync`
   */
  async holdAsync(options?: OwnerWaitOptions): Promise<Guard> {
    const wanted = options === undefined ? FOR_EVER : checkOwnerWait(options, `${this.kind}.holdAsync`);
    const owner = wanted.owner ?? this.newOwner();
    const hold = this.permitHold;
    const held = this.acquireTask(wanted, owner, hold);
    if (held !== true && !(await held)) throw this.tooLate(wanted.limit);
    return new Guard(this, owner, hold);
  }

  /**
   * Acquires as a task: at once, or after a wait. `hold`: `permitHold`, if it is for a guard; else 0.
   *
   * @internal
   */
  abstract acquireTask(wanted: OwnerWanted, owner: Owner | undefined, hold: number): boolean | Promise<boolean>;

  /**
   * Acquires in the blocking way, for a guard.
   *
   * @internal
   */
  protected acquireGuarded(timeout: number | undefined, _hold: number): boolean {
    return this.acquire(timeout);
  }

  /**
   * Semaphore: where the permits of this thread's guards are counted (holds.ts). 0: nowhere.
   *
   * @internal
   */
  protected get permitHold(): number {
    return 0;
  }

  /**
   * The owner in whose name `holdAsync` acquires, if that matters.
   *
   * @internal
   */
  protected newOwner(): Owner | undefined {
    return undefined;
  }

  /**
   * Releases what a guard has: acquired in this owner's name, counted in this hold.
   *
   * @internal
   */
  letGo(_owner: Owner | undefined, _hold: number): void {
    this.release();
  }

  /**
   * Runs `fn` while holding it, and returns what `fn` returns. Whatever happens in `fn`, it is released. Blocks; see
   * `acquire`.
   *
   * @throws TypeError when `fn` is not a function, or returns a promise: what comes after its first `await` runs
   *   without holding anything
   * @throws AbandonedError, what `recover` throws: as `acquire`
   */
  with<T>(fn: () => T): T {
    checkFunction(fn, this.kind, '.with: the argument');
    this.mayBlock('with');
    const hold = this.permitHold;
    this.acquireGuarded(undefined, hold);
    let result: T;
    try {
      result = fn();
    } finally {
      this.letGo(undefined, hold);
    }
    if (isStrayPromise(result)) this.refusePromise('with');
    return result;
  }

  /**
   * Throws: the function that a blocking call ran returned a promise.
   *
   * @internal
   */
  protected refusePromise(call: string): never {
    throw invalidType(
      `${this}: ${call}(fn) does not wait for promises; it was released before this one settled. Use ${call}Async(fn)`,
    );
  }

  /**
   * Runs `fn`, which may be async, while holding it, and answers what it answers. Whatever happens in `fn`, it is
   * released. Does not block the thread.
   *
   * @param fn is called with the guard (of an `RLock`: `guard.owner` acquires it again)
   * @throws TypeError when `fn` is not a function; TimeoutError and the signal's reason as `holdAsync`
   */
  async withAsync<T>(fn: (guard: Guard) => T | PromiseLike<T>, options?: OwnerWaitOptions): Promise<T> {
    checkFunction(fn, this.kind, '.withAsync: the argument');
    const wanted = options === undefined ? FOR_EVER : checkOwnerWait(options, `${this.kind}.withAsync`);
    const owner = wanted.owner ?? this.newOwner();
    const hold = this.permitHold;
    if (!(await this.acquireTask(wanted, owner, hold))) throw this.tooLate(wanted.limit);
    const guard = new Guard(this, owner, hold);
    try {
      const result = fn(guard);
      // What is no promise is not awaited: that would hold it for one more turn of the microtasks.
      return typeof result === 'object' || typeof result === 'function' ? await result : result;
    } finally {
      guard.release();
    }
  }

  /** @internal */
  protected tooLate(timeout: number | undefined): TimeoutError {
    return new TimeoutError(`${this}: not acquired within ${timeout} ms`);
  }
}
