/** What programs in other languages take from the package as it would be published: header, AssemblyScript, imports.wasm. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Arena, Lock } from 'lockwork';
import { imports } from 'lockwork/wasm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encode } from '../../bindings/core-text.ts';
import { thread } from '../support/threads.ts';
import { PROGRAM } from '../support/wasm/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (...path: string[]) => join(root, ...path);
/** Outside of the package, with it in node_modules: as a user has it. */
mkdirSync(at('build'), { recursive: true });
const workshop = mkdtempSync(at('build', 'wasm-'));
const file = (name: string) => join(workshop, name);

// Compilers on a busy machine (ms).
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** `node` is the one of the tests. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

const run = async (command: string, ...args: string[]) => {
  const { stdout } = await promisify(execFile)(command, args, { cwd: workshop, env, timeout: 100_000 });
  return stdout;
};

/** Whether there is a Rust for this target: no test installs it. */
const hasRust = (() => {
  try {
    const target = execFileSync('rustc', ['--print', 'target-libdir', '--target', 'wasm32-unknown-unknown'], {
      encoding: 'utf8',
    });
    return existsSync(target.trim());
  } catch {
    return false;
  }
})();

beforeAll(() => {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', workshop], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  writeFileSync(file('package.json'), '{ "type": "commonjs" }\n');
  const folder = file('node_modules/lockwork');
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', packed.filename, '--strip-components=1', '-C', folder], { cwd: workshop });
});

afterAll(() => rmSync(workshop, { recursive: true, force: true }));

describe('imports.wasm', () => {
  const bytes = readFileSync(new URL(import.meta.resolve('lockwork/imports.wasm')));
  const module = new WebAssembly.Module(bytes);

  it('is at most 2,304 bytes, and the one that is inlined in the package', () => {
    expect(bytes.length).toBeLessThanOrEqual(2_304);
    expect(readFileSync(new URL(import.meta.resolve('lockwork/wasm')), 'utf8')).toContain(encode(bytes));
  });

  it('has no data, table or start, and imports the memory, the core, and what the host does', () => {
    expect([...new Set(WebAssembly.Module.imports(module).map(({ module }) => module))].sort()).toEqual([
      'core',
      'env',
      'host',
    ]);
    const sections: number[] = [];
    for (let place = 8; place < bytes.length; ) {
      sections.push(bytes[place++]!);
      let [size, shift] = [0, 0];
      for (let more = true; more; shift += 7) {
        const byte = bytes[place++]!;
        size |= (byte & 127) << shift;
        more = byte > 127;
      }
      place += size;
    }
    // Types, imports, functions, exports, code; and tables, memories, a start, elements, data.
    expect(sections).toEqual(expect.arrayContaining([1, 2, 3, 7, 10]));
    for (const section of [4, 5, 8, 9, 11, 12]) expect(sections).not.toContain(section);
  });
});

