/**
 * Every error has a `code`, `ERR_LOCKWORK_…`. It is the error's `cause`, too: a structured clone keeps of an error that
 * is posted only its message and its cause, and names of JavaScript's own. By that `instanceof` knows it on the other
 * side, and errors of another copy of this package.
 */

/**
 * What every error of this package is an instance of, but for those of bad arguments.
 *
 * @example
 * ```js
 * import { Lock, NotHeldError, ThreadingError } from 'lockwork';
 *
 * try {
 *   new Lock({ name: 'seats' }).release();
 * } catch (error) {
 *   error instanceof NotHeldError; // true
 *   error instanceof ThreadingError; // true
 *   error.code; // 'ERR_LOCKWORK_NOT_HELD'
 * }
 * ```
 */
export class ThreadingError extends Error {
  /** The name of the class. It is a literal, since a minifier renames classes. */
  static override readonly name: string = 'ThreadingError';

  /** `ERR_LOCKWORK_…` and the name: `ERR_LOCKWORK_NOT_HELD` of a `NotHeldError`. */
  static get code(): string {
    // No regular expression: where one is compiled at the end of the stack, V8 up to Node 22 aborts the process.
    let words = '';
    // biome-ignore lint/complexity/noThisInStatic: the class that it is asked of
    for (const letter of this.name.replace('Error', '')) words += words && letter < 'a' ? `_${letter}` : letter;
    return `ERR_LOCKWORK_${words.toUpperCase()}`;
  }

  /** Its `cause` is its `code`, unless `options` has another. */
  constructor(message?: string, options?: ErrorOptions) {
    super(message, { cause: new.target.code, ...options });
  }

  /** `ERR_LOCKWORK_…`. Of an error that was posted it is the `cause`. */
  get code(): string {
    return (this.constructor as typeof ThreadingError).code;
  }

  /** @internal An own property would come too late for the head of the stack. */
  override get name(): string {
    return (this.constructor as typeof ThreadingError).name;
  }

  /** @internal */
  override set name(value: string) {
    Object.defineProperty(this, 'name', { value, configurable: true, writable: true });
  }

  /** @internal Whether it is of this class, or the clone of one that is. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that stands on the right of instanceof
    return isOf(this, value);
  }
}

function isOf(type: typeof ThreadingError, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(type, value)) return true;
  if (Object.prototype.toString.call(value) !== '[object Error]') return false;
  const { code, cause } = value as { code?: unknown; cause?: unknown };
  const given = code ?? cause;
  // A cause may be anything, and refuse to become a string.
  if (typeof given !== 'string') return false;
  if (type !== ThreadingError) return given === type.code;
  return given.startsWith('ERR_LOCKWORK_') && !given.startsWith('INVALID', 13);
}

/**
 * Release, wait or notify by a thread that does not hold what it must hold. Nothing was changed.
 *
 * @example
 * ```js
 * import { Condition, Lock } from 'lockwork';
 *
 * new Lock().release(); // throws NotHeldError
 * new Condition(new Lock()).notify(); // throws NotHeldError
 * ```
 */
export class NotHeldError extends ThreadingError {
  static override readonly name: string = 'NotHeldError';
}

/**
 * A release that would exceed a semaphore's bound. Nothing was changed.
 *
 * @example
 * ```js
 * import { BoundedSemaphore } from 'lockwork';
 *
 * const desks = new BoundedSemaphore(2);
 * desks.release(); // throws OverReleaseError
 * desks.value; // 2
 * ```
 */
export class OverReleaseError extends ThreadingError {
  static override readonly name: string = 'OverReleaseError';
}

/**
 * The barrier was broken by a timeout, an abort, a reset, a failing action, or the death of a thread that had arrived.
 *
 * @example
 * ```js
 * import { Barrier } from 'lockwork';
 *
 * const meeting = new Barrier(3);
 * const first = meeting.waitAsync();
 * meeting.abort();
 * await first; // throws BrokenBarrierError
 * meeting.wait(); // throws BrokenBarrierError
 * ```
 */
export class BrokenBarrierError extends ThreadingError {
  static override readonly name: string = 'BrokenBarrierError';
}

/**
 * `hold`, `holdAsync`, `withAsync`, `recover` or `recoverAsync` ran out of time.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 *
 * const lock = new Lock();
 * lock.acquire();
 * lock.hold(10); // throws TimeoutError
 * lock.acquire(10); // false: it has an answer for that
 * ```
 */
export class TimeoutError extends ThreadingError {
  static override readonly name: string = 'TimeoutError';
}

/**
 * A blocking call on a thread that may not block (a page's main thread, a service worker).
 *
 * @example
 * ```js
 * import { BlockingNotAllowedError, Lock } from 'lockwork';
 *
 * const lock = new Lock();
 * try {
 *   lock.acquire();
 * } catch (error) {
 *   if (!(error instanceof BlockingNotAllowedError)) throw error;
 *   await lock.acquireAsync(); // in a page
 * }
 * lock.locked; // true
 * ```
 */
export class BlockingNotAllowedError extends ThreadingError {
  static override readonly name: string = 'BlockingNotAllowedError';
}

/**
 * The thread that held a lock has died, and may have left half done what the lock protects. The lock is not held; after a
 * `wait` of a Condition it is, as after every `wait`. `recover` repairs it.
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { isMainThread, Worker, workerData } from 'node:worker_threads';
 * import { AbandonedError, Lock } from 'lockwork';
 *
 * if (isMainThread) {
 *   const lock = new Lock();
 *   await once(new Worker(new URL(import.meta.url), { workerData: lock }), 'exit');
 *   try {
 *     lock.acquire();
 *   } catch (error) {
 *     if (!(error instanceof AbandonedError)) throw error;
 *     lock.recover(() => 'repaired'); // 'repaired'
 *   }
 *   lock.acquire(); // true
 * } else Lock.from(workerData).acquire(); // and ends
 * ```
 */
export class AbandonedError extends ThreadingError {
  static override readonly name: string = 'AbandonedError';
}

/**
 * The wait would never end: it is for a task of this thread, or the thread is in a circle of threads that wait for each
 * other's locks.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 *
 * const lock = new Lock();
 * using held = await lock.holdAsync();
 * lock.acquire(); // throws DeadlockError: the thread would block for its own task
 * lock.tryAcquire(); // false
 * ```
 */
export class DeadlockError extends ThreadingError {
  static override readonly name: string = 'DeadlockError';
}

/**
 * The arena is full. Everything that was allocated before still works.
 *
 * @example
 * ```js
 * import { Arena } from 'lockwork';
 *
 * const arena = new Arena({ maximumBytes: 65_536 });
 * arena.allocate(Uint8Array, 100_000); // throws OutOfMemoryError
 * arena.allocate(Uint8Array, 1_000).length; // 1000
 * ```
 */
export class OutOfMemoryError extends ThreadingError {
  static override readonly name: string = 'OutOfMemoryError';
}

/**
 * The platform lacks shared memory, or forbids WebAssembly. The message says what to do.
 *
 * @example
 * ```js
 * import { Lock, UnsupportedError } from 'lockwork';
 *
 * let lock;
 * try {
 *   lock = new Lock();
 * } catch (error) {
 *   if (!(error instanceof UnsupportedError)) throw error;
 *   console.warn(error.message); // in a page: the headers that it must send
 * }
 * ```
 */
export class UnsupportedError extends ThreadingError {
  static override readonly name: string = 'UnsupportedError';
}
