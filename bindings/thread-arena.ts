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
 * How often a waiter may look at its record before it sleeps: some 30 µs, what it takes to be woken. On one core nobody
 * could change what it looks at.
 */
const MAX_SPINS = /* @__PURE__ */ (() => (cores > 1 ? 32_768 : 0))();

/** A round of a barrier that has all its parties, and waits for the end of its action, which this thread runs. */
export interface Acting {
  readonly cell: number;
  readonly stamp: number;
  readonly generation: number;
}

/** What waits in an arena for this thread's tasks, as far as the arena is concerned (`Scheduler`). */
export interface Tasks {
  /** Settles what has its verdict. */
  collect(): void;
  /** The thread ends. */
  close(): void;
  /** The arena has been destroyed. */
  forget(): void;
}

/**
 * An arena as this thread sees it. Every message makes new Memory objects, so an arena is known by the id in its header,
 * and this thread has one object of this for each.
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
  /** Once a task of this thread has called something here. */
  tasks: Tasks | undefined;
  /** The rounds of barriers whose actions this thread runs. */
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

  /** Whether it has been destroyed, in whichever thread. Something else may be in its bytes. */
  get destroyed(): boolean {
    const { base } = this;
    return (this.load(base, HEADER_ID_LOW) | 0) !== this.id || (this.load(base, HEADER_KEEPERS) | 0) < 0;
  }

  /** Every block there is now: what the map says. */
  blocks(): { kind: number; address: number }[] {
    const { memory, base } = this;
    const end = base + this.load(base, HEADER_TOTAL) * CELL_SIZE;
    const room = Math.floor((Math.min(end, bufferOf(memory, end).byteLength) - base) / CELL_SIZE);
    // As it is at some moment: blocks come and go.
    const map = copyBytes(memory, base + HEADER_SIZE, room);
    const found: { kind: number; address: number }[] = [];
    // The layout never changes.
    for (let index = this.load(base, HEADER_FIRST); index < room; index++) {
      const kind = map[index]! & ~VISITED;
      if (kind > KIND_RESERVED) found.push({ kind, address: base + index * CELL_SIZE });
    }
    return found;
  }

  /** Makes a cell for a wait of a task of this thread, or for a task that owns; 0 as for `thread`. */
  addTask(): number {
    return this.#addRecord(KIND_TASK, NEVER_SLEEPS, this.thread);
  }

  /** Gives a task's cell back. */
  dropTask(record: number): void {
    this.core.dropRecord(this.base, this.id, record);
  }

  /** This thread waits as a task does, with its own record. Answers what `waitAsThread` needs. */
  waitAsTask(): number {
    return this.core.waitAsTask(this.thread);
  }

  waitAsThread(spinBudget: number): void {
    this.core.waitAsThread(this.thread, MAX_SPINS, spinBudget);
  }

  /**
   * Gives this thread's record back, and its tasks', unless one still owns a lock: then its address must not come to mean
   * another thread. Another listener of `exit` that used a primitive after this would use the record of somebody else; so
   * it is told.
   */
  close(): void {
    if (this.destroyed) return;
    const { base, id, core, thread } = this;
    // Rounds of barriers whose actions will not come to an end.
    for (const { cell, stamp, generation } of this.acting) {
      core.barrierEnd(cell, stamp, thread, generation, ACTION, STATE_BROKEN, BROKEN);
    }
    this.tasks?.close();
    const blocks = this.blocks();
    const locks = blocks.filter(({ kind }) => kind === KIND_LOCK || kind === KIND_RLOCK);
    // Whose they are while this looks may change, but no lock comes to this thread any more.
    const holders = new Set(locks.map(({ address }) => (this.load(address, CELL_WORD) & -UNIT) >>> 0));
    // The tasks that wait have left: what is here yet owns, or acquired nothing. The thread of a task never changes.
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

  /** What both kinds are: `assembly/thread.ts`. */
  #addRecord(kind: number, spins: number, owningThread: number): number {
    const { core, base, id } = this;
    return core.addRecord(base, id, kind, spins, mayBlock ? cores : 0, owningThread) >>> 0;
  }
}
