import { Field, State, Status } from '../assembly/abi.js';
import { Call, LONGEST } from './call.js';
import { OutOfMemoryError, UnsupportedError } from './errors.js';
import { workerThreads } from './host.js';
import type { View } from './primitive.js';
import type { Region } from './region.js';
import type { Line } from './resource.js';
import { dropTask, makeTask } from './thread.js';

/**
 * Waiting without blocking. A task (an `async` function of this thread) that has to wait gets a cell, its waiter, which
 * stands in the queue among blocking ones; who gives it a verdict puts it into this thread's inbox, a word in its
 * record (`assembly/inbox.ts`). At most one `Atomics.waitAsync` a thread waits for that word.
 */

/**
 * In pages, how often a thread whose tasks wait looks into its inbox (ms), whatever it is told: in a worker of WebKitGTK
 * that has nothing else to do the continuation of a `waitAsync` may come only with the next timer or message.
 */
const PULSE = 50;

/** So many cells are kept while some task waits. */
const SPARE = 64;

/** A primitive, as who waits for it sees it. */
export interface Awaitable {
  readonly view: View;
  /** What the final status means; it may throw. It must not collect: see `Inbox.block`. */
  answer(status: number): unknown;
}

/**
 * One wait, and what becomes of it. Its steps are the core's, and each answers a status or (Barrier) an index. PENDING:
 * the waiter stands in a queue, and a verdict will come.
 */
export abstract class Wait {
  /** The cell that stands in the queue for it at the moment. */
  waiter = 0;
  /** Whose it is; none when a thread blocks. */
  call: Call | undefined;
  // Targets are of several classes: to ask them takes longer than most of what is done with these.
  readonly region: Region;
  readonly cell: number;

  constructor(readonly target: Awaitable) {
    this.region = target.view.region;
    this.cell = target.view.cell;
  }

  get life(): number {
    return this.target.view.life;
  }

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

  /** Whether it would wait, or having entered the queue waits, for a task of this thread, and must not block. */
  deadlocked(_entered: boolean): boolean {
    return false;
  }

  protected state(waiter: number): State {
    return this.region.load(waiter, Field.WORD) | 0;
  }

  /** It is over. */
  settle(status: number): void {
    this.call?.settle(status);
  }

  giveUp(_call: Call): void {
    this.region.inbox!.giveUp(this);
  }

  conclude(status: number): unknown {
    return this.target.answer(status);
  }
}

/**
 * The waits of a thread's tasks, found by their waiters: each waiter's cell says at which place its wait is. A Map would
 * do the same, but each table that it outgrows keeps the next one alive, and all that is in there, until V8 collects
 * everything; waits that come and go fast then cost twice as much.
 */
class Waits {
  /** Place 0 is nobody's. */
  readonly #all: (Wait | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #region: Region;
  size = 0;

  constructor(region: Region) {
    this.#region = region;
  }

  of(waiter: number): Wait | undefined {
    return this.#all[this.#region.load(waiter, Field.TASK_PLACE)];
  }

  add(wait: Wait): void {
    const place = this.#free.pop() ?? this.#all.length;
    this.#all[place] = wait;
    this.#put(wait.waiter, place);
    this.size++;
  }

