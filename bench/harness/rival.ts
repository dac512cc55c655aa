/** What is measured. */
import { quantile } from './statistics.ts';

/** One measurement of one rival. */
export interface Sample {
  /** Nanoseconds for one operation. */
  ns: number;
  /** Further figures, by the names of the topic's columns. */
  more?: Record<string, number>;
}

export interface Rival {
  name: string;
  /** Rivals are compared within a group: they have one name in all groups. */
  group?: string;
  /** Whether it is lockwork's. */
  ours: boolean;
  /** Works for about `window` ms. */
  measure(window: number): Sample | Promise<Sample>;
}

/**
 * How much longer than its window a measurement may take, and a program to start (ms). Nothing comes near it unless it
 * hangs: where much else is done, 65 threads have taken 16 s to start.
 */
export const PATIENCE = 40_000;

/** A rival did something else than it should have, or nothing any more: its figures mean nothing. */
export class Incorrect extends Error {}

/** A rival whose operations are long, and tell how long they took (ns): the median of as many as the time allows. */
export function sample(name: string, ours: boolean, operation: () => Promise<number>): Rival {
  return {
    name,
    ours,
    async measure(window) {
      const end = performance.now() + window;
      const samples: number[] = [];
      do samples.push(await operation());
      while (performance.now() < end);
      return { ns: quantile(samples, 0.5) };
    },
  };
}

/** A rival that does batches of so many operations until the time is up. */
export function repeat(name: string, ours: boolean, times: number, batch: () => unknown): Rival {
  return {
    name,
    ours,
    async measure(window) {
      const start = performance.now();
      let operations = 0;
      while (performance.now() - start < window) {
        await batch();
        operations += times;
      }
      return { ns: ((performance.now() - start) * 1e6) / operations };
    },
  };
}

let copies = 0;

/**
 * A copy of `fn` that V8 compiles on its own. Closures of one function share what V8 learns about its calls: in a loop
 * that five classes have gone through, acquire and release cost 12 ns more. So every rival gets the same loop, and its
 * own copy of it. `fn` sees its arguments and globals only.
 */
export function copy<F extends (...args: never[]) => unknown>(fn: F): F {
  // V8 knows equal sources again; the number makes them different.
  return new Function(`return ${fn} // ${copies++}`)() as F;
}
