/** What `test/model/tasks.ts` repeats of the bindings makes the same core calls as the built bindings: see calls.ts. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { callsOfModel, recorderOf } from './calls.ts';
import { programs } from './programs.ts';

const callsOfBindings = recorderOf(readFileSync(new URL('../../dist/index.cjs', import.meta.url), 'utf8'));

test.each(programs.map((program) => [program.title, program] as const))('%s', (_title, program) => {
  const calls = callsOfBindings(program);
  expect(callsOfModel(program)).toEqual(calls);
  for (const call of program.has) expect(calls).toContain(call);
});
