/**
 * Real threads for tests.
 *
 *   const lock = new Lock();
 *   const other = thread({ lock }, ({ lock }) => lock.acquire());
 *   await until(() => lock.waiters === 1, 'the other thread waits');
 *   lock.release();
 *   expect(await other).toBe(true);
 *
 * Workers are reused. A function must be done within some seconds, or the test fails with a message that says which
 * threads wait for what, and the worker is terminated.
 */
import type * as threading from 'lockwork';
import type * as inspecting from 'lockwork/inspect';
import type * as programs from 'lockwork/wasm';
import { afterAll, afterEach } from 'vitest';
import { spawn, type Thread } from './spawn.ts';
import { describeWaiting } from './waiting.ts';

/** How long a thread's function, and `until`, may take (ms). Nothing in a test takes a tenth of it on a busy machine. */
export const PATIENCE = 20_000;

interface Job {
  id: number;
  name: string;
  worker: Thread;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  timer: ReturnType<typeof setTimeout>;
}

const idle: Thread[] = [];
const jobs = new Map<number, Job>();
let last = 0;

function start(): Thread {
  const worker = spawn(
    ({ id, value, error }) => {
      const job = jobs.get(id);
      if (!job) return;
      settle(job);
      idle.push(worker);
      if (error) job.reject(Object.assign(new Error(error.message), { name: error.name }));
      else job.resolve(value);
    },
    (error) => fail(worker, error),
  );
  return worker;
}

function settle(job: Job): void {
  clearTimeout(job.timer);
  jobs.delete(job.id);
}

function fail(worker: Thread, error: unknown): void {
  const place = idle.indexOf(worker);
  if (place >= 0) idle.splice(place, 1);
  for (const job of jobs.values()) {
    if (job.worker !== worker) continue;
    settle(job);
    job.reject(error);
  }
}

type Api = typeof threading;
type Inspect = typeof inspecting;
type Programs = typeof programs;

/**
 * Runs `fn(args, lockwork, lockwork/inspect, lockwork/wasm)` on another thread and answers what it returns. `fn` travels as text: it sees
 * its arguments only. Primitives in `args` arrive attached, typed arrays shared.
 */
export function thread<A, R>(
  args: A,
  fn: (args: A, api: Api, inspect: Inspect, programs: Programs) => R,
  within = PATIENCE,
): Promise<Awaited<R>> {
  const worker = idle.pop() ?? start();
  const id = ++last;
  const promise = new Promise<unknown>((resolve, reject) => {
    const timer = setTimeout(() => {
      fail(worker, new Error(`a thread did not finish within ${within} ms: ${fn}\n${describeWaiting()}`));
      void worker.terminate();
    }, within);
    jobs.set(id, { id, name: fn.name, worker, resolve, reject, timer });
    worker.postMessage({ id, source: String(fn), args });
  });
  // A test that fails elsewhere first must not be followed by an unhandled rejection.
  promise.catch(() => {});
  return promise as Promise<Awaited<R>>;
}

/** The same function on `count` threads at once; each also gets its `index`. */
export function threads<A, R>(
  count: number,
  args: A,
  fn: (args: A & { index: number }, api: Api, inspect: Inspect, programs: Programs) => R,
  within = PATIENCE,
): Promise<Awaited<R>[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => thread({ ...args, index }, fn, within)));
}

/** Waits for a state, looking again and again without blocking the thread. */
export async function until(
  state: () => boolean,
  what: string,
  within = PATIENCE,
  arena?: threading.Arena,
): Promise<void> {
  const deadline = performance.now() + within;
  while (!state()) {
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}\n${describeWaiting(arena)}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** What the error that a thread threw is called, or 'none'. */
export function thrown(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: Error) => error.name,
  );
}

afterEach(async () => {
  // Threads that a failed test left behind are of no use to the next.
  const lost = new Set([...jobs.values()].map((job) => job.worker));
  for (const worker of lost) {
    fail(worker, new Error('the test ended before this thread'));
    await worker.terminate();
  }
});

/** Ends the idle workers: the next function runs in a new one, in which nothing is compiled yet. */
export async function dismiss(): Promise<void> {
  await Promise.all(idle.splice(0).map((worker) => worker.terminate()));
}

afterAll(dismiss);
