import {
  CELL_SIZE,
  HEADER_FIRST,
  HEADER_FLAGS,
  HEADER_ID_HIGH,
  HEADER_ID_LOW,
  HEADER_KEEPERS,
  HEADER_MAGIC,
  HEADER_NAP,
  HEADER_ROVER,
  HEADER_SIZE,
  HEADER_STAMPS,
  HEADER_TOTAL,
  HEADER_VERSION,
  KIND_FREE,
  KIND_INSIDE,
  MAGIC,
  VERSION,
} from '../assembly/abi.ts';
import type { Memory } from './globals.ts';

/**
 * The only file that touches shared memory. A step on a word that other threads know of is a call of the core, where the
 * model checker sees it. What is here: reads; writes of what no other thread can know of yet; waits and notifies, which
 * change no word.
 */

/**
 * The buffer of a memory, which reaches to `end` if the memory does. A thread may read of new cells in shared memory
 * before its engine shows it that another thread has made the memory grow; to grow by nothing makes the engine look.
 */
export function bufferOf(memory: Memory, end: number): SharedArrayBuffer {
  if (memory.buffer.byteLength < end) memory.grow(0);
  return memory.buffer as unknown as SharedArrayBuffer;
}

export function isShared(buffer: unknown): buffer is SharedArrayBuffer {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
}

/** A word, unsigned, where there is no `SharedWords` yet. */
export function loadWord(memory: Memory, address: number): number {
  return loadWordIn(bufferOf(memory, address + 4), address);
}

/** A word of a buffer, unsigned: the buffer of an array, which may be of any memory. */
export function loadWordIn(buffer: SharedArrayBuffer, address: number): number {
  return Atomics.load(new Int32Array(buffer, address, 1), 0) >>> 0;
}

/** Bytes as they are at this moment: some may change while they are copied. */
export function copyBytes(memory: Memory, address: number, length: number): Uint8Array {
  return new Uint8Array(bufferOf(memory, address + length), address, length).slice();
}

/** Where a byte is in the bytes from `from` to `end`, as they are at this moment; `end` where it is not. */
export function findByte(memory: Memory, byte: number, from: number, end: number): number {
  const index = new Uint8Array(bufferOf(memory, end), from, end - from).indexOf(byte);
  return index < 0 ? end : from + index;
}

/** A double that never changes. */
export function readDouble(memory: Memory, address: number): number {
  return new Float64Array(bufferOf(memory, address + 8), address, 1)[0]!;
}

/** What `Atomics.waitAsync` answers. In words of our own, since a user's `lib` need not have it. */
type WaitResult =
  | { readonly async: false; readonly value: string }
  | { readonly async: true; readonly value: Promise<string> };

/** A memory's words as this thread sees them. */
export class SharedWords {
  readonly memory: Memory;
  #words: Int32Array;
  /** Their length in bytes, kept here: to read it from the array takes longer than an atomic operation. */
  #end: number;

  constructor(memory: Memory) {
    this.memory = memory;
    this.#words = new Int32Array(memory.buffer);
    this.#end = this.#words.byteLength;
  }

