import {
  ABANDONED,
  CELL_WORD,
  CONDITION_LOCK,
  CONDITION_LOCK_STAMP,
  CONDITION_OWNS_LOCK,
  HELD_BY_TASK,
  KIND_CONDITION,
  KIND_LOCK,
  RLOCK_DEPTH,
  STATUS_ABANDONED,
  STATUS_BUSY,
  STATUS_NOT_HELD,
  STATUS_OK,
} from '../assembly/abi.ts';
import { admitOwner } from './acquirable.ts';
import { Arena } from './arena.ts';
import { blockBesideTasks } from './blocking.ts';
import { after, now } from './clock.ts';
import { attachCell, type CellRef, type Handle } from './handle.ts';
import { IDLE, type Idle } from './idle.ts';
import { Lock } from './lock.ts';
import { Operation, type Steps } from './operation.ts';
import { OperationCall } from './operation-call.ts';
import {
  checkOwner,
  checkOwnerWait,
  FOR_EVER,
  Owner,
  type OwnerOptions,
  type OwnerWaitOptions,
  type OwnerWanted,
  ownerIn,
} from './owner.ts';
import { createCell, type PrimitiveOptions } from './primitive.ts';
import type { LockRecovery } from './recoverable.ts';
import { RLock } from './rlock.ts';
import { schedulerOf, tasksOf } from './scheduler.ts';
import { Holdable } from './scoped.ts';
import { overLock, overRLock } from './steps/condition.ts';
import { SOON, type ThreadArena } from './thread-arena.ts';
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkTimeout,
  invalidType,
  isStrayPromise,
  OWNER_OPTIONS,
  PRIMITIVE_OPTIONS,
  show,
} from './validate.ts';

const MOST = 0x7fffffff;

/** How the message of an AbandonedError out of a wait ends. */
const HELD_AGAIN = '. It is held, as after every wait: release it before';

export interface ConditionHandle extends Handle<'Condition'> {
  /** Without it, the one that the Condition was made with is found: a program in WebAssembly knows the rest. */
  readonly lock?: Handle<'Lock'> | Handle<'RLock'>;
}

/** What the constructor gets from `from`, in place of a lock. */
class Existing {
  constructor(
    readonly ref: CellRef,
    readonly lock: Lock | RLock,
  ) {}
}

/**
 * A queue of threads that wait for a state which the holder of a lock changes, like Python's `threading.Condition`.
 * `wait` gives the lock up and has it again when it returns; `notify` lets the first in the queue go on. Waiters are
 * moved to the lock's queue, not woken all at once. Algorithm: `assembly/condition.ts`.
 *
 * @example
 * ```js
 * import { Condition, Lock } from 'lockwork';
 *
 * const changed = new Condition(new Lock());
 * let orders = 0;
 * const served = changed.withAsync(() => changed.waitForAsync(() => orders > 0));
 * await changed.withAsync(() => {
 *   orders++;
 *   changed.notify();
 * });
 * await served; // true
 * ```
 */
export class Condition extends Holdable<'Condition'> {
  /** The lock: the one given to the constructor, or an `RLock` of its own. Part of the handle. */
  readonly lock: Lock | RLock;
  readonly #recursive: boolean;

  /**
   * Makes a condition for which nobody waits. Works in any thread, and never waits.
   *
   * @param lock default: a new RLock, which is destroyed with the Condition
   * @throws TypeError when it is no lock, or one of another arena; when an option is wrong
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(lock?: Lock | RLock, options?: PrimitiveOptions) {
    const { ref, lock: used } =
      (lock as unknown) instanceof Existing ? (lock as unknown as Existing) : create(lock, options);
    super('Condition', KIND_CONDITION, ref);
    this.lock = used;
    this.#recursive = used instanceof RLock;
  }

  /**
   * Attaches to the condition that a handle names, and to its lock: a `Condition` that was posted.
   *
   * @param options `recover`: what this thread does with an abandoned lock, as of `Lock.from`
   * @throws TypeError when it is not the handle of a Condition, of a destroyed one, or of an incompatible version; when an
   *   option is wrong
   */
  static from(handle: ConditionHandle, options?: LockRecovery): Condition {
    const ref = attachCell(handle, 'Condition', KIND_CONDITION);
    const theirs = handle.lock === undefined ? lockOf(ref) : handle.lock;
    const lock = theirs?.kind === 'Lock' ? Lock.from(theirs, options) : RLock.from(theirs, options);
    const { arena, cell } = ref;
    // It never changes, and no other cell of the arena ever has this stamp.
    const stamp = arena.load(cell, CONDITION_LOCK_STAMP);
    if (lock.ref.arena !== arena || lock.stamp >>> 0 !== stamp) {
      throw invalidType('Condition.from: the lock of this handle is not the lock of its Condition');
    }
    return attachCondition(new Existing(ref, lock));
  }

