/** `npm run start:browser`: serves the page as it stands in the sources. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { compiled } from './scheduler/compiled.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What makes a page cross-origin isolated, so that it may share memory. */
const isolation = new Headers({
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
});

export default defineConfig({
  // The package itself: elsewhere it stands in node_modules, and needs no alias. The longer name first.
  resolve: {
    alias: {
      'lockwork/inspect': `${root}dist/inspect.js`,
      'lockwork/wasm': `${root}dist/wasm.js`,
      lockwork: `${root}dist/index.js`,
    },
  },
  server: { fs: { allow: [root] } },
  plugins: [
    compiled,
    {
      name: 'isolation',
      // In every answer. `server.headers` leaves them out where nothing has changed (304), and WebKit refuses such workers.
      configureServer: ({ middlewares }) => {
        middlewares.use((_request, response, next) => {
          response.setHeaders(isolation);
          next();
        });
      },
    },
  ],
});
