/** Rounds, medians, spread: what all topics share. */
import type { Claim } from './claims.ts';
import type { Outsider } from './outside.ts';

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

/** A table of the bench. */
export interface Topic {
  name: string;
  title: string;
  /** Whose median the others are divided by. */
  baseline: string;
  columns?: Column[];
  claims: Claim[];
  /** Rivals in other processes, where the machine has them. */
  outsiders?: Outsider[];
  /** How many rounds it wants, where so many rivals would take too long; as a part of the usual number. */
  part?: number;
  /** @param all whether to measure also what is left out by default */
  open(all: boolean): Session | Promise<Session>;
}

/** A further figure of every sample. */
export interface Column {
  name: string;
  note: string;
  show(value: number): string;
}

export interface Session {
  rivals: Rival[];
  close?(): Promise<void>;
}

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

/** A rival did something else than it should have: its figures mean nothing. */
export class Incorrect extends Error {}

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

/** Between the two values that it falls between. */
export function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const low = sorted[Math.floor(place)]!;
  return low + (sorted[Math.ceil(place)]! - low) * (place % 1);
}

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
