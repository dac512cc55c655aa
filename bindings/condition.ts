import {
  CONDITION_LOCK,
  CONDITION_LOCK_STAMP,
  CONDITION_OWNS_LOCK,
  HELD_BY_TASK,
  KIND_CONDITION,
  RLOCK_DEPTH,
  STATUS_BUSY,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
} from '../assembly/abi.js';
import { Arena } from './arena.js';
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkTimeout,
  checkWait,
  isStrayPromise,
  OWNER_OPTIONS,
  OWNER_WAIT_OPTIONS,
  PRIMITIVE_OPTIONS,
  show,
} from './check.js';
import { after, now } from './clock.js';
import { invalidType } from './errors.js';
import { Holdable } from './guard.js';
import { inboxOf, Wait } from './inbox.js';
import { Lock, LockWait } from './lock.js';
import { checkOwner, Owner, type OwnerOptions, ownerIn } from './owner.js';
import { attached, created, type Handle, type Idle, type PrimitiveOptions, type View } from './primitive.js';
import { type OwnerWaitOptions, RLock, RLockReturn } from './rlock.js';

const MOST = 0x7fffffff;

export interface ConditionHandle extends Handle<'Condition'> {
  readonly lock: Handle<'Lock'> | Handle<'RLock'>;
}

/** What the constructor gets from `from`, in place of a lock. */
class Existing {
  constructor(
    readonly at: View,
    readonly lock: Lock | RLock,
  ) {}
}

/** A wait for a notify, and then for the lock; its steps are those of `assembly/condition.ts` and `resource.ts`. */
class ConditionWait extends Wait {
  readonly #lock: LockWait | RLockReturn;
  readonly #recursive: boolean;
  #depth = 0;
  #entered = false;
  #result: number = STATUS_OK;

  /** @param take the owner, as it stands in the lock's word */
  constructor(target: Condition, take: number) {
    super(target);
    this.#recursive = target.lock instanceof RLock;
    this.#lock = new (this.#recursive ? RLockReturn : LockWait)(target.lock, take);
  }

