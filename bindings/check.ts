/** Checks of arguments, at the edge, once. A refused argument changes nothing. */

/** Names a value in an error message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  return `an object of type ${value.constructor?.name ?? 'null prototype'}`;
}

/** A timeout in ms: nothing or `Infinity` for ever, 0 not at all. */
export function checkTimeout(timeout: unknown, where: string): number {
  if (timeout === undefined) return Infinity;
  if (typeof timeout !== 'number') {
    throw new TypeError(`${where}: the timeout must be a number of milliseconds, not ${show(timeout)}`);
  }
  if (!(timeout >= 0)) {
    throw new RangeError(`${where}: the timeout must be 0 or more milliseconds, not ${timeout}`);
  }
  return timeout;
}

export function checkInteger(value: unknown, least: number, most: number, what: string): number {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, not ${show(value)}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${what} must be an integer from ${least} to ${most}, not ${value}`);
  }
  return value;
}

export function checkFunction(value: unknown, what: string): void {
  if (typeof value !== 'function') throw new TypeError(`${what} must be a function, not ${show(value)}`);
}

export function checkOptions(value: unknown, where: string): void {
  if (value !== undefined && (value === null || typeof value !== 'object')) {
    throw new TypeError(`${where}: the options must be an object, not ${show(value)}`);
  }
}

/** What every async call takes. */
export interface WaitOptions {
  /** ms; nothing or `Infinity` for ever, 0 not at all. */
  timeout?: number | undefined;
  /** Gives up when it is aborted: the promise rejects with its `reason`. */
  signal?: AbortSignal | undefined;
}

/** What no options mean. */
export const FOR_EVER = { limit: Infinity, signal: undefined };

/** The options of an async call. Throws the reason of a signal that is aborted already. */
export function checkWait(
  options: WaitOptions | undefined,
  where: string,
): { limit: number; signal: AbortSignal | undefined } {
  checkOptions(options, where);
  const limit = checkTimeout(options?.timeout, where);
  const signal = options?.signal;
  if (signal !== undefined && !isSignal(signal)) {
    throw new TypeError(`${where}: the signal must be an AbortSignal, not ${show(signal)}`);
  }
  if (signal?.aborted) throw signal.reason;
  return { limit, signal };
}

function isSignal(value: Partial<AbortSignal> | null): value is AbortSignal {
  const methods = [value?.addEventListener, value?.removeEventListener];
  return typeof value?.aborted === 'boolean' && methods.every((method) => typeof method === 'function');
}

/**
 * Whether a function that must not be async returned a promise, or the like. Nobody awaits it: the caller gets an error
 * for it, so what it rejects with is dropped, and ends no process.
 */
export function isStrayPromise(value: unknown): boolean {
  try {
    if (typeof (value as { then?: unknown } | null | undefined)?.then !== 'function') return false;
  } catch {
    // Whatever its `then` is, it has one.
  }
  Promise.resolve(value).catch(() => {});
  return true;
}
