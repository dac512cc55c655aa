import { Arena, type ArenaHandle } from './arena.ts';
import { Barrier } from './barrier.ts';
import { Condition, type ConditionHandle } from './condition.ts';
import { Event } from './event.ts';
import type { Handle } from './handle.ts';
import { Lock } from './lock.ts';
import { RLock } from './rlock.ts';
import { BoundedSemaphore, Semaphore } from './semaphore.ts';
import { invalidType, show } from './validate.ts';

/** What each kind of handle is attached to. */
export interface Kinds {
  /** By `Arena.from`. */
  Arena: Arena;
  /** By `Lock.from`. */
  Lock: Lock;
  /** By `RLock.from`. */
  RLock: RLock;
  /** By `Semaphore.from`. */
  Semaphore: Semaphore;
  /** By `BoundedSemaphore.from`. */
  BoundedSemaphore: BoundedSemaphore;
  /** By `Event.from`. */
  Event: Event;
  /** By `Barrier.from`. */
  Barrier: Barrier;
  /** By `Condition.from`. */
  Condition: Condition;
}

/** What `attach` takes: a handle of whatever there is. */
export type AnyHandle = ArenaHandle | ConditionHandle | Handle<Exclude<keyof Kinds, 'Arena' | 'Condition'>>;

const CLASSES: { [K in keyof Kinds]: (handle: never) => Kinds[K] } = {
  Arena: (handle: ArenaHandle) => Arena.from(handle),
  Lock: (handle: Handle<'Lock'>) => Lock.from(handle),
  RLock: (handle: Handle<'RLock'>) => RLock.from(handle),
  Semaphore: (handle: Handle<'Semaphore'>) => Semaphore.from(handle),
  BoundedSemaphore: (handle: Handle<'BoundedSemaphore'>) => BoundedSemaphore.from(handle),
  Event: (handle: Handle<'Event'>) => Event.from(handle),
  Barrier: (handle: Handle<'Barrier'>) => Barrier.from(handle),
  Condition: (handle: ConditionHandle) => Condition.from(handle),
};

/**
 * Attaches to what a handle names, whatever it is: `attach(workerData.lock)` is `Lock.from(workerData.lock)` for a lock.
 *
 * @example
 * ```js
 * import { isMainThread, Worker, workerData } from 'node:worker_threads';
 * import { attach, Lock } from 'lockwork';
 *
 * if (isMainThread) {
 *   new Worker(new URL(import.meta.url), { workerData: new Lock() });
 * } else {
 *   const lock = attach(workerData);
 *   lock instanceof Lock; // true
 * }
 * ```
 *
 * @throws TypeError when it is no handle, or what it names has been destroyed; OutOfMemoryError when its arena has no room for
 *   this thread
 */
export function attach<K extends keyof Kinds>(handle: { readonly kind: K }): Kinds[K];
export function attach(handle: Handle): Kinds[keyof Kinds];
export function attach(handle: { readonly kind: string }): Kinds[keyof Kinds] {
  const kind = (handle as { kind?: unknown } | null | undefined)?.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(CLASSES, kind)) {
    throw invalidType(`attach: this is not a handle of lockwork, but ${show(handle)}`);
  }
  return CLASSES[kind as keyof Kinds](handle as never);
}