describe('lockwork.h', () => {
  const CLANG =
    '--target=wasm32 -O2 -nostdlib -matomics -mbulk-memory -Wall -Wextra -Wconversion -Werror -pedantic -c'.split(' ');
  const INCLUDE = ['-I', 'node_modules/lockwork/include'];
  const ALL = `#include "lockwork.h"
    ${['lock', 'rlock', 'semaphore', 'event', 'barrier', 'condition'].map((kind) => `lockwork_${kind} a_${kind};`).join('\n')}
    int all(void) {
      return lockwork_lock_init(&a_lock) + lockwork_rlock_init(&a_rlock) + lockwork_semaphore_init(&a_semaphore, 1) +
             lockwork_semaphore_init_bounded(&a_semaphore, 1) + lockwork_event_init(&a_event) +
             lockwork_barrier_init(&a_barrier, 2, LOCKWORK_FOREVER) + lockwork_condition_init(&a_condition, &a_lock) +
             lockwork_condition_init_rlock(&a_condition, &a_rlock) + lockwork_condition_notify_all(&a_condition) +
             lockwork_barrier_wait_for(&a_barrier, 1.5) + lockwork_destroy(&a_event) + (int)lockwork_now();
    }
`;

  it('compiles without a warning, as C and as C++', async () => {
    writeFileSync(file('all.c'), ALL);
    await run('clang', ...CLANG, '-std=c99', ...INCLUDE, 'all.c', '-o', 'all.o');
    writeFileSync(
      file('all.cpp'),
      `${ALL}\ntemplate <class L> void use(L &lock) { lock.lock(); if (lock.try_lock()) lock.unlock(); }
      void both() { lockwork::Lock made; lockwork::RLock existing(a_rlock); use(made); use(existing); }\n`,
    );
    await run('clang++', ...CLANG, '-std=c++11', ...INCLUDE, 'all.cpp', '-o', 'all.o');
  });

  it('tells one kind from another', async () => {
    writeFileSync(
      file('kinds.c'),
      '#include "lockwork.h"\nint f(lockwork_event *e) { return lockwork_lock_try(e); }\n',
    );
    await expect(run('clang', ...CLANG, ...INCLUDE, 'kinds.c', '-o', 'kinds.o')).rejects.toThrow(
      'incompatible pointer',
    );
  });

  it('makes no condition over a lock that was not made before', async () => {
    writeFileSync(
      file('early.c'),
      `#include "lockwork.h"
      static lockwork_lock lock; static lockwork_rlock rlock; static lockwork_condition condition;
      int early(void) { return lockwork_condition_init(&condition, &lock); }
      int early_rlock(void) { return lockwork_condition_init_rlock(&condition, &rlock); }\n`,
    );
    await run('sh', at('examples/wasm/build.sh'), 'early.c', 'early.wasm');
    const memory = new WebAssembly.Memory({ initial: 3, maximum: 256, shared: true });
    const arena = new Arena({ memory, byteOffset: 1_024, byteLength: 64_512 });
    const module = new WebAssembly.Module(readFileSync(file('early.wasm')));
    const { exports } = new WebAssembly.Instance(module, { env: { memory }, ...imports(arena) });
    const { early, early_rlock } = exports as Record<string, () => number>;
    expect([early!(), early_rlock!()]).toEqual([-11, -11]);
  });

  it('is what the programs here were compiled with: the same bytes by the same compiler', async () => {
    const build = (source: string) => run('sh', at('examples/wasm/build.sh'), at(source), file('built.wasm'));
    const built = () => readFileSync(file('built.wasm'));
    const same = (await run('clang', '--version')).startsWith('Debian clang version 14.');
    await build('examples/wasm/agency.c');
    if (same) expect(built()).toEqual(readFileSync(at('examples/wasm/agency.wasm')));
    await build('test/support/wasm/program.c');
    if (same) expect(built().toString('base64')).toBe(PROGRAM);
    expect(WebAssembly.Module.exports(new WebAssembly.Module(built())).map(({ name }) => name)).toContain('increment');
  });
});

