import { CELL_WORD, HELD_BY_TASK, KIND_LOCK, STATUS_OK, UNIT } from '../assembly/abi.ts';
import { attachCell, type CellRef, type Handle } from './handle.ts';
import { IDLE_LOCK, type Idle } from './idle.ts';
import type { OwnerWanted } from './owner.ts';
import { type LockOptions, type LockRecovery, Recoverable } from './recoverable.ts';
import { tasksOf } from './scheduler.ts';
import { SOON } from './thread-arena.ts';
import type { WaitOptions } from './validate.ts';

/**
 * A mutual exclusion lock, like Python's `threading.Lock`: one thread holds it, and any thread may release it.
 *
 * The first call takes a free lock, also past waiters; of the waiters, the first is woken first, and one that was passed
 * over for a millisecond is handed the lock. Algorithm: `assembly/resource.ts`.
 *
 * When the thread that holds it dies, it is abandoned: the next ones to acquire it are told so by an `AbandonedError`, until
 * one of them has repaired what it protects, by `recover`. The option `abandoned` chooses something else.
 *
 * @example
 * ```js
 * import { Lock } from 'lockwork';
 *
 * const lock = new Lock({ name: 'seats' });
 * lock.with(() => 'booked'); // 'booked': held meanwhile
 * lock.acquire(50); // true; false when the time is up first
 * lock.release();
 * await lock.withAsync(async () => 'booked'); // 'booked': waits, and blocks nobody
 * ```
 */
export class Lock extends Recoverable<'Lock'> {
  // Its own, since engines are slow where all classes come by.
  readonly #ref = this.ref;

  /**
   * Makes a lock that nobody holds. Works in any thread, and never waits.
   *
   * @throws TypeError, RangeError when an option is wrong
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(options?: LockOptions);
  /** @internal */
  constructor(existing: CellRef, recovery: LockRecovery | undefined);
  constructor(options?: LockOptions | CellRef, recovery?: LockRecovery) {
    super('Lock', KIND_LOCK, options, recovery);
  }

  /**
   * Attaches to the lock that a handle names: a `Lock` that was posted.
   *
   * @param options `recover`: what this thread does with an abandoned one
   * @throws TypeError when it is not the handle of a Lock, of a destroyed one, or of an incompatible version; when an
   *   option is wrong
   */
  static from(handle: Handle<'Lock'>, options?: LockRecovery): Lock {
    return attachLock(attachCell(handle, 'Lock', KIND_LOCK), options);
  }

  /**
   * Blocks until this thread holds the lock. False when the time is up first. It is not recursive: a thread that holds it
   * already waits for another one to release it.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws DeadlockError when a task of this thread holds it, unless `timeout` is 0; in a circle of threads that wait for each
   *   other without a timeout, if `setDeadlockPolicy` says so
   * @throws AbandonedError when the thread that held it has died: it is not held, and abandoned until `recover` has repaired
   *   what it protects. With the option `recover`, that is done here, and what it throws is thrown
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
      // In this frame, as there may be no stack for one more: see `debt`.
      arena.debt = 1;
      arena.tasks ??= arena.nobody;
      void SOON.then(arena.pay);
      arena.pay();
      throw error;
    }
    return scheduler || status !== STATUS_OK ? this.finish(arena, status) : true;
  }

  /**
   * Waits without blocking the thread until it holds the lock. False when the time is up first. Tasks and blocked threads
   * stand in one queue. A task that holds it already waits for another one to release it, and nothing finds that.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws AbandonedError, whatever `recover` throws: as `acquire`, and an async `recover` is awaited
   * @throws TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: WaitOptions): Promise<boolean> {
    return this.acquirePromise(options, this.kind);
  }

  /**
   * Takes the lock if it is free; never waits. True when this thread holds it now.
   *
   * @throws AbandonedError, whatever `recover` throws: as `acquire`
   */
  tryAcquire(): boolean {
    const { core, arena, cell, stamp, thread } = this.#ref;
    // To pay what the thread owes may throw: before it takes something.
    tasksOf(arena);
    return this.finish(arena, core.lockAcquire(cell, stamp, thread, 0));
  }

  /**
   * Releases the lock, whichever thread acquired it, and lets the first in the queue go on. Never waits. An abandoned one
   * stays abandoned.
   *
   * @throws NotHeldError when nobody holds it
   */
  release(): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    let owner = thread;
    const scheduler = tasksOf(arena);
    if (scheduler) {
      // A guess: a task may hold it.
      owner |= arena.guess(cell, CELL_WORD) & HELD_BY_TASK;
      const queue = this.localQueue(scheduler);
      const heir = queue?.heir;
      // To the last task of a queue it does not go by way of another owner, as any thread may release it meanwhile.
      if (heir && (queue!.others || owner === heir.name)) {
        if (core.handOff(cell, stamp, queue!.proxy.waiter, owner, heir.name, queue!.others)) {
          this.handedOff(queue!);
          return;
        }
      }
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
  protected override acquireIn(name: number, limit: number): number {
    const { core, cell, stamp } = this.ref;
    return core.lockAcquire(cell, stamp, name, limit);
  }

  /** @internal */
  protected override get proxyName(): number {
    return this.ref.thread | HELD_BY_TASK;
  }

  /** @internal */
  protected override acquireNow(wanted: OwnerWanted): boolean | Promise<boolean> {
    return this.acquireAs(this.ref.thread | HELD_BY_TASK, wanted, undefined, 0);
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_LOCK;
  }
}

// Outside of the class: one that names itself within is called _Lock by bundlers.
function attachLock(ref: CellRef, recovery: LockRecovery | undefined): Lock {
  return new Lock(ref, recovery);
}
