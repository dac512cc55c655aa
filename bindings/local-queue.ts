import {
  AT_FRONT,
  CELL_STAMP,
  CELL_WORD,
  STATUS_ABANDONED,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  UNIT,
} from '../assembly/abi.ts';
import type { Signal } from './globals.ts';
import { type Completion, Operation, type Steps, type Target } from './operation.ts';
import type { Scheduler } from './scheduler.ts';
import { cancelAcquire, declineAcquire, resumeAcquire, startAcquire, takeTurnAcquire } from './steps/acquire.ts';

/** A task in a local queue. */
export interface QueuedTask {
  /** What acquiring adds to the word: the task's owner, or minus one permit. */
  readonly name: number;
  /** Semaphore: the cell that counts the permit, if it is to be a guard's; else 0. */
  readonly hold: number;
  readonly cancelled: boolean;
  next: QueuedTask | undefined;
  prev: QueuedTask | undefined;
  /** From now on it waits, `limit` ms at the most. */
  arm(limit: number, signal: Signal | undefined): void;
  /** Its wait has come to an end. If its owner has acquired, it admits the owner's other tasks. */
  complete(status: number, op: Operation): void;
  /** Its wait has come to an end because another task of its owner has acquired. */
  admit(status: number, op: Operation): void;
}

/** This thread's local queues at one cell. Waiters of other threads stand between the proxies. */
export interface LocalQueues {
  oldest: LocalQueue;
  youngest: LocalQueue;
}

/** What a local queue needs of its scheduler. */
export type Queueing = Pick<
  Scheduler,
  'localQueues' | 'allocateWaiter' | 'start' | 'step' | 'watch' | 'cancel' | 'told'
>;

/** By cell. */
export function localQueuesOf(scheduler: Pick<Scheduler, 'localQueues'>): Map<number, LocalQueues> {
  return scheduler.localQueues as Map<number, LocalQueues>;
}

/**
 * Tasks of this thread that wait for one Lock, RLock or Semaphore and entered one behind the other, with no waiter of
 * another thread between them. One waiter, their proxy, stands in the queue for all. What it gets is the first task's;
 * then it enters the queue again, at the front, for the next. So the tasks go on in the order in which they entered. The
 * steps that concern other threads: `assembly/local.ts`.
 *
 * Two copies of the package may have local queues at one cell, so a queue uses no private member of another.
 *
 * The cell's length counts all tasks of a local queue: the proxy's place in the queue counts the first.
 */
export class LocalQueue implements Completion {
  readonly proxy: Operation;
  first: QueuedTask | undefined;
  /** This thread's next local queue at the same cell, and the one before. */
  younger: LocalQueue | undefined;
  older: LocalQueue | undefined;
  /**
   * RLock: the tasks of all these queues by the names of their owners, in their order, each with its queue. They share it,
   * from the first time on that an owner is admitted.
   */
  byOwner: Map<number, Map<QueuedTask, LocalQueue>> | undefined;
  #last: QueuedTask | undefined;
  #size = 0;
  /** While it goes on to its next task, a call from within must not dissolve it. */
  #advancing = false;
  readonly #scheduler: Queueing;
  /**
   * RLock: the proxy acquires in its own name, which is then replaced by the first task's. In that task's name from the
   * start, the lock could be handed to a task that has given up, and whose name may be another owner's by then.
   */
  readonly #inOwnName: boolean;

  /** @param proxyName what the proxy adds to the word; 0: it acquires in its own name */
  constructor(target: Target, scheduler: Queueing, proxyName: number) {
    this.proxy = new Operation(target, proxySteps, this, proxyName);
    this.#scheduler = scheduler;
    this.#inOwnName = proxyName === 0;
  }

  /** Whether more than one task is in it. */
  get others(): boolean {
    return this.#size > 1;
  }

  /**
   * Whether a newcomer may join (JOIN_…), where tasks wait. After JOIN_AT_ONCE the cell has counted it, and it must `join`.
   */
  ask(): number {
    const { target, waiter } = this.proxy;
    return target.arena.core.join(target.cell, waiter, this.#size > 0);
  }

  /** This thread's youngest local queue at the cell; only the oldest may be asked. */
  get youngest(): LocalQueue {
    return this.younger ? this.#here.get(this.proxy.target.cell)!.youngest : this;
  }

  get #here(): Map<number, LocalQueues> {
    return localQueuesOf(this.#scheduler);
  }

  /** Becomes this thread's youngest local queue at the cell. */
  #begin(): void {
    const { cell } = this.proxy.target;
    const queues = this.#here.get(cell);
    if (queues) {
      this.older = queues.youngest;
      this.byOwner = queues.youngest.byOwner;
      queues.youngest.younger = this;
      queues.youngest = this;
    } else this.#here.set(cell, { oldest: this, youngest: this });
  }

