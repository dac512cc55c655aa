import {
  CELL_SIZE,
  HEADER_FIRST,
  HEADER_ID_LOW,
  HEADER_KEEPERS,
  HEADER_SIZE,
  HEADER_SPARES,
  HEADER_TOTAL,
  KIND_FREE,
  KIND_INFO,
  KIND_RESERVED,
  KIND_SPARE,
  KIND_TASK,
  KIND_THREAD,
  NEVER_SLEEPS,
  STATE_PARKED,
  THREAD_ALIVE,
  THREAD_QUEUED_ON,
  VISITED,
} from '../assembly/abi.ts';
import { now } from './clock.ts';
import { type Core, cutOff, instantiate } from './core.ts';
import type { Circle, Watched } from './deadlock.ts';
import type { DeadlockError } from './errors.ts';
import type { Memory } from './globals.ts';
import { cores, hangTime, requireFrom } from './host.ts';
import { bufferOf, copyBytes, findByte, NAP, SharedWords } from './memory.ts';
import { addTicket, type Block, end, FULL_SET, type Graveyard, lookAround, reapAll, ticketsOf } from './reap.ts';
import { ownFile, stackOfProgram } from './stack.ts';
import { mayBlock, needStack } from './thread.ts';
import { introduce, noteBlocked, noteStack } from './thread-info.ts';
import { type Mark, marked } from './torn.ts';
import { aheadOf, isAcquired, isFree, mayBeNext, type Queues } from './turn.ts';

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

/*
 * How long (ms) a blocked thread sleeps: while others look around, and may stop doing so; while it may be the next. Of many
 * blocked threads most do nothing but sleep: to wake up costs a cold thread more than the look.
 */
const LONG_NAP = 2_200;
const SHORT_NAP = 60;

/** How long (ms) something must have been free before a blocked thread takes it out of turn. */
const GRACE = 5;

/** How often (ms) a thread whose tasks wait looks after them. */
export const LOOK = 30;

/** The permits of a semaphore that this thread's guards hold: a KIND_HOLD cell. */
export interface PermitHold {
  readonly address: number;
  readonly stamp: number;
}

/** A copy of an arena's map (assembly/arena.ts). */
interface MapCopy {
  readonly kinds: Uint8Array;
  readonly starts: readonly number[];
}

/** A wait of a task, and whose it is (operation.ts). */
export interface TaskWait {
  readonly completion: { readonly first?: object | undefined } | undefined;
}

/** What lockwork/inspect has for `lockwork`: of `tasks` some may have waited for too long, else this thread has been blocked so. */
type DumpOfHang = (arena: ThreadArena, hang: number, tasks?: readonly TaskWait[]) => void;

/** A wait of this thread that blocks. */
interface BlockingWait {
  /** When it began at the latest, ms. */
  readonly since: number;
  /** Whether others can read where this thread is. */
  told: boolean;
}

/** This thread's scheduler in an arena, as far as the arena needs it. */
export interface Tasks {
  /** Resumes all operations that have a verdict. */
  collect(): void;
  /** The arena has been destroyed. */
  forget(): void;
}

/** What is over once this thread's stack is empty. Made before it is needed: then there may be no stack left. */
export const SOON = /* @__PURE__ */ Promise.resolve();

/**
 * An arena as this thread sees it, one object for each. Every message makes new Memory objects, so an arena is known by
 * the id in its header.
 */
