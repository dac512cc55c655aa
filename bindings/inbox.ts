import {
  CELL_NEXT,
  CELL_WORD,
  STATE_GRANTED,
  STATUS_PENDING,
  TASK_PLACE,
  THREAD_INBOX,
  THREAD_QUEUED_ON,
} from '../assembly/abi.js';
import { Call } from './call.js';
import { clearInterval, LONGEST, now, setInterval, setTimeout } from './clock.js';
import { OutOfMemoryError, UnsupportedError } from './errors.js';
import type { Signal } from './globals.js';
import { workerThreads } from './host.js';
import type { View } from './primitive.js';
import type { Region } from './region.js';
import type { Line } from './resource.js';
import { dropTask, makeTask, needStack, waitAsTask, waitAsThread } from './thread.js';

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
  abstract resume(waiter: number, verdict: number): number;

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
  decline(_waiter: number, _verdict: number): boolean {
    return false;
  }

  /** The Condition that a notification is wanted of, or has come from: of two with the same, either may have it. */
  get condition(): number | undefined {
    return undefined;
  }

  /**
   * A thread blocks by this wait, and a task of it was given meanwhile what serves the thread as well: then the thread has
   * it, and the task waits on in its place.
   */
  takesOver(_other: Wait): boolean {
    return false;
  }

  /** Whether it would wait, or having entered the queue waits, for a task of this thread, and must not block. */
  deadlocked(_entered: boolean): boolean {
    return false;
  }

  protected state(waiter: number): number {
    return this.region.load(waiter, CELL_WORD) | 0;
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
    return this.#all[this.#region.load(waiter, TASK_PLACE)];
  }

  add(wait: Wait): void {
    const place = this.#free.pop() ?? this.#all.length;
    this.#all[place] = wait;
    this.#put(wait.waiter, place);
    this.size++;
  }

  delete({ waiter }: Wait): void {
    const place = this.#region.load(waiter, TASK_PLACE);
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
    this.#region.words(waiter)[(waiter + TASK_PLACE) >>> 2] = place;
  }
}

/** Of a browser, a number without methods. */
type Timer = ReturnType<typeof setInterval> & { ref?(): void; unref?(): void };

export class Inbox {
  /** By cell, those that somebody stands in. */
  readonly lines = new Map<number, { oldest: Line; youngest: Line }>();
  readonly #region: Region;
  readonly #address: number;
  readonly #pending: Waits;
  readonly #spare: number[] = [];
  /** How many calls of this thread, one within the other, block: they alone look into the inbox. */
  #blocking = 0;
  /** Woken while the thread blocked: they stand in no queue. */
  #aside: Wait[] = [];
  /** Taken out of the inbox and not looked at yet: the next waiter, and by `next` the others. */
  #told = 0;
  /** Whether a `waitAsync` is pending. */
  #armed = false;
  #keepAlive: Timer | undefined;

  constructor(region: Region) {
    this.#region = region;
    this.#address = region.thread + THREAD_INBOX;
    this.#pending = new Waits(region);
  }

  /** Whether a task waits. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether no verdict is there that this thread has not seen; one that comes right now is seen the next time. */
  get empty(): boolean {
    return this.#told === 0 && this.#region.words(this.#address)[this.#address >>> 2] === 0;
  }

