/** `npm run docs:test`: the site that `npm run docs` has built, and the snippets of its pages. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/site/*.test.ts', 'test/package/readme.test.ts'],
    // The browsers and the threads of their pages need the cores.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
