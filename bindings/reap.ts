import {
  ACTION,
  CELL_WORD,
  HEADER_REAPER,
  HOLD_CELL,
  HOLD_COUNT,
  HOLD_STAMP,
  INFO_ID,
  KIND_BARRIER,
  KIND_CONDITION,
  KIND_HOLD,
  KIND_INFO,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_TASK,
  KIND_THREAD,
  STATE_PARKED,
  STATUS_OK,
  THREAD_ALIVE,
  THREAD_INFO,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  THREAD_TICKETS,
  UNIT,
} from '../assembly/abi.ts';
import type { Core } from './core.ts';
import type { SharedWords } from './memory.ts';

/**
 * Threads die: `terminate()` stops one wherever it is. What it held and what it waited for is found here, and given back by
 * the core (`assembly/reap.ts`).
 *
 * How a death is known. Every engine drops a thread's pending `Atomics.waitAsync` when, and not before, the thread can run no
 * more code. So each thread keeps some of them pending on a word of its record that never changes, and counts them there:
 * its tickets. A thread that suspects a death takes a ticket and notifies one of them. The answer 1 says that the thread lives,
 * whether it computes, sleeps or waits, and its event loop puts the ticket back; 0 says that it is gone. No clock is asked,
 * and no living thread is taken for dead. A thread without a ticket counts as living.
 *
 * Suspects. A thread that waits looks, after a nap, at those that it waits for: the owner of the lock, those whose guards hold
 * permits, the runner of the action, all that were woken or have arrived, and some of those that stand in queues. The end of
 * a worker, as the platform tells it, is a hint only: Deno tells it of threads that run on.
 */

/** An arena as this thread sees it, as far as it is needed here. */
export interface Graveyard extends Pick<SharedWords, 'load' | 'notify'> {
  readonly base: number;
  readonly id: number;
  readonly core: Core;
  /** This thread's record. */
  readonly thread: number;
  /** How many of those that stand in queues this thread has looked at. */
  looked: number;
  /** For this thread's record and what acts like it: 0 on a thread that may not block. */
  readonly cores: number;
  blocks(all: boolean): Block[];
}

/** A block of an arena. */
export interface Block {
  readonly kind: number;
  readonly address: number;
}

const isLock = (kind: number): boolean => kind === KIND_LOCK || kind === KIND_RLOCK;
const isRecord = (kind: number): boolean => kind === KIND_THREAD || kind === KIND_TASK;
const isPrimitive = (kind: number): boolean => kind >= KIND_LOCK && kind <= KIND_CONDITION;

/*
 * Tickets, a word of a thread's record:
 *
 *    31 ……………………………………………………………… 8   7 …………… 0
 *   ┌─────────────────────────────────┬─────────────┐
 *   │ not to be probed before, ticks  │ tickets     │
 *   └─────────────────────────────────┴─────────────┘
 *
 * A thread that does not come back to its event loop cannot put tickets back. So the next one is given out half a second
 * after the first, then after twice the time, and so on, whichever thread asks. A program that asks by itself has it after an eighth
 * of that. The last ticket is for those two that know more: the program, and the platform.
 */

/** Why a thread is probed: somebody waits for it; the program asks; its platform says that it has ended. */
type Urgency = 'wait' | 'asked' | 'hint';

/** Of the wall clock, which all threads share: ms. */
const TICK = 128;
const TICKS = 0xffffff;
/** How many tickets a thread has at the most. */
export const FULL_SET = 8;
/** In ticks: half a second. */
const FIRST_DELAY = 4;

/** As it was when this was loaded: tests replace it. */
const wallClock = /* @__PURE__ */ (() => Date.now)();

function ticks(): number {
  return Math.floor(wallClock() / TICK) & TICKS;
}

/** How many tickets a thread has. */
export function ticketsOf(arena: Graveyard, thread: number): number {
  // Others take some at any time.
  return arena.load(thread, THREAD_TICKETS) & 0xff;
}

/**
 * One more `waitAsync` of this thread is pending already. Not the other way round: to notify in vain, where a ticket is
 * counted and its `waitAsync` is still to come, is to find a living thread dead.
 */
export function addTicket(arena: Graveyard): void {
  const { core, thread } = arena;
  let current: number;
  // Others take some at any time.
  do current = arena.load(thread, THREAD_TICKETS) | 0;
  while (!core.swap(thread + THREAD_TICKETS, current, current + 1));
}

function takeTicket(arena: Graveyard, thread: number, urgency: Urgency): boolean {
  // Checked again when one is taken.
  const current = arena.load(thread, THREAD_TICKETS);
  const tickets = current & 0xff;
  const now = ticks();
  const left = ((current >>> 8) - now) & TICKS;
  const waits = urgency === 'wait';
  // A longer one is of a time when it had fewer tickets, or of another time of the clock.
  const early = left > 0 && left <= delayOf(tickets + 1, waits);
  if (tickets === 0 || (urgency !== 'hint' && early) || (waits && tickets === 1)) return false;
  // Those that wait need not wait longer because the program has asked.
  const next = now + delayOf(tickets, waits);
  return arena.core.swap(thread + THREAD_TICKETS, current | 0, (next << 8) | (tickets - 1)) !== 0;
}

