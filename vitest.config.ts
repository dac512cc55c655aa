import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { compiled } from './examples/page/scheduler/compiled.ts';
import { NAMES } from './test/platforms/browsers/find.ts';
import { ISOLATED, pages } from './test/platforms/browsers/pages.ts';
import { provider } from './test/platforms/browsers/provider.ts';
import { suite, suiteOf } from './test/platforms/browsers/suite.ts';

const dist = (file: string): string => fileURLToPath(new URL(`dist/${file}`, import.meta.url));

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
          // Beside what a page's main thread can do, which this one can do, too.
          include: [
            'test/{unit,behaviour,stress,package}/*.test.ts',
            'test/platforms/page/{beside,fuzz,storm,together}.test.ts',
          ],
          // A test that blocks its own thread for ever fails too.
          setupFiles: ['test/support/watchdog.ts'],
        },
      },
      {
        extends: true,
        // They compute for long, and block nobody.
        test: { name: 'model', include: ['test/{model,glue}/*.test.ts'] },
      },
      ...NAMES.map((name) => ({
        extends: true as const,
        // In this order: the shorter name is a part of the longer one.
        resolve: {
          alias: {
            'lockwork/inspect': dist('inspect.js'),
            'lockwork/wasm': dist('wasm.js'),
            lockwork: dist('index.js'),
          },
        },
        plugins: [pages, suite, compiled],
        server: { headers: ISOLATED },
        test: {
          name,
          include: ['test/platforms/page/*.test.ts'],
          provide: { suite: suiteOf(name) },
          browser: {
            enabled: true,
            headless: true,
            provider: provider(name),
            screenshotFailures: false,
            traceView: 'off' as const,
            instances: [{ browser: name, name }],
          },
        },
      })),
    ],
  },
});
