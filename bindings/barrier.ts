import { ACTION, ANY, BROKEN, CELL, FILLING, Field, Kind, MAX_PERMITS, State, Status, UNIT } from '../assembly/abi.js';
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkTimeout,
  checkWait,
  isStrayPromise,
  type WaitOptions,
} from './check.js';
import { inboxOf, Wait } from './inbox.js';
import { attached, created, type Handle, type Idle, Primitive, type PrimitiveOptions, View } from './primitive.js';
import { bufferOf } from './region.js';

/** A wait at a barrier; its steps are `barrierWait` of `assembly/barrier.ts`. */
class BarrierWait extends Wait {
  /** Of the round that it came in. */
  generation = 0;
  #late = false;

  constructor(
    target: Barrier,
    private readonly action: boolean,
  ) {
    super(target);
  }

  enter(waiter: number): number {
    const index = this.region.core.barrierWait(this.cell, this.life, waiter, Infinity, this.action);
    this.generation = this.region.load(waiter, Field.GENERATION);
    if (this.action && index >= 0) this.region.inbox!.acting.add(this);
    return index === Status.PENDING && this.#late ? this.leave(waiter) : index;
  }

  resume(waiter: number, verdict: State): number {
    if (verdict === State.GRANTED) return this.region.load(waiter, Field.THREAD_TAKE);
    // Woken, it came while an action ran, and arrives only now.
    return verdict === State.BROKEN ? Status.BROKEN : this.enter(waiter);
  }

  leave(waiter: number): number {
    this.#late = true;
    this.region.core.barrierEnd(this.cell, waiter, this.generation, FILLING, State.BROKEN, BROKEN);
    return Status.PENDING;
  }

  /** The index, or what `refuse` makes an error of. */
  override conclude(status: number): number {
    return status;
  }

  /** It would wait for the end of an action that a task of this thread runs. */
  override deadlocked(): boolean {
    const { region, cell } = this;
    const now = region.load(cell, Field.GENERATION);
    for (const { cell: other, generation } of region.inbox!.acting) {
      if (other === cell && generation === now) return true;
    }
    return false;
  }
}

export interface BarrierAction {
  /**
   * What the last thread to arrive runs before anybody goes on. A function cannot be posted: it is this view's, and
   * runs when this view's thread is the last. `waitAsync` waits for it when it is async, `wait` cannot.
   */
  action?: () => unknown;
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
  // Its own, since engines are slow where all classes come by.
  readonly #view = this.view;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number;

  /**
   * @param parties how many threads: 1 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer, or an option is wrong
   */
  constructor(parties: number, options?: BarrierOptions) {
    const existing: unknown = parties;
    checkOptions(options, 'Barrier');
    if (options?.action !== undefined) checkFunction(options.action, 'Barrier: the action');
    const at = existing instanceof View ? existing : make(parties, options);
    super('Barrier', Kind.BARRIER, at);
    this.#action = options?.action;
    this.#timeout = new Float64Array(bufferOf(this.memory, at.cell + CELL), at.cell + Field.LAST, 1)[0]!;
  }

  /**
   * Attaches to the barrier that a handle names: a `Barrier` that was posted.
   *
   * @throws TypeError when it is not the handle of a Barrier, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle, options?: BarrierAction): Barrier {
    return again(attached(handle, 'Barrier', Kind.BARRIER), options);
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
    const { core, region, cell, life, thread } = this.#view;
    const { inbox } = region;
    let index: number;
    let generation = 0;
    if (inbox?.busy || inbox?.acting.size) {
      const wait = new BarrierWait(this, action !== undefined);
      index = inbox.block(wait, limit, () => this.deadlock());
      generation = wait.generation;
      inbox.acting.delete(wait);
    } else {
      index = core.barrierWait(cell, life, thread, limit, action !== undefined);
      // Read before anything else can wait in this thread, the action included.
      if (action) generation = region.load(thread, Field.GENERATION);
    }
    inbox?.collect();
    if (index < 0) return this.refuse(index);
    if (action && index === this.parties - 1) {
      let failed = true;
      try {
        if (isStrayPromise(action())) {
          throw new TypeError(
            `${this}: the action returned a promise, and wait() does not await it. Use await waitAsync()`,
          );
        }
        failed = false;
      } finally {
        this.#end(generation, failed);
      }
    }
    return index;
  }

  /**
   * Waits without blocking the thread until all parties have called it or `wait`. Answers this task's arrival index.
   * The last to arrive awaits its action before anybody goes on.
   *
   * @param options `timeout` as in `wait`. Who gives up, by the time or the signal, breaks the barrier
   * @throws BrokenBarrierError when the barrier is or gets broken
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws whatever the action throws, in the task that ran it
   */
  async waitAsync(options?: WaitOptions): Promise<number> {
    const { limit, signal } = checkWait(options, 'Barrier.waitAsync');
    const action = this.#action;
    const { region } = this.#view;
    this.live();
    const inbox = inboxOf(region);
    const wait = new BarrierWait(this, action !== undefined);
    const patience = options?.timeout === undefined ? this.#timeout : limit;
    const index = await inbox.wait<number>(wait, patience, signal);
    if (index < 0) return this.refuse(index);
    if (action && index === this.parties - 1) {
      let failed = true;
      try {
        await action();
        failed = false;
      } finally {
        inbox.acting.delete(wait);
        this.#end(wait.generation, failed);
      }
    }
    return index;
  }

  /** After the action: lets everybody through, or breaks the barrier. */
  #end(generation: number, failed: boolean): void {
    const { core, region, cell, thread } = this.#view;
    const verdict = failed ? State.BROKEN : State.GRANTED;
    const ended = core.barrierEnd(cell, thread, generation, ACTION, verdict, failed ? BROKEN : FILLING);
    region.inbox?.collect();
    if (!ended && !failed) this.refuse(Status.BROKEN);
  }

  /** Breaks the barrier: all who wait, and all who come, get a `BrokenBarrierError`, until `reset`. Never waits. */
  abort(): void {
    this.#break(BROKEN);
  }

  /** Makes it as new: those who wait get a `BrokenBarrierError`, the next round begins empty. Never waits. */
  reset(): void {
    this.#break(FILLING);
  }

  #break(to: number): void {
    this.live();
    const { core, region, cell, thread } = this.#view;
    core.barrierEnd(cell, thread, 0, ANY, State.BROKEN, to);
    region.inbox?.collect();
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

function make(parties: number, options: BarrierOptions | undefined): View {
  checkInteger(parties, 1, MAX_PERMITS, 'new Barrier: the number of parties');
  const last = checkTimeout(options?.timeout, 'new Barrier');
  return created('Barrier', Kind.BARRIER, options, { first: parties, last });
}

// Outside of the class: one that names itself within is called _Barrier by bundlers.
function again(at: unknown, options: BarrierAction | undefined): Barrier {
  return new Barrier(at as number, options);
}
