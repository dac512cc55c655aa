import text from '../build/release/core.wasm';
import { now } from './clock.ts';
import { compile } from './compile.ts';
import { CALLS, callsOf, type Table } from './core-table.ts';
import { ThreadingError, UnsupportedError } from './errors.ts';
import type { Memory } from './globals.ts';
import { guarded, type Mark, tears, unmarked } from './torn.ts';

/**
 * What `assembly/index.ts` exports. Cells, threads, arenas and blocks are byte addresses; what comes back is a
 * `Status` (see `assembly/abi.ts`) unless it says otherwise.
 */
export interface Core {
  /** An address, 0 when the arena is full, or no longer the one with this id. */
  alloc(arena: number, id: number, kind: number, cells: number): number;
  /** Whether it was a block of this kind, and no other thread has freed it. */
  free(arena: number, block: number, cells: number, kind: number): number;
  /**
   * An address, as `alloc`. `owningThread`: of a task, its thread's record; 0 of a thread. `spare`: of a thread, a record
   * that it is made of, or 0; then 0 means, too, that another thread has taken that one.
   */
  addRecord(
    arena: number,
    id: number,
    kind: number,
    spins: number,
    cores: number,
    owningThread: number,
    spare: number,
  ): number;
  dropRecord(arena: number, id: number, record: number): void;
  arenaDestroy(arena: number, id: number): number;
  /** An address, as `alloc`. */
  create(arena: number, id: number, kind: number): number;
  destroy(cell: number, stamp: number, thread: number, mask: number, idle: number, dead: number): number;
  /** The oldest waiter in the thread's inbox, linked to the others by `next`; 0 when there is none. */
  collect(thread: number): number;
  /** A task's waiter: where its thread keeps what it knows of the wait. */
  setPlace(waiter: number, place: number): void;
  /** A thread's record waits as a task's waiter from now on. Answers what `waitAsThread` needs. */
  waitAsTask(thread: number): number;
  waitAsThread(thread: number, maxSpins: number, spinBudget: number): void;
  /** `forTurn`: only if what it waits for is free. TIMEOUT: it has left. */
  cancelWait(cell: number, stamp: number, waiter: number, forTurn: boolean): number;
  /** What is behind those of locks and semaphores, for waiters of tasks. `flags`: WOKEN, HANDOFF, AT_FRONT. */
  acquire(cell: number, stamp: number, waiter: number, addToAcquire: number, timeout: number, flags: number): number;
  /** Waits until the verdict of a waiter that the word already names as the owner is there. */
  awaitVerdicts(cell: number, stamp: number, thread: number): void;
  /** A task has what its waiter waited for. `hold`: a guard's permit, counted in this cell; else 0. */
  accept(waiter: number, hold: number): void;
  /** After an exception out of a call that blocks: what is due to the thread goes back. */
  undo(thread: number): void;
  /** A waiter has a verdict and no use for it. */
  decline(cell: number, stamp: number, waiter: number): void;
  /** Whether a newcomer goes behind the proxy of a local queue: JOIN_…. AT_ONCE: it is counted, if there are `others`. */
  join(cell: number, proxy: number, others: boolean): number;
  /** So many tasks more stand in a local queue. */
  countTasks(cell: number, proxy: number, change: number): void;
  /** What is held in the one name is held in the other. */
  rename(cell: number, from: number, to: number): void;
  /** `owner`: a thread; with HELD_BY_TASK one of its tasks, which waits 0 ms. */
  lockAcquire(cell: number, stamp: number, owner: number, timeout: number): number;
  /** `owner`: its probable holder. */
  lockRelease(cell: number, stamp: number, owner: number): number;
  /**
   * Whether a Lock or RLock went from `from`, this thread or a task of it, to `to`, the first task that the proxy stands
   * for. A Lock that changes its owner needs `others`.
   */
  handOff(cell: number, stamp: number, proxy: number, from: number, to: number, others: boolean): number;
  /** Its owner has put in order what an abandoned lock protects. */
  restore(cell: number): void;
  rlockAcquire(cell: number, stamp: number, thread: number, timeout: number): number;
  rlockRelease(cell: number, stamp: number, thread: number): number;
  semAcquire(cell: number, stamp: number, thread: number, timeout: number): number;
  semRelease(cell: number, stamp: number, thread: number, permits: number): number;
  /** A guard's permit, which is counted in the cell `hold`. */
  semHold(cell: number, stamp: number, thread: number, timeout: number, hold: number): number;
  semLetGo(cell: number, stamp: number, thread: number, hold: number): number;
  /** `change`: what it adds to `hold`, if that is not 0. */
  semHandOff(cell: number, stamp: number, proxy: number, others: boolean, hold: number, change: number): number;
  eventWait(cell: number, stamp: number, thread: number, timeout: number): number;
  eventSet(cell: number, stamp: number, thread: number): number;
  eventClear(cell: number, stamp: number): number;
  /** An arrival index or a negative status. */
  barrierWait(cell: number, stamp: number, thread: number, timeout: number, action: number): number;
  /** Whether it did anything. */
  barrierEnd(
    cell: number,
    stamp: number,
    thread: number,
    generation: number,
    from: number,
    verdict: number,
    to: number,
  ): number;
  /** A waiter goes for good. */
  barrierLeave(cell: number, stamp: number, waiter: number): void;
  condWait(
    cell: number,
    stamp: number,
    waiter: number,
    addToAcquire: number,
    timeout: number,
    recursive: boolean,
  ): number;
  condEnd(waiter: number, depth: number): void;
  /** After an exception out of `condWait`: the lock is held again. */
  condUndo(thread: number, depth: number): void;
  condNotify(cell: number, stamp: number, owner: number, n: number, recursive: boolean): number;
  /** Whether the waiter took the task's notify, and the task its place. */
  condExchange(cell: number, stamp: number, waiter: number, task: number): number;
  /** A waiter of a Condition will not have the lock again: its call throws. */
  unpin(waiter: number): void;
  /** All that is due to a waiter of a dead thread goes back. `cores`: this thread's. */
  reapWaiter(waiter: number, cores: number): void;
  /** What a dead thread has left at a primitive. `owner`: it, or a task of it, if that may own it; else 0. */
  reapCell(cell: number, thread: number, owner: number): void;
  /** Whether the arena's reaper was `current`. */
  claimReaper(arena: number, current: bigint, next: bigint): number;
  /** A word that means nothing to the core. Whether it was `current`. */
  swap(address: number, current: number, next: number): number;
  readonly table: Table;
}

