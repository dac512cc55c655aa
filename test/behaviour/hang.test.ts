import { spawnSync } from 'node:child_process';
import * as threading from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, until } from '../support/threads.ts';

/** Long enough for a thread to start and wait on a busy machine (ms). */
const BOUND = 8_000;

/** Each kind, and a wait for it that nobody ends. */
const WAITS: Record<string, () => [target: { address: number }, wait: () => Promise<unknown>]> = {
  Lock() {
    const lock = new threading.Lock();
    lock.acquire();
    return [lock, () => thread({ lock }, ({ lock }) => lock.acquire(), BOUND)];
  },
  RLock() {
    const lock = new threading.RLock();
    lock.acquire();
    return [lock, () => thread({ lock }, ({ lock }) => lock.acquire(), BOUND)];
  },
  Semaphore() {
    const permits = new threading.Semaphore(0);
    return [permits, () => thread({ permits }, ({ permits }) => permits.acquire(), BOUND)];
  },
  BoundedSemaphore() {
    const permits = new threading.BoundedSemaphore(1);
    permits.acquire();
    return [permits, () => thread({ permits }, ({ permits }) => permits.acquire(), BOUND)];
  },
  Event() {
    const event = new threading.Event();
    return [event, () => thread({ event }, ({ event }) => event.wait(), BOUND)];
  },
  Barrier() {
    const barrier = new threading.Barrier(2);
    return [barrier, () => thread({ barrier }, ({ barrier }) => barrier.wait(), BOUND)];
  },
  Condition() {
    const condition = new threading.Condition();
    const wait = () =>
      thread(
        { condition },
        ({ condition }) => {
          condition.acquire();
          condition.wait();
        },
        BOUND,
      );
    return [condition, wait];
  },
};

describe('The harness', () => {
  it('reports within its bound every kind of wait that nobody ends', async () => {
    const start = performance.now();
    await Promise.all(
      Object.entries(WAITS).map(([kind, make]) => {
        const [target, wait] = make();
        const message = `did not finish within ${BOUND} ms.*waits for ${kind} @${target.address} `;
        return expect(wait()).rejects.toThrow(new RegExp(message, 's'));
      }),
    );
    expect(performance.now() - start).toBeLessThan(BOUND + 5_000);
  });

  it('reports a thread that waits for nothing of ours', async () => {
    const spinning = thread(
      {},
      () => {
        while (true);
      },
      200,
    );
    await expect(spinning).rejects.toThrow('did not finish within 200 ms');
  });

  it('reports a state that does not come, and which threads wait', async () => {
    const event = new threading.Event();
    const waiting = thread({ event }, ({ event }) => event.wait());
    await until(() => event.waiters === 1, 'a thread waits');
    const never = until(() => event.isSet, 'the plane lands', 50);
    await expect(never).rejects.toThrow(
      new RegExp(`not within 50 ms: the plane lands.*waits for Event @${event.address} `, 's'),
    );
    event.set();
    await waiting;
  });

  it('names the threads that wait, not those that have waited', async () => {
    const [past, present] = [new threading.Event(), new threading.Event()];
    const waiting = thread({ past, present }, ({ past, present }) => {
      past.wait();
      present.wait();
    });
    await until(() => past.waiters === 1, 'a thread waits');
    past.set();
    await until(() => present.waiters === 1, 'it waits again');
    const message = await until(() => false, 'nothing', 0).catch((error: Error) => error.message);
    expect(message).toContain(`Event @${present.address} `);
    expect(message).not.toContain(`Event @${past.address} `);
    present.set();
    await waiting;
  });

  it('reports a thread that ends, and one that throws', async () => {
    await expect(thread({}, () => process.exit())).rejects.toThrow('the thread ended');
    const failed = thread({}, (): void => {
      throw new RangeError('no seat');
    });
    await expect(failed).rejects.toMatchObject({ name: 'RangeError', message: 'no seat' });
  });

  it('kills a process whose main thread waits for ever, and says for what', () => {
    const code = `
      import { Worker } from 'node:worker_threads';
      import { Arena, Event } from 'lockwork';
      const [url] = process.argv.slice(-1);
      const signs = new Int32Array(new SharedArrayBuffer(4));
      new Worker(new URL(url), { workerData: { signs, arena: Arena.default, within: 300 }, execArgv: [] });
      new Event().wait();`;
    const watchdog = new URL('../support/watchdog.mjs', import.meta.url).href;
    const options = { encoding: 'utf8', timeout: 15_000 } as const;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code, watchdog], options);
    expect(child.stderr).toMatch(/did nothing for 300 ms.*waits for Event @/s);
    expect(child.signal).toBe('SIGKILL');
  });

  it('has threads for the next test', async () => {
    expect(await thread({ a: 1 }, ({ a }) => a + 1)).toBe(2);
  });
});
