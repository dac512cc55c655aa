/**
 * What the two sides of the boundary must agree upon. AssemblyScript compiles this file into the core, TypeScript
 * imports it into the bindings; there is no second copy of any of these numbers.
 */

/** The first word of an arena: "lkwk" in memory order. */
export const MAGIC = 0x6b776b6c;

/** Changes with every change of layout or algorithm that an older module must not meet. */
export const VERSION = 2;

/** What an operation answers. `Barrier.wait` answers an arrival index (0 or more) or one of the negative ones. */
export const STATUS_OK = 0;
export const STATUS_TIMEOUT = -1;
export const STATUS_NOT_HELD = -2;
export const STATUS_OVER_RELEASE = -3;
export const STATUS_BROKEN = -4;
export const STATUS_DESTROYED = -5;
/** Held or waited on: cannot be destroyed. */
export const STATUS_BUSY = -6;
/** A task's waiter stands in a queue; its verdict will come into the thread's inbox. */
export const STATUS_PENDING = -7;

/** In the byte of a cell's map: a latecomer looks whether the cell is still there, and it must not go (queue-lock.ts). */
export const VISITED = 0x80;

/** What begins at a cell: the byte of the arena's map. */
export const KIND_FREE = 0;
/** Not the first cell of its block. */
export const KIND_INSIDE = 1;
/** The first cell of a block that is being made or taken apart. INSIDE + 1. */
export const KIND_RESERVED = 2;
export const KIND_LOCK = 3;
export const KIND_RLOCK = 4;
export const KIND_SEMAPHORE = 5;
export const KIND_BOUNDED_SEMAPHORE = 6;
export const KIND_EVENT = 7;
export const KIND_BARRIER = 8;
export const KIND_CONDITION = 9;
export const KIND_THREAD = 10;
/** The UTF-8 bytes of a primitive's name. */
export const KIND_NAME = 11;
/** A typed array of the user's. */
export const KIND_ARRAY = 12;
/** A task's waiter, or a task that owns RLocks. */
export const KIND_TASK = 13;

/** A waiter's state: what its word holds. The table is in `thread.ts`. */
export const STATE_AWAITED = -1;
export const STATE_WAITING = 0;
export const STATE_PARKED = 1;
export const STATE_WOKEN = 2;
export const STATE_GRANTED = 3;
export const STATE_BROKEN = 4;

/** In place of a number of spins: of a task's waiter. */
export const NEVER_SLEEPS = -1;

/* The words of the primitives. Each is explained at the top of its file. */

/** The bits of a resource's word below its owner or permits: one permit, the least owner. */
export const UNIT = 64;
/** A resource: the first waiter was passed over for too long. */
export const HANDOFF = 2;
/** Passed over for so long (ms), a waiter of a resource asks for a handoff. */
export const HANDOFF_AFTER_MS = 1;
/** A resource: one waiter is awake. */
export const WOKEN = 4;
/** Not in a word: asks `acquire` for a place before all who wait. */
export const AT_FRONT = 8;
/** Not in a word: `acquire` must not ask the host for the time. */
export const CLOCKLESS = 16;
/** A Lock: a task of the owner holds it. */
export const HELD_BY_TASK = 32;
/** An Event. */
export const SET = 4;
/** A Barrier: neither of the next two. */
export const FILLING = 0;
export const ACTION = 4;
export const BROKEN = 8;
/** `barrierWait`: what whoever arrives last does before the others go on: nothing; an action; it must not be the last. */
export const NO_ACTION = 0;
export const WITH_ACTION = 1;
export const NOT_LAST = 2;
/** `barrierEnd`: whatever the generation and the state. */
export const ANY = -1;

/** The most permits that a semaphore's word can count. */
export const MAX_PERMITS = 0x03ffffff;

/** What `join` answers: others came behind the proxy; a newcomer goes behind it, if it gets nothing before; at once. */
export const JOIN_NOT = 0;
export const JOIN_AFTER_TRYING = 1;
export const JOIN_AT_ONCE = 2;

/** Bytes of a cell. */
export const CELL_SIZE = 64;

/** Bytes of an arena's header; the map follows. */
export const HEADER_SIZE = 256;

/** Byte offsets in an arena's header. */
export const HEADER_MAGIC = 0;
export const HEADER_VERSION = 4;
/** The arena's life, one word of 64 bits: the lower half of its id, and what keeps it (arena.ts). */
export const HEADER_ID_LOW = 8;
export const HEADER_KEEPERS = 12;
export const HEADER_ID_HIGH = 16;
export const HEADER_FLAGS = 20;
/** Cells that the map covers. */
export const HEADER_TOTAL = 24;
/** The first cell behind the map. */
export const HEADER_FIRST = 28;
/** Cells that are allocated. */
export const HEADER_USED = 32;
/** The last stamp given out. */
export const HEADER_STAMPS = 36;
/** Where the next search begins. */
export const HEADER_ROVER = 40;
/** Counts what was given back: who found nothing while it moved looks again. */
export const HEADER_FREES = 44;

/** Byte offsets in a cell. What each is: cell.ts, thread.ts and the primitive's own file. */
export const CELL_WORD = 0;
export const CELL_NEXT = 8;
export const CELL_PREV = 12;
export const CELL_LENGTH = 16;
export const CELL_STAMP = 20;
export const CELL_ARENA = 24;
export const CELL_NAME = 28;
export const CELL_GENERATION = 32;
export const CELL_PINS = 40;
export const RLOCK_DEPTH = 44;
export const SEMAPHORE_BOUND = 44;
export const BARRIER_PARTIES = 44;
/** An f64. */
export const BARRIER_TIMEOUT = 56;
export const CONDITION_LOCK = 44;
export const CONDITION_LOCK_STAMP = 48;
/** Whether the lock is the Condition's own. */
export const CONDITION_OWNS_LOCK = 52;
export const THREAD_INBOX = 16;
export const THREAD_PIN = 28;
/** Of a task's waiter: where its thread keeps what it knows of the wait (bindings/inbox.ts). */
export const TASK_PLACE = 16;
export const THREAD_SPIN_BUDGET = 40;
export const THREAD_ADD_TO_ACQUIRE = 44;
export const THREAD_MAX_SPINS = 48;
export const THREAD_CORES = 52;
export const THREAD_QUEUED_ON = 56;
export const THREAD_OWNING_THREAD = 60;

/** A flag of an arena: the memory is the arena's own and may grow. */
export const ARENA_GROWS = 1;
/** A flag of an arena: the one that `new Lock()` uses when none is named. */
export const ARENA_DEFAULT = 2;
