import { CLOCKLESS, AT_FRONT, HANDOFF, HANDOFF_AFTER_MS, STATE_GRANTED, STATE_PARKED, STATE_WOKEN, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT, HELD_BY_TASK, UNIT, WOKEN } from "./abi";
import { Status } from "./types";
import { Cell, loadWord, swapWord } from "./cell";
import { clock } from "./futex";
import { lockQueue, lockQueueLate, unlockQueue } from "./queue-lock";
import { adaptSpin, park } from "./parker";
import { enqueueIf, cancelWait, QueueEnd, QUEUED, unparkHead } from "./queue";
import { isTask, setQueuedOn, queuedOn, Thread } from "./thread";

/**
 * What Lock, RLock and Semaphore share: a word that says how much there is, and the way of those who find nothing.
 *
 *    31 ………………………… 6    5     4 3 2    1         0
 *   ┌──────────────────┬──────┬───────┬─────────┬────────┐
 *   │ owner or permits │ HELD_BY_TASK │ woken │ HANDOFF │ QUEUED │
 *   └──────────────────┴──────┴───────┴─────────┴────────┘
 *
 *   owner    Lock, RLock: the address of the owner's record (a multiple of 64), 0 when free
 *   permits  Semaphore: how many are free
 *   HELD_BY_TASK     Lock: not the owner itself holds it, but a task of it. Part of the owner
 *   woken    waiters that were woken and have not tried again yet
 *   HANDOFF  the first waiter was passed over for too long: what comes free next is handed to it
 *   QUEUED   somebody stands in the queue. Set and cleared under the guard, with the queue
 *
 * Acquiring adds `take` to the word: the owner, or minus one permit.
 *
 *   from                      by                 to
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   available                 anybody            + take                                barging: no look at the queue
 *   not available             who gives up spin  | QUEUED, pushed to the back          in one step, under the guard
 *   held, no wake due         releaser           available                             one compare-exchange
 *   held, QUEUED, woken < n   releaser (guard)   available, woken + 1; head: WOKEN     n: how many can go on
 *   held, HANDOFF             releaser (guard)   head.addToAcquire added; head: GRANTED        never available between
 *   available, woken > 0      who was woken      + take, woken - 1
 *   not available, woken > 0  who was woken      woken - 1, pushed to the front, HANDOFF after 1 ms; or gives up
 *
 * Invariants
 *   - QUEUED ⇔ the queue is not empty, whenever the guard is free.
 *   - Available and QUEUED ⇒ woken > 0, or the one who made it so is on its way to `wakeWaiters`. So no wake-up is lost: a
 *     woken waiter that finds nothing has found a holder, and the holder's release sees QUEUED.
 *   - A waiter must not leave with a wake-up it did not use: it gives `woken` back in the step in which it sees that
 *     nothing is available.
 *   - At most one waiter of a lock is awake at a time; the others need not race it.
 *   - A task that was woken is awake as any other: until its thread looks into its inbox, the rest sleep on.
 *
 * Barging with wake-ups by count: after M. Burrows's nsync ("designated waker"). Handoff after a time: after parking_lot
 * by A. d'Antras ("eventual fairness") and WTF::Lock by F. Pizlo, from which it has the idea.
 */

/** All that is not owner or permits. */
export const FLAGS: i32 = HELD_BY_TASK - 1;
/** What acquiring a permit adds. */
export const PERMIT: i32 = -UNIT;

/**
 * Turns of an empty loop, the better part of a microsecond, between two looks at a word that others want, too: each look
 * takes the cache line from them, and costs both sides more than the lock itself. It stands for as many looks at a word
 * of one's own.
 */
const SPIN_INTERVAL: i32 = 2600;

/** Woken at once at the most; those wake the rest. */
const MOST_WOKEN: u32 = 7;

/** How many can go on: as many as there are permits, or one when there is no owner. */
@inline
function available(word: i32, permits: bool): u32 {
  return permits ? <u32>word >> 6 : u32(<u32>word < <u32>UNIT);
}

/**
 * After the fast path failed: tries, spins, stands in the queue, tries again when it is woken. 0 ms never waits.
 *
 * A task's waiter does not spin and has no clock: it stands in the queue at once, and the answer is PENDING. With its
 * verdict WOKEN it comes back: `flags` are WOKEN then, and HANDOFF when it has waited for so long. 0 ms: it gives up,
 * and gives the wake-up back if it can't use it.
 *
 * `flags` are AT_FRONT when it stands before all others, for one of its thread's tasks that came with it. They are QUEUED
 * when somebody else has put this waiter into the queue already (a Condition); for ever, then. With CLOCKLESS the host
 * is not asked for the time: nothing can throw, and only a timeout of 0 ms or for ever makes sense.
 *
 * What is due to a waiter its `queuedOn` says: this cell, from the moment when it stands in the queue until it left, gave
 * its wake-up back or has what it came for. So somebody can make good for it when the host throws (`withdraw`).
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
  let standing = flags & QUEUED;
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
          if (woken) {
            // Of several permits some may be left, and nobody else on the way to them.
            if (permits && needsWake(next, permits)) {
              // It has no wake-up any more, but what it came for.
              atomic.store<i32>(changetype<usize>(thread), STATE_GRANTED);
              wakeWaiters(cell, stamp, thread, permits);
            }
            setQueuedOn(thread, changetype<Cell>(0));
          }
          return STATUS_OK;
        }
      } else if (tryOnly && !woken) return STATUS_TIMEOUT;
      else if (spins > 0) {
        seen = SPIN_INTERVAL;
        do seen--;
        while (seen);
        seen = loadWord(cell);
        const free = available(seen, permits);
        if (free || spins <= SPIN_INTERVAL) adaptSpin(thread, free ? spins : 0);
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
          // Whoever was woken keeps its place.
          const end = woken || flags & AT_FRONT ? QueueEnd.FRONT : QueueEnd.BACK;
          standing = enqueueIf(cell, stamp, thread, addToAcquire, word, (word - woken) | QUEUED | handoff, end);
          if (standing < 0) return standing;
          seen = loadWord(cell);
        }
      }
      word = seen;
    }

    if (isTask(thread)) return STATUS_PENDING;
    if (park(thread, since + timeout, standing) <= STATE_PARKED && cancelWait(cell, stamp, thread) == STATUS_TIMEOUT)
      return STATUS_TIMEOUT;
    if (loadWord(thread) == STATE_GRANTED) {
      setQueuedOn(thread, changetype<Cell>(0));
      return STATUS_OK;
    }
    standing = 0;
    woken = WOKEN;
  }
}

/** How many waiters were woken and have not tried again yet. */
@inline
function wakersInFlight(word: i32): u32 {
  return <u32>(word & FLAGS) / WOKEN;
}

