/**
 * The checker: goes through every state that several threads and their shared memory can get into.
 *
 * A state is: what each thread does next (thread.ts), which threads sleep where, the contents of memory, and the state of
 * the monitor that watches for the scenario's promises (store.ts). `explorer.ts` makes the successors of each.
 *
 * What is found wrong in any state:
 *   trap        the wasm trapped
 *   race        two threads are about to access the same bytes, one of them writing, one of them not atomically (nor a guess)
 *   stale       a thread read a word that had lost its meaning
 *   monitor     the scenario's monitor objects
 *   deadlock    no thread can do anything, and not all are done
 *   spinning    a thread that waits goes round in circles instead of going to sleep
 *   starvation  a thread from here on can never finish what it is doing, whatever the others do
 *
 * The last two are found in the end, in the graph of all steps (liveness.ts). How a fault came about: counterexample.ts.
 * Not every interleaving has to be explored: reduction.ts.
 */

import { type Exploration, Explorer, type Limits } from './explorer.ts';
import { ReductionChanged } from './reduction.ts';
import type { System } from './system.ts';

export interface Options extends Limits {
  /** What an earlier search learned about the same scenario: it need not be found out step by step once more. */
  readonly known?: Pick<Verdict, 'dependentWords' | 'writtenLines'> | undefined;
}

export interface Verdict extends Exploration {
  /** How many explorations it took, each with one more thing known. */
  readonly explorations: number;
  readonly localStates: number;
  /** Words two threads meet at; all others are independent. */
  readonly dependentWords: readonly number[];
  /** Lines of memory that are written. */
  readonly writtenLines: readonly number[];
}

export function check(system: System, options: Options = {}): Verdict {
  const dependent = new Set(options.known?.dependentWords);
  const lines = [...(options.known?.writtenLines ?? [])];
  for (let explorations = 1; ; explorations++) {
    try {
      return {
        ...new Explorer(system, options, dependent, lines).run(),
        explorations,
        localStates: system.threads.states.length,
        dependentWords: [...dependent].sort((a, b) => a - b),
        writtenLines: lines,
      };
    } catch (error) {
      if (!(error instanceof ReductionChanged)) throw error;
    }
  }
}