  enter(waiter: number): number {
    const { core } = this.region;
    if (this.#entered) return this.#end(waiter, this.#lock.enter(waiter));
    // Of a plain Lock this word is always 0.
    this.#depth = this.region.load(this.#lock.cell, RLOCK_DEPTH);
    const status = core.condWait(this.cell, this.life, waiter, this.#lock.take, Infinity, this.#recursive);
    this.#entered = status === STATUS_PENDING;
    return status;
  }

  /** The verdict is the lock's: who was notified waits for the lock. */
  resume(waiter: number, verdict: number): number {
    return this.#end(waiter, this.#lock.resume(waiter, verdict));
  }

  leave(waiter: number): number {
    if (this.region.core.leave(this.cell, this.life, waiter) !== STATUS_TIMEOUT) return STATUS_PENDING;
    this.#result = STATUS_TIMEOUT;
    return this.enter(waiter);
  }

  override abandon(waiter: number): number {
    const status = this.region.core.leave(this.cell, this.life, waiter);
    // Notified, it stands in the lock's queue, or has a verdict of the lock.
    return status === STATUS_TIMEOUT ? status : this.#lock.leave(waiter);
  }

  override decline(waiter: number, verdict: number): boolean {
    return this.#lock.decline(waiter, verdict);
  }

  /** Not when its time was up. */
  override get condition(): number | undefined {
    return this.#result === STATUS_OK ? this.cell : undefined;
  }

  override takesOver(other: Wait): boolean {
    if (this.condition === undefined || this.condition !== other.condition) return false;
    return this.region.core.condExchange(this.cell, this.life, this.waiter, other.waiter) !== 0;
  }

  #end(waiter: number, status: number): number {
    if (status !== STATUS_OK) return status;
    this.region.core.condEnd(waiter, this.#depth);
    return this.#result;
  }
}

/**
 * A queue of threads that wait for a state which the holder of a lock changes, like Python's `threading.Condition`.
 * `wait` gives the lock up and has it again when it returns; `notify` lets the first in the queue go on. Waiters are
 * moved to the lock's queue, not woken all at once. Algorithm: `assembly/condition.ts`.
 */
export class Condition extends Holdable<'Condition'> {
  /** The lock: the one given to the constructor, or an `RLock` of its own. Part of the handle. */
  readonly lock: Lock | RLock;
  readonly #recursive: boolean;

  /**
   * @param lock default: a new RLock, which is destroyed with the Condition
   * @throws TypeError when it is no lock, or one of another arena
   */
  constructor(lock?: Lock | RLock, options?: PrimitiveOptions) {
    const { at, lock: used } =
      (lock as unknown) instanceof Existing ? (lock as unknown as Existing) : make(lock, options);
    super('Condition', KIND_CONDITION, at);
    this.lock = used;
    this.#recursive = used instanceof RLock;
  }

  /**
   * Attaches to the condition that a handle names, and to its lock: a `Condition` that was posted.
   *
   * @throws TypeError when it is not the handle of a Condition, of a destroyed one, or of an incompatible version
   */
  static from(handle: ConditionHandle): Condition {
    const at = attached(handle, 'Condition', KIND_CONDITION);
    const theirs = handle.lock;
    const lock = theirs?.kind === 'Lock' ? Lock.from(theirs) : RLock.from(theirs);
    const address = at.region.load(at.cell, CONDITION_LOCK);
    const stamp = at.region.load(at.cell, CONDITION_LOCK_STAMP);
    if (lock.arena.address !== at.region.base || lock.address !== address || lock.stamp >>> 0 !== stamp) {
      throw invalidType('Condition.from: the lock of this handle is not the lock of its Condition');
    }
    return again(new Existing(at, lock));
  }

  /** Acquires the lock: its `acquire`. */
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
    return this.lock.acquireAsync(options);
  }

  /** @internal */
  protected override newOwner(): Owner | undefined {
    return this.#recursive ? new Owner() : undefined;
  }

  /** @internal */
  attain(options: OwnerWaitOptions | undefined, owner?: Owner): boolean | Promise<boolean> {
    this.live();
    return this.lock.attain(options, owner);
  }

  /** @internal */
  override letGo(owner: Owner | undefined): void {
    this.live();
    this.lock.letGo(owner);
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
   * @param timeout ms until it must be notified; having the lock again may take longer. Nothing or `Infinity` for ever
   * @throws NotHeldError when the lock is not held
   * @throws BlockingNotAllowedError on a thread that may not block
   */
  wait(timeout?: number): boolean {
    this.mayBlock('wait');
    const limit = checkTimeout(timeout, 'Condition.wait');
    const { core, region, cell, life, thread } = this.view;
    if (region.inbox?.busy) {
      const wait = new ConditionWait(this, thread);
      return this.settle(
        region,
        region.inbox.block(wait, limit, () => this.deadlock()),
      );
    }
    // Of a plain Lock this word is always 0.
    const depth = region.load(this.lock.view.cell, RLOCK_DEPTH);
    let status: number;
    try {
      status = core.condWait(cell, life, thread, thread, limit, this.#recursive);
    } catch (error) {
      return this.undo(error, () => core.condWithdraw(cell, life, thread, depth));
    }
    return this.settle(region, status);
  }

  /**
   * Gives the lock up (an RLock entirely), waits without blocking the thread until it is notified, and acquires the lock
   * again, as often as it was held. False when the time is up first; the lock is held then too. Tasks and blocked threads
   * stand in one queue.
   *
   * @param options `timeout`: ms until it must be notified; `owner`: who holds the RLock
   * @throws whatever `signal.reason` is, when the signal is aborted first; the lock is held then too
   * @throws NotHeldError when the lock is not held
   * @throws TypeError over an RLock without an owner; TypeError, RangeError when an option is wrong
   */
  async waitAsync(options?: OwnerWaitOptions): Promise<boolean> {
    const { limit, signal } = checkWait(options, 'Condition.waitAsync', OWNER_WAIT_OPTIONS);
    const take = this.#owner(options, 'waitAsync');
    this.live();
    const { region } = this.view;
    const notified = inboxOf(region).wait<boolean>(new ConditionWait(this, take), limit, signal);
    try {
      return await notified;
    } finally {
      this.#retry(take);
    }
  }

  /**
   * Waits until `predicate()`, called with the lock held, answers something true. False when the time is up first.
   *
   * @param timeout ms in all; nothing or `Infinity` for ever
   * @throws NotHeldError when the lock is not held
   * @throws BlockingNotAllowedError on a thread that may not block
   * @throws TypeError when `predicate` is not a function, or returns a promise
   */
  waitFor(predicate: () => unknown, timeout?: number): boolean {
    this.mayBlock('waitFor');
    checkFunction(predicate, 'Condition.waitFor: the predicate');
    const deadline = now() + checkTimeout(timeout, 'Condition.waitFor');
    const { inbox } = this.view.region;
    // Also between two waits: a task that is given a lock then could not go on with it.
    return inbox?.busy
      ? inbox.beforeTasks(() => this.#waitFor(predicate, deadline))
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
   * @param options `timeout`: ms in all; `owner`: who holds the RLock
   * @throws whatever the predicate throws or rejects with; else as `waitAsync`
   */
  async waitForAsync(predicate: () => unknown, options?: OwnerWaitOptions): Promise<boolean> {
    checkFunction(predicate, 'Condition.waitForAsync: the predicate');
    const { limit } = checkWait(options, 'Condition.waitForAsync', OWNER_WAIT_OPTIONS);
    this.#owner(options, 'waitForAsync');
    this.notify(0, { owner: options?.owner });
    const inbox = inboxOf(this.view.region);
    let wait: ConditionWait | undefined;
    let late = limit === 0;
    // One timer for the whole call. To give each wait what is left would need a clock, and where a test has faked the
    // timers no clock need go with them.
    const stop = after(limit, () => {
      late = true;
      if (!wait?.call?.late) wait?.call?.cancel();
    });
    try {
      let holds = Boolean(await predicate());
      while (!holds && !late) {
        const { signal } = checkWait(options, 'Condition.waitForAsync', OWNER_WAIT_OPTIONS);
        const take = this.#owner(options, 'waitForAsync');
        this.live();
        wait = new ConditionWait(this, take);
        const notified = inbox.wait(wait, Infinity, signal);
        try {
          await notified;
        } finally {
          wait = undefined;
          this.#retry(take);
        }
        holds = Boolean(await predicate());
      }
      return holds;
    } finally {
      stop();
    }
  }

  /** RLock: a task has it again, and so have the other tasks of its owner that wait for it. */
  #retry(take: number): void {
    const { inbox } = this.view.region;
    if (this.#recursive) inbox!.lines.get(this.lock.view.cell)?.oldest.retry(take);
  }

  /**
   * Lets the first `n` waiters go on, or as many as there are, once they have the lock. Never waits.
   *
   * @param options `owner`: who holds the RLock, if not this thread
   * @throws NotHeldError when the lock is not held
   * @throws TypeError, RangeError when `n` is not an integer of 0 or more
   */
  notify(n = 1, options?: OwnerOptions): void {
    checkInteger(n, 0, MOST, 'Condition.notify: the number of waiters');
    const owner = options === undefined ? undefined : checkOwner(options, 'Condition.notify', OWNER_OPTIONS);
    const { core, region, cell, life, thread } = this.view;
    // Over a Lock it does not matter who.
    const who = owner && this.#recursive ? this.#address(owner) : thread;
    this.expect(region, core.condNotify(cell, life, who, n, this.#recursive));
  }

  /** Lets all waiters go on, once they have the lock. Never waits. As `notify`. */
  notifyAll(options?: OwnerOptions): void {
    this.notify(MOST, options);
  }

  /** Who waits as a task, as it stands in the lock's word. */
  #owner(options: OwnerOptions | undefined, call: string): number {
    const owner = checkOwner(options, `Condition.${call}`, OWNER_WAIT_OPTIONS);
    if (!this.#recursive) return this.view.thread | HELD_BY_TASK;
    if (!owner) {
      throw invalidType(
        `Condition.${call}: over an RLock it needs the owner that holds it: { owner: guard.owner } of holdAsync(). A Condition over a Lock needs none: new Condition(new Lock())`,
      );
    }
    return this.#address(owner);
  }

  #address(owner: Owner): number {
    return ownerIn(owner, this.view.region) || this.refuse(STATUS_NOT_HELD);
  }

  /**
   * Gives its memory back, and that of a lock of its own: of both or of none.
   *
   * @throws ThreadingError when somebody waits for it, or holds or waits for its own lock; nothing is changed
   */
  override destroy(): void {
    // Of a line (bindings/resource.ts) the queue may know nobody at the moment.
    if (this.#ownLock?.waiters) this.refuse(STATUS_BUSY);
    super.destroy();
  }

  /** @internal */
  override names(): { address: number; cells: number }[] {
    return [...super.names(), ...(this.#ownLock?.names() ?? [])];
  }

  /** @internal */
  protected override destroyCell(): number {
    const { core, cell, life, thread } = this.view;
    return this.#ownLock ? core.condDestroy(cell, life, thread) : super.destroyCell();
  }

  /** The lock that is destroyed with it, unless somebody has done that by itself. */
  get #ownLock(): Lock | RLock | undefined {
    return this.peek(CONDITION_OWNS_LOCK) && this.lock.lives ? this.lock : undefined;
  }

  /** @internal */
  protected override heldBy(): string {
    const { lock } = this;
    return lock instanceof RLock && lock.heldByTask
      ? `: a task of this thread holds its ${lock}. Pass its owner: { owner: guard.owner }`
      : `: its ${lock} must be held by this thread. Acquire it first`;
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: 0, idle: 0, dead: 0 };
  }
}

function make(lock: Lock | RLock | undefined, options: PrimitiveOptions | undefined): Existing {
  checkOptions(options, 'new Condition', PRIMITIVE_OPTIONS);
  if (lock !== undefined && !(lock instanceof Lock || lock instanceof RLock)) {
    throw invalidType(`new Condition: the lock must be a Lock or an RLock, not ${show(lock)}`);
  }
  const used = lock ?? new RLock(options);
  const arena = options?.arena === undefined ? used.arena : options.arena;
  if (arena instanceof Arena && arena.region !== used.arena.region) {
    throw invalidType('new Condition: the lock lives in another arena. Both must be in one');
  }
  try {
    const initial = {
      [CONDITION_LOCK]: used.address,
      [CONDITION_LOCK_STAMP]: used.stamp,
      [CONDITION_OWNS_LOCK]: lock ? 0 : 1,
    };
    return new Existing(created('Condition', KIND_CONDITION, { ...options, arena }, initial), used);
  } catch (error) {
    if (!lock) used.destroy();
    throw error;
  }
}

// Outside of the class: one that names itself within is called _Condition by bundlers.
function again(existing: unknown): Condition {
  return new Condition(existing as Lock);
}
