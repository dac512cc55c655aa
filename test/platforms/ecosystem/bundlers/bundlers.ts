import type { INSTALLED } from '../../runtimes/runtimes.ts';

/**
 * How the app of docs/browser.md, `index.html`, `main.js` and `worker.js`, becomes a page. Commands are called beside
 * them, in the folder that is called as the program, where the program may be configured.
 */
export interface Bundler {
  /** The package whose version it has. */
  readonly package: string;
  /** Of which it is a part; installed as for its tests. */
  readonly runtime?: keyof typeof INSTALLED;
  /** What a user must write beside the app. */
  readonly needed: string;
  /** Makes `dist/`. */
  readonly build?: string;
  /** Serves the page, and prints its address. Without it `dist/` is served, with the app's `index.html` if there is none. */
  readonly serve?: string;
}

const ISOLATE = 'a plugin that sends the headers';
const NAMED = '`worker.js` named as an entry, since it does not look for workers';
const NEXT_HEADERS = '`headers()` in `next.config.js`; the app imported in an effect';

export const BUNDLERS: Readonly<Record<string, Bundler>> = {
  'Vite (dev)': { package: 'vite', needed: ISOLATE, serve: 'vite --force --port 0' },
  'Vite (build)': { package: 'vite', needed: ISOLATE, build: 'vite build', serve: 'vite preview --port 0' },
  webpack: { package: 'webpack', needed: '–', build: 'webpack --mode production --entry ./main.js' },
  Rspack: {
    package: '@rspack/core',
    needed: '–',
    build: 'rspack build --mode production --entry ./main.js',
  },
  Rollup: { package: 'rollup', needed: `\`@rollup/plugin-node-resolve\`; ${NAMED}`, build: 'rollup --config' },
  esbuild: {
    package: 'esbuild',
    needed: NAMED,
    build: 'esbuild main.js worker.js --bundle --minify --format=esm --outdir=dist',
  },
  Parcel: {
    package: 'parcel',
    needed: '–',
    build: 'parcel build index.html --no-cache --dist-dir dist',
  },
  'Next.js (Turbopack, dev)': { package: 'next', needed: NEXT_HEADERS, serve: 'next dev --turbopack --port 0' },
  'Next.js (Turbopack)': {
    package: 'next',
    needed: NEXT_HEADERS,
    build: 'next build --turbopack',
    serve: 'next start --port 0',
  },
  'Next.js (webpack)': {
    package: 'next',
    needed: NEXT_HEADERS,
    build: 'next build --webpack',
    serve: 'next start --port 0',
  },
  Bun: {
    package: 'bun',
    runtime: 'Bun',
    needed: NAMED,
    build: 'bun build main.js worker.js --minify --outdir=dist',
  },
  Deno: {
    package: 'deno',
    runtime: 'Deno',
    needed: NAMED,
    build: 'deno bundle main.js worker.js --platform=browser --minify --outdir=dist',
  },
};
