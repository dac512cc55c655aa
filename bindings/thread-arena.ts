import {
  ACTION,
  BROKEN,
  CELL_SIZE,
  CELL_WORD,
  HEADER_FIRST,
  HEADER_ID_LOW,
  HEADER_KEEPERS,
  HEADER_SIZE,
  HEADER_TOTAL,
  KIND_LOCK,
  KIND_RESERVED,
  KIND_RLOCK,
  KIND_TASK,
  KIND_THREAD,
  NEVER_SLEEPS,
  STATE_BROKEN,
  THREAD_OWNING_THREAD,
  UNIT,
  VISITED,
} from '../assembly/abi.ts';
import { now } from './clock.ts';
import { type Core, instantiate } from './core.ts';
import { ThreadingError } from './errors.ts';
import type { Memory } from './globals.ts';
import { cores } from './host.ts';
import { bufferOf, copyBytes, SharedWords } from './memory.ts';
import { mayBlock } from './thread.ts';

/**
 * How often a waiter may spin on its word before it sleeps: some 30 µs, as long as a wake-up takes. On one core a spin is
 * in vain: no other thread runs meanwhile.
 */
const MAX_SPINS = /* @__PURE__ */ (() => (cores > 1 ? 32_768 : 0))();

/** A barrier's generation in which all have arrived, and whose action this thread runs. */
export interface Acting {
  readonly cell: number;
  readonly stamp: number;
  readonly generation: number;
}

/** This thread's scheduler in an arena, as far as the arena needs it. */
export interface Tasks {
  /** Resumes all operations that have a verdict. */
  collect(): void;
  /** The thread ends. */
  close(): void;
  /** The arena has been destroyed. */
  forget(): void;
}

/**
 * An arena as this thread sees it, one object for each. Every message makes new Memory objects, so an arena is known by
 * the id in its header.
 */
export class ThreadArena extends SharedWords {
  /** Address of the arena's header. */
  readonly base: number;
  /** The arena's id, and its lower half: another arena at the same place has another. */
  readonly key: string;
  readonly id: number;
  readonly core: Core;
  /** Address of this thread's record; 0 when the arena had no room for it, or has been destroyed. */
  readonly thread: number;
  /** From the first async call of this thread here. */
  tasks: Tasks | undefined;
  /** The barriers' generations whose actions this thread runs. */
  readonly acting = new Set<Acting>();

  constructor(memory: Memory, base: number, key: string, id: number) {
    super(memory);
    this.base = base;
    this.key = key;
    this.id = id;
    this.core = instantiate(memory);
    this.thread = this.#addRecord(KIND_THREAD, MAX_SPINS, 0);
  }

  now(): number {
    return now();
  }

  /** Whether it has been destroyed, by any thread. Something else may be in its bytes. */
  get destroyed(): boolean {
    const { base } = this;
    return (this.load(base, HEADER_ID_LOW) | 0) !== this.id || (this.load(base, HEADER_KEEPERS) | 0) < 0;
  }

  /** All blocks, as the map has them. */
  blocks(): { kind: number; address: number }[] {
    const { memory, base } = this;
    const end = base + this.load(base, HEADER_TOTAL) * CELL_SIZE;
    const room = Math.floor((Math.min(end, bufferOf(memory, end).byteLength) - base) / CELL_SIZE);
    // A copy of one moment: blocks come and go.
    const map = copyBytes(memory, base + HEADER_SIZE, room);
    const found: { kind: number; address: number }[] = [];
    // The layout never changes.
    for (let index = this.load(base, HEADER_FIRST); index < room; index++) {
      const kind = map[index]! & ~VISITED;
      if (kind > KIND_RESERVED) found.push({ kind, address: base + index * CELL_SIZE });
    }
    return found;
  }

  /** Makes a cell for a wait of this thread's tasks, or for an owner; 0 as for `thread`. */
  addTask(): number {
    return this.#addRecord(KIND_TASK, NEVER_SLEEPS, this.thread);
  }

  /** Gives a task's cell back. */
  dropTask(record: number): void {
    this.core.dropRecord(this.base, this.id, record);
  }

  /** From now on this thread's own record waits as a task's waiter. Answers what `waitAsThread` needs. */
  waitAsTask(): number {
    return this.core.waitAsTask(this.thread);
  }

  waitAsThread(spinBudget: number): void {
    this.core.waitAsThread(this.thread, MAX_SPINS, spinBudget);
  }

  /**
   * Gives this thread's record and those of its tasks back, except of an owner of a lock: its address must not become
   * another thread's. After this, another listener of `exit` that used a primitive would act with a record that may be
   * another thread's, so its calls throw.
   */
  close(): void {
    if (this.destroyed) return;
    const { base, id, core, thread } = this;
    // The actions will not come to an end.
    for (const { cell, stamp, generation } of this.acting) {
      core.barrierEnd(cell, stamp, thread, generation, ACTION, STATE_BROKEN, BROKEN);
    }
    this.tasks?.close();
    const blocks = this.blocks();
    const locks = blocks.filter(({ kind }) => kind === KIND_LOCK || kind === KIND_RLOCK);
    // Owners may change meanwhile, but this thread does not become one any more.
    const holders = new Set(locks.map(({ address }) => (this.load(address, CELL_WORD) & -UNIT) >>> 0));
    // Waiting tasks have left: these records are owners, or hold nothing. The thread of a record never changes.
    const tasks = blocks.filter(({ kind, address }) => {
      return kind === KIND_TASK && this.load(address, THREAD_OWNING_THREAD) === thread;
    });
    for (const record of [...tasks.map(({ address }) => address), thread]) {
      if (!holders.has(record)) core.dropRecord(base, id, record);
    }
    if (holders.has(thread)) return;
    for (const name of Object.keys(core) as (keyof Core)[]) {
      core[name] = (): never => {
        throw new ThreadingError('This thread has ended for lockwork: use primitives before its "exit" event');
      };
    }
  }

  /** The record of a thread or a task: `assembly/thread.ts`. */
  #addRecord(kind: number, spins: number, owningThread: number): number {
    const { core, base, id } = this;
    return core.addRecord(base, id, kind, spins, mayBlock ? cores : 0, owningThread) >>> 0;
  }
}
