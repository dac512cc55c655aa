import { Cell } from "./cell";

/**
 * The record of a thread in one arena: who owns, who waits. Its address is the owner in a lock's word, and since a
 * thread that blocks waits for one thing only, the record is its waiter too. The bindings have it made (`addRecord`)
 * and give it back when the thread ends.
 *
 * A task (an `async` function of a thread) does not block and may wait beside others: each of its waits has a cell of
 * this form, and each task that owns RLocks has one for its address and nothing else.
 *
 *    0  word        its state, below
 *    4  rest        always 0: what a thread sleeps on that is in the way of others (guard.ts)
 *   16  inbox       a thread's: the waiters of its tasks that have a verdict (inbox.ts); a task's: the bindings'
 *   28  pin         the lock that it has let go in a Condition's wait, and must have again before that is over; or 0
 *   40  looks       how often it looks at its own word before it sleeps, the next time (parker.ts)
 *   44  take        what acquiring adds to the word of a Lock or RLock (the owner) or a Semaphore (minus a permit);
 *                   in a Barrier's queue the arrival index
 *   48  spins       how often it may at the most; 0 on one core; -1: a task's, which never sleeps
 *   52  cores       how many there are; 0 on a page's main thread, which may not block
 *   56  target      the primitive that something is due from: it stands in the queue, has a wake-up of it, or has what
 *                   it came for and has not returned; else 0
 *   60  home        the record of its thread: a thread's own, or the one whose task it is of
 *
 *   state       set by                                   next
 *   ─────────────────────────────────────────────────────────────────────────────────────────────────────
 *  -1 AWAITED   a task, entering a queue                 a verdict by who takes it out of the queue, who then posts it
 *   0 WAITING   itself, entering a queue                 PARKED by itself; a verdict by who takes it out of the queue
 *   1 PARKED    itself, going to sleep                   a verdict by who takes it out of the queue, who then notifies
 *   2 WOKEN     who took it out of the queue             it tries again (Lock, RLock, Semaphore; a Barrier's entry)
 *   3 GRANTED   who took it out of the queue             it has what it waited for
 *   4 BROKEN    who took it out of the queue             Barrier: it will not get it
 *
 * Up to PARKED it stands in its target's queue; above is a verdict. All of it means something as long as there is a
 * target; of an Event or a Barrier a verdict is all that is due, and comes together with the target's end.
 */
@unmanaged
export class Thread extends Cell {
  take: i32;
  spins: i32;
  cores: i32;
  target: usize;
  home: Thread;

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
  get looks(): i32 {
    return this.pins;
  }

  @inline
  set looks(looks: i32) {
    this.pins = looks;
  }
}

/** Whether the waiter is a task's: then it does not sleep, and where it would the call answers PENDING. */
@inline
export function isTask(waiter: Thread): bool {
  return waiter.spins < 0;
}

@inline
export function targetOf(waiter: Thread): Cell {
  return changetype<Cell>(atomic.load<usize>(changetype<usize>(waiter), offsetof<Thread>("target")));
}

@inline
export function setTarget(waiter: Thread, cell: Cell): void {
  atomic.store<usize>(changetype<usize>(waiter), changetype<usize>(cell), offsetof<Thread>("target"));
}
