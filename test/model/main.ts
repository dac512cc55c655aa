/**
 * `npm run model`: every scenario, in a table. `npm run model -- NAME …` runs those whose primitive or name begins so,
 * `-- --list` names them. Exits with 1 when a scenario fails, and shows how it came about.
 */

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { decode } from './decode.ts';
import { type Core, decodeCore, IMPORTS_AT, run, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { describe, type Locate, locator } from './trace.ts';

const ROOT = new URL('../../', import.meta.url);
/** The bytes that are published, and the build they came from, which has a source map beside it. */
export const CORE = new URL('dist/core.wasm', ROOT);
export const IMPORTS = new URL('dist/imports.wasm', ROOT);
const MAPPED = new URL('build/core.wasm', ROOT);
const MAPPED_IMPORTS = new URL('build/imports.wasm', ROOT);

/** A build of the core, with the published `imports.wasm`. */
export const loadCore = (bytes: Uint8Array): Core => decodeCore(bytes, readFileSync(IMPORTS));

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
    throw new Error(`${mapped.pathname} is another build than that in dist/: run npm run build`);
  const shift = decode(built).code.start - decode(published).code.start;
  const locate = locator(readFileSync(map, 'utf8'));
  return (offset) => locate(offset + shift);
}

/** The same of the core and of `imports.wasm`. */
export function locateInBoth(published: Uint8Array, mapped = MAPPED): Locate {
  const inCore = locateIn(published, mapped);
  const inImports = locateIn(readFileSync(IMPORTS), MAPPED_IMPORTS);
  return (offset) => (offset < IMPORTS_AT ? inCore(offset) : inImports(offset - IMPORTS_AT));
}

export const title = ({ primitive, name }: Scenario): string => `${primitive}: ${name}`;

/** What a worker tells: how far it is, and what came of it. */
type Message =
  | { readonly kind: 'progress'; readonly name: string; readonly states: number; readonly depth: number }
  | { readonly kind: 'result'; readonly row: readonly string[]; readonly seconds: number; readonly trace: string };

/** Where the code is, and which scenarios a worker is to run when it is told so. */
interface Task {
  readonly published: string;
  readonly mapped: string;
}

/** One scenario, in a worker. */
function work({ published, mapped }: Task, index: number, tell: (message: Message) => void): void {
  const bytes = readFileSync(new URL(published));
  const scenario = scenarios[index]!;
  const name = title(scenario);
  const progress = (states: number, depth: number): void => tell({ kind: 'progress', name, states, depth });
  const { verdict, world, seconds } = run(loadCore(bytes), scenario, { progress });
  const { counterexample, states, transitions } = verdict;
  const figures = [scenario.threads, states, transitions].map((figure) => figure.toLocaleString('en'));
  const row = [name, ...figures, seconds.toFixed(1), counterexample?.fault ?? 'holds'];
  const trace = counterexample ? describe(counterexample, world, locateInBoth(bytes, new URL(mapped))) : '';
  tell({ kind: 'result', row, seconds, trace });
}

const columns = (row: readonly string[]): string =>
  row.map((cell, i) => (i === 0 ? cell.padEnd(80) : cell.padStart(11))).join('');

async function main(args: readonly string[]): Promise<number> {
  // For work on the core: another build of it, with its source map beside it.
  const other = args.find((arg) => arg.startsWith('--wasm='))?.slice('--wasm='.length);
  const task: Task = other
    ? { published: pathToFileURL(other).href, mapped: pathToFileURL(other).href }
    : { published: CORE.href, mapped: MAPPED.href };
  const names = args.filter((arg) => !arg.startsWith('--'));
  const chosen = [...scenarios.keys()].filter(
    (index) => names.length === 0 || names.some((name) => title(scenarios[index]!).startsWith(name)),
  );
  if (args.includes('--list') || chosen.length === 0) {
    for (const scenario of scenarios) console.log(title(scenario));
    return args.includes('--list') ? 0 : 2;
  }

  const start = performance.now();
  let failed = 0;
  const show = (message: Message): void => {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    if (message.kind === 'progress') {
      const { name, states, depth } = message;
      if (process.stderr.isTTY) process.stderr.write(`${name}: ${states} states, ${depth} steps deep …`);
      return;
    }
    console.log(columns(message.row));
    if (message.trace === '') return;
    failed++;
    console.log(`\n${message.trace}\n`);
  };
  console.log(columns(['scenario', 'threads', 'states', 'steps', 'seconds', 'verdict']));
  const left = [...chosen];
  const hand = (worker: Worker): void => {
    const index = left.shift();
    if (index === undefined) void worker.terminate();
    else worker.postMessage(index);
  };
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), chosen.length, MOST_WORKERS) }, () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: task });
      worker.on('message', (message: Message) => {
        show(message);
        if (message.kind === 'result') hand(worker);
      });
      hand(worker);
      return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  console.log(`${chosen.length - failed} of ${chosen.length} scenarios hold, ${seconds.toFixed(0)} s`);
  return failed === 0 ? 0 : 1;
}

/** Each may need 3 GB. */
const MOST_WORKERS = 2;

if (import.meta.main && isMainThread) process.exitCode = await main(process.argv.slice(2));
if (import.meta.main && !isMainThread)
  parentPort!.on('message', (index: number) =>
    work(workerData as Task, index, (message) => parentPort!.postMessage(message)),
  );
