import type { Case } from '../case.ts';

const guide = (tool: string, name: string, page: string, file: string, since = 20): Case => ({
  tool: `${tool} (docs/${page})`,
  package: name,
  needed: '–',
  args: ['guide.js', page, file],
  since,
});

const first = (tool: string, name: string, language: string, needed: string, since: number): Case => ({
  tool: `${tool} (README, ${language})`,
  package: name,
  needed,
  args: [name === 'node' ? 'first-node.js' : 'first-page.js', language],
  since,
  bound: 300_000,
});

/** What newcomers are told to do, done as it is told. */
export const cases: readonly Case[] = [
  first('First program', 'node', 'JavaScript', '–', 20),
  first('First program', 'node', 'TypeScript', '`@types/node`', 26),
  first('First page', 'create-vite', 'JavaScript', 'a plugin that sends the headers', 26),
  first('First page', 'create-vite', 'TypeScript', 'a plugin that sends the headers', 26),
  guide('Piscina', 'piscina', 'pools.md', 'piscina.js'),
  guide('Tinypool', 'tinypool', 'pools.md', 'tinypool.js'),
  guide('workerpool', 'workerpool', 'pools.md', 'workerpool.js'),
  guide('Comlink', 'comlink', 'pools.md', 'comlink.js'),
  guide('Vitest', 'vitest', 'testing.md', 'vitest.test.js', 22),
];
