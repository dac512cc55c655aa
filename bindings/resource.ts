import { Field, HANDOFF, PATIENCE, State, Status, TASK, WOKEN } from '../assembly/abi.js';
import { checkWait, FOR_EVER, type WaitOptions } from './check.js';
import { Holdable } from './guard.js';
import { type Awaitable, inboxOf, Wait } from './inbox.js';

/** A wait for a Lock, an RLock or a permit; its steps are `acquire` of `assembly/resource.ts`. */
export abstract class ResourceWait extends Wait {
  /** When it was first woken in vain. */
  #since: number | undefined;
  #late = false;

  constructor(
    target: Awaitable,
    /** What acquiring adds to the word. */
    readonly take: number,
  ) {
    super(target);
  }

  /** Undoes it. */
  protected abstract release(): number;

  /** Whether the word says that a task of this thread holds it. */
  protected heldByTask(): boolean {
    return false;
  }

  /** Once it stands in the queue, this thread's tasks do not acquire (Inbox.block). */
  override deadlocked(entered: boolean): boolean {
    return !entered && this.heldByTask() && !this.region.inbox!.handed(this.cell);
  }

  enter(waiter: number): number {
    return this.#acquire(waiter, Infinity, 0);
  }

  resume(waiter: number, verdict: State): number {
    if (verdict === State.GRANTED) {
      this.#rename(waiter);
      return Status.OK;
    }
    const late = this.#since !== undefined && performance.now() - this.#since >= PATIENCE;
    const status = this.#acquire(waiter, this.#late ? 0 : Infinity, late ? WOKEN | HANDOFF : WOKEN);
    // From here on it looks at the clock; handoffs are for the unlucky.
    if (status === Status.PENDING) this.#since ??= performance.now();
    return status;
  }

  leave(waiter: number): number {
    this.#late = true;
    return this.region.core.leave(this.cell, waiter) === Status.TIMEOUT ? Status.TIMEOUT : Status.PENDING;
  }

  override decline(waiter: number, verdict: State): boolean {
    if (verdict === State.GRANTED) this.#rename(waiter);
    else if (this.#acquire(waiter, 0, WOKEN) !== Status.OK) return true;
    this.release();
    return true;
  }

  /** The waiter may have entered the queue for another wait (Inbox.block): then the lock is in that one's name. */
  #rename(waiter: number): void {
    const words = this.region.words(waiter);
    const given = words[(waiter + Field.THREAD_TAKE) >>> 2]!;
    const place = this.cell >>> 2;
    const change = (this.take | 0) - given;
    if (change === 0) return;
    // Any thread may release a plain Lock meanwhile.
    for (let word = Atomics.load(words, place); (word & -TASK) === given; ) {
      const seen = Atomics.compareExchange(words, place, word, word + change);
      if (seen === word) return;
      word = seen;
    }
  }

  #acquire(waiter: number, timeout: number, woken: number): number {
    return this.region.core.acquire(this.cell, this.life, waiter, this.take, timeout, woken);
  }
}

/** What is known at once needs no promise of its own. */
const HELD = Promise.resolve(true);
const NOT_HELD = Promise.resolve(false);

/** What Lock, RLock and Semaphore share: acquiring as a task, and beside tasks. Algorithm: `assembly/resource.ts`. */
export abstract class Resource<K extends string = string> extends Holdable<K> {
  /** Tries once, in the name of a thread or a task: `take` as it stands in the word. */
  protected abstract attempt(take: number): number;

  /** A wait for it in this name. */
  protected abstract wait(take: number): ResourceWait;

  /** Blocks in a thread that has tasks which wait. Nothing when there are none: then the core may block. */
  protected beside(limit: number): number | undefined {
    const { inbox } = this.region;
    if (!inbox || limit === 0) return undefined;
    const status = this.attempt(this.thread);
    if (status !== Status.TIMEOUT) return status;
    const wait = this.wait(this.thread);
    if (inbox.busy) return inbox.block(wait, limit, () => this.deadlock());
    return wait.deadlocked(false) ? this.deadlock() : undefined;
  }

  /** Acquires as a task, at once or after a wait. */
  protected task(options: WaitOptions | undefined, take: number): Promise<boolean> {
    try {
      const { limit, signal } = options === undefined ? FOR_EVER : checkWait(options, `${this.kind}.acquireAsync`);
      this.live();
      // From now on blocking calls look whether a task holds it.
      const inbox = inboxOf(this.region);
      const status = this.attempt(take);
      if (status !== Status.TIMEOUT || limit === 0) return this.settle(status) ? HELD : NOT_HELD;
      return inbox.wait(this.wait(take), limit, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
