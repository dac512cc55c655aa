/** What every error of this package is an instance of. */
export class ThreadingError extends Error {}

/** Release, wait or notify by a thread that does not hold what it must hold. Nothing was changed. */
export class NotHeldError extends ThreadingError {}

/** A release that would exceed a semaphore's bound. Nothing was changed. */
export class OverReleaseError extends ThreadingError {}

/** The barrier was broken by a timeout, an abort, a reset or a failing action. */
export class BrokenBarrierError extends ThreadingError {}

/** `hold` ran out of time. */
export class TimeoutError extends ThreadingError {}

/** A blocking call on a thread that may not block (a page's main thread, a service worker). */
export class BlockingNotAllowedError extends ThreadingError {}

/** The owner of a lock died without releasing it. */
export class AbandonedError extends ThreadingError {}

/** Waiting would never end: this thread itself stands in the way. */
export class DeadlockError extends ThreadingError {}

/** The arena is full. Everything that was allocated before still works. */
export class OutOfMemoryError extends ThreadingError {}

/** The platform lacks shared memory, or forbids WebAssembly. The message says what to do. */
export class UnsupportedError extends ThreadingError {}

// Literal names, since a minifier renames classes.
for (const [name, type] of Object.entries({
  ThreadingError,
  NotHeldError,
  OverReleaseError,
  BrokenBarrierError,
  TimeoutError,
  BlockingNotAllowedError,
  AbandonedError,
  DeadlockError,
  OutOfMemoryError,
  UnsupportedError,
})) {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}
