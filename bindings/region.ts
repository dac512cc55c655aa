import {
  ARENA_DEFAULT,
  CELL_ARENA,
  CELL_SIZE,
  CELL_STAMP,
  HEADER_FIRST,
  HEADER_FLAGS,
  HEADER_ID_HIGH,
  HEADER_ID_LOW,
  HEADER_KEEPERS,
  HEADER_MAGIC,
  HEADER_ROVER,
  HEADER_SIZE,
  HEADER_STAMPS,
  HEADER_TOTAL,
  HEADER_VERSION,
  KIND_FREE,
  KIND_INSIDE,
  KIND_RESERVED,
  KIND_TASK,
  KIND_THREAD,
  MAGIC,
  STATUS_DESTROYED,
  STATUS_OK,
  THREAD_INBOX,
  VERSION,
  VISITED,
} from '../assembly/abi.js';
import { type Core, instantiate } from './core.js';
import { invalidType, OutOfMemoryError, ThreadingError } from './errors.js';
import type { Memory } from './globals.js';
import { newId, onEnd, REGISTRY, SHAPE, versioned, workerThreads } from './host.js';
import type { Inbox } from './inbox.js';
import { checkPlatform, checkReach } from './sharing.js';
import { register, unregister } from './thread.js';

/** A round of a barrier that has all its parties, and waits for the end of its action. */
export interface Acting {
  readonly cell: number;
  readonly life: number;
  readonly generation: number;
}

/**
 * An arena as this thread sees it. Every message makes new Memory objects, so an arena is known by the id in its
 * header, and this thread has one region for each.
 */
export class Region {
  readonly memory: Memory;
  /** Address of the arena's header. */
  readonly base: number;
  /** The arena's id, and its lower half: another arena at the same place has another. */
  readonly key: string;
  readonly id: number;
  readonly core: Core;
  /** Address of this thread's record. */
  readonly thread: number;
  /** Where this thread's tasks wait, once there was one that had to. */
  inbox: Inbox | undefined;
  /** The rounds of barriers whose actions this thread runs. */
  readonly acting = new Set<Acting>();
  #words: Int32Array;
  /** Where they end; to ask them takes longer than an atomic operation. */
  #end: number;

  /** @throws OutOfMemoryError when there is no room for the thread's record */
  constructor(memory: Memory, base: number, key: string, id: number) {
    this.memory = memory;
    this.base = base;
    this.key = key;
    this.id = id;
    this.core = instantiate(memory);
    this.#words = new Int32Array(memory.buffer);
    this.#end = this.#words.byteLength;
    this.thread = register(this);
    if (!this.thread)
      throw new OutOfMemoryError('The arena is full: there is no room for the record of one more thread');
  }

  /** The memory's words, at least to the end of the cell at `address`: it may have grown since. */
  words(address: number): Int32Array {
    if (address + CELL_SIZE > this.#end) {
      this.#words = new Int32Array(bufferOf(this.memory, address + CELL_SIZE));
      this.#end = this.#words.byteLength;
    }
    return this.#words;
  }

  /** A 32-bit field of a cell, unsigned. */
  load(cell: number, field: number): number {
    return Atomics.load(this.words(cell), (cell + field) >>> 2) >>> 0;
  }

  /** Whether it has been destroyed, in whichever thread. Something else may be in its bytes. */
  get destroyed(): boolean {
    const { base } = this;
    return (this.load(base, HEADER_ID_LOW) | 0) !== this.id || (this.load(base, HEADER_KEEPERS) | 0) < 0;
  }

  /** Throws when it has been destroyed. */
  check(): void {
    if (!this.destroyed) return;
    drop(this);
    throw new ThreadingError('The arena has been destroyed, and all that was in it');
  }

  /** Every block there is now: what the map says. */
  cells(): { kind: number; address: number }[] {
    const { memory, base } = this;
    const end = base + this.load(base, HEADER_TOTAL) * CELL_SIZE;
    const room = Math.floor((Math.min(end, bufferOf(memory, end).byteLength) - base) / CELL_SIZE);
    const map = new Uint8Array(memory.buffer, base + HEADER_SIZE, room);
    const found: { kind: number; address: number }[] = [];
    for (let index = this.load(base, HEADER_FIRST); index < room; index++) {
      const kind = (Atomics.load(map, index) & ~VISITED) as number;
      if (kind > KIND_RESERVED) found.push({ kind, address: base + index * CELL_SIZE });
    }
    return found;
  }
}

/**
 * The buffer of a memory, which reaches to `end` if the memory does. Engines tell a thread late that another one has let
 * it grow, and what is in shared memory may tell sooner; to grow by nothing asks.
 */
export function bufferOf(memory: Memory, end: number): SharedArrayBuffer {
  if (memory.buffer.byteLength < end) memory.grow(0);
  return memory.buffer as unknown as SharedArrayBuffer;
}

/** One for each realm. What is in it, copies of the package share: see SHAPE. */
interface Registry {
  readonly shape: number;
  /** By the arenas' ids. */
  readonly regions: Map<string, Region>;
  /** The region of the default arena, once there is one. */
  default?: Region;
}

