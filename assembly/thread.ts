import { Cell } from "./cell";

/**
 * The record of a thread in one arena: who owns, who waits. Its address is the owner in a lock's word, and since a
 * thread that blocks waits for one thing only, the record is its waiter too. The bindings allocate it, fill in `spins`
 * and `mayBlock`, and give it back when the thread ends.
 *
 *    0  word        its state, below
 *   44  take        what acquiring adds to the word of a Lock (the owner's address) or a Semaphore (minus a permit);
 *                   in a Barrier's queue the arrival index
 *   48  spins       how often it looks before it sleeps; 0 on one core
 *   52  mayBlock    0 on a page's main thread
 *   56  target      the primitive in whose queue it stands, if its state is WAITING or PARKED
 *
 *   state       set by                                   next
 *   ─────────────────────────────────────────────────────────────────────────────────────────────────────
 *   0 WAITING   itself, entering a queue                 PARKED by itself; a verdict by who takes it out of the queue
 *   1 PARKED    itself, going to sleep                   a verdict by who takes it out of the queue, who then notifies
 *   2 WOKEN     who took it out of the queue             it tries again (Lock, RLock, Semaphore; a Barrier's entry)
 *   3 GRANTED   who took it out of the queue             it has what it waited for
 *   4 BROKEN    who took it out of the queue             Barrier: it will not get it
 */
@unmanaged
export class Thread extends Cell {
  take: i32;
  spins: i32;
  mayBlock: i32;
  target: usize;
}

export const enum State {
  WAITING = 0,
  PARKED = 1,
  WOKEN = 2,
  GRANTED = 3,
  BROKEN = 4,
}

@inline
export function targetOf(thread: Thread): Cell {
  return changetype<Cell>(atomic.load<usize>(changetype<usize>(thread), offsetof<Thread>("target")));
}

@inline
export function setTarget(thread: Thread, cell: Cell): void {
  atomic.store<usize>(changetype<usize>(thread), changetype<usize>(cell), offsetof<Thread>("target"));
}