  /** A 32-bit field of a cell, unsigned. */
  load(cell: number, field: number): number {
    return Atomics.load(this.#reach(cell), (cell + field) >>> 2) >>> 0;
  }

  /** A 32-bit field of cells whose addresses go upwards, signed. */
  loadAll(cells: readonly number[], field: number): number[] {
    const words = this.#reach(cells.at(-1) ?? 0);
    return cells.map((cell) => Atomics.load(words, (cell + field) >>> 2));
  }

  /**
   * A field, perhaps as it was a moment ago: an engine may move a plain read, or do it once for several. It takes half the
   * time of `load`, and is for fields that the core checks again.
   */
  guess(cell: number, field: number): number {
    return this.#reach(cell)[(cell + field) >>> 2]!;
  }

  /** Sleeps while a word is `expected`, at most `limit` ms. False when the time is up. */
  sleep(address: number, limit: number, expected = 0): boolean {
    return Atomics.wait(this.#reach(address), address >>> 2, expected, limit) !== 'timed-out';
  }

  /** As `sleep`, without blocking the thread. */
  sleepAsync(address: number): WaitResult {
    return Atomics.waitAsync(this.#reach(address), address >>> 2, 0);
  }

  /** Wakes all that sleep on a word, or `most` of them: they look again. Answers how many there were. */
  notify(address: number, most?: number): number {
    return Atomics.notify(this.#reach(address), address >>> 2, most);
  }

  /** A byte, as it is at this moment. */
  loadByte(address: number): number {
    return (this.load(address & -4, 0) >>> (8 * (address & 3))) & 0xff;
  }

  /** The words, at least to the end of the cell at `address`: the memory may have grown since. */
  #reach(address: number): Int32Array {
    if (address + CELL_SIZE > this.#end) {
      this.#words = new Int32Array(bufferOf(this.memory, address + CELL_SIZE));
      this.#end = this.#words.byteLength;
    }
    return this.#words;
  }
}

/** Blocks this thread for so long (ms). */
export function pause(limit: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, limit);
}

/** Writes numbers into a new block, each at its offset. */
export function writeWords(memory: Memory, block: number, words: Readonly<Record<number, number>>): void {
  const buffer = bufferOf(memory, block + CELL_SIZE);
  const view = new Int32Array(buffer, block, CELL_SIZE / 4);
  for (const offset in words) view[Number(offset) / 4] = words[offset]!;
}

/** Writes the handle of a primitive where a program wants it: an address, and a stamp. */
export function writeHandle(memory: Memory, at: number, address: number, stamp: number): void {
  new Int32Array(bufferOf(memory, at + 8), at, 2).set([address, stamp]);
}

/** Writes as many bytes as there is room for into a new block, and zeros behind them. */
export function writeBytes(memory: Memory, address: number, bytes: Uint8Array, room: number): void {
  const view = new Uint8Array(bufferOf(memory, address + room), address, room);
  view.set(bytes.length > room ? bytes.subarray(0, room) : bytes);
  view.fill(0, bytes.length);
}

/** Writes a double into a new block. */
export function writeDouble(memory: Memory, address: number, value: number): void {
  new Float64Array(bufferOf(memory, address + 8), address, 1)[0] = value;
}

/** Writes a text into a new block, its length (a word) before it. */
export function writeText(memory: Memory, block: number, text: Uint8Array): void {
  const buffer = bufferOf(memory, block + 4 + text.length);
  new Uint32Array(buffer, block, 1)[0] = text.length;
  writeBytes(memory, block + 4, text, text.length);
}

/**
 * How long (ms) a blocked thread sleeps before it looks whether those that it waits for live; the first nap for a Lock, an
 * RLock or a permit is shorter (`assembly/parker.ts`).
 */
export const NAP = 900;

/** Lays out an arena of `cells` cells, the `first` of them for its header and map. The layout: `assembly/arena.ts`. */
export function writeArena(
  memory: Memory,
  base: number,
  {
    cells,
    first,
    flags,
    id,
  }: { cells: number; first: number; flags: number; id: readonly [low: number, high: number] },
): void {
  const words = new Int32Array(memory.buffer, base, HEADER_SIZE / 4);
  Atomics.store(words, HEADER_MAGIC / 4, 0);
  const map = new Uint8Array(memory.buffer, base, first * CELL_SIZE);
  map.fill(KIND_FREE, HEADER_FLAGS);
  map.fill(KIND_INSIDE, HEADER_SIZE, HEADER_SIZE + first);
  words[HEADER_VERSION / 4] = VERSION;
  words[HEADER_ID_HIGH / 4] = id[1];
  words[HEADER_FLAGS / 4] = flags;
  words[HEADER_TOTAL / 4] = cells;
  words[HEADER_FIRST / 4] = first;
  // Not the stamps of an arena that was here before: an old handle must not come to mean a new primitive.
  words[HEADER_STAMPS / 4] = id[0] >>> 1;
  words[HEADER_ROVER / 4] = first;
  words[HEADER_NAP / 4] = NAP;
  // In this order, a thread that knew an arena here before finds neither that one nor a mixture.
  Atomics.store(words, HEADER_ID_LOW / 4, id[0]);
  Atomics.store(words, HEADER_KEEPERS / 4, 0);
  Atomics.store(words, HEADER_MAGIC / 4, MAGIC);
}
