import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { measure, type Row } from '../../bench/harness/measure.ts';
import { Program } from '../../bench/harness/program.ts';
import { idle } from '../../bench/topics/idle.ts';
import { inspect } from '../../bench/topics/inspect.ts';

const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lockwork-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

const benchOn = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  promisify(execFile)(process.execPath, [main, ...args], { env, timeout: 470_000 });
const bench = (...args: string[]) => benchOn(process.env, ...args);

interface Results {
  lockwork: string;
  node: string;
  v8: string;
  cpu: string;
  cores: number;
  results: { topic: string; rows: Row[]; claims: { text: string; ratio?: number }[]; notes: string[] }[];
}

const TASKS = [
  'async-sema',
  'async-mutex',
  'Web Locks',
  'Lock',
  'Semaphore',
  'RLock.holdAsync',
  'Lock.withAsync',
  "multithreading's Mutex",
  "multithreading's Semaphore",
];

const RAW = 'wait32 + notify in wasm';

const TURNS = [RAW, 'wait + notify of Atomics', 'two Events', 'two Semaphores', 'Condition', 'Barrier(2)'];

const MUTEXES = ['futex mutex in wasm', 'mutex on Atomics', 'Lock'];

const TRACES = ['never traced', 'trace(false)', 'trace({ stacks: false })', 'trace(true)'];

const EXCHANGES = [
  'async task, by reference',
  'worker thread, copied',
  'worker thread, transferred',
  'worker thread, shared memory',
  'worker thread, shared memory, awaited',
  'child process, copied',
  'cluster worker, copied',
];

/** All of them in each of so many shapes. */
const kits = (shapes: number, ...without: string[]): string[] =>
  Array.from({ length: shapes }, () =>
    ['mutex on Atomics', 'futex mutex in wasm', 'multithreading', 'lockwork', 'glibc'].filter(
      (kit) => !without.includes(kit),
    ),
  ).flat();

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
    "V8's Atomics.Mutex",
    "glibc's pthread_mutex",
    "Python's Lock",
    "Python's RLock",
    "Python's Semaphore",
    "multithreading's Mutex",
    "multithreading's Semaphore",
    "multithreading's Barrier(1)",
  ],
  wasm: [
    'compare-exchange + exchange in wasm',
    'Lock, imported',
    'Lock, imported, suspend',
    'Lock, imported, bound later',
    'RLock, imported',
    'Semaphore, imported',
    'Lock, by closures in JavaScript',
    'Lock, in JavaScript',
  ],
  async: [
    ...TASKS,
    'BoundedSemaphore',
    "Condition's Lock",
    'Event.waitAsync, set',
    'Barrier(1).waitAsync',
    "multithreading's Barrier(1)",
  ],
  tasks: TASKS,
  across: [
    'mutex on Atomics, awaited',
    'Web Locks',
    'Lock',
    'Semaphore',
    "multithreading's Mutex",
    "multithreading's Semaphore",
  ],
  contended: [
    ...MUTEXES,
    'RLock',
    'Semaphore',
    "V8's Atomics.Mutex",
    "glibc's pthread_mutex",
    "multithreading's Mutex",
    "multithreading's Semaphore",
  ],
  handoff: [...TURNS, "V8's Atomics.Condition", "glibc's semaphores", "Python's Events"],
  parked: [...TURNS, "V8's Atomics.Condition", "glibc's semaphores"],
  // Each of 2, 8 and 16 threads in five mixes.
  mix: Array.from({ length: 15 }, () => MUTEXES).flat(),
  hog: MUTEXES,
  // 1, 4, 16 and 64 waiters each.
  herd: [
    [RAW, 'the same, after unlocking', 'Condition'],
    [RAW, 'Event'],
    [RAW, 'Semaphore'],
    [RAW, 'Lock'],
    [RAW, 'Barrier'],
  ].flatMap((names) => Array.from({ length: 4 }, () => names).flat()),
  'programs:queue': kits(5),
  'programs:change': kits(4, 'glibc'),
  'programs:server': kits(2, 'futex mutex in wasm', 'glibc'),
  'programs:pool': kits(1),
  'programs:stencil': kits(3),
  'programs:cache': kits(2),
  'programs:pipeline': kits(2, 'multithreading'),
  'programs:permits': ['async-sema', 'async-mutex', 'p-limit', 'lockwork', 'multithreading', "Python's asyncio"],
  idle: ['Atomics.wait', 'Atomics.wait, 2.2 s again and again', 'one Lock', 'a Lock each', 'one Event'],
  'trace:blocking': TRACES,
  'trace:async': TRACES,
  inspect: [
    'Atomics.load of 10,000 words',
    'dump',
    'the longest of 100',
    'dump, all held',
    'its formatDump',
    'findDeadlocks',
  ],
  'lifecycle:create': [
    'Int32Array of a SharedArrayBuffer',
    'Lock',
    'RLock',
    'Semaphore',
    'Event',
    'Condition',
    'Barrier',
  ],
  'lifecycle:post': ['Int32Array of a SharedArrayBuffer', 'Lock'],
  'lifecycle:start': [
    'new Worker, to its first line',
    'import in a new worker',
    'attach in a new worker',
    'first acquire and release in it',
    'new process, to its first line',
    'import in a new process',
    'first Lock in it',
  ],
  'lifecycle:growth': [
    '10 mutexes on Atomics',
    '10 Locks',
    '1,000 mutexes on Atomics',
    '1,000 Locks',
    '100,000 mutexes on Atomics',
    '100,000 Locks',
  ],
  'models:start': ['async task', 'worker thread', 'child process', 'cluster worker'],
  'models:1KB': EXCHANGES,
  'models:1MB': EXCHANGES,
};
/** Only measured when they are named. */
const LONG = ['idle', 'inspect'];

