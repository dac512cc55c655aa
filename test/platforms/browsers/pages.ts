/** Pages that are served with headers of their own, for ../page/alone.test.ts, live.test.ts and unsupported.test.ts. */
import type { Plugin } from 'vitest/config';

/** Without both, a page shares no memory with other threads. */
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const STRICT = { 'Content-Security-Policy': "script-src 'self'" };

interface Page {
  headers: Record<string, string>;
  /** In ../page/; visitor.ts when there is none. */
  script?: string;
  /** What the page does before its script is loaded. */
  before?: string;
}

const PAGES: Record<string, Page> = {
  '/isolated': { headers: ISOLATED },
  '/plain': { headers: {} },
  '/alone': { headers: {}, script: 'alone.ts' },
  '/live-alone': { headers: {}, script: 'live-alone.ts' },
  '/unshared': { headers: {}, before: 'WebAssembly.Memory = class { constructor() { throw new TypeError() } }' },
  '/strict': { headers: { ...ISOLATED, ...STRICT } },
  '/plain-and-strict': { headers: STRICT },
  '/strict-but-wasm': {
    headers: { ...ISOLATED, 'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'" },
  },
};

export const pages: Plugin = {
  name: 'pages',
  configureServer({ middlewares }) {
    for (const [path, { headers, script = 'visitor.ts', before = '' }] of Object.entries(PAGES)) {
      middlewares.use(path, (_request, response) => {
        for (const name of response.getHeaderNames()) response.removeHeader(name);
        response.setHeaders(new Map(Object.entries({ 'Content-Type': 'text/html', ...headers })));
        response.end(
          `<!doctype html><script>${before}</script><script type="module" src="/test/platforms/page/${script}"></script>`,
        );
      });
    }
  },
};
