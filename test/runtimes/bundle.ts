/**
 * Bundles test files and `vitest` into JavaScript that every supported runtime takes: `lock.test.ts` becomes
 * `lock.test.ts.js`, beside it `harness.js` to run it. `lockwork` stays an import: what is tested is dist/.
 */
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const test = join(root, 'test');
const support = readdirSync(join(test, 'support'));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const tools = Object.keys(devDependencies).filter((name) => name !== 'vitest');

/** All that there are. */
export const testFiles = readdirSync(test).filter((name) => name.endsWith('.test.ts'));

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
    // `./support/worker.mjs` of a test and `./worker.mjs` of a module in support/ are both found beside them.
    chunkNames: 'support/[name]-[hash]',
    entryPoints: {
      harness: join(test, 'runtimes/harness.ts'),
      ...Object.fromEntries(files.map((name) => [name, join(test, name)])),
      ...(more.entryPoints as Record<string, string>),
    },
  });
  for (const name of support) {
    if (name.endsWith('.mjs')) cpSync(join(test, 'support', name), join(outdir, 'support', name));
  }
}
