import { STATUS_BROKEN, STATUS_TIMEOUT } from '../assembly/abi.ts';
import { after } from './clock.ts';
import type { Signal } from './globals.ts';
import type { Completion, Operation } from './operation.ts';

type Resolve = (value: unknown) => void;

/**
 * This thread's calls that wait with one signal, in their order. They share one listener: with many, a signal searches all
 * of them to add or to remove one, and Node warns of a leak from eleven on.
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

  // A function, as not every polyfill calls an object's handleEvent. One call may end others, and they leave the set.
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

/** What a call has that does not wait for ever, or was cancelled. */
interface Limits {
  readonly cancelled: boolean;
  /** Stops its timer and leaves its signal's listener. */
  disarm?: (() => void) | undefined;
  /** Why it was cancelled; undefined for a timeout. */
  readonly why?: { readonly reason: unknown } | undefined;
}

/** How a call waits: in a local queue, or by an operation of its own. */
export interface Wait {
  /** Gives up its place in the queue, if it still has one. */
  leave(): void;
  /** What the promise resolves with for this status; it may throw. */
  toResult(status: number, op: Operation): unknown;
}

/**
 * A task's call that waits: its promise, its deadline, its signal. Each kind of wait has one, and none extends it: V8 inlines
 * no constructor that is called by `super`, and to make these objects is a good part of the cost of a wait.
 */
export class PendingCall implements Completion {
  #resolve: Resolve | undefined;
  #reject: Resolve | undefined;
  #limits: Limits | undefined;
  readonly #wait: Wait;

  constructor(wait: Wait) {
    this.#wait = wait;
  }

  /** It has timed out or was aborted. */
  get cancelled(): boolean {
    return this.#limits?.cancelled ?? false;
  }

  /** Makes the promise, once. */
  promise<T>(): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    }) as Promise<T>;
  }

  /** The call has to wait, `limit` ms at the most. */
  arm(limit: number, signal: Signal | undefined): void {
    // A method of its own, so that this check is inlined into calls without both.
    if (signal || limit < Infinity) this.#limit(limit, signal);
  }

  #limit(limit: number, signal: Signal | undefined): void {
    const limits: Limits = { cancelled: false };
    this.#limits = limits;
    try {
      // Options may have getters, so the signal can have been aborted since it was checked.
      if (signal?.aborted) throw signal.reason;
      const listener = signal && listenerOf(signal);
      let stop: (() => void) | undefined;
      limits.disarm = () => {
        stop?.();
        listener?.delete(this);
      };
      listener?.add(this);
      if (limit > 0 && limit < Infinity) stop = after(limit, () => this.cancel());
    } catch (reason) {
      // A signal or a fake timer may throw, too. The call is in a queue already, and must not stay there.
      this.cancel({ reason });
      return;
    }
    if (limit <= 0) this.cancel();
  }

  /** It times out, or with `why` it is cancelled and rejects with that reason. */
  cancel(why?: { readonly reason: unknown }): void {
    const disarm = this.#limits?.disarm;
    this.#limits = { cancelled: true, disarm, why };
    disarm?.();
    this.#wait.leave();
  }

  /** Its wait has come to an end. */
  complete(status: number, op: Operation): void {
    const limits = this.#limits;
    if (limits) {
      limits.disarm?.();
      // With any other status it has what it waited for: the abort came too late.
      if (limits.why && (status === STATUS_TIMEOUT || status === STATUS_BROKEN)) {
        this.#reject?.(limits.why.reason);
        return;
      }
    }
    try {
      this.#resolve?.(this.#wait.toResult(status, op));
    } catch (error) {
      this.#reject?.(error);
    }
  }
}
