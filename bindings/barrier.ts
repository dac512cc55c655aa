import {
  ACTION,
  ANY,
  BARRIER_PARTIES,
  BARRIER_TIMEOUT,
  BROKEN,
  CELL_GENERATION,
  CELL_SIZE,
  CELL_WORD,
  FILLING,
  KIND_BARRIER,
  MAX_PERMITS,
  NO_ACTION,
  NOT_LAST,
  STATE_BROKEN,
  STATE_GRANTED,
  STATE_PARKED,
  STATUS_BROKEN,
  STATUS_BUSY,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_ADD_TO_ACQUIRE,
  THREAD_QUEUED_ON,
  UNIT,
  WITH_ACTION,
} from '../assembly/abi.js';
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkTimeout,
  checkWait,
  isStrayPromise,
  PRIMITIVE_OPTIONS,
  WAIT_OPTIONS,
  type WaitOptions,
} from './check.js';
import { BrokenBarrierError, invalidType } from './errors.js';
import { inboxOf, Wait } from './inbox.js';
import { attached, created, type Handle, type Idle, Primitive, type PrimitiveOptions, View } from './primitive.js';
import { type Acting, bufferOf } from './region.js';
import { needStack } from './thread.js';

/** A wait at a barrier; its steps are `barrierWait` of `assembly/barrier.ts`. */
class BarrierWait extends Wait {
  /** Of the round that it came in. */
  generation = 0;
  #late = false;

  constructor(
    private readonly barrier: Barrier,
    private readonly action: boolean,
  ) {
    super(barrier);
  }

  enter(waiter: number): number {
    const { core, thread, inbox } = this.region;
    // A thread that blocks here, and has arrived, could not run the action of its own task.
    const blocked = waiter !== thread && this.region.load(thread, THREAD_QUEUED_ON) === this.cell;
    const arrived = blocked && (this.region.load(thread, THREAD_ADD_TO_ACQUIRE) | 0) >= 0;
    const action = this.action ? (arrived ? NOT_LAST : WITH_ACTION) : NO_ACTION;
    const index = core.barrierWait(this.cell, this.life, waiter, Infinity, action);
    if (index === STATUS_BUSY) return inbox!.postpone(this);
    this.generation = this.region.load(waiter, CELL_GENERATION);
    if (this.action && index >= 0) this.region.acting.add(this);
    return index;
  }

  resume(waiter: number, verdict: number): number {
    if (verdict === STATE_GRANTED) return this.region.load(waiter, THREAD_ADD_TO_ACQUIRE);
    if (verdict === STATE_BROKEN) return STATUS_BROKEN;
    // Woken at the entry, where it came while an action ran: it arrives only now.
    return this.#late ? STATUS_TIMEOUT : this.enter(waiter);
  }

  leave(waiter: number): number {
    this.#late = true;
    const { core } = this.region;
    if ((this.region.load(waiter, THREAD_ADD_TO_ACQUIRE) | 0) < 0) {
      core.leave(this.cell, this.life, waiter);
      return this.#given(waiter);
    }
    core.barrierEnd(this.cell, this.life, waiter, this.generation, FILLING, STATE_BROKEN, BROKEN);
    return STATUS_PENDING;
  }

  override abandon(waiter: number): number {
    this.region.core.barrierLeave(this.cell, this.life, waiter);
    return this.#given(waiter);
  }

  /** What the task gets: an index, or an error; of the last to arrive after the action. */
  override conclude(status: number): unknown {
    return this.barrier.passed(status, this);
  }

  /** It would wait for the end of an action that this thread runs. */
  override deadlocked(): boolean {
    return this.barrier.acting;
  }

