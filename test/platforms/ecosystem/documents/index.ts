import type { Case } from '../case.ts';
import type { ServerName } from '../servers.ts';

const guide = (tool: string, name: string, page: string, file: string, since = 20): Case => ({
  tool: `${tool} (docs/${page})`,
  package: name,
  needed: '–',
  args: ['guide.js', page, file],
  since,
});

/** A program of docs/beyond.md, with a server of its own. */
const beyond = (name: string, needed: string, server: ServerName, file: string): Case => ({
  tool: `${name} (docs/beyond.md, ${file})`,
  package: name,
  needed,
  args: ['guide.js', 'beyond.md', file],
  server,
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
  { tool: 'Web Locks (docs/beyond.md)', package: 'node', needed: '–', args: ['tabs.js'], since: 26 },
  ...['redis.js', 'fenced.js', 'both.js'].map((file) => beyond('redis-semaphore', 'Redis', 'redis', file)),
  ...['postgres.js', 'lost.js'].map((file) => beyond('pg', 'PostgreSQL', 'postgres', file)),
];