/** Whether a waiter must be woken now that the word is this. */
@inline
function needsWake(word: i32, permits: bool): bool {
  if (!(word & QUEUED)) return false;
  const free = available(word, permits);
  return word & HANDOFF ? free != 0 : wakersInFlight(word) < min(free, MOST_WOKEN);
}

/**
 * The step from `word` to `free`, by who may make it: one compare-exchange when nobody must be told. When somebody
 * must, the step and the first waiter's leaving the queue are one, under the guard; then it tells whoever else can go on.
 * False when the word was another.
 */
export function releaseStep(cell: Cell, stamp: i32, thread: Thread, permits: bool, word: i32, free: i32): bool {
  if (!needsWake(free, permits)) return swapWord(cell, word, free) == word;
  lockQueue(cell, thread);
  const woke = wakeHead(cell, thread, permits, word, free);
  if (woke == Woke.MORE) wakeWaiters(cell, stamp, thread, permits);
  return woke != Woke.NOBODY;
}

/**
 * Tells as many waiters as can go on and are not told yet. The caller has made its own step, which may have let somebody
 * through: it comes late.
 */
export function wakeWaiters(cell: Cell, stamp: i32, thread: Thread, permits: bool): void {
  while (lockQueueLate(cell, stamp, thread)) {
    const word = loadWord(cell);
    if (!needsWake(word, permits)) {
      unlockQueue(cell);
      return;
    }
    if (wakeHead(cell, thread, permits, word, word) == Woke.LAST) return;
  }
}

const enum Woke {
  /** The word was another. */
  NOBODY,
  /** And nobody else is due. */
  LAST,
  /** And somebody else is due. */
  MORE,
}

/**
 * Under the guard, which it gives back: the word's step from `word`, with a waiter due, to `free`, together with the
 * first waiter's leaving the queue. It is WOKEN, or with HANDOFF it has already what it came for.
 */
@inline
function wakeHead(cell: Cell, thread: Thread, permits: bool, word: i32, free: i32): Woke {
  const head = changetype<Thread>(cell.next);
  let verdict = STATE_WOKEN;
  let next = free + WOKEN;
  if (free & HANDOFF) {
    next = (free & ~HANDOFF) + head.addToAcquire;
    verdict = STATE_GRANTED;
  }
  if (head.next == cell) next &= ~QUEUED;
  if (swapWord(cell, word, next) != word) {
    unlockQueue(cell);
    return Woke.NOBODY;
  }
  unparkHead(cell, head, thread, verdict);
  return needsWake(next, permits) ? Woke.MORE : Woke.LAST;
}

/**
 * The host threw in the midst of a wait (a stack that overflows in the clock, say): whatever is due to the waiter goes
 * back. Nothing here asks the host.
 */
export function withdraw(cell: Cell, stamp: i32, thread: Thread): void {
  if (queuedOn(thread) == cell && cancelWait(cell, stamp, thread) != STATUS_TIMEOUT) decline(cell, stamp, thread);
}

/**
 * A waiter has its verdict and no use for it: what was handed to it goes back, a wake-up goes to the next waiter.
 *
 * It never takes what is free for a moment to pass it on: a release too many would find an owner then, and succeed.
 */
export function decline(cell: Cell, stamp: i32, waiter: Thread): void {
  const permits = waiter.addToAcquire == PERMIT;
  const granted = loadWord(waiter) == STATE_GRANTED;
  let word: i32;
  let next: i32;
  do {
    word = loadWord(cell);
    if (!granted) next = word - WOKEN;
    else next = permits ? word - PERMIT : word & FLAGS;
  } while (!releaseStep(cell, stamp, waiter, permits, word, next));
  setQueuedOn(waiter, changetype<Cell>(0));
}

/** What is held in one name is held in another from now on; nothing happens when it is held in neither. */
export function rename(cell: Cell, from: i32, to: i32): void {
  for (let word = loadWord(cell); (word & -HELD_BY_TASK) == from; word = loadWord(cell)) {
    if (swapWord(cell, word, word + to - from) == word) return;
  }
}
