/**
 * `npm run model:mutate`: breaks the core in every small way (mutate.ts) and says for each primitive how many of the
 * breaks the scenarios notice. Survivors must be in survivors.ts, with the reason why they are harmless, and nothing
 * else may. `npm run model:mutate -- FILE:LINE …` breaks only the lines that begin so, and known survivors as thoroughly
 * as all others.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { CORE, loadCore, locateInBoth } from './main.ts';
import { type Hunt, hunt, type Outcome } from './mutate.ts';
import { scenarios } from './scenarios/index.ts';
import { survivors } from './survivors.ts';

/** Larger scenarios would take too long to be run to their ends so often. */
const MOST_STATES = 30_000;
/** A broken core may make far more of them; MB for each worker. */
const MOST_HEAP = 6000;

/** The source line an instruction came from, without its surroundings. */
function sourceOf(at: number, locate: (offset: number) => string | undefined): { where: string; line: string } {
  const where = locate(at) ?? `+${at}`;
  const [file, number] = where.split(':');
  const lines = readFileSync(new URL(`../../assembly/${file}`, import.meta.url), 'utf8').split('\n');
  return { where, line: lines[Number(number) - 1]?.trim() ?? '' };
}

const explained = (line: string, what: string) =>
  survivors.find((one) => line.includes(one.line) && (!one.what || one.what.test(what)));

async function main(args: readonly string[]): Promise<number> {
  const of = availableParallelism();
  const outcomes: Outcome[] = [];
  const progress = (): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${outcomes.length} mutants …\x1b[K`);
  };
  await Promise.all(
    Array.from({ length: of }, (_, shard) => {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { shard, of, args },
        resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP },
      });
      worker.on('message', (outcome: Outcome) => {
        outcomes.push(outcome);
        progress();
      });
      return new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }),
  );
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

  const locate = locateInBoth(readFileSync(CORE));
  const stale = new Set(survivors);
  let unexplained = 0;
  console.log('survivors');
  for (const { mutant, killer } of outcomes.sort((a, b) => a.mutant.at - b.mutant.at)) {
    if (killer) continue;
    const { where, line } = sourceOf(mutant.at, locate);
    const reason = explained(line, mutant.what);
    if (reason) stale.delete(reason);
    else unexplained++;
    console.log(`  ${where.padEnd(18)} ${mutant.what.padEnd(28)} ${reason?.why ?? `UNEXPLAINED  ${line}`}`);
  }
  if (args.length > 0) stale.clear();
  for (const { line, what } of stale) console.log(`  survivors.ts: nothing survives at  ${line}  ${what ?? ''}`);
  const row = (...[first, ...rest]: (string | number)[]): void =>
    console.log(String(first).padEnd(12) + rest.map((cell) => String(cell).padStart(11)).join(''));
  const percent = (part: number, whole: number): string => (whole ? `${((100 * part) / whole).toFixed(1)} %` : '-');
  console.log();
  row('primitive', 'mutants', 'killed', 'of all', 'the same', 'of the rest');
  const kinds = [...new Set(scenarios.map(({ primitive }) => primitive))];
  for (const kind of [...kinds, 'all']) {
    const own = outcomes.filter(({ primitives }) => kind === 'all' || primitives.includes(kind));
    const killed = own.filter(({ killer }) => killer).length;
    const same = own.filter(
      ({ killer, mutant }) => !killer && explained(sourceOf(mutant.at, locate).line, mutant.what)?.same,
    ).length;
    row(kind, own.length, killed, percent(killed, own.length), same, percent(killed, own.length - same));
  }
  return unexplained === 0 && stale.size === 0 ? 0 : 1;
}

function work(shard: number, of: number, args: readonly string[]): void {
  const bytes = readFileSync(CORE);
  const locate = locateInBoth(bytes);
  const all = args.length === 0;
  const chosen = (at: number): boolean => all || args.some((arg) => locate(at)?.startsWith(arg));
  // Chosen lines are broken in every scenario, also where a survivor is known.
  const known: Hunt['known'] = ({ at, what }) => all && explained(sourceOf(at, locate).line, what) !== undefined;
  for (const outcome of hunt(loadCore(bytes), scenarios, { mostStates: MOST_STATES, shard, of, chosen, known }))
    parentPort!.postMessage(outcome);
}

if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else work(workerData.shard, workerData.of, workerData.args);