/** On `globalThis`: copies of the package in one realm must be one thread. */
function registry(): Registry {
  const holder = globalThis as unknown as Record<symbol, Registry | undefined>;
  let found = holder[REGISTRY];
  if (!found) {
    const regions = new Map<string, Region>();
    found = { shape: SHAPE, regions };
    holder[REGISTRY] = found;
    onEnd(() => regions.forEach(unregister));
  }
  if (found.shape !== SHAPE) {
    throw new ThreadingError(
      `Two versions of lockwork are loaded here that cannot work together: what they share has shape ${found.shape} in the one that was used first, and ${SHAPE} in this one. Load one version only: "npm ls lockwork" shows who brings which, "npm dedupe" may join them`,
    );
  }
  return found;
}

/** So many regions are looked at when one is added. */
const SWEPT = 64;

/** Lets go of arenas that another thread has destroyed. */
function sweep(regions: Map<string, Region>): void {
  let left = Math.min(SWEPT, regions.size);
  for (const region of regions.values()) {
    if (!left--) return;
    if (region.destroyed) drop(region);
    else {
      // To the end, so that all have their turn.
      regions.delete(region.key);
      regions.set(region.key, region);
    }
  }
}

/** Lets go of a destroyed arena: its memory can be collected when no thread has it any more. */
function drop(region: Region): void {
  registry().regions.delete(region.key);
  region.inbox?.forget();
}

/**
 * Destroys an arena. Nobody may be in a call of it, but threads that come and go, and whoever begins to allocate: either
 * they are refused, or this is, by an error that changes nothing.
 */
export function destroyRegion(region: Region): void {
  const { core, base, id, inbox } = region;
  region.check();
  if (region.load(base, HEADER_FLAGS) & ARENA_DEFAULT) {
    throw new ThreadingError('arena.destroy: the default arena cannot be destroyed, other threads rely on it');
  }
  inbox?.collect();
  const records = region.cells().filter(({ kind }) => kind === KIND_THREAD || kind === KIND_TASK);
  // An inbox with a verdict in it, or the place of a task's wait: its thread is about to look.
  let busy = records.some(({ address }) => region.load(address, THREAD_INBOX) !== 0);
  // A thread that comes or goes right now is through with that in no time.
  for (let tries = 0; !busy && tries < TRIES; tries++) {
    const status = core.arenaDestroy(base, id);
    if (status === STATUS_OK) break;
    if (status === STATUS_DESTROYED) region.check();
    busy = tries === TRIES - 1;
  }
  if (busy) {
    throw new ThreadingError(
      'arena.destroy: the arena is in use. Destroy its primitives and free its arrays first, and let all waits come to their ends',
    );
  }
  // Engines keep a memory for which a `waitAsync` is pending. Nobody begins one any more.
  for (const { kind, address } of records) {
    const word = address + THREAD_INBOX;
    if (kind === KIND_THREAD) Atomics.notify(region.words(word), word >>> 2);
  }
  drop(region);
}

const TRIES = 1_000;

/** What of a memory is a place for an arena: `TypeError` with the reason when it is none. */
export function checkMemory(memory: unknown, where: string): asserts memory is Memory {
  if (Object.prototype.toString.call(memory) !== '[object WebAssembly.Memory]') {
    if (memory === undefined) checkReach(`${where}: there is no memory in it`);
    throw invalidType(
      `${where}: there is no WebAssembly.Memory in it. JSON and other processes cannot carry one: lockwork is for the threads of one process`,
    );
  }
  checkPlatform();
  if (!isShared((memory as Memory).buffer)) {
    throw invalidType(`${where}: the memory is not shared. Make it with { shared: true }`);
  }
}

export function isShared(buffer: unknown): buffer is SharedArrayBuffer {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
}

/** Bytes that the header and the map of so many cells take, in whole cells. */
export function overhead(cells: number): number {
  return Math.ceil((HEADER_SIZE + cells) / CELL_SIZE) * CELL_SIZE;
}

/** Lays an arena of `cells` cells out. What the header says: `assembly/arena.ts`. */
export function layOut(memory: Memory, base: number, cells: number, flags: number): Region {
  const first = overhead(cells) / CELL_SIZE;
  const words = new Int32Array(memory.buffer, base, HEADER_SIZE / 4);
  const there = Atomics.load(words, HEADER_MAGIC / 4) === MAGIC && words[HEADER_VERSION / 4] === VERSION;
  if (there && words[HEADER_KEEPERS / 4]! >= 0) {
    throw invalidType(
      `new Arena: there is an arena at ${base} of this memory already. Attach to it with Arena.from(handle); or destroy() it first; or, if nobody uses it any more, clear its first ${HEADER_SIZE} bytes`,
    );
  }
  const [low, high] = newId();
  // Of an arena that was here, threads know the lower half only.
  const id = low === words[HEADER_ID_LOW / 4] ? low + 1 : low;
  Atomics.store(words, HEADER_MAGIC / 4, 0);
  const map = new Uint8Array(memory.buffer, base, first * CELL_SIZE);
  map.fill(KIND_FREE, HEADER_FLAGS);
  map.fill(KIND_INSIDE, HEADER_SIZE, HEADER_SIZE + first);
  words[HEADER_VERSION / 4] = VERSION;
  words[HEADER_ID_HIGH / 4] = high;
  words[HEADER_FLAGS / 4] = flags;
  words[HEADER_TOTAL / 4] = cells;
  words[HEADER_FIRST / 4] = first;
  // Not the same stamps as those of an arena that was here: old handles must not come to mean new primitives.
  words[HEADER_STAMPS / 4] = id >>> 1;
  words[HEADER_ROVER / 4] = first;
  // In this order: whoever knew an arena that was here finds neither it nor a mixture.
  Atomics.store(words, HEADER_ID_LOW / 4, id);
  Atomics.store(words, HEADER_KEEPERS / 4, 0);
  Atomics.store(words, HEADER_MAGIC / 4, MAGIC);
  return regionAt(memory, base, 'new Arena');
}

