/** Threads that have died, as memory knows them: without a thread, so that all is done when the call returns. */
import { Arena, type Lock, type Primitive, type RLock } from 'lockwork';
import {
  HELD_BY_TASK,
  INFO_ID,
  INFO_NAME,
  KIND_INFO,
  KIND_TASK,
  KIND_THREAD,
  NAME_SIZE,
  NEVER_SLEEPS,
  STATUS_OK,
  THREAD_INFO,
} from '../../assembly/abi.ts';
import type { CellRef } from '../../bindings/handle.ts';
import { bury } from '../../bindings/reap.ts';
import type { ThreadArena } from '../../bindings/thread-arena.ts';

/** What a primitive is for the bindings. */
export const refOf = (primitive: Primitive): CellRef => (primitive as unknown as { ref: CellRef }).ref;

/** The arena as this thread sees it. */
export const threadArenaOf = (arena: Arena): ThreadArena =>
  (arena as unknown as { threadArena: ThreadArena }).threadArena;

export interface Who {
  name?: string | Uint8Array;
  /** The platform's: 0 for the main thread. */
  number?: number;
}

export class Doomed {
  readonly arena: ThreadArena;
  readonly record: number;

  constructor(arena = Arena.default, { name = 'booker', number = 3 }: Who = {}) {
    this.arena = threadArenaOf(arena);
    this.record = this.#add(KIND_THREAD, 0, 0);
    const info = this.#add(KIND_INFO, 0, this.record);
    const text = typeof name === 'string' ? new TextEncoder().encode(name) : name;
    const { buffer } = arena.memory;
    new Uint8Array(buffer, info + INFO_NAME, NAME_SIZE).fill(0);
    new Uint8Array(buffer, info + INFO_NAME, text.length).set(text);
    new Int32Array(buffer, info + INFO_ID, 1)[0] = number;
    new Int32Array(buffer, this.record + THREAD_INFO, 1)[0] = info;
  }

  #add(kind: number, spins: number, thread: number): number {
    const { core, base, id } = this.arena;
    return core.addRecord(base, id, kind, spins, 1, thread, 0) >>> 0;
  }

  /** Acquires a lock, as the thread itself or by a task of it. Of an RLock more than once, if that is wanted. */
  acquire(lock: Lock | RLock, { times = 1, task = false } = {}): this {
    const { core, cell, stamp } = refOf(lock);
    const recursive = lock.kind === 'RLock';
    const name = !task
      ? this.record
      : recursive
        ? this.#add(KIND_TASK, NEVER_SLEEPS, this.record)
        : this.record | HELD_BY_TASK;
    for (let count = 0; count < times; count++) {
      const status = recursive ? core.rlockAcquire(cell, stamp, name, 0) : core.lockAcquire(cell, stamp, name, 0);
      if (status !== STATUS_OK) throw new Error(`not acquired: ${status}`);
    }
    return this;
  }

  /** It dies, and is found. */
  die(): void {
    bury(this.arena, this.record);
    this.arena.tasks?.collect();
  }
}

/** A thread holds the lock, and dies. */
export function abandon(lock: Lock | RLock, who?: Who): void {
  new Doomed(lock.arena, who).acquire(lock).die();
}