  /** Acquires the lock: its `acquire`, an abandoned one as well. */
  acquire(timeout?: number): boolean {
    this.live();
    this.limit(timeout, 'acquire');
    return this.lock.acquire(timeout);
  }

  /** Acquires the lock if that needs no waiting: its `tryAcquire`. */
  tryAcquire(): boolean {
    this.live();
    return this.lock.tryAcquire();
  }

  /** Acquires the lock without blocking the thread: its `acquireAsync`. */
  acquireAsync(options?: OwnerWaitOptions): Promise<boolean> {
    try {
      this.live();
    } catch (error) {
      return Promise.reject(error);
    }
    // Not async: the lock's own promise, without a turn more.
    return this.lock.acquirePromise(options, this.kind);
  }

  /** @internal */
  protected override newOwner(): Owner | undefined {
    return this.#recursive ? new Owner() : undefined;
  }

  /** @internal */
  override acquireTask(wanted: OwnerWanted, owner: Owner | undefined, hold: number): boolean | Promise<boolean> {
    this.live();
    return this.lock.acquireTask(wanted, owner, hold);
  }

  /** @internal */
  override letGo(owner: Owner | undefined, hold: number): void {
    this.live();
    this.lock.letGo(owner, hold);
  }

  /** Releases the lock: its `release`. */
  release(options?: OwnerOptions): void {
    this.live();
    this.lock.release(options);
  }

