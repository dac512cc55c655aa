/** Bundles the tests that every runtime runs for ../page/suite.test.ts, and serves the bundle. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';
import { bundle, root, testFiles } from '../runtimes/bundle.ts';
import { notHere, type Runtime, VITEST } from '../runtimes/runtimes.ts';
import { NAMES, type Name } from './find.ts';

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** A file that is run in a page, and those of its tests that are not. */
export interface File {
  file: string;
  notHere: string[];
}

declare module 'vitest' {
  interface ProvidedContext {
    suite: File[];
  }
}

/** What is run in a browser. */
export function suiteOf(name: Name): File[] {
  const runtime = (Object.keys(VITEST) as (keyof typeof VITEST)[]).find((one) => VITEST[one] === name) as Runtime;
  return testFiles.flatMap((file) => {
    const { whole, tests } = notHere(runtime, file);
    return whole ? [] : { file, notHere: tests };
  });
}

let bundled: Promise<void> | undefined;

/** For the three browsers at once: what is left out in one is bundled all the same. */
export const suite: Plugin = {
  name: 'suite',
  configureServer() {
    const files = NAMES.flatMap(suiteOf).map(({ file }) => file);
    bundled ??= bundle(join(root, 'build/suite'), files, {
      entryPoints: { runner: at('runner.ts') },
      external: ['lockwork'],
      plugins: [
        {
          name: 'node',
          setup: ({ onResolve }) => onResolve({ filter: /^node:/ }, () => ({ path: at('node.ts') })),
        },
      ],
    });
    return bundled;
  },
};
