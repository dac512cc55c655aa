import {
  ACTION,
  ANY,
  BARRIER_PARTIES,
  BARRIER_TIMEOUT,
  BROKEN,
  CELL_GENERATION,
  CELL_WORD,
  FILLING,
  KIND_BARRIER,
  MAX_PERMITS,
  NO_ACTION,
  STATE_BROKEN,
  STATE_GRANTED,
  STATUS_BROKEN,
  STATUS_TIMEOUT,
  UNIT,
  WITH_ACTION,
} from '../assembly/abi.ts';
import { blockBesideTasks } from './blocking.ts';
import { checkDeadlock } from './deadlock.ts';
import { BrokenBarrierError } from './errors.ts';
import { attachCell, CellRef, type Handle } from './handle.ts';
import { IDLE_BARRIER, type Idle } from './idle.ts';
import { readDouble } from './memory.ts';
import { Operation } from './operation.ts';
import { OperationCall } from './operation-call.ts';
import { createCell, Primitive, type PrimitiveOptions } from './primitive.ts';
import { tasksOf } from './scheduler.ts';
import { barrierSteps } from './steps/barrier.ts';
import { needStack } from './thread.ts';
import { type Acting, SOON } from './thread-arena.ts';
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkTimeout,
  checkWait,
  invalidType,
  isStrayPromise,
  PRIMITIVE_OPTIONS,
  WAIT_OPTIONS,
  type WaitOptions,
} from './validate.ts';

/** What a view of a barrier may have of its own. */
export interface BarrierAction {
  /**
   * What the last thread to arrive runs before anybody goes on. A function cannot be posted: it is this view's, and
   * runs when this view's thread is the last. `waitAsync` waits for it when it is async, `wait` cannot.
   */
  action?: (() => unknown) | undefined;
}

/** What a barrier may be made with. */
export interface BarrierOptions extends PrimitiveOptions, BarrierAction {
  /** The timeout (ms) of every `wait` that names none, in every thread. */
  timeout?: number | undefined;
}

/**
 * A point that a number of threads must reach before any goes on, like Python's `threading.Barrier`. It serves any
 * number of rounds. Algorithm: `assembly/barrier.ts`.
 *
 * @example
 * ```js
 * import { Barrier } from 'lockwork';
 *
 * const meeting = new Barrier(2, { timeout: 1_000 });
 * const first = meeting.waitAsync();
 * await meeting.waitAsync(); // 1: the second to arrive
 * await first; // 0
 * ```
 */
export class Barrier extends Primitive<'Barrier'> {
  // Its own, since engines are slow where all classes come by.
  readonly #ref = this.ref;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number;

