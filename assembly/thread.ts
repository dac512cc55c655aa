import { NEVER_SLEEPS, TASK_PLACE } from "./abi";
import { Cell } from "./cell";

/**
 * The record of a thread in one arena: who owns, who waits. Its address is the owner in a lock's word, and since a
 * thread that blocks waits for one thing only, the record is its waiter too. The bindings have it made (`addRecord`)
 * and give it back when the thread ends.
 *
 * A task (an `async` function of a thread) does not block and may wait beside others: each of its waits has a cell of
 * this form, and each task that owns RLocks has one for its address and nothing else.
 *
 *    0  word          its state, below
 *    4  rest          always 0: what a thread sleeps on that is in the way of others (queue-lock.ts)
 *   16  inbox         a thread's: the waiters of its tasks that have a verdict (inbox.ts); a task's: the bindings'
 *   28  pin           the lock that it has let go in a Condition's wait, and must have again before that is over; or 0
 *   40  spinBudget    how often it looks at its own word before it sleeps, the next time (parker.ts)
 *   44  addToAcquire  what acquiring adds to the word of a Lock or RLock (the owner) or a Semaphore (minus a permit);
 *                     in a Barrier's queue the arrival index
 *   48  maxSpins      how often it may look at the most; 0 on one core; NEVER_SLEEPS: a task's
 *   52  cores         how many there are; 0 on a page's main thread, which may not block
 *   56  queuedOn      the primitive that something is due from: the waiter stands in its queue, has a wake-up of it, or
 *                     has what it came for and has not returned; else 0
 *   60  owningThread  the record of its thread: a thread's own, or that of the thread whose task it is
 *
 *   state       set by                                     next
 *   ─────────────────────────────────────────────────────────────────────────────────────────────────────
 *  -1 AWAITED   a task, entering a queue                   a verdict by its unparker, which then posts it
 *   0 WAITING   itself, entering a queue                   PARKED by itself; a verdict by its unparker
 *   1 PARKED    itself, going to sleep                     a verdict by its unparker, which then notifies
 *   2 WOKEN     the thread that takes it out of the queue  it tries again (Lock, RLock, Semaphore; a Barrier's entry)
 *   3 GRANTED   the thread that takes it out of the queue  it has what it waited for
 *   4 BROKEN    the thread that takes it out of the queue  Barrier: it will not get it
 *
 * Up to PARKED it stands in the queue that `queuedOn` names; above is a verdict. All of it means something as long as
 * `queuedOn` is set; of an Event or a Barrier a verdict is all that is due, and comes together with the end of
 * `queuedOn`.
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

/** Whether the waiter is a task's: then it does not sleep, and where it would the call answers PENDING. */
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
 * A thread waits as a task does, by its record, beside its tasks. It does not look for a while either, or it would learn
 * from spins that are none. Answers its budget, which `waitAsThread` needs.
 */
export function waitAsTask(thread: Thread): i32 {
  const budget = thread.spinBudget;
  thread.maxSpins = NEVER_SLEEPS;
  thread.spinBudget = NEVER_SLEEPS;
  return budget;
}

/** It does so no more, and has used what it was given: nothing is due to its record. */
export function waitAsThread(thread: Thread, maxSpins: i32, spinBudget: i32): void {
  thread.maxSpins = maxSpins;
  thread.spinBudget = spinBudget;
  setQueuedOn(thread, changetype<Cell>(0));
}

/** Where the thread of a task's waiter keeps what it knows of the wait: 0 when the waiter is nobody's. */
export function setTaskPlace(waiter: Thread, place: i32): void {
  atomic.store<i32>(changetype<usize>(waiter), place, TASK_PLACE);
}
