/** The machine: what it is, and what others do on it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { path } from './files.ts';

export function machine() {
  const { version } = JSON.parse(readFileSync(path('package.json'), 'utf8'));
  const { node, v8 } = process.versions;
  return { lockwork: version as string, node, v8, cpu: cpus()[0]?.model ?? '?', cores: availableParallelism() };
}

/** For how long to look at what others do (ms). */
const LOOK = 200;
/** Others that compute on one of two cores leave two threads one together: then they do not contend, but take turns. */
const QUIET = 0.1;

/** A warning, if others use much of the cores while this process sleeps but for what it has to clean up. */
export async function disturbance(): Promise<string[]> {
  const sum = (): { all: number; used: number } => {
    const times = cpus().map(({ times }) => times);
    const all = times.flatMap((it) => Object.values(it)).reduce((a, b) => a + b, 0);
    const { user, system } = process.cpuUsage();
    return { all, used: all - times.reduce((sum, { idle }) => sum + idle, 0) - (user + system) / 1000 };
  };
  const before = sum();
  await setTimeout(LOOK);
  const after = sum();
  const others = (after.used - before.used) / (after.all - before.all || 1);
  if (others <= QUIET) return [];
  const part = `${(others * 100).toFixed(0)} % of the cores`;
  return [`Others used ${part} when this began: figures of several threads are not to be trusted`];
}
