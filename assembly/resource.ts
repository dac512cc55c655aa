import { ABANDONED, CLOCKLESS, AT_FRONT, HANDOFF, HANDOFF_AFTER_MS, SEMAPHORE_BOUND, STATE_GRANTED, STATE_PARKED, STATE_WAITING, STATE_WOKEN, STATUS_ABANDONED, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT, UNIT, WOKEN } from "./abi";
import { Status } from "./types";
import { Cell, loadWord, swapWord } from "./cell";
import { clock } from "./futex";
import { lockQueue, lockQueueLate, unlockQueue } from "./queue-lock";
import { park, pass, SPIN_INTERVAL } from "./parker";
import { enqueueIf, cancelWait, QueueEnd, QUEUED, unparkHead } from "./queue";
import { isTask, setQueuedOn, queuedOn, Thread } from "./thread";
import { available, FLAGS, ownerIn, PERMIT } from "./word";

/**
 * What Lock, RLock and Semaphore share: a word that says what is available, and the way of a waiter that finds nothing.
 *
 *    31 ………………………… 6         5             4 3 2            1         0
 *   ┌──────────────────┬──────────────┬─────────────────┬─────────┬────────┐
 *   │ owner or permits │ HELD_BY_TASK │ wakersInFlight  │ HANDOFF │ QUEUED │
 *   └──────────────────┴──────────────┴─────────────────┴─────────┴────────┘
 *              of a lock:               4 ABANDONED, 2
 *
 *   owner            Lock, RLock: the address of the owner's record (a multiple of 64), 0 when free
 *   permits          Semaphore: how many are available
 *   HELD_BY_TASK     Lock: a task of the owner holds it, not the owner itself. Part of the owner
 *   wakersInFlight   waiters that were woken and have not tried again; below: wakers
 *   HANDOFF          the first waiter was passed over for too long: what comes free next is handed to it
 *   ABANDONED        Lock, RLock: an owner died (reap.ts). Whoever acquires it is told, until one has put in order what it
 *                    protects (`restore`). Never together with HANDOFF
 *   QUEUED           the queue is not empty. Set and cleared under the queue lock, with the queue
 *
 * Acquiring adds `addToAcquire` to the word: the owner, or minus one permit.
 *
 *   from                       by                     to
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   available                  any thread             + addToAcquire; this is barging: no look at the queue
 *   not available              a newcomer, after its  | QUEUED; it enters the queue at the back
 *                              spin (queue lock)
 *   held, no waiter due        the releaser           available, by one compare-exchange
 *   held, QUEUED, wakers < n   releaser (queue lock)  available, wakers + 1; head: WOKEN. n: how many can go on
 *   held, HANDOFF              releaser (queue lock)  + head.addToAcquire, never available between; head: GRANTED
 *   available, wakers > 0      a woken waiter         + addToAcquire, wakers - 1
 *   not available, wakers > 0  a woken waiter         wakers - 1; it enters the queue at the front, with HANDOFF after
 *                                                     HANDOFF_AFTER_MS, or gives up
 *
 * Invariants
 *   - QUEUED ⇔ the queue is not empty, whenever the queue lock is free.
 *   - Available and QUEUED ⇒ wakers > 0, or the thread that made it so is on its way to `wakeWaiters`. So no wake-up is
 *     lost: a woken waiter that finds nothing has found a holder, and the holder's release sees QUEUED.
 *   - A waiter must not leave with an unused wake-up: in the step in which it sees that nothing is available, it takes
 *     itself off wakersInFlight.
 *   - At most one waiter of a lock is awake at a time; the others need not race it.
 *   - A woken task counts as awake, too: until its thread looks into its inbox, the others sleep on.
 *
 * Barging with counted wake-ups: after M. Burrows's nsync ("designated waker"). Handoff after a time: after parking_lot
 * by A. d'Antras ("eventual fairness"), and WTF::Lock by F. Pizlo, where the idea is from.
 */

/** The most that wakersInFlight can count; those waiters wake the rest. */
const MOST_WOKEN: u32 = 7;

/**
 * The slow path of all acquiring: tries, spins, enters the queue, and tries again when it is woken. With a timeout of 0 it
 * only tries.
 *
 * A task's waiter does not spin and asks for no time: it enters the queue at once, and the answer is PENDING. After the
 * verdict WOKEN it calls again, with WOKEN in `flags`, and HANDOFF if it has waited for long enough. With a timeout of 0
 * it gives up then: it acquires, or takes itself off wakersInFlight.
 *
 * flags:
 *   WOKEN      it is one of wakersInFlight
 *   HANDOFF    with WOKEN: if it enters the queue again, it asks for a handoff
 *   AT_FRONT   it enters at the front: a proxy once more, for the next task of its local queue (local.ts)
 *   QUEUED     a Condition has put it into the queue already. The timeout must be Infinity
 *   CLOCKLESS  the host is not asked for the time, so nothing can throw. The timeout must be 0 or Infinity
 *
 * As long as something is due to a waiter, its `queuedOn` is this cell: from its place in the queue until it has given
 * up, or has what it came for. So `withdraw` can clean up after it when the host throws.
 */
