import {
  ACTION,
  BROKEN,
  CELL_WORD,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_TASK,
  KIND_THREAD,
  STATE_BROKEN,
  THREAD_MAX_SPINS,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  THREAD_SPIN_BUDGET,
  UNIT,
} from '../assembly/abi.js';
import type { Core } from './core.js';
import { ThreadingError } from './errors.js';
import { cores } from './host.js';
import type { Region } from './region.js';
import { SharedBuffer } from './sharing.js';

/** What this thread may do, and its record in each arena it uses. */

/**
 * Whether this thread may block. Asked of JavaScript, never of WebAssembly: Firefox's page thread would really block in
 * `memory.atomic.wait32`. The word differs from what is waited for, so that nothing waits here either.
 */
export const mayBlock = /* @__PURE__ */ ((): boolean => {
  try {
    return Atomics.wait(new Int32Array(new SharedBuffer!(4)), 0, 1, 0) === 'not-equal';
  } catch {
    return false;
  }
})();

/**
 * How often a waiter may look at its record before it sleeps: some 30 µs, what it takes to be woken. On one core nobody
 * could change what it looks at.
 */
const SPINS = 32768;

/**
 * More than any call that blocks takes, whatever tier its functions are in: 32 KB of arguments. An engine may have to
 * compile a function before it is called, on the same stack.
 */
const STACK = /* @__PURE__ */ Array(4096).fill(0);

function nothing(): void {}

/**
 * Throws what the engine throws when the stack is nearly full, while nothing has begun yet: for what would need as much
 * of it again, in the midst of a step, to make good for that.
 */
export function needStack(): void {
  nothing.apply(undefined, STACK as []);
}

/** How often a thread looks at the most, and a task's waiter, which never sleeps. */
const MAX_SPINS = /* @__PURE__ */ (() => (cores > 1 ? SPINS : 0))();
const TASK_SPINS = -1;

/** Makes this thread's record in an arena; 0 when the arena is full. */
export function register(region: Region): number {
  return makeRecord(region, KIND_THREAD, MAX_SPINS, 0);
}

/** Makes a cell for a wait of a task of this thread, or for a task that owns; 0 when the arena is full. */
export function makeTask(region: Region): number {
  return makeRecord(region, KIND_TASK, TASK_SPINS, region.thread);
}

/**
 * This thread waits as a task does, with its own record: it does not look for a while either, or it would learn from
 * spins that are none. Answers what `waitAsThread` needs.
 */
export function waitAsTask(region: Region): number {
  const looks = region.words(region.thread)[(region.thread + THREAD_SPIN_BUDGET) >>> 2]!;
  setSpins(region, TASK_SPINS, TASK_SPINS);
  return looks;
}

/** It does so no more, and has used what it was given: nothing is due to its record. */
export function waitAsThread(region: Region, looks: number): void {
  const { thread } = region;
  setSpins(region, MAX_SPINS, looks);
  region.words(thread)[(thread + THREAD_QUEUED_ON) >>> 2] = 0;
}

function setSpins(region: Region, spins: number, looks: number): void {
  const { thread } = region;
  const words = region.words(thread);
  words[(thread + THREAD_MAX_SPINS) >>> 2] = spins;
  words[(thread + THREAD_SPIN_BUDGET) >>> 2] = looks;
}

/** What both are: `assembly/thread.ts`. */
function makeRecord(region: Region, kind: number, spins: number, home: number): number {
  const { core, base, id } = region;
  const record = core.addRecord(base, id, kind, spins, mayBlock ? cores : 0, home) >>> 0;
  if (!record) region.check();
  return record;
}

/** Gives a task's cell back. */
export function dropTask({ core, base, id }: Region, record: number): void {
  core.dropRecord(base, id, record);
}

/**
 * Gives this thread's record back, and its tasks', unless one still owns a lock: then its address must not come to mean another thread.
 * Another listener of `exit` that used a primitive after this would use the record of somebody else; so it is told.
 */
export function unregister(region: Region): void {
  const { base, id, core, thread, inbox, acting } = region;
  if (region.destroyed) return;
  // Rounds of barriers whose actions will not come to an end.
  for (const { cell, life, generation } of acting) {
    core.barrierEnd(cell, life, thread, generation, ACTION, STATE_BROKEN, BROKEN);
  }
  inbox?.close();
  const cells = region.cells();
  const locks = cells.filter(({ kind }) => kind === KIND_LOCK || kind === KIND_RLOCK);
  const holders = new Set(locks.map(({ address }) => (region.load(address, CELL_WORD) & -UNIT) >>> 0));
  // The tasks that wait have left: what is here yet owns, or acquired nothing.
  const tasks = cells.filter(({ kind, address }) => {
    return kind === KIND_TASK && region.load(address, THREAD_OWNING_THREAD) === thread;
  });
  for (const record of [...tasks.map(({ address }) => address), thread]) {
    if (!holders.has(record)) core.dropRecord(base, id, record);
  }
  if (holders.has(thread)) return;
  for (const name of Object.keys(core) as (keyof Core)[]) {
    core[name] = (): never => {
      throw new ThreadingError('This thread has ended for lockwork: use primitives before its "exit" event');
    };
  }
}
