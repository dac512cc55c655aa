import { expect, it } from 'vitest';
import { CALLS, callsOf, importsOf } from '../../bindings/core-table.ts';
import { tears } from '../../bindings/torn.ts';

/** Notes which places are asked for. Each function answers its own, and what it was called with. */
function noted() {
  const asked: number[] = [];
  const get = (place: number) => {
    asked.push(place);
    return (...args: unknown[]) => [place, ...args];
  };
  return { asked, table: { get } };
}

type Calls = Record<string, (...args: unknown[]) => unknown>;

it('gets a call from the table when it is made for the first time, and never again', () => {
  const { asked, table } = noted();
  const calls = callsOf(table) as Calls;
  const place = CALLS.indexOf('eventSet');
  expect(asked).toEqual([]);
  expect(calls.eventSet!(1, 2)).toEqual([place, 1, 2]);
  expect(calls.eventSet!(3)).toEqual([place, 3]);
  expect(asked).toEqual([place]);
});

it('keeps the calls of two instances apart', () => {
  const [here, there] = [noted(), noted()];
  const calls = callsOf(here.table) as Calls;
  calls.create!();
  (callsOf(there.table) as Calls).create!();
  calls.create!();
  expect([here.asked, there.asked]).toEqual([[0], [0]]);
});

it('gives a module that imports the calls those of the table, each by its name; the guarded ones where calls are torn away', () => {
  const { asked, table } = noted();
  const imports = importsOf({ table }) as unknown as Calls;
  if (tears()) {
    expect(imports).toEqual({ table });
    return;
  }
  expect(Object.keys(imports)).toEqual(CALLS);
  expect(asked).toEqual([...CALLS.keys()]);
  expect(imports.lockAcquire!(0)).toEqual([CALLS.indexOf('lockAcquire'), 0]);
});
