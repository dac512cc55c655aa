import { checkFunction, isThenable } from './check.js';
import { TimeoutError } from './errors.js';
import { Primitive } from './primitive.js';

// WebKit has no Symbol.dispose yet; compiled `using` looks for this one there.
const dispose: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);

/** Something that is held, until `release()` or the end of the scope of a `using`. */
export class Guard {
  #release: (() => void) | undefined;

  /** @internal */
  constructor(release: () => void) {
    this.#release = release;
  }

  /** Releases what is held. A second call does nothing. */
  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  /** The same as `release()`: what `using` calls. */
  [dispose](): void {
    this.release();
  }
}

/** What can be held: acquired, released, and so scoped. */
export abstract class Holdable<K extends string = string> extends Primitive<K> {
  abstract acquire(timeout?: number): boolean;
  abstract release(): void;

  /**
   * Acquires it for a scope: `using held = lock.hold();`, or `guard.release()` by hand. Blocks; see `acquire`.
   *
   * @param timeout ms; nothing or `Infinity` for ever
   * @throws TimeoutError when the time is up
   */
  hold(timeout?: number): Guard {
    if (!this.acquire(timeout)) throw new TimeoutError(`${this}: not acquired within ${timeout} ms`);
    return new Guard(() => this.release());
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
    this.acquire();
    let result: T;
    try {
      result = fn();
    } finally {
      this.release();
    }
    if (isThenable(result))
      throw new TypeError(`${this}: with(fn) does not wait for promises; it was released before this one settled`);
    return result;
  }
}
