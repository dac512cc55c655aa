/** Two threads, started once, that do the same at the same time. */
import { Worker } from 'node:worker_threads';

/** What both threads are asked to do: a contender of a topic, and what it works on. */
export interface Trial {
  topic: string;
  name: string;
  shared: unknown;
}

/** What a thread did. */
export interface Report {
  operations: number;
  milliseconds: number;
}

/** Words that say when a trial begins and ends, each in a cache line of its own. */
export interface Control {
  /** How many threads are ready. */
  ready: Int32Array;
  /** 1 when the time is up. */
  stop: Int32Array;
  /** 1 when a side has seen it. */
  over: Int32Array;
}

/** Something that two threads do in turns or against each other. */
export interface Contender<Tool> {
  name: string;
  ours: boolean;
  /** What the threads share: a primitive of lockwork, or anything else that can be posted. */
  share(): unknown;
  /** What a thread makes of it. */
  use(shared: unknown, side: number): Tool;
}

/** A contender, with the type of what is shared. */
export function contender<Tool, Shared>(
  name: string,
  ours: boolean,
  share: () => Shared,
  use: (shared: Shared, side: number) => Tool,
): Contender<Tool> {
  return { name, ours, share, use: use as (shared: unknown, side: number) => Tool };
}

/** How much longer than its window a trial may take (ms): nothing comes near it unless it hangs. */
const PATIENCE = 10_000;

export class Pair {
  readonly #control: Control = { ready: word(), stop: word(), over: word() };
  readonly #workers = [0, 1].map(
    (side) => new Worker(new URL('./worker.ts', import.meta.url), { workerData: { side, control: this.#control } }),
  );

  /** Both threads at once, for about `window` ms. */
  async run(trial: Trial, window: number): Promise<Report[]> {
    for (const word of Object.values(this.#control)) word[0] = 0;
    const timer = setTimeout(() => Atomics.store(this.#control.stop, 0, 1), window);
    try {
      return await Promise.all(this.#workers.map((worker) => ask(worker, trial, window + PATIENCE)));
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function word(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64), 0, 1);
}

function ask(worker: Worker, trial: Trial, within: number): Promise<Report> {
  return new Promise<Report>((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      worker.off('message', succeed).off('error', fail);
      act();
    };
    const succeed = (report: Report): void => settle(() => resolve(report));
    const fail = (error: Error): void => settle(() => reject(error));
    const timer = setTimeout(fail, within, new Error(`${trial.topic}, ${trial.name}: a thread does not come back`));
    worker.on('message', succeed).on('error', fail).postMessage(trial);
  });
}
