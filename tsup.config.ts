import { copyFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['bindings/index.ts'],
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
  clean: true,
  // Inlined, so that it loads synchronously and in every bundler without configuration (and without `atob`, which worklets lack).
  loader: { '.wasm': 'binary' },
  async onSuccess() {
    copyFileSync('build/release/core.wasm', 'dist/core.wasm');
  },
});
