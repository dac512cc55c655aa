import { CELL_NEXT, THREAD_INBOX } from "./abi";
import { Thread } from "./thread";

/**
 * A thread's inbox: the waiters of its tasks that have a verdict which the thread has not seen. A word in its record:
 *
 *   inbox                       next
 *   ──────────────────────────────────────────────────────────────────────────────────────────
 *   0          empty            a waiter, by its unparker, which then notifies the word
 *   a waiter   the newest;      a newer waiter, by its unparker
 *              `next`: older    0, by the thread itself, which takes all
 *
 * The thread waits until the word is not 0, with one `Atomics.waitAsync` for all its tasks. Tasks need this word of
 * their own: a `waitAsync` cannot be taken back, and would swallow a notify that is for a sleeping thread.
 *
 * A waiter comes in by one exchange, without a loop, so a terminated unparker has either delivered the verdict or not
 * given it. The price is a moment in which the newest waiter does not know the one before:
 *
 *   T1: exchange inbox 0 → a                     T3: takes all: b; finds b.next UNKNOWN, and looks again
 *   T2: exchange inbox a → b
 *   T2: b.next := a                              T3: finds a
 */

/** The older waiter is not written down yet. */
const UNKNOWN: usize = 1;

/**
 * Puts a waiter that has its verdict into its thread's inbox. Answers the address to notify, or 0: the unparker `thread`
 * looks into its own by itself.
 */
@inline
export function post(waiter: Thread, thread: Thread): usize {
  const owningThread = waiter.owningThread;
  atomic.store<usize>(changetype<usize>(waiter), UNKNOWN, CELL_NEXT);
  const older = atomic.xchg<usize>(changetype<usize>(owningThread), changetype<usize>(waiter), THREAD_INBOX);
  atomic.store<usize>(changetype<usize>(waiter), older, CELL_NEXT);
  return older || owningThread == thread.owningThread ? 0 : changetype<usize>(owningThread) + THREAD_INBOX;
}

/** Takes all waiters out of this thread's inbox. Answers the oldest, linked to the others by `next`; 0 for none. */
export function collect(thread: Thread): usize {
  let first: usize = 0;
  let waiter = atomic.xchg<usize>(changetype<usize>(thread), 0, THREAD_INBOX);
  while (waiter) {
    const older = atomic.load<usize>(waiter, CELL_NEXT);
    if (older == UNKNOWN) continue;
    store<usize>(waiter, first, CELL_NEXT);
    first = waiter;
    waiter = older;
  }
  return first;
}
