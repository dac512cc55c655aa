/** What a process writes that hangs: `dumpLater`, and LOCKWORK_HANG. Each in a process of its own, in Node, Bun and Deno. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.resolve('lockwork'));
const { Bun, Deno } = globalThis as { Bun?: unknown; Deno?: unknown };
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'lockwork-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface End {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

interface Way {
  /** Beside the program, in the order of their names. */
  files: Record<string, string>;
  env?: Record<string, string>;
  args?: string[];
  /** What may be done: Deno only. */
  allowed?: string[];
  /** Ends the process when this many lines of stderr match. */
  until?: [line: RegExp, count: number];
  within?: number;
  slow?: boolean;
}

let programs = 0;

/** Runs `main.mjs`, or `main.cjs`, until it ends, in a folder that has the package. */
function run(
  { files, env = {}, args = [], allowed = ['--allow-all'], until, within = 20_000, slow }: Way,
  name = '',
): Promise<End> {
  const cwd = join(folder, name || `program ${programs++}`);
  const modules = join(cwd, 'node_modules/lockwork');
  mkdirSync(modules, { recursive: true });
  // As it is installed: the path of the package is one in this folder.
  for (const part of ['dist', 'package.json']) cpSync(new URL(part, root), join(modules, part), { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{ "dependencies": { "lockwork": "*" } }');
  for (const [file, source] of Object.entries(files)) writeFileSync(join(cwd, file), source);
  const main = Object.keys(files).find((file) => file.startsWith('main.'))!;
  const before = Deno ? ['run', '--no-prompt', ...allowed] : args;
  const { LOCKWORK_HANG: _, ...rest } = process.env;
  const child = spawn(process.execPath, [...before, join(cwd, main)], { cwd, env: { ...rest, NO_COLOR: '1', ...env } });
  const end: End = { code: null, signal: null, stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (end.stdout += text));
  const read = () =>
    child.stderr.on('data', (text) => {
      end.stderr += text;
      const [line, count] = until ?? [];
      if (line && end.stderr.split('\n').filter((each) => line.test(each)).length >= count!) child.kill('SIGKILL');
    });
  // A reader that comes late: the pipe is full by then.
  if (slow) child.stdout.once('data', () => setTimeout(read, 200));
  else read();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not within ${within} ms:\n${end.stdout}\n${end.stderr}`));
    }, within);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...end, code, signal });
    });
  });
}

/** The dumps in a text, by their lines. */
const dumps = (text: string): string[][] =>
  text
    .split(/^lockwork: (?:blocked|a task has waited) for [\d.]+ ms \(LOCKWORK_HANG\)\n/m)
    .slice(1)
    .map((dump) => dump.trimEnd().split('\n'));

const BEGINNING = `import * as threading from 'lockwork';
  import { dumpLater } from 'lockwork/inspect';
  import { Worker } from 'node:worker_threads';
  const { currentThread, Lock, Event, Semaphore, RLock } = threading;\n`;

describe('LOCKWORK_HANG', () => {
  // In each, the main thread hangs in `ours`, and a worker in `theirs`.
  const OURS = `
    function ours(lock) {
      lock.acquire();
      lock.release();
    }
    threading.setDeadlockPolicy('off');
    const lock = new threading.Lock({ name: 'seats' });
    const ready = new threading.Event();
    lock.acquire();`;
  const THEIRS = `
    function theirs({ lock, ready }) {
      const event = threading.Lock.from(lock);
      threading.currentThread().name = 'booker';
      threading.Event.from(ready).set();
      event.acquire();
      event.release();
    }
    theirs(workerData);`;
  const WAYS: Record<string, Way['files']> = {
    ESM: {
      'main.mjs': `
        import * as threading from 'lockwork';
        import { Worker } from 'node:worker_threads';
        ${OURS}
        new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { lock, ready } });
        await ready.waitAsync();
        ours(lock);`,
      'worker.mjs': `
        import * as threading from 'lockwork';
        import { workerData } from 'node:worker_threads';
        ${THEIRS}`,
    },
    CommonJS: {
      'main.cjs': `
        const threading = require('lockwork');
        const { Worker } = require('node:worker_threads');
        ${OURS}
        new Worker(require('node:path').join(__dirname, 'worker.cjs'), { workerData: { lock, ready } });
        ready.waitAsync().then(() => ours(lock));`,
      'worker.cjs': `
        const threading = require('lockwork');
        const { workerData } = require('node:worker_threads');
        ${THEIRS}`,
    },
    'a worker without a file': {
      'main.cjs': `
        const threading = require('lockwork');
        const { Worker } = require('node:worker_threads');
        ${OURS}
        const source = \`
          const threading = require(\${JSON.stringify(require.resolve('lockwork'))});
          const { workerData } = require('node:worker_threads');
          ${THEIRS}\`;
        new Worker(source, { eval: true, workerData: { lock, ready } });
        ready.waitAsync().then(() => ours(lock));`,
    },
  };
  const PLACES = {
    'a folder': '',
    // As those of package managers, and of people.
    'a folder with an odd name': 'wasm (a)@1 b',
  };

  const HANG = 1_500;
  const ways = Object.entries(WAYS).flatMap(([way, files]) =>
    Object.entries(PLACES).map(([place, name]) => [way, place, files, name && `${way} ${name}`] as const),
  );
  it.each(ways)('is written once for all that hang: %s in %s', async (_way, _place, files, name) => {
    // Each dump is one of the same hang, until there is a second one.
    const first = /LOCKWORK_HANG/;
    const { stderr } = await run({ files, env: { LOCKWORK_HANG: `${HANG}` }, until: [first, 3] }, name);
    const [dump = [], next = []] = dumps(stderr);
    const text = dump.join('\n');
    for (const each of [dump, next]) {
      expect(each.filter((line) => line.includes('blocked on Lock "seats"'))).toHaveLength(2);
      expect(each.filter((line) => line.includes('(this one)'))).toHaveLength(1);
      expect(each.filter((line) => line === 'Lock "seats": held, 2 wait')).toHaveLength(1);
    }
    expect(text).toContain('"booker"');
    expect(text).toMatch(/\n {4}at ours \(/);
    expect(text).toMatch(/\n {4}at theirs \(/);
  });

  it('is not written for what does not hang, nor where it is no time', async () => {
    const source = `${BEGINNING}
      const lock = new Lock();
      lock.acquire();
      lock.acquire(1_500);
      console.log('done');`;
    for (const hang of ['', 'soon', '0', '-5', '60000', 'Infinity']) {
      const { code, stdout, stderr } = await run({ files: { 'main.mjs': source }, env: { LOCKWORK_HANG: hang } });
      expect([code, stdout, stderr], hang).toEqual([0, 'done\n', '']);
    }
  });

  it('is not written for many short waits at one lock, which together are long', async () => {
    const main = `${BEGINNING}
      const lock = new Lock();
      const [ready, done] = [new Event(), new Event()];
      new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { lock, ready, done } });
      await ready.waitAsync();
      const start = performance.now();
      let waits = 0;
      for (; performance.now() - start < 4_500; waits++) {
        lock.acquire();
        lock.release();
      }
      done.set();
      console.log(waits > 5);`;
    // It holds the lock for a while, again and again.
    const worker = `${BEGINNING}
      import { workerData } from 'node:worker_threads';
      const [lock, ready, done] = Object.values(workerData).map(threading.attach);
      const nap = new Int32Array(new SharedArrayBuffer(4));
      while (!done.isSet) {
        lock.acquire();
        ready.set();
        Atomics.wait(nap, 0, 0, 150);
        lock.release();
      }`;
    const files = { 'main.mjs': main, 'worker.mjs': worker };
    const { code, stdout, stderr } = await run({ files, env: { LOCKWORK_HANG: '2000' } });
    expect([code, stdout, stderr]).toEqual([0, 'true\n', '']);
  });

  it('is written for tasks that await for ever, again and again', async () => {
    const source = `${BEGINNING}
      const lock = new Lock({ name: 'seats' });
      await lock.withAsync(() => lock.withAsync(() => {}));`;
    const until: Way['until'] = [/LOCKWORK_HANG/, 3];
    const { stderr } = await run({ files: { 'main.mjs': source }, env: { LOCKWORK_HANG: '500' }, until });
    for (const dump of dumps(stderr).slice(0, 2)) {
      expect(dump.slice(1)).toEqual([
        '    a task holds Lock "seats"',
        '    task: 1 waits for Lock "seats"',
        'Lock "seats": held, 1 waits',
      ]);
    }
  });

  it('is not written for tasks that come in turn, however long there are others', async () => {
    const source = `${BEGINNING}
      const lock = new Lock();
      const start = performance.now();
      let turns = 0;
      const task = async () => {
        while (performance.now() - start < 2_500) {
          await lock.withAsync(() => new Promise((resolve) => setTimeout(resolve, 50)));
          turns++;
        }
      };
      await Promise.all([task(), task(), task()]);
      console.log(turns > 3);`;
    const { code, stdout, stderr } = await run({ files: { 'main.mjs': source }, env: { LOCKWORK_HANG: '1500' } });
    expect([code, stdout, stderr]).toEqual([0, 'true\n', '']);
  });

  it('may be a part of a millisecond, and the thread goes on', async () => {
    const source = `${BEGINNING}
      const lock = new Lock();
      lock.acquire();
      const got = lock.acquire(1_500);
      console.log(got);`;
    const { code, stdout, stderr } = await run({ files: { 'main.mjs': source }, env: { LOCKWORK_HANG: '0.5' } });
    expect([code, stdout]).toEqual([0, 'false\n']);
    expect(dumps(stderr).length).toBeGreaterThan(1);
  });

  it('is not read, and nobody is asked, where the environment must not be', async () => {
    if (!Deno) return;
    const source = `import { Lock } from 'lockwork';
      const lock = new Lock();
      lock.acquire();
      console.log(lock.acquire(1_000));`;
    const way = { files: { 'main.mjs': source }, env: { LOCKWORK_HANG: '100' }, allowed: ['--allow-read'] };
    const { code, stdout, stderr } = await run(way);
    expect([code, stdout, stderr]).toEqual([0, 'false\n', '']);
  });
});

