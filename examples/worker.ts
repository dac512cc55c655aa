/** The thread's side: runs parts. Piscina calls `play`; `thread.ts` does for threads without a pool. */
import { parentPort } from 'node:worker_threads';
import { Barrier, type Handle } from 'lockwork';
import type { Name } from './programs.ts';
import type { Part } from './stage.ts';

export interface Call {
  program: Name;
  part: string;
  props: unknown;
  /** The thread's name, if it is not one of a pool. */
  name?: string;
  /** How many steps were taken, by all threads. */
  taken: Int32Array;
  /** How many threads have a number. */
  numbered: Int32Array;
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

export default async function play({ program, part, props, name, taken, numbered, start }: Call): Promise<void> {
  const parts: Record<string, Part<unknown>> = await import(`./${program}.ts`);
  number ||= Atomics.add(numbered, 0, 1) + 1;
  const thread = name ?? `thread ${number}`;
  if (start) Barrier.from(start).wait();
  parts[part]!(props, (kind, text) => {
    // The order is taken here and now: messages of different threads may overtake each other.
    const order = Atomics.add(taken, 0, 1);
    parentPort!.postMessage({ order, clock: Date.now(), thread, kind, text });
  });
}
