import { ARENA_GROWS, CELL_ARENA, CELL_SIZE, HEADER_FIRST, HEADER_FLAGS, HEADER_FREES, HEADER_ID_LOW, HEADER_ROVER, HEADER_SIZE, HEADER_SPARES, HEADER_TOTAL, HEADER_USED, KIND_FREE, KIND_INSIDE, KIND_RESERVED, KIND_SPARE, STATUS_BUSY, STATUS_DESTROYED, STATUS_OK, THREAD_CORES, THREAD_OWNING_THREAD, THREAD_INBOX, THREAD_INFO, THREAD_SPIN_BUDGET, THREAD_MAX_SPINS, VISITED } from "./abi";
import { Kind, Status } from "./types";

/**
 * A region of shared memory that holds primitives, thread records, names and the users' arrays.
 *
 *   ┌──────────────┬─────────────────────────┬───────────────────────────────────────────────┐
 *   │ header 256 B │ map, a byte for a cell  │ cells of 64 bytes …                           │
 *   └──────────────┴─────────────────────────┴───────────────────────────────────────────────┘
 *   ^ arena (64-aligned, anywhere in a memory)                       the map covers all of it ^
 *
 * A block is a run of cells. The map says at its first cell what it is (a `Kind`), INSIDE at its others, and FREE at all
 * cells outside of blocks. So a walk over the map enumerates an arena, and a made-up address is recognized as one. The
 * map covers what the arena may grow to; untouched pages cost nothing. The bindings lay the header out and clear the
 * map; the header's fields are in abi.ts.
 *
 *   map byte    by                            next
 *   ──────────────────────────────────────────────────────────────────────────────────────────────────────────
 *   FREE        any thread, compare-exchange  RESERVED, the first of a run; INSIDE, the others
 *   RESERVED    the thread that claimed it    the block's kind, when all is ready; FREE again
 *   INSIDE      the thread that claimed it    FREE again, before the first of its block
 *   a kind      the thread that destroys it   RESERVED, then FREE; of a thread's record SPARE
 *               a latecomer (queue-lock.ts)   the kind with VISITED, for a moment
 *   SPARE       a new thread                  RESERVED, then a thread's record again
 *
 * Nothing here is locked. A thread that needs n cells walks the map from where the last search ended (next fit), and
 * claims a run of free bytes one by one; when it loses one of them to another thread, it returns the others and walks on.
 * Free neighbours need no joining, and a terminated thread loses nothing but the cells in its hands. The arena is out of
 * memory only after a walk over everything during which no cell was returned.
 *
 * An arena can be destroyed, and then its bytes may become anything, another arena too. So each call that changes
 * something here first adds a keeper, by a compare-exchange that finds the arena's id beside the number of keepers:
 *
 *   life (i64)        by                            next
 *   ──────────────────────────────────────────────────────────────────────────────────────────
 *   id, 0             each call                     id, 1 keeper
 *                     `arenaDestroy`                id, DESTROYED
 *   id, n keepers     each call; a keeper that goes id, one more; one less
 *   id, DESTROYED     the bindings: a new arena     another id, 0
 *
 *   T1: allocate: id, 0 → id, 1                  T2: arenaDestroy: finds a keeper: BUSY
 *   T2: arenaDestroy: id, 0 → id, DESTROYED      T1: allocate: finds no such arena, and touches nothing
 *
 * A block is a keeper until it is given back. The records of threads and tasks are none, or a living thread would keep
 * the arena: they keep it only while they are made and taken apart.
 */

/** One keeper, in an arena's life. */
const KEEPER: i64 = 1 << 32;
/** In place of the number of keepers, which is never negative: the sign bit. */
const DESTROYED: i64 = i64.MIN_VALUE;

const PAGE_CELLS: u32 = 1024;
/**
 * Pages to grow by beyond what is needed: engines take milliseconds to grow a shared memory, however little. Near its
 * maximum it grows page by page, and the run may begin in free cells at its present end.
 */
