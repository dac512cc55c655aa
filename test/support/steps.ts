/** Counts what JavaScript does, where a time would say more of the machine than of the program. For V8 only. */
import { Session } from 'node:inspector';

interface Counts {
  readonly result: readonly {
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

const session = new Session();

/** The inspector answers before `post` returns. */
function ask(method: string, params: object = {}): unknown {
  let answer: unknown;
  session.post(method, params, (error, result) => {
    if (error) throw error;
    answer = result;
  });
  return answer;
}

session.connect();
ask('Profiler.enable');
// From now on, since V8 counts the blocks only of what it compiles later.
ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/**
 * How often the most frequent step of this thread runs during `act`: the inside of a loop or of a condition. Calls do not
 * count by themselves, as V8 misses some of what it has optimized.
 */
export async function steps(act: () => unknown): Promise<number> {
  // Each answer begins to count anew.
  ask('Profiler.takePreciseCoverage');
  await act();
  const { result } = ask('Profiler.takePreciseCoverage') as Counts;
  const functions = result.flatMap(({ functions }) => functions);
  // The first range of each is the whole function.
  const blocks = functions.flatMap(({ ranges }) => ranges.slice(1));
  return blocks.reduce((most, { count }) => Math.max(most, count), 0);
}
