/**
 * The numbers that the core and the bindings must agree on. AssemblyScript compiles this file into the core, TypeScript
 * imports it into the bindings; there is no second copy of any of them.
 */

/** The first word of an arena: "lkwk" in memory order. */
export const MAGIC = 0x6b776b6c;

/** Goes up with every change of layout or algorithm that an older core must not meet. */
export const VERSION = 2;

/** What an operation answers. `barrierWait` answers an arrival index, 0 or more, or one of the negative ones. */
export const STATUS_OK = 0;
export const STATUS_TIMEOUT = -1;
export const STATUS_NOT_HELD = -2;
export const STATUS_OVER_RELEASE = -3;
export const STATUS_BROKEN = -4;
export const STATUS_DESTROYED = -5;
/** Held or waited on: cannot be destroyed. */
export const STATUS_BUSY = -6;
/** A task's waiter stands in a queue; with its verdict it will come into its thread's inbox. */
export const STATUS_PENDING = -7;
/** `imports.wasm` only: the call would wait, and this thread may not block. */
export const STATUS_MAY_NOT_BLOCK = -8;
/** `imports.wasm` only: it would wait for ever. */
export const STATUS_DEADLOCK = -9;
/** `imports.wasm` only: the arena is full. */
export const STATUS_OUT_OF_MEMORY = -10;
/** `imports.wasm` only: an argument is wrong, or the program has no arena. */
export const STATUS_INVALID = -11;
/** The lock is held by the caller now, and its owner before that died as its owner. */
export const STATUS_ABANDONED = -12;

/** In a byte of the map: a latecomer is looking at the cell, which must not be given back meanwhile (queue-lock.ts). */
export const VISITED = 0x80;

/** What begins at a cell: its byte in the arena's map. */
export const KIND_FREE = 0;
/** Not the first cell of its block. */
export const KIND_INSIDE = 1;
/** The first cell of a block that is being made or taken apart. */
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
/** A user's typed array. */
export const KIND_ARRAY = 12;
/** A task's waiter, or the record of a task that owns RLocks. */
export const KIND_TASK = 13;
/** The record of a thread that has ended. It only ever becomes a thread's record again: others may be about to probe it. */
export const KIND_SPARE = 14;
/** What a thread tells of itself. */
export const KIND_INFO = 15;
/** The permits of a semaphore that a thread's guards hold. */
export const KIND_HOLD = 16;

/** A waiter's state, in its word. The table is in thread.ts. */
export const STATE_AWAITED = -1;
export const STATE_WAITING = 0;
export const STATE_PARKED = 1;
export const STATE_WOKEN = 2;
export const STATE_GRANTED = 3;
export const STATE_BROKEN = 4;

/** In place of a number of spins: the waiter is a task's. */
export const NEVER_SLEEPS = -1;

/* The words of the primitives. Each is explained at the top of its file. */

/** A resource: one permit, and the least owner. The bits below are flags. */
export const UNIT = 64;
/** The owner in the word of a Lock or RLock that is destroyed, or stays held by a dead thread: no record has this address. */
export const NOBODY = -UNIT;
/** A resource: the first waiter was passed over for too long, so what comes free next is handed to it. */
export const HANDOFF = 2;
/** A waiter of a resource that was passed over for this long (ms) asks for a handoff. */
export const HANDOFF_AFTER_MS = 1;
/** A resource: one waker in flight, the unit of that count. */
export const WOKEN = 4;
/**
 * Only an argument of `acquire`: the waiter goes before all others, since it stands for a task that has waited as long as
 * the one before it. Its bit and the next are those of the wakers in flight, in no word.
 */
export const AT_FRONT = 8;
/** Only an argument of `acquire`: the host must not be asked for the time. */
export const CLOCKLESS = 16;
/** A Lock, an RLock: an owner died as such, and nobody has put in order since what the lock protects. */
export const ABANDONED = 16;
/** A Lock: a task of the owning thread holds it. */
export const HELD_BY_TASK = 32;
/** An Event is set. */
export const SET = 4;
/** A Barrier: waiters arrive; the action runs; every wait fails. */
export const FILLING = 0;
export const ACTION = 4;
export const BROKEN = 8;
/** `barrierWait`: what the last to arrive does before the others go on: nothing; an action. NOT_LAST: it answers BUSY. */
export const NO_ACTION = 0;
export const WITH_ACTION = 1;
export const NOT_LAST = 2;
/** `barrierEnd`: in every generation and state. */
export const ANY = -1;
/** In place of an arrival index: the waiter came while an action ran, and stands at the entry. */
export const AT_ENTRY = -1;

/** The most permits that a semaphore's word can count. */
export const MAX_PERMITS = 0x03ffffff;

/** `join`: a waiter of another thread stands behind the proxy, so a newcomer must not join it. */
export const JOIN_NOT = 0;
/** `join`: a newcomer joins the proxy's local queue if it cannot acquire at once. */
export const JOIN_AFTER_TRYING = 1;
/** `join`: a newcomer has joined; there was nothing to acquire. */
export const JOIN_AT_ONCE = 2;

