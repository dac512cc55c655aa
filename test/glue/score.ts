/**
 * `npm run glue:mutate`: breaks the bindings in every small way (mutate.ts) and says for each file how many of the breaks
 * the explorer and the tests notice. Survivors must be in survivors.ts, with the reason why they are harmless, and
 * nothing else may. `npm run glue:mutate -- FILE:LINE …` breaks only the lines that begin so; with `--each` it says of
 * each mutant what noticed it.
 */

import { availableParallelism } from 'node:os';
import type { Killer } from './hunt.ts';
import type { Mutant } from './mutate.ts';
import { scenarioReach, testReach } from './reach.ts';
import { all, FILES, sources } from './subject.ts';
import { survivors } from './survivors.ts';
import { type Kind, Workplace } from './workplace.ts';

const whereOf = ({ file, line }: Mutant): string => `${file}:${line}`;
const lineOf = ({ file, line }: Mutant): string => sources.get(file)!.split('\n')[line - 1]!.trim();
const explained = (mutant: Mutant) =>
  survivors.find(
    (one) => one.file === mutant.file && lineOf(mutant).includes(one.line) && (one.what?.test(mutant.what) ?? true),
  );

/** Tells on one line what is going on. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
}

/** What became of the mutants that were run. */
type Ends = Map<Mutant, { readonly by: Kind; readonly killer: Killer } | undefined>;

async function main(args: readonly string[]): Promise<number> {
  const lines = args.filter((arg) => !arg.startsWith('--'));
  const ends: Ends = new Map();
  for (const mutant of all) {
    if (lines.length === 0 || lines.some((line) => whereOf(mutant).startsWith(line))) ends.set(mutant, undefined);
  }
  // What is left of them goes on to the tests, which take longer.
  for (const by of ['explorer', 'tests'] as const) {
    const left = [...all.keys()].filter((index) => ends.has(all[index]!) && !ends.get(all[index]!));
    if (left.length === 0) break;
    const reach =
      by === 'explorer' ? await scenarioReach(sources, all, progress) : await testReach(sources, all, progress);
    const { length } = left;
    const work = async (): Promise<void> => {
      const worker = new Workplace(by, reach);
      for (let index = left.shift(); index !== undefined; index = left.shift()) {
        const killer = await worker.hunt(index);
        const mutant = all[index]!;
        if (killer) ends.set(mutant, { by, killer });
        progress(`${length - left.length} of ${length} mutants in the ${by} …`);
        if (args.includes('--each')) {
          console.log(
            whereOf(mutant),
            mutant.what,
            killer ? `${by}: ${killer.name}: ${killer.fault}` : `survives ${by}`,
          );
        }
      }
      worker.close();
    };
    await Promise.all(Array.from({ length: Math.min(availableParallelism(), length) }, work));
  }
  progress('');
  return report(ends, lines.length === 0);
}

function report(ends: Ends, whole: boolean): number {
  const stale = new Set(survivors);
  let unexplained = 0;
  console.log('survivors');
  for (const mutant of all) {
    if (!ends.has(mutant) || ends.get(mutant)) continue;
    const reason = explained(mutant);
    if (reason) stale.delete(reason);
    else unexplained++;
    console.log(
      `  ${whereOf(mutant).padEnd(24)} ${mutant.what.padEnd(40)} ${reason?.why ?? `UNEXPLAINED  ${lineOf(mutant)}`}`,
    );
  }
  if (!whole) stale.clear();
  for (const { file, line, what } of stale)
    console.log(`  survivors.ts: nothing survives at  ${file}  ${line}  ${what ?? ''}`);
  const row = (...[first, ...rest]: (string | number)[]): void =>
    console.log(String(first).padEnd(20) + rest.map((cell) => String(cell).padStart(13)).join(''));
  const percent = (part: number, whole: number): string => (whole ? `${((100 * part) / whole).toFixed(1)} %` : '-');
  console.log();
  row('file', 'mutants', 'by explorer', 'by tests', 'of all', 'the same', 'of the rest');
  for (const file of [...FILES, 'all']) {
    const own = [...ends].filter(([mutant]) => file === 'all' || mutant.file === file);
    if (own.length === 0) continue;
    const by = (kind: Kind): number => own.filter(([, end]) => end?.by === kind).length;
    const killed = by('explorer') + by('tests');
    const same = own.filter(([mutant, end]) => !end && explained(mutant)?.same).length;
    const { length } = own;
    row(file, length, by('explorer'), by('tests'), percent(killed, length), same, percent(killed, length - same));
  }
  return unexplained === 0 && stale.size === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
