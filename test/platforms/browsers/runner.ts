/** The dedicated worker, which may block, in which a page runs a test file: told which, it posts the harness's lines. */
import { runFile } from '../runtimes/harness.ts';

// Vitest's server rewrites every dynamic import to a call of this.
Object.assign(globalThis, { __vitest_browser_runner__: { wrapDynamicImport: (load: () => unknown) => load() } });

addEventListener(
  'message',
  ({ data: { file, notHere } }) =>
    // Relative to `import.meta.url`, Vite would look for the file itself, and not in folders.
    runFile(file, () => import(/* @vite-ignore */ new URL(`${file}.js`, location.href).href), postMessage, notHere),
  { once: true },
);
