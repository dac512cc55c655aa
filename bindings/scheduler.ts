import {
  CELL_NEXT,
  CELL_WORD,
  STATE_GRANTED,
  STATUS_BUSY,
  STATUS_PENDING,
  THREAD_INBOX,
  THREAD_QUEUED_ON,
} from '../assembly/abi.ts';
import { LONGEST, setTimeout } from './clock.ts';
import { OutOfMemoryError, UnsupportedError } from './errors.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Operation } from './operation.ts';
import { OperationTable } from './operation-table.ts';
import { lookAround } from './reap.ts';
import { checkLives } from './registry.ts';
import { needStack } from './thread.ts';
import { LOOK, SOON, type Tasks, type ThreadArena } from './thread-arena.ts';
import { aheadOf, isFree } from './turn.ts';

/** The most operations that one look is for. */
const LOOKED_AT = 256;

/** The most cells of past waits that are kept while a task waits. */
const KEPT = 64;

/**
 * Waiting without blocking. A task (an `async` function of this thread) that has to wait gets a cell, its waiter, which
 * stands in the queue among those of blocked threads. Its unparker gives it a verdict and puts it into this thread's
 * inbox, a word in the thread's record (`assembly/inbox.ts`). One `Atomics.waitAsync` waits for that word.
 */
export class Scheduler implements Tasks {
  /** The local queues by cell: `localQueuesOf` has the type. */
  readonly localQueues = new Map<number, unknown>();
  readonly #arena: ThreadArena;
  readonly #inbox: number;
  readonly #pending: OperationTable;
  readonly #keepAlive = new KeepAlive(() => this.#look());
  readonly #kept: number[] = [];
  /** The depth of nested blocking calls of this thread. During them, only they look into the inbox. */
  #blocking = 0;
  /** Operations that declined a verdict while the thread blocked. They stand in no queue, and start anew afterwards. */
  #postponed: Operation[] = [];
  /** Waiters taken out of the inbox whose verdicts were not seen: the first, linked to the others by `next`. */
  #told = 0;
  /** How many operations were looked at in this round. */
  #looked = 0;
  /** Whether a `waitAsync` is pending. */
  #armed = false;

  constructor(arena: ThreadArena) {
    this.#arena = arena;
    this.#inbox = arena.thread + THREAD_INBOX;
    this.#pending = new OperationTable(arena);
  }

  /** Whether a task waits. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether a waiter was taken out of the inbox and its verdict not seen. */
  get told(): boolean {
    return this.#told !== 0;
  }

