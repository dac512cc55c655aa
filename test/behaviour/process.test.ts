/** What a process that awaits does: when it ends, and what it keeps in memory. Each in a process of its own, in Node. */
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MORTAL } from '../support/mortal.ts';

interface End {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  took: number;
}

/** Runs a module until it ends, or for so long (ms). */
function run(source: string, within = 20_000, ...args: string[]): Promise<End> {
  const code = `
    import { Worker } from 'node:worker_threads';
    import * as threading from ${JSON.stringify(import.meta.resolve('lockwork'))};
    const worker = (source, workerData) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
      import { workerData } from 'node:worker_threads';
      import * as threading from ${JSON.stringify(import.meta.resolve('lockwork'))};
      const shared = Object.fromEntries(Object.entries(workerData).map(([name, it]) => [name, threading.attach(it)]));
      await (\${source})(shared, threading);\`)), { workerData, execArgv: [] });
    ${source}`;
  const start = performance.now();
  const child = spawn(process.execPath, [...args, '--input-type=module', '-'], { timeout: within });
  child.stdin.end(code);
  const end: Partial<End> = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (end.stdout += text));
  child.stderr.on('data', (text) => (end.stderr += text));
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ ...end, code, signal, took: performance.now() - start } as End));
  });
}

const ended = { code: 0, signal: null, stderr: '' };

/** What three lines await, and how another thread ends it 500 ms later. */
const WAITS = {
  Lock: [
    'const it = new threading.Lock(); it.tryAcquire();',
    'it.acquireAsync()',
    '({ it }) => setTimeout(() => it.release(), 500)',
  ],
  Semaphore: [
    'const it = new threading.Semaphore(0);',
    'it.acquireAsync()',
    '({ it }) => setTimeout(() => it.release(), 500)',
  ],
  Event: ['const it = new threading.Event();', 'it.waitAsync()', '({ it }) => setTimeout(() => it.set(), 500)'],
  Barrier: ['const it = new threading.Barrier(2);', 'it.waitAsync()', '({ it }) => setTimeout(() => it.wait(), 500)'],
  Condition: [
    'const it = new threading.Condition(); const { owner } = await it.holdAsync();',
    'it.waitAsync({ owner })',
    '({ it }) => setTimeout(() => it.with(() => it.notify()), 500)',
  ],
} satisfies Record<string, [make: string, wait: string, end: string]>;

