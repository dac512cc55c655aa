/**
 * The calls of a wasm program, `imports.wasm`: a second module in front of the core, one instance for each instance of a
 * program, of one thread. Its globals say in whose name it acts; a program that has its own copy of them could act in another's.
 *
 *   call                  what is free, or needs no wait                            what must wait
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   acquire, event_wait   the fast path here, or the core with 0 ms                 `wait`: the classes of the bindings
 *   barrier_wait          the last to arrive: the core ends the round               the same
 *   cond_wait             the lock is not held: the core, by a notify of nobody     the same
 *   release, set, notify  the fast path here, or the core; `collect`, if the thread's tasks have verdicts
 *
 * So a program waits as the JavaScript of its thread does: beside the thread's tasks, without blocking a thread that may not,
 * with everything that ends a wait by an error. An error must not unwind the program's frames, which would leave its stack pointer
 * where it is: each is a status. What needs no wait calls no JavaScript that might suspend the program: where that may suspend,
 * engines throw unless the program was called by `promising`, also if nothing is awaited.
 *
 * All steps on shared words are the core's: the fast paths are compiled from the same files.
 */
import {
  ACTION,
  ANY,
  BARRIER_PARTIES,
  BROKEN,
  CELL_SIZE,
  CONDITION_LOCK,
  FILLING,
  HEADER_SIZE,
  HEADER_TOTAL,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_FREE,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  MAX_PERMITS,
  SET,
  STATE_BROKEN,
  STATE_GRANTED,
  STATUS_DESTROYED,
  STATUS_INVALID,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_TIMEOUT,
  THREAD_INBOX,
  UNIT,
  VISITED,
} from "./abi";
import { kindOf } from "./arena";
import { Cell, loadWord, seemsAlive, swapWord } from "./cell";
import { Kind, Status } from "./types";
import { held, ownerIn } from "./word";

/** The thread's record; 0 until the program has an arena. */
@external("host", "thread")
declare let thread: usize;

/** The owner of a Lock: the thread, or if the program is suspended where it would block, a task of it. */
@external("host", "owner")
declare let owner: i32;

/** The owner of an RLock: as above, the record of a task. */
@external("host", "task")
declare let task: usize;

@external("host", "arena")
declare let arena: usize;

/** So many cells of the arena were memory when it was looked at last; 0 while the program has no arena. */
@external("host", "cells")
declare let cells: u32;

/** Waits as a class of this kind does. Answers a status; of a Barrier, an arrival index. */
@external("host", "wait")
declare function wait(kind: Kind, cell: Cell, stamp: i32, timeout: f64): Status;

/** Resumes tasks of the thread that have verdicts. */
@external("host", "collect")
declare function collect(): void;

@external("core", "lockAcquire")
declare function lockAcquire(cell: Cell, stamp: i32, owner: i32, timeout: f64): Status;
@external("core", "lockRelease")
declare function lockRelease(cell: Cell, stamp: i32, owner: i32): Status;
@external("core", "rlockAcquire")
declare function rlockAcquire(cell: Cell, stamp: i32, owner: usize, timeout: f64): Status;
@external("core", "rlockRelease")
declare function rlockRelease(cell: Cell, stamp: i32, owner: usize): Status;
@external("core", "restore")
declare function restore(cell: Cell): void;
@external("core", "semAcquire")
declare function semAcquire(cell: Cell, stamp: i32, thread: usize, timeout: f64): Status;
@external("core", "semRelease")
declare function semRelease(cell: Cell, stamp: i32, thread: usize, permits: i32): Status;
@external("core", "eventWait")
declare function eventWait(cell: Cell, stamp: i32, thread: usize, timeout: f64): Status;
@external("core", "eventSet")
declare function eventSet(cell: Cell, stamp: i32, thread: usize): Status;
@external("core", "eventClear")
declare function eventClear(cell: Cell, stamp: i32): Status;
@external("core", "barrierEnd")
declare function barrierEnd(cell: Cell, stamp: i32, thread: usize, generation: i32, from: i32, verdict: i32, to: i32): bool;
@external("core", "condNotify")
declare function condNotify(cell: Cell, stamp: i32, record: usize, n: i32, recursive: bool): Status;

/** A page of memory has so many. */
const PAGE_CELLS: u32 = 65536 / CELL_SIZE;

/** Any kind. */
const ANY_KIND: Kind = KIND_FREE;

