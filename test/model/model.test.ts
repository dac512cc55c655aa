/** The checker holds what it promises: engine, interpreter, the classic bugs, and a selection of the scenarios. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { examine, fixtures } from './bugs.ts';
import { differences } from './differential.ts';
import { CORE, title } from './main.ts';
import { loadCore, run } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

/** Always the same, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the interpreter computes what the engine computes', () => {
  const { instructions, differences: found } = differences(200, seeded(1));
  expect(found).toEqual([]);
  expect(instructions).toBeGreaterThan(200);
});

describe('classic bugs are found, and their mended versions hold', () => {
  for (const fixture of fixtures) {
    test(`${fixture.file}, correct`, async () => {
      expect((await examine(fixture, 0)).trace).toBe('');
    });
    for (const { bug, name, faults } of fixture.bugs) {
      test(name, { timeout: 10_000 }, async () => {
        const { verdict, trace } = await examine(fixture, bug);
        expect(faults).toContain(verdict.counterexample?.fault);
        // A person finds the lines of the source, and who did what there.
        expect(trace).toMatch(new RegExp(`T\\d +${fixture.file}\\.ts:\\d+ `));
      });
    }
  }
});

describe('the published core', () => {
  const core = loadCore(readFileSync(CORE));
  // All that are quick; `npm run model` runs the others, too.
  for (const scenario of scenarios) {
    test(title(scenario), (context) => {
      const { verdict } = run(core, scenario, { mostStates: 100_000 });
      if (verdict.exceeded) context.skip();
      expect(verdict.counterexample).toBeUndefined();
    });
  }
});
