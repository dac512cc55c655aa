/** Threads that have died, as memory knows them: without a thread, so that all is done when the call returns. */
import { Arena, type Barrier, type Condition, type Lock, type Primitive, type RLock, type Semaphore } from 'lockwork';
import {
  CELL_WORD,
  HELD_BY_TASK,
  HOLD_CELL,
  HOLD_STAMP,
  INFO_ID,
  INFO_NAME,
  KIND_HOLD,
  KIND_INFO,
  KIND_TASK,
  KIND_THREAD,
  NAME_SIZE,
  NEVER_SLEEPS,
  NO_ACTION,
  STATE_PARKED,
  STATUS_OK,
  STATUS_PENDING,
  THREAD_INFO,
  THREAD_TICKETS,
  UNIT,
  WITH_ACTION,
} from '../../assembly/abi.ts';
import type { CellRef } from '../../bindings/handle.ts';
import { bury } from '../../bindings/reap.ts';
import type { ThreadArena } from '../../bindings/thread-arena.ts';

/** What a primitive is for the bindings. */
export const refOf = (primitive: Primitive): CellRef => (primitive as unknown as { ref: CellRef }).ref;

/** The arena as this thread sees it. */
export const threadArenaOf = (arena: Arena): ThreadArena =>
  (arena as unknown as { threadArena: ThreadArena }).threadArena;

/** Writes a word, as some other thread might have. */
export function poke({ memory }: ThreadArena, cell: number, field: number, value: number): void {
  Atomics.store(new Int32Array(memory.buffer), (cell + field) / 4, value);
}

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
    const name = this.#nameFor(lock, task);
    for (let count = 0; count < times; count++) {
      const status = recursive ? core.rlockAcquire(cell, stamp, name, 0) : core.lockAcquire(cell, stamp, name, 0);
      check('acquired', status === STATUS_OK);
    }
    return this;
  }

  /** What it acquires a lock in: its own name, or that of a task. */
  #nameFor(lock: Primitive, task: boolean, waiter = 0): number {
    if (!task) return this.record;
    return lock.kind === 'RLock' ? waiter || this.task() : this.record | HELD_BY_TASK;
  }

  /** The record of a task that waits, or that owns RLocks. */
  task(): number {
    return this.#add(KIND_TASK, NEVER_SLEEPS, this.record);
  }

  /** So many guards of it get a permit. Answers the cell that counts them. */
  hold(semaphore: Semaphore, permits = 1): number {
    const { core, cell, stamp } = refOf(semaphore);
    const hold = this.#add(KIND_HOLD, 0, this.record);
    poke(this.arena, hold, HOLD_CELL, cell);
    poke(this.arena, hold, HOLD_STAMP, stamp);
    for (let count = 0; count < permits; count++)
      check('acquired', core.semHold(cell, stamp, this.record, 0, hold) === STATUS_OK);
    return hold;
  }

  /** It is the last to arrive, and begins the action. */
  act(barrier: Barrier): this {
    const { core, cell, stamp } = refOf(barrier);
    check('last', core.barrierWait(cell, stamp, this.record, Infinity, WITH_ACTION) === barrier.parties - 1);
    return this;
  }

  /** It stands in a queue, and sleeps; or a task of it does. Answers the waiter. */
  wait(target: Primitive, { task = false } = {}): number {
    const waiter = task ? this.task() : this.record;
    // Without a time, and without a sleep in this call.
    this.arena.core.waitAsTask(waiter);
    check('waiting', this.#enter(target, waiter, this.#nameFor(target, task, waiter)) === STATUS_PENDING);
    if (!task) poke(this.arena, waiter, CELL_WORD, STATE_PARKED);
    return waiter;
  }

  #enter(target: Primitive, waiter: number, name: number): number {
    const { core, cell, stamp } = refOf(target);
    if (target.kind === 'Event') return core.eventWait(cell, stamp, waiter, Infinity);
    if (target.kind === 'Barrier') return core.barrierWait(cell, stamp, waiter, Infinity, NO_ACTION);
    if (target.kind === 'Condition') {
      const { lock } = target as Condition;
      this.acquire(lock);
      return core.condWait(cell, stamp, waiter, this.record, Infinity, lock.kind === 'RLock');
    }
    const take = target.kind.endsWith('Lock') ? name : -UNIT;
    return core.acquire(cell, stamp, waiter, take, Infinity, 0);
  }

  /** As if so many `waitAsync`s of it were pending; none is. It may be probed again at `next`, in ticks. */
  tickets(count: number, next = 0): this {
    poke(this.arena, this.record, THREAD_TICKETS, (next << 8) | count);
    return this;
  }

  /** It dies, and is found. */
  die(): void {
    bury(this.arena, this.record);
    this.arena.tasks?.collect();
  }
}

function check(what: string, done: boolean): void {
  if (!done) throw new Error(`not ${what}`);
}

/** A thread holds the lock, and dies. */
export function abandon(lock: Lock | RLock, who?: Who): void {
  new Doomed(lock.arena, who).acquire(lock).die();
}
