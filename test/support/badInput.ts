/**
 * Tables of bad arguments.
 *
 *   refuses('Lock', () => new Lock(), (lock) => [lock.locked, lock.waiters], {
 *     acquire: [TIMEOUTS, (lock, bad) => lock.acquire(bad)],
 *     with: [NOT_FUNCTIONS, (lock, bad) => lock.with(bad)],
 *   });
 */
import { inspect } from 'node:util';
import { expect, it } from 'vitest';

/** A bad argument, and the type of error that it must meet. */
export type Bad = readonly [value: unknown, error: ErrorConstructor];

export const wrong = (error: ErrorConstructor, ...values: unknown[]): Bad[] => values.map((value) => [value, error]);

const NOT_NUMBERS = wrong(TypeError, null, true, '1', 1n, {}, [1], () => 1, Symbol('1'));

/** No timeouts in ms. */
export const TIMEOUTS = [...wrong(RangeError, Number.NaN, -1, -0.001, -Infinity), ...NOT_NUMBERS];

/** No integers of `least` or more that anything here could count; the last is 1 in 32 bits. */
export const integersFrom = (least: number): Bad[] => [
  ...wrong(RangeError, Number.NaN, least - 1, -1, 1.5, Infinity, -Infinity, 2 ** 31, 2 ** 32 + 1),
  ...NOT_NUMBERS,
];

export const NOT_FUNCTIONS = wrong(TypeError, undefined, null, 1, 'f', {});

/** No options of a primitive. */
export const OPTIONS = wrong(
  TypeError,
  null,
  1,
  'name',
  true,
  { name: 1 },
  { name: null },
  { name: new String('name') },
  { arena: null },
  { arena: {} },
  { arena: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }) },
);

/** No options at all. */
export const NOT_OPTIONS = wrong(TypeError, null, 0, 1, true, 'options', Symbol('options'), () => 1);

/** No options of a call that waits as a task. */
export const WAITS: Bad[] = [
  ...NOT_OPTIONS,
  ...TIMEOUTS.map(([timeout, error]): Bad => [{ timeout }, error]),
  ...wrong(
    TypeError,
    ...[null, 1, 'abort', {}, { aborted: true }, { aborted: 0, addEventListener() {}, removeEventListener() {} }],
    ...[
      { aborted: false, addEventListener() {} },
      { aborted: false, addEventListener: 1, removeEventListener() {} },
      new EventTarget(),
      new AbortController(),
    ],
  ).map(([signal, error]): Bad => [{ signal }, error]),
];

/** No options of a call in the name of an owner. */
export const OWNERS = wrong(TypeError, null, 1, 'me', true, {}, () => 1).map(
  ([owner, error]): Bad => [{ owner }, error],
);

type Calls<T> = Record<string, readonly [bad: readonly Bad[], call: (target: T, bad: never) => unknown]>;

/**
 * A test for every call: each of its bad arguments throws an error of exactly its type and with a message, and leaves
 * what `state` answers as it was.
 */
export function refuses<T>(label: string, make: () => T, state: (target: T) => unknown, calls: Calls<T>): void {
  table(label, make, state, calls, (call) => {
    try {
      call();
    } catch (error) {
      return describe(error);
    }
    return 'nothing';
  });
}

/** The same of calls that answer a promise: it rejects, and nothing is thrown. */
export function rejects<T>(
  label: string,
  make: () => T,
  state: (target: Awaited<T>) => unknown,
  calls: Calls<Awaited<T>>,
): void {
  table(label, make, state, calls, (call) => {
    try {
      return Promise.resolve(call()).then(() => 'nothing', describe);
    } catch (error) {
      return `thrown, not rejected: ${error}`;
    }
  });
}

function table<T>(
  label: string,
  make: () => T,
  state: (target: Awaited<T>) => unknown,
  calls: Calls<Awaited<T>>,
  refusal: (call: () => unknown) => unknown,
): void {
  for (const [name, [table, call]] of Object.entries(calls)) {
    it(`${label}: ${name} refuses bad arguments and changes nothing`, async () => {
      const target = await make();
      const before = state(target);
      for (const [value, type] of table) {
        const threw = await refusal(() => call(target, value as never));
        expect({ threw, state: state(target) }, `${name}(${inspect(value)})`).toEqual({
          threw: type.name,
          state: before,
        });
      }
    });
  }
}

/** The type of an error; or why it is no good. */
function describe(error: unknown): string {
  return error instanceof Error && error.message ? error.constructor.name : `without a message: ${error}`;
}