export class ThreadArena extends SharedWords implements Graveyard, Queues, Watched {
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
  /**
   * Other than 0: the host threw in the midst of a wait of this thread, since the stack was full, say. What is due to its record
   * must go back, as if it had not come, and the thread owes that: the call notes it in its own frame, with `tasks`, so that the
   * next one sees it, and pays at once (`pay`); where there is no stack for one more frame, before its next call, or when
   * the stack is empty. 1; of a wait for a Condition 2, and the depth of its lock.
   */
  debt = 0;
  /** The `tasks` of a thread that has none, while it owes something. */
  readonly nobody: Tasks = { collect() {}, forget() {} };
  /** The barriers' generations whose actions this thread runs. */
  readonly acting = new Set<Acting>();
  /** By the semaphores' cells. */
  readonly holds = new Map<number, PermitHold>();
  /** How many of those that stand in queues this thread has looked at (reap.ts). */
  looked = 0;
  /** A circle of threads that wait for each other, this one among them. */
  circle: Circle | undefined;
  /** That of deadlock.ts, brought by the first primitive here that has owners. Without one this thread is in no circle. */
  checkDeadlock: ((arena: Watched, endless: boolean) => boolean | DeadlockError) | undefined;
  /** The wait in which this thread is blocked, or was last. */
  #wait: BlockingWait | undefined;
  /**
   * If the environment wants a dump of what waits for too long: looks whether this thread, blocked for `blocked` ms, or one of
   * its tasks has. Answers in how many ms to look again at a blocked thread.
   */
  readonly lookForHang = this.#lookForHang();
  /**
   * What lockwork/inspect does after each nap of this thread, which has been blocked for so long (ms). Answers in how many ms, 1 or
   * more, it wants to be called again.
   */
  onNap: ((blocked: number) => number) | undefined = this.lookForHang;
  /** Those of the package's entries, beside the main one, that call the core. */
  readonly files: string[] = [];
  /** What lockwork/wasm does when the calls of this thread are cut off, and when they are put back. */
  onCut: ((cut: boolean) => void) | undefined;
  /** Whether a call of this thread is in the core, or sleeps (torn.ts). */
  readonly #mark: Mark = { set: false };
  #closed = false;
  /** Whether this thread is in what it calls while it is blocked. */
  #cut = false;
  /** What its pending `waitAsync`s know of it: without this, they would keep the memory of a destroyed arena. */
  readonly #life: { proves: (() => void) | undefined } = { proves: () => this.#proveLife() };
  /** The number of cores; 0 on a thread that may not block. */
  readonly cores = mayBlock ? cores : 0;

  constructor(memory: Memory, base: number, key: string, id: number) {
    super(memory);
    this.base = base;
    this.key = key;
    this.id = id;
    const stalled = (_thread: number, deadline: number, first: number): number => this.stalled(deadline, first !== 0);
    this.core = instantiate(memory, stalled, this.#mark);
    this.thread = this.#addThread();
    if (!this.thread) return;
    // At once: one that dies before this counts as living, and its record is lost.
    this.#proveLife();
    if (introduce(this)) return;
    this.dropTask(this.thread);
    this.thread = 0;
  }

  now(): number {
    return now();
  }

  /** Does what this thread owes, before its record waits or owns once more. If this throws, that is still owed. */
  settle(): void {
    if (this.debt === 0) return;
    const { core, thread } = this;
    if (!this.destroyed) {
      if (this.debt === 1) core.undo(thread);
      else core.condUndo(thread, this.debt - 2);
      this.onCut?.(false);
    }
    this.#forgive();
  }

  #forgive(): void {
    this.debt = 0;
    if (this.tasks === this.nobody) this.tasks = undefined;
  }

  /** Tries to. A thread that has ended owes nothing, and its calls throw. */
  readonly pay = (): void => {
    try {
      this.settle();
    } catch {}
  };

  /** Whether it has been destroyed, by any thread. Something else may be in its bytes. */
  get destroyed(): boolean {
    const { base } = this;
    return (this.load(base, HEADER_ID_LOW) | 0) !== this.id || (this.load(base, HEADER_KEEPERS) | 0) < 0;
  }

  /**
   * What begins in each cell, a kind or 0, and in which cells something does. With `all`, also in memory of which this thread's
   * engine does not know yet that it has grown: to make it look makes all threads look.
   */
  map(all: boolean): MapCopy {
    const { memory, base } = this;
    // The layout never changes.
    const end = base + this.load(base, HEADER_TOTAL) * CELL_SIZE;
    const { byteLength } = all ? bufferOf(memory, end) : memory.buffer;
    // A copy of one moment: blocks come and go.
    const kinds = copyBytes(memory, base + HEADER_SIZE, Math.floor((Math.min(end, byteLength) - base) / CELL_SIZE));
    const fours = new Uint32Array(kinds.buffer, 0, kinds.length >> 2);
    const starts: number[] = [];
    // The layout never changes.
    for (let index = this.load(base, HEADER_FIRST); index < kinds.length; index++) {
      // Most of the map is free, and this code is cold.
      while ((index & 3) === 0 && fours[index >> 2] === KIND_FREE) index += 4;
      const kind = kinds[index]! & ~VISITED;
      kinds[index] = kind > KIND_RESERVED ? kind : KIND_FREE;
      if (kind > KIND_RESERVED) starts.push(index);
    }
    return { kinds, starts };
  }

