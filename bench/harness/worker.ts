/** One of the threads: waits for the others, does its part of a trial, reports. */
import { availableParallelism } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from 'lockwork';
import { type Order, type Part, type Report, SETTLING, type Side } from './threads.ts';

const { module, side, control } = workerData as Side;
const { part } = (await import(module)) as { part: Part };

/** Kept from round to round, with what V8 has learnt of them. */
const parts = new Map<string, Awaited<ReturnType<Part>>>();

parentPort!.on('message', async ({ name, variant, shared, threads }: Order) => {
  const key = `${name} ${variant}`;
  const work = parts.get(key) ?? (await part(name, attachAll(shared), side, control));
  parts.set(key, work);
  settle(threads);
  assemble(threads);
  const before = process.threadCpuUsage();
  const start = performance.now();
  const operations = await work();
  const milliseconds = performance.now() - start;
  const { user, system } = process.threadCpuUsage(before);
  const report: Report = { operations, milliseconds, cpu: (user + system) * 1000 };
  parentPort!.postMessage(report);
});

/**
 * Threads that have slept while others were measured are likely to be woken on one core, and to stay there. Those that
 * compute at the same time get a core each, if there are as many.
 */
function settle(threads: number): void {
  if (threads > availableParallelism()) return;
  const until = performance.now() + SETTLING;
  while (performance.now() < until);
}

/** The last to come lets all begin. */
function assemble(threads: number): void {
  let ready = Atomics.add(control.ready, 0, 1) + 1;
  if (ready === threads) Atomics.notify(control.ready, 0);
  for (; ready < threads; ready = Atomics.load(control.ready, 0)) Atomics.wait(control.ready, 0, ready);
}

/** Handles become what they name; everything else stays. */
function attachAll(shared: unknown): unknown {
  if (Array.isArray(shared)) return shared.map(attachAll);
  const isHandle = typeof shared === 'object' && shared !== null && 'kind' in shared;
  return isHandle ? attach(shared as Parameters<typeof attach>[0]) : shared;
}