  /** Whether a task was handed what it waits for at `cell`, and has not been told: that can still pass on. */
  handed(cell: number): boolean {
    const region = this.#region;
    for (const { waiter } of this.#pending.values()) {
      if (this.#verdict(waiter) === STATE_GRANTED && region.load(waiter, THREAD_QUEUED_ON) === cell) return true;
    }
    return false;
  }

  /**
   * Waits as a task does. Answers what the wait concludes from the final status; rejects with what that throws, or with
   * the signal's reason when it was aborted.
   *
   * @param limit ms
   */
  wait<T>(wait: Wait, limit: number, signal: Signal | undefined): Promise<T> {
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
    if (status === STATUS_PENDING) {
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
   * wake-up that a task gets meanwhile passes on to others, and the task stands in the queue anew afterwards. What a
   * Condition notifies a task of serves the thread as well.
   *
   * The thread's record is the waiter, as in the core, so that no memory is needed; but it waits as a task does, for a word
   * in its inbox: then its tasks' verdicts wake it, too.
   *
   * @param deadlock throws: it would wait for a task of this thread
   */
  block(wait: Wait, limit: number, deadlock: () => never): number {
    return this.beforeTasks(() => this.#block(wait, limit, deadlock));
  }

  /**
   * What this does goes before all that this thread's tasks do: until it is over they are given nothing, since they could
   * not go on with it, and others would have to wait for them.
   */
  beforeTasks<T>(act: () => T): T {
    needStack();
    this.#blocking++;
    try {
      return act();
    } finally {
      if (--this.#blocking === 0) {
        for (const pending of this.#aside.splice(0)) this.#step(pending, pending.enter(pending.waiter));
        this.watch();
      }
    }
  }

  #block(wait: Wait, limit: number, deadlock: () => never): number {
    const deadline = now() + limit;
    const waiter = this.#region.thread;
    wait.waiter = waiter;
    const looks = waitAsTask(this.#region);
    let entered = false;
    let late = false;
    let status: number = STATUS_PENDING;
    try {
      while (status === STATUS_PENDING) {
        // First the wake-ups that are there: what no task has seen yet passes on, too.
        for (let told = this.#nextTold(); told; told = this.#nextTold()) {
          if (told === waiter) status = wait.resume(waiter, this.#verdict(waiter));
          else if (status !== STATUS_PENDING || !entered) this.#setAside(told);
          else {
            const verdict = this.#verdict(told);
            const pending = this.#pending.of(told);
            if (pending && wait.takesOver(pending)) status = wait.resume(waiter, verdict);
            else this.#setAside(told);
          }
        }
        if (status !== STATUS_PENDING) break;
        if (wait.deadlocked(entered)) {
          if (entered && wait.abandon(waiter) === STATUS_PENDING) continue;
          deadlock();
        }
        const left = late ? Infinity : deadline - now();
        if (!entered) {
          entered = true;
          status = wait.enter(waiter);
        } else if (left <= 0) {
          late = true;
          status = wait.leave(waiter);
        } else this.#sleep(left);
      }
    } catch (error) {
      if (entered && status === STATUS_PENDING) this.#abandon([wait]);
      throw error;
    } finally {
      waitAsThread(this.#region, looks);
    }
    return status;
  }

  /** A task cannot go on before its thread has come back: it enters anew then. */
  postpone(wait: Wait): number {
    this.#aside.push(wait);
    return STATUS_PENDING;
  }

  /** A task was told while its thread blocks. */
  #setAside(waiter: number): void {
    const verdict = this.#verdict(waiter);
    const pending = this.#pending.of(waiter);
    if (pending?.decline(waiter, verdict)) this.postpone(pending);
    else if (pending) this.#step(pending, pending.resume(waiter, verdict));
  }

  /** Settles what has its verdict; what this thread itself gives its tasks does not take the way through the engine. */
  collect(): void {
    if (this.#blocking > 0) return;
    try {
      while (this.busy && !this.empty) {
        const waiter = this.#nextTold();
        const pending = this.#pending.of(waiter);
        if (pending) this.#step(pending, pending.resume(waiter, this.#verdict(waiter)));
      }
    } catch (error) {
      // The stack is full, say. There will be more of it.
      void Promise.resolve().then(() => this.collect());
      throw error;
    }
  }

  /** This thread ends: its tasks leave the queues. */
  close(): void {
    const waits = this.#pending.values();
    this.#abandon(waits);
    for (const wait of waits) {
      this.#pending.delete(wait);
      this.give(wait.waiter);
    }
    this.#rest();
  }

  /** Nobody is there any more for whom these wait: they leave the queues, and what they are given goes to others. */
  #abandon(waits: Wait[]): void {
    const given = new Map<number, Wait>();
    for (const wait of waits) {
      if (wait.abandon(wait.waiter) === STATUS_PENDING) given.set(wait.waiter, wait);
    }
    while (given.size > 0) {
      for (let waiter = this.#nextTold(); waiter; waiter = this.#nextTold()) {
        const wait = given.get(waiter);
        if (!wait) this.#setAside(waiter);
        else if (given.delete(waiter)) wait.decline(waiter, this.#verdict(waiter));
      }
      // The verdict is there, and who gave it is about to tell.
      if (given.size > 0) this.#sleep(LONGEST);
    }
    for (const { waiter } of waits) this.#region.core.unpin(waiter);
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
    if (status === STATUS_PENDING) return;
    this.#pending.delete(wait);
    this.give(wait.waiter);
    if (!this.busy) this.#rest();
    wait.settle(status);
  }

  #verdict(waiter: number): number {
    return this.#region.load(waiter, CELL_WORD);
  }

  /** The oldest waiter in the inbox, out of it; 0 when there is none. */
  #nextTold(): number {
    const { core, thread } = this.#region;
    const waiter = this.#told || core.collect(thread) >>> 0;
    // Before it can stand in a queue again.
    this.#told = waiter && this.#region.load(waiter, CELL_NEXT);
    return waiter;
  }

  /** Sleeps until something is in the inbox, so long (ms) at the most. */
  #sleep(limit: number): void {
    Atomics.wait(this.#region.words(this.#address), this.#address >>> 2, 0, Math.min(limit, LONGEST));
  }

  #arm(): void {
    while (!this.#armed && this.busy && this.#blocking === 0) {
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
  if (!setTimeout || !setInterval) {
    throw new UnsupportedError(
      'lockwork needs setTimeout and setInterval for its async calls, which this realm did not have when lockwork was loaded (an audio worklet, for example)',
    );
  }
  region.inbox = new Inbox(region);
  return region.inbox;
}
