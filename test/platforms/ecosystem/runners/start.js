import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena, Event, Lock, Semaphore } from 'lockwork';

export const ROUNDS = 2_000;

/** A worker that will add as often, under a lock; `done` has a permit when it is through. */
export async function start() {
  const lock = new Lock();
  const count = Arena.default.allocate(Int32Array, 1);
  const begin = new Event();
  const [ready, done] = [new Semaphore(0), new Semaphore(0)];
  const worker = new Worker('./adder.mjs', { workerData: { lock, count, begin, ready, done, rounds: ROUNDS } });
  const exit = once(worker, 'exit');
  // It starts only while the event loop of its maker turns.
  expect(await ready.acquireAsync({ timeout: 10_000 })).toBe(true);
  begin.set();
  return { lock, count, done, exit };
}