/** How long to wait after a ticket was taken of so many, in ticks. */
function delayOf(tickets: number, waits: boolean): number {
  return (waits ? FIRST_DELAY : FIRST_DELAY / 8) * 2 ** Math.max(0, FULL_SET - tickets);
}

/** Whether a thread is dead for certain. Costs a ticket. */
function isDead(arena: Graveyard, thread: number, urgency: Urgency): boolean {
  if (thread === arena.thread || !takeTicket(arena, thread, urgency)) return false;
  return arena.notify(thread + THREAD_ALIVE, 1) === 0;
}

/** The most waiters that only stand in queues, of all that one look is for. */
const LOOKED_AT = 4;

/**
 * The cells that something waits at, and the threads that it depends on, as far as memory knows them. All of it may be over
 * at once: nothing follows from it but that a thread is probed.
 */
function dependencies(arena: Graveyard): { cells: Set<number>; threads: Set<number> } {
  const blocks = arena.blocks(false);
  const kinds = new Map(blocks.map(({ kind, address }) => [address, kind]));
  const kindOf = (address: number): number => kinds.get(address) ?? 0;
  const cells = new Set<number>();
  const standing: number[] = [];
  const records: number[] = [];
  for (const { kind, address } of blocks) {
    if (!isRecord(kind)) continue;
    // What stands in its queue, or was woken from it.
    const cell = arena.load(address, THREAD_QUEUED_ON);
    if (!isPrimitive(kindOf(cell))) continue;
    const stands = (arena.load(address, CELL_WORD) | 0) <= STATE_PARKED && kindOf(cell) !== KIND_BARRIER;
    (stands ? standing : records).push(address);
    cells.add(cell);
  }
  // Nobody waits for one that only stands in a queue, so of many some will do.
  arena.looked = standing.length > LOOKED_AT ? (arena.looked + LOOKED_AT) % standing.length : 0;
  records.push(...standing.slice(arena.looked, arena.looked + LOOKED_AT));
  for (const cell of cells) {
    // The owner of a lock; the runner of a barrier's action.
    const word = arena.load(cell, CELL_WORD);
    if (isLock(kindOf(cell)) || (kindOf(cell) === KIND_BARRIER && word & ACTION)) records.push((word & -UNIT) >>> 0);
  }
  for (const { kind, address } of blocks) {
    // Whose guards hold permits.
    if (kind === KIND_HOLD && arena.load(address, HOLD_COUNT) > 0 && cells.has(arena.load(address, HOLD_CELL)))
      records.push(address);
  }
  // The thread of a record never changes.
  const owning = (record: number): number => (kinds.has(record) ? arena.load(record, THREAD_OWNING_THREAD) : 0);
  return { cells, threads: new Set(records.map(owning).filter((thread) => kindOf(thread) === KIND_THREAD)) };
}

/**
 * A thread has waited for a while. Unless one has just done so: buries those of whom anybody may wait, if they are dead, and
 * unparks those that a dead thread was about to unpark. Answers whether it has looked.
 */
export function lookAround(arena: Graveyard): boolean {
  return asReaper(arena, 'wait', () => {
    const { cells, threads } = dependencies(arena);
    buryDead(arena, threads, 'wait');
    for (const cell of cells) {
      // The action that this thread runs goes on: nobody else would end it.
      const acting = arena.load(cell, CELL_WORD) === (arena.thread | ACTION) >>> 0;
      if (!acting) arena.core.reapCell(cell, arena.thread, 0);
    }
  });
}

/** Tries for as long as another thread reaps, some milliseconds at the most. */
const TRIES = 10_000;

/** Buries all threads of the arena that are dead, as far as it can be asked now. Answers how many there were. */
export function reapAll(arena: Graveyard, urgency: Urgency): number {
  let count = 0;
  const act = (): void => {
    count = buryDead(arena, threadsOf(arena), urgency);
  };
  untilReaper(arena, urgency, act);
  return count;
}

/** This thread ends, and is in no call. If another one reaps all the while, it is left to be found dead. */
export function end(arena: Graveyard): void {
  untilReaper(arena, 'hint', () => bury(arena, arena.thread));
}

function untilReaper(arena: Graveyard, urgency: Urgency, act: () => void): void {
  for (let tries = TRIES; tries > 0 && !asReaper(arena, urgency, act); tries--);
}

/** Buries the thread with this number of the platform's, if it is dead. False: it may live. */
export function reapNumber(arena: Graveyard, number: number): boolean {
  let gone = false;
  asReaper(arena, 'hint', () => {
    const found = threadsOf(arena).filter((thread) => {
      // Written before others knew of the thread, but for one that is about to begin.
      const info = arena.load(thread, THREAD_INFO);
      return info !== 0 && arena.load(info, INFO_ID) === number;
    });
    gone = buryDead(arena, found, 'hint') === found.length;
  });
  return gone;
}

