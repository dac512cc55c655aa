import { ARENA_GROWS, CELL_ARENA, CELL_SIZE, HEADER_FIRST, HEADER_FLAGS, HEADER_FREES, HEADER_ID_LOW, HEADER_ROVER, HEADER_SIZE, HEADER_TOTAL, HEADER_USED, KIND_FREE, KIND_INSIDE, KIND_RESERVED, STATUS_BUSY, STATUS_DESTROYED, STATUS_OK, THREAD_CORES, THREAD_OWNING_THREAD, THREAD_SPIN_BUDGET, THREAD_MAX_SPINS, VISITED } from "./abi";
import { Kind, Status } from "./types";

/**
 * A region of shared memory that holds primitives, thread records, names and the users' arrays.
 *
 *   ┌──────────────┬─────────────────────────┬───────────────────────────────────────────────┐
 *   │ header 256 B │ map, a byte for a cell  │ cells of 64 bytes …                           │
 *   └──────────────┴─────────────────────────┴───────────────────────────────────────────────┘
 *   ^ arena (64-aligned, anywhere in a memory)                       the map covers all of it ^
 *
 * A block is a run of cells. The map has what it is (a `Kind`) at its first cell, INSIDE at its others and FREE where
 * there is none, so that everything in an arena can be enumerated by walking the map, and an address that somebody
 * made up is recognized as one. The map covers what the arena may grow to; pages that nobody touched cost nothing.
 * The bindings lay the header out and clear the map; its fields are in `abi.ts`.
 *
 *   map byte           next
 *   ─────────────────────────────────────────────────────────────────────────────────
 *   FREE      by anybody, with a compare-exchange    RESERVED, the first of a run; INSIDE, the others
 *   RESERVED  by who claimed it                      the block's kind, when all is ready; FREE again
 *   INSIDE    by who claimed it                      FREE again, before the first of its block
 *   a kind    by who destroys it                     RESERVED, then FREE
 *             by a latecomer (queue-lock.ts), for a moment  the kind with VISITED
 *
 * Nothing here is locked. Who needs n cells walks the map from where the last one was found (next fit), and claims a
 * run of free bytes one by one; who loses one of them to somebody else gives the others back and walks on. Free
 * neighbours need no joining, and a thread that dies on its way loses nothing but the cells in its hands. "Out of
 * memory" is said only after a walk over everything during which nobody gave anything back.
 *
 * An arena can be destroyed, and its bytes may be anything then, another arena too. So each call that changes something
 * here first adds itself to the arena's keepers, by a compare-exchange that finds the arena's id beside their number:
 *
 *   life (i64)          next
 *   ─────────────────────────────────────────────────────────────────────────────────────────
 *   id, 0               a keeper more, by each call; id, DESTROYED, by `arenaDestroy`
 *   id, n keepers       one more; one less, by the keeper itself
 *   id, DESTROYED       another id, 0, by the bindings, which lay a new arena out
 *
 *   T1: allocate: id, 0 → id, 1                  T2: arenaDestroy: finds a keeper: BUSY
 *   T2: arenaDestroy: id, 0 → id, DESTROYED      T1: allocate: finds no such arena, and touches nothing
 *
 * A block stays a keeper until it is given back, but for the records of threads and tasks: a thread has one for as long
 * as it lives, and that must not keep the arena. They keep it while they are made and taken apart.
 */

/** One keeper, in an arena's life. */
const KEEPER: i64 = 1 << 32;
/** A number of keepers that none can have. */
const DESTROYED: i64 = i64.MIN_VALUE;

const PAGE_CELLS: u32 = 1024;
/**
 * Pages to grow by beyond what is needed: engines take milliseconds to grow a shared memory, however little. Near the
 * maximum page by page, as the end of what is there may be free already.
 */
const AHEAD: i32 = 16;

@inline
function mark(arena: usize, index: u32, kind: Kind): void {
  atomic.store<u8>(arena + index, <u8>kind, HEADER_SIZE);
}

/** What begins at this address. The caller knows that it is inside the arena and a multiple of 64. */
@inline
export function kindOf(arena: usize, block: usize): Kind {
  return <Kind>(atomic.load<u8>(arena + (block - arena) / CELL_SIZE, HEADER_SIZE) & ~VISITED);
}