  /** All blocks, `all` as for `map`. */
  blocks(all: boolean): Block[] {
    const { kinds, starts } = this.map(all);
    return starts.map((index) => ({ kind: kinds[index]!, address: this.base + index * CELL_SIZE }));
  }

  /** Makes a cell for a wait of this thread's tasks, or for an owner; 0 as for `thread`. */
  addTask(): number {
    // Most times without a closure, which costs a tenth of a short wait.
    return this.#addTask() || this.allocate(() => this.#addTask());
  }

  /** Makes a cell in which this thread tells of itself; 0 as for `thread`. */
  addInfo(): number {
    return this.#addRecord(KIND_INFO, 0, this.thread);
  }

  /** Gives a cell of a task's, or of what this thread tells of itself, back. */
  dropTask(record: number): void {
    this.core.dropRecord(this.base, this.id, record);
  }

  /** From now on this thread's own record waits as a task's waiter. Answers what `waitAsThread` needs. */
  waitAsTask(): number {
    this.#beginWait(0);
    return this.core.waitAsTask(this.thread);
  }

  waitAsThread(spinBudget: number): void {
    this.core.waitAsThread(this.thread, MAX_SPINS, spinBudget);
  }

  /**
   * This thread has been blocked for a nap, and still is, in the midst of its call. Its event loop does not turn, so here it
   * proves that it lives, and looks around. Answers how long (ms) its next nap is; a negative number: before that it may
   * take its turn (`assembly/futex.ts`).
   *
   * @param deadline of the wait: 0, if it must not end here
   * @param first whether it was the first nap of a wait in the core
   * @throws DeadlockError: it waits for ever, and must leave
   */
  stalled(deadline: number, first: boolean): number {
    let deadlock: DeadlockError | undefined;
    try {
      this.#proveLife();
      // For all below: a regular expression that is compiled at the end of the stack aborts the process, in V8 up to Node 22.
      needStack();
      const looks = lookAround(this);
      // They may be over at once.
      const cell = this.load(this.thread, THREAD_QUEUED_ON);
      if (first) this.#beginWait(isAcquired(this.kindAt(cell)) ? SHORT_NAP : NAP);
      let nap = looks ? NAP : LONG_NAP;
      const found = (this.checkDeadlock ?? noteBlocked)(this, deadline === Infinity);
      if (found) nap = SHORT_NAP;
      if (typeof found === 'object') deadlock = found;
      if (mayBeNext(this, cell, this.thread)) nap = this.#mayTakeTurn(cell) ? -SHORT_NAP : SHORT_NAP;
      if (!deadlock) return this.#noteStack(nap);
    } catch {
      // A full stack, say: nothing can be called here. The next nap will do.
    }
    if (deadlock) throw deadlock;
    return NAP;
  }

