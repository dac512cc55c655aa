import { HEADER_STAMPS, STATE_GRANTED, STATUS_BUSY, STATUS_DESTROYED, STATUS_OK } from "./abi";
import { Kind, Status } from "./types";
import { allocate, kindOf, reclaim } from "./arena";
import { closeMapByte, lockQueueLate, unlockQueue } from "./queue-lock";
import { Thread } from "./thread";

/**
 * A cell: 64 bytes, aligned to 64, so that no two share a cache line. Primitives and thread records begin alike.
 *
 *         a primitive                                    a thread record (thread.ts)
 *    0  word        what the fast path works on        state: what it sleeps on
 *    4  guard       1 while somebody works on (g)      -
 *    8  next    (g) first waiter                       next in the queue
 *   12  prev    (g) last waiter                        previous in the queue
 *   16  length      number of waiters                  inbox (inbox.ts)
 *   20  stamp       unique to this life of the cell; 0 once it is destroyed
 *   24  arena       the arena's first byte
 *   28  name        block of its name, or 0            pin
 *   32  generation      Event, Barrier: current one    the one it came in
 *   36  verdict (g) Event, Barrier: for older waiters  -
 *   40  pins        Lock, RLock: waits of Conditions   spinBudget
 *                   that will come back for it
 *   44  …           each one's own
 *
 * Fields under the guard are read and written plainly: the guard orders them. Whatever is also read without it goes
 * through `atomic`. The model checker shows that the two never mix.
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

/** Replaces `word` by `next`; answers what it found, which is `word` when it did. */
@inline
export function swapWord(cell: Cell, word: i32, next: i32): i32 {
  return atomic.cmpxchg<i32>(changetype<usize>(cell), word, next);
}

/** How many stand in the queue. */
@inline
export function waiters(cell: Cell): i32 {
  return atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("length"));
}

/** Whether the cell still is what the handle with this stamp was made for. */
@inline
export function alive(cell: Cell, stamp: i32): bool {
  return atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("stamp")) == stamp;
}

/**
 * A new primitive; 0 when the arena is full, or has been destroyed. The rest of what its file says the bindings write,
 * before anybody else can know of the cell.
 */
export function create(arena: usize, id: i32, kind: Kind): usize {
  const address = allocate(arena, id, kind, 1);
  if (address) {
    const cell = changetype<Cell>(address);
    cell.next = cell;
    cell.prev = cell;
    cell.arena = arena;
    cell.verdict = STATE_GRANTED;
    // Atomically: a latecomer of the cell's last life may look at it (queue-lock.ts).
    const stamp = atomic.add<i32>(arena, 1, HEADER_STAMPS) + 1;
    atomic.store<i32>(address, stamp, offsetof<Cell>("stamp"));
  }
  return address;
}

/** Under the guard: whether nobody stands in the queue, and no wait of a Condition will come back for it. */
@inline
export function deserted(cell: Cell): bool {
  return cell.next == cell && !atomic.load<i32>(changetype<usize>(cell), offsetof<Cell>("pins"));
}

/** Under the guard: from now on the cell is nobody's. */
@inline
export function kill(cell: Cell): void {
  atomic.store<i32>(changetype<usize>(cell), 0, offsetof<Cell>("stamp"));
}

/**
 * Gives a primitive's cell back, when nobody waits and its word, under `mask`, is `idle`:
 *
 *                       mask    idle       dead
 *   Lock, RLock         all     0          NOBODY    not held, no waiter on its way
 *   Semaphore           flags   0          0         of its permits nobody can say which are held
 *   BoundedSemaphore    all     its bound  0         all permits are back
 *   Event, Condition    -       -          0
 *   Barrier             ACTION  0          BROKEN
 *
 * `dead`, the word that it leaves behind, lets nobody through a fast path who is past the check of the stamp:
 *
 *   T1: the stamp is right             T2: destroy: word := dead, stamp := 0
 *   T1: the fast path fails, the guard, looks at the stamp again: DESTROYED
 *
 * Whoever was let through last may destroy at once: whoever let it through touches the cell no more, or as a latecomer
 * (queue-lock.ts), for whom the cell's place in the map is closed before the cell is given back.
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

/** Gives back the cell of a primitive that is dead: its stamp is 0. */
export function bury(cell: Cell, thread: Thread): void {
  closeMapByte(cell, thread, kindOf(thread.arena, changetype<usize>(cell)));
  reclaim(thread.arena, changetype<usize>(cell), 1);
}