function threadsOf(arena: Graveyard): number[] {
  const threads = arena.blocks(true).filter(({ kind }) => kind === KIND_THREAD);
  return threads.map(({ address }) => address);
}

/*
 * One reaper at a time. A word of 64 bits in the arena's header: the reaper's record; above it when it was claimed, in ticks,
 * and a count, so that a thread that finds a dead one there does not claim in place of a living one with the same record.
 *
 *   reaper                    next
 *   ────────────────────────────────────────────────────────────
 *   0                         a thread
 *   a thread                  0, when it has finished
 *   a thread that has died    a thread, which begins anew: every step is whole, and once more changes nothing
 *
 * Only a reaper probes, since what it finds dead stays what it is: records become another thread's by a reaper only. Of all
 * threads that wait one looks around, and then for a while none: each look walks over the arena's map.
 */

/** In ticks, and shorter than a nap: the thread that has looked last is the next to look. */
const LOOKS = 6;

/** Acts while no other thread reaps. False when one does; or a thread only waits, and one has just looked around. */
function asReaper(arena: Graveyard, urgency: Urgency, act: () => void): boolean {
  const { base, core, thread } = arena;
  // Checked again when it is claimed.
  const claimed = arena.load(base, HEADER_REAPER + 4);
  if (urgency === 'wait' && ((ticks() - (claimed >>> 8)) & TICKS) < LOOKS) return false;
  const reaper = arena.load(base, HEADER_REAPER);
  const died = reaper !== 0 && reaper !== thread;
  if (died && !isDead(arena, reaper, 'asked')) return false;
  const mine = (ticks() << 8) | ((claimed + 1) & 0xff);
  if (!core.claimReaper(base, wordOf(reaper, claimed), wordOf(thread, mine))) return false;
  try {
    if (died) buryFound(arena, reaper);
    act();
  } finally {
    core.claimReaper(base, wordOf(thread, mine), wordOf(0, mine));
  }
  return true;
}

function wordOf(reaper: number, claimed: number): bigint {
  return (BigInt(claimed >>> 0) << BigInt(32)) | BigInt(reaper);
}

function buryDead(arena: Graveyard, threads: Iterable<number>, urgency: Urgency): number {
  let count = 0;
  for (const thread of threads) {
    if (!isDead(arena, thread, urgency)) continue;
    buryFound(arena, thread);
    count++;
  }
  return count;
}

/**
 * Buries a thread that was found dead. If this reaper dies in the midst, another one must find it dead once more: its tickets
 * may all be used up, but of the dead every answer is true.
 */
function buryFound(arena: Graveyard, thread: number): void {
  while (!arena.core.swap(thread + THREAD_TICKETS, arena.load(thread, THREAD_TICKETS) | 0, FULL_SET));
  bury(arena, thread);
}

/**
 * Gives back all that a thread has: one that is dead; or this one, in no call, when it ends. Afterwards its record may be
 * another thread's.
 */
export function bury(arena: Graveyard, thread: number): void {
  const { base, id, core, cores } = arena;
  const blocks = arena.blocks(true);
  // The thread is dead, or this one: what is its own does not change any more.
  const others = blocks.filter(({ kind, address }) => {
    const owned = kind === KIND_TASK || kind === KIND_HOLD || kind === KIND_INFO;
    return owned && arena.load(address, THREAD_OWNING_THREAD) === thread;
  });
  const tasks = others.filter(({ kind }) => kind === KIND_TASK).map(({ address }) => address);
  // The thread first: the reaper acts in its name from then on.
  const waiters = [thread, ...tasks];
  for (const waiter of waiters) core.reapWaiter(waiter, cores);
  const mine = new Set(waiters);
  for (const { kind, address } of blocks) {
    if (!isPrimitive(kind)) continue;
    // That of a dead thread stays, or another thread releases the lock.
    const owner = isLock(kind) ? (arena.load(address, CELL_WORD) & -UNIT) >>> 0 : 0;
    core.reapCell(address, thread, mine.has(owner) ? owner : 0);
  }
  for (const { kind, address } of others) if (kind === KIND_HOLD) giveBack(arena, thread, address);
  for (const { address } of others) core.dropRecord(base, id, address);
  core.dropRecord(base, id, thread);
}

/** Gives back the permits of a dead thread's guards. */
function giveBack(arena: Graveyard, thread: number, hold: number): void {
  // The dead thread's own, as above.
  const cell = arena.load(hold, HOLD_CELL);
  const stamp = arena.load(hold, HOLD_STAMP) | 0;
  while (arena.load(hold, HOLD_COUNT) > 0) {
    if (arena.core.semLetGo(cell, stamp, thread, hold) !== STATUS_OK) return;
  }
}
