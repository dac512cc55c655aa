import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globals: true,
    include: ['*.test.js'],
    // All files in one, where the pool leaves them there.
    maxWorkers: 1,
  },
});
