import { CELL_NEXT, CELL_PREV, JOIN_AFTER_TRYING, JOIN_AT_ONCE, JOIN_NOT, THREAD_INBOX } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { QUEUED } from "./queue";
import { FLAGS } from "./resource";
import { Thread } from "./thread";

/**
 * Tasks of one thread that wait for one Lock, RLock or Semaphore and came one behind the other, with no waiter of another
 * thread between them. One waiter, their proxy, stands in the queue for all; their order the thread keeps by itself
 * (bindings/local-queue.ts). Two of the thread's steps concern words that others use, too:
 *
 *   hand off    a release by the thread or a task of it, and the acquisition by the first task of the local queue, in one
 *               step. For others, as if it had been released and the task had taken it just then: so nothing must be
 *               true but that it is held. The proxy stands where it stands
 *   join        a newcomer goes behind the proxy only while that is the last in the queue
 *
 * The links are read without the guard. What they say may be over at once, and then a waiter of another thread that came
 * in this instant is behind those who came in the same instant.
 *
 *   T1: hand off: the word is the owner | QUEUED, the proxy the first      T2: enters, at the back: no difference
 *                                                                         T2: woken in vain, goes back to the front:
 *                                                                             `woken` was in the word, and it is another
 */

/**
 * `others`: whether more tasks than the first wait behind the proxy; the cell's length counts those.
 *
 * The word goes from `held` to `next` if the proxy is the first in the queue, no waiter is on its way or to be handed
 * what comes free (so the word is `held`, and perhaps QUEUED), and no verdict is in the thread's inbox, which might be
 * the proxy's.
 */
@inline
export function handOffLocally(cell: Cell, proxy: Thread, held: i32, next: i32, others: bool): bool {
  const word = loadWord(cell);
  const first = atomic.load<usize>(changetype<usize>(cell), CELL_NEXT);
  if ((word & ~QUEUED) != held || first != changetype<usize>(proxy)) return false;
  if (atomic.load<usize>(changetype<usize>(proxy.owningThread), THREAD_INBOX)) return false;
  // The word stays as it is when it does not tell tasks from each other.
  if (held != next && swapWord(cell, word, word + next - held) != word) return false;
  if (others) countTasks(cell, -1);
  return true;
}

/**
 * Whether a newcomer goes behind the proxy; and, as nothing is free and no waiter is on its way, without a try before: then
 * it is counted, if there are others.
 */
export function join(cell: Cell, proxy: Thread, others: bool): i32 {
  const last = atomic.load<usize>(changetype<usize>(cell), CELL_PREV);
  if (last != changetype<usize>(proxy)) return JOIN_NOT;
  if (loadWord(cell) & FLAGS & ~QUEUED) return JOIN_AFTER_TRYING;
  if (others) countTasks(cell, 1);
  return JOIN_AT_ONCE;
}

/** The cell's length counts all tasks of a local queue: one for the proxy is there already. */
export function countTasks(cell: Cell, change: i32): void {
  atomic.add<i32>(changetype<usize>(cell), change, offsetof<Cell>("length"));
}
