import { copyFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['bindings/index.ts'],
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
  clean: true,
  // Inlined, so that it loads synchronously and in every bundler without configuration.
  loader: { '.wasm': 'base64' },
  async onSuccess() {
    copyFileSync('build/core.wasm', 'dist/core.wasm');
  },
});
