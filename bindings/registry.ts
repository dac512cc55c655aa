import {
  ARENA_DEFAULT,
  CELL_SIZE,
  HEADER_FLAGS,
  HEADER_ID_HIGH,
  HEADER_ID_LOW,
  HEADER_KEEPERS,
  HEADER_MAGIC,
  HEADER_SIZE,
  HEADER_VERSION,
  KIND_TASK,
  KIND_THREAD,
  MAGIC,
  STATUS_DESTROYED,
  STATUS_OK,
  TASK_PLACE,
  THREAD_ALIVE,
  THREAD_INBOX,
  VERSION,
} from '../assembly/abi.ts';
import { setTimeout } from './clock.ts';
import { OutOfMemoryError, ThreadingError } from './errors.ts';
import type { Memory } from './globals.ts';
import { newId, onEnd, onExit, REGISTRY, SHAPE, versioned, workerThreads } from './host.ts';
import { bufferOf, loadWord, SharedWords, writeArena } from './memory.ts';
import { reapNumber } from './reap.ts';
import { ThreadArena } from './thread-arena.ts';
import { invalidType } from './validate.ts';

/** The arenas that this thread knows. */

/** One for each realm. Copies of the package share what is in it: see SHAPE. */
interface Registry {
  readonly shape: number;
  /** By the arenas' ids. */
  readonly arenas: Map<string, ThreadArena>;
  /** The default arena, once there is one. */
  default?: ThreadArena;
}

/** On `globalThis`: copies of the package in one realm must be one thread. */
function registry(): Registry {
  const holder = globalThis as unknown as Record<symbol, Registry | undefined>;
  let found = holder[REGISTRY];
  if (!found) {
    const arenas = new Map<string, ThreadArena>();
    found = { shape: SHAPE, arenas };
    holder[REGISTRY] = found;
    onEnd(() => {
      for (const arena of arenas.values()) arena.close();
    });
    onExit((worker) => {
      for (const arena of arenas.values()) bereave(arena, worker, 1);
    });
  }
  if (found.shape !== SHAPE) {
    throw new ThreadingError(
      `Two versions of lockwork are loaded here that cannot work together: what they share has shape ${found.shape} in the one that was used first, and ${SHAPE} in this one. Load one version only: "npm ls lockwork" shows who brings which, "npm dedupe" may join them`,
    );
  }
  return found;
}

/** For so long (ms) a worker may live on when its platform says that it has ended: Deno's may for ever. */
const AFTERLIFE = 1_024;

/** A worker of this thread has ended, or is about to: asks again and again, after `delay` ms, then after four times as long. */
function bereave(arena: ThreadArena, worker: number, delay: number): void {
  if (arena.destroyed || reapNumber(arena, worker) || delay > AFTERLIFE) return;
  const timer = setTimeout?.(() => bereave(arena, worker, delay * 4), delay) as { unref?(): void } | undefined;
  timer?.unref?.();
}

/** So many arenas are checked when one is added: more than one, so that those that are destroyed do not become the most. */
const SWEPT = 2;

/** Lets go of arenas that another thread has destroyed. */
function sweep(arenas: Map<string, ThreadArena>): void {
  let left = Math.min(SWEPT, arenas.size);
  for (const arena of arenas.values()) {
    if (!left--) return;
    if (arena.destroyed) drop(arena);
    else {
      // Moved to the end, so that all have their turn.
      arenas.delete(arena.key);
      arenas.set(arena.key, arena);
    }
  }
}

/** Lets go of a destroyed arena: its memory can be collected when no thread refers to it. */
function drop(arena: ThreadArena): void {
  registry().arenas.delete(arena.key);
  arena.forget();
}

/** Throws when an arena has been destroyed. */
export function checkLives(arena: ThreadArena): void {
  if (!arena.destroyed) return;
  drop(arena);
  throw new ThreadingError('The arena has been destroyed, and all that was in it');
}

/**
 * Destroys an arena. No thread may be in a call of it, except that threads may come and go and begin to allocate: either
 * they are refused, or this call is, with an error that changes nothing.
 */
