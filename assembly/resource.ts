import { CLOCKLESS, FRONT, HANDOFF, PATIENCE, State, Status, TASK, UNIT, WOKEN } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { clock } from "./futex";
import { lockGuard, lockGuardLate, unlockGuard } from "./guard";
import { learn, park } from "./parker";
import { enter, leave, Place, QUEUED, tell } from "./queue";
import { isTask, setTarget, targetOf, Thread } from "./thread";

/**
 * What Lock, RLock and Semaphore share: a word that says how much there is, and the way of those who find nothing.
 *
 *    31 ………………………… 6    5     4 3 2    1         0
 *   ┌──────────────────┬──────┬───────┬─────────┬────────┐
 *   │ owner or permits │ TASK │ woken │ HANDOFF │ QUEUED │
 *   └──────────────────┴──────┴───────┴─────────┴────────┘
 *
 *   owner    Lock, RLock: the address of the owner's record (a multiple of 64), 0 when free
 *   permits  Semaphore: how many are free
 *   TASK     Lock: not the owner itself holds it, but a task of it. Part of the owner
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
 *   held, HANDOFF             releaser (guard)   head.take added; head: GRANTED        never available between
 *   available, woken > 0      who was woken      + take, woken - 1
 *   not available, woken > 0  who was woken      woken - 1, pushed to the front, HANDOFF after 1 ms; or gives up
 *
 * Invariants
 *   - QUEUED ⇔ the queue is not empty, whenever the guard is free.
 *   - Available and QUEUED ⇒ woken > 0, or the one who made it so is on its way to `wakeRest`. So no wake-up is lost: a
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
export const FLAGS: i32 = TASK - 1;
/** What acquiring a permit adds. */
export const PERMIT: i32 = -UNIT;

/**
 * Turns of an empty loop, the better part of a microsecond, between two looks at a word that others want, too: each look
 * takes the cache line from them, and costs both sides more than the lock itself. It stands for as many looks at a word
 * of one's own.
 */
const LOOK: i32 = 2600;

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
 * `flags` are FRONT when it stands before all others, for one of its thread's tasks that came with it. They are QUEUED
 * when somebody else has put this waiter into the queue already (a Condition); for ever, then. With CLOCKLESS the host
 * is not asked for the time: nothing can throw, and only a timeout of 0 ms or for ever makes sense.
 *
 * What is due to a waiter its `target` says: this cell, from the moment when it stands in the queue until it left, gave
 * its wake-up back or has what it came for. So somebody can make good for it when the host throws (`withdraw`).
 */
export function acquire(
  cell: Cell,
  stamp: i32,
  thread: Thread,
  take: i32,
  timeout: f64,
  flags: i32,
): Status {
  const permits = take == PERMIT;
  let standing = flags & QUEUED;
  let handoff = flags & HANDOFF;
  let woken = flags & WOKEN;
  const once = timeout == 0;
  const timed = !once && !isTask(thread) && !(flags & CLOCKLESS);
  let since: f64 = 0;
  while (true) {
    let spins = thread.looks;
    let word = loadWord(cell);
    while (!standing) {
      let seen: i32;
      if (available(word, permits)) {
        const next = word + take - woken;
        seen = swapWord(cell, word, next);
        if (seen == word) {
          if (woken) {
            // Of several permits some may be left, and nobody else on the way to them.
            if (permits && isDue(next, permits)) {
              // It has no wake-up any more, but what it came for.
              atomic.store<i32>(changetype<usize>(thread), State.GRANTED);
              wakeRest(cell, stamp, thread, permits);
            }
            setTarget(thread, changetype<Cell>(0));
          }
          return Status.OK;
        }
      } else if (once && !woken) return Status.TIMEOUT;
      else if (spins > 0) {
        seen = LOOK;
        do seen--;
        while (seen);
        seen = loadWord(cell);
        const free = available(seen, permits);
        if (free || spins <= LOOK) learn(thread, free ? spins : 0);
        spins -= LOOK;
      } else {
        let late = once;
        if (timed) {
          const now = clock();
          if (since == 0) since = now;
          late = now >= since + timeout;
          if (<i32>(now - since) >= PATIENCE) handoff = HANDOFF;
        }
        if (late) {
          seen = swapWord(cell, word, word - woken);
          if (seen == word) {
            setTarget(thread, changetype<Cell>(0));
            return Status.TIMEOUT;
          }
        } else {
          // Whoever was woken keeps its place.
          const place = woken || flags & FRONT ? Place.FRONT : Place.BACK;
          standing = enter(cell, stamp, thread, take, word, (word - woken) | QUEUED | handoff, place);
          if (standing < 0) return standing;
          seen = loadWord(cell);
        }
      }
      word = seen;
    }

    if (isTask(thread)) return Status.PENDING;
    if (park(thread, since + timeout, standing) <= State.PARKED && leave(cell, stamp, thread) == Status.TIMEOUT)
      return Status.TIMEOUT;
    if (loadWord(thread) == State.GRANTED) {
      setTarget(thread, changetype<Cell>(0));
      return Status.OK;
    }
    standing = 0;
    woken = WOKEN;
  }
}

