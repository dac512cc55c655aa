/**
 * Runs the tests on every runtime, and prints a table of what passed where. A run of everything writes it into
 * docs/compatibility.md.
 *
 *   npm run test:runtimes
 *   npm run test:runtimes -- Deno 'Node 20' unit/lock.test.ts    some columns and rows of it
 */
import { join } from 'node:path';
import { writeTable } from '../compatibility.ts';
import { bundle, root, testFiles, testFilesIn } from './bundle.ts';
import { install } from './install.ts';
import { type Column, failuresOf, matrix } from './matrix.ts';
import { runInProcess, runProgram } from './processes.ts';
import type { Result } from './report.ts';
import { INSTALLED, notHere, PROGRAM, RUNTIMES, type Runtime } from './runtimes.ts';
import { runProject } from './vitest.ts';

const names = process.argv.slice(2);
const chosen = <T extends string>(all: readonly T[]): T[] => {
  const named = all.filter((name) => names.includes(name));
  return named.length ? named : [...all];
};
// The suite runs the files of the other folders, which have rows of their own.
const pageFiles = testFilesIn('platforms/page').filter((file) => !file.endsWith('/suite.test.ts'));
const runtimes = chosen(RUNTIMES);
const files = chosen([...testFiles, ...pageFiles, PROGRAM]);

const outdir = join(root, 'build/runtimes');
const program = join(root, 'test/platforms/runtimes', PROGRAM);
const isInstalled = (runtime: Runtime): runtime is keyof typeof INSTALLED => runtime in INSTALLED;

async function run(runtime: Runtime): Promise<Column> {
  const here = files.filter((file) => !notHere(runtime, file).whole);
  if (!isInstalled(runtime)) {
    // A page runs files by way of its suite: all of them.
    const results = new Map(await runProject(runtime, runtime === 'Node 26' ? here : []));
    if (here.includes(PROGRAM)) results.set(PROGRAM, await runProgram([process.execPath, program], 'true\n'));
    return results;
  }
  const command = [await install(runtime), ...INSTALLED[runtime].args];
  const results = new Map<string, Result>();
  const left = here.values();
  // Two at a time, since their threads need the cores.
  const lane = async () => {
    for (const file of left) {
      const result =
        file === PROGRAM
          ? await runProgram([...command, program], 'true\n')
          : await runInProcess([...command, join(outdir, 'child.js')], file, notHere(runtime, file).tests);
      results.set(file, result);
      console.log(`${runtime}: ${file}: ${result.passed} of ${result.tests} passed`);
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}

if (runtimes.some(isInstalled)) {
  const bundled = testFiles.filter((file) =>
    Object.keys(INSTALLED).some((name) => !notHere(name as Runtime, file).whole),
  );
  await bundle(outdir, bundled, { entryPoints: { child: join(root, 'test/platforms/runtimes/child.ts') } });
}
const columns = new Map<Runtime, Column>();
for (const runtime of runtimes) {
  const column = await run(runtime).catch((error: Error) => error);
  columns.set(runtime, column);
  for (const failure of failuresOf(runtime, column, files)) {
    process.exitCode = 1;
    console.log(`\nFAILED ${failure}\n`);
  }
}
const table = matrix(columns, files);
console.log(`\n${table}`);
if (names.length === 0) writeTable('runtimes', table);
