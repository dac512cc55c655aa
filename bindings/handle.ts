import {
  CELL_ARENA,
  CELL_SIZE,
  CELL_STAMP,
  HEADER_FIRST,
  HEADER_SIZE,
  HEADER_TOTAL,
  VISITED,
} from '../assembly/abi.ts';
import type { Core } from './core.ts';
import type { Memory } from './globals.ts';
import { bufferOf, copyBytes, isShared, loadWord } from './memory.ts';
import { arenaAt } from './registry.ts';
import { checkPlatform, checkReach } from './sharing.ts';
import type { ThreadArena } from './thread-arena.ts';
import { labelOf } from './thread-info.ts';
import { invalidType } from './validate.ts';

/** A cell of an arena, as this thread sees it: what every call needs, in one place. */
export class CellRef {
  readonly arena: ThreadArena;
  readonly cell: number;
  readonly stamp: number;
  readonly core: Core;
  readonly thread: number;
  /** Read while the cell certainly is there: messages about a destroyed primitive have it, too. */
  readonly name: string;

  constructor(arena: ThreadArena, cell: number, stamp: number) {
    this.arena = arena;
    this.cell = cell;
    this.stamp = stamp;
    this.core = arena.core;
    this.thread = arena.thread;
    this.name = labelOf(arena, cell);
  }
}

/** A primitive in a message: its own enumerable fields, which any structured clone keeps. */
export interface Handle<K extends string = string> {
  /** A BoundedSemaphore is a Semaphore. */
  readonly kind: K extends 'Semaphore' ? K | 'BoundedSemaphore' : K;
  /** The shared memory that its arena is in. */
  readonly memory: Memory;
  /** Where in `memory` it is. */
  readonly address: number;
  /** What tells it from others that were at its address before: a number. */
  readonly stamp: number;
}

/** Throws a `TypeError` with the reason when an arena cannot be in this memory. */
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

/** The cell that a handle names. Throws when the handle is of another kind, or its primitive has been destroyed. */
export function attachCell(handle: unknown, name: string, kind: number): CellRef {
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
  const cell = address as number;
  // The cell may hold anything: the checks that follow find out.
  const arena = arenaAt(memory, loadWord(memory, cell + CELL_ARENA), where);
  const { base } = arena;
  const index = (cell - base) / CELL_SIZE;
  // Neither ever changes.
  if (index < arena.load(base, HEADER_FIRST) || index >= arena.load(base, HEADER_TOTAL)) {
    throw invalidType(`${where}: the handle's address (${cell}) is outside its arena`);
  }
  // Neither changes while it lives. If it is destroyed right after this, its first call sees another stamp.
  const found = copyBytes(memory, base + HEADER_SIZE + index, 1)[0]! & ~VISITED;
  if (found !== kind || (loadWord(memory, cell + CELL_STAMP) | 0) !== stamp) {
    throw invalidType(`${where}: the ${name} of this handle has been destroyed`);
  }
  return new CellRef(arena, cell, stamp as number);
}
