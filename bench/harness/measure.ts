/** Rounds in turns, and what comes of them. */
import { Incorrect, type Rival, type Sample } from './rival.ts';
import { quantile } from './statistics.ts';

export interface Row {
  name: string;
  group?: string;
  ours: boolean;
  /** ns: of all rounds the median, and the quartiles. */
  median: number;
  lower: number;
  upper: number;
  /** To the baseline's median. */
  ratio: number;
  /** Medians too. */
  more: Record<string, number>;
  samples: number[];
}

export interface Settings {
  rounds: number;
  /** ms for each rival in each round. */
  window: number;
}

/**
 * Rivals take turns, round by round, so that whatever disturbs the machine for a while disturbs all of them alike; those
 * of a group one right after the other. One of others' that turns out to be incorrect is left out.
 */
export async function measure(
  rivals: Rival[],
  baseline: string,
  { rounds, window }: Settings,
  progress: (text: string) => void,
  leaveOut = (_: Rival, why: Incorrect): void => {
    throw why;
  },
): Promise<Row[]> {
  const samples = new Map<Rival, Sample[]>(rivals.map((rival) => [rival, []]));
  const groups = [...new Set(rivals.map(({ group }) => group))];
  // Round 0 warms up and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const rival of groups.flatMap((name) => shuffled(rivals.filter(({ group }) => group === name)))) {
      progress(`round ${round} of ${rounds}: ${[rival.group, rival.name].filter(Boolean).join(': ')}`);
      if (!samples.has(rival)) continue;
      try {
        const sample = await rival.measure(window);
        if (round) samples.get(rival)!.push(sample);
      } catch (error) {
        if (rival.ours || rival.name === baseline || !(error instanceof Incorrect)) throw error;
        samples.delete(rival);
        leaveOut(rival, error);
      }
    }
  }
  const rows = rivals.flatMap((rival) => (samples.has(rival) ? row(rival, samples.get(rival)!) : []));
  return rows.map((row) => {
    const base = rows.find(({ name, group }) => name === baseline && group === row.group)!;
    return { ...row, ratio: row.median / base.median };
  });
}

let seed = 1;

/**
 * In another order each time, and in the same ones in every run. A rival inherits what the one before it has left: in a
 * fixed order, the first of two threads that hand over came after programs that let this process sleep, found both its
 * threads on one core, and took 6 µs; the same rival once more, further down, took 24 µs on two.
 */
function shuffled<T>(items: T[]): T[] {
  const keyed = items.map((item) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return { item, key: seed };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

function row({ name, group, ours }: Rival, samples: Sample[]): Row {
  const ns = samples.map((sample) => sample.ns);
  const columns = Object.keys(samples[0]!.more ?? {});
  return {
    name,
    ...(group && { group }),
    ours,
    median: quantile(ns, 0.5),
    lower: quantile(ns, 0.25),
    upper: quantile(ns, 0.75),
    ratio: 1,
    more: Object.fromEntries(
      columns.map((column) => [
        column,
        quantile(
          samples.map((it) => it.more![column]!),
          0.5,
        ),
      ]),
    ),
    samples: ns,
  };
}
