import { STATE_GRANTED, STATUS_DESTROYED, STATUS_OK, STATUS_OVER_RELEASE, UNIT } from "./abi";
import { Status } from "./types";
import { Cell, guessWord, loadWord, seemsAlive, swapWord } from "./cell";
import { handOffLocally } from "./local";
import { pass, SPIN_INTERVAL } from "./parker";
import { acquire, releaseStep } from "./resource";
import { setQueuedOn, Thread } from "./thread";
import { PERMIT } from "./word";

/**
 * A count of permits. Semaphore and BoundedSemaphore differ in their bound only: MAX_PERMITS, or the first value.
 *
 *   word (see resource.ts)       state
 *   ────────────────────────────────────────────────────
 *   permits << 6                 the queue is empty
 *   flags                        no permits; waiters in the queue, or wakers in flight
 *   permits << 6 | flags         permits, and wakers in flight to them; a newcomer may still barge in
 *
 *   44  bound   the most permits there may be; never changes
 *   48  first   how many there were at first; never changes
 */
@unmanaged
export class Semaphore extends Cell {
  bound: i32;
  first: i32;
}

/** A task must pass a timeout of 0: here the thread waits. */
export function semaphoreAcquire(cell: Semaphore, stamp: i32, thread: Thread, timeout: f64): Status {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  const word = guessWord(cell);
  if (<u32>word >= <u32>UNIT && swapWord(cell, word, word + PERMIT) == word) return STATUS_OK;
  return timeout == 0
    ? acquire(cell, stamp, thread, PERMIT, 0, 0)
    : waitForPermit(cell, stamp, thread, timeout);
}

/**
 * A semaphore that began without permits is a signal: whoever comes too early waits for what another thread does next, and
 * its first looks are in quick succession. Permits that were there at first go from hand to hand: quick looks would take the
 * cache line from the thread that holds the permit.
 */
function waitForPermit(cell: Semaphore, stamp: i32, thread: Thread, timeout: f64): Status {
  // For a Condition's waiter that this thread has just notified, and that lets it run until it waits (parker.ts).
  setQueuedOn(thread, thread);
  if (thread.spinBudget && !guessFirst(cell)) {
    for (let turns = FIRST_LOOK; turns < SPIN_INTERVAL && !loadWord(cell); turns <<= 1) pass(turns);
  }
  const status = acquire(cell, stamp, thread, PERMIT, timeout, 0);
  setQueuedOn(thread, changetype<Cell>(0));
  return status;
}

/** A guess (cell.ts): the cell may be another primitive's by now. */
@inline
function guessFirst(cell: Semaphore): i32 {
  return load<i32>(changetype<usize>(cell), offsetof<Semaphore>("first"), 1);
}

/** As SPIN_INTERVAL, before the first of those looks; before each next one twice as long. */
const FIRST_LOOK: i32 = SPIN_INTERVAL / 16;

export function semaphoreRelease(cell: Semaphore, stamp: i32, thread: Thread, permits: i32): Status {
  if (!seemsAlive(cell, stamp)) return STATUS_DESTROYED;
  while (true) {
    const word = loadWord(cell);
    if (permits > cell.bound - <i32>(<u32>word / UNIT)) return STATUS_OVER_RELEASE;
    if (releaseStep(cell, stamp, thread, true, word, word + permits * UNIT)) return STATUS_OK;
  }
}

/*
 * A guard's permit goes back when its thread dies; of one without a guard nobody knows who will release it. So a thread counts
 * the permits of its guards, for each semaphore in a cell of its own (`hold`; bindings/holds.ts). Only that thread touches
 * the count, so it is plain; and it changes in the same straight line as the word, or as what is due to the thread.
 */

/** As `semaphoreAcquire`, for a guard. */
export function semaphoreHold(cell: Semaphore, stamp: i32, thread: Thread, timeout: f64, hold: usize): Status {
  const status = semaphoreAcquire(cell, stamp, thread, timeout);
  if (status == STATUS_OK) addToHold(hold, 1);
  return status;
}

/** As `semaphoreRelease` of one permit, a guard's. */
export function semaphoreLetGo(cell: Semaphore, stamp: i32, thread: Thread, hold: usize): Status {
  // A release may take several steps. Until the first of them, the permit is due to the thread.
  thread.addToAcquire = PERMIT;
  thread.generation = stamp;
  thread.word = STATE_GRANTED;
  thread.queuedOn = changetype<usize>(cell);
  addToHold(hold, -1);
  const status = semaphoreRelease(cell, stamp, thread, 1);
  thread.queuedOn = 0;
  return status;
}

@inline
function addToHold(hold: usize, change: i32): void {
  store<i32>(hold, load<i32>(hold) + change);
}

/**
 * As `handOff`: a permit goes to the task, and the word stays as it is. With a bound of 0 no permit can be released.
 * `change`: what it adds to `hold`, if that is not 0: the one or the other may be a guard's.
 */
export function semaphoreHandOff(cell: Semaphore, stamp: i32, proxy: Thread, others: bool, hold: usize, change: i32): bool {
  if (!seemsAlive(cell, stamp) || !cell.bound || !handOffLocally(cell, stamp, proxy, 0, 0, others)) return false;
  if (hold) addToHold(hold, change);
  return true;
}
