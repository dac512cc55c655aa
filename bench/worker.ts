/** A thread of a pair: waits for the other one, does its part of a trial, reports. */
import { parentPort, workerData } from 'node:worker_threads';
import { attach } from 'lockwork';
import { contend } from './contended.ts';
import { bounce } from './handoff.ts';
import { enter } from './outside/v8.ts';
import type { Control, Report, Trial } from './pair.ts';

const { side, control } = workerData as { side: number; control: Control };

/** What makes of a contender, by name, a function that does this side's part of a trial and answers its operations. */
const topics: Record<string, (name: string, shared: unknown, side: number, control: Control) => () => number> = {
  contended: contend,
  handoff: (...contender) => bounce(...contender, false),
  parked: (...contender) => bounce(...contender, true),
  v8: enter,
};
/** Kept from round to round, with what V8 has learnt of them. */
const parts = new Map<string, () => number>();

parentPort!.on('message', ({ topic, name, shared }: Trial) => {
  const key = `${topic} ${name}`;
  const part = parts.get(key) ?? topics[topic]!(name, attachAll(shared), side, control);
  parts.set(key, part);
  if (Atomics.add(control.ready, 0, 1)) Atomics.notify(control.ready, 0);
  else Atomics.wait(control.ready, 0, 1);
  const start = performance.now();
  const operations = part();
  const report: Report = { operations, milliseconds: performance.now() - start };
  parentPort!.postMessage(report);
});

/** Handles become what they name; everything else stays. */
function attachAll(shared: unknown): unknown {
  if (Array.isArray(shared)) return shared.map(attachAll);
  const isHandle = typeof shared === 'object' && shared !== null && 'kind' in shared;
  return isHandle ? attach(shared as Parameters<typeof attach>[0]) : shared;
}