export function acquire(
  cell: Cell,
  stamp: i32,
  thread: Thread,
  addToAcquire: i32,
  timeout: f64,
  flags: i32,
): Status {
  const permits = addToAcquire == PERMIT;
  // 0, or the number of waiters in the queue with this one.
  let standing = flags & QUEUED ? 1 : 0;
  let handoff = flags & HANDOFF;
  let woken = flags & WOKEN;
  const tryOnly = timeout == 0;
  const timed = !tryOnly && !isTask(thread) && !(flags & CLOCKLESS);
  let since: f64 = 0;
  while (true) {
    let spins = thread.spinBudget;
    let word = loadWord(cell);
    while (!standing) {
      let seen: i32;
      if (available(word, permits)) {
        const next = word + addToAcquire - woken;
        seen = swapWord(cell, word, next);
        if (seen == word) {
          const task = permits && isTask(thread);
          // Permits may be left for others that wait.
          const more = woken && permits && next & QUEUED;
          if (task || more) {
            // It has its permit, and is no waker in flight any more.
            thread.addToAcquire = addToAcquire;
            thread.generation = stamp;
            setQueuedOn(thread, cell);
            atomic.store<i32>(changetype<usize>(thread), STATE_GRANTED);
          }
          if (more) wakeWaiters(cell, stamp, thread, permits);
          if (!task && woken) setQueuedOn(thread, changetype<Cell>(0));
          return !permits && word & ABANDONED ? STATUS_ABANDONED : STATUS_OK;
        }
      } else if (tryOnly && !woken) return STATUS_TIMEOUT;
      else if (spins > 0) {
        pass(SPIN_INTERVAL);
        seen = loadWord(cell);
        spins -= SPIN_INTERVAL;
      } else {
        let expired = tryOnly;
        if (timed) {
          const now = clock();
          if (since == 0) since = now;
          expired = now >= since + timeout;
          if (<i32>(now - since) >= HANDOFF_AFTER_MS) handoff = HANDOFF;
        }
        if (expired) {
          seen = swapWord(cell, word, word - woken);
          if (seen == word) {
            setQueuedOn(thread, changetype<Cell>(0));
            return STATUS_TIMEOUT;
          }
        } else {
          // A waiter woken in vain keeps its place before the others, and so does a proxy's next task.
          const end = woken || flags & AT_FRONT ? QueueEnd.FRONT : QueueEnd.BACK;
          let next = (word - woken) | QUEUED | handoff;
          // Nobody is handed a lock that nobody has put in order: its waiters are told as they acquire it.
          if (!permits && next & ABANDONED) next &= ~HANDOFF;
          standing = enqueueIf(cell, stamp, thread, addToAcquire, word, next, end);
          if (standing < 0) return standing;
          seen = loadWord(cell);
        }
      }
      word = seen;
    }

    if (isTask(thread)) return STATUS_PENDING;
    woken = WOKEN;
    if (park(thread, since + timeout, standing, cell, stamp, !(flags & CLOCKLESS)) <= STATE_PARKED) {
      if (!queuedOn(thread)) {
        // It takes its turn.
        woken = 0;
        flags |= AT_FRONT;
      } else if (cancelWait(cell, stamp, thread, false) == STATUS_TIMEOUT) return STATUS_TIMEOUT;
    }
    if (woken && loadWord(thread) == STATE_GRANTED) {
      setQueuedOn(thread, changetype<Cell>(0));
      return STATUS_OK;
    }
    standing = 0;
  }
}

/** Whether, with this word, one more waiter must be woken: wakers in flight are fewer than the waiters that can go on. */
@inline
function needsWake(word: i32, permits: bool): bool {
  if (!(word & QUEUED)) return false;
  const free = available(word, permits);
  if (word & HANDOFF) return free != 0;
  // Of a lock, one of these bits is ABANDONED.
  return <u32>(word & (permits ? FLAGS : WOKEN)) / WOKEN < min(free, MOST_WOKEN);
}

