/** Pages that are served with headers of their own, for test/page/unsupported.test.ts. */
import type { Plugin } from 'vitest/config';

/** Without both, a page gets no shared memory. */
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const PAGES: Record<string, Record<string, string>> = {
  '/isolated': ISOLATED,
  '/plain': {},
  '/strict': { ...ISOLATED, 'Content-Security-Policy': "script-src 'self'" },
  '/strict-but-wasm': { ...ISOLATED, 'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'" },
};

export const pages: Plugin = {
  name: 'pages',
  configureServer({ middlewares }) {
    for (const [path, headers] of Object.entries(PAGES)) {
      middlewares.use(path, (_request, response) => {
        for (const name of response.getHeaderNames()) response.removeHeader(name);
        response.setHeaders(new Map(Object.entries({ 'Content-Type': 'text/html', ...headers })));
        response.end('<!doctype html><script type="module" src="/test/page/visitor.ts"></script>');
      });
    }
  },
};
