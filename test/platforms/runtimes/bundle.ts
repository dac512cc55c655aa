/**
 * Bundles test files and `vitest` into JavaScript that every supported runtime takes: `unit/lock.test.ts` becomes
 * `unit/lock.test.ts.js`, beside that folder `harness.js` to run it. `lockwork` stays an import: what is tested is dist/.
 */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

export const root = fileURLToPath(new URL('../../..', import.meta.url));
const test = join(root, 'test');
const support = readdirSync(join(test, 'support'));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tools = Object.keys(devDependencies).filter((name) => name !== 'vitest');

/** The test files of a folder of test/, by their paths in there. */
export const testFilesIn = (folder: string): string[] =>
  readdirSync(join(test, folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`);

/** What is run everywhere; the threads of test/model/ and test/glue/ are simulated, on the pinned Node. */
export const testFiles = ['unit', 'behaviour', 'stress', 'package'].flatMap(testFilesIn);

/** `more` is merged in: entry points, aliases for modules that a runtime does not have, … */
export async function bundle(outdir: string, files: readonly string[], more: BuildOptions = {}): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: true,
    logLevel: 'warning',
    external: ['lockwork', 'node:*', ...tools],
    ...more,
    outdir,
    absWorkingDir: root,
    // `../support/worker.mjs` of a test and `./worker.mjs` of a module in support/ are both found there.
    chunkNames: 'support/[name]-[hash]',
    entryPoints: {
      harness: join(test, 'platforms/runtimes/harness.ts'),
      ...Object.fromEntries(files.map((name) => [name, join(test, name)])),
      ...(more.entryPoints as Record<string, string>),
    },
  });
  for (const name of support) {
    if (name.endsWith('.mjs')) cpSync(join(test, 'support', name), join(outdir, 'support', name));
  }
}