describe('lockwork/as', () => {
  const SOURCE = `
    import {
      ABANDONED, Barrier, BoundedSemaphore, calls, Condition, Event, Lock, OK, RLock, Semaphore, TIMEOUT,
    } from "lockwork/as";

    export function count(place: usize, counter: usize, times: i32): void {
      const lock = changetype<Lock>(place);
      for (let i = 0; i < times; i++) {
        lock.acquire();
        store<i32>(counter, load<i32>(counter) + 1);
        lock.release();
      }
    }

    /** Of a lock that was not made before. */
    export function early(place: usize): void {
      changetype<Condition>(place + 8).init(changetype<Lock>(place));
    }

    /** Answers how much of all there is did as it should. */
    export function all(place: usize): i32 {
      const lock = changetype<Lock>(place);
      const rlock = changetype<RLock>(place + 8);
      const semaphore = changetype<Semaphore>(place + 16);
      const bounded = changetype<BoundedSemaphore>(place + 24);
      const event = changetype<Event>(place + 32);
      const barrier = changetype<Barrier>(place + 40);
      const condition = changetype<Condition>(place + 48);
      lock.init();
      rlock.init();
      semaphore.init(2);
      bounded.init(1);
      event.init();
      barrier.init(1);
      condition.init(lock);
      let done = 0;
      done += i32(lock.tryAcquire()) + i32(rlock.acquire()) + i32(semaphore.acquire(1)) + i32(bounded.tryAcquire());
      done += i32(!bounded.tryAcquire()) + i32(lock.locked && rlock.locked && semaphore.value == 1);
      event.set();
      done += i32(event.wait() && event.isSet) + i32(barrier.wait() == 0);
      condition.notifyAll();
      const over = changetype<Condition>(place + 56);
      over.init(rlock);
      done += i32(rlock.tryAcquire() && rlock.acquireStatus(0) == OK) + i32(over.waitStatus(1) == TIMEOUT);
      over.destroy();
      for (let depth = 0; depth < 2; depth++) rlock.release();
      lock.recover();
      rlock.recover();
      done += i32(barrier.waiting == 0) + i32(!condition.wait(1)) + i32(lock.acquireStatus(0) != ABANDONED) + i32(calls.now() > 0);
      lock.release();
      rlock.release();
      semaphore.release();
      bounded.release();
      event.clear();
      barrier.abort();
      barrier.reset();
      condition.destroy();
      lock.destroy();
      return done;
    }`;
  const CASES = ['stub', 'minimal', 'incremental'].flatMap((runtime) => [
    [runtime, '-O3'],
    [runtime, '--debug'],
  ]);

  it.each(CASES)('compiles from the package, and counts exactly: --runtime %s %s', async (runtime, level) => {
    writeFileSync(file('program.ts'), SOURCE);
    const out = `program-${runtime}${level}.wasm`;
    await run(
      process.execPath,
      at('node_modules/assemblyscript/bin/asc.js'),
      ...[
        'program.ts',
        '-o',
        out,
        '--runtime',
        runtime!,
        level!,
        '--enable',
        'threads',
        '--importMemory',
        '--sharedMemory',
      ],
      ...['--initialMemory', '3', '--maximumMemory', '256', '--memoryBase', '65536'],
    );
    const module = new WebAssembly.Module(readFileSync(file(out)));
    const memory = new WebAssembly.Memory({ initial: 3, maximum: 256, shared: true });
    const arena = new Arena({ memory, byteOffset: 1_024, byteLength: 64_512 });
    const abort = () => {
      throw new Error('the program traps');
    };
    const { exports } = new WebAssembly.Instance(module, { env: { memory, abort }, ...imports(arena) });
    const { all, count, early } = exports as Record<'all' | 'count' | 'early', (...args: number[]) => number>;
    expect(() => early(arena.allocate(Int32Array, 4).byteOffset)).toThrow(WebAssembly.RuntimeError);
    expect(all(arena.allocate(Int32Array, 16).byteOffset)).toBe(14);
    const lock = new Lock({ arena });
    const handle = arena.allocate(Int32Array, 2);
    handle.set([lock.address, lock.stamp]);
    const counter = arena.allocate(Int32Array, 1);
    const args = [handle.byteOffset, counter.byteOffset, 5_000];
    const others = [0, 1].map(() =>
      thread({ module, memory, arena, args }, ({ module, memory, arena, args }, _api, _inspect, { imports }) => {
        const env = { memory, abort: () => {} };
        const { exports } = new WebAssembly.Instance(module, { env, ...imports(arena) });
        (exports.count as (...args: number[]) => void)(...args);
      }),
    );
    count(...args);
    await Promise.all(others);
    expect(counter[0]).toBe(15_000);
  });
});

/** A fence of a document: what it says, and its lines. */
const FENCE = /^```(.*)\n([\s\S]*?)^```$/gm;
/** The first line of one that is a file. */
const NAMED = /^\/\/ ([\w-]+\.\w+)\n/;

describe('docs/wasm.md', () => {
  const fences = [...readFileSync(at('docs/wasm.md'), 'utf8').matchAll(FENCE)].map(([, says, text]) => ({
    says: says!,
    text: text!,
    name: NAMED.exec(text!)?.[1],
  }));
  /** The files are written at once, since some programs use those of others; each `sh` is run, and may be followed by what it prints. */
  const commands = fences.flatMap(({ says, text }, index) => {
    const [language, needs] = says.split(' ');
    const next = fences[index + 1];
    return language === 'sh' ? [{ text, needs, prints: next?.says === 'text' ? next.text : '' }] : [];
  });

  beforeAll(() => {
    for (const { name, text } of fences) if (name) writeFileSync(file(name), text);
    mkdirSync(file('node_modules/.bin'), { recursive: true });
    symlinkSync(at('node_modules/assemblyscript/bin/asc.js'), file('node_modules/.bin/asc'));
  });

  it('has nothing but files, commands, and what those print', () => {
    const others = fences.filter(({ name, says }) => !name && !/^(sh|text)/.test(says));
    expect(others).toEqual([]);
    expect(commands.length).toBeGreaterThanOrEqual(9);
  });

  it.each(commands.filter(({ needs }) => needs !== 'rust'))('$text', async ({ text, prints }) => {
    expect(await run('sh', '-ec', text)).toBe(prints);
  });

  const [rust] = commands.filter(({ needs }) => needs === 'rust');
  it.runIf(hasRust)('rustc', async () => expect(await run('sh', '-ec', rust!.text)).toBe(rust!.prints));
});