/**
 * Other machines have no C compiler, no glibc, no Python. Node's Web Locks let two threads in at once now and then, and
 * of V8's Atomics.Mutex, which is an experiment, both threads stop now and then.
 */
const MAY_BE_MISSING = /^(glibc|Python|V8)('s |$)|^Web Locks$/;

describe('npm run bench', () => {
  it('measures everything in one run, prints it, and keeps it', { timeout: 480_000 }, async () => {
    const output = join(folder, 'results.json');
    const { stdout, stderr } = await bench('--quick', '--rounds', '1', '--output', output);
    const { results, ...machine } = JSON.parse(readFileSync(output, 'utf8')) as Results;

    expect(machine).toMatchObject({ node: process.versions.node, v8: process.versions.v8 });
    expect(results.map(({ topic }) => topic)).toEqual(Object.keys(ROWS).filter((name) => !LONG.includes(name)));
    for (const [i, { topic, rows, notes }] of results.entries()) {
      expect(stderr).toContain(`[${i + 1}/${results.length}] ${topic} …\n`);
      const names = rows.map(({ name }) => name);
      const missing = ROWS[topic as keyof typeof ROWS].filter((name) => !names.includes(name));
      expect([...names, ...missing].toSorted()).toEqual(ROWS[topic as keyof typeof ROWS].toSorted());
      expect(missing.filter((name) => !MAY_BE_MISSING.test(name))).toEqual([]);
      expect(notes.some((note) => note.includes('left out'))).toBe(missing.length > 0);
      for (const note of notes) expect(stdout).toContain(note);
    }
    for (const { name, median, lower, upper, ratio, more } of results.flatMap(({ rows }) => rows)) {
      expect(stdout).toContain(`\n${name} `);
      for (const figure of [median, lower, upper, ratio, ...Object.values(more)])
        expect(figure, name).toSatisfy(Number.isFinite);
    }
    const groups = results.find(({ topic }) => topic === 'mix')!.rows.map(({ group }) => group);
    expect(new Set(groups).size).toBe(15);
    const claims = results.flatMap(({ claims }) => claims);
    for (const { text, ratio } of claims) {
      expect(stdout).toContain(`${text}: ${ratio === undefined ? 'not measured' : ratio.toFixed(2)}`);
    }

    const picture = readFileSync(join(folder, 'results.svg'), 'utf8');
    for (const { name } of results.find(({ topic }) => topic === 'contended')!.rows)
      expect(picture).toContain(`>${name}<`);
  });

  it('measures one topic alone', { timeout: 120_000 }, async () => {
    const output = join(folder, 'one.json');
    await bench('contended', '--quick', '--rounds', '1', '--output', output);
    const { results } = JSON.parse(readFileSync(output, 'utf8')) as Results;
    expect(results.map(({ topic }) => topic)).toEqual(['contended']);
  });

  it('measures dumps under full load', async () => {
    const { rivals } = await inspect.open(false);
    expect(rivals.map(({ name }) => name)).toEqual(ROWS.inspect);
  });

  it('measures threads that wait for ever, in a process of their own', { timeout: 60_000 }, async () => {
    const { rivals } = await idle.open(false);
    expect(rivals.map(({ name }) => name)).toEqual(ROWS.idle);
    const { measure } = rivals.find(({ name }) => name === 'one Lock')!;
    expect((await measure(1)).ns).toBeGreaterThan(0);
  });

  it('leaves out what the machine lacks, and says so', { timeout: 120_000 }, async () => {
    const output = join(folder, 'poor.json');
    const { stdout } = await benchOn({ PATH: folder }, 'uncontended', '--quick', '--rounds', '1', '--output', output);
    expect(stdout).toContain('Python threading: left out, spawn python3 ENOENT');
    expect(stdout).toContain("Lock is at least 10 times as fast as Python's Lock: not measured, a rival is missing");
  });

  it('leaves out a rival that does not answer any more', async () => {
    const silent = 'console.log("{}"); process.stdin.once("data", () => console.log("{\\"ns\\":1}"))';
    const program = await Program.start([process.execPath, '-e', silent], 8_000);
    const left: string[] = [];
    const rows = await measure(
      [
        { name: 'base', ours: true, measure: () => ({ ns: 1 }) },
        program.rival('play', { name: 'silent', ours: false }),
      ],
      'base',
      { rounds: 2, window: 1 },
      () => {},
      ({ name }, { message }) => left.push(`${name}: ${message}`),
    );
    await program.close();
    expect(left).toEqual(['silent: play: no answer after 8001 ms']);
    expect(rows.map(({ name }) => name)).toEqual(['base']);
  });

  it('measures the topics of one name together', { timeout: 60_000 }, async () => {
    const output = join(folder, 'parts.json');
    await bench('lifecycle', '--quick', '--rounds', '1', '--output', output);
    const { results } = JSON.parse(readFileSync(output, 'utf8')) as Results;
    expect(results.map(({ topic }) => topic)).toEqual(
      Object.keys(ROWS).filter((name) => name.startsWith('lifecycle:')),
    );
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

describe('npm run bench:compare', () => {
  const compare = (...args: string[]) =>
    promisify(execFile)(
      process.execPath,
      [fileURLToPath(new URL('../../bench/compare/main.ts', import.meta.url)), ...args],
      {
        timeout: 110_000,
      },
    );

  it('measures another build in turns with this one, in threads, too', { timeout: 120_000 }, async () => {
    const other = join(folder, 'other build');
    const log = join(folder, 'imports');
    mkdirSync(other);
    writeFileSync(
      join(other, 'index.js'),
      `import { appendFileSync } from 'node:fs';
      import { isMainThread } from 'node:worker_threads';
      import { Event as Fast } from ${JSON.stringify(import.meta.resolve('lockwork'))};
      export * from ${JSON.stringify(import.meta.resolve('lockwork'))};
      appendFileSync(${JSON.stringify(log)}, isMainThread ? 'process ' : 'thread ');
      export class Event extends Fast {
        wait() {
          for (let i = 0; i < 50; i++) super.wait();
        }
      }`,
    );
    const { stdout } = await compare(other, 'uncontended', 'contended', '--quick', '--starts', '1');
    const ratio = (name: string): number => {
      const [, ratio] = new RegExp(`^${name} +[\\d.,]+ +[\\d.,]+ +([\\d.]+) `, 'm').exec(stdout) ?? [];
      return Number(ratio);
    };
    expect(ratio('Event.wait, set')).toBeLessThan(0.5);
    expect(ratio('compare-exchange \\+ exchange in wasm')).toBeGreaterThan(0.5);
    expect(ratio('futex mutex in wasm')).toBeGreaterThan(0);
    expect(readFileSync(log, 'utf8').trim().split(' ').toSorted()).toEqual(['process', 'process', 'thread', 'thread']);
  });

  it('refuses a directory without a build', async () => {
    const refused = await compare(join(folder, 'nothing')).catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain(`there is no ${join(folder, 'nothing', 'index.js')}`);
  });
});

describe('npm run bench:browser', () => {
  const browser = fileURLToPath(new URL('../../bench/browser/main.ts', import.meta.url));

  it('refuses a browser that there is not, and names those that there are', async () => {
    const run = promisify(execFile)(process.execPath, [browser, 'unknown'], { timeout: 60_000 });
    const refused = await run.catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('there is no browser unknown; there are chromium, firefox, webkit');
  });
});
