import {
  ABANDONED,
  CELL_LENGTH,
  CELL_NAME,
  CELL_SIZE,
  CELL_STAMP,
  CELL_WORD,
  HELD_BY_TASK,
  HOLD_CELL,
  HOLD_COUNT,
  HOLD_STAMP,
  INFO_STACK,
  INFO_WHERE,
  KIND_BOUNDED_SEMAPHORE,
  KIND_HOLD,
  KIND_INFO,
  KIND_LOCK,
  KIND_NAME,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  KIND_TASK,
  KIND_THREAD,
  RLOCK_DEPTH,
  STATE_PARKED,
  STATE_WOKEN,
  TASK_EXTRA,
  TEXT_NEXT,
  THREAD_INFO,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  UNIT,
} from '../../assembly/abi.ts';
import { circleOf, type Edge, textOf } from '../deadlock.ts';
import { Arena, type ThreadInfo } from '../index.ts';
import { copyBytes } from '../memory.ts';
import type { ThreadArena } from '../thread-arena.ts';
import { KINDS, nameOf, readText, TOLD, textIn, waitOf } from '../thread-info.ts';
import { invalidType, show } from '../validate.ts';

/**
 * What the threads of an arena do, as its memory has it. Nothing is locked, and nobody waits: each word is as it is at the
 * moment in which it is read, so that a report of threads that run is a blurred picture, and one of threads that hang is a
 * sharp one. Whatever is read may be over at once, and lead anywhere: an address counts only as what the map knew there.
 */

/** What a primitive is, by the name of its class. */
export type PrimitiveKind = 'Lock' | 'RLock' | 'Semaphore' | 'BoundedSemaphore' | 'Event' | 'Barrier' | 'Condition';

/** A primitive, as reports call it. */
export interface PrimitiveInfo {
  /** The name of its class. */
  kind: PrimitiveKind;
  /** Empty when it has none. */
  name: string;
  /** What the arena knows it by, for as long as it lives: its `address`. */
  ident: number;
}

/** What a thread holds. */
export interface HoldInfo extends PrimitiveInfo {
  /** How often an RLock was acquired; the permits of a semaphore that the thread's guards hold; of a Lock 1. */
  count: number;
  /** Whether a task of the thread holds it, and not the thread itself. */
  task?: true;
}

/** What tasks of a thread wait for. */
export interface TasksInfo extends PrimitiveInfo {
  /** How many of them. */
  waits: number;
}

/** A thread in a dump. */
export interface ThreadDump extends Readonly<ThreadInfo> {
  /** `blocked` by a call of lockwork. All else is `runs`: it computes, or its event loop turns, or waits for something else. */
  state: 'runs' | 'blocked';
  /** What it is blocked on. */
  waitsFor?: PrimitiveInfo;
  /** What it and its tasks hold. */
  holds: HoldInfo[];
  /** What its tasks wait for. */
  tasks: TasksInfo[];
  /**
   * Where in its program it is blocked, once it has been for about a second: lines as the engine has them, the innermost
   * first. Of a wait that has just begun it may be that of the wait before, at the same primitive.
   */
  stack?: string;
}

/** A primitive in a dump. */
export interface PrimitiveDump extends PrimitiveInfo {
  /** Lock, RLock. */
  held?: boolean;
  /** Lock, RLock: the `ident` of the thread that holds it, or whose task does. */
  owner?: number;
  /** Lock, RLock: whether its owner has died, and nobody has put in order since what it protects. */
  abandoned?: true;
  /** Semaphores: the permits that are free. */
  value?: number;
  /** How many wait for it, threads and tasks. */
  waiters: number;
}

/** Threads that wait for each other in a circle. */
export interface Deadlock {
  /** In words. */
  text: string;
  /** Each waits for the next, the last for the first: idents. */
  threads: number[];
  /** What each of them waits for: idents. */
  primitives: number[];
}

/** What `dump` answers. */
export interface Dump {
  /** All that have used the arena and have not ended. */
  threads: ThreadDump[];
  /** All that are held, waited for or abandoned. */
  primitives: PrimitiveDump[];
  /** The circles of threads that wait for each other. */
  deadlocks: Deadlock[];
}

/** The most bytes of a primitive's name, and cells of a text. */
const MOST_NAME = 512;
const MOST_CELLS = 64;

/** An arena at one moment, or nearly. */
class Picture {
  readonly #arena: ThreadArena;
  readonly #kinds: Uint8Array;
  /** The addresses, by kinds. */
  readonly #blocks: number[][] = [];
  /** Those that were asked for, as names take long to read. */
  readonly #primitives = new Map<number, PrimitiveInfo>();

