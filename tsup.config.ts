import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { defineConfig } from 'tsup';
import { encode } from './bindings/core-text.ts';

/** The modules inlined. */
export const core: Plugin = {
  name: 'core.wasm',
  setup({ onLoad }) {
    onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({ contents: encode(await readFile(path)), loader: 'text' }));
  },
};

/** The other entries use the first as a module of its own: there is one core, and one class of each name. */
const main: Plugin = {
  name: 'main entry',
  setup({ onResolve, initialOptions: { format } }) {
    const path = format === 'cjs' ? './index.cjs' : './index.js';
    onResolve({ filter: /^\.\.\/index\.ts$/ }, () => ({ path, external: true }));
  },
};

export const TARGET = { target: 'es2022', platform: 'neutral' } as const;
/** Numbers of the ABI stand in the code as literals: engines read a module's variables slowly in hot places. */
export const SYNTAX = { minifySyntax: true };

export default defineConfig({
  ...TARGET,
  entry: { index: 'bindings/index.ts', inspect: 'bindings/inspect/index.ts', wasm: 'bindings/wasm/index.ts' },
  format: ['esm', 'cjs'],
  splitting: false,
  sourcemap: true,
  clean: true,
  esbuildPlugins: [core, main],
  esbuildOptions(options) {
    Object.assign(options, SYNTAX);
  },
  async onSuccess() {
    for (const name of ['core.wasm', 'imports.wasm']) copyFileSync(`build/release/${name}`, `dist/${name}`);
    for (const types of ['dist/types', 'dist/types-cjs']) declare(types);
    // TypeScript takes declarations for those of a CommonJS module where this says so.
    writeFileSync('dist/types-cjs/package.json', '{ "type": "commonjs" }\n');
    for (const types of ['dist', 'dist/types-cjs']) copyFileSync('bindings/core.d.wasm.ts', `${types}/core.d.wasm.ts`);
  },
});

/** Makes declarations. The sources import each other as Node's type stripping wants it; compilers of users know `.js`. */
function declare(folder: string): void {
  execFileSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', folder], { stdio: 'inherit' });
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = `${folder}/${name}`;
    writeFileSync(file, readFileSync(file, 'utf8').replace(/(from '\.[^']*)\.ts';/g, "$1.js';"));
  }
}
