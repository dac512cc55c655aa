import { HEADER_NAP, STATE_PARKED, STATE_WAITING, STATUS_TIMEOUT } from "./abi";
import { Cell, loadWord, swapWord } from "./cell";
import { sleep, stalled } from "./futex";
import { cancelWait } from "./queue";
import { queuedOn, Thread } from "./thread";
import { held } from "./word";

/**
 * Spin, then park. The states are in thread.ts.
 *
 * A waiter spins on its own word for a while, marks it PARKED, and sleeps. The unparker exchanges the word for a verdict,
 * and notifies only if it was PARKED: a waiter that still spins costs no system call.
 *
 *   waiter: WAITING → PARKED (compare-exchange)      unparker: → verdict (exchange), finds WAITING: no notify
 *   waiter: finds the verdict instead: does not sleep
 *
 * The notify comes after the queue lock is free, and by then the waiter may have seen its verdict and gone on. A notify
 * that wakes no thread, or one that sleeps on the same word for something else, does no harm: every wait looks again.
 * A task's waiter (AWAITED) does not park. It cannot go on before the notify either: its thread looks into the inbox only.
 *
 * Parking and unparking take tens of microseconds; a verdict that comes during the spin costs a tenth of one. So a waiter
 * spins at the most for as long as parking takes, and never loses more than half by that (A. Karlin et al., "Competitive
 * randomized algorithms for non-uniform problems"). How long it spins, it learns:
 *
 *   the wait                                       the next budget
 *   ──────────────────────────────────────────────────────────────────────────────────────────
 *   the spin paid: over in the first half of it    maxSpins
 *   the spin was in vain                           half
 *   … of FEW                                       1 less; after the last one maxSpins again, as times may have changed. Not
 *                                                  sooner: where threads share a core, a spin is always in vain, and keeps
 *                                                  the one that it waits for off it until the kernel moves that to another
 *
 * A Condition's waiter is let go on by a thread that may not need it yet. If it went on at once, the two would fight for
 * the lock over every single item of a queue:
 *
 *   T2: notify, release: T1 has its verdict      T1: acquires, adds one item, finds the queue full, waits
 *   T2: acquires, takes one item, notifies …     T1: …
 *
 * So where its spin paid, it lets its unparker run (`unparker`: in the place of `next`, which a waiter with a verdict has no
 * use for), half as long as it may spin, and goes on as soon as that thread waits for something itself, and the lock is free:
 *
 *   the unparker waits meanwhile     it needs what this thread does next, as in a ping-pong: it was right to spin
 *   it goes on without               as in a queue that is neither full nor empty: the spin was in vain, and soon a wait
 *                                    sleeps, while a batch builds up
 *
 * A waiter that has slept has let it run already, and does so once more only where its budget begins anew. The unparker may
 * have died, be a task, or be something else by now: its record is only read, and what is read there ends no wait, but decides
 * how long this one takes.
 *
 * Naps. A blocked thread does not sleep for longer than a nap. Then, still in its queue, it calls the host (`stalled`), which
 * looks whether those that it waits for live (bindings/reap.ts), and whether it may take its turn (bindings/turn.ts): those
 * that were woken for what is free compute, say, or wait for something else, and may do so for long. The host says how long
 * the next nap is; the first one is in the arena's header.
 *
 * An Event's waiter spins on the Event's word, before it enters the queue (event.ts); after that it parks at once. One that
 * finds others in the queue spins there, as all do.
 *
 * A waiter that finds as many waiters in the queue as there are other cores parks at once: they would spin in turns, and
 * keep the threads that they wait for off the cores. So does one of a Barrier with more parties than cores.
 */

/**
 * Waits for a verdict, and answers it. A state up to PARKED means that the deadline has passed; or that the waiter has left
 * the queue of `lock` to take its turn, and then nothing is due to it any more.
 *
 * `queueLength`: the number of waiters when this one entered, itself among them; of a Barrier, of all that there will be.
 * `lock`: the Lock, RLock or Semaphore that it waits for, if it is one. Without `naps` the host is not asked, so nothing can
 * throw; there must be no deadline.
 */