  constructor(arena: ThreadArena) {
    this.#arena = arena;
    // A wait of this thread that has thrown is over.
    arena.pay();
    const { kinds, starts } = arena.map(true);
    this.#kinds = kinds;
    for (const index of starts) {
      const kind = kinds[index]!;
      this.#blocks[kind] ??= [];
      this.#blocks[kind].push(arena.base + index * CELL_SIZE);
    }
  }

  /** The addresses of all blocks of a kind. */
  all(wanted: (kind: number) => boolean): number[] {
    return this.#blocks.filter((_, kind) => wanted(kind)).flat();
  }

  /** All threads. One that has told nothing of itself has not begun, or died before it had. */
  threads(): number[] {
    return this.all((kind) => kind === KIND_THREAD).filter((thread) => this.word(thread, THREAD_INFO));
  }

  kindOf(address: number): number {
    // Where it is no cell's address, there is no such index.
    return this.#kinds[(address - this.#arena.base) / CELL_SIZE] ?? 0;
  }

  /**
   * The primitives of which there is something to say: waiters, or a bit in a lock's word. Of most there is not, and a first
   * report comes from code that is cold.
   */
  busy(): number[] {
    return this.#blocks.flatMap((idents, kind) => {
      if (!(kind in KINDS)) return [];
      // As they are at this moment: see above.
      const waiters = this.#arena.loadAll(idents, CELL_LENGTH);
      const words = isLock(kind) ? this.#arena.loadAll(idents, CELL_WORD) : waiters;
      return idents.filter((_, at) => waiters[at] || words[at]);
    });
  }

  word(address: number, field: number): number {
    // As it is at this moment: see above.
    return this.#arena.load(address, field);
  }

  /** The primitive at an address, if it is one. */
  primitive(ident: number): PrimitiveInfo | undefined {
    const kind = (KINDS as Readonly<Record<number, PrimitiveKind>>)[this.kindOf(ident)];
    if (!kind) return undefined;
    let info = this.#primitives.get(ident);
    if (!info) {
      info = { kind, name: this.#nameOf(this.word(ident, CELL_NAME)), ident };
      this.#primitives.set(ident, info);
    }
    return info;
  }

  #nameOf(block: number): string {
    if (this.kindOf(block) !== KIND_NAME) return '';
    const { buffer } = this.#arena.memory;
    // Of a block that is given back at this moment it may be any number.
    const length = Math.min(MOST_NAME, this.word(block, 0), buffer.byteLength - block - 4);
    return length ? readText(this.#arena, block + 4, length) : '';
  }

  /** The thread that a record belongs to: 0 for none. */
  threadOf(record: number): number {
    const kind = this.kindOf(record);
    const thread = kind === KIND_THREAD || kind === KIND_TASK ? this.word(record, THREAD_OWNING_THREAD) : 0;
    return this.kindOf(thread) === KIND_THREAD ? thread : 0;
  }

  info(ident: number): ThreadInfo {
    const { thread } = this.#arena;
    return {
      ...nameOf(this.#arena, ident),
      ident,
      where: this.text(this.told(ident, INFO_WHERE)),
      self: ident === thread,
    };
  }

  /** A text that a thread tells: its cells may be given back at this moment, and be others' then. */
  text(first: number): string {
    const bytes = new Uint8Array(MOST_CELLS * TEXT_NEXT);
    let cell = first;
    // As they are at this moment.
    for (let at = 0; at < bytes.length && this.#arena.kindAt(cell) === KIND_INFO; at += TEXT_NEXT) {
      bytes.set(copyBytes(this.#arena.memory, cell, TEXT_NEXT), at);
      cell = this.word(cell, TEXT_NEXT);
    }
    return textIn(bytes);
  }

  /** What a thread's cell says. */
  told(thread: number, field: number): number {
    return this.word(this.word(thread, THREAD_INFO), field);
  }

  stack(thread: number, cell: number): string {
    const told = this.told(thread, INFO_STACK);
    const there = (waitOf(this.#arena, thread) & -UNIT) >>> 0;
    return there === cell && told & TOLD ? this.text((told & -CELL_SIZE) >>> 0) : '';
  }
}

/** What a lock's word says. */
function ownerOf(picture: Picture, lock: number): { record: number; held: boolean; task: boolean; abandoned: boolean } {
  const word = picture.word(lock, CELL_WORD);
  const record = (word & -UNIT) >>> 0;
  const task = (word & HELD_BY_TASK) !== 0 || picture.kindOf(record) === KIND_TASK;
  return { record, held: record !== 0, task, abandoned: (word & ABANDONED) !== 0 };
}

const isLock = (kind: number): boolean => kind === KIND_LOCK || kind === KIND_RLOCK;
const isSemaphore = (kind: number): boolean => kind === KIND_SEMAPHORE || kind === KIND_BOUNDED_SEMAPHORE;

/** Adds to a list by its key. */
function push<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** What is held, by threads. */
function holdsOf(picture: Picture, busy: readonly number[]): Map<number, HoldInfo[]> {
  const holds = new Map<number, HoldInfo[]>();
  for (const lock of busy) {
    if (!isLock(picture.kindOf(lock))) continue;
    const { record, held, task } = ownerOf(picture, lock);
    const thread = held ? picture.threadOf(record) : 0;
    if (!thread) continue;
    const count = picture.kindOf(lock) === KIND_RLOCK ? picture.word(lock, RLOCK_DEPTH) + 1 : 1;
    push(holds, thread, { ...picture.primitive(lock)!, count, ...(task && { task }) });
  }
  for (const hold of picture.all((kind) => kind === KIND_HOLD)) {
    const count = picture.word(hold, HOLD_COUNT);
    const semaphore = picture.word(hold, HOLD_CELL);
    const lives =
      isSemaphore(picture.kindOf(semaphore)) && picture.word(semaphore, CELL_STAMP) === picture.word(hold, HOLD_STAMP);
    if (count > 0 && lives)
      push(holds, picture.word(hold, THREAD_OWNING_THREAD), { ...picture.primitive(semaphore)!, count });
  }
  return holds;
}

/** What tasks wait for, by threads. */
function tasksOf(picture: Picture): Map<number, TasksInfo[]> {
  const tasks = new Map<number, TasksInfo[]>();
  for (const waiter of picture.all((kind) => kind === KIND_TASK)) {
    const primitive = picture.primitive(picture.word(waiter, THREAD_QUEUED_ON));
    if (!primitive || (picture.word(waiter, CELL_WORD) | 0) > STATE_WOKEN) continue;
    const thread = picture.threadOf(waiter);
    const waits = 1 + picture.word(waiter, TASK_EXTRA);
    const known = tasks.get(thread)?.find(({ ident }) => ident === primitive.ident);
    if (known) known.waits += waits;
    else push(tasks, thread, { waits, ...primitive });
  }
  return tasks;
}

/** What a thread is blocked on, if it is. */
function blockedOn(picture: Picture, thread: number): PrimitiveInfo | undefined {
  const state = picture.word(thread, CELL_WORD) | 0;
  return state <= STATE_PARKED ? picture.primitive(picture.word(thread, THREAD_QUEUED_ON)) : undefined;
}

/** In the order of their kinds and addresses. */
function primitivesOf(picture: Picture, busy: readonly number[], holds: Map<number, HoldInfo[]>): PrimitiveDump[] {
  const guarded = new Set([...holds.values()].flat().map(({ ident }) => ident));
  const idents = [...new Set([...busy, ...guarded])];
  const all: PrimitiveDump[] = [];
  for (const ident of idents.sort((a, b) => picture.kindOf(a) - picture.kindOf(b) || a - b)) {
    const kind = picture.kindOf(ident);
    const waiters = picture.word(ident, CELL_LENGTH);
    const dump: Partial<PrimitiveDump> = {};
    if (isLock(kind)) {
      const { record, held, abandoned } = ownerOf(picture, ident);
      const owner = held ? picture.threadOf(record) : 0;
      Object.assign(dump, { held }, owner && { owner }, abandoned && { abandoned });
    } else if (isSemaphore(kind)) dump.value = Math.floor(picture.word(ident, CELL_WORD) / UNIT);
    if (waiters > 0 || dump.held || dump.abandoned || guarded.has(ident)) {
      all.push({ ...picture.primitive(ident)!, ...dump, waiters });
    }
  }
  return all;
}

/** As in arena.ts, with the class of the first entry: this one has no other. */
function threadArenaOf(arena: Arena, where: string): ThreadArena {
  if (!(arena instanceof Arena)) throw invalidType(`${where}: the argument must be an Arena, not ${show(arena)}`);
  return arena.threadArena;
}

/**
 * All threads that have used an arena and have not ended, like Python's `threading.enumerate()`, as they are at this moment.
 * One that was terminated is among them until that was found.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 * import { enumerate } from 'lockwork/inspect';
 *
 * new Lock().acquire(); // the thread uses the default arena
 * enumerate().map(({ name }) => name); // ['main']
 * ```
 *
 * @param arena default: `Arena.default`
 * @throws TypeError when it is not an arena; ThreadingError when it has been destroyed
 */
export function enumerate(arena: Arena = Arena.default): ThreadInfo[] {
  const picture = new Picture(threadArenaOf(arena, 'enumerate'));
  return picture.threads().map((thread) => picture.info(thread));
}

/**
 * How many threads use an arena, like Python's `threading.active_count()`.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 * import { activeCount } from 'lockwork/inspect';
 *
 * new Lock().acquire(); // the thread uses the default arena
 * activeCount(); // 1
 * ```
 *
 * @param arena default: `Arena.default`
 * @throws TypeError, ThreadingError as `enumerate`
 */
export function activeCount(arena: Arena = Arena.default): number {
  return new Picture(threadArenaOf(arena, 'activeCount')).threads().length;
}

/**
 * What every thread of an arena does, holds and waits for, and every primitive that is held or waited for. Works from any
 * thread, also while all others are blocked, and blocks nobody. A thread that runs may have gone on meanwhile; of those that
 * hang, all is as it says.
 *
 * Which task of a thread holds a Lock memory does not know, nor who holds permits that were acquired without a guard.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 * import { dump } from 'lockwork/inspect';
 *
 * const lock = new Lock({ name: 'seats' });
 * lock.acquire();
 * const wait = lock.acquireAsync();
 * const [main] = dump().threads;
 * main.holds[0].name; // 'seats'
 * main.tasks[0].waits; // 1
 * lock.release();
 * await wait; // true
 * ```
 *
 * @param arena default: `Arena.default`
 * @throws TypeError when it is not an arena; ThreadingError when it has been destroyed
 */
export function dump(arena: Arena = Arena.default): Dump {
  return dumpOf(threadArenaOf(arena, 'dump'));
}

export function dumpOf(arena: ThreadArena): Dump {
  const picture = new Picture(arena);
  const busy = picture.busy();
  const holds = holdsOf(picture, busy);
  const tasks = tasksOf(picture);
  const threads = picture.threads().map((thread): ThreadDump => {
    const waitsFor = blockedOn(picture, thread);
    const stack = waitsFor && picture.stack(thread, waitsFor.ident);
    return {
      ...picture.info(thread),
      state: waitsFor ? 'blocked' : 'runs',
      ...(waitsFor && { waitsFor }),
      holds: holds.get(thread) ?? [],
      tasks: tasks.get(thread) ?? [],
      ...(stack && { stack }),
    };
  });
  return { threads, primitives: primitivesOf(picture, busy, holds), deadlocks: deadlocksOf(arena, picture) };
}

/**
 * All circles of threads that wait for each other: a thread that is blocked waits for the owner of the lock, or for the
 * thread that runs a barrier's action. What a task of a blocked thread holds counts as the thread's; a thread whose event loop
 * turns waits for nobody. A Semaphore, an Event and a Condition have no owner. A circle with a timeout in it ends by itself.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 * import { findDeadlocks } from 'lockwork/inspect';
 *
 * new Lock().acquire();
 * findDeadlocks(); // []
 * ```
 *
 * @param arena default: `Arena.default`
 * @throws TypeError when it is not an arena; ThreadingError when it has been destroyed
 */
export function findDeadlocks(arena: Arena = Arena.default): Deadlock[] {
  const threadArena = threadArenaOf(arena, 'findDeadlocks');
  return deadlocksOf(threadArena, new Picture(threadArena));
}

function deadlocksOf(arena: ThreadArena, picture: Picture): Deadlock[] {
  const threads = picture.threads();
  // One walk may put together what never was at one time; what a second one finds the same has been there in between.
  const seen = circles(arena, threads);
  const again = circles(arena, threads);
  return [...seen.values()]
    .filter((edges) => again.has(keyOf(edges)))
    .flatMap((edges) => {
      const threads = edges.map(({ thread }) => thread);
      const primitives = edges.map(({ cell }) => cell);
      try {
        return { text: textOf(arena, edges), threads, primitives };
      } catch {
        // The name of a primitive that is destroyed at this moment: they wait no more.
        return [];
      }
    });
}

const keyOf = (edges: readonly Edge[]): string => edges.map(({ thread, cell }) => `${thread},${cell}`).join();

/** Each circle once, from its first thread on. */
function circles(arena: ThreadArena, threads: readonly number[]): Map<string, Edge[]> {
  const found = new Map<string, Edge[]>();
  const known = new Set<number>();
  for (const thread of threads) {
    const edges = known.has(thread) ? undefined : circleOf(arena, thread);
    if (!edges) continue;
    for (const edge of edges) known.add(edge.thread);
    found.set(keyOf(edges), edges);
  }
  return found;
}