  /** Whether it has its verdict: then that will be told. */
  #given(waiter: number): number {
    return this.state(waiter) > STATE_PARKED ? STATUS_PENDING : STATUS_TIMEOUT;
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
    checkOptions(
      options,
      'Barrier',
      existing instanceof View ? ['action'] : ['action', 'timeout', ...PRIMITIVE_OPTIONS],
    );
    if (options?.action !== undefined) checkFunction(options.action, 'Barrier: the action');
    const at = existing instanceof View ? existing : make(parties, options);
    super('Barrier', KIND_BARRIER, at);
    this.#action = options?.action;
    this.#timeout = new Float64Array(bufferOf(this.memory, at.cell + CELL_SIZE), at.cell + BARRIER_TIMEOUT, 1)[0]!;
  }

  /**
   * Attaches to the barrier that a handle names: a `Barrier` that was posted.
   *
   * @throws TypeError when it is not the handle of a Barrier, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Barrier'>, options?: BarrierAction): Barrier {
    return again(attached(handle, 'Barrier', KIND_BARRIER), options);
  }

  /**
   * Blocks until all parties have called it. Answers this thread's arrival index: 0 for the first of the round,
   * `parties - 1` for the last.
   *
   * @param timeout ms; nothing for the barrier's own, `Infinity` for ever. A thread that waits longer breaks the barrier,
   *   unless it has not arrived: it came while the action of the round before ran
   * @throws BrokenBarrierError when the barrier is or gets broken, or its time is up
   * @throws DeadlockError in this thread's own action, and when a task of this thread runs the action
   * @throws BlockingNotAllowedError on a thread that may not block
   * @throws whatever the action throws, in the thread that ran it
   */
  wait(timeout?: number): number {
    this.mayBlock('wait');
    const limit = timeout === undefined ? this.#timeout : checkTimeout(timeout, 'Barrier.wait');
    const { core, region, cell, life, thread } = this.#view;
    // Apart, so that this is inlined: for ever, without an action, and without tasks.
    if (limit < Infinity || this.#action || region.inbox || region.acting.size > 0) return this.#wait(limit);
    let index: number;
    try {
      index = core.barrierWait(cell, life, thread, limit, NO_ACTION);
    } catch (error) {
      return this.#leave(error);
    }
    return index < 0 ? this.refuse(index) : index;
  }

  #wait(limit: number): number {
    const action = this.#action;
    const { core, region, cell, life, thread } = this.#view;
    const { inbox } = region;
    let index: number;
    let generation = 0;
    if (this.acting) this.deadlock();
    // To leave, it would have to break the barrier.
    needStack();
    if (inbox?.busy) {
      const wait = new BarrierWait(this, action !== undefined);
      index = inbox.block(wait, limit, () => this.deadlock());
      generation = wait.generation;
      region.acting.delete(wait);
    } else {
      try {
        index = core.barrierWait(cell, life, thread, limit, action ? WITH_ACTION : NO_ACTION);
      } catch (error) {
        return this.#leave(error);
      }
      // Read before anything else can wait in this thread, the action included.
      if (action) generation = region.load(thread, CELL_GENERATION);
    }
    inbox?.collect();
    if (index < 0) return this.refuse(index);
    if (action && index === this.parties - 1) {
      const round = { cell, life, generation };
      region.acting.add(round);
      let failed = true;
      try {
        if (isStrayPromise(action())) {
          throw invalidType(
            `${this}: the action returned a promise, and wait() does not await it. Use await waitAsync()`,
          );
        }
        failed = false;
      } finally {
        this.#end(round, failed);
      }
    }
    return index;
  }

  /** The host threw in the midst of a wait. */
  #leave(error: unknown): never {
    const { core, cell, life, thread } = this.#view;
    return this.undo(error, () => core.barrierLeave(cell, life, thread));
  }

  /**
   * Waits without blocking the thread until all parties have called it or `wait`. Answers this task's arrival index.
   * The last to arrive awaits its action before anybody goes on; then it goes on after the others.
   *
   * @param options `timeout` as in `wait`. Who gives up, by the time or the signal, breaks the barrier, unless it has not
   *   arrived
   * @throws BrokenBarrierError when the barrier is or gets broken
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws whatever the action throws, in the task that ran it
   */
  waitAsync(options?: WaitOptions): Promise<number> {
    try {
      const { limit, signal } = checkWait(options, 'Barrier.waitAsync', WAIT_OPTIONS);
      this.live();
      const wait = new BarrierWait(this, this.#action !== undefined);
      return inboxOf(this.#view.region).wait(wait, options?.timeout === undefined ? this.#timeout : limit, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What a task gets that was let through with this index.
   *
   * @internal
   */
  passed(index: number, round: Acting): number | Promise<number> {
    if (index < 0) return this.refuse(index);
    return this.#view.region.acting.has(round) ? this.#act(index, round) : index;
  }

  /** The last to arrive runs its action. */
  async #act(index: number, round: Acting): Promise<number> {
    let failed = true;
    try {
      await this.#action!();
      failed = false;
    } finally {
      this.#end(round, failed);
    }
    return index;
  }

  /**
   * Whether this thread runs the action of the round at hand.
   *
   * @internal
   */
  get acting(): boolean {
    const { region, cell } = this.#view;
    const now = region.load(cell, CELL_GENERATION);
    for (const { cell: other, generation } of region.acting) {
      if (other === cell && generation === now) return true;
    }
    return false;
  }

  /** After the action: lets everybody through, or breaks the barrier. */
  #end(round: Acting, failed: boolean): void {
    const { core, region, cell, life, thread } = this.#view;
    region.acting.delete(round);
    const verdict = failed ? STATE_BROKEN : STATE_GRANTED;
    const to = failed ? BROKEN : FILLING;
    const ended = core.barrierEnd(cell, life, thread, round.generation, ACTION, verdict, to);
    region.inbox?.collect();
    if (!ended && !failed) this.refuse(STATUS_BROKEN);
  }

  /** @internal */
  protected override refuse(status: number): never {
    if (status !== STATUS_TIMEOUT) return super.refuse(status);
    throw new BrokenBarrierError(
      `${this}: the action of the round before took longer than this wait may. It had not arrived, and the barrier is as it was`,
    );
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
    const { core, region, cell, life, thread } = this.#view;
    core.barrierEnd(cell, life, thread, 0, ANY, STATE_BROKEN, to);
    region.inbox?.collect();
  }

  /** How many threads it takes. */
  get parties(): number {
    return this.peek(BARRIER_PARTIES);
  }

  /** How many have arrived and wait for the others. */
  get waiting(): number {
    return Math.floor(this.peek(CELL_WORD) / UNIT);
  }

  /** Whether it is broken. */
  get broken(): boolean {
    return (this.peek(CELL_WORD) & BROKEN) !== 0;
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: ACTION, idle: 0, dead: BROKEN };
  }
}

function make(parties: number, options: BarrierOptions | undefined): View {
  checkInteger(parties, 1, MAX_PERMITS, 'new Barrier: the number of parties');
  const timeout = checkTimeout(options?.timeout, 'new Barrier');
  return created('Barrier', KIND_BARRIER, options, { [BARRIER_PARTIES]: parties }, { [BARRIER_TIMEOUT]: timeout });
}

// Outside of the class: one that names itself within is called _Barrier by bundlers.
function again(at: unknown, options: BarrierAction | undefined): Barrier {
  return new Barrier(at as number, options);
}