  /**
   * Gives the lock up (an RLock entirely), blocks until it is notified, and acquires the lock again, as often as it was
   * held. False when the time is up first; the lock is held then too.
   *
   * When the lock is abandoned by then, and its object has the option `recover`, that repairs what it protects, and the answer
   * is true though nobody may have notified: look at the state that you wait for, or use `waitFor`.
   *
   * @param timeout ms until it must be notified; having the lock again may take longer. Nothing or `Infinity` for ever
   * @throws AbandonedError when the lock is abandoned and its object is without the option; whatever `recover` throws. The
   *   lock is held then too, and still abandoned
   * @throws NotHeldError when the lock is not held
   * @throws BlockingNotAllowedError on a thread that may not block
   */
  wait(timeout?: number): boolean {
    this.mayBlock('wait');
    const limit = checkTimeout(timeout, 'Condition.wait');
    const { core, arena, cell, stamp, thread } = this.ref;
    const scheduler = tasksOf(arena);
    if (scheduler?.busy) {
      const op = new Operation(this.ref, this.#steps, undefined, 0, false, this.lock.operation(thread));
      // It lets the lock go, and what its tasks hold beside that it does not need.
      const status = blockBesideTasks(
        arena,
        scheduler,
        op,
        limit,
        () => false,
        () => this.deadlock(),
      );
      return this.#waited(arena, status);
    }
    // Only the owner writes it. Of a plain Lock this word is always 0.
    const depth = arena.load(this.lock.ref.cell, RLOCK_DEPTH);
    let status: number;
    try {
      status = core.condWait(cell, stamp, thread, thread, limit, this.#recursive);
    } catch (error) {
      // In this frame, as there may be no stack for one more: see `debt`.
      arena.debt = 2 + depth;
      arena.tasks ??= arena.nobody;
      void SOON.then(arena.pay);
      arena.pay();
      throw error;
    }
    return this.#waited(arena, status);
  }

  /** What a wait of this thread has come to. */
  #waited(arena: ThreadArena, status: number): boolean {
    if (status !== STATUS_ABANDONED) return this.finish(arena, status);
    this.finish(arena, STATUS_OK);
    return this.lock.repair(HELD_AGAIN);
  }

  /**
   * Gives the lock up (an RLock entirely), waits without blocking the thread until it is notified, and acquires the lock
   * again, as often as it was held. False when the time is up first; the lock is held then too. Tasks and blocked threads
   * stand in one queue.
   *
   * @param options `timeout`: ms until it must be notified; `owner`: the RLock's holder
   * @throws whatever `signal.reason` is, when the signal is aborted first; the lock is held then too
   * @throws AbandonedError, whatever `recover` throws: as `wait`, and an async `recover` is awaited
   * @throws NotHeldError when the lock is not held
   * @throws TypeError over an RLock without an owner; TypeError, RangeError when an option is wrong
   */
  async waitAsync(options?: OwnerWaitOptions): Promise<boolean> {
    const wanted = this.#wanted(options, 'waitAsync');
    const name = this.#nameOf(wanted);
    this.live();
    const notified = this.#call(name).wait(wanted.limit, wanted.signal);
    try {
      return await notified;
    } finally {
      this.#admitOwner(name);
    }
  }

  /**
   * Waits until `predicate()`, called with the lock held, answers something true. False when the time is up first.
   *
   * @param timeout ms in all; nothing or `Infinity` for ever
   * @throws NotHeldError when the lock is not held
   * @throws AbandonedError, whatever `recover` throws: as `wait`
   * @throws BlockingNotAllowedError on a thread that may not block
   * @throws TypeError when `predicate` is not a function, or returns a promise
   */
  waitFor(predicate: () => unknown, timeout?: number): boolean {
    this.mayBlock('waitFor');
    checkFunction(predicate, 'Condition.waitFor: the predicate');
    const deadline = now() + checkTimeout(timeout, 'Condition.waitFor');
    const scheduler = tasksOf(this.ref.arena);
    // Also between two waits: a task that is given a lock then could not go on with it.
    return scheduler?.busy
      ? scheduler.beforeTasks(() => this.#waitFor(predicate, deadline))
      : this.#waitFor(predicate, deadline);
  }

  #waitFor(predicate: () => unknown, deadline: number): boolean {
    // The predicate looks at what the lock protects: notifying nobody checks that the lock is held.
    this.notify(0);
    const holds = (): boolean => {
      const result = predicate();
      if (isStrayPromise(result)) throw invalidType(`${this}: the predicate returned a promise, which is always true`);
      return Boolean(result);
    };
    let held = holds();
    for (let left = deadline - now(); !held && left > 0; left = deadline - now()) {
      this.wait(left);
      held = holds();
    }
    return held;
  }

  /**
   * Waits without blocking the thread until `predicate()`, called with the lock held, answers or resolves to something
   * true. False when the time is up first. The lock is held when it is over, however it ends.
   *
   * @param options `timeout`: ms in all; `owner`: the RLock's holder
   * @throws whatever the predicate throws or rejects with; else as `waitAsync`
   */
  async waitForAsync(predicate: () => unknown, options?: OwnerWaitOptions): Promise<boolean> {
    checkFunction(predicate, 'Condition.waitForAsync: the predicate');
    const { limit, owner } = this.#wanted(options, 'waitForAsync');
    this.notify(0, { owner });
    // Throws where tasks cannot wait, before the predicate is asked.
    schedulerOf(this.ref.arena);
    let call: OperationCall<boolean> | undefined;
    let late = limit === 0;
    // One timer for the whole call. To give each wait what is left would need a clock, and where a test has faked the
    // timers no clock need go with them.
    const stop = after(limit, () => {
      late = true;
      call?.expire();
    });
    try {
      let holds = Boolean(await predicate());
      while (!holds && !late) {
        const wanted = this.#wanted(options, 'waitForAsync');
        const name = this.#nameOf(wanted);
        this.live();
        call = this.#call(name);
        const notified = call.wait(Infinity, wanted.signal);
        try {
          await notified;
        } finally {
          this.#admitOwner(name);
        }
        holds = Boolean(await predicate());
      }
      return holds;
    } finally {
      stop();
    }
  }

  get #steps(): Steps {
    return this.#recursive ? overRLock : overLock;
  }

  /** A wait of a task, which holds the lock in this name. */
  #call(name: number): OperationCall<boolean> {
    const lock = this.lock.operation(name);
    return new OperationCall(this, this.#steps, false, lock);
  }

  /** @internal */
  toResult(status: number): boolean | Promise<boolean> {
    return status === STATUS_ABANDONED ? this.lock.repairAsync(undefined, HELD_AGAIN) : this.toBoolean(status);
  }

  /** RLock: a task has it again, and if it is in order, so have the other tasks of its owner that wait for it. */
  #admitOwner(name: number): void {
    const { arena, cell } = this.lock.ref;
    if (this.#recursive && !(arena.load(cell, CELL_WORD) & ABANDONED)) admitOwner(schedulerOf(arena), cell, name);
  }

