/** One of the threads: waits for the others, does its part of a trial, reports. */
import { availableParallelism } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from 'lockwork';
import { gather } from './across.ts';
import { contend } from './contended.ts';
import { bounce } from './handoff.ts';
import { flock } from './herd.ts';
import { compete } from './mix.ts';
import { enter } from './outside/v8.ts';
import { type Control, type Order, type Report, SETTLING } from './threads.ts';

const { side, control } = workerData as { side: number; control: Control };

/** This side's part of a trial: answers its operations. */
type Part = () => number | Promise<number>;

/** What makes it of a contender, by name. */
const topics: Record<string, (name: string, shared: unknown, side: number, control: Control) => Part> = {
  across: gather,
  contended: contend,
  handoff: (...contender) => bounce(...contender, false),
  parked: (...contender) => bounce(...contender, true),
  mix: compete,
  herd: flock,
  v8: enter,
};
/** Kept from round to round, with what V8 has learnt of them. */
const parts = new Map<string, Part>();

parentPort!.on('message', async ({ topic, name, variant, shared, threads }: Order) => {
  const key = `${topic} ${name} ${variant}`;
  const part = parts.get(key) ?? topics[topic]!(name, attachAll(shared), side, control);
  parts.set(key, part);
  settle(threads);
  assemble(threads);
  const start = performance.now();
  const operations = await part();
  const report: Report = { operations, milliseconds: performance.now() - start };
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

/** Whoever comes last lets all begin. */
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
