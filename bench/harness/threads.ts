/** Threads, started once, that do the same at the same time. */
import { Worker } from 'node:worker_threads';
import { PATIENCE } from './rival.ts';

/** What the threads are asked to do: a contender of their module, and what it works on. */
export interface Trial {
  name: string;
  /** Tells apart what one contender is asked to do. */
  variant?: string;
  shared: unknown;
}

export interface Order extends Trial {
  /** How many threads have got it. */
  threads: number;
}

/** What a thread did. */
export interface Report {
  operations: number;
  milliseconds: number;
  /** For how long its thread computed meanwhile (ns). */
  cpu?: number;
}

/** Words that say when a trial begins and ends, each in a cache line of its own. */
export interface Control {
  /** How many threads are ready. */
  ready: Int32Array;
  /** 1 when the time is up. */
  stop: Int32Array;
  /** 1 when the side that begins has seen it. */
  over: Int32Array;
}

/**
 * What the module of threads exports as `part`: makes of a contender, by its name, and of what is shared what one side
 * does in each trial of it; that answers how many operations it was.
 */
export type Part = (name: string, shared: unknown, side: number, control: Control) => Do | Promise<Do>;

type Do = () => number | Promise<number>;

/** What a thread begins with. */
export interface Side {
  /** The URL of the module that has its part. */
  module: string;
  side: number;
  control: Control;
}

/** Something that threads do in turns or against each other. */
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

/** How long threads compute before a trial, to get a core each (ms). */
export const SETTLING = 20;

export class Threads {
  readonly #control: Control = { ready: word(), stop: word(), over: word() };
  readonly #workers: Worker[];

  /** @param module the URL of the one that exports their `part` */
  constructor(module: string, count: number) {
    const control = this.#control;
    this.#workers = Array.from({ length: count }, (_, side) => {
      const workerData: Side = { module, side, control };
      return new Worker(new URL('./worker.ts', import.meta.url), { workerData });
    });
  }

  /** All of them at once, or the first few, for about `window` ms. */
  async run(trial: Trial, window: number, threads = this.#workers.length): Promise<Report[]> {
    for (const word of Object.values(this.#control)) word[0] = 0;
    const workers = this.#workers.slice(0, threads);
    const reports = Promise.all(workers.map((worker) => ask(worker, { ...trial, threads }, window + PATIENCE)));
    await Promise.race([this.#assembled(threads), reports]);
    const timer = setTimeout(() => Atomics.store(this.#control.stop, 0, 1), window);
    return reports.finally(() => clearTimeout(timer));
  }

  /** Until the last one comes: on a busy machine that takes longer than some windows. */
  async #assembled(threads: number): Promise<void> {
    const { ready } = this.#control;
    for (let n = 0; n < threads; n = Atomics.load(ready, 0)) await Atomics.waitAsync(ready, 0, n).value;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function word(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64), 0, 1);
}

function ask(worker: Worker, order: Order, within: number): Promise<Report> {
  return new Promise<Report>((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      worker.off('message', succeed).off('error', fail);
      act();
    };
    const succeed = (report: Report): void => settle(() => resolve(report));
    const fail = (error: Error): void => settle(() => reject(error));
    const what = [order.variant, order.name].filter(Boolean).join(', ');
    const timer = setTimeout(fail, within, new Error(`${what}: a thread does not come back`));
    worker.on('message', succeed).on('error', fail).postMessage(order);
  });
}
