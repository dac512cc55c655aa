/** The built bindings in simulated threads, see README.md: few schedules of every scenario. `npm run glue` has more. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explore, replay } from './explore.ts';
import { title } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

const bundle = readFileSync(new URL('../../dist/index.cjs', import.meta.url), 'utf8');
const holding = scenarios.filter(({ known }) => !known);

/** The bundle with one change, that there must be a place for. */
function broken(text: string, by: string): string {
  expect(bundle).toContain(text);
  return bundle.replace(text, by);
}

describe('In simulated threads nothing goes wrong', () => {
  it.each(holding.map((scenario) => [title(scenario), scenario] as const))('%s', async (_title, scenario) => {
    const { failure, complete } = await explore(bundle, scenario, { bound: 1, schedules: 100 });
    expect(failure, failure?.trace).toBeUndefined();
    expect(complete).toBe(1);
  });
});
