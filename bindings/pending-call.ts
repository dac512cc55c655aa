import { STATUS_BROKEN, STATUS_TIMEOUT } from '../assembly/abi.ts';
import { after } from './clock.ts';
import type { Signal } from './globals.ts';
import type { Operation } from './operation.ts';

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
    this.#calls.add(call);
    // Behind that: what is no platform's signal may call the listener at once.
    if (this.#calls.size === 1) this.#signal.addEventListener('abort', this.#abort);
  }

  delete(call: PendingCall): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.#signal.removeEventListener('abort', this.#abort);
  }

  // A function, as not every polyfill calls an object's handleEvent. One call may end others, and they leave the set.
  readonly #abort = (): void => {
    for (const call of this.#calls) cancelCall(call, { reason: this.#signal.reason });
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

/**
 * A task's call that waits: its promise, its deadline, its signal; and how it waits, in a local queue or by an operation of
 * its own. The first three are fields of each kind's own object, for the functions below: to make one object more for each
 * wait, or one by a constructor that is called by `super`, which V8 does not inline, is a good part of the cost of a wait.
 */
export interface PendingCall {
  resolve: Resolve | undefined;
  reject: Resolve | undefined;
  limits: Limits | undefined;
  /** Gives up its place in the queue, if it still has one. */
  leave(): void;
  /** What the promise resolves with for this status; it may throw. */
  toResult(status: number, op: Operation): unknown;
}

/** It has timed out or was aborted. */
export function isCancelled(call: PendingCall): boolean {
  return call.limits?.cancelled ?? false;
}

/** Makes the promise, once. */
export function promiseOf<T>(call: PendingCall): Promise<T> {
  return new Promise<unknown>((resolve, reject) => {
    call.resolve = resolve;
    call.reject = reject;
  }) as Promise<T>;
}

/** The call has to wait, `limit` ms at the most. */
export function armCall(call: PendingCall, limit: number, signal: Signal | undefined): void {
  // A function of its own, so that this check is inlined into calls without both.
  if (signal || limit < Infinity) limitCall(call, limit, signal);
}

function limitCall(call: PendingCall, limit: number, signal: Signal | undefined): void {
  const limits: Limits = { cancelled: false };
  call.limits = limits;
  try {
    // Options may have getters, so the signal can have been aborted since it was checked.
    if (signal?.aborted) throw signal.reason;
    const listener = signal && listenerOf(signal);
    let stop: (() => void) | undefined;
    limits.disarm = () => {
      // Whatever a fake timer or a signal throws: the call comes to its end, and so does what lets it go on.
      try {
        stop?.();
      } catch {}
      try {
        listener?.delete(call);
      } catch {}
    };
    listener?.add(call);
    if (isCancelled(call)) return;
    if (limit > 0 && limit < Infinity) stop = after(limit, () => cancelCall(call));
  } catch (reason) {
    // A signal or a fake timer may throw, too. The call is in a queue already, and must not stay there.
    cancelCall(call, { reason });
    return;
  }
  if (limit <= 0) cancelCall(call);
}

/** It times out, or with `why` it is cancelled and rejects with that reason. */
export function cancelCall(call: PendingCall, why?: { readonly reason: unknown }): void {
  const disarm = call.limits?.disarm;
  call.limits = { cancelled: true, disarm, why };
  disarm?.();
  call.leave();
}

/** Its wait has come to an end. */
export function completeCall(call: PendingCall, status: number, op: Operation): void {
  const { limits } = call;
  if (limits) {
    limits.disarm?.();
    // With any other status it has what it waited for: the abort came too late.
    if (limits.why && (status === STATUS_TIMEOUT || status === STATUS_BROKEN)) {
      call.reject?.(limits.why.reason);
      return;
    }
  }
  try {
    call.resolve?.(call.toResult(status, op));
  } catch (error) {
    call.reject?.(error);
  }
}
