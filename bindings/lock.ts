import { CELL_WORD, HELD_BY_TASK, KIND_LOCK, STATUS_OK, UNIT } from '../assembly/abi.ts';
import { Acquirable } from './acquirable.ts';
import { attachCell, type Handle } from './handle.ts';
import { IDLE_LOCK, type Idle } from './idle.ts';
import type { OwnerWanted } from './owner.ts';
import type { PrimitiveOptions } from './primitive.ts';
import { tasksOf } from './scheduler.ts';
import type { WaitOptions } from './validate.ts';

/**
 * A mutual exclusion lock, like Python's `threading.Lock`: one thread holds it, and any thread may release it.
 *
 * The first call takes a free lock, also past waiters; of the waiters, the first is woken first, and one that was passed
 * over for a millisecond is handed the lock. Algorithm: `assembly/resource.ts`.
 */
export class Lock extends Acquirable<'Lock'> {
  // Its own, since engines are slow where all classes come by.
  readonly #ref = this.ref;

  constructor(options?: PrimitiveOptions) {
    super('Lock', KIND_LOCK, options);
  }

  /**
   * Attaches to the lock that a handle names: a `Lock` that was posted.
   *
   * @throws TypeError when it is not the handle of a Lock, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Lock'>): Lock {
    return attachLock(attachCell(handle, 'Lock', KIND_LOCK));
  }

  /**
   * Blocks until this thread holds the lock. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws DeadlockError when a task of this thread holds it, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  acquire(timeout?: number): boolean {
    const limit = this.limit(timeout, 'acquire');
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    let status: number;
    try {
      status = (scheduler && this.blockIfTasks(scheduler, limit)) ?? core.lockAcquire(cell, stamp, thread, limit);
    } catch (error) {
      return this.withdraw(error);
    }
    return scheduler || status !== STATUS_OK ? this.finish(arena, status) : true;
  }

  /**
   * Waits without blocking the thread until it holds the lock. False when the time is up first. Tasks and blocked threads
   * stand in one queue.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: WaitOptions): Promise<boolean> {
    return this.acquirePromise(options, this.kind);
  }

  /** Takes the lock if it is free; never waits. True when this thread holds it now. */
  tryAcquire(): boolean {
    const { core, arena, cell, stamp, thread } = this.#ref;
    return this.finish(arena, core.lockAcquire(cell, stamp, thread, 0));
  }

  /**
   * Releases the lock, whichever thread acquired it, and lets the first in the queue go on. Never waits.
   *
   * @throws NotHeldError when nobody holds it
   */
  release(): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    let owner = thread;
    const scheduler = tasksOf(arena);
    if (scheduler) {
      const queue = this.localQueue(scheduler);
      if (queue?.heir && core.lockHandOff(cell, stamp, queue.proxy.waiter, queue.others)) {
        this.handedOff(queue);
        return;
      }
      // A guess: a task may hold it.
      owner |= arena.guess(cell, CELL_WORD) & HELD_BY_TASK;
    }
    const status = core.lockRelease(cell, stamp, owner);
    if (scheduler || status !== STATUS_OK) this.finishOk(arena, status);
  }

  /** Whether some thread or task holds it. */
  get locked(): boolean {
    return this.peek(CELL_WORD) >= UNIT;
  }

  /** @internal */
  override get heldByTask(): boolean {
    const { arena, cell, thread } = this.ref;
    // Another thread may release it at any time.
    return (arena.load(cell, CELL_WORD) & -HELD_BY_TASK) === (thread | HELD_BY_TASK);
  }

  /** @internal */
  protected override tryAs(name: number): number {
    const { core, cell, stamp } = this.ref;
    return core.lockAcquire(cell, stamp, name, 0);
  }

  /** @internal */
  protected override get proxyName(): number {
    return this.ref.thread | HELD_BY_TASK;
  }

  /** @internal */
  protected override acquireNow(wanted: OwnerWanted): boolean | Promise<boolean> {
    return this.acquireAs(this.ref.thread | HELD_BY_TASK, wanted);
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_LOCK;
  }
}

// Outside of the class: one that names itself within is called _Lock by bundlers.
function attachLock(ref: unknown): Lock {
  return new Lock(ref as PrimitiveOptions);
}
