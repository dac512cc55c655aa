/**
 * `npm run glue:mutate`: breaks the bindings in every small way (mutate.ts) and says for each file how many of the breaks
 * the explorer and the tests notice. Survivors must be in survivors.ts, with the reason why they are harmless, and
 * nothing else may. `npm run glue:mutate -- FILE:LINE …` breaks only the lines that begin so; with `--each` it says of
 * each mutant what noticed it.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { BINDINGS } from './bundle.ts';
import { type Killer, ScenarioHunter, TestHunter } from './hunt.ts';
import { type Mutant, mutants } from './mutate.ts';
import type { Reach } from './probes.ts';
import { scenarioReach, testReach } from './reach.ts';
import { survivors } from './survivors.ts';
import type { Test } from './tests.ts';

/** What waits, passes on, settles, cancels, keeps alive, blocks beside tasks, ends with its thread. */
const FILES = [
  'acquirable.ts',
  'barrier.ts',
  'blocking.ts',
  'clock.ts',
  'condition.ts',
  'event.ts',
  'keep-alive.ts',
  'local-queue.ts',
  'lock.ts',
  'operation-call.ts',
  'operation-table.ts',
  'operation.ts',
  'owner.ts',
  'pending-call.ts',
  'rlock.ts',
  'scheduler.ts',
  'scoped.ts',
  'semaphore.ts',
  'steps/acquire.ts',
  'steps/barrier.ts',
  'steps/condition.ts',
  'steps/event.ts',
  'thread-arena.ts',
];

/** A mutant may take so long (ms) in the explorer and in the tests, each of which bounds itself, before its process is ended. */
const BOUND = 240_000;

const sources = new Map(FILES.map((file) => [file, readFileSync(BINDINGS + file, 'utf8')]));
const all = FILES.flatMap((file) => mutants(file, sources.get(file)!));

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

type Kind = 'explorer' | 'tests';

/** A process that runs one mutant after the other; a new one in its place where it does not come back. */
class Workplace {
  readonly #kind: Kind;
  readonly #reach: readonly Reach[];
  #process: ChildProcess | undefined;

  constructor(kind: Kind, reach: readonly Reach[]) {
    this.#kind = kind;
    this.#reach = reach;
  }

  async hunt(index: number): Promise<Killer | undefined> {
    if (!this.#process) {
      // What tests print when they fail is of no interest.
      this.#process = fork(import.meta.filename, { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      this.#process.send({ kind: this.#kind, reach: this.#reach } satisfies Begin);
    }
    const child = this.#process;
    const { killer } = await new Promise<Answer>((resolve) => {
      const failed = (fault: string) => () => settle({ killer: { name: 'its process', fault } });
      const ended = failed('ends');
      const timer = setTimeout(failed(`does not end within ${BOUND} ms`), BOUND);
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        child.off('message', settle);
        child.off('exit', ended);
        resolve(answer);
      };
      child.on('message', settle);
      child.on('exit', ended);
      child.send(index);
    });
    if (killer?.name === 'its process') this.#end();
    return killer;
  }

  close(): void {
    this.#process?.disconnect();
  }

  /** All that it has started goes with it. */
  #end(): void {
    try {
      process.kill(-this.#process!.pid!, 'SIGKILL');
    } catch {
      // It has gone already.
    }
    this.#process = undefined;
  }
}

/** What such a process is told at first; then indices of mutants, one after the other. */
interface Begin {
  readonly kind: Kind;
  readonly reach: readonly Reach[];
}

interface Answer {
  readonly killer?: Killer | undefined;
}

function serve(): void {
  // What a mutant has left behind may be rejected when the next one runs.
  process.on('unhandledRejection', () => {});
  let hunter: ScenarioHunter | TestHunter;
  process.on('message', async (message: Begin | number) => {
    if (typeof message === 'number') process.send!({ killer: await hunter.hunt(message) } satisfies Answer);
    else if (message.kind === 'explorer') hunter = new ScenarioHunter(sources, all, message.reach);
    else hunter = new TestHunter(sources, all, message.reach as Test[]);
  });
  process.once('disconnect', async () => {
    await hunter.close();
    process.exit();
  });
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
      `  ${whereOf(mutant).padEnd(24)} ${mutant.what.padEnd(24)} ${reason?.why ?? `UNEXPLAINED  ${lineOf(mutant)}`}`,
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

if (process.send) serve();
else process.exitCode = await main(process.argv.slice(2));
