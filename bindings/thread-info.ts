import {
  CELL_NAME,
  CELL_SIZE,
  HEADER_TOTAL,
  INFO_ID,
  INFO_NAME,
  INFO_STACK,
  INFO_WAIT,
  INFO_WHERE,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  KIND_THREAD,
  TEXT_NEXT,
  THREAD_INFO,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
} from '../assembly/abi.ts';
import type { Core } from './core.ts';
import { identity, NO_NUMBER } from './host.ts';
import { copyBytes, type SharedWords, writeBytes, writeWords } from './memory.ts';

/**
 * What a thread tells of itself, for the reports of others: its number, its name, where its program is; and when it is
 * blocked for long, the stack. A cell of its own, which its record names, and texts.
 *
 *   its thread                                         others
 *   ──────────────────────────────────────────────────────────────────────────────────────────────────
 *   fills a new cell, or those of a text               know nothing of it
 *   names it in its record, or in its cell (`swap`)    find the new one
 *   gives the old cell back, or fills the text anew    may be reading it
 *
 * So others may read a text that is none. Nothing depends on it but what a report says. When the thread dies, its reaper
 * gives all of them back (reap.ts).
 */
export interface Introduced extends Pick<SharedWords, 'memory' | 'load'> {
  readonly base: number;
  readonly core: Core;
  /** This thread's record. */
  readonly thread: number;
  kindAt(address: number): number;
  /** A new KIND_INFO cell of this thread; 0 when there is no room. */
  addInfo(): number;
  dropTask(record: number): void;
}

/** Cells of the texts: in all some 1 KB for each thread, from the beginning, so that to be blocked takes no memory. */
const WHERE_CELLS = 3;
const STACK_CELLS = 12;
/** Cells of an arena that is too small for texts. */
const SMALL = 960;

/** Tells of this thread for the first time, or under another name. False when there is no room for that. */
export function introduce(arena: Introduced): boolean {
  const { memory, base, thread } = arena;
  const info = arena.addInfo();
  if (!info) return false;
  const { number, name, where } = identity();
  // Only this thread writes these.
  const old = arena.load(thread, THREAD_INFO);
  const kept = (field: number): number => old && arena.load(old, field);
  let place = kept(INFO_WHERE);
  let stack = kept(INFO_STACK);
  // The layout never changes.
  if (!old && arena.load(base, HEADER_TOTAL) >= SMALL) {
    place = newText(arena, WHERE_CELLS);
    fillText(arena, place, where);
    stack = newText(arena, STACK_CELLS);
  }
  writeBytes(memory, info + INFO_NAME, encode(name), INFO_WHERE - INFO_NAME);
  writeWords(memory, info, {
    [INFO_ID]: number,
    [INFO_WAIT]: kept(INFO_WAIT),
    [INFO_WHERE]: place,
    [INFO_STACK]: stack,
  });
  arena.core.swap(thread + THREAD_INFO, old, info);
  if (old) arena.dropTask(old);
  return true;
}

// Some realms that have no name have no TextEncoder either.
const encode = (text: string): Uint8Array => (text ? new TextEncoder().encode(text) : new Uint8Array());

/** The first cell for a new text; 0 when there is no room. */
function newText(arena: Introduced, cells: number): number {
  let first = 0;
  for (; cells > 0; cells--) {
    const cell = arena.addInfo();
    if (!cell) break;
    // A new cell has a 0 there. To make a view of it would take as long as all the rest.
    arena.core.swap(cell + TEXT_NEXT, 0, first);
    first = cell;
  }
  return first;
}

function fillText(arena: Introduced, first: number, text: string): void {
  let bytes = encode(text);
  // This thread's own cells.
  for (let cell = first; cell; cell = arena.load(cell, TEXT_NEXT)) {
    writeBytes(arena.memory, cell, bytes, TEXT_NEXT);
    bytes = bytes.subarray(TEXT_NEXT);
  }
}

/** The bytes of a text, up to the first 0. */
export function readText({ memory }: Introduced, address: number, room: number): string {
  // As it is at this moment.
  return textIn(copyBytes(memory, address, room));
}

