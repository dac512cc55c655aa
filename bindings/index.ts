/**
 * lockwork: Python's `threading` primitives for JavaScript threads. Exports only.
 *
 * @module lockwork
 */

export type { Acquirable } from './acquirable.ts';
export { Arena, type ArenaHandle, type ArenaOptions, reap } from './arena.ts';
export { type AnyHandle, attach, type Kinds } from './attach.ts';
export { Barrier, type BarrierAction, type BarrierOptions } from './barrier.ts';
export { Condition, type ConditionHandle } from './condition.ts';
export { currentThread, type ThreadInfo } from './current-thread.ts';
export { type DeadlockPolicy, setDeadlockPolicy } from './deadlock.ts';
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
} from './errors.ts';
export { Event } from './event.ts';
export type { Memory, SharedArray, SharedArrays, SharedArrayType, Signal } from './globals.ts';
export type { Handle } from './handle.ts';
export { Lock } from './lock.ts';
export { Owner, type OwnerOptions, type OwnerWaitOptions } from './owner.ts';
export type { Primitive, PrimitiveOptions } from './primitive.ts';
export type { LockOptions, LockRecovery } from './recoverable.ts';
export { RLock } from './rlock.ts';
export type { Guard, Holdable } from './scoped.ts';
export { BoundedSemaphore, Semaphore } from './semaphore.ts';
export type { Postable } from './sharing.ts';
export type { WaitOptions } from './validate.ts';
