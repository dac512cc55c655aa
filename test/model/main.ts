/**
 * `npm run model`: every scenario, in a table. `npm run model -- NAME …` runs those whose primitive or name begins so,
 * `-- --list` names them. Exits with 1 when a scenario fails, and shows how it came about.
 */

import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { decode } from './decode.ts';
import { loadCore, run, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { describe, type Locate, locator } from './trace.ts';

const ROOT = new URL('../../', import.meta.url);
/** The bytes that are published, and the build they came from, which has a source map beside it. */
export const CORE = new URL('dist/core.wasm', ROOT);
const MAPPED = new URL('build/core.wasm', ROOT);

/** Source lines come from the build, whose code must be the published one byte by byte. */
export function locateIn(published: Uint8Array, mapped = MAPPED): Locate {
  const map = new URL(`${mapped.href}.map`);
  if (!existsSync(map)) return () => undefined;
  const built = readFileSync(mapped);
  const code = (bytes: Uint8Array): Buffer => {
    const { start, end } = decode(bytes).code;
    return Buffer.from(bytes.subarray(start, end));
  };
  if (!code(built).equals(code(published)))
    throw new Error('dist/core.wasm and build/core.wasm differ: run npm run build');
  const shift = decode(built).code.start - decode(published).code.start;
  const locate = locator(readFileSync(map, 'utf8'));
  return (offset) => locate(offset + shift);
}

const columns = (row: readonly string[]): string =>
  row.map((cell, i) => (i === 0 ? cell.padEnd(58) : cell.padStart(10))).join('  ');

function main(args: readonly string[]): number {
  // For work on the core: another build of it, with its source map beside it.
  const other = args.find((arg) => arg.startsWith('--wasm='))?.slice('--wasm='.length);
  const [published, mapped] = other ? [pathToFileURL(other), pathToFileURL(other)] : [CORE, MAPPED];
  const names = args.filter((arg) => !arg.startsWith('--wasm='));
  const chosen = scenarios.filter(
    (scenario) => names.length === 0 || names.some((name) => title(scenario).startsWith(name)),
  );
  if (names.includes('--list') || chosen.length === 0) {
    for (const scenario of scenarios) console.log(title(scenario));
    return names.includes('--list') ? 0 : 2;
  }
  const bytes = readFileSync(published);
  const core = loadCore(bytes);
  let failed = 0;
  let total = 0;
  console.log(columns(['scenario', 'threads', 'states', 'steps', 'seconds', 'verdict']));
  for (const scenario of chosen) {
    const progress = (states: number, depth: number): void => {
      if (process.stderr.isTTY)
        process.stderr.write(`\r${title(scenario)}: ${states} states, ${depth} steps deep …\x1b[K`);
    };
    const { verdict, world, seconds } = run(core, scenario, { progress });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const { counterexample, states, transitions } = verdict;
    total += seconds;
    const fields = [
      String(scenario.threads),
      states.toLocaleString('en'),
      transitions.toLocaleString('en'),
      seconds.toFixed(1),
    ];
    console.log(columns([title(scenario), ...fields, counterexample ? counterexample.fault : 'holds']));
    if (counterexample) {
      failed++;
      console.log(`\n${describe(counterexample, world, locateIn(bytes, mapped))}\n`);
    }
  }
  console.log(`${chosen.length - failed} of ${chosen.length} scenarios hold, ${total.toFixed(0)} s`);
  return failed === 0 ? 0 : 1;
}

export const title = ({ primitive, name }: Scenario): string => `${primitive}: ${name}`;

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