const AHEAD: i32 = 16;

@inline
function markAt(arena: usize, index: u32, kind: Kind): void {
  atomic.store<u8>(arena + index, <u8>kind, HEADER_SIZE);
}

/** From now on this begins at `block`. */
export function mark(arena: usize, block: usize, kind: Kind): void {
  markAt(arena, <u32>((block - arena) / CELL_SIZE), kind);
}

/** What begins at this address, which must be inside the arena and a multiple of 64. */
export function kindOf(arena: usize, block: usize): Kind {
  return <Kind>(atomic.load<u8>(arena + (block - arena) / CELL_SIZE, HEADER_SIZE) & ~VISITED);
}

/** Takes what begins at this address, if it is of this kind: no other thread can any more. */
export function reserve(arena: usize, block: usize, kind: Kind): bool {
  const place = arena + (block - arena) / CELL_SIZE;
  return atomic.cmpxchg<u8>(place, <u8>kind, <u8>KIND_RESERVED, HEADER_SIZE) == <u8>kind;
}

/** Adds a keeper, if the arena at this address still has this id. */
function keep(arena: usize, id: i32): bool {
  let life = atomic.load<i64>(arena, HEADER_ID_LOW);
  while (<i32>life == id && life >= 0) {
    const found = atomic.cmpxchg<i64>(arena, life, life + KEEPER, HEADER_ID_LOW);
    if (found == life) return true;
    life = found;
  }
  return false;
}

/** Takes a keeper away. It must be the last access: the arena may be gone right after it. */
function unkeep(arena: usize): void {
  atomic.sub<i64>(arena, KEEPER, HEADER_ID_LOW);
}

/** A block of `cells` cells, all zero; 0 when the arena is full, or has been destroyed. It keeps the arena. */
export function allocate(arena: usize, id: i32, kind: Kind, cells: u32): usize {
  if (!keep(arena, id)) return 0;
  const block = claim(arena, cells);
  if (block) mark(arena, block, kind);
  else unkeep(arena);
  return block;
}

/** Gives an array or a name back. False when another thread has done so, or the block is something else. */
export function freeBlock(arena: usize, block: usize, cells: u32, kind: Kind): bool {
  const mine = reserve(arena, block, kind);
  if (mine) reclaim(arena, block, cells);
  return mine;
}

/** Gives a block back that no other thread can give back. */
export function reclaim(arena: usize, block: usize, cells: u32): void {
  unclaim(arena, block, cells);
  unkeep(arena);
}

/**
 * The record (thread.ts) of a new thread, or of a task of `owningThread`. `spare`: it is made of that of a thread that has
 * ended. 0 when another thread has taken that one, when the arena is full, or has been destroyed.
 */
export function addRecord(
  arena: usize,
  id: i32,
  kind: Kind,
  maxSpins: i32,
  cores: i32,
  owningThread: usize,
  spare: usize,
): usize {
  if (!keep(arena, id)) return 0;
  const record = spare ? claimSpare(arena, spare) : claim(arena, 1);
  if (record) {
    store<usize>(record, arena, CELL_ARENA);
    store<i32>(record, maxSpins, THREAD_SPIN_BUDGET);
    store<i32>(record, maxSpins, THREAD_MAX_SPINS);
    store<i32>(record, cores, THREAD_CORES);
    store<usize>(record, owningThread ? owningThread : record, THREAD_OWNING_THREAD);
    // A reaper that walks over the map must not find half a record.
    mark(arena, record, kind);
  }
  unkeep(arena);
  return record;
}

@inline
function claimSpare(arena: usize, record: usize): usize {
  if (!reserve(arena, record, KIND_SPARE)) return 0;
  atomic.sub<u32>(arena, 1, HEADER_SPARES);
  atomic.add<u32>(arena, 1, HEADER_USED);
  // All else means nothing now. Another thread may take a ticket of the last life at this moment (reap.ts): in vain.
  atomic.store<i64>(record, 0, THREAD_INBOX);
  atomic.store<i32>(record, 0, THREAD_INFO);
  return record;
}