describe('dumpLater', () => {
  const blocked = `
    const lock = new Lock({ name: 'seats' });
    lock.acquire();
    function ours(limit) {
      lock.acquire(limit);
    }\n`;

  it('writes to stderr from a timer, and keeps no process alive', async () => {
    const source = `${BEGINNING} dumpLater(60_000); dumpLater(60_000, { repeat: true }); dumpLater(10);
      await new Promise((resolve) => setTimeout(resolve, 500));`;
    const { code, stdout, stderr } = await run({ files: { 'main.mjs': source } });
    expect([code, stdout, stderr]).toEqual([0, '', '"main" (this one) runs   main.mjs\n']);
  });

  it('writes from a thread that is blocked, with its stack', async () => {
    const source = `${BEGINNING}${blocked} dumpLater(1_300); ours(2_500);`;
    const { code, stderr } = await run({ files: { 'main.mjs': source } });
    expect(code).toBe(0);
    const lines = stderr.split('\n');
    expect(lines.slice(0, 2)).toEqual([
      '"main" (this one) blocked on Lock "seats"   main.mjs',
      '    holds Lock "seats"',
    ]);
    expect(lines[2]).toMatch(/^ {4}at ours \(.*main\.mjs/);
    expect(lines.slice(-3)).toEqual([
      'Lock "seats": held, 1 waits',
      'DEADLOCK: "main" waits for Lock "seats", held by "main"',
      '',
    ]);
  });

  it('has the stack where the engine maps it to the sources', async () => {
    // Deno always does, Bun never.
    if (Bun || Deno) return;
    const source = `${BEGINNING}${blocked} dumpLater(1_300); ours(2_500);`;
    const { stderr } = await run({ files: { 'main.mjs': source }, args: ['--enable-source-maps'] });
    expect(stderr.split('\n')[2]).toMatch(/^ {4}at ours \(.*main\.mjs/);
  });

  const where: Record<string, (source: string) => Way['files']> = {
    'the main thread': (source) => ({ 'main.mjs': BEGINNING + source }),
    'a worker': (source) => ({
      'main.mjs': `import { Worker } from 'node:worker_threads'; new Worker(new URL('./worker.mjs', import.meta.url));`,
      'worker.mjs': BEGINNING + source,
    }),
  };
  const states = {
    'is blocked': `${blocked} dumpLater(300, { exit: true }); ours(); console.log('went on');`,
    turns: `dumpLater(300, { exit: true }); await new Promise((resolve) => setTimeout(resolve, 60_000));`,
    'is blocked, and cannot write': `${blocked}
      dumpLater(300, { exit: true, write() { console.error('writes'); throw new Error('full'); } }); ours();`,
  };
  const exits = Object.entries(where).flatMap(([place, files]) =>
    Object.entries(states).map(([state, source]) => [place, state, files(source)] as const),
  );
  it.each(exits)('ends the process by %s, which %s', async (place, state, files) => {
    const { code, signal, stdout, stderr } = await run({ files });
    expect([code, signal]).toEqual(place === 'a worker' ? [null, 'SIGKILL'] : [1, null]);
    expect(stdout).not.toContain('went on');
    if (!state.includes('cannot')) expect(stderr).toContain('(this one)');
  });

  it('throws what is thrown by what it writes with, when its thread goes on', async () => {
    const source = `${BEGINNING}${blocked}
      process.on('uncaughtException', ({ message }) => console.log(message));
      dumpLater(1, { write() { throw new Error('by a timer') } });
      await new Promise((resolve) => setTimeout(resolve, 200));
      let others = 0;
      const cancels = [1, 2].map(() => dumpLater(100, { repeat: true, write() { others++ } }));
      dumpLater(100, { write() { throw new Error('by a nap') } });
      ours(1_000);
      for (const cancel of cancels) cancel();
      console.log('went on', others >= 4);`;
    const { code, stdout } = await run({ files: { 'main.mjs': source } });
    expect([code, stdout]).toEqual([0, 'by a timer\nwent on true\nby a nap\n']);
  });

  it('writes all of a long text to a pipe that does not wait', async () => {
    // Once it is used, the stream of it does not.
    const source = `${BEGINNING}
      const locks = Array.from({ length: 4_000 }, (_, i) => new Lock({ name: 'a lock with a long name ' + i }));
      for (const lock of locks) lock.acquire();
      process.stderr.write('begin\\n');
      console.log('now');
      dumpLater(1);
      await new Promise((resolve) => setTimeout(resolve, 100));`;
    const { code, stderr } = await run({ files: { 'main.mjs': source }, slow: true });
    expect(code).toBe(0);
    expect(stderr.split('\n').filter((line) => /^Lock .*held/.test(line))).toHaveLength(4_000);
  });
});
