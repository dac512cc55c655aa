import { Field, State, Status } from '../assembly/abi.js';
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

  /** The thread ends. PENDING: there is a verdict, to be declined. */
  abandon(waiter: number): number {
    return this.leave(waiter);
  }

  /**
   * There is a verdict while this thread blocks, and its tasks can't run: the wake-up goes to somebody else. False when
   * it is nothing that others wait for. `enter` tries again later.
   */
  decline(_waiter: number, _verdict: State): boolean {
    return false;
  }

  /** Waits with the same may change places: a Condition that has notified one of them might as well have another. */
  get rival(): number | undefined {
    return undefined;
  }

  /** Who may be the lock's owner before the wait is over, by another task. */
  get owner(): number | undefined {
    return undefined;
  }

  /** Whether it would wait, or having entered the queue waits, for a task of this thread, and must not block. */
  deadlocked(_entered: boolean): boolean {
    return false;
  }

  protected state(waiter: number): State {
    return this.region.load(waiter, Field.WORD) | 0;
  }
}

/** The longest time that timers and waits take, ms: about 24 days. Whoever waits longer waits again. */
const LONGEST = 2 ** 31 - 1;

/** So many cells of waiters are kept while some are in use. */
const SPARE = 64;

/** A wait, the waiter that it has at the moment, and what becomes of it. */
class Pending {
  resolve: ((status: number) => void) | undefined;
  #reject: ((reason: unknown) => void) | undefined;
  #signal: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #aborted = false;

  constructor(
    readonly inbox: Inbox,
    readonly wait: Wait,
    public waiter: number,
  ) {}

  start(
    limit: number,
    signal: AbortSignal | undefined,
    resolve: (status: number) => void,
    reject: (reason: unknown) => void,
  ): void {
    this.resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    signal?.addEventListener('abort', this);
    if (limit < Infinity) this.#tick(performance.now() + limit);
  }

  settle(status: number): void {
    this.#forget();
    // Aborted too late, it has what it waited for.
    if (this.#aborted && (status === Status.TIMEOUT || status === Status.BROKEN)) this.#reject?.(this.#signal?.reason);
    else this.resolve?.(status);
  }

  /** The signal's listener. */
  handleEvent(): void {
    this.#aborted = true;
    this.#giveUp();
  }

  #tick(deadline: number): void {
    const left = deadline - performance.now();
    if (left <= 0) this.#giveUp();
    else this.#timer = setTimeout(() => this.#tick(deadline), Math.min(Math.ceil(left), LONGEST));
  }

  #giveUp(): void {
    this.#forget();
    this.inbox.giveUp(this);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this);
  }
}

/** Of a browser, a number without methods. */
type Timer = ReturnType<typeof setInterval> & { ref?(): void; unref?(): void };

/** A barrier whose action a task of this thread runs, in this generation. */
export interface Acting {
  readonly cell: number;
  readonly generation: number;
}

export class Inbox {
  readonly acting = new Set<Acting>();
  /** Cells of this thread's tasks that own RLocks. */
  readonly owners = new Set<number>();
  readonly #region: Region;
  readonly #address: number;
  readonly #pending = new Map<number, Pending>();
  readonly #spare: number[] = [];
  #armed = false;
  #keepAlive: Timer | undefined;

  constructor(region: Region) {
    this.#region = region;
    this.#address = region.thread + Field.THREAD_INBOX;
  }

  /** Whether a task waits. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether a task was handed what it waits for at `cell`, and has not been told: that can still pass on. */
  handed(cell: number): boolean {
    const region = this.#region;
    for (const waiter of this.#pending.keys()) {
      if (this.#verdict(waiter) === State.GRANTED && region.load(waiter, Field.THREAD_TARGET) === cell) return true;
    }
    return false;
  }

  /**
   * Waits as a task does. Answers what `answer` makes of the final status; rejects with what it throws, or with the
   * signal's reason when it was aborted.
   *
   * @param limit ms
   * @param answer must not collect: the thread may be blocking, and its own verdict be in the inbox
   */
  wait<T>(wait: Wait, limit: number, signal: AbortSignal | undefined, answer: (status: number) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter = this.take();
      const first = wait.enter(waiter);
      const settle = (status: number): void => {
        try {
          resolve(answer(status));
        } catch (error) {
          reject(error);
        }
      };
      if (first === Status.PENDING) {
        const pending = new Pending(this, wait, waiter);
        if (!this.busy) this.#stay();
        this.#pending.set(waiter, pending);
        pending.start(limit, signal, settle, reject);
        if (!this.#armed) this.#arm();
      } else {
        this.give(waiter);
        settle(first);
      }
      this.collect();
    });
  }

