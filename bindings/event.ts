import { KIND_EVENT, STATE_PARKED, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT } from '../assembly/abi.js';
import { checkWait, WAIT_OPTIONS, type WaitOptions } from './check.js';
import { inboxOf, Wait } from './inbox.js';
import { attached, type Handle, type Idle, Primitive, type PrimitiveOptions, type View } from './primitive.js';

class EventWait extends Wait {
  enter(waiter: number): number {
    return this.region.core.eventWait(this.cell, this.life, waiter, Infinity);
  }

  resume(): number {
    return STATUS_OK;
  }

  leave(waiter: number): number {
    const status = this.region.core.leave(this.cell, this.life, waiter);
    // It stands there no more because it was set: the verdict is on its way, unless the wait was over without one.
    return status === STATUS_OK && this.state(waiter) > STATE_PARKED ? STATUS_PENDING : status;
  }
}

/**
 * A flag that threads wait for, like Python's `threading.Event`. `set` lets all go on who wait at that moment, also when
 * `clear` follows at once. Algorithm: `assembly/event.ts`.
 */
export class Event extends Primitive<'Event'> {
  // Its own, since engines are slow where all classes come by.
  readonly #view = this.view;

  constructor(options?: PrimitiveOptions) {
    super('Event', KIND_EVENT, options);
  }

  /**
   * Attaches to the event that a handle names: an `Event` that was posted.
   *
   * @throws TypeError when it is not the handle of an Event, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle<'Event'>): Event {
    return make(attached(handle, 'Event', KIND_EVENT));
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
    const { core, region, cell, life, thread } = this.#view;
    const { inbox } = region;
    let status: number;
    try {
      status =
        inbox?.busy && limit > 0
          ? inbox.block(new EventWait(this), limit, () => this.deadlock())
          : core.eventWait(cell, life, thread, limit);
    } catch (error) {
      return this.undo(error, () => core.leave(cell, life, thread));
    }
    return inbox || status !== STATUS_OK ? this.settle(region, status) : true;
  }

  /**
   * Waits without blocking the thread until the event is set. False when the time is up first.
   *
   * @throws whatever `signal.reason` is, when the signal is aborted first
   * @throws TypeError, RangeError when an option is wrong
   */
  async waitAsync(options?: WaitOptions): Promise<boolean> {
    const { limit, signal } = checkWait(options, 'Event.waitAsync', WAIT_OPTIONS);
    const { core, region, cell, life, thread } = this.#view;
    const status = core.eventWait(cell, life, thread, 0);
    if (status !== STATUS_TIMEOUT || limit === 0) return this.settle(region, status);
    return inboxOf(region).wait(new EventWait(this), limit, signal);
  }

  /** Sets the event and lets all who wait go on. Never waits. */
  set(): void {
    const { core, region, cell, life, thread } = this.#view;
    this.expect(region, core.eventSet(cell, life, thread));
  }

  /** Clears the event: who waits from now on waits for the next `set`. Never waits. */
  clear(): void {
    const { core, region, cell, life } = this.#view;
    this.expect(region, core.eventClear(cell, life));
  }

  /** Whether it is set. */
  get isSet(): boolean {
    // A wait of 0 ms: twice as fast as a look into memory from here.
    const { core, cell, life, thread } = this.#view;
    return this.answer(core.eventWait(cell, life, thread, 0));
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: 0, idle: 0, dead: 0 };
  }
}

// Outside of the class: one that names itself within is called _Event by bundlers.
function make(at: View): Event {
  return new Event(at as PrimitiveOptions);
}