/** Bytes of a cell. */
export const CELL_SIZE = 64;

/** Bytes of an arena's header; the map follows. */
export const HEADER_SIZE = 256;

/** Byte offsets in an arena's header. */
export const HEADER_MAGIC = 0;
export const HEADER_VERSION = 4;
/** The arena's life, one word of 64 bits: the lower half of its id, and the number of its keepers (arena.ts). */
export const HEADER_ID_LOW = 8;
export const HEADER_KEEPERS = 12;
export const HEADER_ID_HIGH = 16;
export const HEADER_FLAGS = 20;
/** The number of cells that the map covers. */
export const HEADER_TOTAL = 24;
/** The first cell behind the map. */
export const HEADER_FIRST = 28;
/** The number of cells that are allocated. */
export const HEADER_USED = 32;
/** The last stamp given out. */
export const HEADER_STAMPS = 36;
/** Where the next search begins. */
export const HEADER_ROVER = 40;
/** How often cells were given back. A search that found nothing while it changed looks again. */
export const HEADER_FREES = 44;
/** An i64: the reaper (reap.ts). */
export const HEADER_REAPER = 48;
/** So long (ms) a blocked thread sleeps before it looks whether its waiting still has a point; 0 for ever (parker.ts). */
export const HEADER_NAP = 56;
/** How many records of threads that have ended there are. */
export const HEADER_SPARES = 60;

/** When a thread that hangs last wrote a dump, ms of the wall clock (bindings/inspect/hang.ts). */
export const HEADER_DUMPED = 64;

/** Byte offsets in a cell, explained in cell.ts, in thread.ts and in each primitive's file. */
export const CELL_WORD = 0;
export const CELL_NEXT = 8;
export const CELL_PREV = 12;
export const CELL_LENGTH = 16;
export const CELL_STAMP = 20;
export const CELL_ARENA = 24;
export const CELL_NAME = 28;
export const CELL_GENERATION = 32;
export const CELL_VERDICT = 36;
export const CELL_PINS = 40;
export const RLOCK_DEPTH = 44;
/** Lock, RLock: what becomes of it when its owner dies (`ON_DEATH_…`), and above those bits the number of the last one. */
export const LOCK_ON_DEATH = 36;
/** Lock, RLock: the name of the last owner that died, NAME_SIZE bytes. */
export const LOCK_ABANDONER = 48;
export const NAME_SIZE = 16;
/** The next owners are told, until one has put things in order; it is released; it stays held. */
export const ON_DEATH_TELL = 0;
export const ON_DEATH_RELEASE = 1;
export const ON_DEATH_KEEP = 2;
export const SEMAPHORE_BOUND = 44;
export const SEMAPHORE_FIRST = 48;
export const BARRIER_PARTIES = 44;
/** An f64. */
export const BARRIER_TIMEOUT = 56;
export const CONDITION_LOCK = 44;
export const CONDITION_LOCK_STAMP = 48;
/** Whether the lock is the Condition's own. */
export const CONDITION_OWNS_LOCK = 52;
export const THREAD_INBOX = 16;
/** A thread: its tickets, and above them when it may be probed again (reap.ts). */
export const THREAD_TICKETS = 20;
export const THREAD_PIN = 28;
/** A thread: its KIND_INFO cell. */
export const THREAD_INFO = 36;
/** A task's waiter: its place in the table of its thread's operations (bindings/operation-table.ts). */
export const TASK_PLACE = 16;
/** A proxy: for how many tasks it stands beside the first, and the cell whose length counts them (local.ts). */
export const TASK_EXTRA = 20;
export const TASK_LINE = 36;
export const THREAD_SPIN_BUDGET = 40;
export const THREAD_ADD_TO_ACQUIRE = 44;
export const THREAD_MAX_SPINS = 48;
export const THREAD_CORES = 52;
export const THREAD_QUEUED_ON = 56;
export const THREAD_OWNING_THREAD = 60;
/** A thread that waits for its life to be proved sleeps here, where the word is always 0. */
export const THREAD_ALIVE = 4;
/**
 * A KIND_INFO cell: the platform's number of the thread; the wait in which it was last seen blocked; the bytes of its name, to
 * the first 0; texts that say where its program is, and where in it the thread was blocked (bindings/thread-info.ts). Its
 * thread is where a record has it.
 */
export const INFO_ID = 0;
export const INFO_WAIT = 4;
export const INFO_NAME = 8;
export const INFO_WHERE = 52;
export const INFO_STACK = 56;
/** A text is a list of KIND_INFO cells: the bytes, to the first 0, and the next cell. */
export const TEXT_NEXT = 56;
/** A KIND_HOLD cell: the number of permits; of which semaphore. Its thread is where a record has it. */
export const HOLD_COUNT = 0;
export const HOLD_CELL = 8;
export const HOLD_STAMP = 20;

/** A flag of an arena: the memory is its own, and may grow. */
export const ARENA_GROWS = 1;
/** A flag of an arena: `new Lock()` uses it when none is named. */
export const ARENA_DEFAULT = 2;
