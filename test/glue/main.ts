/**
 * `npm run glue`: every scenario, in a table.
 *
 *     -- NAME …              those whose title begins so
 *     -- --list              their titles
 *     -- --seed N NAME       the schedule of this seed once more, with all its steps; `--choices LIST` likewise
 *     -- --schedules N       how many are tried by seeds
 *     -- --bound N           up to how many departures all are tried
 *     -- --bundle FILE       another build
 *
 * Exits with 1 when a scenario fails, and shows how it came about.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { explore, replay } from './explore.ts';
import { title } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean' },
    seed: { type: 'string' },
    choices: { type: 'string' },
    schedules: { type: 'string', default: '1000' },
    bound: { type: 'string', default: '2' },
    bundle: { type: 'string' },
  },
});

/** How many schedules of a scenario in which threads die are tried before those by seeds. */
const MORTAL = 1_500;

const columns = (row: readonly unknown[]): string =>
  row.map((cell, i) => (i === 0 ? String(cell).padEnd(92) : String(cell).padStart(11))).join('');

async function main(): Promise<number> {
  const chosen = scenarios.filter(
    (scenario) => positionals.length === 0 || positionals.some((name) => title(scenario).startsWith(name)),
  );
  if (values.list || chosen.length === 0) {
    for (const scenario of scenarios) console.log(title(scenario));
    return values.list ? 0 : 2;
  }
  const bundle = readFileSync(values.bundle ?? new URL('../../dist/index.cjs', import.meta.url), 'utf8');
  if (values.seed !== undefined || values.choices !== undefined) {
    const which = values.choices === undefined ? { seed: Number(values.seed) } : { choices: values.choices };
    for (const scenario of chosen) {
      const { message, trace } = replay(bundle, scenario, which);
      console.log(`${title(scenario)}\n${trace}\n${message ?? 'holds'}`);
      if (message !== undefined) return 1;
    }
    return 0;
  }

  const start = performance.now();
  let failed = 0;
  let schedules = 0;
  console.log(columns(['scenario', 'schedules', 'all up to', 'seconds', 'verdict']));
  for (const scenario of chosen) {
    const name = title(scenario);
    const began = performance.now();
    const progress = (count: number): void => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${name}: ${count} schedules …`);
    };
    const limits = {
      bound: Number(values.bound),
      schedules: Number(values.schedules),
      progress,
      // Threads may die everywhere: with two departures there are too many.
      ...(scenario.mortal && { exhaustive: MORTAL }),
    };
    const result = await explore(bundle, scenario, limits);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const { failure } = result;
    schedules += result.schedules;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const verdict = failure ? (scenario.known ? 'known' : 'FAILS') : 'holds';
    console.log(columns([name, result.schedules.toLocaleString('en'), result.complete, seconds, verdict]));
    if (scenario.known) {
      console.log(
        `  ${failure ? `the known fault (${scenario.known}): ${failure.message}` : 'the known fault is gone'}`,
      );
    } else if (failure) {
      failed++;
      const { message, seed, choices, trace } = failure;
      const again = seed === undefined ? `--choices ${choices || "''"}` : `--seed ${seed}`;
      console.log(`\n${message}\n\n${trace}\n\nOnce more: npm run glue -- ${again} '${name}'\n`);
    }
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const held = chosen.length - failed;
  console.log(`${held} of ${chosen.length} scenarios hold, ${schedules.toLocaleString('en')} schedules, ${seconds} s`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
