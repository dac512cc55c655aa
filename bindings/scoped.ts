/// <reference lib="esnext.disposable" preserve="true" />
import { invalidType, TimeoutError } from './errors.ts';
import { checkOwnerWait, FOR_EVER, type Owner, type OwnerWaitOptions, type OwnerWanted, STAYS } from './owner.ts';
import { Primitive } from './primitive.ts';
import { checkFunction, isStrayPromise } from './validate.ts';

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

/** Something that is held, until `release()` or the end of the scope of a `using`. */
export class Guard extends Scoped {
  /** The holder of an `RLock` that `holdAsync` acquired: acquires it again, `acquireAsync({ owner })`, and the like. */
  readonly owner: Owner | undefined;
  /** What `postMessage` refuses, with this text in its error. */
  protected readonly thread = STAYS;
  #held: Holdable | undefined;

  /** @internal */
  constructor(held: Holdable, owner?: Owner) {
    super();
    this.#held = held;
    this.owner = owner;
  }

  /** For `Object.prototype.toString`, see `Primitive`. */
  get [Symbol.toStringTag](): string {
    return 'Guard';
  }

  /** Releases what is held. A second call does nothing. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.letGo(this.owner);
  }
}

/** What can be held: acquired, released, and so scoped. */
export abstract class Holdable<K extends string = string> extends Primitive<K> {
  abstract acquire(timeout?: number): boolean;
  abstract acquireAsync(options?: OwnerWaitOptions): Promise<boolean>;
  abstract release(): void;

  /**
   * Acquires it for a scope: `using held = lock.hold();`, or `guard.release()` by hand. Blocks; see `acquire`.
   *
   * @param timeout ms; nothing or `Infinity` for ever
   * @throws TimeoutError when the time is up
   */
  hold(timeout?: number): Guard {
    this.limit(timeout, 'hold');
    if (!this.acquire(timeout)) throw this.tooLate(timeout);
    return new Guard(this);
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
    const held = this.acquireTask(wanted, owner);
    if (held !== true && !(await held)) throw this.tooLate(wanted.limit);
    return new Guard(this, owner);
  }

  /**
   * Acquires as a task: at once, or after a wait.
   *
   * @internal
   */
  abstract acquireTask(wanted: OwnerWanted, owner: Owner | undefined): boolean | Promise<boolean>;

  /**
   * The owner in whose name `holdAsync` acquires, if that matters.
   *
   * @internal
   */
  protected newOwner(): Owner | undefined {
    return undefined;
  }

  /**
   * Releases what a guard has: `holdAsync` acquired it in this name.
   *
   * @internal
   */
  letGo(_owner: Owner | undefined): void {
    this.release();
  }

  /**
   * Runs `fn` while holding it, and returns what `fn` returns. Whatever happens in `fn`, it is released. Blocks; see
   * `acquire`.
   *
   * @throws TypeError when `fn` is not a function, or returns a promise: what comes after its first `await` runs
   *   without holding anything
   */
  with<T>(fn: () => T): T {
    checkFunction(fn, `${this.kind}.with: the argument`);
    this.mayBlock('with');
    this.acquire();
    let result: T;
    try {
      result = fn();
    } finally {
      this.release();
    }
    if (isStrayPromise(result))
      throw invalidType(
        `${this}: with(fn) does not wait for promises; it was released before this one settled. Use withAsync(fn)`,
      );
    return result;
  }

  /**
   * Runs `fn`, which may be async, while holding it, and answers what it answers. Whatever happens in `fn`, it is
   * released. Does not block the thread.
   *
   * @param fn is called with the guard (of an `RLock`: `guard.owner` acquires it again)
   * @throws TypeError when `fn` is not a function; TimeoutError and the signal's reason as `holdAsync`
   */
  async withAsync<T>(fn: (guard: Guard) => T | PromiseLike<T>, options?: OwnerWaitOptions): Promise<T> {
    checkFunction(fn, `${this.kind}.withAsync: the argument`);
    const wanted = options === undefined ? FOR_EVER : checkOwnerWait(options, `${this.kind}.withAsync`);
    const owner = wanted.owner ?? this.newOwner();
    if (!(await this.acquireTask(wanted, owner))) throw this.tooLate(wanted.limit);
    const guard = new Guard(this, owner);
    try {
      return await fn(guard);
    } finally {
      guard.release();
    }
  }

  /** @internal */
  protected tooLate(timeout: number | undefined): TimeoutError {
    return new TimeoutError(`${this}: not acquired within ${timeout} ms`);
  }
}
