import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { getEnvironmentData, setEnvironmentData, Worker } from 'node:worker_threads';
import { AbandonedError, Arena, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { encode } from '../../bindings/core-text.ts';
import { until } from '../support/threads.ts';

/** A thread of its own for `code`, which sees lockwork and the primitives in `shared`. */
function start(code: string, shared: Record<string, unknown>): Worker {
  const names = Object.keys(shared).join();
  const source = `
    const { attach, ...threading } = require('lockwork');
    const { ${names} } = Object.fromEntries(
      Object.entries(require('node:worker_threads').workerData).map(([name, handle]) => [name, attach(handle)]),
    );
    ${code}`;
  return new Worker(source, { eval: true, workerData: shared });
}

/** Runs a thread to its end; answers its exit code. */
async function run(code: string, shared: Record<string, unknown>): Promise<unknown> {
  const worker = start(code, shared);
  const [status] = await once(worker, 'exit');
  return status;
}

/** Cells of 64 bytes that are used; one for each thread that has a record. */
const cells = () => Arena.default.used / 64;

describe('The record of a thread', () => {
  it('is given back by 250 threads, one after the other', { timeout: 240_000 }, async () => {
    const lock = new Lock();
    const before = cells();
    for (let i = 0; i < 250; i++) {
      expect(await run('lock.with(() => {})', { lock })).toBe(0);
      expect(cells(), `after ${i + 1} threads`).toBe(before);
    }
    expect(lock.locked).toBe(false);
  });

  it('is given back in every arena that the thread used', async () => {
    const arenas = [Arena.default, new Arena({ maximumBytes: 2 ** 20 }), new Arena({ maximumBytes: 2 ** 20 })];
    const [a, b, c] = arenas.map((arena) => new Lock({ arena }));
    const before = arenas.map((arena) => arena.used);
    await run('for (const lock of [a, b, c]) lock.with(() => {})', { a, b, c });
    expect(arenas.map((arena) => arena.used)).toEqual(before);
  });

  it('is given back by a thread that exits, throws, or never used what it got', async () => {
    const lock = new Lock();
    const codes = [
      'lock.with(() => {}); process.exit(7)',
      'process.on("exit", () => {}); lock.acquire(); lock.release(); process.exit()',
      'setTimeout(() => { lock.with(() => {}); process.exit() })',
      'for (let i = 0; i < 3; i++) void held.acquireAsync(); event.waitAsync(); process.exit()',
      '',
    ];
    const [held, event] = [new Lock(), new Event()];
    held.acquire();
    const before = cells();
    for (const code of codes) {
      await run(code, { lock, held, event });
      expect([held.waiters, event.waiters]).toEqual([0, 0]);
      expect(cells(), code).toBe(before);
    }
    const worker = start('lock.with(() => { throw new RangeError("no seat") })', { lock });
    const [error] = await once(worker, 'error');
    expect(error).toMatchObject({ name: 'RangeError' });
    await until(() => cells() === before, 'the record is given back');
    expect(lock.locked).toBe(false);
  });

  it.each([
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()],
  ])('goes when it owns a %s, which is abandoned', async (_kind, make) => {
    const lock = make();
    const before = cells();
    await run('lock.acquire()', { lock });
    expect([cells(), lock.locked, lock.abandoned]).toEqual([before, false, true]);
    expect(() => lock.acquire(5)).toThrow(AbandonedError);
    lock.recover(() => {});
    lock.with(() => {});
  });

  it('goes when it owns an RLock that is to be kept, and no later thread passes for the owner', async () => {
    const lock = new RLock({ abandoned: 'keep' });
    const semaphore = new Semaphore(0);
    const before = cells();
    await run('lock.acquire(); process.exit()', { lock });
    expect(cells()).toBe(before);
    for (let i = 0; i < 5; i++) {
      await run('if (!lock.owned && lock.recursionCount === 0 && !lock.acquire(1)) semaphore.release()', {
        lock,
        semaphore,
      });
    }
    expect(semaphore.value).toBe(5);
    expect(lock.locked).toBe(true);
  });

  it('goes before later listeners of "exit" can release what it owns', async () => {
    const lock = new Lock();
    const code = `
      lock.acquire();
      process.on('exit', () => {
        try { lock.release() } catch { process.exitCode = 42 }
      })`;
    expect(await run(code, { lock })).toBe(42);
    expect([lock.locked, lock.abandoned]).toEqual([false, true]);
  });

  it('goes with the last use: a primitive used later in "exit" says so', async () => {
    const lock = new Lock();
    const semaphore = new Semaphore(0);
    const before = cells();
    const code = `
      process.on('exit', () => {
        try { lock.acquire() } catch (error) {
          process.exitCode = error instanceof threading.ThreadingError && error.message.includes('has ended') ? 42 : 1;
        }
      })`;
    expect(await run(code, { lock, semaphore })).toBe(42);
    expect([cells(), lock.locked]).toEqual([before, false]);
  });
});

