/**
 * A set-up file for tests whose own thread may block: bounds what no timer of that thread can, a wait that does not
 * end. A thread beside it says what waits for what and kills the process, which Vitest reports as a failure.
 */
import { Worker } from 'node:worker_threads';
import { beforeEach, expect } from 'vitest';

/** The longest that a test may block its own thread (ms): longer than all that is bounded by itself. */
const BOUND = Number(process.env.LOCKWORK_WATCHDOG ?? 25_000);

const signs = new Int32Array(new SharedArrayBuffer(4));
const worker = new Worker(new URL('./watchdog.mjs', import.meta.url), {
  workerData: { signs, within: BOUND },
});
worker.unref();

setInterval(() => Atomics.add(signs, 0, 1), BOUND / 50).unref();

// Only now: what is broken may already loop for ever as a thread begins.
const { Arena } = await import('lockwork');
worker.postMessage({ arena: Arena.default });

beforeEach(() => worker.postMessage({ test: expect.getState().currentTestName }));
