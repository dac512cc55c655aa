import { STATUS_BROKEN, STATUS_TIMEOUT } from '../assembly/abi.ts';
import { after } from './clock.ts';
import type { Signal } from './globals.ts';
import type { Completion, Operation } from './operation.ts';

type Resolve = (value: unknown) => void;

// What a wait allocates is a good part of what it costs, so one function serves all promises.
let resolveLast: Resolve | undefined;
let rejectLast: Resolve | undefined;
const keep = (resolve: Resolve, reject: Resolve): void => {
  resolveLast = resolve;
  rejectLast = reject;
};

/**
 * The calls of this thread that wait with one signal, in the order in which they came. They share a listener: a signal
 * with many looks through all of them to add or to remove one, and Node takes more than ten for a leak.
 */
class Listener {
  readonly #calls = new Set<PendingCall>();
  readonly #signal: Signal;

  constructor(signal: Signal) {
    this.#signal = signal;
  }

  add(call: PendingCall): void {
    if (this.#calls.size === 0) this.#signal.addEventListener('abort', this.#abort);
    this.#calls.add(call);
  }

  delete(call: PendingCall): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.#signal.removeEventListener('abort', this.#abort);
  }

  // A function: not every polyfill calls objects. One call may end others, which then are not in the set any more.
  readonly #abort = (): void => {
    for (const call of this.#calls) call.cancel({ reason: this.#signal.reason });
  };
}

const listeners = new WeakMap<Signal, Listener>();

function listenerOf(signal: Signal): Listener {
  let listener = listeners.get(signal);
  if (!listener) {
    listener = new Listener(signal);
    listeners.set(signal, listener);
  }
  return listener;
}

/** A call of a task that waits: its promise, its time, its signal. */
export abstract class PendingCall implements Completion {
  /** Its time is up, or it is aborted. */
  cancelled = false;
  #resolve: Resolve | undefined;
  #reject: Resolve | undefined;
  /** Takes its timer and its signal's listener away, if it has any. */
  #disarm: (() => void) | undefined;
  /** Why it is cancelled, if that is not its time. */
  #why: { readonly reason: unknown } | undefined;

  /** It gives up its place, if it still has one. */
  protected abstract leave(): void;

  /** What the task gets for this status; it may throw. */
  protected abstract toResult(status: number, op: Operation): unknown;

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
  arm(limit: number, signal: Signal | undefined): void {
    // Apart, so that this is inlined where a call has neither.
    if (signal || limit < Infinity) this.#limit(limit, signal);
  }

  #limit(limit: number, signal: Signal | undefined): void {
    try {
      // The options of a call may have getters: it can be aborted since it was checked.
      if (signal?.aborted) throw signal.reason;
      const listener = signal && listenerOf(signal);
      let stop: (() => void) | undefined;
      this.#disarm = () => {
        stop?.();
        listener?.delete(this);
      };
      listener?.add(this);
      if (limit > 0 && limit < Infinity) stop = after(limit, () => this.cancel());
    } catch (reason) {
      // Also of a signal or a fake timer that throws: the call is in a queue already, and must not stay there.
      this.cancel({ reason });
      return;
    }
    if (limit <= 0) this.cancel();
  }

  /** Its time is up; or it is cancelled for a reason, which it rejects with. */
  cancel(why?: { readonly reason: unknown }): void {
    this.#disarm?.();
    this.#why = why;
    this.cancelled = true;
    this.leave();
  }

  /** It is over. */
  complete(status: number, op: Operation): void {
    this.#disarm?.();
    // Aborted too late, it has what it waited for.
    if (this.#why && (status === STATUS_TIMEOUT || status === STATUS_BROKEN)) {
      this.#reject?.(this.#why.reason);
      return;
    }
    try {
      this.#resolve?.(this.toResult(status, op));
    } catch (error) {
      this.#reject?.(error);
    }
  }
}