  /**
   * Lets the first `n` waiters go on, or as many as there are, once they have the lock. Never waits.
   *
   * @param options `owner`: the RLock's holder, if not this thread
   * @throws NotHeldError when the lock is not held
   * @throws TypeError, RangeError when `n` is not an integer of 0 or more
   */
  notify(n = 1, options?: OwnerOptions): void {
    checkInteger(n, 0, MOST, 'Condition.notify: the number of waiters');
    const owner = options === undefined ? undefined : checkOwner(options, 'Condition.notify', OWNER_OPTIONS);
    const { core, arena, cell, stamp, thread } = this.ref;
    // Over a Lock the name does not matter.
    const name = owner && this.#recursive ? this.#address(owner) : thread;
    // After a wait that has thrown it has the lock again.
    tasksOf(arena);
    this.finishOk(arena, core.condNotify(cell, stamp, name, n, this.#recursive));
  }

  /** Lets all waiters go on, once they have the lock. Never waits. As `notify`. */
  notifyAll(options?: OwnerOptions): void {
    this.notify(MOST, options);
  }

  #wanted(options: OwnerWaitOptions | undefined, call: string): OwnerWanted {
    const wanted = options === undefined ? FOR_EVER : checkOwnerWait(options, `Condition.${call}`);
    if (wanted.owner || !this.#recursive) return wanted;
    throw invalidType(
      `Condition.${call}: over an RLock it needs the owner that holds it: { owner: guard.owner } of holdAsync(). A Condition over a Lock needs none: new Condition(new Lock())`,
    );
  }

  /** The name in which a task holds the lock, as it stands in its word. */
  #nameOf({ owner }: OwnerWanted): number {
    return this.#recursive ? this.#address(owner!) : this.ref.thread | HELD_BY_TASK;
  }

  #address(owner: Owner): number {
    return ownerIn(owner, this.ref.arena) || this.throwStatus(STATUS_NOT_HELD);
  }

  /**
   * Gives its memory back, and that of a lock of its own: of both or of none.
   *
   * @throws ThreadingError when somebody waits for it, or holds or waits for its own lock; nothing is changed
   */
  override destroy(): void {
    if (this.#ownLock?.awaited) this.throwStatus(STATUS_BUSY);
    super.destroy();
  }

  /** @internal */
  override names(): { address: number; cells: number }[] {
    return [...super.names(), ...(this.#ownLock?.names() ?? [])];
  }

  /** @internal */
  override destroyCell(): number {
    // While a waiter stands in this queue, the lock is held or pinned; and nobody begins to wait without holding it. So with
    // the lock destroyed, nothing is in the way.
    const status = this.#ownLock?.destroyCell() ?? STATUS_OK;
    return status === STATUS_OK ? super.destroyCell() : status;
  }

  /** The lock that is destroyed with it, unless somebody has done that by itself. */
  get #ownLock(): Lock | RLock | undefined {
    return this.peek(CONDITION_OWNS_LOCK) && this.lock.lives ? this.lock : undefined;
  }

  /** @internal */
  protected override heldBy(): string {
    const { lock } = this;
    return lock.heldByTask
      ? `: a task of this thread holds its ${lock}. Pass its owner: { owner: guard.owner }`
      : `: its ${lock} must be held by this thread. Acquire it first`;
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE;
  }
}

/** The handle of a Condition's lock. */
function lockOf({ arena, cell }: CellRef): Handle<'Lock'> | Handle<'RLock'> {
  // Neither ever changes.
  const [address, stamp] = [CONDITION_LOCK, CONDITION_LOCK_STAMP].map((field) => arena.load(cell, field)) as [
    number,
    number,
  ];
  const kind = arena.kindAt(address) === KIND_LOCK ? 'Lock' : 'RLock';
  return { kind, memory: arena.memory, address, stamp: stamp | 0 } as Handle<'Lock'>;
}

function create(lock: Lock | RLock | undefined, options: PrimitiveOptions | undefined): Existing {
  checkOptions(options, 'new Condition', PRIMITIVE_OPTIONS);
  if (lock !== undefined && !(lock instanceof Lock || lock instanceof RLock)) {
    throw invalidType(`new Condition: the lock must be a Lock or an RLock, not ${show(lock)}`);
  }
  const used = lock ?? new RLock(options);
  const arena = options?.arena === undefined ? used.arena : options.arena;
  if (arena instanceof Arena && arena.threadArena !== used.arena.threadArena) {
    throw invalidType('new Condition: the lock lives in another arena. Both must be in one');
  }
  try {
    const initial = {
      [CONDITION_LOCK]: used.address,
      [CONDITION_LOCK_STAMP]: used.stamp,
      [CONDITION_OWNS_LOCK]: lock ? 0 : 1,
    };
    return new Existing(createCell('Condition', KIND_CONDITION, { ...options, arena }, initial), used);
  } catch (error) {
    if (!lock) used.destroy();
    throw error;
  }
}

// Outside of the class: one that names itself within is called _Condition by bundlers.
function attachCondition(existing: unknown): Condition {
  return new Condition(existing as Lock);
}
