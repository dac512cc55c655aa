/** A page in each browser, started as the tests of lockwork start it. */
import { fileURLToPath } from 'node:url';
import { NAMES } from '../../browsers/find.ts';
import { ISOLATED } from '../../browsers/pages.ts';
import { provider } from '../../browsers/provider.ts';

export default {
  root: fileURLToPath(new URL('../../../..', import.meta.url)),
  server: { headers: ISOLATED },
  // Vite's cache of bundled dependencies would keep what a package of the same version was before.
  optimizeDeps: { exclude: ['comlink', 'lockwork'] },
  test: {
    globals: true,
    include: ['test/platforms/ecosystem/pools/comlink.page.js'],
    testTimeout: 50_000,
    projects: NAMES.map((name) => ({
      extends: true,
      test: {
        name,
        browser: {
          enabled: true,
          headless: true,
          provider: provider(name),
          screenshotFailures: false,
          instances: [{ browser: name, name }],
        },
      },
    })),
  },
};
