import { Status } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { clock } from "./futex";
import { lockGuard, unlockGuard } from "./guard";
import { conclude, notify, park } from "./parker";
import { dequeue, enter, HANDOFF, leave, Place, QUEUED } from "./queue";
import { State, Thread } from "./thread";

/**
 * What Lock, RLock and Semaphore share: a word that says how much there is, and the way of those who find nothing.
 *
 *    31 ………………………… 6   5 4 3 2   1         0
 *   ┌──────────────────┬─────────┬─────────┬────────┐
 *   │ owner or permits │  woken  │ HANDOFF │ QUEUED │
 *   └──────────────────┴─────────┴─────────┴────────┘
 *
 *   owner    Lock, RLock: the address of the owner's record (a multiple of 64), 0 when free
 *   permits  Semaphore: how many are free
 *   woken    waiters that were woken and have not tried again yet
 *   HANDOFF  the first waiter was passed over for too long: what comes free next is handed to it
 *   QUEUED   somebody stands in the queue. Set and cleared under the guard, with the queue
 *
 * Acquiring adds `take` to the word: the owner's address, or minus one permit.
 *
 *   from                      by                 to
 *   ────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   available                 anybody            + take                                barging: no look at the queue
 *   not available             who gives up spin  | QUEUED, pushed to the back          in one step, under the guard
 *   held, no wake due         releaser           available                             one compare-exchange
 *   held, QUEUED, woken < n   releaser (guard)   available, woken + 1; head: WOKEN     n: how many can go on
 *   held, HANDOFF             releaser (guard)   head.take added; head: GRANTED        never available between
 *   available, woken > 0      who was woken      + take, woken - 1
 *   not available, woken > 0  who was woken      woken - 1, pushed to the front, HANDOFF after 1 ms; or gives up
 *
 * Invariants
 *   - QUEUED ⇔ the queue is not empty, whenever the guard is free.
 *   - Available and QUEUED ⇒ woken > 0, or the one who made it so is on its way to `give`. So no wake-up is lost: a
 *     woken waiter that finds nothing has found a holder, and the holder's release sees QUEUED.
 *   - A waiter must not leave with a wake-up it did not use: it gives `woken` back in the step in which it sees that
 *     nothing is available.
 *   - At most one waiter of a lock is awake at a time; the others need not race it.
 *
 * Barging with wake-ups by count: after M. Burrows's nsync ("designated waker"). Handoff after a time: after B. Lucier
 * and others in WebKit's WTF::Lock and parking_lot ("eventual fairness").
 */

export const WOKEN: i32 = 4;
/** All that is not owner or permits. */
export const FLAGS: i32 = 63;
/** One permit. */
export const UNIT: i32 = 64;
/** What acquiring a permit adds. */
export const PERMIT: i32 = -UNIT;

/** Woken at once at the most; those wake the rest. */
const MOST_WOKEN: u32 = 15;
/** Passed over for so long (ms), a waiter asks for a handoff. */
const PATIENCE: f64 = 1;

/** How many can go on: as many as there are permits, or one when there is no owner. */
@inline
function available(word: i32, permits: bool): u32 {
  return permits ? <u32>word >> 6 : u32(<u32>word < <u32>UNIT);
}

/**
 * After the fast path failed: tries, spins, stands in the queue, tries again when it is woken. 0 ms never waits.
 * `standing`: somebody else has put this thread into the queue already (a Condition); for ever, then.
 */
export function acquire(
  cell: Cell,
  stamp: i32,
  thread: Thread,
  take: i32,
  timeout: f64,
  standing: bool = false,
): Status {
  const permits = take == PERMIT;
  let woken = 0;
  let since: f64 = 0;
  let deadline: f64 = Infinity;
  while (true) {
    let spins = thread.spins;
    let word = loadWord(cell);
    while (!standing) {
      let seen: i32;
      if (available(word, permits)) {
        seen = swapWord(cell, word, word + take - woken);
        if (seen == word) {
          // Of several permits some may be left, and nobody else on the way to them.
          if (woken) wakeDue(cell, thread, permits);
          return Status.OK;
        }
      } else if (timeout == 0) return Status.TIMEOUT;
      else if (spins) {
        spins--;
        seen = loadWord(cell);
      } else {
        const now = clock();
        if (!since) {
          since = now;
          deadline = now + timeout;
        }
        if (now >= deadline) {
          seen = swapWord(cell, word, word - woken);
          if (seen == word) return Status.TIMEOUT;
        } else {
          const handoff = now - since >= PATIENCE ? HANDOFF : 0;
          const place = woken ? Place.FRONT : Place.BACK;
          const entered = enter(cell, stamp, thread, take, word, (word - woken) | QUEUED | handoff, place);
          if (entered < 0) return entered;
          standing = entered != 0;
          seen = loadWord(cell);
        }
      }
      word = seen;
    }

    if (park(thread, deadline) <= State.PARKED && leave(cell, thread)) return Status.TIMEOUT;
    if (loadWord(thread) == State.GRANTED) return Status.OK;
    standing = false;
    woken = WOKEN;
  }
}

/** Whether a waiter must be woken now that the word is this. */
@inline
function due(word: i32, permits: bool): bool {
  if (!(word & QUEUED)) return false;
  const free = available(word, permits);
  return word & HANDOFF ? free != 0 : (<u32>(word & FLAGS) >> 2) < min(free, MOST_WOKEN);
}

/** What `give` did. */
export const enum Given {
  /** Nothing: the word was another. */
  FAILED = 0,
  /** The step, and there is nobody to tell. */
  QUIET = 1,
  /** The step, and told a waiter; there may be more to tell. */
  TOLD = 2,
}

/**
 * The step from `word` to `free`, by who may make it: one compare-exchange when nobody must be told. When somebody
 * must, the step and the waiter's leaving the queue are one, under the guard.
 */
export function give(cell: Cell, thread: Thread, permits: bool, word: i32, free: i32): Given {
  if (!due(free, permits)) return swapWord(cell, word, free) == word ? Given.QUIET : Given.FAILED;
  let verdict: i32 = State.WOKEN;
  let next = free + WOKEN;
  let parked = false;
  lockGuard(cell, thread);
  const head = changetype<Thread>(cell.next);
  if (free & HANDOFF) {
    next = (free & ~HANDOFF) + head.take;
    verdict = State.GRANTED;
  }
  if (head.next == cell) next &= ~QUEUED;
  const done = swapWord(cell, word, next) == word;
  if (done) {
    dequeue(cell, head);
    parked = conclude(head, verdict);
  }
  unlockGuard(cell);
  notify(head, parked);
  return done ? Given.TOLD : Given.FAILED;
}

/** Tells as many waiters as can go on and are not told yet. */
export function wakeDue(cell: Cell, thread: Thread, permits: bool): void {
  let word: i32;
  do word = loadWord(cell);
  while (give(cell, thread, permits, word, word) != Given.QUIET);
}