  /** For a wait whose time is up, or that is aborted. */
  giveUp(pending: Pending): void {
    if (this.#pending.get(pending.waiter) !== pending) return;
    this.#step(pending, pending.wait.leave(pending.waiter));
    this.collect();
  }

  /**
   * Waits by blocking, in a thread whose tasks wait, too. They cannot run until it returns, so it goes before them: a
   * wake-up that a task gets meanwhile passes on to others, and the task stands in the queue anew afterwards. A task
   * that was notified by the same Condition changes places with it.
   *
   * @param deadlock throws: it would wait for a task of this thread
   */
  block(wait: Wait, limit: number, deadlock: () => never): number {
    const deadline = performance.now() + limit;
    const aside: Pending[] = [];
    const mine = new Pending(this, wait, this.take());
    let late = false;
    let status: number = Status.PENDING;
    try {
      // First the wake-ups that are there: what no task has seen yet passes on, too.
      for (let entered = false; status === Status.PENDING; ) {
        for (const waiter of this.#collected()) {
          const verdict = this.#verdict(waiter);
          const pending = this.#pending.get(waiter);
          if (pending && status === Status.PENDING && entered && wait.rival && wait.rival === pending.wait.rival) {
            this.#pending.set(mine.waiter, pending);
            this.#pending.delete(waiter);
            pending.waiter = mine.waiter;
            mine.waiter = waiter;
          }
          if (waiter === mine.waiter) status = wait.resume(waiter, verdict);
          else if (pending?.wait.decline(waiter, verdict)) aside.push(pending);
          else if (pending) this.#step(pending, pending.wait.resume(waiter, verdict));
        }
        if (status !== Status.PENDING) break;
        if (wait.deadlocked(entered)) {
          // If it stands in a queue, it stays there, without anybody who cares what becomes of it.
          if (entered) {
            if (!this.busy) this.#stay();
            this.#pending.set(mine.waiter, mine);
          } else this.give(mine.waiter);
          deadlock();
        }
        const left = late ? Infinity : deadline - performance.now();
        if (!entered) {
          entered = true;
          status = wait.enter(mine.waiter);
        } else if (left <= 0) {
          late = true;
          status = wait.leave(mine.waiter);
        } else {
          Atomics.wait(this.#region.words(this.#address), this.#address >>> 2, 0, Math.min(left, LONGEST));
        }
      }
      this.give(mine.waiter);
    } finally {
      for (const pending of aside) this.#step(pending, pending.wait.enter(pending.waiter));
      this.collect();
    }
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

  /** An owner has the lock: what else it waits for by other tasks, it has, too. */
  retry(cell: number, owner: number): void {
    for (const pending of [...this.#pending.values()]) {
      const { wait, waiter } = pending;
      if (wait.cell !== cell || wait.owner !== owner) continue;
      if (this.#region.core.leave(cell, waiter) === Status.TIMEOUT) this.#step(pending, wait.enter(waiter));
    }
  }

  /** This thread ends: its tasks leave the queues. It may block, as all threads that tell of their end. */
  close(): void {
    const given = new Set<number>();
    for (const [waiter, { wait }] of this.#pending) if (wait.abandon(waiter) === Status.PENDING) given.add(waiter);
    while (given.size > 0) {
      for (const waiter of this.#collected()) {
        this.#pending.get(waiter)?.wait.decline(waiter, this.#verdict(waiter));
        given.delete(waiter);
      }
      // The verdict is there, and who gave it is about to tell.
      if (given.size > 0) Atomics.wait(this.#region.words(this.#address), this.#address >>> 2, 0);
    }
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
    pending.settle(status);
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

  #arm(): void {
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

  /** Somebody waits: the process must not end, as it would with nothing but a pending `waitAsync`. */
  #stay(): void {
    // Where a timer can be let go and held again, that costs a twentieth of a new one.
    if (this.#keepAlive?.ref) this.#keepAlive.ref();
    else this.#keepAlive = setInterval(() => {}, LONGEST) as Timer;
  }

  /** Nobody waits any more. A `waitAsync` that is pending stays, and serves the next. */
  #rest(): void {
    if (this.#keepAlive?.unref) this.#keepAlive.unref();
    else clearInterval(this.#keepAlive);
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
