/** The built bindings in simulated threads, see README.md: few schedules of every scenario. `npm run glue` has more. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explore, replay } from './explore.ts';
import { title } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

const bundle = readFileSync(new URL('../../dist/index.cjs', import.meta.url), 'utf8');
const holding = scenarios.filter(({ known }) => !known);

describe('In simulated threads nothing goes wrong', () => {
  it.each(holding.map((scenario) => [title(scenario), scenario] as const))('%s', async (_title, scenario) => {
    const { failure, complete } = await explore(bundle, scenario, { bound: 1, schedules: 100 });
    expect(failure, failure?.trace).toBeUndefined();
    expect(complete).toBe(1);
  });
});

describe('The explorer finds what is wrong', () => {
  const tasks = scenarios.find((scenario) => title(scenario) === 'Lock: two tasks of a thread, one of another')!;

  /** What is behind the bundle changes its classes, and knows nothing of what is in them. */
  it.each([
    ['a lock that lets everybody in', 'acquireAsync = async () => true', /at the same time/],
    [
      'a wait that does not end',
      'acquireAsync = () => new Promise(() => {})',
      /keeps the process .* alive|waits for ever/,
    ],
    ['a release that is none', 'release = () => {}', /waits for ever/],
    [
      'a rejection that nobody handles',
      'release = (release => function () { Promise.reject(new Error("lost")); release.call(this); })(module.exports.Lock.prototype.release)',
      /nobody handles .* lost/,
    ],
    ['a call that throws', 'release = () => { throw new Error("wrong") }', /wrong/],
    ['a loop without an end', 'release = () => { for (;;); }', /no end after 1000 ms/],
  ])('%s', async (_name, change, message) => {
    const mutant = `${bundle}\nmodule.exports.Lock.prototype.${change};`;
    const { failure } = await explore(mutant, tasks, { bound: 1, schedules: 100, timeout: 1_000 });
    expect(failure?.message).toMatch(message);
  });

  it('what only a seed leads to, and once more', async () => {
    const mutant = `${bundle}\nmodule.exports.Lock.prototype.acquireAsync = async () => true;`;
    // Not even the plain schedule but by seeds.
    const { failure } = await explore(mutant, tasks, { exhaustive: 0 });
    const { seed, message, trace } = failure!;
    expect(seed).toBeDefined();
    expect(replay(mutant, tasks, { seed: seed! })).toEqual({ message, trace });
  });
});