  /** A task has to wait. `counted`: `ask` has answered JOIN_AT_ONCE. */
  join(task: QueuedTask, counted: boolean, limit: number, signal: Signal | undefined): void {
    const { proxy } = this;
    const stands = proxy.waiter !== 0;
    if (!stands) {
      proxy.waiter = this.#scheduler.allocateWaiter();
      this.#begin();
    }
    this.#push(task);
    if (!counted && this.#size > 1) this.#count(1);
    if (stands || this.#scheduler.start(proxy)) task.arm(limit, signal);
    if (!stands) this.#scheduler.watch();
  }

  /** The task that a release may be handed to, if the core agrees. None if a verdict from the inbox may be the proxy's. */
  get heir(): QueuedTask | undefined {
    return this.#scheduler.told ? undefined : this.first;
  }

  /** The core has handed off to the first task, and counts it no more; with the last task the proxy is gone. */
  advance(): void {
    const first = this.first!;
    this.#unlink(first);
    if (!this.first) this.#scheduler.step(this.proxy, STATUS_OK);
    first.complete(STATUS_OK, this.proxy);
  }

  /** RLock: if an owner holds it, so do all tasks in the name of this owner, here and in younger queues. */
  admitOwner(name: number): void {
    const { arena, cell } = this.proxy.target;
    // If the owner holds it, that stays so: only tasks of this thread could release it.
    if ((arena.load(cell, CELL_WORD) & -UNIT) >>> 0 !== name) return;
    if (!this.byOwner) {
      const byOwner: NonNullable<LocalQueue['byOwner']> = new Map();
      for (let queue: LocalQueue | undefined = this; queue; queue = queue.younger) {
        queue.byOwner = byOwner;
        for (let task = queue.first; task; task = task.next) queue.note(task);
      }
    }
    // It shrinks meanwhile.
    for (const [task, queue] of this.byOwner!.get(name) ?? []) queue.admit(task);
  }

  /** A task gives up. Among several it just leaves; if it was the first, the proxy's verdict is for the next. */
  cancelTask(task: QueuedTask): void {
    if (this.#size > 1) this.#complete(task, STATUS_TIMEOUT);
    else this.#scheduler.cancel(this.proxy);
  }

  /** The last task has left, and the proxy has no waiter any more. */
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
    // `older` stays as it is: a queue that had one does not begin once more.
    this.younger = undefined;
    this.byOwner = undefined;
  }

  /** A step of the proxy. */
  start(): number {
    // When the proxy starts anew, after this thread has blocked, its first task may have given up.
    return this.#advance(!this.first || this.first.cancelled ? STATUS_TIMEOUT : this.#start(0));
  }

  /** A step of the proxy. */
  resume(verdict: number): number {
    if (this.first) return this.#advance(resumeAcquire(this.#forFirst(), verdict));
    // The last task got a handoff, or was admitted with its owner, before this verdict was seen.
    declineAcquire(this.proxy);
    return STATUS_OK;
  }

  /** A step of the proxy. */
  cancel(): number {
    return this.#advance(cancelAcquire(this.proxy));
  }

  /** A step of the proxy. */
  takeTurn(): number {
    return this.first ? this.#advance(takeTurnAcquire(this.#forFirst())) : STATUS_PENDING;
  }

  #start(flags: number): number {
    const proxy = this.#forFirst();
    if (this.#inOwnName) proxy.addToAcquire = proxy.waiter;
    return startAcquire(proxy, flags);
  }

  /** The proxy, before a step by which it may acquire for the first task. */
  #forFirst(): Operation {
    const { proxy } = this;
    const { hold } = this.first!;
    const { arena, cell, stamp } = proxy.target;
    // When the semaphore is destroyed beside a waiter that has its permit, the hold may be gone, too.
    proxy.hold = hold !== 0 && (arena.load(cell, CELL_STAMP) | 0) === stamp ? hold : 0;
    return proxy;
  }

  /** A step of the proxy has answered `status`. An end is the first task's, and then the proxy starts for the next one. */
  #advance(status: number): number {
    const { proxy } = this;
    const { arena, cell } = proxy.target;
    this.#advancing = true;
    try {
      for (let first = this.first; first && status !== STATUS_PENDING; first = this.first) {
        // `rename` may find another owner: any thread may release a plain Lock meanwhile.
        const held = status === STATUS_OK || status === STATUS_ABANDONED;
        if (held && first.name !== proxy.addToAcquire) {
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

  /** `admitOwner` for a task of this queue. */
  admit(task: QueuedTask): void {
    const { arena, cell, stamp } = this.proxy.target;
    this.#remove(task);
    task.admit(arena.core.rlockAcquire(cell, stamp, task.name, 0), this.proxy);
    // Without tasks the proxy has to leave. If it has its verdict already, `resume` will pass that on.
    if (!this.first && this.proxy.waiter && !this.#advancing) this.#scheduler.cancel(this.proxy);
  }

  /** The task can be found by its owner. */
  note(task: QueuedTask): void {
    const tasks = this.byOwner!.get(task.name);
    if (tasks) tasks.set(task, this);
    else this.byOwner!.set(task.name, new Map([[task, this]]));
  }

  #forget(task: QueuedTask): void {
    const tasks = this.byOwner!.get(task.name)!;
    tasks.delete(task);
    if (tasks.size === 0) this.byOwner!.delete(task.name);
  }

  #push(task: QueuedTask): void {
    task.prev = this.#last;
    if (this.#last) this.#last.next = task;
    else this.first = task;
    this.#last = task;
    this.#size++;
    if (this.byOwner) this.note(task);
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
    // An old task must not keep the younger ones alive.
    task.next = undefined;
    this.#size--;
    if (this.byOwner) this.#forget(task);
  }

  #count(change: number): void {
    const { target, waiter } = this.proxy;
    target.arena.core.countTasks(target.cell, waiter, change);
  }
}

const queueOf = (proxy: Operation): LocalQueue => proxy.completion as LocalQueue;

const proxySteps: Steps = {
  start: (op) => queueOf(op).start(),
  resume: (op, verdict) => queueOf(op).resume(verdict),
  cancel: (op) => queueOf(op).cancel(),
  // A proxy never blocks a thread: neither this nor `takeOver` is asked for.
  abandon: cancelAcquire,
  decline: declineAcquire,
  takeTurn: (op) => queueOf(op).takeTurn(),
  takeOver: () => false,
};
