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

const wrong = (error: ErrorConstructor, ...values: unknown[]): Bad[] => values.map((value) => [value, error]);

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

/**
 * A test for every call: each of its bad arguments throws an error of exactly its type and with a message, and leaves
 * what `state` answers as it was.
 */
export function refuses<T>(
  label: string,
  make: () => T,
  state: (target: T) => unknown,
  calls: Record<string, readonly [bad: readonly Bad[], call: (target: T, bad: never) => unknown]>,
): void {
  for (const [name, [table, call]] of Object.entries(calls)) {
    it(`${label}: ${name} refuses bad arguments and changes nothing`, () => {
      const target = make();
      const before = state(target);
      for (const [value, type] of table) {
        const refusal = { threw: describe(() => call(target, value as never)), state: state(target) };
        expect(refusal, `${name}(${inspect(value)})`).toEqual({ threw: type.name, state: before });
      }
    });
  }
}

/** The type of error that a call throws; 'nothing', or why it is no good. */
function describe(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof Error && error.message ? error.constructor.name : `without a message: ${error}`;
  }
  return 'nothing';
}
