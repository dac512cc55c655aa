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
 * How often the most frequent step of this thread runs during `act`: the inside of an innermost loop, say. V8 counts each
 * block of code, and begins with each answer anew. Where it optimizes it may miss some calls, and says less.
 */
export async function steps(act: () => unknown): Promise<number> {
  ask('Profiler.takePreciseCoverage');
  await act();
  const { result } = ask('Profiler.takePreciseCoverage') as Counts;
  const blocks = result.flatMap(({ functions }) => functions).flatMap(({ ranges }) => ranges);
  return blocks.reduce((most, { count }) => Math.max(most, count), 0);
}