describe('A process', () => {
  it.each(Object.entries(WAITS))(
    'ends when what it awaits of another thread has come: %s',
    async (kind, [make, wait, end]) => {
      const { took, stdout, ...rest } = await run(`${make}
      worker(${JSON.stringify(end)}, { it });
      console.log(await ${wait});`);
      expect([rest, stdout.trim()]).toEqual([ended, kind === 'Barrier' ? '0' : 'true']);
      expect(took).toBeGreaterThanOrEqual(500);
    },
  );

  it.each(Object.entries(WAITS))(
    'stays alive while it awaits, and does not end with 13: %s',
    async (_, [make, wait]) => {
      const { signal, code } = await run(`${make} await ${wait};`, 1_000);
      expect([code, signal]).toEqual([null, 'SIGTERM']);
    },
  );

  it('is not kept alive by what it has awaited', async () => {
    const { took, ...rest } = await run(`
      const { Lock, Event, Barrier } = threading;
      const [lock, event, barrier] = [new Lock(), new Event(), new Barrier(2)];
      const controller = new AbortController();
      await lock.acquireAsync({ timeout: 60_000, signal: controller.signal });
      const waits = [lock.acquireAsync({ timeout: 60_000 }), event.waitAsync({ timeout: 60_000 })];
      waits.push(barrier.waitAsync({ timeout: 60_000 }), barrier.waitAsync({ timeout: 60_000 }));
      const aborted = lock.acquireAsync({ timeout: 60_000, signal: controller.signal });
      lock.release();
      event.set();
      controller.abort('off');
      console.log(await Promise.all(waits), await aborted.catch(String), await event.waitAsync({ timeout: 60_000 }));`);
    expect(rest).toEqual({ ...ended, stdout: '[ true, true, 0, 1 ] off true\n' });
    expect(took).toBeLessThan(10_000);
  });

  /** Fake timers as they are by default. Their names are those of what they are imported from. */
  const FAKES = {
    'node:test': ['', 'mock.timers.enable();', 'mock.timers.runAll();', 'mock.timers.reset();'],
    '@sinonjs/fake-timers': ['const fakes = install();', '', 'fakes.runAll();', 'fakes.uninstall();'],
    '@jest/fake-timers': [
      'const fakes = new ModernFakeTimers({ global: globalThis, config: { fakeTimers: {} } });',
      'fakes.useFakeTimers();',
      'fakes.runAllTimers();',
      'fakes.useRealTimers();',
    ],
  };

  it.each(Object.entries(FAKES))(
    'is kept alive by a task that waits when fake timers are gone: %s',
    async (name, [make, install, runAll, uninstall]) => {
      const { took, ...rest } = await run(
        `
        const { install, mock, ModernFakeTimers } = await import(${JSON.stringify(name)});
        const { Event, Lock } = threading;
        const [lock, other] = [new Lock(), new Lock()];
        lock.acquire();
        other.acquire();
        ${make} ${install}
        const [first, late] = [lock.acquireAsync(), lock.acquireAsync({ timeout: 60_000 })];
        ${runAll}
        lock.release();
        console.log(await first, await late, other.acquire(20));
        ${uninstall}
        const it = new Event();
        worker('({ it }) => setTimeout(() => it.set(), 300)', { it }).unref();
        console.log(await it.waitAsync());`,
        20_000,
        '--no-warnings',
      );
      expect(rest).toEqual({ ...ended, stdout: 'true false false\ntrue\n' });
    },
  );

  it('gets one error for a promise that nobody awaits, and does not end of what it rejects with', async () => {
    const { took, ...rest } = await run(`
      const { Barrier, Condition, Lock } = threading;
      const promises = {
        async: async () => { throw new Error('lost'); },
        thenable: () => ({ then(_, reject) { reject(new Error('lost')); } }),
        throwing: () => ({ then() { throw new Error('lost'); } }),
        unreadable: () => ({ get then() { throw new Error('lost'); } }),
      };
      for (const [name, fn] of Object.entries(promises)) {
        const [lock, barrier, condition] = [new Lock(), new Barrier(1, { action: fn }), new Condition()];
        const calls = [() => lock.with(fn), () => barrier.wait(), () => condition.with(() => condition.waitFor(fn))];
        const errors = calls.map((call) => {
          try { call(); } catch (error) { return error.name; }
        });
        console.log(name, ...errors, lock.locked, barrier.broken, condition.lock.locked);
      }
      await new Promise((resolve) => setTimeout(resolve));`);
    const lines = ['async', 'thenable', 'throwing', 'unreadable'].map(
      (name) => `${name} TypeError TypeError TypeError false true false\n`,
    );
    expect(rest).toEqual({ ...ended, stdout: lines.join('') });
  });

  it('is kept alive by each of its threads that awaits, and by none that does not any more', async () => {
    const { took, ...rest } = await run(`
      const it = new threading.Event();
      const one = worker('async ({ it }) => { await it.waitAsync(); console.log("set"); }', { it });
      while (it.waiters < 1) await new Promise((resolve) => setTimeout(resolve));
      setTimeout(() => it.set(), 100);
      one.on('exit', (code) => console.log('ended with', code));`);
    expect(rest).toEqual({ ...ended, stdout: 'set\nended with 0\n' });
  });

  it('has no waiters of a thread that has ended with its tasks', async () => {
    const { took, ...rest } = await run(`
      const { Lock, RLock, Event, Barrier, Condition, Semaphore, Arena } = threading;
      const lock = new Lock();
      const shared = { lock, rlock: new RLock(), event: new Event(), barrier: new Barrier(3), permits: new Semaphore(0) };
      Object.assign(shared, { condition: new Condition(new Lock()), recursive: new Condition() });
      const all = Object.values(shared);
      const { used } = Arena.default;
      lock.tryAcquire();
      shared.rlock.tryAcquire();
      const first = shared.barrier.waitAsync().catch((error) => error.name);
      const one = worker(\`async ({ lock, rlock, event, barrier, permits, condition, recursive }) => {
        for (let i = 0; i < 3; i++) {
          void lock.acquireAsync();
          void rlock.holdAsync();
          void event.waitAsync();
          void permits.acquireAsync();
          if (!i) barrier.waitAsync().catch(() => {});
          for (const it of [condition, recursive]) void it.withAsync(({ owner }) => it.waitAsync(owner && { owner }));
        }
        while ([condition, recursive].some((it) => it.waiters < 3)) await new Promise((resolve) => setTimeout(resolve));
        process.exit();
      }\`, shared);
      await new Promise((resolve) => one.on('exit', resolve));
      console.log(await first, all.map(({ waiters }) => waiters).join());
      lock.release();
      shared.rlock.release();
      shared.barrier.reset();
      console.log(Arena.default.used - used);
      for (const it of all) it.destroy();`);
    expect(rest).toEqual({ ...ended, stdout: 'BrokenBarrierError 0,0,0,0,0,0,0\n0\n' });
  });

  it.each([
    ['process.exit()', 'process.exit()', "''"],
    ['an error', "throw new Error('uncaught')", "'uncaught'"],
  ])('breaks the Barrier of a thread that ends while a task of it runs the action: %s', async (_, end, error) => {
    const { took, ...rest } = await run(
      `
      const it = new threading.Barrier(3);
      const first = it.waitAsync().catch((error) => error.name);
      const one = worker(\`({ it }, { Barrier }) => {
        const action = () => new Promise(() => setTimeout(() => { ${end} }));
        const mine = Barrier.from(it, { action });
        mine.waitAsync().catch(() => {});
        mine.waitAsync().catch(() => {});
      }\`, { it });
      let message = '';
      one.on('error', (error) => { message = error.message; });
      await new Promise((resolve) => one.on('exit', resolve));
      console.log(await first, it.broken, it.waiters, message === ${error});
      it.reset();
      it.destroy();`,
      10_000,
    );
    expect(rest).toEqual({ ...ended, stdout: 'BrokenBarrierError true 0 true\n' });
  });

  it.each(['wait', 'waitAsync'])(
    'breaks the Barrier of a thread that ends within the action of its %s()',
    async (wait) => {
      const { took, ...rest } = await run(
        `
      const it = new threading.Barrier(2);
      const first = it.waitAsync().catch((error) => error.name);
      const one = worker('({ it }, { Barrier }) => Barrier.from(it, { action: () => process.exit() }).${wait}()', { it });
      await new Promise((resolve) => one.on('exit', resolve));
      console.log(await first, it.broken, it.waiters);`,
        10_000,
      );
      expect(rest).toEqual({ ...ended, stdout: 'BrokenBarrierError true 0\n' });
    },
  );

  it('has threads that end themselves in what they call while they are blocked', async () => {
    const { took, ...rest } = await run(
      `
      const it = new threading.Lock();
      const one = worker(\`({ it }) => {
        process.removeAllListeners('warning');
        process.on('warning', () => process.exit(3));
        it.acquire();
        it.acquire();
      }\`, { it });
      const code = await new Promise((resolve) => one.on('exit', resolve));
      console.log(code, await it.acquireAsync().catch((error) => error.name));`,
      10_000,
    );
    expect(rest).toEqual({ ...ended, stdout: '3 AbandonedError\n' });
  });

  it('has threads that end, though a task of them waits for an action that was terminated', async () => {
    const { took, ...rest } = await run(
      `
      const shared = { it: new threading.Barrier(3), running: new threading.Event(), over: new threading.Event() };
      const { it, running, over } = shared;
      const waits = worker(\`async ({ it, over }) => {
        it.waitAsync().catch(() => {});
        await over.waitAsync();
        process.exit();
      }\`, shared);
      const first = it.waitAsync().catch((error) => error.name);
      while (it.waiting < 2) await new Promise((resolve) => setTimeout(resolve));
      const acts = worker(\`async ({ it, running }, { Barrier }) => {
        ${MORTAL}
        const action = () => { running.set(); while (true); };
        Barrier.from(it, { action }).wait();
      }\`, shared);
      await running.waitAsync();
      await acts.terminate();
      over.set();
      await new Promise((resolve) => waits.on('exit', resolve));
      // In Deno the death of the action's thread is found by and by.
      while (globalThis.Deno && it.waiters > 0) await new Promise((resolve) => setTimeout(resolve));
      const { waiters } = it;
      it.reset();
      console.log(waiters, await first, it.waiters, it.waiting);`,
      10_000,
    );
    expect(rest).toEqual({ ...ended, stdout: '0 BrokenBarrierError 0 0\n' });
  });

  it('leaves the count of an RLock alone that another holds, when the thread of a task ends that waits to be notified', async () => {
    const { took, ...rest } = await run(
      `
      const { Condition, Event } = threading;
      const shared = { condition: new Condition(), over: new Event() };
      const { condition, over } = shared;
      const one = worker(\`async ({ condition, over }) => {
        void condition.withAsync(({ owner }) => condition.waitAsync({ owner }));
        await over.waitAsync();
        process.exit();
      }\`, shared);
      while (!condition.waiters || condition.lock.locked) await new Promise((resolve) => setTimeout(resolve));
      for (let i = 0; i < 3; i++) condition.acquire();
      over.set();
      await new Promise((resolve) => one.on('exit', resolve));
      console.log(condition.waiters, condition.lock.recursionCount, condition.lock.owned);
      for (let i = 0; i < 3; i++) condition.release();
      console.log(condition.lock.locked);`,
      10_000,
    );
    expect(rest).toEqual({ ...ended, stdout: '0 3 true\nfalse\n' });
  });
});

