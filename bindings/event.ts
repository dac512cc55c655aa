import { KIND_EVENT, STATUS_OK, STATUS_TIMEOUT } from '../assembly/abi.ts';
import { blockBesideTasks } from './blocking.ts';
import { attachCell, type Handle } from './handle.ts';
import { IDLE, type Idle } from './idle.ts';
import { Operation } from './operation.ts';
import { OperationCall } from './operation-call.ts';
import { Primitive, type PrimitiveOptions } from './primitive.ts';
import { tasksOf } from './scheduler.ts';
import { eventSteps } from './steps/event.ts';
import { SOON } from './thread-arena.ts';
import { checkWait, WAIT_OPTIONS, type WaitOptions } from './validate.ts';

/** No task of a thread can be known to set it. */
const neverDeadlocked = (): boolean => false;

/**
 * A flag that threads wait for, like Python's `threading.Event`. `set` lets all go on that wait at that moment, also when
 * `clear` follows at once: those that `waiters` counts. A thread that blocks looks at the flag for up to some 30 µs before it
 * is one of them. Algorithm: `assembly/event.ts`.
 *
 * @example
 * ```js
 * import { Event } from 'lockwork';
 *
 * const landed = new Event();
 * landed.wait(10); // false: not set within 10 ms
 * const told = landed.waitAsync();
 * landed.set();
 * await told; // true
 * ```
 */
export class Event extends Primitive<'Event'> {
  // Its own, since engines are slow where all classes come by.
  readonly #ref = this.ref;

  /**
   * Makes an event that is not set. Works in any thread, and never waits.
   *
   * @throws TypeError when an option is wrong
   * @throws OutOfMemoryError when the arena is full
   */
  constructor(options?: PrimitiveOptions) {
    super('Event', KIND_EVENT, options);
  }

  /**
   * Attaches to the event that a handle names: an `Event` that was posted.
   *
   * @throws TypeError when it is not the handle of an Event, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Event'>): Event {
    return attachEvent(attachCell(handle, 'Event', KIND_EVENT));
  }

  /**
   * Blocks until the event is set; not at all when it is. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  wait(timeout?: number): boolean {
    const limit = this.limit(timeout, 'wait');
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    let status: number;
    try {
      status =
        scheduler?.busy && limit > 0
          ? blockBesideTasks(arena, scheduler, new Operation(this.#ref, eventSteps), limit, neverDeadlocked, () =>
              this.deadlock(),
            )
          : core.eventWait(cell, stamp, thread, limit);
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
   * Waits without blocking the thread until the event is set. False when the time is up first.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError, RangeError when an option is wrong
   */
  async waitAsync(options?: WaitOptions): Promise<boolean> {
    const { limit, signal } = checkWait(options, 'Event.waitAsync', WAIT_OPTIONS);
    const { core, arena, cell, stamp, thread } = this.#ref;
    const status = core.eventWait(cell, stamp, thread, 0);
    if (status !== STATUS_TIMEOUT || limit === 0) return this.finish(arena, status);
    return new OperationCall(this, eventSteps).wait(limit, signal);
  }

  /** @internal */
  toResult(status: number): boolean {
    return this.toBoolean(status);
  }

  /** Sets the event and lets all waiters go on. Never waits. */
  set(): void {
    const { core, arena, cell, stamp, thread } = this.#ref;
    const scheduler = tasksOf(arena);
    const status = core.eventSet(cell, stamp, thread);
    if (scheduler || status !== STATUS_OK) this.finishOk(arena, status);
  }

  /** Clears the event: a later `wait` waits for the next `set`. Never waits. */
  clear(): void {
    const { core, cell, stamp } = this.#ref;
    // It unparks nobody.
    const status = core.eventClear(cell, stamp);
    if (status !== STATUS_OK) this.throwStatus(status);
  }

  /** Whether it is set. */
  get isSet(): boolean {
    // A wait of 0 ms: twice as fast as a look into memory from here.
    const { core, cell, stamp, thread } = this.#ref;
    return this.toBoolean(core.eventWait(cell, stamp, thread, 0));
  }

  /** @internal */
  protected get idle(): Idle {
    return IDLE;
  }
}

// Outside of the class: one that names itself within is called _Event by bundlers.
function attachEvent(ref: unknown): Event {
  return new Event(ref as PrimitiveOptions);
}