export function park(thread: Thread, deadline: f64, queueLength: i32, lock: Cell, lockStamp: i32, naps: bool): i32 {
  // A Condition's waiter comes here once more, with the verdict of its lock. From that there is nothing to learn.
  let state = loadWord(thread);
  if (state > STATE_PARKED) return state;
  if (!naps) return fallAsleep(thread, deadline, 0, lock, lockStamp, 0);
  const budget = thread.spinBudget;
  if (queueLength < thread.cores) {
    state = spin(thread, thread, STATE_PARKED);
    if (state > STATE_PARKED) return state;
  }
  return fallAsleep(thread, deadline, budget, lock, lockStamp, load<i32>(thread.arena, HEADER_NAP));
}

/** Spins until the word of `cell` is greater than `vain`, and learns if that paid. Answers the word. A task does not spin. */
export function spin(thread: Thread, cell: Cell, vain: i32): i32 {
  const budget = thread.spinBudget;
  const half = budget >> 1;
  for (let spins = budget; spins > 0; spins--) {
    pass(LOOK_INTERVAL);
    const word = loadWord(cell);
    if (word > vain) {
      learn(thread, spins > half ? 0 : half);
      return word;
    }
  }
  return vain;
}

/** A function of its own, so that engines have that of waiters that spin in few registers. `budget`: of a spin in vain. */
function fallAsleep(thread: Thread, deadline: f64, budget: i32, lock: Cell, lockStamp: i32, firstNap: i32): i32 {
  // Short: then the host knows which waiters stand before this thread.
  let nap = lock ? firstNap / FIRST_PART : firstNap;
  let first = true;
  swapWord(thread, STATE_WAITING, STATE_PARKED);
  let state: i32;
  while ((state = loadWord(thread)) <= STATE_PARKED) {
    if (!sleep(changetype<usize>(thread), STATE_PARKED, deadline, nap)) break;
    if (nap && loadWord(thread) == STATE_PARKED) {
      nap = stalled(changetype<usize>(thread), deadline, first);
      first = false;
      if (nap < 0) {
        if (cancelWait(lock, lockStamp, thread, true) == STATUS_TIMEOUT) break;
        nap = -nap;
      }
    }
  }
  learn(thread, <u32>(budget - 1) < FEW ? budget - 1 : budget >> 1);
  return state;
}

/** `next`: the budget of its next spin; 0 for the largest. */
@inline
function learn(thread: Thread, next: i32): void {
  thread.spinBudget = next ? next : thread.maxSpins;
}

/** A Condition's waiter was woken: if its spin paid, it lets its unparker run. */
export function letRun(thread: Thread, lock: Cell): void {
  const maxSpins = thread.maxSpins;
  if (thread.spinBudget != maxSpins) return;
  const half = maxSpins >> 1;
  let spins = half;
  while (!queuedOn(thread.unparker) || held(loadWord(lock))) {
    if (spins <= 0) {
      thread.spinBudget = half;
      return;
    }
    pass(RUN_INTERVAL);
    spins -= RUN_INTERVAL;
  }
}

/** So many spins cost nothing, and so many waits may pass before the next long spin. */
const FEW: u32 = 128;

/** As SPIN_INTERVAL, between two looks of a waiter at its own word. A nanosecond, the unit of spins. */
const LOOK_INTERVAL: i32 = 4;

/** As SPIN_INTERVAL, between two looks at the unparker. */
const RUN_INTERVAL: i32 = 1300;

/**
 * Turns of an empty loop, the better part of a microsecond, between two looks at a word that other threads write: each look
 * takes the cache line from them. One interval uses up as much of the spin budget as so many spins on a waiter's own word.
 */
export const SPIN_INTERVAL: i32 = 2600;

/** Passes the time of so many turns of an empty loop. */
export function pass(turns: i32): void {
  do turns--;
  while (turns);
}

/** The first nap of a waiter for a Lock, an RLock or a permit: such a part of the one in the header. */
const FIRST_PART: i32 = 15;
