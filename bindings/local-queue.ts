import { AT_FRONT, CELL_WORD, JOIN_NOT, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT, UNIT } from '../assembly/abi.ts';
import type { Signal } from './globals.ts';
import { type Completion, Operation, type Steps, type Target } from './operation.ts';
import type { Scheduler } from './scheduler.ts';
import { cancelAcquire, declineAcquire, resumeAcquire, startAcquire } from './steps/acquire.ts';

/** A task in a local queue. */
export interface QueuedTask {
  /** What stands in the word while it holds; of a permit, in nobody's name, what acquiring adds. */
  readonly name: number;
  readonly cancelled: boolean;
  next: QueuedTask | undefined;
  prev: QueuedTask | undefined;
  /** It waits: `limit` ms at the most. */
  arm(limit: number, signal: Signal | undefined): void;
  /** It has come to an end, and for others of its owner something may follow from that. */
  complete(status: number, op: Operation): void;
  /** It has come to an end together with another one of its owner. */
  admit(status: number, op: Operation): void;
}

/** The queues of this thread at one cell: between two of them stand waiters of other threads. */
export interface LocalQueues {
  oldest: LocalQueue;
  youngest: LocalQueue;
}

/** What a local queue needs of its scheduler. */
export type Queueing = Pick<Scheduler, 'localQueues' | 'allocateWaiter' | 'start' | 'watch' | 'cancel' | 'told'>;

/** By cell. */
export function localQueuesOf(scheduler: Pick<Scheduler, 'localQueues'>): Map<number, LocalQueues> {
  return scheduler.localQueues as Map<number, LocalQueues>;
}

/**
 * Tasks of this thread that wait for one Lock, RLock or Semaphore and came one behind the other, with nobody of another
 * thread between them. One waiter stands in the queue for all of them: the proxy. What it gets is the first task's; then
 * it enters the queue anew for the next, at the front. So all go on in the order in which they came. What concerns other
 * threads: `assembly/local.ts`.
 *
 * Two copies of the package may have queues at one cell: what is private is not used of another queue.
 *
 * The cell's length counts the others in the local queue, too: one less than there are, as the queue counts the proxy.
 */
export class LocalQueue implements Completion {
  readonly proxy: Operation;
  first: QueuedTask | undefined;
  /** The next of this thread's queues at the same cell, and the one before. */
  younger: LocalQueue | undefined;
  older: LocalQueue | undefined;
  #last: QueuedTask | undefined;
  #size = 0;
  /** Whether it goes on to the next task by itself. */
  #advancing = false;
  readonly #scheduler: Queueing;
  /**
   * RLock: the proxy acquires in its own name, and then in that of the first task: a task that gives up takes its name
   * with it, and that may be another's when the lock is handed to it.
   */
  readonly #inOwnName: boolean;

  constructor(target: Target, scheduler: Queueing, addToAcquire: number, inOwnName: boolean) {
    this.proxy = new Operation(target, proxySteps, this, addToAcquire);
    this.#scheduler = scheduler;
    this.#inOwnName = inOwnName;
  }

  /** Whether more than one task stands in it. */
  get others(): boolean {
    return this.#size > 1;
  }

  /** Whether a newcomer goes behind it: JOIN_…. AT_ONCE: the cell counts it, and it must `join`. */
  ask(): number {
    const { target, waiter } = this.proxy;
    return waiter === 0 ? JOIN_NOT : target.arena.core.join(target.cell, waiter, this.#size > 0);
  }

  /** Of the oldest: the last of this thread's queues here. */
  get youngest(): LocalQueue {
    return this.younger ? this.#here.get(this.proxy.target.cell)!.youngest : this;
  }

  get #here(): Map<number, LocalQueues> {
    return localQueuesOf(this.#scheduler);
  }

  /** It begins behind all others of this thread here. */
  #begin(): void {
    const { cell } = this.proxy.target;
    const queues = this.#here.get(cell);
    if (queues) {
      this.older = queues.youngest;
      queues.youngest.younger = this;
      queues.youngest = this;
    } else this.#here.set(cell, { oldest: this, youngest: this });
  }

