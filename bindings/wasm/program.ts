import {
  HELD_BY_TASK,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  STATUS_ABANDONED,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_INVALID,
  STATUS_MAY_NOT_BLOCK,
  STATUS_OK,
  STATUS_TIMEOUT,
} from '../../assembly/abi.ts';
import type { Acquirable } from '../acquirable.ts';
import type { Memory } from '../globals.ts';
import { IDLE } from '../idle.ts';
import {
  type AnyHandle,
  type Arena,
  attach,
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  Owner,
  type Primitive,
  RLock,
  Semaphore,
} from '../index.ts';
import { writeHandle } from '../memory.ts';
import { ownFile } from '../stack.ts';
import { mayBlock } from '../thread.ts';
import type { ThreadArena } from '../thread-arena.ts';
import { KINDS } from '../thread-info.ts';
import { invalidType } from '../validate.ts';
import { statusOf } from './status.ts';

/** A wait of a program: a kind, an address, a stamp, ms. Answers a status, or a Barrier's arrival index. */
export type Waiting = (kind: number, address: number, stamp: number, timeout: number) => number | Promise<number>;

const word = (): WebAssembly.Global => new WebAssembly.Global({ value: 'i32', mutable: true }, 0);

/** What has waits, by kinds. */
const CLASSES: Readonly<Record<number, abstract new (...options: never[]) => object>> = {
  [KIND_LOCK]: Lock,
  [KIND_RLOCK]: RLock,
  [KIND_SEMAPHORE]: Semaphore,
  [KIND_EVENT]: Event,
  [KIND_BARRIER]: Barrier,
  [KIND_CONDITION]: Condition,
};

/** Those of this thread, by arenas. Weakly: a program may have an instance for each call. */
const programs = new WeakMap<ThreadArena, Set<WeakRef<Program>>>();

/** From now on the program's calls are cut off when the thread's are. */
function enlist(threadArena: ThreadArena, program: Program): void {
  let all = programs.get(threadArena);
  if (!all) {
    all = new Set();
    programs.set(threadArena, all);
    threadArena.files.push(ownFile());
    // That of another copy of the package.
    const before = threadArena.onCut;
    threadArena.onCut = (cut) => {
      before?.(cut);
      for (const known of programs.get(threadArena)!) known.deref()?.admit(!cut);
    };
  }
  for (const known of all) if (!known.deref()) all.delete(known);
  all.add(new WeakRef(program));
}

/** An instance of a program: in whose name it acts (`assembly/imports.ts`), and what it does by JavaScript. */
export class Program {
  readonly globals = { thread: word(), owner: word(), task: word(), arena: word(), cells: word() };
  readonly #memory: Memory;
  /** A program that is suspended is a task of its thread. In RLocks it is one owner, for as long as the thread lives. */
  readonly #owner: Owner | undefined;
  /** What it has waited for, by addresses. */
  readonly #views = new Map<number, Primitive>();
  #arena: Arena | undefined;
  #threadArena: ThreadArena | undefined;

  constructor(memory: Memory, suspend: boolean) {
    this.#memory = memory;
    this.#owner = suspend ? new Owner() : undefined;
  }

  bind(arena: Arena): void {
    const { threadArena } = arena;
    const { core, thread } = threadArena;
    // Changes nothing, but throws where the thread's calls are cut off: those of the program would not be.
    core.swap(thread, 0, 0);
    // Allocates: throws before anything is done.
    const task = this.#owner?.nameIn(threadArena);
    const { globals } = this;
    globals.thread.value = thread;
    globals.owner.value = task ? thread | HELD_BY_TASK : thread;
    globals.task.value = task ?? thread;
    globals.arena.value = arena.address;
    enlist(threadArena, this);
    this.#arena = arena;
    this.#threadArena = threadArena;
  }

  /** Whether the program may act in its thread's name: not after that has ended, nor in the midst of a wait of it. */
  admit(admitted: boolean): void {
    const { thread, cells } = this.globals;
    thread.value = admitted ? this.#threadArena!.thread : 0;
    cells.value = 0;
  }

  get bound(): boolean {
    return this.#threadArena !== undefined;
  }

  collect = (): void => {
    const arena = this.#threadArena;
    try {
      arena?.pay();
      arena?.tasks?.collect();
    } catch {
      // A full stack: the tasks are resumed in the next microtask.
    }
  };

  /** Waits, and blocks the thread. */
  blocked: Waiting = (kind, address, stamp, timeout) => {
    if (!mayBlock) return STATUS_MAY_NOT_BLOCK;
    try {
      const view = this.#view(kind, address >>> 0, stamp);
      if (view instanceof Event || view instanceof Condition) return view.wait(timeout) ? STATUS_OK : STATUS_TIMEOUT;
      if (view instanceof Barrier) return view.wait(timeout < 0 ? undefined : timeout);
      const status = (view as Acquirable).block(timeout, 0);
      this.collect();
      return status;
    } catch (error) {
      // The core knows nothing of what a thread owes: until that is paid, each call asks for it (`collect`). No call here.
      if (this.#threadArena!.debt) {
        this.globals.thread.value = 0;
        this.globals.cells.value = 0;
      }
      return statusOf(error);
    }
  };

