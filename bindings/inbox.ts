import { Field, type State, Status } from '../assembly/abi.js';
import { OutOfMemoryError, UnsupportedError } from './errors.js';
import type { Region } from './region.js';
import { makeTask } from './thread.js';

/**
 * Waiting without blocking. A task (an `async` function of this thread) that has to wait gets a cell, its waiter, which
 * stands in the queue among blocking ones; who gives it a verdict puts it into this thread's inbox, a word in its
 * record (`assembly/inbox.ts`). At most one `Atomics.waitAsync` a thread waits for that word.
 */

/**
 * One wait: its steps are the core's, and each answers a status or (Barrier) an index. PENDING: the waiter stands in a
 * queue, and a verdict will come.
 */
export abstract class Wait {
  constructor(
    /** The primitive's. */
    readonly region: Region,
    readonly cell: number,
    readonly life: number,
  ) {}

  /** Goes through, or into the queue. */
  abstract enter(waiter: number): number;

  /** There is a verdict. */
  abstract resume(waiter: number, verdict: State): number;

  /** Its time is up, or it is aborted. */
  abstract leave(waiter: number): number;

  /**
   * There is a verdict while this thread blocks, and its tasks can't run: the wake-up goes to somebody else. False when
   * it is nothing that others wait for. `enter` tries again later.
   */
  decline(_waiter: number, _verdict: State): boolean {
    return false;
  }

  /** Whether a waiter with a verdict of the other wait does as well for this one, which then waits with this one's. */
  rivals(_other: Wait): boolean {
    return false;
  }

  protected state(waiter: number): State {
    return this.region.load(waiter, Field.WORD) | 0;
  }
}

/** A wait and the waiter that it has at the moment. */
interface Pending {
  readonly wait: Wait;
  waiter: number;
  settle?(status: number): void;
}

/** The longest time that timers and waits take, ms: about 24 days. Whoever waits longer waits again. */
const LONGEST = 2 ** 31 - 1;

/** So many cells of waiters are kept while some are in use. */
const SPARE = 64;

