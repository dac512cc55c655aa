import { Status } from '../assembly/abi.js';

/** The longest time that timers and waits take, ms: about 24 days. Whoever waits longer waits again. */
export const LONGEST = 2 ** 31 - 1;

type Resolve = (value: unknown) => void;

// What a wait allocates is a good part of what it costs, so one function serves all promises.
let resolveLast: Resolve | undefined;
let rejectLast: Resolve | undefined;
const keep = (resolve: Resolve, reject: Resolve): void => {
  resolveLast = resolve;
  rejectLast = reject;
};

/** What a call waits by: a wait of its own, or a line that it stands in. */
export interface Way {
  /** The call is late. */
  giveUp(call: Call): void;
  /** What the task gets when the last step answered this; it may throw. */
  conclude(status: number): unknown;
}

/**
 * A call of a task that waits: its promise, its time, its signal. It is not a part of `Wait`: V8 is slow to make what has
 * many subclasses.
 */
export class Call {
  /** Its time is up, or it is aborted. */
  late = false;
  readonly #way: Way;
  #resolve: Resolve | undefined;
  #reject: Resolve | undefined;
  #signal: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #aborted = false;

  constructor(way: Way) {
    this.#way = way;
  }

  /** What a task gets that waits. */
  promise<T>(): Promise<T> {
    const promise = new Promise<unknown>(keep);
    this.#resolve = resolveLast;
    this.#reject = rejectLast;
    resolveLast = undefined;
    rejectLast = undefined;
    return promise as Promise<T>;
  }

  /** A task has to wait, `limit` ms at the most. */
  start(limit: number, signal: AbortSignal | undefined): void {
    if (signal) {
      this.#signal = signal;
      signal.addEventListener('abort', this);
    }
    if (limit < Infinity) this.#tick(performance.now() + limit);
  }

  /** It is over. */
  settle(status: number): void {
    this.#forget();
    // Aborted too late, it has what it waited for.
    if (this.#aborted && (status === Status.TIMEOUT || status === Status.BROKEN)) {
      this.#reject?.(this.#signal?.reason);
      return;
    }
    try {
      this.#resolve?.(this.#way.conclude(status));
    } catch (error) {
      this.#reject?.(error);
    }
  }

  /** The signal's listener. */
  handleEvent(): void {
    this.#aborted = true;
    this.#leave();
  }

  #tick(deadline: number): void {
    const left = deadline - performance.now();
    if (left <= 0) this.#leave();
    else this.#timer = setTimeout(() => this.#tick(deadline), Math.min(Math.ceil(left), LONGEST));
  }

  #leave(): void {
    this.#forget();
    this.late = true;
    this.#way.giveUp(this);
  }

  #forget(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this);
  }
}