/**
 * Gives a record back: a thread's can only become another thread's, since others may be about to probe it. When the arena
 * has been destroyed, the record is gone with it.
 */
export function dropRecord(arena: usize, id: i32, record: usize): void {
  if (!keep(arena, id)) return;
  if (load<usize>(record, THREAD_OWNING_THREAD) == record) {
    atomic.sub<u32>(arena, 1, HEADER_USED);
    mark(arena, record, KIND_SPARE);
    atomic.add<u32>(arena, 1, HEADER_SPARES);
  } else unclaim(arena, record, 1);
  unkeep(arena);
}

/**
 * Destroys an arena in which nothing is left but records: from now on no call changes its bytes. BUSY, and nothing is
 * changed, when there is something else, or a record is made or taken apart at this moment.
 */
export function arenaDestroy(arena: usize, id: i32): Status {
  const unkept: i64 = <u32>id;
  const life = atomic.cmpxchg<i64>(arena, unkept, unkept | DESTROYED, HEADER_ID_LOW);
  if (life == unkept) return STATUS_OK;
  return <i32>life == id && life >= 0 ? STATUS_BUSY : STATUS_DESTROYED;
}

/** Finds and claims the cells of a block, which is RESERVED then. The caller keeps the arena. */
function claim(arena: usize, cells: u32): usize {
  const limit = load<u32>(arena, HEADER_TOTAL);
  // HEADER_FREES at the beginning of this walk. No count is -1, so the first walk always begins.
  let frees: u32 = -1;
  let index = atomic.load<u32>(arena, HEADER_ROVER);
  let run: u32 = 0;
  // Steps left in this walk. It goes `cells` steps further than around, for a run that began before its first cell.
  let left: u32 = 0;
  while (run < cells) {
    if (!left--) {
      const now = atomic.load<u32>(arena, HEADER_FREES);
      if (now == frees) {
        const grows = load<i32>(arena, HEADER_FLAGS) & ARENA_GROWS;
        if (!grows || (memory.grow(<i32>(cells / PAGE_CELLS) + AHEAD) < 0 && memory.grow(1) < 0)) {
          returnCells(arena, index - run, run);
          return 0;
        }
      }
      frees = now;
      left = limit + cells;
    }
    // A memory that is the arena's own begins with it, and may have grown since.
    const end = min(limit, <u32>memory.size() * PAGE_CELLS);
    const inside = index < end;
    // RESERVED from the start: a thread that looks for the end of the block before this run must see where the run begins.
    const taken = run ? <u8>KIND_INSIDE : <u8>KIND_RESERVED;
    if (inside && !atomic.cmpxchg<u8>(arena + index, KIND_FREE, taken, HEADER_SIZE)) run++;
    else if (run) {
      returnCells(arena, index - run, run);
      // That is no news for this walk.
      frees++;
      run = 0;
    }
    index = inside ? index + 1 : load<u32>(arena, HEADER_FIRST);
  }
  atomic.store<u32>(arena, index, HEADER_ROVER);
  atomic.add<u32>(arena, cells, HEADER_USED);
  index -= cells;
  const block = arena + <usize>index * CELL_SIZE;
  memory.fill(block, 0, <usize>cells * CELL_SIZE);
  return block;
}

function unclaim(arena: usize, block: usize, cells: u32): void {
  atomic.sub<u32>(arena, cells, HEADER_USED);
  returnCells(arena, <u32>((block - arena) / CELL_SIZE), cells);
}

function returnCells(arena: usize, index: u32, cells: u32): void {
  while (cells--) markAt(arena, index + cells, KIND_FREE);
  atomic.add<u32>(arena, 1, HEADER_FREES);
}