describe('A thread that is terminated', () => {
  it('while it holds nothing harms nobody: the waiters go on', async () => {
    const lock = new Lock();
    const inside = new Semaphore(0);
    lock.acquire();
    const idle = [
      // One has used the lock, one computes, one uses another primitive.
      start('lock.tryAcquire(); inside.release(); setInterval(() => {}, 1_000)', { lock, inside }),
      start('inside.release(); while (true);', { lock, inside }),
      start('const own = new threading.Lock(); inside.release(); while (true) own.with(() => {});', { inside }),
    ];
    const waiting = Array.from({ length: 3 }, () =>
      run('lock.acquire(); inside.release(); lock.release()', { lock, inside }),
    );
    await until(() => inside.value === 3 && lock.waiters === 3, 'three run and three wait');
    await Promise.all(idle.map((worker) => worker.terminate()));
    expect([lock.locked, lock.waiters]).toEqual([true, 3]);
    lock.release();
    expect(await Promise.all(waiting)).toEqual([0, 0, 0]);
    expect([inside.value, lock.locked, lock.waiters]).toEqual([6, false, 0]);
  });

  it('goes with its programs: from then on each of their calls is refused, and so are new ones', async () => {
    const lock = new Lock();
    const before = cells();
    const code = `
      const { lockwork } = require('lockwork/wasm').imports(lock.arena);
      const call = (name, ...more) => lockwork[name](lock.address, lock.stamp, ...more);
      if (call('lock_acquire', 0) !== 0) throw new Error('the lock is not free');
      process.on('exit', () => {
        const statuses = [call('lock_release'), call('lock_acquire', Infinity), call('value'), lockwork.create(0, 3, 0, 0, 0)];
        let refused = false;
        try { require('lockwork/wasm').imports(lock.arena) } catch (error) { refused = error.message.includes('has ended') }
        process.exitCode = refused && statuses.every((status) => status === -11) ? 42 : 1;
      })`;
    expect(await run(code, { lock })).toBe(42);
    // Fewer where a thread of the test before is buried meanwhile.
    expect(cells()).toBeLessThanOrEqual(before);
    expect([lock.locked, lock.abandoned]).toEqual([false, true]);
  });
});

describe('The core', () => {
  /** How many modules a thread compiles that uses a lock. */
  async function compiledIn(lock: Lock): Promise<unknown> {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      let compiled = 0;
      WebAssembly.Module = new Proxy(WebAssembly.Module, {
        construct(Module, args) {
          compiled++;
          return new Module(...args);
        },
      });
      require('lockwork').Lock.from(workerData).with(() => {});
      parentPort.postMessage(compiled);`;
    const [compiled] = await once(new Worker(source, { eval: true, workerData: lock }), 'message');
    return compiled;
  }

  it('is taken over by the threads that a thread starts, if it has the same', async () => {
    const lock = new Lock();
    const text = encode(await readFile(new URL(import.meta.resolve('lockwork/core.wasm'))));
    expect(await compiledIn(lock)).toBe(0);
    const module = getEnvironmentData(text);
    expect(module).toBeInstanceOf(WebAssembly.Module);
    try {
      setEnvironmentData(text, undefined as never);
      setEnvironmentData(`${text} `, module);
      expect(await compiledIn(lock)).toBe(1);
    } finally {
      setEnvironmentData(text, module);
      setEnvironmentData(`${text} `, undefined as never);
    }
  });
});