  /** Whether a task was granted what it waits for at `cell`, and has not seen that: it can still be declined. */
  hasGrantAt(cell: number): boolean {
    const arena = this.#arena;
    return this.#pending.values().some(({ waiter }) => {
      // Once granted, neither changes before this thread looks.
      return this.verdictOf(waiter) === STATE_GRANTED && arena.load(waiter, THREAD_QUEUED_ON) === cell;
    });
  }

  /** Takes the first step of an operation that has its waiter. False when it is over at once. */
  start(op: Operation): boolean {
    const status = op.steps.start(op);
    if (status !== STATUS_PENDING) {
      this.freeWaiter(op.waiter);
      op.completion!.complete(status, op);
      return false;
    }
    if (!this.busy) this.#keepAlive.hold();
    this.#pending.add(op);
    return true;
  }

  /** Arms the `waitAsync`, and looks into the inbox: a verdict may have come before. */
  watch(): void {
    if (!this.#armed) this.#arm();
    this.collect();
  }

  /** An operation times out or is aborted. */
  cancel(op: Operation): void {
    if (this.#pending.of(op.waiter) !== op) return;
    this.step(op, op.steps.cancel(op));
    this.collect();
  }

  /**
   * `act` blocks, and goes before this thread's tasks: until it returns they get nothing. They could not go on with it, and
   * other threads would have to wait for them.
   */
  beforeTasks<T>(act: () => T): T {
    needStack();
    this.#blocking++;
    try {
      return act();
    } finally {
      if (--this.#blocking === 0) {
        for (const op of this.#postponed.splice(0)) this.step(op, op.steps.start(op));
        this.watch();
      }
    }
  }

  /** The operation of a task's waiter, if it has one. */
  operationOf(waiter: number): Operation | undefined {
    return this.#pending.of(waiter);
  }

  /** A task has a verdict while its thread blocks. What others wait for passes on, and the task starts anew afterwards. */
  setAside(waiter: number): void {
    const op = this.#pending.of(waiter);
    if (!op) return;
    if (op.steps.decline(op)) this.#postponed.push(op);
    else this.step(op, op.steps.resume(op, this.verdictOf(waiter)));
  }

  /**
   * Resumes all operations that have a verdict. Called after each operation of this thread, too, as its own unparking
   * notifies no `waitAsync`.
   */
  collect(): void {
    // Small, so that it is inlined.
    if (this.#blocking === 0 && this.busy) this.#collect();
  }

  #collect(): void {
    try {
      while (this.busy) {
        const waiter = this.nextTold();
        if (!waiter) return;
        const op = this.#pending.of(waiter);
        if (op) this.step(op, op.steps.resume(op, this.verdictOf(waiter)));
      }
    } catch (error) {
      // A full stack, say. There will be room in the next microtask.
      void SOON.then(() => this.collect());
      throw error;
    }
  }

  /** A call of this thread, which blocks, throws: its waiter leaves the queue, and what it is given passes on. */
  abandon(op: Operation): void {
    let given = op.steps.abandon(op) === STATUS_PENDING;
    while (given) {
      for (let waiter = this.nextTold(); waiter; waiter = this.nextTold()) {
        if (waiter !== op.waiter) this.setAside(waiter);
        else {
          given = false;
          op.steps.decline(op);
        }
      }
      // The verdict is given, and its unparker is about to post the waiter.
      if (given) this.sleep(LONGEST, 0);
    }
    this.#arena.core.unpin(op.waiter);
  }

  forget(): void {
    this.#keepAlive.forget();
  }

  /** A cell: a waiter, or an owner's record. */
  allocateWaiter(): number {
    const waiter = this.#kept.pop() ?? this.#arena.addTask();
    if (!waiter) {
      checkLives(this.#arena);
      throw new OutOfMemoryError('The arena is full: there is no room for one more task that waits');
    }
    return waiter;
  }

  freeWaiter(waiter: number): void {
    if (this.busy && this.#kept.length < KEPT) this.#kept.push(waiter);
    else this.#arena.dropTask(waiter);
  }

  /** A step of a pending operation has answered `status`. */
  step(op: Operation, status: number): void {
    if (status === STATUS_PENDING) return;
    if (status === STATUS_BUSY) {
      this.#postponed.push(op);
      return;
    }
    this.#pending.delete(op);
    this.freeWaiter(op.waiter);
    if (!this.busy) this.#rest();
    op.completion!.complete(status, op);
  }

  /** It changes no more until the waiter waits again. */
  verdictOf(waiter: number): number {
    return this.#arena.load(waiter, CELL_WORD);
  }

  /** The oldest waiter in the inbox, out of it; 0 when there is none. */
  nextTold(): number {
    const arena = this.#arena;
    // A look first: to take what is not there costs as much as to take something. A verdict that comes right now is seen
    // the next time.
    if (this.#told === 0 && arena.load(this.#inbox, 0) === 0) return 0;
    const waiter = this.#told || arena.core.collect(arena.thread) >>> 0;
    // Before it can stand in a queue again.
    this.#told = waiter && arena.load(waiter, CELL_NEXT);
    return waiter;
  }

  /**
   * Sleeps until something is in the inbox, so long (ms) at the most, and not longer than a nap: then it looks. False when
   * it did. `deadline`: of the wait; 0, if it must not end by an error.
   */
  sleep(limit: number, deadline: number): boolean {
    if (this.#arena.sleep(this.#inbox, Math.min(limit, LOOK))) return true;
    this.#arena.stalled(deadline, false);
    return false;
  }

  /** Some time has passed while tasks wait. */
  #look(): void {
    if (this.#blocking > 0) return;
    const all = this.#pending.values();
    // Of many, some at a time.
    this.#looked = all.length > LOOKED_AT ? (this.#looked + LOOKED_AT) % all.length : 0;
    for (const op of all.slice(this.#looked, this.#looked + LOOKED_AT)) {
      const { waiter } = op;
      if (this.#pending.of(waiter) === op) this.step(op, this.takeTurn(op));
    }
    lookAround(this.#arena);
    this.collect();
    if (this.busy) this.#arena.lookForHang?.(0, this.#pending.values());
  }

  /**
   * What an operation waits for is free, perhaps, and those that were woken before it do not come: then it may do what a
   * newcomer may. Behind other tasks it leaves them the time of one more look.
   */
  takeTurn(op: Operation): number {
    const arena = this.#arena;
    op.looksFree = isFree(arena, op.waiter) ? op.looksFree + 1 : 0;
    if (op.looksFree < 2) return STATUS_PENDING;
    // May be over at once: the core decides.
    const ahead = aheadOf(arena, arena.load(op.waiter, THREAD_QUEUED_ON), op.waiter);
    const due = ahead === 'nobody' || (ahead === 'tasks' && op.looksFree > 2);
    return due ? op.steps.takeTurn(op) : STATUS_PENDING;
  }

  #arm(): void {
    while (!this.#armed && this.busy && this.#blocking === 0) {
      const { async, value } = this.#arena.sleepAsync(this.#inbox);
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

  /** No task waits any more. A pending `waitAsync` cannot be taken back; it will serve the next wait. */
  #rest(): void {
    this.#keepAlive.rest();
    for (const waiter of this.#kept.splice(0)) this.#arena.dropTask(waiter);
  }
}

/** The scheduler of this thread in an arena, if a task of it has called something there. First the thread does what it owes. */
export function tasksOf(arena: ThreadArena): Scheduler | undefined {
  if (arena.tasks && arena.debt) arena.settle();
  return arena.tasks as Scheduler | undefined;
}

/** The same, made on first use. */
export function schedulerOf(arena: ThreadArena): Scheduler {
  return tasksOf(arena) ?? makeScheduler(arena);
}

function makeScheduler(arena: ThreadArena): Scheduler {
  if (typeof Atomics.waitAsync !== 'function') {
    throw new UnsupportedError(
      'lockwork needs Atomics.waitAsync for its async calls, which this platform does not have',
    );
  }
  // A realm has both or none.
  if (!setTimeout) {
    throw new UnsupportedError(
      'lockwork needs setTimeout and setInterval for its async calls, which this realm did not have when lockwork was loaded (an audio worklet, for example)',
    );
  }
  const scheduler = new Scheduler(arena);
  arena.tasks = scheduler;
  return scheduler;
}
