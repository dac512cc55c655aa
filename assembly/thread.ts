import { NEVER_SLEEPS, TASK_PLACE } from "./abi";
import { Cell } from "./cell";

/**
 * The record of a thread in one arena. Its address is the owner in a lock's word; and since a thread that blocks waits
 * for one thing only, the record is its waiter, too. The bindings have it made (`addRecord`), and give it back when the
 * thread ends.
 *
 * A task (an `async` function of a thread) does not block, and may have several waits at once: each wait has a cell of
 * this form as its waiter. A task that owns RLocks has one, too, only for the address.
 *
 *    0  word          its state, below
 *    4  backOff       always 0: what a thread sleeps on that is in the way of another (queue-lock.ts)
 *    8  unparker      in place of `next`, once it was woken: the thread that did so (parker.ts)
 *   16  inbox         of a thread: the waiters of its tasks that have a verdict (inbox.ts)
 *       place         of a task's waiter: written and read by the bindings
 *   28  pin           the lock that it released in a Condition's wait, and must acquire again before that ends; or 0
 *   40  spinBudget    how often it looks at its own word before it sleeps, the next time (parker.ts)
 *   44  addToAcquire  what acquiring adds to the word: of a Lock or RLock the owner, of a Semaphore minus one permit;
 *                     in a Barrier's queue the arrival index, or AT_ENTRY
 *   48  maxSpins      the most that spinBudget may be; 0 on one core; NEVER_SLEEPS for a task's waiter
 *   52  cores         the number of cores; 0 on a page's main thread, which may not block
 *   56  queuedOn      the primitive from which something is due: the waiter stands in its queue, is a waker in flight, or
 *                     has what it came for and has not returned; itself, while it waits for an Event or a permit
 *                     and stands in no queue yet; else 0
 *   60  owningThread  the record of its thread: the thread's own, or that of the task's thread
 *
 *   state       set by                                     next
 *   ─────────────────────────────────────────────────────────────────────────────────────────────────────
 *  -1 AWAITED   a task's waiter, entering a queue          a verdict by its unparker, which then posts it
 *   0 WAITING   the thread itself, entering a queue        PARKED by itself; a verdict by its unparker
 *   1 PARKED    the thread itself, going to sleep          a verdict by its unparker, which then notifies
 *   2 WOKEN     its unparker                               it tries again (Lock, RLock, Semaphore; a Barrier's entry)
 *   3 GRANTED   its unparker                               it has what it waited for
 *   4 BROKEN    its unparker                               Barrier: it will not get it
 *
 * Up to PARKED the waiter stands in the queue of `queuedOn`; above is a verdict. A state means something only while
 * `queuedOn` is set. In an Event or a Barrier nothing is due after the verdict, so `queuedOn` ends with it.
 */
@unmanaged
export class Thread extends Cell {
  addToAcquire: i32;
  maxSpins: i32;
  cores: i32;
  queuedOn: usize;
  owningThread: Thread;

  // Where a primitive has its name.
  @inline
  get pin(): usize {
    return this.name;
  }

  @inline
  set pin(lock: usize) {
    this.name = lock;
  }

  /** Of a waiter that has the verdict WOKEN, and did not sleep: the thread that gave it that. */
  @inline
  get unparker(): Thread {
    return changetype<Thread>(this.next);
  }

  @inline
  set unparker(thread: Thread) {
    this.next = thread;
  }

  // Where a primitive has its pins.
  @inline
  get spinBudget(): i32 {
    return this.pins;
  }

  @inline
  set spinBudget(spins: i32) {
    this.pins = spins;
  }
}

/** Whether the waiter is a task's: it does not sleep; a call that would have to answers PENDING. */
@inline
export function isTask(waiter: Thread): bool {
  return waiter.maxSpins < 0;
}

@inline
export function queuedOn(waiter: Thread): Cell {
  return changetype<Cell>(atomic.load<usize>(changetype<usize>(waiter), offsetof<Thread>("queuedOn")));
}

@inline
export function setQueuedOn(waiter: Thread, cell: Cell): void {
  atomic.store<usize>(changetype<usize>(waiter), changetype<usize>(cell), offsetof<Thread>("queuedOn"));
}

/**
 * From now on the thread's own record waits as a task's waiter, beside its tasks. It does not spin, or it would learn from
 * spins that are none. Answers the budget, which `waitAsThread` needs.
 */
export function waitAsTask(thread: Thread): i32 {
  const budget = thread.spinBudget;
  thread.maxSpins = NEVER_SLEEPS;
  thread.spinBudget = NEVER_SLEEPS;
  return budget;
}

/** Undoes `waitAsTask`. The thread has used what it was given: nothing is due to its record. */
export function waitAsThread(thread: Thread, maxSpins: i32, spinBudget: i32): void {
  thread.maxSpins = maxSpins;
  thread.spinBudget = spinBudget;
  setQueuedOn(thread, changetype<Cell>(0));
}

/** Notes where its thread keeps the waiter's operation (bindings/operation-table.ts): 0 for none. */
export function setTaskPlace(waiter: Thread, place: i32): void {
  atomic.store<i32>(changetype<usize>(waiter), place, TASK_PLACE);
}

/**
 * Replaces a word that means nothing to the core: a thread's tickets (bindings/reap.ts has the word), what a thread tells of
 * itself (bindings/thread-info.ts), when the arena was last dumped. False when it was not `current`.
 */
export function swap(address: usize, current: i32, next: i32): bool {
  return atomic.cmpxchg<i32>(address, current, next) == current;
}
