import { HELD_BY_TASK, UNIT } from "./abi";
import { Thread } from "./thread";

/** What is in the word of a Lock, an RLock or a Semaphore: resource.ts has the picture. */

/** All bits below the owner (with HELD_BY_TASK, its part) or the permits. */
export const FLAGS: i32 = HELD_BY_TASK - 1;
/** What acquiring a permit adds. */
export const PERMIT: i32 = -UNIT;

/** Whether a lock's word has an owner. */
@inline
export function held(word: i32): bool {
  return <u32>word >= <u32>UNIT;
}

/** The owner in a lock's word, as acquiring has added it: with HELD_BY_TASK. */
@inline
export function ownerIn(word: i32): i32 {
  return word & ~FLAGS;
}

/** The record that a lock's word, or an owner, names. */
@inline
export function ownerRecord(word: i32): Thread {
  return changetype<Thread>(word & -UNIT);
}

/** How many waiters can go on: as many as there are permits, or one when there is no owner. */
@inline
export function available(word: i32, permits: bool): u32 {
  if (permits) return <u32>word / UNIT;
  return held(word) ? 0 : 1;
}
