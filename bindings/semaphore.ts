import {
  CELL_WORD,
  KIND_BOUNDED_SEMAPHORE,
  KIND_SEMAPHORE,
  MAX_PERMITS,
  SEMAPHORE_BOUND,
  STATUS_OK,
  UNIT,
} from '../assembly/abi.js';
import { checkInteger, type WaitOptions } from './check.js';
import { attached, type Handle, type Idle, type PrimitiveOptions, View } from './primitive.js';
import { Resource, ResourceWait } from './resource.js';

/** Of permits nobody can say who has them: it never knows of a deadlock. */
class SemaphoreWait extends ResourceWait {
  /** @internal */
  protected override release(): number {
    return this.region.core.semRelease(this.cell, this.life, this.region.thread, 1);
  }
}

/**
 * A count of permits, like Python's `threading.Semaphore`: `acquire` takes one and waits while there is none, `release`
 * gives some back, from whichever thread. Algorithm: `assembly/resource.ts`.
 */
export class Semaphore extends Resource<'Semaphore' | 'BoundedSemaphore'> {
  // Its own, since engines are slow where all classes come by.
  readonly #view = this.view;

  /**
   * @param permits how many there are at first: 0 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer
   */
  constructor(permits?: number, options?: PrimitiveOptions);
  /** @internal */
  constructor(permits: number | undefined, options: PrimitiveOptions | undefined, bounded: boolean);
  constructor(permits = 1, options?: PrimitiveOptions, bounded = false) {
    const name = bounded ? 'BoundedSemaphore' : 'Semaphore';
    const kind = bounded ? KIND_BOUNDED_SEMAPHORE : KIND_SEMAPHORE;
    const existing: unknown = permits;
    if (!(existing instanceof View)) checkInteger(permits, 0, MAX_PERMITS, `new ${name}: the number of permits`);
    super(name, kind, existing instanceof View ? existing : options, {
      [CELL_WORD]: permits * UNIT,
      [SEMAPHORE_BOUND]: bounded ? permits : MAX_PERMITS,
    });
  }

  /**
   * Attaches to the semaphore that a handle names: a `Semaphore` that was posted.
   *
   * @throws TypeError when it is not the handle of a Semaphore, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Semaphore'>): Semaphore {
    return make(attached(handle, 'Semaphore', KIND_SEMAPHORE));
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
    const { core, region, cell, life, thread } = this.#view;
    const { inbox } = region;
    let status: number;
    try {
      status = (inbox && this.beside(region, limit)) ?? core.semAcquire(cell, life, thread, limit);
    } catch (error) {
      return this.withdraw(error);
    }
    return inbox || status !== STATUS_OK ? this.settle(region, status) : true;
  }

  /**
   * Waits without blocking the thread until there is a permit, and takes it. False when the time is up first. Tasks and
   * blocked threads stand in one queue.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError, RangeError when an option is wrong
   */
  acquireAsync(options?: WaitOptions): Promise<boolean> {
    return this.promise(options);
  }

  /** Takes a permit if there is one; never waits. */
  tryAcquire(): boolean {
    const { core, region, cell, life, thread } = this.#view;
    return this.settle(region, core.semAcquire(cell, life, thread, 0));
  }

  /**
   * Gives `n` permits, and wakes as many waiters. Never waits.
   *
   * @throws TypeError, RangeError when `n` is not an integer of 1 or more
   * @throws OverReleaseError when there would be more permits than there may be; nothing is changed
   */
  release(n = 1): void {
    const { core, region, cell, life, thread } = this.#view;
    const line = region.inbox && this.lineIn(region.inbox);
    if (n !== 1) checkInteger(n, 1, MAX_PERMITS, `${this.kind}.release: the number of permits`);
    // One with a bound of 0 has nothing to pass on.
    else if (line && region.load(cell, SEMAPHORE_BOUND) && line.passOn(0, -UNIT)) return;
    this.expect(region, core.semRelease(cell, life, thread, n));
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
  protected override attempt(): number {
    const { core, cell, life, thread } = this.view;
    return core.semAcquire(cell, life, thread, 0);
  }

  /** @internal */
  protected override wait(): ResourceWait {
    return new SemaphoreWait(this, -UNIT);
  }

  /** @internal */
  protected override attainNow(options: WaitOptions | undefined): boolean | Promise<boolean> {
    return this.task(options, -UNIT);
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: UNIT - 1, idle: 0, dead: 0 };
  }
}

/**
 * A semaphore that refuses to have more permits than it began with, like Python's `threading.BoundedSemaphore`: it finds
 * the release too many.
 */
export class BoundedSemaphore extends Semaphore {
  declare readonly kind: 'BoundedSemaphore';

  /**
   * @param permits how many there are at first and at the most: 0 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer
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
    return makeBounded(attached(handle, 'BoundedSemaphore', KIND_BOUNDED_SEMAPHORE));
  }

  /** The most permits there may be. */
  get bound(): number {
    return this.peek(SEMAPHORE_BOUND);
  }

  /** @internal */
  protected override get idle(): Idle {
    return { mask: -1, idle: this.bound * UNIT, dead: 0 };
  }
}

// Outside of the classes: one that names itself within is called _Semaphore by bundlers.
function make(at: unknown): Semaphore {
  return new Semaphore(at as number);
}

function makeBounded(at: unknown): BoundedSemaphore {
  return new BoundedSemaphore(at as number);
}
