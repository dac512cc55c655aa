import { CELL_SIZE, HEADER_SIZE, KIND_CONDITION, KIND_LOCK, VISITED } from "./abi";
import { Kind } from "./types";
import { reserve } from "./arena";
import { alive, Cell } from "./cell";
import { pause } from "./futex";
import { Thread } from "./thread";

/**
 * The queue lock: the tiny lock inside a primitive that protects its queue.
 *
 *   0  free
 *   1  a thread works on the queue
 *
 * A section between `lockQueue` and `unlockQueue` must be straight-line code: no loop, no call that is not inlined,
 * nothing that can trap. Engines stop a terminated thread only at function entries, loop back-edges and waits, so no
 * thread dies with a queue lock in its hands, and a holder leaves after some tens of instructions. A section may try for
 * a second queue lock (`tryLockQueue`), never wait for one.
 *
 * An unlock notifies no thread. A thread that finds the queue lock taken spins, and when the holder seems to have lost
 * its core, sleeps a moment to offer its own. A thread that may not sleep keeps spinning.
 *
 * Latecomers. The queue lock is in the cell, and the last waiter that goes on may destroy the cell at once. A caller may
 * rely on the cell until its own step lets a waiter go on; a waiter, until it is unparked. After that it is a latecomer:
 * `set()` that has unparked the first waiter and turns to the second, which may have given up meanwhile and destroyed
 * the Event; a waiter that times out, and may have been unparked at that moment.
 *
 *   T1: set: unparks A, and sees B behind it     B: times out, leaves, destroys the Event; its cell becomes an array
 *   T1: takes the queue lock: that is the array's second word
 *
 * The map outlives all cells. A latecomer marks the cell's byte in it as VISITED, and while it is, the cell cannot be
 * given back (`closeMapByte`). If the byte still is a primitive's, and the primitive has the stamp, the latecomer takes
 * the queue lock, and then takes the mark off: without the queue lock no thread can destroy the cell.
 *
 *   byte of the map       next
 *   ──────────────────────────────────────────────────────────────────────────────────────────────
 *   a primitive's kind    | VISITED by a latecomer, which takes it off after some instructions
 *                         RESERVED by the thread that destroyed it: all latecomers find it gone
 *   anything else         the cell is gone
 *
 * A latecomer's steps with the mark are straight-line code, too, so no thread dies and leaves one.
 */

@inline
export function tryLockQueue(cell: Cell): bool {
  return atomic.cmpxchg<i32>(changetype<usize>(cell), 0, 1, offsetof<Cell>("queueLock")) == 0;
}

/** A 128th of a waiter's: here a spin is a compare-exchange, and a holder on a core is done after a few. */
@inline
function spinsForQueueLock(thread: Thread): i32 {
  return thread.maxSpins >> 7;
}

export function lockQueue(cell: Cell, thread: Thread): void {
  let spins = spinsForQueueLock(thread);
  while (!tryLockQueue(cell)) spins = backOff(thread, spins);
}

@inline
export function unlockQueue(cell: Cell): void {
  atomic.xchg<i32>(changetype<usize>(cell), 0, offsetof<Cell>("queueLock"));
}

/** Where this cell's byte in the map is, less HEADER_SIZE. */
@inline
function mapByteOf(cell: Cell, thread: Thread): usize {
  return thread.arena + (changetype<usize>(cell) - thread.arena) / CELL_SIZE;
}

@inline
function isPrimitive(kind: u32): bool {
  return kind >= <u32>KIND_LOCK && kind <= <u32>KIND_CONDITION;
}

/** A latecomer takes the queue lock; false when the primitive with this stamp is gone. */
export function lockQueueLate(cell: Cell, stamp: i32, thread: Thread): bool {
  const mapByte = mapByteOf(cell, thread);
  let spins = spinsForQueueLock(thread);
  // A stamp of 0 is that of a dead cell (reap.ts), or of none (parker.ts).
  while (stamp) {
    const kind: u32 = atomic.load<u8>(mapByte, HEADER_SIZE);
    if (!isPrimitive(kind & ~VISITED)) break;
    if (
      !(kind & VISITED) &&
      <u32>atomic.cmpxchg<u8>(mapByte, <u8>kind, <u8>(kind | VISITED), HEADER_SIZE) == kind
    ) {
      let lives = alive(cell, stamp);
      let locked = false;
      if (lives && tryLockQueue(cell)) {
        // Again: it may have been destroyed before the queue lock was taken.
        lives = alive(cell, stamp);
        locked = lives;
        // A newcomer that was past the check of the stamp waits for it, and only then sees that the cell is dead.
        if (!lives) unlockQueue(cell);
      }
      atomic.store<u8>(mapByte, <u8>kind, HEADER_SIZE);
      if (locked || !lives) return locked;
    }
    spins = backOff(thread, spins);
  }
  return false;
}

/**
 * Waits until a step under the queue lock that has begun is over. So a thread that finds a new owner in the word, and passes
 * here, finds that owner's verdict: the word comes first.
 */
export function awaitVerdicts(cell: Cell, stamp: i32, thread: Thread): void {
  if (lockQueueLate(cell, stamp, thread)) unlockQueue(cell);
}

/** Keeps latecomers off a dead cell, so that it can be given back. */
export function closeMapByte(cell: Cell, thread: Thread, kind: Kind): void {
  let spins = spinsForQueueLock(thread);
  while (!reserve(thread.arena, changetype<usize>(cell), kind)) spins = backOff(thread, spins);
}

/**
 * Between two tries at a queue lock, or at a byte of the map. It sleeps on a word of its own record, always 0: no thread wakes
 * it, and the cell may be gone.
 */
function backOff(thread: Thread, spins: i32): i32 {
  if (spins > 0) return spins - 1;
  if (thread.cores) pause(changetype<usize>(thread) + offsetof<Cell>("queueLock"));
  return 0;
}
