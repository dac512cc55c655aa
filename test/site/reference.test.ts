/** The reference has a page for each class and function, and an example on each. TypeDoc sees to the summaries. */
import * as threading from 'lockwork';
import * as inspect from 'lockwork/inspect';
import * as programs from 'lockwork/wasm';
import { expect, test } from 'vitest';
import { pages } from './site.ts';

const found = pages.filter(({ path }) => /^\/reference\/.*\/(classes|functions)\//.test(path));

test('there is a page for each', () => {
  // Not for users: what LOCKWORK_HANG calls.
  const { dumpOfHang: _, ...rest } = { ...threading, ...inspect, ...programs } as Record<string, unknown>;
  const names = Object.keys(rest).filter((name) => typeof rest[name] === 'function');
  expect(found.map(({ path }) => path.split('/').at(-1)).sort()).toEqual(names.sort());
});

test.each(found)('$path has an example', ({ html }) => {
  expect(html).toMatch(/<h\d id="example/);
});