/** The number of a cell in the arena. The lowest bits become the highest: what is no multiple of 64 is too large. */
@inline
function indexOf(cell: Cell): u32 {
  return rotr<u32>(<u32>(changetype<usize>(cell) - arena), 6);
}

/** Whether no cell of the arena has this number, even if the memory has grown. */
function isBeyond(index: u32): bool {
  // The thread may owe something first (bindings/thread-arena.ts).
  if (!thread) collect();
  if (!thread) return true;
  const there = <u32>memory.size() * PAGE_CELLS - <u32>(arena / CELL_SIZE);
  cells = min(there, load<u32>(arena, HEADER_TOTAL));
  return index >= cells;
}

/** OK, or why a call of this kind with this handle does nothing. */
function check(kind: Kind, cell: Cell, stamp: i32): Status {
  const index = indexOf(cell);
  // Memory of zeros fits a stamp of 0: a cell that was never made looks free.
  if ((index >= cells && isBeyond(index)) || !stamp) return STATUS_INVALID;
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  // Atomic: a latecomer may mark the byte (queue-lock.ts).
  const found: Kind = atomic.load<u8>(arena + index, HEADER_SIZE) & ~VISITED;
  const fits = found == kind || kind == ANY_KIND || (kind == KIND_SEMAPHORE && found == KIND_BOUNDED_SEMAPHORE);
  return fits ? STATUS_OK : STATUS_INVALID;
}

/** The same, of a call that waits for so long. */
function checkWait(kind: Kind, cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = check(kind, cell, stamp);
  if (refused) return refused;
  // Not by `<`: it may be no number.
  return timeout >= 0 ? STATUS_OK : STATUS_INVALID;
}

/** Whether a handle is that of a Lock, for the fast paths: what is not so at once is checked. */
@inline
function isLock(cell: Cell, stamp: i32): bool {
  const index = indexOf(cell);
  if (index >= cells || !seemsAlive(cell, stamp)) return false;
  // Atomic: a latecomer may mark the byte (queue-lock.ts). The word of a cell that is given back is not free, nor an owner's.
  return atomic.load<u8>(arena + index, HEADER_SIZE) == KIND_LOCK;
}

/** What a call of the core has come to, which may have given the thread's tasks their verdicts: nobody else tells them. */
function finish(status: Status): Status {
  if (atomic.load<i32>(thread, THREAD_INBOX)) collect();
  return status;
}

/** The same, of a call that may wait and has not. */
function waitIfLate(status: Status, kind: Kind, cell: Cell, stamp: i32, timeout: f64): Status {
  if (finish(status) != STATUS_TIMEOUT || timeout == 0) return status;
  return wait(kind, cell, stamp, timeout);
}

export function lock_acquire(cell: Cell, stamp: i32, timeout: f64): Status {
  if (isLock(cell, stamp) && timeout >= 0 && swapWord(cell, 0, owner) == 0) return STATUS_OK;
  return acquireLock(cell, stamp, timeout);
}

function acquireLock(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = checkWait(KIND_LOCK, cell, stamp, timeout);
  if (refused) return refused;
  return waitIfLate(lockAcquire(cell, stamp, owner, 0), KIND_LOCK, cell, stamp, timeout);
}

export function lock_release(cell: Cell, stamp: i32): Status {
  if (isLock(cell, stamp) && swapWord(cell, owner, 0) == owner) return STATUS_OK;
  return releaseLock(cell, stamp);
}

function releaseLock(cell: Cell, stamp: i32): Status {
  const refused = check(KIND_LOCK, cell, stamp);
  if (refused) return refused;
  return finish(lockRelease(cell, stamp, owner));
}

/** Its owner has put in order what an abandoned lock protects. */
export function lock_recover(cell: Cell, stamp: i32): Status {
  return recover(KIND_LOCK, cell, stamp, owner);
}

export function rlock_acquire(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = checkWait(KIND_RLOCK, cell, stamp, timeout);
  if (refused) return refused;
  return waitIfLate(rlockAcquire(cell, stamp, task, 0), KIND_RLOCK, cell, stamp, timeout);
}

export function rlock_release(cell: Cell, stamp: i32): Status {
  const refused = check(KIND_RLOCK, cell, stamp);
  if (refused) return refused;
  return finish(rlockRelease(cell, stamp, task));
}

export function rlock_recover(cell: Cell, stamp: i32): Status {
  return recover(KIND_RLOCK, cell, stamp, <i32>task);
}

