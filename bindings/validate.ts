/** Checks of arguments, at the edge, once. A refused argument changes nothing. */

import type { Signal } from './globals.ts';

/** Names a value in an error message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  return `an object of type ${value.constructor?.name ?? 'null prototype'}`;
}

/** For an argument of a wrong type. */
export function invalidType(message: string): TypeError {
  return coded(new TypeError(message, { cause: 'ERR_LOCKWORK_INVALID_ARG_TYPE' }));
}

/** For an argument of the right type that is out of its range. */
export function invalidValue(message: string): RangeError {
  return coded(new RangeError(message, { cause: 'ERR_LOCKWORK_INVALID_ARG_VALUE' }));
}

function coded<E extends Error>(error: E): E {
  return Object.defineProperty(error, 'code', { value: error.cause, configurable: true, writable: true });
}

/** A timeout in ms: nothing or `Infinity` for ever, 0 not at all. */
export function checkTimeout(timeout: unknown, where: string): number {
  if (timeout === undefined) return Infinity;
  if (typeof timeout !== 'number') {
    throw invalidType(
      `${where}: the timeout must be a number of milliseconds, or nothing for ever, not ${show(timeout)}`,
    );
  }
  if (!(timeout >= 0)) {
    throw invalidValue(`${where}: the timeout must be 0 or more milliseconds, or nothing for ever, not ${timeout}`);
  }
  return timeout;
}

export function checkInteger(value: unknown, least: number, most: number, what: string): number {
  if (typeof value !== 'number') throw invalidType(`${what} must be a number, not ${show(value)}`);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalidValue(`${what} must be an integer from ${least} to ${most}, not ${value}`);
  }
  return value;
}

/** One of some words, each with what it stands for. */
export function checkChoice(value: unknown, choices: Readonly<Record<string, number>>, what: string): number {
  const words = Object.keys(choices).map(show).join(', ');
  if (typeof value !== 'string') throw invalidType(`${what} must be one of ${words}, not ${show(value)}`);
  if (!Object.hasOwn(choices, value)) throw invalidValue(`${what} must be one of ${words}, not ${show(value)}`);
  return choices[value]!;
}

/** `rest`: of `what`, which is joined only for a message. */
export function checkFunction(value: unknown, what: string, rest = ''): void {
  if (typeof value !== 'function') throw invalidType(`${what}${rest} must be a function, not ${show(value)}`);
}

/** Options, and nothing else where they belong: what is not known would be ignored, and a call wait for ever. */
export function checkOptions(value: unknown, where: string, known: readonly string[]): void {
  if (value === undefined) return;
  const { kind, memory } = Object(value) as { kind?: unknown; memory?: unknown };
  if (kind !== undefined && memory !== undefined) {
    const advice =
      kind === 'Arena'
        ? 'an arena, but have it: { arena }'
        : `a handle. ${kind}.from(handle) attaches to the ${kind} that it names`;
    throw invalidType(`${where}: the options must not be ${advice}`);
  }
  if (isSignal(Object(value))) throw invalidType(`${where}: the options must not be a signal, but have it: { signal }`);
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw invalidType(`${where}: the options must be an object, such as { ${known[0]} }, not ${show(value)}`);
  }
  for (const [name, given] of Object.entries(value as object)) {
    if (given !== undefined && !known.includes(name)) {
      throw invalidType(`${where}: there is no option ${show(name)}, but ${known.join(', ')}`);
    }
  }
}

/** The options of every async call, and of those in the name of an owner. */
export const WAIT_OPTIONS = ['timeout', 'signal'] as const;
export const OWNER_OPTIONS = ['owner'] as const;
export const OWNER_WAIT_OPTIONS = ['timeout', 'signal', 'owner'] as const;
/** Of every constructor of a primitive. */
export const PRIMITIVE_OPTIONS = ['arena', 'name'] as const;
/** Of a lock: of every object, and of its constructor. */
export const RECOVER_OPTIONS = ['recover'] as const;
export const LOCK_OPTIONS = ['arena', 'name', 'abandoned', 'recover'] as const;

/** What every async call takes. */
export interface WaitOptions {
  /** ms; nothing or `Infinity` for ever, 0 not at all. */
  timeout?: number | undefined;
  /** Gives up when it is aborted: the promise rejects with its `reason`. */
  signal?: Signal | undefined;
}

/** How long a task waits, and what may stop it. */
export interface Wanted {
  /** ms */
  readonly limit: number;
  readonly signal: Signal | undefined;
}

/** The options of an async call. Throws the reason of a signal that is aborted already. */
export function checkWait(options: WaitOptions | undefined, where: string, known: readonly string[]): Wanted {
  checkOptions(options, where, known);
  const limit = checkTimeout(options?.timeout, where);
  const signal = options?.signal;
  if (signal !== undefined && !isSignal(Object(signal))) {
    throw invalidType(`${where}: the signal must be an AbortSignal, not ${show(signal)}`);
  }
  if (signal?.aborted) throw signal.reason;
  return { limit, signal };
}

function isSignal(value: Partial<Signal>): value is Signal {
  const methods = [value.addEventListener, value.removeEventListener];
  return typeof value.aborted === 'boolean' && methods.every((method) => typeof method === 'function');
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