/** From now on the calls throw. Answers a function that puts them back. */
export function cutOff(core: Core, why: string): () => void {
  const calls = { ...core };
  for (const name of CALLS) {
    core[name] = (): never => {
      throw new ThreadingError(why);
    };
  }
  return () => Object.assign(core, calls);
}

let compiled: WebAssembly.Module | undefined;

/**
 * The core on a memory. Instantiating changes nothing in the memory: the module has no data and no start function.
 *
 * @param stalled what a thread does that has been blocked for a nap, in the midst of its call: answers how long (ms)
 *   the next one is, negative if it may take a turn; what it throws ends the call
 * @param mark whether a call is in it
 */
export function instantiate(
  memory: Memory,
  stalled: (thread: number, deadline: number, first: number) => number,
  mark: Mark,
): Core {
  try {
    compiled ??= compile(text);
    const look: typeof stalled = tears() ? (...of) => unmarked(mark, () => stalled(...of)) : stalled;
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory, clock: now, stalled: look } });
    const core = callsOf(exports.calls as unknown as Table) as Core;
    return tears() ? guarded(core, mark) : core;
  } catch (error) {
    throw new UnsupportedError(
      "lockwork could not load its WebAssembly module. If the page has a Content-Security-Policy, its script-src must contain 'wasm-unsafe-eval'",
      { cause: error },
    );
  }
}