  delete({ waiter }: Wait): void {
    const place = this.#region.load(waiter, Field.TASK_PLACE);
    this.#all[place] = undefined;
    this.#put(waiter, 0);
    this.#free.push(place);
    if (--this.size > 0 || this.#all.length <= SPARE) return;
    this.#all.length = 1;
    this.#free.length = 0;
  }

  values(): Wait[] {
    return this.#all.filter((wait) => wait !== undefined);
  }

  #put(waiter: number, place: number): void {
    this.#region.words(waiter)[(waiter + Field.TASK_PLACE) >>> 2] = place;
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
  /** By cell, those that somebody stands in. */
  readonly lines = new Map<number, Line>();
  readonly #region: Region;
  readonly #address: number;
  readonly #pending: Waits;
  readonly #spare: number[] = [];
  /** Whether a `waitAsync` is pending. */
  #armed = false;
  #keepAlive: Timer | undefined;

  constructor(region: Region) {
    this.#region = region;
    this.#address = region.thread + Field.THREAD_INBOX;
    this.#pending = new Waits(region);
  }

  /** Whether a task waits. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether no verdict is there that this thread has not seen; one that comes right now is seen the next time. */
  get empty(): boolean {
    return this.#region.words(this.#address)[this.#address >>> 2] === 0;
  }

  /** Whether a task was handed what it waits for at `cell`, and has not been told: that can still pass on. */
  handed(cell: number): boolean {
    const region = this.#region;
    for (const { waiter } of this.#pending.values()) {
      if (this.#verdict(waiter) === State.GRANTED && region.load(waiter, Field.THREAD_TARGET) === cell) return true;
    }
    return false;
  }

  /**
   * Waits as a task does. Answers what the wait concludes from the final status; rejects with what that throws, or with
   * the signal's reason when it was aborted.
   *
   * @param limit ms
   */
  wait<T>(wait: Wait, limit: number, signal: AbortSignal | undefined): Promise<T> {
    wait.waiter = this.take();
    const call = new Call(wait);
    const promise = call.promise<T>();
    wait.call = call;
    if (this.stand(wait)) call.start(limit, signal);
    this.watch();
    return promise;
  }

  /** Takes the first step of a wait that has its waiter. False when it is over at once. */
  stand(wait: Wait): boolean {
    const status = wait.enter(wait.waiter);
    if (status === Status.PENDING) {
      if (!this.busy) this.#stay();
      this.#pending.add(wait);
      return true;
    }
    this.give(wait.waiter);
    wait.settle(status);
    return false;
  }

  /** Looks into the inbox, and has the engine tell from now on. */
  watch(): void {
    if (!this.#armed) this.#arm();
    this.collect();
  }

  /** For a wait whose time is up, or that is aborted. */
  giveUp(wait: Wait): void {
    if (this.#pending.of(wait.waiter) !== wait) return;
    this.#step(wait, wait.leave(wait.waiter));
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
    const aside: Wait[] = [];
    wait.waiter = this.take();
    let late = false;
    let status: number = Status.PENDING;
    try {
      // First the wake-ups that are there: what no task has seen yet passes on, too.
      for (let entered = false; status === Status.PENDING; ) {
        for (let waiter = this.#taken(), next = 0; waiter; waiter = next) {
          next = this.#next(waiter);
          const verdict = this.#verdict(waiter);
          const pending = this.#pending.of(waiter);
          if (pending && status === Status.PENDING && entered && wait.rival && wait.rival === pending.rival) {
            this.#pending.delete(pending);
            pending.waiter = wait.waiter;
            wait.waiter = waiter;
            this.#pending.add(pending);
          }
          if (waiter === wait.waiter) status = wait.resume(waiter, verdict);
          else if (pending?.decline(waiter, verdict)) aside.push(pending);
          else if (pending) this.#step(pending, pending.resume(waiter, verdict));
        }
        if (status !== Status.PENDING) break;
        if (wait.deadlocked(entered)) {
          // If it stands in a queue, it stays there, without anybody who cares what becomes of it.
          if (entered) {
            if (!this.busy) this.#stay();
            this.#pending.add(wait);
          } else this.give(wait.waiter);
          deadlock();
        }
        const left = late ? Infinity : deadline - performance.now();
        if (!entered) {
          entered = true;
          status = wait.enter(wait.waiter);
        } else if (left <= 0) {
          late = true;
          status = wait.leave(wait.waiter);
        } else {
          Atomics.wait(this.#region.words(this.#address), this.#address >>> 2, 0, Math.min(left, LONGEST));
        }
      }
      this.give(wait.waiter);
    } finally {
      for (const pending of aside) this.#step(pending, pending.enter(pending.waiter));
      this.collect();
    }
    return status;
  }

  /** Settles what has its verdict; what this thread itself gives its tasks does not take the way through the engine. */
  collect(): void {
    while (this.busy && !this.empty) {
      for (let waiter = this.#taken(), next = 0; waiter; waiter = next) {
        next = this.#next(waiter);
        const pending = this.#pending.of(waiter);
        if (pending) this.#step(pending, pending.resume(waiter, this.#verdict(waiter)));
      }
    }
  }

  /** This thread ends: its tasks leave the queues. It may block, as all threads that tell of their end. */
  close(): void {
    const given = new Set<number>();
    for (const wait of this.#pending.values()) {
      if (wait.abandon(wait.waiter) === Status.PENDING) given.add(wait.waiter);
    }
    while (given.size > 0) {
      for (let waiter = this.#taken(), next = 0; waiter; waiter = next) {
        next = this.#next(waiter);
        this.#pending.of(waiter)?.decline(waiter, this.#verdict(waiter));
        given.delete(waiter);
      }
      // The verdict is there, and who gave it is about to tell.
      if (given.size > 0) Atomics.wait(this.#region.words(this.#address), this.#address >>> 2, 0);
    }
    for (const wait of this.#pending.values()) {
      this.#pending.delete(wait);
      this.give(wait.waiter);
    }
    this.#rest();
  }

  /** The arena is gone, and nobody waits: a timer would keep its memory. */
  forget(): void {
    clearInterval(this.#keepAlive);
  }

  /** A cell for a wait, or for an owner. */
  take(): number {
    const waiter = this.#spare.pop() ?? makeTask(this.#region);
    if (!waiter) throw new OutOfMemoryError('The arena is full: there is no room for one more task that waits');
    return waiter;
  }

  give(waiter: number): void {
    if (this.busy && this.#spare.length < SPARE) this.#spare.push(waiter);
    else dropTask(this.#region, waiter);
  }

  #step(wait: Wait, status: number): void {
    if (status === Status.PENDING) return;
    this.#pending.delete(wait);
    this.give(wait.waiter);
    if (!this.busy) this.#rest();
    wait.settle(status);
  }

  #verdict(waiter: number): State {
    return this.#region.load(waiter, Field.WORD);
  }

  /** Takes all out of the inbox: the oldest of them, 0 when there is none. */
  #taken(): number {
    return this.#region.core.collect(this.#region.thread) >>> 0;
  }

  /** Who comes after it. Must be asked before it stands in a queue again. */
  #next(waiter: number): number {
    return this.#region.load(waiter, Field.NEXT);
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
    else this.#keepAlive = setInterval(() => this.collect(), workerThreads ? LONGEST : PULSE) as Timer;
  }

  /** Nobody waits any more. A `waitAsync` that is pending stays, and serves the next. */
  #rest(): void {
    if (this.#keepAlive?.unref) this.#keepAlive.unref();
    else clearInterval(this.#keepAlive);
    for (const waiter of this.#spare.splice(0)) dropTask(this.#region, waiter);
  }
}

/** The inbox of this thread in an arena, made on first use. */
export function inboxOf(region: Region): Inbox {
  return region.inbox ?? makeInbox(region);
}

function makeInbox(region: Region): Inbox {
  if (typeof Atomics.waitAsync !== 'function') {
    throw new UnsupportedError(
      'lockwork needs Atomics.waitAsync for its async calls, which this platform does not have',
    );
  }
  region.inbox = new Inbox(region);
  return region.inbox;
}
