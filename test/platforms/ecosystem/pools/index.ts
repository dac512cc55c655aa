import type { Case } from '../case.ts';

const pool = (tool: string, name: string, needed: string): Case => ({
  tool,
  package: name,
  needed,
  args: [`${name}.js`],
});

const comlink = (browser: string): Case => ({
  tool: `Comlink (${browser})`,
  package: 'comlink',
  needed: 'the headers of a page that is cross-origin isolated',
  args: [
    '../../../../node_modules/vitest/vitest.mjs',
    'run',
    '--config=comlink.page.config.ts',
    `--project=${browser.toLowerCase()}`,
  ],
  since: 26,
});

export const cases: readonly Case[] = [
  pool('Piscina', 'piscina', '–'),
  pool('Tinypool', 'tinypool', '–'),
  pool('workerpool', 'workerpool', "`workerType: 'thread'`"),
  pool('threads.js', 'threads', '–'),
  pool('Poolifier', 'poolifier', '–'),
  pool('jest-worker', 'jest-worker', '`enableWorkerThreads: true`'),
  pool('Comlink (Node)', 'comlink', 'its `nodeEndpoint`'),
  ...['Chromium', 'Firefox', 'WebKit'].map(comlink),
];