export function destroyArena(arena: ThreadArena): void {
  const { core, base, id } = arena;
  checkLives(arena);
  // Flags never change.
  if (arena.load(base, HEADER_FLAGS) & ARENA_DEFAULT) {
    throw new ThreadingError('arena.destroy: the default arena cannot be destroyed, other threads rely on it');
  }
  arena.tasks?.collect();
  const records = arena.blocks(true).filter(({ kind }) => kind === KIND_THREAD || kind === KIND_TASK);
  // A verdict in an inbox, or a task's wait that has a place in its thread's table.
  let busy = records.some(({ kind, address }) => arena.load(address, kind === KIND_TASK ? TASK_PLACE : THREAD_INBOX));
  // Tried again: a thread that comes or goes right now has done so in no time.
  for (let tries = 0; !busy && tries < TRIES; tries++) {
    const status = core.arenaDestroy(base, id);
    if (status === STATUS_OK) break;
    if (status === STATUS_DESTROYED) checkLives(arena);
    busy = tries === TRIES - 1;
  }
  if (busy) {
    throw new ThreadingError(
      'arena.destroy: the arena is in use. Destroy its primitives and free its arrays first, and let all waits come to their ends',
    );
  }
  // A pending `waitAsync` would keep the memory alive. No thread begins one any more.
  for (const { kind, address } of records) {
    if (kind !== KIND_THREAD) continue;
    arena.notify(address + THREAD_INBOX);
    arena.notify(address + THREAD_ALIVE);
  }
  drop(arena);
}

const TRIES = 1_000;

/** All arenas that this thread knows and that live. */
export function knownArenas(): ThreadArena[] {
  return [...registry().arenas.values()].filter((arena) => !arena.destroyed);
}

/** Bytes that the header and the map of `cells` cells take, in whole cells. */
export function overhead(cells: number): number {
  return Math.ceil((HEADER_SIZE + cells) / CELL_SIZE) * CELL_SIZE;
}

/** Lays an arena of `cells` cells out. */
export function layOut(memory: Memory, base: number, cells: number, flags: number): ThreadArena {
  const first = overhead(cells) / CELL_SIZE;
  // These bytes may be an arena that lives.
  const word = (field: number): number => loadWord(memory, base + field) | 0;
  if (word(HEADER_MAGIC) === MAGIC && word(HEADER_VERSION) === VERSION && word(HEADER_KEEPERS) >= 0) {
    throw invalidType(
      `new Arena: there is an arena at ${base} of this memory already. Attach to it with Arena.from(handle); or destroy() it first; or, if nobody uses it any more, clear its first ${HEADER_SIZE} bytes`,
    );
  }
  const [low, high] = newId();
  // A thread tells an arena that was here before by the lower half only.
  const id = [low === word(HEADER_ID_LOW) ? low + 1 : low, high] as const;
  writeArena(memory, base, { cells, first, flags, id });
  return arenaAt(memory, base, 'new Arena');
}

/** The arena at `base`, as this thread sees it: made when it first meets it. */
export function arenaAt(memory: Memory, base: number, where: string): ThreadArena {
  if (base % CELL_SIZE || base + HEADER_SIZE > bufferOf(memory, base + HEADER_SIZE).byteLength) {
    throw invalidType(`${where}: there is no arena at ${base}, or no longer`);
  }
  const words = new SharedWords(memory);
  // Destroyed after these checks, the arena refuses in its calls.
  const word = (field: number): number => words.load(base, field) | 0;
  if (word(HEADER_MAGIC) !== MAGIC) throw invalidType(`${where}: there is no arena at ${base}, or no longer`);
  const version = word(HEADER_VERSION);
  if (version !== VERSION) {
    throw invalidType(
      `${where}: the arena was made by an incompatible version of lockwork (layout ${version}, this is ${VERSION}). Use one version in all threads`,
    );
  }
  if (word(HEADER_KEEPERS) < 0) throw invalidType(`${where}: the arena at ${base} has been destroyed`);
  const { arenas } = registry();
  const id = word(HEADER_ID_LOW);
  const key = `${id},${word(HEADER_ID_HIGH)}`;
  const known = arenas.get(key);
  if (known) return known;
  sweep(arenas);
  const arena = new ThreadArena(memory, base, key, id);
  if (!arena.thread) {
    checkLives(arena);
    throw new OutOfMemoryError('The arena is full: there is no room for the record of one more thread');
  }
  arenas.set(key, arena);
  if (word(HEADER_FLAGS) & ARENA_DEFAULT) registry().default ??= arena;
  return arena;
}

const ENVIRONMENT = /* @__PURE__ */ versioned('default');

/**
 * The default arena: the one that this thread has met, or (Node) that of the thread that started it, or a new one.
 */
export function defaultArena(make: () => ThreadArena): ThreadArena {
  const known = registry().default;
  if (known) return known;
  const inherited = workerThreads?.getEnvironmentData(ENVIRONMENT) as { memory: Memory } | undefined;
  const arena = inherited ? arenaAt(inherited.memory, 0, 'Arena.default') : make();
  registry().default = arena;
  workerThreads?.setEnvironmentData(ENVIRONMENT, { memory: arena.memory });
  return arena;
}
