import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { Row } from '../bench/measure.ts';

const main = fileURLToPath(new URL('../bench/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lockwork-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bench = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args], { timeout: 60_000 });

interface Results {
  lockwork: string;
  node: string;
  v8: string;
  cpu: string;
  cores: number;
  results: { topic: string; rows: Row[]; claims: { text: string; ratio: number; at?: string; holds: boolean }[] }[];
}

const TASKS = ['async-sema', 'async-mutex', 'Web Locks', 'Lock', 'Semaphore', 'RLock.holdAsync', 'Lock.withAsync'];

const MUTEXES = ['futex mutex in wasm', 'mutex on Atomics', 'Lock'];

const ALL = 'all woken at once, in wasm';

const HANDOFF = [
  'wait32 + notify in wasm',
  'wait + notify of Atomics',
  'two Events',
  'two Semaphores',
  'Condition',
  'Barrier(2)',
];

/** Whether the machine is fast is no test's business; that everything is measured is. */
const ROWS = {
  uncontended: [
    'compare-exchange + exchange in wasm',
    'futex mutex in wasm',
    'mutex on Atomics',
    'Lock',
    'RLock',
    'RLock, re-entered',
    'Semaphore',
    'BoundedSemaphore',
    "Condition's RLock",
    "Condition's Lock",
    'Event.wait, set',
    'Event.isSet',
    'Event.set + clear',
    'Barrier(1).wait',
  ],
  async: TASKS,
  tasks: TASKS,
  contended: [...MUTEXES, 'RLock', 'Semaphore'],
  handoff: HANDOFF,
  parked: HANDOFF,
  // Each of 2, 8 and 16 threads in five mixes.
  mix: Array.from({ length: 15 }, () => MUTEXES).flat(),
  hog: MUTEXES,
  // 1, 4 and 16 waiters each.
  herd: [
    [ALL, 'the same, after unlocking', 'Condition'],
    [ALL, 'Event'],
    [ALL, 'Barrier'],
  ].flatMap((names) => Array.from({ length: 3 }, () => names).flat()),
};

describe('npm run bench', () => {
  it('measures everything in one run, prints it, and keeps it', { timeout: 60_000 }, async () => {
    const output = join(folder, 'results.json');
    const { stdout } = await bench('--quick', '--rounds', '1', '--output', output);
    const { results, ...machine } = JSON.parse(readFileSync(output, 'utf8')) as Results;

    expect(machine).toMatchObject({ node: process.versions.node, v8: process.versions.v8 });
    expect(Object.fromEntries(results.map(({ topic, rows }) => [topic, rows.map(({ name }) => name)]))).toEqual(ROWS);
    for (const { name, median, lower, upper, ratio, more } of results.flatMap(({ rows }) => rows)) {
      expect(stdout).toContain(`\n${name} `);
      for (const figure of [median, lower, upper, ratio, ...Object.values(more)])
        expect(figure, name).toSatisfy(Number.isFinite);
    }
    const groups = results.find(({ topic }) => topic === 'mix')!.rows.map(({ group }) => group);
    expect(new Set(groups).size).toBe(15);
    const claims = results.flatMap(({ claims }) => claims);
    expect(claims.map(({ ratio }) => ratio)).toSatisfy((ratios: number[]) => ratios.every(Number.isFinite));
    for (const { text } of claims) expect(stdout).toContain(`${text}: `);
  });

  it('measures one topic alone', { timeout: 60_000 }, async () => {
    const output = join(folder, 'one.json');
    await bench('contended', '--quick', '--rounds', '1', '--output', output);
    const { results } = JSON.parse(readFileSync(output, 'utf8')) as Results;
    expect(results.map(({ topic }) => topic)).toEqual(['contended']);
  });

  it('names its topics', async () => {
    const { stdout } = await bench('--list');
    expect(stdout.trim().split('\n')).toEqual(Object.keys(ROWS));
  });

  it('refuses a topic that there is not, and names those that there are', async () => {
    const refused = await bench('unknown').catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain(Object.keys(ROWS).join(', '));
  });
});
