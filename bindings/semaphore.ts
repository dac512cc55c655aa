import {
  CELL_WORD,
  KIND_BOUNDED_SEMAPHORE,
  KIND_SEMAPHORE,
  MAX_PERMITS,
  SEMAPHORE_BOUND,
  SEMAPHORE_FIRST,
  STATUS_OK,
  STATUS_OVER_RELEASE,
  UNIT,
} from '../assembly/abi.ts';
import { Acquirable } from './acquirable.ts';
import { OverReleaseError } from './errors.ts';
import { attachCell, CellRef, type Handle } from './handle.ts';
import { dropHold, holdOf } from './holds.ts';
import { IDLE_SEMAPHORE, type Idle, idleBoundedSemaphore } from './idle.ts';
import type { Operation } from './operation.ts';
import type { Owner, OwnerWanted } from './owner.ts';
import type { PrimitiveOptions } from './primitive.ts';
import { type Scheduler, tasksOf } from './scheduler.ts';
import { SOON } from './thread-arena.ts';
import { checkInteger, type WaitOptions } from './validate.ts';

/**
 * A count of permits, like Python's `threading.Semaphore`: `acquire` takes one and waits while there is none, `release`
 * gives some back, from whichever thread. Algorithm: `assembly/resource.ts`.
 *
 * When a thread dies, the permits of its guards (`hold`, `with`, `holdAsync`, `withAsync`) are given back. Those of `acquire`
 * stay taken, as nobody knows who was to release them.
 *
 * @example
 * ```js
 * import { Semaphore } from 'lockwork';
 *
 * const desks = new Semaphore(2);
 * desks.with(() => desks.value); // 1: one permit is taken
 * desks.acquire(); // true
 * desks.acquire(); // true
 * desks.acquire(10); // false: none came back within 10 ms
 * desks.release(2);
 * ```
 */
export class Semaphore extends Acquirable<'Semaphore' | 'BoundedSemaphore'> {
  // Its own, since engines are slow where all classes come by.
  readonly #ref = this.ref;
  /** Where the permits of this thread's guards are counted, once there is such a cell. */
  #hold = 0;

  /**
   * Makes a semaphore. Works in any thread, and never waits.
   *
   * @param permits how many there are at first: 0 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(permits?: number, options?: PrimitiveOptions);
  /** @internal */
  constructor(permits: number | undefined, options: PrimitiveOptions | undefined, bounded: boolean);
  constructor(permits = 1, options?: PrimitiveOptions, bounded = false) {
    const name = bounded ? 'BoundedSemaphore' : 'Semaphore';
    const kind = bounded ? KIND_BOUNDED_SEMAPHORE : KIND_SEMAPHORE;
    const existing: unknown = permits;
    if (!(existing instanceof CellRef)) checkInteger(permits, 0, MAX_PERMITS, `new ${name}: the number of permits`);
    super(name, kind, existing instanceof CellRef ? existing : options, {
      [CELL_WORD]: permits * UNIT,
      [SEMAPHORE_BOUND]: bounded ? permits : MAX_PERMITS,
      [SEMAPHORE_FIRST]: permits,
    });
  }

  /**
   * Attaches to the semaphore that a handle names: a `Semaphore` that was posted.
   *
   * @throws TypeError when it is not the handle of a Semaphore, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Semaphore'>): Semaphore {
    return attachSemaphore(attachCell(handle, 'Semaphore', KIND_SEMAPHORE));
  }

  /**
   * Blocks until there is a permit, and takes it. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  acquire(timeout?: number): boolean {
    const limit = this.limit(timeout, 'acquire');
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    let status: number;
    try {
      status = (scheduler && this.blockIfTasks(scheduler, limit)) ?? core.semAcquire(cell, stamp, thread, limit);
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
   * Waits without blocking the thread until there is a permit, and takes it. False when the time is up first. Tasks and
   * blocked threads stand in one queue.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: WaitOptions): Promise<boolean> {
    return this.acquirePromise(options, this.kind);
  }

  /** Takes a permit if there is one; never waits. */
  tryAcquire(): boolean {
    const { core, arena, cell, stamp, thread } = this.#ref;
    // To pay what the thread owes may throw: before it takes something.
    tasksOf(arena);
    return this.finish(arena, core.semAcquire(cell, stamp, thread, 0));
  }