describe('The memory of a process', () => {
  it.each(['aborted', 'through'])('is as it was after 1,000 waits that were %s', async (how) => {
    const { took, ...rest } = await run(
      `
      const { Lock, RLock, Semaphore, Event, Barrier, Condition, Arena } = threading;
      const how = ${JSON.stringify(how)};
      const lock = new Lock();
      lock.tryAcquire();
      const permits = new Semaphore(0);
      const event = new Event();
      const refs = [];
      const round = async () => {
        const { used } = Arena.default;
        const all = new AbortController();
        let waits = [];
        for (let i = 0; i < 1_000; i++) {
          const one = i % 2 ? all : new AbortController();
          const ballast = new Uint8Array(10_000);
          const target = [() => lock.acquireAsync({ signal: one.signal }), () => permits.acquireAsync({ signal: one.signal }),
            () => event.waitAsync({ signal: one.signal, timeout: 1e6 })][i % 3];
          const wait = target().then(() => ballast.length, () => ballast.length);
          if (how === 'aborted' && one !== all) setTimeout(() => one.abort());
          refs.push(new WeakRef(wait), new WeakRef(one), new WeakRef(ballast));
          waits.push(wait);
        }
        if (lock.waiters + permits.waiters + event.waiters !== 1_000) throw new Error('they do not wait');
        if (how === 'aborted') all.abort();
        else {
          event.set();
          permits.release(333);
          for (let i = 0; i < 334; i++) { lock.release(); }
        }
        await Promise.all(waits);
        waits = [];
        event.clear();
        if (!lock.locked) lock.tryAcquire();
        if (lock.waiters + permits.waiters + event.waiters) throw new Error('they wait still');
        return Arena.default.used - used;
      };
      const heap = async () => {
        for (let i = 0; i < 5; i++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          gc();
        }
        return process.memoryUsage().heapUsed;
      };
      // What a wait leaves behind, each round leaves again; what engines learn and compile, they do
      // in the first rounds (Node 20 in five or six).
      const leaks = [];
      const sizes = [];
      let alive = Infinity;
      for (let i = 0; i < 12; i++) {
        leaks.push(await round());
        await heap();
        // The least: Bun's collector takes what looks like an address, on the stack for example, for one.
        alive = Math.min(alive, new Set(refs.map((ref) => ref.deref()).filter((one) => one)).size);
        refs.length = 0;
        sizes.push(await heap());
      }
      const growth = Math.min(...sizes.slice(1).map((size, i) => size - sizes[i]));
      console.log(leaks.join(), alive, growth < 20_000 ? 'no growth' : growth);`,
      20_000,
      '--expose-gc',
    );
    expect(rest).toEqual({ ...ended, stdout: `${Array(12).fill(0)} 0 no growth\n` });
  });
});

