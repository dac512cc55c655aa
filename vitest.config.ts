import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Every file is its own process with its own default arena; two at a time, since its threads need the cores.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'threads',
          include: ['test/*.test.ts'],
          // A test that blocks its own thread for ever fails too.
          setupFiles: ['test/support/watchdog.ts'],
        },
      },
      {
        extends: true,
        // Computes for long, and blocks nobody.
        test: { name: 'model', include: ['test/model/*.test.ts'] },
      },
    ],
  },
});
