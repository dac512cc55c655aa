import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globals: true,
    include: ['*.test.js'],
    maxWorkers: 1,
    projects: Array.from({ length: 12 }, (_, round) => ({ extends: true, test: { name: `round ${round}` } })),
  },
});
