/** The thread's side: runs parts. Piscina calls `play`; `thread.ts` does for threads without a pool. */
import { parentPort } from 'node:worker_threads';
import { Barrier, type Handle } from 'lockwork';
import { type Name, programs } from './programs.ts';
import type { Part } from './stage.ts';

/** Words of the log: how many steps were taken, and how many threads of the pool have a number. */
export const STEPS = 0;
export const THREADS = 1;

export interface Call {
  program: Name;
  part: string;
  props: unknown;
  /** The thread's name, if it is not one of a pool. */
  name?: string;
  log: Int32Array;
  /** Where the threads meet before the first begins. */
  start?: Handle;
}

/** A step on its way to the main thread. */
export interface Posted {
  order: number;
  /** By the clock that all threads share. */
  clock: number;
}

let number = 0;

export default function play({ program, part, props, name, log, start }: Call): void {
  number ||= Atomics.add(log, THREADS, 1) + 1;
  const thread = name ?? `thread ${number}`;
  if (start) Barrier.from(start).wait();
  (programs[program] as unknown as Record<string, Part<unknown>>)[part]!(props, (kind, text) => {
    // The order is taken here and now: messages of different threads may overtake each other.
    const order = Atomics.add(log, STEPS, 1);
    parentPort!.postMessage({ order, clock: Date.now(), thread, kind, text });
  });
}
