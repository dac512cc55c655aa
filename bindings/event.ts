import { Field, Kind } from '../assembly/abi.js';
import { attached, type Handle, type Idle, Primitive, type PrimitiveOptions } from './primitive.js';

/** The flag in an event's word (`assembly/event.ts`). */
const SET = 4;

/**
 * A flag that threads wait for, like Python's `threading.Event`. `set` lets all go on who wait at that moment, also when
 * `clear` follows at once. Algorithm: `assembly/event.ts`.
 */
export class Event extends Primitive<'Event'> {
  constructor(options?: PrimitiveOptions) {
    super('Event', Kind.EVENT, options);
  }

  /**
   * Attaches to the event that a handle names: an `Event` that was posted.
   *
   * @throws TypeError when it is not the handle of an Event, of a destroyed one, or of an incompatible version
   */
  static from(handle: Handle): Event {
    return new Event(attached(handle, 'Event', Kind.EVENT) as PrimitiveOptions);
  }

  /**
   * Blocks until the event is set; not at all when it is. False when the time is up first.
   *
   * @param timeout ms; nothing or `Infinity` for ever, 0 not at all
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0
   * @throws TypeError, RangeError when the timeout is not a number of 0 or more
   */
  wait(timeout?: number): boolean {
    return this.settle(this.core.eventWait(this.cell, this.life, this.thread, this.limit(timeout, 'wait')));
  }

  /** Sets the event and lets all who wait go on. Never waits. */
  set(): void {
    this.expect(this.core.eventSet(this.cell, this.life, this.thread));
  }

  /** Clears the event: who waits from now on waits for the next `set`. Never waits. */
  clear(): void {
    this.expect(this.core.eventClear(this.cell, this.life));
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return (this.peek(Field.WORD) & SET) !== 0;
  }

  /** @internal */
  protected get idle(): Idle {
    return { mask: 0, idle: 0, dead: 0 };
  }
}
