import { Field, HANDOFF, PATIENCE, State, Status, WOKEN } from '../assembly/abi.js';
import { checkWait, type WaitOptions } from './check.js';
import { DeadlockError } from './errors.js';
import { Holdable } from './guard.js';
import { type Inbox, inboxOf, Wait } from './inbox.js';
import type { Region } from './region.js';

/** A task's wait for a Lock, an RLock or a permit; its steps are `acquire` of `assembly/resource.ts`. */
export class ResourceWait extends Wait {
  readonly #since = performance.now();
  #late = false;

  constructor(
    region: Region,
    cell: number,
    life: number,
    /** What acquiring adds to the word. */
    readonly take: number,
    /** Undoes it. */
    private readonly release: () => number,
  ) {
    super(region, cell, life);
  }

  enter(waiter: number): number {
    return this.#acquire(waiter, Infinity, 0);
  }

  resume(waiter: number, verdict: State): number {
    if (verdict !== State.GRANTED) {
      const handoff = performance.now() - this.#since >= PATIENCE ? HANDOFF : 0;
      return this.#acquire(waiter, this.#late ? 0 : Infinity, WOKEN | handoff);
    }
    // The waiter may have entered the queue for somebody else (Inbox.block), and the lock is in that one's name.
    const { region, cell, take } = this;
    const words = region.words(waiter);
    const given = words[(waiter + Field.THREAD_TAKE) >>> 2]!;
    if (given !== (take | 0)) Atomics.add(words, cell >>> 2, take - given);
    return Status.OK;
  }

  leave(waiter: number): number {
    this.#late = true;
    return this.region.core.leave(this.cell, waiter) === Status.TIMEOUT ? Status.TIMEOUT : Status.PENDING;
  }

  override decline(waiter: number, verdict: State): boolean {
    if (verdict === State.GRANTED) this.resume(waiter, verdict);
    else if (this.#acquire(waiter, 0, WOKEN) !== Status.OK) return true;
    this.release();
    return true;
  }

  #acquire(waiter: number, timeout: number, woken: number): number {
    return this.region.core.acquire(this.cell, this.life, waiter, this.take, timeout, woken, 0);
  }
}

/** What Lock, RLock and Semaphore share: acquiring as a task, and beside tasks. Algorithm: `assembly/resource.ts`. */
export abstract class Resource<K extends string = string> extends Holdable<K> {
  /** A wait for it by this thread itself. */
  protected abstract wait(): ResourceWait;

  /** Whether a task of this thread holds it. */
  protected abstract heldByTask(inbox: Inbox): boolean;

  /** Blocks in a thread that has tasks which wait. Nothing when there are none: then the core may block. */
  protected beside(limit: number): number | undefined {
    const { inbox } = this.region;
    if (!inbox || limit === 0) return undefined;
    if (this.heldByTask(inbox)) {
      throw new DeadlockError(
        `${this}: a task of this thread holds it, and cannot release it while the thread blocks. Use await acquireAsync()`,
      );
    }
    return inbox.busy ? inbox.block(this.wait(), limit) : undefined;
  }

  protected async task(wait: () => ResourceWait, take: number, options: WaitOptions | undefined): Promise<boolean> {
    const { limit, signal } = checkWait(options, `${this.kind}.acquireAsync`);
    this.live();
    const { core, region, cell, life, thread } = this;
    const status = core.acquire(cell, life, thread, take, 0, 0, 0);
    if (status !== Status.TIMEOUT || limit === 0) return this.settle(status);
    return this.settle(await inboxOf(region).wait(wait(), limit, signal));
  }
}