/**
 * A releaser's step from `word` to `free`; false when the word was another. It is one compare-exchange if no waiter must
 * be woken. Else the step and the first waiter's leaving the queue are one, under the queue lock, and then the releaser
 * wakes all others that can go on.
 */
export function releaseStep(cell: Cell, stamp: i32, thread: Thread, permits: bool, word: i32, free: i32): bool {
  if (!needsWake(free, permits)) return swapWord(cell, word, free) == word;
  return wakeAll(cell, stamp, thread, permits, word, free);
}

/** Wakes all waiters that can go on, less the wakers in flight. */
@inline
export function wakeWaiters(cell: Cell, stamp: i32, thread: Thread, permits: bool): void {
  wakeAll(cell, stamp, thread, permits, 0, 0);
}

/**
 * What both have in common. `word` and `free` are the same: there is no step. After its step the caller is a latecomer
 * (queue-lock.ts): it may have let a waiter go on.
 *
 * A releaser to which something was due (`decline`) owes nothing from the step on. It may die before it returns.
 */
function wakeAll(cell: Cell, stamp: i32, thread: Thread, permits: bool, word: i32, free: i32): bool {
  let late = word == free;
  while (true) {
    if (late) {
      if (!lockQueueLate(cell, stamp, thread)) return true;
      word = loadWord(cell);
      free = word;
      if (!needsWake(word, permits)) {
        unlockQueue(cell);
        return true;
      }
    } else lockQueue(cell, thread);
    if (wakeHead(cell, thread, word, free)) {
      // One waiter for the first permit; a lock has no other.
      if (!permits || <u32>free < 2 * UNIT) return true;
    } else if (!late) return false;
    late = true;
  }
}

/**
 * Under the queue lock, which it unlocks: the step from `word` to `free`, which needs a wake-up, together with the first
 * waiter's leaving the queue. Its verdict is WOKEN, or with HANDOFF it is GRANTED. False when the word was another.
 */
@inline
function wakeHead(cell: Cell, thread: Thread, word: i32, free: i32): bool {
  const head = changetype<Thread>(cell.next);
  let verdict = STATE_WOKEN;
  let next = free + WOKEN;
  if (free & HANDOFF) {
    next = (free & ~HANDOFF) + head.addToAcquire;
    verdict = STATE_GRANTED;
  }
  const second = head.next;
  if (second == cell) next &= ~QUEUED;
  if (swapWord(cell, word, next) != word) {
    unlockQueue(cell);
    return false;
  }
  if (word != free && queuedOn(thread) == cell) setQueuedOn(thread, changetype<Cell>(0));
  // Not of a task's waiter, whose thread may read `next` (local.ts). If it goes to sleep now, it does no harm.
  if (loadWord(head) == STATE_WAITING) head.unparker = thread;
  unparkHead(cell, head, second, thread, verdict, true);
  return true;
}

/**
 * A waiter has a verdict and no use for it: what was handed to it goes back, a wake-up goes to the next waiter.
 *
 * It does not acquire just to release again: a release too many would find an owner at that moment, and succeed.
 */
export function decline(cell: Cell, stamp: i32, waiter: Thread): void {
  const permits = waiter.addToAcquire == PERMIT;
  const granted = loadWord(waiter) == STATE_GRANTED;
  let word: i32;
  let next: i32 = 0;
  do {
    word = loadWord(cell);
    if (!granted) next = word - WOKEN;
    else if (permits) {
      next = word - PERMIT;
      // A release too many came before.
      if (<u32>next / UNIT > load<u32>(changetype<usize>(cell), SEMAPHORE_BOUND)) break;
    }
    // Any thread may release a plain Lock: then it is another owner's by now, or free.
    else if (ownerIn(word) == waiter.addToAcquire) next = word & FLAGS;
    else break;
  } while (!releaseStep(cell, stamp, waiter, permits, word, next));
  setQueuedOn(waiter, changetype<Cell>(0));
}

/** The waiter's task has what it waited for. `hold`: it is a guard's permit, and counted there; else 0. */
export function accept(waiter: Thread, hold: usize): void {
  if (hold) store<i32>(hold, load<i32>(hold) + 1);
  setQueuedOn(waiter, changetype<Cell>(0));
}

/** The owner of an abandoned lock has put in order what it protects. */
export function restore(cell: Cell): void {
  atomic.and<i32>(changetype<usize>(cell), ~ABANDONED);
}

/** Replaces the owner `from` by `to`; changes nothing when the owner is another. */
export function rename(cell: Cell, from: i32, to: i32): void {
  for (let word = loadWord(cell); ownerIn(word) == from; word = loadWord(cell)) {
    if (swapWord(cell, word, word + to - from) == word) return;
  }
}
