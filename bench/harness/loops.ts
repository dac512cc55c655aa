/** Rivals that are loops of one thread. */
import { Bench } from 'tinybench';
import { type Rival, repeat } from './rival.ts';

/** Operations in one call of tinybench's: many, so that its own work does not count; and few, so that the calls are
 * many and V8 optimizes what they call (it never replaces a wasm function while that runs). */
export const BATCH = 1000;

export function blocking(name: string, ours: boolean, batch: () => void): Rival {
  return {
    name,
    ours,
    measure(window) {
      const bench = new Bench({ time: window, iterations: 1, warmup: false, throws: true });
      bench.add(name, batch).runSync();
      const { result } = bench.tasks[0]!;
      if (result.state !== 'completed') throw new Error(`${name}: tinybench ${result.state}`);
      // A page's clock ticks less often than batches begin; the mean evens that out.
      const { p50, mean } = result.latency;
      return { ns: ((typeof process === 'undefined' ? mean : p50) * 1e6) / BATCH };
    },
  };
}

/** Acquires and releases so many times. */
export type Turns = (times: number) => Promise<void>;

/** So many tasks at once. */
export function awaiting(name: string, ours: boolean, turns: Turns, tasks: number): Rival {
  return repeat(name, ours, BATCH, () => Promise.all(Array.from({ length: tasks }, () => turns(BATCH / tasks))));
}
