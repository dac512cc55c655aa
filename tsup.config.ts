import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { defineConfig } from 'tsup';

/**
 * The core inlined, so that it loads synchronously and in every bundler without configuration. In hexadecimal: that is
 * longer than base64, and a fifth shorter when it is compressed, since equal bytes stay equal.
 */
const core: Plugin = {
  name: 'core.wasm',
  setup({ onLoad }) {
    onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({ contents: await readFile(path, 'hex'), loader: 'text' }));
  },
};

export default defineConfig({
  entry: ['bindings/index.ts'],
  format: ['esm', 'cjs'],
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
  clean: true,
  esbuildPlugins: [core],
  // Numbers of the ABI stand in the code as literals: engines read a module's variables slowly in hot places.
  esbuildOptions(options) {
    options.minifySyntax = true;
  },
  async onSuccess() {
    copyFileSync('build/release/core.wasm', 'dist/core.wasm');
    // TypeScript takes declarations for those of a CommonJS module where this says so.
    mkdirSync('dist/types-cjs', { recursive: true });
    writeFileSync('dist/types-cjs/package.json', '{ "type": "commonjs" }\n');
    for (const types of ['dist', 'dist/types-cjs']) copyFileSync('bindings/core.d.wasm.ts', `${types}/core.d.wasm.ts`);
  },
});