  /** The same while the thread's event loop goes on. */
  suspended: Waiting = async (kind, address, stamp, timeout) => {
    const owner = this.#owner!;
    const limit = { limit: timeout, signal: undefined, owner: undefined, recovers: true };
    try {
      const view = this.#view(kind, address >>> 0, stamp);
      if (view instanceof Event) return (await view.waitAsync({ timeout })) ? STATUS_OK : STATUS_TIMEOUT;
      if (view instanceof Barrier) return await view.waitAsync(timeout < 0 ? {} : { timeout });
      if (view instanceof Condition) {
        const options = view.lock instanceof RLock ? { timeout, owner } : { timeout };
        return (await view.waitAsync(options)) ? STATUS_OK : STATUS_TIMEOUT;
      }
      const held =
        view instanceof RLock
          ? await view.acquireTask({ ...limit, owner }, owner, 0)
          : await (view as Acquirable).acquireTask(limit, undefined, 0);
      if (!held) return STATUS_TIMEOUT;
      return (view instanceof Lock || view instanceof RLock) && view.abandoned ? STATUS_ABANDONED : STATUS_OK;
    } catch (error) {
      return statusOf(error);
    }
  };

  /**
   * Makes a primitive, and writes its handle, address and stamp, to `out`. `count`: permits, or parties. `timeout`: of a
   * Barrier, less than 0 or `Infinity` for none. Of a Condition, `count` and `stamp` are the handle of its lock; of zeros, it makes
   * an RLock of its own.
   */
  create = (out: number, kind: number, count: number, stamp: number, timeout: number): number => {
    const at = out >>> 0;
    if (!this.#lives || at % 4 || at + 8 > this.#memory.buffer.byteLength) return STATUS_INVALID;
    try {
      const made = this.#make(kind, count, stamp, timeout);
      if (!made) return STATUS_INVALID;
      writeHandle(this.#memory, at, made.address, made.stamp);
      return STATUS_OK;
    } catch (error) {
      return statusOf(error);
    }
  };

  #make(kind: number, count: number, stamp: number, timeout: number): Primitive | undefined {
    const options = { arena: this.#arena! };
    switch (kind) {
      case KIND_LOCK:
        return new Lock(options);
      case KIND_RLOCK:
        return new RLock(options);
      case KIND_SEMAPHORE:
        return new Semaphore(count, options);
      case KIND_BOUNDED_SEMAPHORE:
        return new BoundedSemaphore(count, options);
      case KIND_EVENT:
        return new Event(options);
      case KIND_BARRIER:
        return new Barrier(count, timeout < 0 ? options : { ...options, timeout });
      case KIND_CONDITION:
        return new Condition(count || stamp ? (this.#attach(count >>> 0, stamp) as Lock) : undefined, options);
    }
    return undefined;
  }

  /** Gives its cell back. */
  destroy = (address: number, stamp: number): number => {
    if (!this.#lives || !stamp) return STATUS_INVALID;
    let view: Primitive;
    try {
      view = this.#attach(address >>> 0, stamp);
    } catch {
      return this.#destroyOrphan(address >>> 0, stamp);
    }
    try {
      view.destroy();
    } catch (error) {
      return view.lives ? STATUS_BUSY : statusOf(error);
    }
    this.#views.delete(view.address);
    return STATUS_OK;
  };

  /** A Condition whose lock was destroyed before it: nobody waits any more, but a handle alone finds no object for it. */
  #destroyOrphan(address: number, stamp: number): number {
    const arena = this.#threadArena!;
    if (arena.kindAt(address) !== KIND_CONDITION) return STATUS_DESTROYED;
    return arena.core.destroy(address, stamp, arena.thread, IDLE.mask, IDLE.idle, IDLE.dead);
  }

  /** Whether the program has an arena, and may act in its thread's name. */
  get #lives(): boolean {
    return this.globals.thread.value !== 0;
  }

  /** What a wait of this kind is for. */
  #view(kind: number, address: number, stamp: number): Primitive {
    let view = this.#views.get(address);
    if (view?.stamp !== stamp) {
      view = this.#attach(address, stamp);
      this.#views.set(address, view);
    }
    if (!(view instanceof CLASSES[kind]!)) throw invalidType(`${view}: a call of another kind of primitive`);
    return view;
  }

  /** The primitive of a handle. */
  #attach(address: number, stamp: number): Primitive {
    const kind = (KINDS as Readonly<Record<number, string>>)[this.#threadArena!.kindAt(address)];
    return attach({ kind, memory: this.#memory, address, stamp } as unknown as AnyHandle) as Primitive;
  }
}
