/** Which mutants' places a scenario or a test runs: the bindings with a probe at each place say so. */

import type { Mutant } from './mutate.ts';

/** What a scenario or a test reaches. */
export interface Reach {
  readonly name: string;
  /** How long it takes, ms. */
  readonly duration: number;
  /** Indices of mutants whose places it runs, beside those that run when the bindings are loaded. */
  readonly ran: readonly number[];
  readonly loaded: readonly number[];
}

/**
 * The file with a call of `$hit` at each of these places, which says when it runs: `$hit(first)` at that of the first
 * mutant, and so on.
 */
export function probed(source: string, mutants: readonly Mutant[], first: number): string {
  // Where several places end or begin, the inner ones end first and begin last.
  const inserts = mutants.flatMap(({ start, end, statement }, index) => {
    const hit = `$hit(${first + index})`;
    const [before, after] = statement ? [`{ ${hit}; `, ' }'] : [`(${hit}, `, ')'];
    return [
      { at: start, rank: mutants.length + index, text: before },
      { at: end, rank: -index, text: after },
    ];
  });
  inserts.sort((a, b) => a.at - b.at || a.rank - b.rank);
  let done = 0;
  let result = '';
  for (const { at, text } of inserts) {
    result += source.slice(done, at) + text;
    done = at;
  }
  return result + source.slice(done);
}

/**
 * What goes before bindings with so many probes. All threads of a process have one array. Other processes leave theirs
 * in the directory that LOCKWORK_HITS names.
 */
export const prelude = (probes: number): string => `
var $hits = globalThis.$hits ??= (() => {
  const builtIn = globalThis.process?.getBuiltinModule;
  const threads = builtIn?.('node:worker_threads');
  let hits = threads?.getEnvironmentData('hits');
  if (!hits) {
    const Buffer = globalThis.SharedArrayBuffer ?? ArrayBuffer;
    hits = new Uint8Array(new Buffer(${probes}));
    if (threads && Buffer !== ArrayBuffer) threads.setEnvironmentData('hits', hits);
    if (builtIn) {
      const file = process.env.LOCKWORK_HITS + '/' + process.pid;
      process.once('exit', () => builtIn('node:fs').writeFileSync(file, hits));
    }
  }
  return hits;
})();
function $hit(place) { $hits[place] = 1; }
`;

/** The places that were hit. */
export const placesIn = (hits: Uint8Array): number[] => [...hits.keys()].filter((place) => hits[place]);