  /**
   * Makes a barrier at which nobody waits. Works in any thread, and never waits.
   *
   * @param parties how many threads: 1 to 67,108,863
   * @throws TypeError, RangeError when that is not such an integer, or an option is wrong
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(parties: number, options?: BarrierOptions) {
    const existing: unknown = parties;
    checkOptions(
      options,
      'Barrier',
      existing instanceof CellRef ? ['action'] : ['action', 'timeout', ...PRIMITIVE_OPTIONS],
    );
    if (options?.action !== undefined) checkFunction(options.action, 'Barrier: the action');
    const ref = existing instanceof CellRef ? existing : create(parties, options);
    super('Barrier', KIND_BARRIER, ref);
    ref.arena.checkDeadlock ??= checkDeadlock;
    this.#action = options?.action;
    // Never changes.
    this.#timeout = readDouble(this.memory, ref.cell + BARRIER_TIMEOUT);
  }

  /**
   * Attaches to the barrier that a handle names: a `Barrier` that was posted.
   *
   * @throws TypeError when it is not the handle of a Barrier, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Barrier'>, options?: BarrierAction): Barrier {
    return attachBarrier(attachCell(handle, 'Barrier', KIND_BARRIER), options);
  }

  /**
   * Blocks until all parties have called it. Answers this thread's arrival index: 0 for the first of the round,
   * `parties - 1` for the last.
   *
   * @param timeout ms; nothing for the barrier's own, `Infinity` for ever. A thread that waits longer breaks the barrier,
   *   unless it has not arrived: it came while the action of the round before ran
   * @throws BrokenBarrierError when the barrier is or gets broken, or its time is up
   * @throws DeadlockError in this thread's own action, and when a task of this thread runs the action; in a circle of
   *   threads that wait for each other without a timeout, if `setDeadlockPolicy` says so
   * @throws BlockingNotAllowedError on a thread that may not block
   * @throws whatever the action throws, in the thread that ran it
   */
  wait(timeout?: number): number {
    this.mayBlock('wait');
    const limit = timeout === undefined ? this.#timeout : checkTimeout(timeout, 'Barrier.wait');
    const { core, arena, cell, stamp, thread } = this.#ref;
    // Apart, so that this is inlined: for ever, without an action, and without tasks.
    if (limit < Infinity || this.#action || arena.tasks || arena.acting.size > 0) return this.#wait(limit);
    let index: number;
    try {
      index = core.barrierWait(cell, stamp, thread, limit, NO_ACTION);
    } catch (error) {
      // In this frame, as there may be no stack for one more: see `debt`.
      arena.debt = 1;
      arena.tasks ??= arena.nobody;
      void SOON.then(arena.pay);
      arena.pay();
      throw error;
    }
    return index < 0 ? this.throwStatus(index) : index;
  }

  #wait(limit: number): number {
    const action = this.#action;
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    let index: number;
    let generation = 0;
    if (this.#acting) this.deadlock();
    // To leave, it would have to break the barrier.
    needStack();
    if (scheduler?.busy) {
      const op = new Operation(this.#ref, barrierSteps, undefined, 0, action !== undefined);
      index = blockBesideTasks(
        arena,
        scheduler,
        op,
        limit,
        // It would wait for the end of an action that this thread runs.
        () => this.#acting,
        () => this.deadlock(),
      );
      generation = op.generation;
    } else {
      try {
        index = core.barrierWait(cell, stamp, thread, limit, action ? WITH_ACTION : NO_ACTION);
      } catch (error) {
        // In this frame, as there may be no stack for one more: see `debt`.
        arena.debt = 1;
        arena.tasks ??= arena.nobody;
        void SOON.then(arena.pay);
        arena.pay();
        throw error;
      }
      // Read before anything else can wait in this thread, the action included.
      if (action) generation = arena.load(thread, CELL_GENERATION);
    }
    scheduler?.collect();
    if (index < 0) return this.throwStatus(index);
    if (action && index === this.parties - 1) {
      const round = this.#begin(generation);
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

  /**
   * Waits without blocking the thread until all parties have called it or `wait`. Answers this task's arrival index.
   * The last to arrive awaits its action before anybody goes on; then it goes on after the others.
   *
   * @param options `timeout` as in `wait`. A task that gives up, by the time or the signal, breaks the barrier,
   *   unless it has not arrived
   * @throws BrokenBarrierError when the barrier is or gets broken
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws whatever the action throws, in the task that ran it
   */
  waitAsync(options?: WaitOptions): Promise<number> {
    try {
      const { limit, signal } = checkWait(options, 'Barrier.waitAsync', WAIT_OPTIONS);
      this.live();
      const call = new OperationCall(this, barrierSteps, this.#action !== undefined);
      return call.wait(options?.timeout === undefined ? this.#timeout : limit, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What a task gets that was let through with this index: the last to arrive runs its action before.
   *
   * @internal
   */
  toResult(index: number, { generation }: Operation): number | Promise<number> {
    if (index < 0) return this.throwStatus(index);
    return this.#action && index === this.parties - 1 ? this.#act(index, generation) : index;
  }

  async #act(index: number, generation: number): Promise<number> {
    const round = this.#begin(generation);
    let failed = true;
    try {
      // Not within the step by which the task got here: that may be one of a call in which this thread blocks.
      await undefined;
      await this.#action!();
      failed = false;
    } finally {
      this.#end(round, failed);
    }
    return index;
  }

  /** This thread runs the action of a round. */
  #begin(generation: number): Acting {
    const { arena, cell, stamp } = this.#ref;
    const round = { cell, stamp, generation };
    arena.acting.add(round);
    return round;
  }

  /** Whether this thread runs the action of the round at hand: that goes on until this thread ends it, or it is broken. */
  get #acting(): boolean {
    const { arena, cell } = this.#ref;
    const now = arena.load(cell, CELL_GENERATION);
    for (const { cell: other, generation } of arena.acting) {
      if (other === cell && generation === now) return true;
    }
    return false;
  }

  /** After the action: lets everybody through, or breaks the barrier. */
  #end(round: Acting, failed: boolean): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    arena.acting.delete(round);
    const verdict = failed ? STATE_BROKEN : STATE_GRANTED;
    const to = failed ? BROKEN : FILLING;
    const ended = core.barrierEnd(cell, stamp, thread, round.generation, ACTION, verdict, to);
    tasksOf(arena)?.collect();
    if (!ended && !failed) this.throwStatus(STATUS_BROKEN);
  }

  /** @internal */
  protected override throwStatus(status: number): never {
    switch (status) {
      case STATUS_BROKEN:
        throw new BrokenBarrierError(
          `${this}: broken, by a timeout, an abort, a reset, a failing action or a death. reset() mends it`,
        );
      case STATUS_TIMEOUT:
        throw new BrokenBarrierError(
          `${this}: the action of the round before took longer than this wait may. It had not arrived, and the barrier is as it was`,
        );
    }
    return super.throwStatus(status);
  }

  /** Breaks the barrier: all waiters and all newcomers get a `BrokenBarrierError`, until `reset`. Never waits. */
  abort(): void {
    this.#break(BROKEN);
  }

  /** Makes it as new: its waiters get a `BrokenBarrierError`, the next round begins empty. Never waits. */
  reset(): void {
    this.#break(FILLING);
  }

  #break(to: number): void {
    this.live();
    const { core, arena, cell, stamp, thread } = this.#ref;
    core.barrierEnd(cell, stamp, thread, 0, ANY, STATE_BROKEN, to);
    tasksOf(arena)?.collect();
  }

  /** How many threads it takes. */
  get parties(): number {
    return this.peek(BARRIER_PARTIES);
  }

  /** How many have arrived and wait for the others. */
  get waiting(): number {
    const word = this.peek(CELL_WORD);
    // While the action runs, the word has the thread that runs it.
    return word & ACTION ? 0 : Math.floor(word / UNIT);
  }

  /** Whether it is broken. */
  get broken(): boolean {
    return (this.peek(CELL_WORD) & BROKEN) !== 0;
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE_BARRIER;
  }
}

function create(parties: number, options: BarrierOptions | undefined): CellRef {
  checkInteger(parties, 1, MAX_PERMITS, 'new Barrier: the number of parties');
  const timeout = checkTimeout(options?.timeout, 'new Barrier');
  const initial = { [BARRIER_PARTIES]: parties };
  return createCell('Barrier', KIND_BARRIER, options, initial, { offset: BARRIER_TIMEOUT, value: timeout });
}

// Outside of the class: one that names itself within is called _Barrier by bundlers.
function attachBarrier(ref: unknown, options: BarrierAction | undefined): Barrier {
  return new Barrier(ref as number, options);
}
