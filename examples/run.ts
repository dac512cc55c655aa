/** Runs a program on Node's threads. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Call } from './part.ts';
import { on } from './play.ts';

export const run = on({
  pool(size, calls, take) {
    const pool = new Piscina<Call, void>({
      filename: new URL('./worker.ts', import.meta.url).href,
      minThreads: size,
      maxThreads: size,
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    pool.on('message', take);
    return { ended: Promise.all(calls.map((call) => pool.run(call))), stop: () => pool.destroy() };
  },

  threads(_, calls, take) {
    const workers = calls.map((workerData) =>
      new Worker(new URL('./thread.ts', import.meta.url), { workerData }).on('message', take),
    );
    return {
      ended: Promise.all(workers.map((worker) => once(worker, 'exit'))),
      stop: () => Promise.all(workers.map((worker) => worker.terminate())),
      kill: (call) => workers[call]!.terminate(),
    };
  },
});
