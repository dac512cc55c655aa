/** Several copies of the package in a process, several realms in a thread: each in a process of its own, in Node. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type PluginBuild } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { encode } from '../../bindings/core-text.ts';

/** Found by the package's own name: the test may be bundled, and be elsewhere. */
const root = new URL('../', import.meta.resolve('lockwork'));
const directory = mkdtempSync(join(tmpdir(), 'lockwork-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The address of a copy of the package, in which constants have other values: bundled anew, as they stand in the code as literals. */
async function copy(name: string, constants: Record<string, number> = {}): Promise<string> {
  const outfile = join(directory, `${name}.mjs`);
  const changed = new Set<string>();
  const setup = ({ onLoad }: PluginBuild): void => {
    onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({ contents: encode(await readFile(path)), loader: 'text' }));
    onLoad({ filter: /(abi|host)\.ts$/ }, async ({ path }) => {
      const contents = (await readFile(path, 'utf8')).replace(/(?<=export const (\w+) = )\d+/g, (old, constant) => {
        if (!(constant in constants)) return old;
        changed.add(constant);
        return String(constants[constant]);
      });
      return { contents, loader: 'ts' };
    });
  };
  await build({
    entryPoints: [fileURLToPath(new URL('bindings/index.ts', root))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    plugins: [{ name: 'constants', setup }],
  });
  expect([...changed]).toEqual(Object.keys(constants));
  return pathToFileURL(outfile).href;
}

const [one, two] = [await copy('one'), await copy('two')];
const layout = await copy('layout', { VERSION: 99 });
const shape = await copy('shape', { SHAPE: 98 });

let modules = 0;
/** What a module prints, which runs in a process of its own. */
async function run(source: string, ...args: string[]): Promise<string> {
  const file = join(directory, `main-${++modules}.mjs`);
  writeFileSync(file, source);
  const child = spawn(process.execPath, [...args, '--no-warnings', file], { timeout: 25_000 });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  return text.trim();
}

/** For all modules below. */
const helpers = pathToFileURL(join(directory, 'helpers.mjs'));
writeFileSync(
  helpers,
  `
  import { once } from 'node:events';
  import { readFileSync, writeFileSync } from 'node:fs';
  import vm from 'node:vm';
  import { parentPort, Worker } from 'node:worker_threads';
  export { once, parentPort };
  /** A copy of the package in a realm of its own. */
  export async function load(globals) {
    const context = vm.createContext({ process, performance, TextEncoder, TextDecoder, setTimeout, clearTimeout, ...globals });
    const module = new vm.SourceTextModule(readFileSync(new URL('${one}'), 'utf8'), { context });
    await module.link(() => {});
    await module.evaluate();
    return module.namespace;
  }
  let threads = 0;
  /** A thread that runs this module: a file, since not every runtime takes a worker's modules from elsewhere. */
  export function start(source) {
    const url = new URL('./thread-' + process.pid + '-' + ++threads + '.mjs', import.meta.url);
    writeFileSync(url, source);
    return new Worker(url);
  }`,
);
const imports = `import { load, once, parentPort, start } from '${helpers}';`;

describe('Two copies of the package in one realm', () => {
  it('are one thread, and take what is the other’s', async () => {
    const source = `
      const [a, b] = [await import('${one}'), await import('${two}')];
      const lock = new a.RLock();
      lock.acquire();
      console.log(b.Arena.default.memory === lock.memory, b.RLock.from(lock).owned);
      lock.release();
      await b.RLock.from(lock).acquireAsync({ owner: new a.Owner() });
      console.log(lock.locked, lock.owned);`;
    expect(await run(source)).toBe('true true\ntrue false');
  });

  it('have one policy for deadlocks, whichever came first', async () => {
    const source = `
      const [a, b] = [await import('${one}'), await import('${two}')];
      const lock = new a.Lock();
      b.setDeadlockPolicy('throw');
      lock.acquire();
      try { b.Lock.from(lock).acquire() } catch (error) { console.log(error.name) }`;
    expect(await run(source)).toBe('DeadlockError');
  });

  it('have programs that can do no more when their thread has ended, of both', async () => {
    const source = `${imports}
      const worker = start(\`
        import { writeSync } from 'node:fs';
        import { createRequire } from 'node:module';
        const require = createRequire('${root}');
        const copies = [
          { ...await import('${root}dist/index.js'), ...await import('${root}dist/wasm.js') },
          { ...require('./dist/index.cjs'), ...require('./dist/wasm.cjs') },
        ];
        const all = copies.map(({ Arena, imports }) => imports(Arena.default).lockwork);
        const { address, stamp } = new copies[0].Lock();
        process.on('exit', () => writeSync(1, all.map((calls) => calls.lock_acquire(address, stamp, 0)).join()));\`);
      await once(worker, 'exit');`;
    // INVALID.
    expect(await run(source)).toBe('-11,-11');
  });

  it('with different layouts have nothing in common', async () => {
    const source = `
      const [a, b] = [await import('${one}'), await import('${layout}')];
      const [mine, theirs] = [new a.Lock(), new b.Lock()];
      mine.acquire();
      console.log(mine.memory !== theirs.memory, theirs.tryAcquire(), mine.locked);
      try { b.Lock.from(mine) } catch (error) { console.log(error.name, error.message) }`;
    expect(await run(source)).toBe(
      'true true true\nTypeError Lock.from: the arena was made by an incompatible version of lockwork (layout 2, this is 99). Use one version in all threads',
    );
  });

  it('with different layouts have default arenas that their threads inherit', async () => {
    const source = `${imports}
      const [a, b] = [await import('${one}'), await import('${layout}')];
      const [mine, theirs] = [a.Arena.default.stamp, b.Arena.default.stamp];
      const worker = start(\`
        import { parentPort } from '${helpers}';
        const [a, b] = [await import('${one}'), await import('${layout}')];
        parentPort.postMessage([a.Arena.default.stamp, b.Arena.default.stamp]);\`);
      const [[c, d]] = await once(worker, 'message');
      console.log(mine === c, theirs === d, c === d);`;
    expect(await run(source)).toBe('true true false');
  });

  it('that share it in different ways refuse each other, and say what to do', async () => {
    const source = `
      const [a, b] = [await import('${one}'), await import('${shape}')];
      const lock = new a.Lock();
      for (const use of [() => new b.Lock(), () => b.Lock.from(lock), () => new b.Arena(), () => b.Arena.default]) {
        try { use() } catch (error) { console.log(error instanceof b.ThreadingError, error.message) }
      }
      console.log(lock.tryAcquire());`;
    const lines = (await run(source)).split('\n');
    expect(lines.pop()).toBe('true');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/^true Two versions of lockwork .* shape \d+ .* 98 .*npm dedupe/);
  });
});

describe('Arenas have ids of their own', () => {
  /** Everything that changes stands still, before the package is loaded. */
  const still = `
    Math.random = () => 0.5;
    Date.now = () => 1_700_000_000_000;
    performance.now = () => 1_000;
    process.hrtime.bigint = () => 1_000_000_000n;`;
  const id = '(arena) => new BigInt64Array(arena.memory.buffer, 0, 4).subarray(1, 3).join()';

  it('in one thread, and in its realms', async () => {
    const source = `${imports}
      ${still}
      const all = [await import('${one}'), await import('${two}'), await load({ Date }), await load({ Date })];
      const arenas = [...all, ...all].map(({ Arena }) => new Arena({ maximumBytes: 65536 }));
      const id = ${id};
      console.log(new Set(arenas.map(id)).size, new Set(arenas.map(({ memory }) => memory)).size);`;
    expect(await run(source, '--experimental-vm-modules', '--random-seed=42')).toBe('8 8');
  });

  it('in all threads', async () => {
    const source = `${imports}
      const workers = Array.from({ length: 4 }, () => start(\`
        import { parentPort } from '${helpers}';
        ${still}
        const { Arena } = await import('${one}');
        const id = ${id};
        parentPort.postMessage([1, 2, 3].map(() => id(new Arena({ maximumBytes: 65536 }))));\`));
      const ids = await Promise.all(workers.map((worker) => once(worker, 'message')));
      console.log(new Set(ids.flat(2)).size);`;
    expect(await run(source, '--random-seed=42')).toBe('12');
  });

  it('also where nothing is known of the platform', async () => {
    const source = `${imports}
      const { Arena } = await load({ process: undefined, performance: undefined });
      const id = ${id};
      console.log(new Set(Array.from({ length: 5 }, () => id(new Arena({ maximumBytes: 65536 })))).size);`;
    expect(await run(source, '--experimental-vm-modules')).toBe('5');
  });
});

describe('The end of a thread with many realms', () => {
  it('is listened for once, and gives back the records of all', async () => {
    const source = `${imports}
      const { Arena, Lock } = await import('${one}');
      const lock = new Lock();
      const before = Arena.default.used;
      const worker = start(\`${imports}
        const [handle] = await once(parentPort, 'message');
        const before = process.listenerCount('exit');
        const properties = () => Reflect.ownKeys(process).length;
        const known = properties();
        for (let i = 0; i < 15; i++) await load();
        const idle = [process.listenerCount('exit') - before, properties() - known];
        for (let i = 0; i < 15; i++) (await load()).Lock.from(handle).tryAcquire();
        parentPort.postMessage([...idle, process.listenerCount('exit') - before]);
        await once(parentPort, 'message');
        process.exit();\`);
      worker.postMessage(lock);
      const [counts] = await once(worker, 'message');
      console.log(counts.join());
      worker.postMessage('end');
      await once(worker, 'exit');
      console.log(Arena.default.used - before);`;
    expect(await run(source, '--experimental-vm-modules')).toBe('0,0,1\n0');
  });
});