/** The region of the arena at `base`, made when this thread first meets it. */
export function regionAt(memory: Memory, base: number, where: string): Region {
  if (base % CELL_SIZE || base + HEADER_SIZE > bufferOf(memory, base + HEADER_SIZE).byteLength) {
    throw invalidType(`${where}: there is no arena at ${base}, or no longer`);
  }
  const words = new Int32Array(memory.buffer, base, HEADER_SIZE / 4);
  if (Atomics.load(words, HEADER_MAGIC / 4) !== MAGIC)
    throw invalidType(`${where}: there is no arena at ${base}, or no longer`);
  const version = words[HEADER_VERSION / 4];
  if (version !== VERSION) {
    throw invalidType(
      `${where}: the arena was made by an incompatible version of lockwork (layout ${version}, this is ${VERSION}). Use one version in all threads`,
    );
  }
  if (Atomics.load(words, HEADER_KEEPERS / 4) < 0) {
    throw invalidType(`${where}: the arena at ${base} has been destroyed`);
  }
  const { regions } = registry();
  const id = Atomics.load(words, HEADER_ID_LOW / 4);
  const key = `${id},${words[HEADER_ID_HIGH / 4]}`;
  let region = regions.get(key);
  if (!region) {
    sweep(regions);
    region = new Region(memory, base, key, id);
    regions.set(key, region);
    if (words[HEADER_FLAGS / 4]! & ARENA_DEFAULT) registry().default ??= region;
  }
  return region;
}

const ENVIRONMENT = /* @__PURE__ */ versioned('default');

/**
 * The default arena's region: the one that this thread has met, or in Node the one of the thread that started it, or a
 * new one.
 */
export function defaultRegion(make: () => Region): Region {
  const known = registry().default;
  if (known) return known;
  const inherited = workerThreads?.getEnvironmentData(ENVIRONMENT) as { memory: Memory } | undefined;
  const region = inherited ? regionAt(inherited.memory, 0, 'Arena.default') : make();
  registry().default = region;
  workerThreads?.setEnvironmentData(ENVIRONMENT, { memory: region.memory });
  return region;
}

/** The region and address of what a handle names, if the handle is one of this kind, and what it names still lives. */
export function locate(
  handle: unknown,
  name: string,
  kind: number,
): { region: Region; address: number; stamp: number } {
  const where = `${name}.from`;
  if (handle === null || typeof handle !== 'object') {
    throw invalidType(`${where}: a handle is an object (a ${name}, posted or not), not ${String(handle)}`);
  }
  const { kind: given, memory, address, stamp } = handle as Record<string, unknown>;
  if (given !== name) throw invalidType(`${where}: this is not the handle of a ${name} (its kind is ${String(given)})`);
  checkMemory(memory, where);
  const end = (address as number) + CELL_SIZE;
  if (
    !Number.isInteger(address) ||
    (address as number) % CELL_SIZE ||
    (address as number) < 0 ||
    end > bufferOf(memory, end).byteLength
  ) {
    throw invalidType(`${where}: the handle's address (${String(address)}) is not that of a cell of its memory`);
  }
  if (!Number.isInteger(stamp)) throw invalidType(`${where}: the handle's stamp (${String(stamp)}) is not an integer`);
  const at = { address: address as number, stamp: stamp as number };
  const cell = new Int32Array(memory.buffer, at.address, CELL_SIZE / 4);
  const region = regionAt(memory, Atomics.load(cell, CELL_ARENA / 4) >>> 0, where);
  const words = new Int32Array(region.memory.buffer, region.base, HEADER_SIZE / 4);
  const index = (at.address - region.base) / CELL_SIZE;
  if (index < words[HEADER_FIRST / 4]! || index >= words[HEADER_TOTAL / 4]! >>> 0) {
    throw invalidType(`${where}: the handle's address (${at.address}) is outside its arena`);
  }
  const mark = Atomics.load(new Uint8Array(memory.buffer, region.base + HEADER_SIZE + index, 1), 0) & ~VISITED;
  if (mark !== kind || Atomics.load(cell, CELL_STAMP / 4) !== at.stamp) {
    throw invalidType(`${where}: the ${name} of this handle has been destroyed`);
  }
  return { region, ...at };
}
