/** Runs a program on Node's threads. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Arena, Barrier } from 'lockwork';
import { Piscina } from 'piscina';
import { type Name, programs } from './programs.ts';
import type { Stage, Step, Verdict } from './stage.ts';
import type { Call, Posted } from './worker.ts';

/** Who wants to see it as it happens. */
export interface Audience {
  begins(threads: string[]): void;
  step(step: Step): void;
}

export interface Played {
  steps: Step[];
  verdict: Verdict;
}

/** How long the threads may take to start (ms), on a very busy machine. */
const PATIENCE = 30_000;

export async function run(program: Name, audience?: Audience): Promise<Played> {
  const taken = Arena.default.allocate(Int32Array, 1);
  const numbered = Arena.default.allocate(Int32Array, 1);
  const steps: Step[] = [];
  const early = new Map<number, Step & Posted>();
  let zero = 0;

  /** Puts the steps back into their order. */
  function take(message: Step & Posted): void {
    early.set(message.order, message);
    for (let next = early.get(steps.length); next; next = early.get(steps.length)) {
      const { order, clock, thread, kind, text } = next;
      early.delete(order);
      zero ||= clock;
      const step = { time: Math.max(clock - zero, steps.at(-1)?.time ?? 0), thread, kind, text };
      steps.push(step);
      audience?.step(step);
    }
  }

  const stage: Stage = {
    async pool(size, part, tasks) {
      audience?.begins(Array.from({ length: size }, (_, index) => `thread ${index + 1}`));
      const start = new Barrier(size, { timeout: PATIENCE });
      const pool = new Piscina<Call, void>({
        filename: new URL('./worker.ts', import.meta.url).href,
        minThreads: size,
        maxThreads: size,
        idleTimeout: Number.POSITIVE_INFINITY,
      });
      pool.on('message', take);
      try {
        const call = { program, part: part.name, taken, numbered };
        await Promise.all(
          // As many as there are threads meet at the start, so each of those is on a thread of its own.
          tasks.map((props, index) => pool.run(index < size ? { ...call, props, start } : { ...call, props })),
        );
        // Results come by another way than steps, and may be here first. An idle pool keeps no process alive; this does.
        while (steps.length < Atomics.load(taken, 0)) await setTimeout(1);
      } finally {
        await pool.destroy();
      }
      start.destroy();
    },

    async threads(roles) {
      audience?.begins(roles.map(({ name }) => name));
      const start = new Barrier(roles.length, { timeout: PATIENCE });
      const workers = roles.map((role) => {
        const workerData: Call = { program, ...role, taken, numbered, start };
        return new Worker(new URL('./thread.ts', import.meta.url), { workerData }).on('message', take);
      });
      try {
        await Promise.all(workers.map((worker) => once(worker, 'exit')));
      } finally {
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      start.destroy();
    },
  };

  await programs[program].main(stage);
  Arena.default.free(taken);
  Arena.default.free(numbered);
  return { steps, verdict: programs[program].verdict(steps) };
}
