/**
 * The calls of a wasm program, `imports.wasm`: a second module in front of the core, one instance for each instance of a
 * program, of one thread. Its globals say in whose name it acts; a program that has its own copy of them could act in another's.
 *
 *   call                  what is free, or needs no wait               what must wait
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   acquire, event_wait   the fast path here, or the core with 0 ms    `wait`: the classes of the bindings
 *   release, set, notify  the fast path here, or the core; `collect`, if the thread's tasks have verdicts
 *   cond_wait, barrier_wait                                            `wait`
 *
 * So a program waits as the JavaScript of its thread does: beside the thread's tasks, without blocking a thread that may not,
 * with everything that ends a wait by an error. An error must not unwind the program's frames, which would leave its stack pointer
 * where it is: each is a status.
 *
 * All steps on shared words are the core's: the fast paths are compiled from the same files.
 */
import {
  ACTION,
  ANY,
  BROKEN,
  CONDITION_LOCK,
  FILLING,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  MAX_PERMITS,
  SET,
  STATE_BROKEN,
  STATUS_DESTROYED,
  STATUS_INVALID,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_TIMEOUT,
  THREAD_INBOX,
  UNIT,
} from "./abi";
import { kindOf } from "./arena";
import { alive, Cell, loadWord, swapWord } from "./cell";
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
declare let task: i32;

@external("host", "arena")
declare let arena: usize;

/** All bits while the thread has an arena. A handle of zeros fits memory of zeros: a cell that was never made is free. */
@external("host", "mask")
declare let mask: i32;

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
declare function rlockAcquire(cell: Cell, stamp: i32, owner: i32, timeout: f64): Status;
@external("core", "rlockRelease")
declare function rlockRelease(cell: Cell, stamp: i32, owner: i32): Status;
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
declare function condNotify(cell: Cell, stamp: i32, owner: i32, n: i32, recursive: bool): Status;

/** OK, or why a call with this handle does nothing. */
@inline
function check(cell: Cell, stamp: i32): Status {
  if (!(stamp & mask)) return STATUS_INVALID;
  return alive(cell, stamp) ? STATUS_OK : STATUS_DESTROYED;
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
  const refused = check(cell, stamp);
  if (refused) return refused;
  if (!(timeout >= 0)) return STATUS_INVALID;
  if (swapWord(cell, 0, owner) == 0) return STATUS_OK;
  return waitIfLate(lockAcquire(cell, stamp, owner, 0), KIND_LOCK, cell, stamp, timeout);
}

export function lock_release(cell: Cell, stamp: i32): Status {
  const refused = check(cell, stamp);
  if (refused) return refused;
  if (swapWord(cell, owner, 0) == owner) return STATUS_OK;
  return finish(lockRelease(cell, stamp, owner));
}

/** Its owner has put in order what an abandoned lock protects. */
export function lock_recover(cell: Cell, stamp: i32): Status {
  return recover(cell, stamp, owner);
}

export function rlock_acquire(cell: Cell, stamp: i32, timeout: f64): Status {
  if (!(stamp & mask) || !(timeout >= 0)) return STATUS_INVALID;
  return waitIfLate(rlockAcquire(cell, stamp, task, 0), KIND_RLOCK, cell, stamp, timeout);
}

export function rlock_release(cell: Cell, stamp: i32): Status {
  if (!(stamp & mask)) return STATUS_INVALID;
  return finish(rlockRelease(cell, stamp, task));
}

export function rlock_recover(cell: Cell, stamp: i32): Status {
  return recover(cell, stamp, task);
}

function recover(cell: Cell, stamp: i32, owner: i32): Status {
  const refused = check(cell, stamp);
  if (refused) return refused;
  if (ownerIn(loadWord(cell)) != owner) return STATUS_NOT_HELD;
  restore(cell);
  return STATUS_OK;
}

export function sem_acquire(cell: Cell, stamp: i32, timeout: f64): Status {
  if (!(stamp & mask) || !(timeout >= 0)) return STATUS_INVALID;
  return waitIfLate(semAcquire(cell, stamp, thread, 0), KIND_SEMAPHORE, cell, stamp, timeout);
}

export function sem_release(cell: Cell, stamp: i32, permits: i32): Status {
  if (!(stamp & mask) || <u32>(permits - 1) >= <u32>MAX_PERMITS) return STATUS_INVALID;
  return finish(semRelease(cell, stamp, thread, permits));
}

export function event_wait(cell: Cell, stamp: i32, timeout: f64): Status {
  if (!(stamp & mask) || !(timeout >= 0)) return STATUS_INVALID;
  return waitIfLate(eventWait(cell, stamp, thread, 0), KIND_EVENT, cell, stamp, timeout);
}

export function event_set(cell: Cell, stamp: i32): Status {
  if (!(stamp & mask)) return STATUS_INVALID;
  return finish(eventSet(cell, stamp, thread));
}

export function event_clear(cell: Cell, stamp: i32): Status {
  return stamp & mask ? eventClear(cell, stamp) : STATUS_INVALID;
}

/** With a timeout of less than 0, the barrier's own. */
export function barrier_wait(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = check(cell, stamp);
  if (refused) return refused;
  // No number.
  if (timeout != timeout) return STATUS_INVALID;
  return wait(KIND_BARRIER, cell, stamp, timeout);
}

export function barrier_abort(cell: Cell, stamp: i32): Status {
  return breakBarrier(cell, stamp, BROKEN);
}

export function barrier_reset(cell: Cell, stamp: i32): Status {
  return breakBarrier(cell, stamp, FILLING);
}

function breakBarrier(cell: Cell, stamp: i32, to: i32): Status {
  const refused = check(cell, stamp);
  if (refused) return refused;
  barrierEnd(cell, stamp, thread, 0, ANY, STATE_BROKEN, to);
  return finish(STATUS_OK);
}

export function cond_wait(cell: Cell, stamp: i32, timeout: f64): Status {
  const refused = check(cell, stamp);
  if (refused) return refused;
  if (!(timeout >= 0)) return STATUS_INVALID;
  return wait(KIND_CONDITION, cell, stamp, timeout);
}

export function cond_notify(cell: Cell, stamp: i32, n: i32): Status {
  const refused = check(cell, stamp);
  if (refused) return refused;
  if (n < 0) return STATUS_INVALID;
  const recursive = kindOf(arena, load<usize>(changetype<usize>(cell), CONDITION_LOCK)) == KIND_RLOCK;
  return finish(condNotify(cell, stamp, recursive ? task : owner, n, recursive));
}

/** The permits, or the threads that have arrived; 1 if it is held, or set. */
export function value(cell: Cell, stamp: i32): i32 {
  const refused = check(cell, stamp);
  if (refused) return refused;
  const word = loadWord(cell);
  const kind = kindOf(arena, changetype<usize>(cell));
  if (kind <= KIND_RLOCK) return i32(held(word));
  if (kind == KIND_EVENT) return i32((word & SET) != 0);
  // While its action runs, the word of a Barrier has the thread that runs it.
  const counts = kind <= KIND_BOUNDED_SEMAPHORE || (kind == KIND_BARRIER && !(word & ACTION));
  return counts ? i32(<u32>word / UNIT) : 0;
}
