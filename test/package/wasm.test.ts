/** What programs in other languages take from the package as it would be published: header, AssemblyScript, imports.wasm. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Arena, Lock } from 'lockwork';
import { imports } from 'lockwork/wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode } from '../../bindings/core-text.ts';
import { thread } from '../support/threads.ts';
import { PROGRAM } from '../support/wasm/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (...path: string[]) => join(root, ...path);
/** Outside of the package, with it in node_modules: as a user has it. */
mkdirSync(at('build'), { recursive: true });
const workshop = mkdtempSync(at('build', 'wasm-'));
const file = (name: string) => join(workshop, name);

const run = async (command: string, ...args: string[]) => {
  // What a compiler may take on a busy machine (ms).
  const { stdout } = await promisify(execFile)(command, args, { cwd: workshop, timeout: 120_000 });
  return stdout;
};

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
    writeFileSync(file('all.cpp'), `${ALL}\nvoid two() { lockwork::Lock lock; lock.lock(); lock.unlock(); }\n`);
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
    import { ABANDONED, Barrier, BoundedSemaphore, calls, Condition, Event, Lock, RLock, Semaphore } from "lockwork/as";

    export function count(place: usize, counter: usize, times: i32): void {
      const lock = changetype<Lock>(place);
      for (let i = 0; i < times; i++) {
        lock.acquire();
        store<i32>(counter, load<i32>(counter) + 1);
        lock.release();
      }
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
      done += i32(!condition.wait(1)) + i32(lock.acquireStatus(0) != ABANDONED) + i32(calls.now() > 0);
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
    const { all, count } = exports as { all(place: number): number; count(...args: number[]): void };
    expect(all(arena.allocate(Int32Array, 14).byteOffset)).toBe(11);
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

it("runs Emscripten's threads, with std::lock_guard and the like over its locks", async () => {
  writeFileSync(
    file('count.cpp'),
    `#include <cstdio>
     #include <mutex>
     #include <thread>
     #include <vector>
     #include "lockwork.h"

     int main() {
       lockwork::Lock lock;
       lockwork::RLock again;
       int counter = 0;
       std::vector<std::thread> threads;
       for (int i = 0; i < 4; i++) {
         threads.emplace_back([&] {
           for (int n = 0; n < 5000; n++) {
             std::lock_guard<lockwork::Lock> guard(lock);
             counter++;
           }
           std::scoped_lock<lockwork::Lock, lockwork::RLock> both(lock, again);
           std::unique_lock<lockwork::RLock> twice(again);
         });
       }
       for (std::thread &thread : threads) thread.join();
       printf("%d\\n", counter);
     }`,
  );
  await run(
    'emcc',
    ...['count.cpp', '-std=c++17', '-g2', '-pthread', '-I', 'node_modules/lockwork/include', '-o', 'count.js'],
    ...['--pre-js', 'node_modules/lockwork/examples/wasm/emscripten-pre.js', '-sGLOBAL_BASE=65536'],
    ...['-sINITIAL_MEMORY=16777216', '-sPTHREAD_POOL_SIZE=4', '-sERROR_ON_UNDEFINED_SYMBOLS=0', '-sEXIT_RUNTIME=1'],
  );
  expect(await run(process.execPath, 'count.js')).toBe('20000\n');
});
