import {
  ARENA_DEFAULT,
  ARENA_GROWS,
  CELL_SIZE,
  HEADER_FIRST,
  HEADER_ID_HIGH,
  HEADER_ID_LOW,
  HEADER_SIZE,
  HEADER_TOTAL,
  HEADER_USED,
  KIND_ARRAY,
  KIND_INSIDE,
} from '../assembly/abi.ts';
import { type Core, instantiate } from './core.ts';
import { OutOfMemoryError } from './errors.ts';
import type { Memory, SharedArray, SharedArrayType } from './globals.ts';
import { checkMemory } from './handle.ts';
import { bufferOf, copyBytes, isShared, loadWord, loadWordIn } from './memory.ts';
import { reapAll } from './reap.ts';
import { arenaAt, checkLives, defaultArena, destroyArena, layOut, overhead } from './registry.ts';
import { checkPlatform, Postable } from './sharing.ts';
import type { ThreadArena } from './thread-arena.ts';
import { checkInteger, checkOptions, invalidType, invalidValue, show } from './validate.ts';

const PAGE = 65536;
/** A default arena may grow to this: room for about a million primitives. */
const MAXIMUM = 0x4000000;
/** Memory is addressed with 32 bits; the last page is left alone. */
const MOST = 0xffff0000;
/** The smallest arena: a header, a map, and one cell. */
const LEAST = 512;

/** Where an arena is to be, and how large. */
export interface ArenaOptions {
  /** A shared memory to live in, that of the user's own program for example. Without it the arena makes its own. */
  memory?: Memory | undefined;
  /** Where in `memory` the arena begins: a multiple of 64. Default 0. */
  byteOffset?: number | undefined;
  /** How many bytes of `memory` it may use. Default: all there are behind `byteOffset`. */
  byteLength?: number | undefined;
  /** How large a memory of the arena's own may grow, in bytes. Default 64 MiB. */
  maximumBytes?: number | undefined;
}

/** What a message carries of an `Arena`; an `Arena` is one itself. */
export interface ArenaHandle {
  /** `'Arena'`. */
  readonly kind: 'Arena';
  /** The shared memory that it is in. */
  readonly memory: Memory;
  /** Where in `memory` it begins. */
  readonly address: number;
  /** What tells it from others that were there before: a number. */
  readonly stamp: number;
}

const TypedArray = /* @__PURE__ */ Object.getPrototypeOf(Int8Array) as new () => Int8Array;

/** What `new` gets from `from` and `default`. */
class Existing {
  constructor(readonly threadArena: ThreadArena) {}
}

const arenas = new WeakMap<ThreadArena, Arena>();

/** An arena that this thread knows. */
export function arenaOf(threadArena: ThreadArena): Arena {
  return arenas.get(threadArena) ?? new Arena(new Existing(threadArena) as ArenaOptions);
}

/**
 * A region of shared memory that holds primitives and the user's typed arrays. Most programs use `Arena.default`
 * without ever naming it.
 *
 * An arena of its own memory grows as needed up to `maximumBytes`; one inside the user's memory stays in its bytes. All
 * of it works from any thread, waits for nobody, and never blocks.
 *
 * @example
 * ```js
 * import { Arena, Lock } from 'lockwork';
 *
 * const seats = Arena.default.allocate(Int32Array, 1); // shared memory, for a message to carry
 * seats[0] = 10;
 * Arena.default.free(seats);
 *
 * const arena = new Arena({ maximumBytes: 65536 }); // one of its own
 * const lock = new Lock({ arena });
 * arena.destroy(); // throws ThreadingError: a lock is in it
 * lock.destroy();
 * arena.destroy();
 * ```
 */
export class Arena extends Postable {
  /** `'Arena'`: what it is, as its handle says. */
  readonly kind = 'Arena';
  /** The shared memory that it is in. */
  readonly memory: Memory;
  /** Where in the memory the arena begins. */
  readonly address: number;
  /** What tells it from others that were there before: a number. */
  readonly stamp: number;
  readonly #threadArena: ThreadArena;

  /** For `Object.prototype.toString`, see `Primitive`. */
  get [Symbol.toStringTag](): string {
    return 'Arena';
  }

