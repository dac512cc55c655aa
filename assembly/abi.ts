/**
 * What the two sides of the boundary must agree upon. AssemblyScript compiles this file into the core, TypeScript
 * imports it into the bindings; there is no second copy of any of these numbers.
 */

/** The first word of an arena: "lkwk" in memory order. */
export const MAGIC = 0x6b776b6c;

/** Changes with every change of layout or algorithm that an older module must not meet. */
export const VERSION = 2;

/** What an operation answers. `Barrier.wait` answers an arrival index (0 or more) or one of the negative ones. */
export const enum Status {
  OK = 0,
  TIMEOUT = -1,
  NOT_HELD = -2,
  OVER_RELEASE = -3,
  BROKEN = -4,
  DESTROYED = -5,
  /** Held or waited on: cannot be destroyed. */
  BUSY = -6,
  /** A task's waiter stands in a queue; its verdict will come into the thread's inbox. */
  PENDING = -7,
}

/** In the byte of a cell's map: a latecomer looks whether the cell is still there, and it must not go (guard.ts). */
export const VISITED = 0x80;

/** What begins at a cell: the byte of the arena's map. */
export const enum Kind {
  FREE = 0,
  /** Not the first cell of its block. */
  INSIDE = 1,
  /** The first cell of a block that is being made or taken apart. INSIDE + 1. */
  RESERVED = 2,
  LOCK = 3,
  RLOCK = 4,
  SEMAPHORE = 5,
  BOUNDED_SEMAPHORE = 6,
  EVENT = 7,
  BARRIER = 8,
  CONDITION = 9,
  THREAD = 10,
  /** The UTF-8 bytes of a primitive's name. */
  NAME = 11,
  /** A typed array of the user's. */
  ARRAY = 12,
  /** A task's waiter, or a task that owns RLocks. */
  TASK = 13,
}

/** A waiter's state: what its word holds. The table is in `thread.ts`. */
export const enum State {
  AWAITED = -1,
  WAITING = 0,
  PARKED = 1,
  WOKEN = 2,
  GRANTED = 3,
  BROKEN = 4,
}

/* The words of the primitives. Each is explained at the top of its file. */

/** The bits of a resource's word below its owner or permits: one permit, the least owner. */
export const UNIT = 64;
/** A resource: the first waiter was passed over for too long. */
export const HANDOFF = 2;
/** Passed over for so long (ms), a waiter of a resource asks for a handoff. */
export const PATIENCE = 1;
/** A resource: one waiter is awake. */
export const WOKEN = 4;
/** Not in a word: asks `acquire` for a place before all who wait. */
export const FRONT = 8;
/** Not in a word: `acquire` must not ask the host for the time. */
export const CLOCKLESS = 16;
/** A Lock: a task of the owner holds it. */
export const TASK = 32;
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

/** Bytes of a cell. */
export const CELL = 64;

/** Bytes of an arena's header; the map follows. */
export const HEADER = 256;

/** Byte offsets in an arena's header. */
export const enum Header {
  MAGIC = 0,
  VERSION = 4,
  /** The arena's life, one word of 64 bits: the lower half of its id, and what keeps it (arena.ts). */
  ID_LOW = 8,
  KEEPERS = 12,
  ID_HIGH = 16,
  FLAGS = 20,
  /** Cells that the map covers. */
  TOTAL = 24,
  /** The first cell behind the map. */
  FIRST = 28,
  /** Cells that are allocated. */
  USED = 32,
  /** The last stamp given out. */
  STAMPS = 36,
  /** Where the next search begins. */
  ROVER = 40,
  /** Counts what was given back: who found nothing while it moved looks again. */
  FREES = 44,
}

/** Byte offsets in a cell. What each is: cell.ts, thread.ts and the primitive's own file. */
export const enum Field {
  WORD = 0,
  NEXT = 8,
  PREV = 12,
  LENGTH = 16,
  STAMP = 20,
  ARENA = 24,
  NAME = 28,
  GENERATION = 32,
  PINS = 40,
  /** RLock: depth. Semaphore: bound. Barrier: parties. Condition: lock. */
  FIRST = 44,
  /** Condition: the lock's stamp. */
  SECOND = 48,
  /** Condition: whether the lock is its own. */
  THIRD = 52,
  /** An f64. Barrier: timeout. */
  LAST = 56,
  THREAD_INBOX = 16,
  THREAD_PIN = 28,
  /** Of a task's waiter: where its thread keeps what it knows of the wait (bindings/inbox.ts). */
  TASK_PLACE = 16,
  THREAD_LOOKS = 40,
  THREAD_TAKE = 44,
  THREAD_SPINS = 48,
  THREAD_CORES = 52,
  THREAD_TARGET = 56,
  THREAD_HOME = 60,
}

/** Flags of an arena. */
export const enum ArenaFlag {
  /** The memory is the arena's own and may grow. */
  GROWS = 1,
  /** The arena that `new Lock()` uses when none is named. */
  DEFAULT = 2,
}
