import { CELL_SIZE, HEADER_SIZE, KIND_CONDITION, KIND_LOCK, KIND_RESERVED, VISITED } from "./abi";
import { Kind } from "./types";
import { alive, Cell } from "./cell";
import { pause } from "./futex";
import { Thread } from "./thread";

/**
 * The guard word: the tiny lock inside a primitive that protects its queue.
 *
 *   0  free
 *   1  somebody works on the guarded fields
 *
 * A section between `lockQueue` and `unlockQueue` must be straight-line code: no loop, no call that is not inlined,
 * nothing that can trap. Engines stop a terminated thread only at function entries, loop back-edges and waits, so a
 * thread cannot die with the guard in its hands, and its holder leaves after some tens of instructions. A section may
 * try for a second guard (`tryLockQueue`), never wait for one.
 *
 * Nobody notifies a guard: whoever finds it taken spins, and when the holder seems to have lost its core, sleeps a
 * moment to give it back. A thread that may not sleep keeps spinning, for as long as the holder's few instructions.
 *
 * Latecomers. The guard lies in the cell, and the cell goes when it is destroyed, which whoever is let through last may
 * do at once. A caller owns the cell until its own step lets somebody through; a waiter until it is told. After that it
 * is a latecomer: `set()` that has let the first waiter through and goes on with the second, which may have given up
 * meanwhile and destroyed the Event; a waiter whose time is up, and who may have been told in that very moment.
 *
 *   T1: set: tells A, and sees B behind it     B: its time is up; leaves, destroys the Event; its cell is an array now
 *   T1: takes the guard: that is the array's second word
 *
 * What outlives all cells is the map. A latecomer marks the cell's place there as VISITED, and while it is, the cell
 * can't be given back (`closeMapByte`). If the place still has a primitive, and that has the stamp, the latecomer takes
 * the guard, and takes the mark off: under its guard nobody can destroy it.
 *
 *   place in the map      next
 *   ──────────────────────────────────────────────────────────────────────────────────────────────
 *   a primitive's kind    | VISITED by a latecomer, who takes it off after some instructions
 *                         RESERVED by who destroyed it: all latecomers find it gone
 *   anything else         the cell is gone
 *
 * A latecomer's steps between the two are straight-line code, too, so that none dies with a place in its hands.
 */

@inline
export function tryLockQueue(cell: Cell): bool {
  return !atomic.cmpxchg<i32>(changetype<usize>(cell), 0, 1, offsetof<Cell>("queueLock"));
}

export function lockQueue(cell: Cell, thread: Thread): void {
  // A look is a compare-exchange, and a holder with a core is done after a few.
  let spins = thread.maxSpins >> 7;
  while (!tryLockQueue(cell)) {
    if (spins > 0) spins--;
    else if (thread.cores) pause(changetype<usize>(cell) + offsetof<Cell>("queueLock"), 1);
  }
}

@inline
export function unlockQueue(cell: Cell): void {
  atomic.xchg<i32>(changetype<usize>(cell), 0, offsetof<Cell>("queueLock"));
}

/** Where the map says what this cell is; without the header. */
@inline
function mapByteOf(cell: Cell, thread: Thread): usize {
  return thread.arena + (changetype<usize>(cell) - thread.arena) / CELL_SIZE;
}

@inline
function isPrimitive(kind: u32): bool {
  return kind >= <u32>KIND_LOCK && kind <= <u32>KIND_CONDITION;
}

/** What a latecomer finds. */
export const enum LateLock {
  /** The cell is no longer what the handle with this stamp was made for. */
  GONE,
  /** It has the guard. */
  LOCKED,
  /** Somebody else has the guard, or the place. */
  BUSY,
}

/** A latecomer tries for the guard. */
@inline
export function tryLockQueueLate(cell: Cell, stamp: i32, thread: Thread): LateLock {
  const mapByte = mapByteOf(cell, thread);
  const kind: u32 = atomic.load<u8>(mapByte, HEADER_SIZE);
  if (!isPrimitive(kind & ~VISITED)) return LateLock.GONE;
  if (kind & VISITED || <u32>atomic.cmpxchg<u8>(mapByte, <u8>kind, <u8>(kind | VISITED), HEADER_SIZE) != kind) return LateLock.BUSY;
  let found = LateLock.GONE;
  if (alive(cell, stamp)) {
    found = LateLock.BUSY;
    if (tryLockQueue(cell)) {
      // It may have been destroyed since the first look.
      found = alive(cell, stamp) ? LateLock.LOCKED : LateLock.GONE;
      if (found == LateLock.GONE) unlockQueue(cell);
    }
  }
  atomic.store<u8>(mapByte, <u8>kind, HEADER_SIZE);
  return found;
}

/** A latecomer takes the guard; false when the cell is gone. */
export function lockQueueLate(cell: Cell, stamp: i32, thread: Thread): bool {
  let spins = thread.maxSpins >> 7;
  while (true) {
    const found = tryLockQueueLate(cell, stamp, thread);
    if (found != LateLock.BUSY) return found == LateLock.LOCKED;
    spins = backOff(thread, spins);
  }
}

/** Keeps latecomers off a cell that is dead, so that it can be given back. */
export function closeMapByte(cell: Cell, thread: Thread, kind: Kind): void {
  const mapByte = mapByteOf(cell, thread);
  let spins = thread.maxSpins >> 7;
  while (<u32>atomic.cmpxchg<u8>(mapByte, <u8>kind, <u8>KIND_RESERVED, HEADER_SIZE) != <u32>kind) spins = backOff(thread, spins);
}

/** Between two looks at a place: not on the cell, which may be somebody else's, but on a word of its own that is always 0. */
@inline
function backOff(thread: Thread, spins: i32): i32 {
  if (spins > 0) return spins - 1;
  if (thread.cores) pause(changetype<usize>(thread) + offsetof<Cell>("queueLock"), 0);
  return 0;
}