  /**
   * Throws when it has been destroyed.
   *
   * @internal
   */
  get threadArena(): ThreadArena {
    return this.#live();
  }

  /**
   * Makes an arena: in a memory of its own, or in `memory`. Works in any thread.
   *
   * @throws TypeError when an option is of the wrong type, the memory is not shared, or there is an arena already
   * @throws RangeError when the bytes are not in the memory, too few, or not at a multiple of 64
   * @throws UnsupportedError when the platform has no shared memory
   * @throws OutOfMemoryError when the platform has no room for one more memory, or the bytes have none for this thread
   */
  constructor(options?: ArenaOptions) {
    super();
    const threadArena =
      (options as unknown) instanceof Existing ? (options as unknown as Existing).threadArena : make(options);
    this.memory = threadArena.memory;
    this.address = threadArena.base;
    this.stamp = threadArena.id;
    this.#threadArena = threadArena;
    arenas.set(threadArena, this);
  }

  /** The arena that primitives live in when none is named. Made on first use; worker threads of Node inherit it. */
  static get default(): Arena {
    return arenaOf(defaultArena(() => makeOwn(MAXIMUM, ARENA_GROWS | ARENA_DEFAULT)));
  }

  /**
   * Attaches to the arena that a handle names: an `Arena` that was posted.
   *
   * @throws TypeError when it is not the handle of an arena, or of one of an incompatible version
   * @throws OutOfMemoryError when the arena has no room for this thread
   */
  static from(handle: ArenaHandle): Arena {
    const { kind, memory, address, stamp } = (handle ?? {}) as Partial<ArenaHandle>;
    if (kind !== 'Arena') throw invalidType(`Arena.from: this is not the handle of an Arena, but ${show(handle)}`);
    checkMemory(memory, 'Arena.from');
    const base = Number.isInteger(address) && address! >= 0 ? address! : -1;
    const arena = arenaOf(arenaAt(memory, base, 'Arena.from'));
    if (arena.stamp !== stamp) throw invalidType('Arena.from: the arena of this handle is gone; another has its place');
    return arena;
  }

  /**
   * Attaches to the arena at an address of a memory, without a handle: for workers of a program that know nothing else, as
   * Emscripten's do.
   *
   * @param byteOffset where it begins, as given to its constructor
   * @throws TypeError when there is no arena at `byteOffset`, or one of an incompatible version; RangeError when that is no
   *   integer of 0 or more; OutOfMemoryError when the arena has no room for this thread
   */
  static at(memory: Memory, byteOffset = 0): Arena {
    checkMemory(memory, 'Arena.at');
    checkInteger(byteOffset, 0, Number.MAX_SAFE_INTEGER, 'Arena.at: byteOffset');
    return arenaOf(arenaAt(memory, byteOffset, 'Arena.at'));
  }

  /**
   * A core on a memory in which this thread may have no arena yet. It must not block.
   *
   * @internal
   */
  static coreOn(memory: Memory): Core {
    return instantiate(memory, () => 0, { set: false });
  }

  /**
   * Bytes that are allocated: 64 for every primitive, 1,088 for every thread that uses the arena (128 in one of less than 60 KB),
   * and the arrays.
   */
  get used(): number {
    return this.#header(HEADER_USED) * CELL_SIZE;
  }