/** What did not fit is cut, perhaps in the midst of a character. */
export function textIn(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\ufffd?\0.*|\ufffd$/s, '');
}

/** What a thread calls itself, and its number: -1 where the platform has none. */
export function nameOf(arena: Introduced, thread: number): { name: string; id: number } {
  // May be another one at once: see above.
  const info = arena.load(thread, THREAD_INFO);
  const number = info ? arena.load(info, INFO_ID) : NO_NUMBER;
  const id = number === NO_NUMBER ? -1 : number;
  const given = info && readText(arena, info + INFO_NAME, INFO_WHERE - INFO_NAME);
  return { name: given || (id ? `worker ${id < 0 ? `@${thread}` : id}` : 'main'), id };
}

/** The thread of a record, its own or that of a task; 0 when there is none at this address. */
export function threadOf(arena: Introduced, record: number): number {
  // That of a record never changes; it may be none any more, and then this is anything.
  const thread = arena.kindAt(record) && arena.load(record, THREAD_OWNING_THREAD);
  return arena.kindAt(thread) === KIND_THREAD ? thread : 0;
}

/** Primitives in words, by kinds. */
export const KINDS = {
  [KIND_LOCK]: 'Lock',
  [KIND_RLOCK]: 'RLock',
  [KIND_SEMAPHORE]: 'Semaphore',
  [KIND_BOUNDED_SEMAPHORE]: 'BoundedSemaphore',
  [KIND_EVENT]: 'Event',
  [KIND_BARRIER]: 'Barrier',
  [KIND_CONDITION]: 'Condition',
} as const;

/** The name of a primitive. */
export function labelOf(arena: Introduced, cell: number): string {
  // Written before any other thread knew of the cell.
  const block = arena.load(cell, CELL_NAME);
  // A copy: TextDecoder refuses shared memory.
  return block ? new TextDecoder().decode(copyBytes(arena.memory, block + 4, arena.load(block, 0))) : '';
}

/*
 * The wait in which a thread was last seen blocked, a word of its cell that it writes after each nap:
 *
 *    31 ………………………………………… 6   5 ……… 3   2 …… 1   0
 *   ┌────────────────────────┬─────────┬────────┬─────────┐
 *   │ the primitive          │ changes │ policy │ endless │
 *   └────────────────────────┴─────────┴────────┴─────────┘
 */
export const ENDLESS = 1;
const CHANGES = 0x38;
const CHANGE = 8;

/** This thread is blocked at a primitive. `policy`: what it does in a circle (deadlock.ts), 0 to 3. */
export function noteWait(arena: Introduced, cell: number, endless: boolean, policy: number): void {
  const change = waitOf(arena, arena.thread) + CHANGE;
  note(arena, INFO_WAIT, cell | (change & CHANGES) | (policy << 1) | (endless ? ENDLESS : 0));
}

/** This thread is blocked where nobody in particular must come. */
export function noteBlocked(arena: Introduced, endless: boolean): boolean {
  // Its own.
  noteWait(arena, arena.load(arena.thread, THREAD_QUEUED_ON), endless, 0);
  return false;
}

/** Of the word above. */
export const policyIn = (wait: number): number => (wait >> 1) & 3;

/** The word above, of any thread. */
export function waitOf(arena: Introduced, thread: number): number {
  // As it is at this moment.
  return arena.load(arena.load(thread, THREAD_INFO), INFO_WAIT);
}

/** A stack that can be read. */
export const TOLD = 1;

/** Where in its program this thread is blocked. */
export function noteStack(arena: Introduced, stack: string): void {
  const first = note(arena, INFO_STACK, 0) & -CELL_SIZE;
  fillText(arena, first, stack);
  note(arena, INFO_STACK, first && first | TOLD);
}

/** Replaces a word of this thread's cell; answers what was there. */
function note(arena: Introduced, field: number, word: number): number {
  // Only this thread writes either.
  const info = arena.load(arena.thread, THREAD_INFO);
  const old = arena.load(info, field);
  arena.core.swap(info + field, old, word);
  return old;
}
