/** lockwork: Python's `threading` primitives for JavaScript threads. Exports only. */
export { Arena, type ArenaHandle, type ArenaOptions } from './arena.js';
export { type AnyHandle, attach, type Kinds } from './attach.js';
export { Barrier, type BarrierAction, type BarrierOptions } from './barrier.js';
export type { WaitOptions } from './check.js';
export { Condition, type ConditionHandle } from './condition.js';
export {
  AbandonedError,
  BlockingNotAllowedError,
  BrokenBarrierError,
  DeadlockError,
  NotHeldError,
  OutOfMemoryError,
  OverReleaseError,
  ThreadingError,
  TimeoutError,
  UnsupportedError,
} from './errors.js';
export { Event } from './event.js';
export type { Memory, SharedArray, SharedArrays, SharedArrayType, Signal } from './globals.js';
export type { Guard, Holdable } from './guard.js';
export { Lock } from './lock.js';
export { Owner, type OwnerOptions } from './owner.js';
export type { Handle, Primitive, PrimitiveOptions } from './primitive.js';
export type { Resource } from './resource.js';
export { type OwnerWaitOptions, RLock } from './rlock.js';
export { BoundedSemaphore, Semaphore } from './semaphore.js';
export type { Postable } from './sharing.js';