  /** Bytes that can be allocated in all, growth included. */
  get capacity(): number {
    return (this.#header(HEADER_TOTAL) - this.#header(HEADER_FIRST)) * CELL_SIZE;
  }

  /**
   * A typed array in shared memory, all zero, for data that the primitives protect. It posts as it is. A multiple of
   * 64 bytes is used, and no two arrays share a cache line.
   *
   * @throws TypeError when `type` is not a typed array's constructor
   * @throws RangeError when `length` is not an integer of 0 or more
   * @throws OutOfMemoryError when the arena is full
   */
  allocate<T extends SharedArrayType>(type: T, length: number): SharedArray<T> {
    if (typeof type !== 'function' || Object.getPrototypeOf(type) !== TypedArray) {
      throw invalidType(`arena.allocate: the type must be a typed array's constructor, not ${show(type)}`);
    }
    checkInteger(length, 0, MOST, 'arena.allocate: the length');
    const cells = Math.max(1, Math.ceil((length * type.BYTES_PER_ELEMENT) / CELL_SIZE));
    const { memory, base, id, core } = this.#live();
    const fits = cells * CELL_SIZE <= this.capacity;
    const address = fits ? this.#live().allocate(() => core.alloc(base, id, KIND_ARRAY, cells)) : 0;
    if (!address) {
      throw new OutOfMemoryError(
        `The arena is full: ${cells * CELL_SIZE} more bytes do not fit beside ${this.used} of ${this.capacity}. Make it with a larger maximumBytes, or free what is not needed`,
      );
    }
    const buffer = bufferOf(memory, address + cells * CELL_SIZE) as unknown as ArrayBuffer;
    return new type(buffer, address, length) as unknown as SharedArray<T>;
  }

  /**
   * Gives an array back that `allocate` made, in whichever thread. Afterwards nobody may use it.
   *
   * @throws TypeError when it is not, or not the whole of, an array of this arena, or was freed already
   */
  free(view: ArrayBufferView): void {
    const { core, base } = this.#live();
    const cells = this.#cellsOf(view);
    // Of two threads that free it, one does.
    if (!core.free(base, view.byteOffset, cells, KIND_ARRAY)) {
      throw invalidType('arena.free: this array has been freed already, or is not one that allocate made');
    }
  }

  /**
   * Gives its memory back, for all threads, when nothing is left in it: all primitives are destroyed and all arrays
   * freed. Afterwards every use of it throws. Nobody may use it meanwhile. Bytes of the user's memory are the user's
   * again; a memory of the arena's own is collected when no thread has an object of it any more.
   *
   * @throws ThreadingError when something is left in it, it is the default arena, or destroyed already; nothing is changed
   */
  destroy(): void {
    destroyArena(this.#threadArena);
  }

  /** How many cells an array of this arena has. */
  #cellsOf(view: ArrayBufferView): number {
    const { memory, base } = this.#live();
    if (!ArrayBuffer.isView(view)) throw invalidType(`arena.free: this is not a typed array but ${show(view)}`);
    const { buffer, byteOffset, byteLength } = view;
    const hasHeader = isShared(buffer) && buffer.byteLength >= base + HEADER_SIZE;
    // An id stays while its arena lives. Not the same buffer: a posted array brings one of its own. The same memory has the same arena in it.
    const differs = (field: number): boolean =>
      loadWordIn(buffer as SharedArrayBuffer, base + field) !== loadWord(memory, base + field);
    if (!hasHeader || differs(HEADER_ID_LOW) || differs(HEADER_ID_HIGH)) {
      throw invalidType('arena.free: this array is not in the arena');
    }
    const index = (byteOffset - base) / CELL_SIZE;
    const cells = Math.max(1, Math.ceil(byteLength / CELL_SIZE));
    const room = bufferOf(memory, byteOffset + byteLength);
    const end = Math.min(this.#header(HEADER_TOTAL), Math.floor((room.byteLength - base) / CELL_SIZE));
    const inside = Number.isInteger(index) && index >= this.#header(HEADER_FIRST) && index + cells <= end;
    // What is behind the array's first cell, and what comes behind the array.
    const marks = inside ? copyBytes(memory, base + HEADER_SIZE + index, Math.min(cells + 1, end - index)) : undefined;
    if (
      !marks ||
      marks.findIndex((mark, at) => at > 0 && mark !== KIND_INSIDE) !== (marks.length > cells ? cells : -1)
    ) {
      throw invalidType('arena.free: this is not the whole of an array that allocate made');
    }
    return cells;
  }

  #live(): ThreadArena {
    checkLives(this.#threadArena);
    return this.#threadArena;
  }

  /** What is counted is as it was at some moment; what the layout says never changes. */
  #header(field: number): number {
    const arena = this.#live();
    return arena.load(arena.base, field);
  }
}

/** What an argument that must be an arena is to this thread. */
export function threadArenaOf(arena: Arena, where: string): ThreadArena {
  if (!(arena instanceof Arena)) throw invalidType(`${where}: the argument must be an Arena, not ${show(arena)}`);
  return arena.threadArena;
}

/**
 * Looks for threads that have died, and gives back what they had: locks that they held are abandoned, waiters leave their
 * queues. Answers how many there were. Threads that wait do the same by themselves, after a while; a program that has just
 * terminated a worker, in a page above all, calls this to have it at once. Works from any thread, and never blocks.
 *
 * A thread that was told to end may run on for a moment, in Chromium for two seconds: then this does not find it yet.
 *
 * @example
 * ```js
 * import { once } from 'node:events';
 * import { isMainThread, Worker, workerData } from 'node:worker_threads';
 * import { Lock, reap } from 'lockwork';
 *
 * if (isMainThread) {
 *   const lock = new Lock();
 *   await once(new Worker(new URL(import.meta.url), { workerData: lock }), 'exit');
 *   reap();
 *   lock.abandoned; // true
 * } else Lock.from(workerData).acquire(); // and ends
 * ```
 *
 * @param arena where to look; default: `Arena.default`
 * @throws TypeError when it is not an arena; ThreadingError when it has been destroyed
 */
export function reap(arena: Arena = Arena.default): number {
  const threadArena = threadArenaOf(arena, 'reap');
  const count = reapAll(threadArena, 'asked');
  threadArena.tasks?.collect();
  return count;
}

function make(options?: ArenaOptions): ThreadArena {
  checkOptions(options, 'new Arena', ['memory', 'byteOffset', 'byteLength', 'maximumBytes']);
  const { memory, byteOffset = 0, byteLength, maximumBytes = MAXIMUM } = options ?? {};
  if (memory === undefined) {
    if (options?.byteOffset !== undefined || byteLength !== undefined) {
      throw invalidType('new Arena: byteOffset and byteLength need a memory to be in');
    }
    return makeOwn(maximumBytes, ARENA_GROWS);
  }
  if (options?.maximumBytes !== undefined) {
    throw invalidType(
      'new Arena: maximumBytes is for an arena with a memory of its own; here byteLength says how much',
    );
  }
  checkMemory(memory, 'new Arena');
  const there = Math.min(memory.buffer.byteLength, MOST);
  const most = there - LEAST;
  checkInteger(byteOffset, 0, Number.MAX_SAFE_INTEGER, 'new Arena: byteOffset');
  if (byteOffset > most) {
    throw invalidValue(
      most < 0
        ? `new Arena: the memory has ${there} bytes, and an arena needs at least ${LEAST}`
        : `new Arena: byteOffset must be at most ${most}, not ${byteOffset}: an arena needs ${LEAST} bytes, and cannot use the last page of 4 GiB`,
    );
  }
  if (byteOffset % CELL_SIZE)
    throw invalidValue(`new Arena: byteOffset must be a multiple of ${CELL_SIZE}, not ${byteOffset}`);
  const length = byteLength === undefined ? there - byteOffset : byteLength;
  checkInteger(length, LEAST, there - byteOffset, 'new Arena: byteLength');
  return layOut(memory, byteOffset, Math.floor(length / CELL_SIZE), 0);
}

function makeOwn(maximumBytes: number, flags: number): ThreadArena {
  checkPlatform();
  checkInteger(maximumBytes, LEAST, MOST, 'new Arena: maximumBytes');
  const cells = Math.floor(maximumBytes / CELL_SIZE);
  const maximum = Math.ceil(maximumBytes / PAGE);
  const initial = Math.min(maximum, Math.ceil(overhead(cells) / PAGE) + 1);
  return layOut(makeMemory({ initial, maximum, shared: true }), 0, cells, flags);
}

function makeMemory(descriptor: WebAssembly.MemoryDescriptor): Memory {
  try {
    return new WebAssembly.Memory(descriptor);
  } catch (cause) {
    // Engines reserve 8 GiB and more of the address space for each, however small.
    throw new OutOfMemoryError(
      'new Arena: the platform has no room for one more memory. Destroy arenas that are not needed, and make one arena for many primitives',
      { cause },
    );
  }
}
