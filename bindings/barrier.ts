import { Field, Kind, MAX_PERMITS } from '../assembly/abi.js';
import { checkFunction, checkInteger, checkOptions, checkTimeout, isThenable } from './check.js';
import { UNIT } from './lock.js';
import { Attached, attached, created, type Handle, type Idle, Primitive, type PrimitiveOptions } from './primitive.js';

/** States in a barrier's word (`assembly/barrier.ts`). */
const ACTION = 4;
const BROKEN = 8;
/** Where the default timeout stands in the cell. */
const TIMEOUT = 56;

export interface BarrierAction {
  /**
   * What the last thread to arrive runs before anybody goes on. A function cannot be posted: it is this view's, and
   * runs when this view's thread is the last.
   */
  action?: () => void;
}

export interface BarrierOptions extends PrimitiveOptions, BarrierAction {
  /** The timeout (ms) of every `wait` that names none, in every thread. */
  timeout?: number;
}

/**
 * A point that a number of threads must reach before any goes on, like Python's `threading.Barrier`. It serves any
 * number of rounds. Algorithm: `assembly/barrier.ts`.
 */
export class Barrier extends Primitive<'Barrier'> {
  readonly #action: (() => void) | undefined;
  readonly #timeout: number;

  /**
   * @param parties how many threads: 1 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer, or an option is wrong
   */
  constructor(parties: number, options?: BarrierOptions) {
    const existing: unknown = parties;
    checkOptions(options, 'Barrier');
    if (options?.action !== undefined) checkFunction(options.action, 'Barrier: the action');
    const at = existing instanceof Attached ? existing : make(parties, options);
    super('Barrier', Kind.BARRIER, at);
    this.#action = options?.action;
    this.#timeout = new Float64Array(this.region.memory.buffer, this.cell + TIMEOUT, 1)[0]!;
  }

  /**
   * Attaches to the barrier that a handle names: a `Barrier` that was posted.
   *
   * @throws TypeError when it is not the handle of a Barrier, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle, options?: BarrierAction): Barrier {
    return new Barrier(attached(handle, 'Barrier', Kind.BARRIER) as unknown as number, options);
  }

  /**
   * Blocks until all parties have called it. Answers this thread's arrival index: 0 for the first of the round,
   * `parties - 1` for the last.
   *
   * @param timeout ms; nothing for the barrier's own, `Infinity` for ever. A thread that waits longer breaks the barrier
   * @throws BrokenBarrierError when the barrier is or gets broken
   * @throws BlockingNotAllowedError on a thread that may not block
   * @throws whatever the action throws, in the thread that ran it
   */
  wait(timeout?: number): number {
    this.mayBlock('wait');
    const limit = timeout === undefined ? this.#timeout : checkTimeout(timeout, 'Barrier.wait');
    const action = this.#action;
    const { core, cell, life, thread } = this;
    const index = core.barrierWait(cell, life, thread, limit, action !== undefined);
    if (index < 0) return this.refuse(index);
    if (action && index === this.parties - 1) {
      // Read before anything else can wait in this thread, the action included.
      const generation = new Int32Array(this.region.memory.buffer, thread + Field.GENERATION, 1)[0]!;
      let failed = true;
      try {
        if (isThenable(action()))
          throw new TypeError(`${this}: the action returned a promise, and wait() does not await it`);
        failed = false;
      } finally {
        const status = core.barrierEnd(cell, thread, generation, failed);
        if (!failed) this.expect(status);
      }
    }
    return index;
  }

  /** Breaks the barrier: all who wait, and all who come, get a `BrokenBarrierError`, until `reset`. Never waits. */
  abort(): void {
    this.expect(this.core.barrierBreak(this.cell, this.life, this.thread, false));
  }

  /** Makes it as new: those who wait get a `BrokenBarrierError`, the next round begins empty. Never waits. */
  reset(): void {
    this.expect(this.core.barrierBreak(this.cell, this.life, this.thread, true));
  }

  /** How many threads it takes. */
  get parties(): number {
    return this.peek(Field.FIRST);
  }

  /** How many have arrived and wait for the others. */
  get waiting(): number {
    return Math.floor(this.peek(Field.WORD) / UNIT);
  }

  /** Whether it is broken. */
  get broken(): boolean {
    return (this.peek(Field.WORD) & BROKEN) !== 0;
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: ACTION, idle: 0, dead: BROKEN };
  }
}

function make(parties: number, options: BarrierOptions | undefined): Attached {
  checkInteger(parties, 1, MAX_PERMITS, 'new Barrier: the number of parties');
  const last = checkTimeout(options?.timeout, 'new Barrier');
  return created('Barrier', Kind.BARRIER, options, { first: parties, last });
}