  /**
   * Gives `n` permits, and wakes as many waiters. Never waits.
   *
   * @throws TypeError, RangeError when `n` is not an integer of 1 or more
   * @throws OverReleaseError when there would be more permits than there may be; nothing is changed
   */
  release(n = 1): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    if (n !== 1) checkInteger(n, 1, MAX_PERMITS, `${this.kind}.release: the number of permits`);
    else if (scheduler && this.#handOff(scheduler, 0)) return;
    this.finishOk(arena, core.semRelease(cell, stamp, thread, n));
  }

  /** @internal */
  protected override throwStatus(status: number): never {
    if (status !== STATUS_OVER_RELEASE) return super.throwStatus(status);
    throw new OverReleaseError(`${this}: it would have more permits than it may. Release only what was acquired`);
  }

  /** @internal */
  override letGo(_owner: Owner | undefined, hold: number): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    if (scheduler && this.#handOff(scheduler, hold)) return;
    const status = hold ? core.semLetGo(cell, stamp, thread, hold) : core.semRelease(cell, stamp, thread, 1);
    this.finishOk(arena, status);
  }

  /** Whether a permit, of a guard if it has a hold, went to a task of this thread, for a guard or not. */
  #handOff(scheduler: Scheduler, hold: number): boolean {
    const queue = this.localQueue(scheduler);
    const heir = queue?.heir;
    if (!heir) return false;
    const { core, cell, stamp } = this.#ref;
    const change = (heir.hold ? 1 : 0) - (hold ? 1 : 0);
    const done = core.semHandOff(cell, stamp, queue!.proxy.waiter, queue!.others, hold || heir.hold, change);
    if (done) this.handedOff(queue!);
    return done !== 0;
  }

  /** How many permits are free. */
  get value(): number {
    return Math.floor(this.peek(CELL_WORD) / UNIT);
  }

  /**
   * Permits are in nobody's name.
   *
   * @internal
   */
  protected override acquireIn(_name: number, limit: number, hold: number): number {
    const { core, cell, stamp, thread } = this.ref;
    return hold ? core.semHold(cell, stamp, thread, limit, hold) : core.semAcquire(cell, stamp, thread, limit);
  }

  /** @internal */
  protected override acquireGuarded(timeout: number | undefined, hold: number): boolean {
    return hold ? this.finish(this.ref.arena, this.block(this.limit(timeout, 'hold'), hold)) : this.acquire(timeout);
  }

  /** @internal */
  protected override get permitHold(): number {
    if (!this.lives) return 0;
    this.#hold ||= holdOf(this.ref);
    return this.#hold;
  }

  /** @internal */
  protected override get proxyName(): number {
    return -UNIT;
  }

  /** @internal */
  override operation(): Operation {
    return super.operation(-UNIT);
  }

  /** @internal */
  protected override acquireNow(
    wanted: OwnerWanted,
    _owner: Owner | undefined,
    hold: number,
  ): boolean | Promise<boolean> {
    return this.acquireAs(-UNIT, wanted, undefined, hold);
  }

  override destroy(): void {
    super.destroy();
    dropHold(this.ref);
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_SEMAPHORE;
  }
}

/**
 * A semaphore that refuses to have more permits than it began with, like Python's `threading.BoundedSemaphore`: it finds
 * the release too many.
 *
 * @example
 * ```js
 * import { BoundedSemaphore } from 'lockwork';
 *
 * const desks = new BoundedSemaphore(2);
 * desks.bound; // 2
 * desks.release(); // throws OverReleaseError
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  /** What it is, as its handle says. */
  declare readonly kind: 'BoundedSemaphore';

  /**
   * Makes a semaphore with a bound. Works in any thread, and never waits.
   *
   * @param permits how many there are at first and at the most: 0 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(permits?: number, options?: PrimitiveOptions) {
    super(permits, options, true);
  }

  /**
   * Attaches to the semaphore that a handle names: a `BoundedSemaphore` that was posted.
   *
   * @throws TypeError when it is not the handle of a BoundedSemaphore, of a destroyed one, or of an incompatible version
   */
  static override from(handle: Handle & { readonly kind: 'BoundedSemaphore' }): BoundedSemaphore {
    return attachBounded(attachCell(handle, 'BoundedSemaphore', KIND_BOUNDED_SEMAPHORE));
  }

  /** The most permits there may be. */
  get bound(): number {
    return this.peek(SEMAPHORE_BOUND);
  }

  /** @internal */
  protected override get idle(): Idle {
    return idleBoundedSemaphore(this.bound);
  }
}

// Outside of the classes: one that names itself within is called _Semaphore by bundlers.
function attachSemaphore(ref: unknown): Semaphore {
  return new Semaphore(ref as number);
}

function attachBounded(ref: unknown): BoundedSemaphore {
  return new BoundedSemaphore(ref as number);
}