  /** A task has to wait. `counted`: as `ask` has answered AT_ONCE. */
  join(task: QueuedTask, counted: boolean, limit: number, signal: Signal | undefined): void {
    const { proxy } = this;
    const stands = proxy.waiter !== 0;
    if (!stands) {
      proxy.waiter = this.#scheduler.allocateWaiter();
      this.#begin();
    }
    this.#push(task);
    if (!counted && this.#size > 1) this.#count(1);
    if (stands) task.arm(limit, signal);
    else {
      if (this.#scheduler.start(proxy)) task.arm(limit, signal);
      this.#scheduler.watch();
    }
  }

  /** The task that a release can go to at once, if the core agrees: no verdict is here that the proxy has not seen. */
  get heir(): QueuedTask | undefined {
    return this.#scheduler.told ? undefined : this.first;
  }

  /** The first task has what was handed off to it, and the cell counts it no more. */
  advance(): void {
    const first = this.first!;
    this.#unlink(first);
    this.#advancing = true;
    try {
      first.complete(STATUS_OK, this.proxy);
    } finally {
      this.#advancing = false;
      this.dissolve();
    }
  }

  /** RLock: if an owner has it, so have all of its tasks that wait, here and in younger queues. */
  admitOwner(name: number): void {
    const { arena, cell } = this.proxy.target;
    // Only tasks of this thread release it, if it is the owner's: then it stays so.
    if ((arena.load(cell, CELL_WORD) & -UNIT) >>> 0 !== name) return;
    for (let queue: LocalQueue | undefined = this, next: LocalQueue | undefined; queue; queue = next) {
      next = queue.younger;
      queue.admit(name);
      queue.dissolve();
    }
  }

  /** Of many, it may be the first, and the proxy have its verdict: that is for the next. */
  cancelTask(task: QueuedTask): void {
    if (this.#size > 1) this.#complete(task, STATUS_TIMEOUT);
    else this.#scheduler.cancel(this.proxy);
  }

  /** No task stands in it any more, and the proxy is gone. */
  complete(): void {
    this.proxy.waiter = 0;
    const { cell } = this.proxy.target;
    const queues = this.#here.get(cell)!;
    const older = this.older;
    const { younger } = this;
    if (older) older.younger = younger;
    if (younger) younger.older = older;
    if (!older && !younger) this.#here.delete(cell);
    else if (!older) queues.oldest = younger!;
    else if (!younger) queues.youngest = older;
    this.older = undefined;
    this.younger = undefined;
  }

  /** A step of the proxy. */
  start(): number {
    // While this thread blocked, the proxy declined what came for a task that had given up.
    return this.#advance(!this.first || this.first.cancelled ? STATUS_TIMEOUT : this.#start(0));
  }

  /** A step of the proxy. */
  resume(verdict: number): number {
    if (this.first) {
      this.proxy.cancelled = this.first.cancelled;
      return this.#advance(resumeAcquire(this.proxy, verdict));
    }
    // The last one was served, or left, as this came.
    declineAcquire(this.proxy);
    return STATUS_OK;
  }

  /** A step of the proxy. */
  cancel(): number {
    return this.#advance(cancelAcquire(this.proxy));
  }

  /** A step of the proxy. */
  abandon(): number {
    while (this.first) this.#remove(this.first);
    return cancelAcquire(this.proxy);
  }

  #start(flags: number): number {
    const { proxy } = this;
    if (this.#inOwnName) proxy.addToAcquire = proxy.waiter;
    return startAcquire(proxy, flags);
  }

  /** The proxy's step has answered this. If that is an end, it is the first task's, and the proxy stands for the next. */
  #advance(status: number): number {
    const { proxy } = this;
    const { arena, cell } = proxy.target;
    this.#advancing = true;
    try {
      for (let first = this.first; first && status !== STATUS_PENDING; first = this.first) {
        // Any thread may release a plain Lock meanwhile.
        if (status === STATUS_OK && first.name !== proxy.addToAcquire) {
          arena.core.rename(cell, proxy.addToAcquire, first.name);
        }
        this.#complete(first, status);
        if (this.first) status = this.#start(AT_FRONT);
      }
    } finally {
      this.#advancing = false;
    }
    return status;
  }

  #complete(task: QueuedTask, status: number): void {
    this.#remove(task);
    task.complete(status, this.proxy);
  }

  /** The same, here. */
  admit(name: number): void {
    const { arena, cell, stamp } = this.proxy.target;
    for (let task = this.first, next: typeof task; task; task = next) {
      next = task.next;
      if (task.name !== name) continue;
      this.#remove(task);
      task.admit(arena.core.rlockAcquire(cell, stamp, name, 0), this.proxy);
    }
  }

  /** If the last one is gone, the proxy has to go. If it has its verdict already, that comes, and passes on. */
  dissolve(): void {
    if (!this.first && this.proxy.waiter && !this.#advancing) this.#scheduler.cancel(this.proxy);
  }

  #push(task: QueuedTask): void {
    task.prev = this.#last;
    if (this.#last) this.#last.next = task;
    else this.first = task;
    this.#last = task;
    this.#size++;
  }

  #remove(task: QueuedTask): void {
    this.#unlink(task);
    if (this.#size > 0) this.#count(-1);
  }

  #unlink(task: QueuedTask): void {
    const { prev, next } = task;
    if (prev) prev.next = next;
    else this.first = next;
    if (next) next.prev = prev;
    else this.#last = prev;
    // So that the old do not keep the young alive.
    task.next = undefined;
    this.#size--;
  }

  #count(change: number): void {
    const { arena, cell } = this.proxy.target;
    arena.core.countTasks(cell, change);
  }
}

const queueOf = (proxy: Operation): LocalQueue => proxy.completion as LocalQueue;

const proxySteps: Steps = {
  start: (op) => queueOf(op).start(),
  resume: (op, verdict) => queueOf(op).resume(verdict),
  cancel: (op) => queueOf(op).cancel(),
  abandon: (op) => queueOf(op).abandon(),
  decline: declineAcquire,
  takeOver: () => false,
};