describe('The ES module and the CommonJS module in one thread', () => {
  it('share the default arena, locks and errors, with each other and with other threads', async () => {
    const { took, ...rest } = await run(`
      const { createRequire } = await import('node:module');
      const required = createRequire(${JSON.stringify(import.meta.resolve('lockwork'))})('lockwork');
      const imported = await import(${JSON.stringify(import.meta.resolve('lockwork'))});
      const lock = new required.Lock({ name: 'seats' });
      const both = [lock, imported.Lock.from(lock)];
      const order = [];
      both[0].tryAcquire();
      const waits = [1, 0, 1].map((copy, index) => both[copy].withAsync(() => order.push(index)));
      console.log(both.map(({ locked, waiters }) => [locked, waiters]).join());
      worker('({ it }) => it.release()', { it: lock });
      await Promise.all(waits);
      console.log(order.join(), required.Lock === imported.Lock, required.Arena.default.stamp === imported.Arena.default.stamp);
      try {
        both[1].release();
      } catch (error) {
        console.log(error instanceof required.NotHeldError, error instanceof imported.NotHeldError, error.message);
      }
    `);
    const stdout = `true,3,true,3
0,1,2 false true
true true Lock "seats": not held. Acquire it first, in this thread
`;
    expect(rest).toEqual({ ...ended, stdout });
    expect(took).toBeLessThan(15_000);
  });
});

