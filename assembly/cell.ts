import { HEADER_STAMPS, KIND_RESERVED, STATUS_BUSY, STATUS_DESTROYED, STATUS_OK } from "./abi";
import { Kind, Status } from "./types";
import { allocate, kindOf, mark, reclaim } from "./arena";
import { closeMapByte, lockQueueLate, unlockQueue } from "./queue-lock";
import { Thread } from "./thread";

/**
 * A cell: 64 bytes, aligned to 64, so that no two share a cache line. Primitives and thread records begin alike.
 *
 *         a primitive                                    a thread record (thread.ts)
 *    0  word            what the fast path works on        state: what the thread sleeps on
 *    4  queueLock       1 while a thread works on (q)      backOff
 *    8  next        (q) the first waiter                   the next in the queue
 *   12  prev        (q) the last waiter                    the previous one in the queue
 *   16  length          number of waiters                  inbox (inbox.ts)
 *   20  stamp           unique to this life of the cell;   tickets
 *                       0 once it is destroyed
 *   24  arena           the arena's first byte
 *   28  name            block of its name, or 0            pin
 *   32  generation      Event, Barrier: the current one;   the one in which it entered the queue
 *                       of the others it is their stamp
 *   36  verdict     (q) Event, Barrier: of older waiters   info
 *                       Lock, RLock: on death (abi.ts)
 *   40  pins            Lock, RLock: waits of Conditions   spinBudget
 *                       that will acquire it again
 *   44  …               each one's own
 *
 * (q): under the queue lock (queue-lock.ts), which orders plain reads and writes. All that is also read without it goes
 * through `atomic`, as do writes to the links of a waiter that stands in a queue: its own thread looks at them (local.ts).
 * The model checker shows that the two never race.
 */
@unmanaged
export class Cell {
  word: i32;
  queueLock: i32;
  next: Cell;
  prev: Cell;
  length: i32;
  stamp: i32;
  arena: usize;
  name: usize;
  generation: i32;
  verdict: i32;
  pins: i32;
}

@inline
export function loadWord(cell: Cell): i32 {
  return atomic.load<i32>(changetype<usize>(cell));
}

@inline
export function storeWord(cell: Cell, word: i32): void {
  atomic.xchg<i32>(changetype<usize>(cell), word);
}

/** Replaces `word` by `next`; answers what was there, which is `word` if it succeeded. */
@inline
export function swapWord(cell: Cell, word: i32, next: i32): i32 {
  return atomic.cmpxchg<i32>(changetype<usize>(cell), word, next);
}

@inline
export function stampOf(cell: Cell): i32 {
  return atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("stamp"));
}

/** Under the queue lock, or as a latecomer: whether the cell still is the primitive that a handle with this stamp was made for. */
@inline
export function alive(cell: Cell, stamp: i32): bool {
  return stampOf(cell) == stamp;
}

/*
 * Guesses. Where a thread looks before a compare-exchange that decides, or before it takes the queue lock and looks again, the
 * look may be of some moment before. So it is plain: engines make an atomic load dear (JavaScriptCore on x64: a locked
 * addition). Its alignment, 1, tells the model checker that it may race; engines of today make nothing of it.
 */

@inline
export function guessWord(cell: Cell): i32 {
  return load<i32>(changetype<usize>(cell), 0, 1);
}

/** `alive`, as far as this thread knows. All that happened before, by any order between threads, it knows. */
@inline
export function seemsAlive(cell: Cell, stamp: i32): bool {
  return load<i32>(changetype<usize>(cell), offsetof<Cell>("stamp"), 1) == stamp;
}

/**
 * A new primitive; 0 when the arena is full, or has been destroyed. The bindings write its own fields, before another
 * thread can know of the cell.
 */
export function create(arena: usize, id: i32, kind: Kind): usize {
  // A reaper that walks over the map must not find half a cell.
  const address = allocate(arena, id, KIND_RESERVED, 1);
  if (address) {
    const cell = changetype<Cell>(address);
    cell.next = cell;
    cell.prev = cell;
    cell.arena = arena;
    // Atomic: a latecomer of the cell's last life may read it (queue-lock.ts).
    const stamp = atomic.add<i32>(arena, 1, HEADER_STAMPS) + 1;
    // Of a Lock, RLock or Semaphore it never changes, so a waiter's says in which life of the cell it entered (reap.ts).
    cell.generation = stamp;
    atomic.store<i32>(address, stamp, offsetof<Cell>("stamp"));
    mark(arena, address, kind);
  }
  return address;
}

/** Under the queue lock: whether the queue is empty, and no wait of a Condition will acquire the lock again. */
@inline
function deserted(cell: Cell): bool {
  return cell.next == cell && !atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("pins"));
}

/** Under the queue lock: from now on no stamp fits the cell. */
@inline
export function kill(cell: Cell): void {
  atomic.store<i32>(changetype<usize>(cell), 0, offsetof<Cell>("stamp"));
}

/**
 * Gives a primitive's cell back if its queue is empty and its word, under `mask`, is `idle`; else BUSY:
 *
 *                       mask    idle       dead
 *   Lock, RLock         all     0          NOBODY    not held, no waker in flight
 *   Semaphore           flags   0          0         its word does not say how many permits are held
 *   BoundedSemaphore    all     its bound  0         all permits are back
 *   Event, Condition    -       -          0
 *   Barrier             ACTION  0          BROKEN
 *
 * With `dead`, the word that it leaves behind, no fast path succeeds that is past the check of the stamp:
 *
 *   T1: the stamp is right             T2: destroy: word := dead, stamp := 0
 *   T1: the fast path fails; under the queue lock the stamp is another: DESTROYED
 *
 * The last waiter that goes on may destroy at once. Its unparker touches the cell no more, or only as a latecomer
 * (queue-lock.ts), and the cell is given back only when its byte in the map is closed for latecomers.
 */
export function destroy(cell: Cell, stamp: i32, thread: Thread, mask: i32, idle: i32, dead: i32): Status {
  let status = STATUS_DESTROYED;
  if (lockQueueLate(cell, stamp, thread)) {
    const word = loadWord(cell);
    status = STATUS_BUSY;
    if (
      (word & mask) == idle &&
      deserted(cell) &&
      swapWord(cell, word, dead) == word
    ) {
      kill(cell);
      status = STATUS_OK;
    }
    unlockQueue(cell);
  }
  if (status == STATUS_OK) bury(cell, thread);
  return status;
}

/** Gives the cell of a dead primitive back: one whose stamp is 0. */
export function bury(cell: Cell, thread: Thread): void {
  closeMapByte(cell, thread, kindOf(thread.arena, changetype<usize>(cell)));
  reclaim(thread.arena, changetype<usize>(cell), 1);
}
