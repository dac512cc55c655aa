import { CELL_NEXT, THREAD_INBOX } from "./abi";
import { wake } from "./futex";
import { Thread } from "./thread";

/**
 * A thread's inbox: the waiters of its tasks that have a verdict and that it has not seen yet. A word in its record:
 *
 *   inbox                       next
 *   ──────────────────────────────────────────────────────────────────────────────────────────
 *   0          nothing there    a waiter, by who gave it a verdict, who then notifies the word
 *   a waiter   the newest;      a newer waiter, by who gave that one a verdict
 *              `next`: older    0, by the thread itself, which takes all
 *
 * The thread waits for the word to be something else than 0, with one `Atomics.waitAsync` for all its tasks. No task
 * sleeps on a word that a thread sleeps on: `waitAsync` cannot be taken back, and would swallow a notify.
 *
 * A waiter comes in by one exchange, without a loop: whoever gives a verdict and is terminated has delivered it, or
 * not given it. The price is a moment in which the newest waiter does not know the one before:
 *
 *   T1: exchange inbox 0 → a                     T2: takes all: a, b; finds b.next UNKNOWN, and looks again
 *   T1: exchange inbox a → b, b.next := a
 */

/** The waiter before is not written down yet. */
const UNKNOWN: usize = 1;

/** Puts a waiter that has its verdict into its thread's inbox. `thread`: who does it, and looks into its own by itself. */
@inline
export function post(waiter: Thread, thread: Thread): void {
  const owningThread = waiter.owningThread;
  waiter.next = changetype<Thread>(UNKNOWN);
  const older = atomic.xchg<usize>(changetype<usize>(owningThread), changetype<usize>(waiter), THREAD_INBOX);
  atomic.store<usize>(changetype<usize>(waiter), older, CELL_NEXT);
  if (!older && owningThread != thread.owningThread) wake(changetype<usize>(owningThread) + THREAD_INBOX);
}

/** Takes all waiters out of this thread's inbox: the oldest, and by `next` the others; 0 when there is none. */
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
