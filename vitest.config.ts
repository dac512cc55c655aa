import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A test that blocks its own thread for ever fails too.
    setupFiles: ['test/support/watchdog.ts'],
    // Every file is its own process with its own default arena; two at a time, since its threads need the cores.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