/** Whether a waiter must be woken now that the word is this. */
@inline
function isDue(word: i32, permits: bool): bool {
  if (!(word & QUEUED)) return false;
  const free = available(word, permits);
  return word & HANDOFF ? free != 0 : (<u32>(word & FLAGS) >> 2) < min(free, MOST_WOKEN);
}

/**
 * The step from `word` to `free`, by who may make it: one compare-exchange when nobody must be told. When somebody
 * must, the step and the first waiter's leaving the queue are one, under the guard; then it tells whoever else can go on.
 * False when the word was another.
 */
export function give(cell: Cell, stamp: i32, thread: Thread, permits: bool, word: i32, free: i32): bool {
  if (!isDue(free, permits)) return swapWord(cell, word, free) == word;
  lockGuard(cell, thread);
  const told = wakeFirst(cell, thread, permits, word, free);
  if (told == Told.MORE) wakeRest(cell, stamp, thread, permits);
  return told != Told.NOBODY;
}

/**
 * Tells as many waiters as can go on and are not told yet. The caller has made its own step, which may have let somebody
 * through: it comes late.
 */
export function wakeRest(cell: Cell, stamp: i32, thread: Thread, permits: bool): void {
  while (lockGuardLate(cell, stamp, thread)) {
    const word = loadWord(cell);
    if (!isDue(word, permits)) {
      unlockGuard(cell);
      return;
    }
    if (wakeFirst(cell, thread, permits, word, word) == Told.ALL) return;
  }
}

const enum Told {
  /** The word was another. */
  NOBODY,
  /** And nobody else is due. */
  ALL,
  /** And somebody else is due. */
  MORE,
}

/**
 * Under the guard, which it gives back: the word's step from `word`, with a waiter due, to `free`, together with the
 * first waiter's leaving the queue. It is WOKEN, or with HANDOFF it has already what it came for.
 */
@inline
function wakeFirst(cell: Cell, thread: Thread, permits: bool, word: i32, free: i32): Told {
  const head = changetype<Thread>(cell.next);
  let verdict = State.WOKEN;
  let next = free + WOKEN;
  if (free & HANDOFF) {
    next = (free & ~HANDOFF) + head.take;
    verdict = State.GRANTED;
  }
  if (head.next == cell) next &= ~QUEUED;
  if (swapWord(cell, word, next) != word) {
    unlockGuard(cell);
    return Told.NOBODY;
  }
  tell(cell, head, thread, verdict);
  return isDue(next, permits) ? Told.MORE : Told.ALL;
}

/**
 * The host threw in the midst of a wait (a stack that overflows in the clock, say): whatever is due to the waiter goes
 * back. Nothing here asks the host.
 */
export function withdraw(cell: Cell, stamp: i32, thread: Thread): void {
  if (targetOf(thread) != cell || leave(cell, stamp, thread) == Status.TIMEOUT) return;
  const permits = thread.take == PERMIT;
  if (
    loadWord(thread) != State.GRANTED &&
    acquire(cell, stamp, thread, thread.take, 0, WOKEN) != Status.OK
  )
    return;
  setTarget(thread, changetype<Cell>(0));
  let word: i32;
  do word = loadWord(cell);
  while (!give(cell, stamp, thread, permits, word, permits ? word - PERMIT : word & FLAGS));
}

/** What is held in one name is held in another from now on; nothing happens when it is held in neither. */
export function rename(cell: Cell, from: i32, to: i32): void {
  for (let word = loadWord(cell); (word & -TASK) == from; word = loadWord(cell)) {
    if (swapWord(cell, word, word + to - from) == word) return;
  }
}
