import { CELL_NEXT, CELL_PREV, JOIN_AFTER_TRYING, JOIN_AT_ONCE, JOIN_NOT, STATE_AWAITED, STATUS_TIMEOUT, TASK_EXTRA, TASK_LINE } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { cancelWait, QUEUED } from "./queue";
import { rename } from "./resource";
import { Thread } from "./thread";
import { FLAGS } from "./word";

/**
 * A local queue: tasks of one thread that wait for one Lock, RLock or Semaphore, and entered one behind the other, with
 * no waiter of another thread between them. One waiter, their proxy, stands in the queue for all. Their order is known
 * to their thread only (bindings/local-queue.ts). Two of its steps concern words that threads share:
 *
 *   hand off    a release by the thread or a task of it, and the acquisition by the first task of the local queue, in
 *               one step. Other threads see a release and an acquisition right after it. That is fair only while the
 *               proxy is the first in the queue and no waker is in flight. The proxy stays where it stands,
 *               or goes with its last task
 *   join        a newcomer joins the local queue only while the proxy is the last in the queue
 *
 * Both are in the proxy's links: before the first waiter and behind the last one is the primitive. They are read without
 * the queue lock, so what they say may be over at once. Then a waiter of another thread that entered at this moment is
 * behind a task that joined at the same moment.
 *
 *   T1: hand off: the word is the owner | QUEUED, the proxy is the first
 *   T2: enters the queue at its back: no difference
 *   T2: woken in vain, enters at the front: a waker was in flight, so the word was another, and T1 fails
 *
 * A proxy that has left the queue keeps its links until it is posted, and it has its verdict before another waiter can
 * enter. So a newcomer looks at its state after the link:
 *
 *   T2: takes the proxy out, gives it its verdict     T3: enters the queue
 *   T1: join: behind the proxy is the primitive; the state is the verdict: T3 came first
 */

/**
 * The word goes from `held` to `next` if the proxy is the first in the queue, the word has no flag but QUEUED (no waker
 * is in flight, no handoff is due).
 *
 * `others`: more tasks than the first are in the local queue, and the cell's length counts them. Without others the
 * proxy leaves the queue in the same call, before the task has anything: a verdict for a proxy without a task would be
 * somebody's hold for a moment, and a release too many would find it.
 */
export function handOffLocally(cell: Cell, stamp: i32, proxy: Thread, held: i32, next: i32, others: bool): bool {
  const word = loadWord(cell);
  const prev = atomic.load<usize>(changetype<usize>(proxy), CELL_PREV);
  if ((word & ~QUEUED) != held || prev != changetype<usize>(cell)) return false;
  if (!others) {
    // Held until here: so no verdict can come for a proxy without a task.
    if (cancelWait(cell, stamp, proxy, false) != STATUS_TIMEOUT) return false;
    if (held != next) rename(cell, held, next);
    return true;
  }
  // A Semaphore's word, and a Lock's from task to task, does not change: nothing in it names the task.
  if (held != next && swapWord(cell, word, word + next - held) != word) return false;
  countTasks(cell, proxy, -1);
  return true;
}

/**
 * Whether a newcomer may join the proxy's local queue (`JOIN_…`). With JOIN_AT_ONCE it has joined, and is counted if there
 * are others; it need not try to acquire first, as nothing is free and no waker is in flight.
 */
export function join(cell: Cell, proxy: Thread, others: bool): i32 {
  const next = atomic.load<usize>(changetype<usize>(proxy), CELL_NEXT);
  if (next != changetype<usize>(cell) || loadWord(proxy) != STATE_AWAITED) return JOIN_NOT;
  if (loadWord(cell) & FLAGS & ~QUEUED) return JOIN_AFTER_TRYING;
  if (others) countTasks(cell, proxy, 1);
  return JOIN_AT_ONCE;
}

/**
 * The cell's length counts all tasks of a local queue; the proxy's place in the queue counts one of them. The proxy knows
 * what to take back when its thread dies.
 */
export function countTasks(cell: Cell, proxy: Thread, change: i32): void {
  store<i32>(changetype<usize>(proxy), load<i32>(changetype<usize>(proxy), TASK_EXTRA) + change, TASK_EXTRA);
  store<usize>(changetype<usize>(proxy), changetype<usize>(cell), TASK_LINE);
  atomic.add<i32>(changetype<usize>(cell), change, offsetof<Cell>("length"));
}