export class Inbox {
  /** Barriers whose action is running in a task of this thread. */
  readonly acting = new Set<number>();
  /** Cells of this thread's tasks that own RLocks. */
  readonly owners = new Set<number>();
  readonly #region: Region;
  readonly #address: number;
  readonly #pending = new Map<number, Pending>();
  readonly #spare: number[] = [];
  #armed = false;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(region: Region) {
    this.#region = region;
    this.#address = region.thread + Field.THREAD_INBOX;
  }

  /** Whether a task waits. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * Waits as a task does. Answers the final status; rejects with the signal's reason when it was aborted.
   *
   * @param limit ms
   */
  wait(wait: Wait, limit: number, signal?: AbortSignal): Promise<number> {
    const waiter = this.take();
    const first = wait.enter(waiter);
    if (first !== Status.PENDING) {
      this.give(waiter);
      this.collect();
      return Promise.resolve(first);
    }
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + limit;
      let aborted = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const pending: Pending = {
        wait,
        waiter,
        settle(status) {
          forget();
          // Aborted too late, it has what it waited for.
          if (aborted && (status === Status.TIMEOUT || status === Status.BROKEN)) reject(signal?.reason);
          else resolve(status);
        },
      };
      const forget = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const giveUp = (): void => {
        forget();
        this.#step(pending, wait.leave(pending.waiter));
        this.collect();
      };
      const abort = (): void => {
        aborted = true;
        giveUp();
      };
      const tick = (): void => {
        const left = deadline - performance.now();
        if (left > 0) timer = setTimeout(tick, Math.min(Math.ceil(left), LONGEST));
        else giveUp();
      };
      this.#pending.set(waiter, pending);
      signal?.addEventListener('abort', abort);
      this.collect();
      this.#arm();
      if (limit < Infinity && this.#pending.get(pending.waiter) === pending) tick();
    });
  }

  /**
   * Waits by blocking, in a thread whose tasks wait, too. They cannot run until it returns, so it goes before them: a
   * wake-up that a task gets meanwhile passes on to others, and the task stands in the queue anew afterwards. A task
   * that was notified by the same Condition changes places with it.
   */
  block(wait: Wait, limit: number): number {
    const mine: Pending = { wait, waiter: this.take() };
    const aside: Pending[] = [];
    const deadline = performance.now() + limit;
    let late = false;
    let status = wait.enter(mine.waiter);
    while (status === Status.PENDING) {
      const left = late ? Infinity : deadline - performance.now();
      if (left <= 0) {
        late = true;
        status = wait.leave(mine.waiter);
        continue;
      }
      Atomics.wait(this.#region.words(this.#address), this.#address >>> 2, 0, Math.min(left, LONGEST));
      for (const waiter of this.#collected()) {
        const verdict = this.#verdict(waiter);
        const pending = this.#pending.get(waiter);
        if (pending && status === Status.PENDING && wait.rivals(pending.wait)) {
          this.#pending.delete(waiter);
          this.#pending.set(mine.waiter, pending);
          pending.waiter = mine.waiter;
          mine.waiter = waiter;
        }
        if (waiter === mine.waiter) status = wait.resume(waiter, verdict);
        else if (pending?.wait.decline(waiter, verdict)) aside.push(pending);
        else if (pending) this.#step(pending, pending.wait.resume(waiter, verdict));
      }
    }
    this.give(mine.waiter);
    for (const pending of aside) this.#step(pending, pending.wait.enter(pending.waiter));
    this.collect();
    return status;
  }

  /** Settles what has its verdict; what this thread itself gives its tasks does not take the way through the engine. */
  collect(): void {
    while (Atomics.load(this.#region.words(this.#address), this.#address >>> 2) !== 0) {
      for (const waiter of this.#collected()) {
        const pending = this.#pending.get(waiter);
        if (pending) this.#step(pending, pending.wait.resume(waiter, this.#verdict(waiter)));
      }
    }
  }

  /** Lets waits that may have become possible in another way try once more. */
  retry(which: (wait: Wait) => boolean): void {
    for (const pending of [...this.#pending.values()]) {
      const { wait, waiter } = pending;
      if (!which(wait) || this.#region.core.leave(wait.cell, waiter) !== Status.TIMEOUT) continue;
      this.#step(pending, wait.enter(waiter));
    }
  }

  /** This thread ends: its tasks leave the queues. */
  close(): void {
    const { core } = this.#region;
    for (const waiter of this.#pending.keys()) core.leave(this.#region.load(waiter, Field.THREAD_TARGET), waiter);
    for (const waiter of this.#collected()) this.#pending.get(waiter)?.wait.decline(waiter, this.#verdict(waiter));
    for (const waiter of this.#pending.keys()) this.give(waiter);
    this.#pending.clear();
    this.#rest();
  }

  /** A cell for a wait, or for an owner. */
  take(): number {
    const waiter = this.#spare.pop() ?? makeTask(this.#region);
    if (!waiter) throw new OutOfMemoryError('The arena is full: there is no room for one more task that waits');
    return waiter;
  }

  give(waiter: number): void {
    if (this.busy && this.#spare.length < SPARE) this.#spare.push(waiter);
    else this.#region.core.reclaim(this.#region.base, waiter, 1);
  }

  #step(pending: Pending, status: number): void {
    if (status === Status.PENDING) return;
    this.#pending.delete(pending.waiter);
    this.give(pending.waiter);
    if (!this.busy) this.#rest();
    pending.settle?.(status);
  }

  #verdict(waiter: number): State {
    return this.#region.load(waiter, Field.WORD);
  }

  /** What is in the inbox, oldest first. Taken out whole, before anything of it stands in a queue again. */
  #collected(): number[] {
    const found: number[] = [];
    let waiter = this.#region.core.collect(this.#region.thread) >>> 0;
    for (; waiter; waiter = this.#region.load(waiter, Field.NEXT)) found.push(waiter);
    return found;
  }

  /** Waits for the inbox, and keeps the process alive: a pending `waitAsync` does not. */
  #arm(): void {
    if (this.busy) this.#keepAlive ??= setInterval(() => {}, LONGEST);
    while (!this.#armed && this.busy) {
      const { async, value } = Atomics.waitAsync(this.#region.words(this.#address), this.#address >>> 2, 0);
      if (async) {
        this.#armed = true;
        void value.then(() => {
          this.#armed = false;
          this.collect();
          this.#arm();
        });
      } else this.collect();
    }
  }

  /** Nobody waits any more. A `waitAsync` that is pending stays, and serves the next. */
  #rest(): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
    for (const waiter of this.#spare.splice(0)) this.#region.core.reclaim(this.#region.base, waiter, 1);
  }
}

/** The inbox of this thread in an arena, made on first use. */
export function inboxOf(region: Region): Inbox {
  if (typeof Atomics.waitAsync !== 'function') {
    throw new UnsupportedError(
      'lockwork needs Atomics.waitAsync for its async calls, which this platform does not have',
    );
  }
  region.inbox ??= new Inbox(region);
  return region.inbox;
}
