import { Cell } from "./cell";
import { pause } from "./futex";
import { Thread } from "./thread";

/**
 * The guard word: the tiny lock inside a primitive that protects its queue.
 *
 *   0  free
 *   1  somebody works on the guarded fields
 *
 * A section between `lockGuard` and `unlockGuard` must be straight-line code: no loop, no call that is not inlined,
 * nothing that can trap. Engines stop a terminated thread only at function entries, loop back-edges and waits, so a
 * thread cannot die with the guard in its hands, and its holder leaves after some tens of instructions. A section may
 * try for a second guard (`tryGuard`), never wait for one.
 *
 * Nobody notifies a guard: whoever finds it taken spins, and when the holder seems to have lost its core, sleeps a
 * moment to give it back. A thread that may not sleep keeps spinning, for as long as the holder's few instructions.
 */

@inline
export function tryGuard(cell: Cell): bool {
  return !atomic.cmpxchg<i32>(changetype<usize>(cell), 0, 1, offsetof<Cell>("guard"));
}

export function lockGuard(cell: Cell, thread: Thread): void {
  // A look is a compare-exchange, and a holder with a core is done after a few.
  let spins = thread.spins >> 7;
  while (!tryGuard(cell)) {
    if (spins > 0) spins--;
    else if (thread.cores) pause(changetype<usize>(cell) + offsetof<Cell>("guard"), 1);
  }
}

@inline
export function unlockGuard(cell: Cell): void {
  atomic.xchg<i32>(changetype<usize>(cell), 0, offsetof<Cell>("guard"));
}