describe('Two copies of the package in one thread', () => {
  it('share one inbox, one queue and one arena', async () => {
    const { took, ...rest } = await run(`
      // A path: of a URL, Bun leaves the query out.
      const url = ${JSON.stringify(new URL(import.meta.resolve('lockwork')).pathname)};
      const copies = await Promise.all([import(url + '?one'), import(url + '?two')]);
      let pending = 0;
      let most = 0;
      const { waitAsync } = Atomics;
      Atomics.waitAsync = (...args) => {
        const result = waitAsync(...args);
        // Of an inbox: the others prove that the thread lives.
        if (result.async && args[1] % 16 === 4) {
          most = Math.max(most, ++pending);
          result.value.then(() => pending--);
        }
        return result;
      };
      const locks = copies.map(({ Lock }) => new Lock());
      if (copies[0].Arena.default.used !== copies[1].Arena.default.used) throw new Error('two arenas');
      if (locks[0].constructor === locks[1].constructor) throw new Error('one copy');
      const both = [locks[0], copies[1].Lock.from(locks[0])];
      both[0].tryAcquire();
      const order = [];
      const waits = [0, 1, 0, 1].map((copy, index) => both[copy].withAsync(() => order.push(index)));
      console.log(both.map(({ waiters }) => waiters).join());
      // Let go by another thread, and by either copy.
      worker('({ it }) => it.release()', { it: locks[0] });
      await Promise.all(waits);
      const event = new copies[0].Event();
      const others = [event.waitAsync(), copies[1].Event.from(event).waitAsync()];
      copies[1].Event.from(event).set();
      console.log(order.join(), (await Promise.all(others)).join(), most);

      // What one copy's tasks hold, the other must not block for; and blocks beside its waits.
      await locks[1].acquireAsync();
      try {
        copies[0].Lock.from(locks[1]).acquire();
      } catch (error) {
        console.log(error.name);
      }
      const condition = new copies[0].Condition(new copies[0].Lock());
      const same = copies[1].Condition.from(condition);
      const task = condition.withAsync(() => condition.waitAsync());
      while (!condition.waiters) await undefined;
      worker('({ it }) => { while (it.waiters < 2); it.with(() => it.notify()); }', { it: condition });
      console.log(same.with(() => same.wait(5_000)), condition.waiters);
      same.with(() => same.notify());
      console.log(await task);
      const [one, two] = copies.map(({ RLock }) => new RLock());
      const { owner } = await one.holdAsync();
      console.log(await copies[1].RLock.from(one).acquireAsync({ owner }).catch((error) => error.message));`);
    expect(rest.stdout.trim().split('\n')).toEqual([
      '4,4',
      '0,1,2,3 true,true 1',
      'DeadlockError',
      'true 1',
      'true',
      'true',
    ]);
    expect(rest).toEqual({ ...ended, stdout: rest.stdout });
  });
});