/** Adds a keeper, if the arena at this place is still the one with this id. */
function keep(arena: usize, id: i32): bool {
  let life = atomic.load<i64>(arena, HEADER_ID_LOW);
  while (<i32>life == id && life >= 0) {
    const found = atomic.cmpxchg<i64>(arena, life, life + KEEPER, HEADER_ID_LOW);
    if (found == life) return true;
    life = found;
  }
  return false;
}

/** Takes a keeper away. The arena may be gone with it: must come last. */
@inline
function unkeep(arena: usize): void {
  atomic.sub<i64>(arena, KEEPER, HEADER_ID_LOW);
}

/** A block of `cells` cells, all zero; 0 when the arena is full, or has been destroyed. It keeps the arena. */
export function allocate(arena: usize, id: i32, kind: Kind, cells: u32): usize {
  if (!keep(arena, id)) return 0;
  const block = claim(arena, kind, cells);
  if (!block) unkeep(arena);
  return block;
}

/** Gives a block of the user's or of a name back, unless another thread has done that, or it is none: then false. */
export function freeBlock(arena: usize, block: usize, cells: u32, kind: Kind): bool {
  const index = (block - arena) / CELL_SIZE;
  if (atomic.cmpxchg<u8>(arena + index, <u8>kind, <u8>KIND_RESERVED, HEADER_SIZE) != <u8>kind) return false;
  reclaim(arena, block, cells);
  return true;
}

/** Gives a block of this many cells back, which is the caller's. */
export function reclaim(arena: usize, block: usize, cells: u32): void {
  unclaim(arena, block, cells);
  unkeep(arena);
}

/**
 * A record of a thread, or of a task of the thread `home`; what is in it: thread.ts. 0 when the arena is full, or has
 * been destroyed.
 */
export function addRecord(arena: usize, id: i32, kind: Kind, spins: i32, cores: i32, owningThread: usize): usize {
  if (!keep(arena, id)) return 0;
  const record = claim(arena, kind, 1);
  if (record) {
    store<usize>(record, arena, CELL_ARENA);
    store<i32>(record, spins, THREAD_SPIN_BUDGET);
    store<i32>(record, spins, THREAD_MAX_SPINS);
    store<i32>(record, cores, THREAD_CORES);
    store<usize>(record, owningThread ? owningThread : record, THREAD_OWNING_THREAD);
  }
  unkeep(arena);
  return record;
}

/** Gives a record back; nothing when the arena has been destroyed, and the record with it. */
export function dropRecord(arena: usize, id: i32, record: usize): void {
  if (!keep(arena, id)) return;
  unclaim(arena, record, 1);
  unkeep(arena);
}

/**
 * Destroys an arena in which nothing is left but records: from now on no call changes anything in its bytes. BUSY: there
 * is something else, or a thread comes or goes right now; nothing was changed.
 */
export function arenaDestroy(arena: usize, id: i32): Status {
  const unkept: i64 = <u32>id;
  const life = atomic.cmpxchg<i64>(arena, unkept, unkept | DESTROYED, HEADER_ID_LOW);
  if (life == unkept) return STATUS_OK;
  return <i32>life == id && life >= 0 ? STATUS_BUSY : STATUS_DESTROYED;
}

/** Finds the cells, whoever keeps the arena. */
function claim(arena: usize, kind: Kind, cells: u32): usize {
  const limit = load<u32>(arena, HEADER_TOTAL);
  // No count of what was given back: the first walk begins with a look at it.
  let frees: u32 = -1;
  let index = atomic.load<u32>(arena, HEADER_ROVER);
  let run: u32 = 0;
  // A walk that wraps around meets its first cells once more, for a run that began before them.
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
    // A memory of the arena's own begins with it, and may have grown since.
    const end = min(limit, <u32>memory.size() * PAGE_CELLS);
    const inside = index < end;
    // The first of a run is told from the others at once: who looks for the end of the block before it must see it.
    const taken = run ? <u8>KIND_INSIDE : <u8>KIND_RESERVED;
    if (inside && !atomic.cmpxchg<u8>(arena + index, KIND_FREE, taken, HEADER_SIZE)) run++;
    else if (run) {
      returnCells(arena, index - run, run);
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
  mark(arena, index, kind);
  return block;
}

function unclaim(arena: usize, block: usize, cells: u32): void {
  atomic.sub<u32>(arena, cells, HEADER_USED);
  returnCells(arena, <u32>((block - arena) / CELL_SIZE), cells);
}

function returnCells(arena: usize, index: u32, cells: u32): void {
  while (cells--) mark(arena, index + cells, KIND_FREE);
  atomic.add<u32>(arena, 1, HEADER_FREES);
}