  /** This thread blocks, or has done so for a nap. What was seen of a circle in another wait means nothing. */
  #beginWait(nap: number): void {
    this.#wait = { since: now() - nap, told: false };
    this.circle = undefined;
  }

  /**
   * Tells where this thread is blocked, once it has been for most of a second, or at once if a dump is to come. Answers the nap,
   * or until then a shorter one.
   */
  #noteStack(nap: number): number {
    const wait = this.#wait!;
    const blocked = now() - wait.since;
    if (!wait.told && (this.onNap || blocked >= NAP - SHORT_NAP)) {
      wait.told = true;
      noteStack(this, stackOfProgram(this.files));
    }
    return Math.min(nap, wait.told ? LONG_NAP : NAP, this.onNap?.(blocked) ?? LONG_NAP);
  }

  /** The dump is written by what is not loaded before. */
  #lookForHang(): ((blocked: number, tasks?: readonly TaskWait[]) => number) | undefined {
    const hang = hangTime();
    if (!(hang > 0)) return undefined;
    return (blocked, tasks) => {
      if (!tasks && blocked < hang) return Math.ceil(hang - blocked);
      try {
        const inspect = requireFrom(ownFile(), '../dist/inspect.cjs');
        (inspect as { dumpOfHang: DumpOfHang }).dumpOfHang(this, hang, tasks);
      } catch {
        // Beside a bundle there is none.
      }
      return Math.ceil(hang);
    };
  }

  /** Runs what may call the program while this thread stands in a queue of the arena: it must not use the arena. */
  withoutCalls(act: () => void): void {
    needStack();
    const restore = cutOff(this.core, 'This thread is blocked: what it calls meanwhile cannot use the same arena');
    this.#cut = true;
    this.onCut?.(true);
    try {
      act();
    } finally {
      restore();
      // Of calls that were refused: they had not begun. Its record stands in a queue, and stays there.
      this.#forgive();
      this.#cut = false;
      this.onCut?.(false);
    }
  }

  /** Whether this thread, which blocks and may be the next, may take its turn. */
  #mayTakeTurn(cell: number): boolean {
    const ahead = aheadOf(this, cell, this.thread);
    if (ahead === 'a thread' || !isFree(this, this.thread)) return false;
    // Those that were woken a moment ago may be on their way. A verdict ends this, too.
    this.sleep(this.thread, ahead === 'nobody' ? GRACE : LOOK + GRACE, STATE_PARKED);
    return isFree(this, this.thread);
  }

  override sleep(address: number, limit: number, expected = 0): boolean {
    return marked(this.#mark, () => super.sleep(address, limit, expected));
  }

  /** What begins at an address, as the map has it; 0 where nothing can. */
  kindAt(address: number): number {
    const { base } = this;
    const index = (address - base) / CELL_SIZE;
    // Neither ever changes.
    const inside = index >= this.load(base, HEADER_FIRST) && index < this.load(base, HEADER_TOTAL);
    // As it is at this moment.
    return inside && Number.isInteger(index) ? this.loadByte(base + HEADER_SIZE + index) & ~VISITED : 0;
  }

  /** What `make` allocates, once more if the arena is full and dead threads are found in it; 0 for nothing. */
  allocate(make: () => number): number {
    return make() >>> 0 || (!this.destroyed && reapAll(this, 'wait') > 0 ? make() >>> 0 : 0);
  }

  /**
   * Gives all back that this thread has: a lock that it owns is abandoned. After this, another listener of `exit` that used a
   * primitive would act with a record that may be another thread's, so its calls throw.
   */
  close(): void {
    this.#closed = true;
    this.onCut?.(true);
    if (this.destroyed) return;
    // One that ends in the midst of a call will be found dead, as one that was terminated.
    if (!this.#cut) end(this);
    cutOff(this.core, 'This thread has ended for lockwork: use primitives before its "exit" event');
  }

  /** It has been destroyed. Another one in its place knows nothing of this thread. */
  forget(): void {
    this.onCut?.(true);
    this.#life.proves = undefined;
    this.tasks?.forget();
  }

  /** A `waitAsync` for each ticket that this thread might have (reap.ts). Where there is none, it is never found dead. */
  #proveLife(): void {
    const missing = FULL_SET - ticketsOf(this, this.thread);
    if (missing === 0 || typeof Atomics.waitAsync !== 'function' || this.#closed || this.destroyed) return;
    const life = this.#life;
    const again = (): void => life.proves?.();
    for (let armed = 0; armed < missing; armed++) {
      const { async, value } = this.sleepAsync(this.thread + THREAD_ALIVE);
      if (!async) return;
      void value.then(again);
      // Not all at last: a thread that dies before its first one counts as living.
      addTicket(this);
    }
  }

  /** This thread's record, made of one that is left over if there is one; 0 as `thread`. */
  #addThread(): number {
    const { memory, base } = this;
    // Most times there is none.
    if (this.load(base, HEADER_SPARES) > 0) {
      const map = base + HEADER_SIZE;
      // The layout never changes.
      const end = map + this.load(base, HEADER_TOTAL);
      let at = findByte(memory, KIND_SPARE, map + this.load(base, HEADER_FIRST), end);
      while (at < end) {
        const spare = base + (at - map) * CELL_SIZE;
        // Others may have made the memory grow.
        bufferOf(memory, spare + CELL_SIZE);
        // And others may take what is found here: then the core refuses it.
        const record = this.#addRecord(KIND_THREAD, MAX_SPINS, 0, spare);
        if (record) return record;
        at = findByte(memory, KIND_SPARE, at + 1, end);
      }
    }
    return this.#addRecord(KIND_THREAD, MAX_SPINS, 0);
  }

  #addTask(): number {
    return this.#addRecord(KIND_TASK, NEVER_SLEEPS, this.thread);
  }

  /** The record of a thread or a task: `assembly/thread.ts`. `spare`: made of this one. */
  #addRecord(kind: number, spins: number, owningThread: number, spare = 0): number {
    const { core, base, id } = this;
    return core.addRecord(base, id, kind, spins, this.cores, owningThread, spare) >>> 0;
  }
}
