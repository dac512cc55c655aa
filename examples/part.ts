/** The thread's side of every platform: performs parts. */
import { Barrier, type Handle } from 'lockwork';
import { type Name, programs } from './programs.ts';
import type { Kind, Part, Say } from './stage.ts';

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
  start?: Handle<'Barrier'>;
}

/** A step on its way to the main thread. */
export interface Posted {
  order: number;
  /** By the clock that all threads share. */
  clock: number;
  thread: string;
  kind: Kind;
  text: string;
  of?: string;
}

let number = 0;

export async function perform(
  { program, part, props, name, taken, numbered, start }: Call,
  post: (step: Posted) => void,
): Promise<void> {
  const parts = programs[program] as unknown as Record<string, Part<unknown>>;
  number ||= Atomics.add(numbered, 0, 1) + 1;
  if (start) Barrier.from(start).wait();
  await parts[part]!(props, voice(name ?? `thread ${number}`, taken, post));
}

/** How a thread tells what it does. */
export function voice(thread: string, taken: Int32Array, post: (step: Posted) => void): Say {
  return (kind, text, of) => {
    // The order is taken here and now: messages of different threads may overtake each other.
    const order = Atomics.add(taken, 0, 1);
    post({ order, clock: Date.now(), thread, kind, text, ...(of && { of }) });
  };
}