function recover(kind: Kind, cell: Cell, stamp: i32, owner: i32): Status {
  const refused = check(kind, cell, stamp);
  if (refused) return refused;
  if (ownerIn(loadWord(cell)) != owner) return STATUS_NOT_HELD;
  restore(cell);
  return STATUS_OK;
}

export function sem_acquire(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = checkWait(KIND_SEMAPHORE, cell, stamp, timeout);
  if (refused) return refused;
  return waitIfLate(semAcquire(cell, stamp, thread, 0), KIND_SEMAPHORE, cell, stamp, timeout);
}

export function sem_release(cell: Cell, stamp: i32, permits: i32): Status {
  const refused = check(KIND_SEMAPHORE, cell, stamp);
  if (refused) return refused;
  if (<u32>(permits - 1) >= <u32>MAX_PERMITS) return STATUS_INVALID;
  return finish(semRelease(cell, stamp, thread, permits));
}

export function event_wait(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = checkWait(KIND_EVENT, cell, stamp, timeout);
  if (refused) return refused;
  return waitIfLate(eventWait(cell, stamp, thread, 0), KIND_EVENT, cell, stamp, timeout);
}

export function event_set(cell: Cell, stamp: i32): Status {
  const refused = check(KIND_EVENT, cell, stamp);
  if (refused) return refused;
  return finish(eventSet(cell, stamp, thread));
}

export function event_clear(cell: Cell, stamp: i32): Status {
  const refused = check(KIND_EVENT, cell, stamp);
  return refused ? refused : eventClear(cell, stamp);
}

/** With a timeout of less than 0, the barrier's own. The last to arrive waits for nobody: with the others there, it ends the round. */
export function barrier_wait(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = check(KIND_BARRIER, cell, stamp);
  if (refused) return refused;
  // No number.
  if (timeout != timeout) return STATUS_INVALID;
  const last = load<i32>(changetype<usize>(cell), BARRIER_PARTIES) - 1;
  // Of a barrier for one there is nothing to end.
  const others = last * UNIT;
  if (loadWord(cell) != others || (last && !barrierEnd(cell, stamp, thread, 0, others, STATE_GRANTED, FILLING)))
    return wait(KIND_BARRIER, cell, stamp, timeout);
  return finish(last);
}

export function barrier_abort(cell: Cell, stamp: i32): Status {
  return breakBarrier(cell, stamp, BROKEN);
}

export function barrier_reset(cell: Cell, stamp: i32): Status {
  return breakBarrier(cell, stamp, FILLING);
}

function breakBarrier(cell: Cell, stamp: i32, to: i32): Status {
  const refused = check(KIND_BARRIER, cell, stamp);
  if (refused) return refused;
  barrierEnd(cell, stamp, thread, 0, ANY, STATE_BROKEN, to);
  return finish(STATUS_OK);
}

export function cond_wait(cell: Cell, stamp: i32, timeout: f64): Status {
  let refused = checkWait(KIND_CONDITION, cell, stamp, timeout);
  if (!refused) refused = cond_notify(cell, stamp, 0);
  return refused ? refused : wait(KIND_CONDITION, cell, stamp, timeout);
}

export function cond_notify(cell: Cell, stamp: i32, n: i32): Status {
  const refused = check(KIND_CONDITION, cell, stamp);
  if (refused) return refused;
  if (n < 0) return STATUS_INVALID;
  const recursive = kindOf(arena, load<usize>(changetype<usize>(cell), CONDITION_LOCK)) == KIND_RLOCK;
  // A record. Whose it is does not matter over a Lock.
  return finish(condNotify(cell, stamp, recursive ? task : thread, n, recursive));
}

/** The permits, or the threads that have arrived; 1 if it is held, or set. */
export function value(cell: Cell, stamp: i32): i32 {
  const refused = check(ANY_KIND, cell, stamp);
  if (refused) return refused;
  const word = loadWord(cell);
  const kind = kindOf(arena, changetype<usize>(cell));
  if (kind <= KIND_RLOCK) return i32(held(word));
  if (kind == KIND_EVENT) return i32((word & SET) != 0);
  // While its action runs, the word of a Barrier has the thread that runs it.
  const counts = kind <= KIND_BOUNDED_SEMAPHORE || (kind == KIND_BARRIER && !(word & ACTION));
  return counts ? i32(<u32>word / UNIT) : 0;
}
