/** What a lock lets through, at what price and how fairly, when threads hold it for a while and leave it for a while. */
import { atLeast, atMost, type Claim } from '../harness/claims.ts';
import { CPU } from '../harness/cost.ts';
import { tally } from '../harness/counting.ts';
import { copy, type Sample } from '../harness/rival.ts';
import { type Contender, type Part, Threads } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';
import { calibrate, time, worker } from '../harness/work.ts';
import { ATOMICS } from '../rivals/atomics.ts';
import { FUTEX } from '../rivals/wasm.ts';
import { type Holdable, MUTEXES } from './contended.ts';

/** How long threads hold the lock, and how long they think before they want it again (ns). */
interface Mix {
  threads: number;
  hold: number;
  think: number;
}

const MIXES: Mix[] = [2, 4, 8, 16].flatMap((threads) =>
  [0, 100, 1000, 10_000].flatMap((hold) =>
    [...new Set([0, hold, 10 * hold])].map((think) => ({ threads, hold, think })),
  ),
);

/** Without `--all`: hold and think of a lock that is never free, and of some that are more and more often. */
const DEFAULT = ['0 0', '1000 0', '1000 1000', '100 1000', '10000 100000'];

const LONGEST = 'longest wait';
const JAIN = "Jain's index";

export const mix: Topic = {
  name: 'mix',
  title: 'Threads that hold a lock and think, in turns: ns for each turn of any thread',
  baseline: FUTEX,
  columns: [
    { name: CPU, note: 'ns that the process computes for each turn', show: (ns) => ns.toFixed(0) },
    {
      name: LONGEST,
      note: 'of any thread',
      show: (ns) => `${(ns / 1e6).toFixed(2)} ms`,
    },
    { name: JAIN, note: '1 when all threads have as many turns', show: (index) => index.toFixed(2) },
  ],
  claims: [
    throughput('2 threads', labels([2]), FUTEX, 0.9),
    throughput('2 threads', labels([2]), ATOMICS, 1.5),
    throughput('8 and 16 threads', labels([8, 16]), FUTEX, 0.9),
    throughput('8 threads that hold and think nothing', [label({ threads: 8, hold: 0, think: 0 })], FUTEX, 0.95),
    thrift('8 and 16 threads', labels([8, 16])),
  ],
  part: 1 / 4,
  open(all) {
    const mixes = MIXES.filter(
      ({ threads, hold, think }) => all || (threads !== 4 && DEFAULT.includes(`${hold} ${think}`)),
    );
    const threads = new Threads(import.meta.url, Math.max(...mixes.map(({ threads }) => threads)));
    return {
      rivals: mixes.flatMap((mix) =>
        MUTEXES.map((mutex) => {
          const compete = competition(threads, mutex, mix.hold, Array(mix.threads).fill(mix.think));
          return {
            name: mutex.name,
            group: label(mix),
            ours: mutex.ours,
            // Apart, since a thread that looks at the clock twice in each turn is 100 ns late.
            async measure(window) {
              const { waits } = await compete(window / 2, true);
              return sample(await compete(window / 2, false), waits);
            },
          };
        }),
      ),
      close: () => threads.close(),
    };
  },
};

function label({ threads, hold, think }: Mix): string {
  return `${threads} threads, hold ${time(hold)}, think ${time(think)}`;
}

function sample({ ns, cpu, turns }: Outcome, waits: number[]): Sample {
  const sum = turns.reduce((a, b) => a + b);
  const squares = turns.reduce((squares, count) => squares + count ** 2, 0);
  return {
    ns,
    more: { [CPU]: cpu / sum, [LONGEST]: Math.max(...waits), [JAIN]: sum ** 2 / (turns.length * squares) },
  };
}

// Claims are about the worst of the mixes.

function throughput(who: string, groups: string[], theirs: string, least: number): Claim {
  return atLeast(least, {
    text: `${who}: Lock lets through at least ${least} times what the ${theirs} does`,
    ours: 'Lock',
    theirs,
    groups,
  });
}

function thrift(who: string, groups: string[]): Claim {
  return atMost(1.2, {
    text: `${who}: a turn takes at most 1.2 times the CPU time of the ${FUTEX}`,
    ours: 'Lock',
    theirs: FUTEX,
    groups,
    figure: ({ more }) => more[CPU]!,
  });
}

function labels(threads: number[]): string[] {
  return MIXES.filter((mix) => threads.includes(mix.threads)).map(label);
}

/** What came of a competition; times in ns. */
interface Outcome {
  /** For one turn. */
  ns: number;
  /** Of the whole process. */
  cpu: number;
  /** Of each thread: how many turns, and the longest wait, if it looked at the clock. */
  turns: number[];
  waits: number[];
}

/** What the threads of a competition share; `speed` in steps of work for each ns. */
type Shared = [
  lock: unknown,
  counter: Int32Array,
  waits: Float64Array,
  speed: number,
  hold: number,
  thinks: number[],
  timed: boolean,
];

/** A competition of as many threads as there are times to think: each holds the mutex, and thinks (ns), in turns. */
export function competition(
  threads: Threads,
  { name, share }: Contender<Holdable>,
  hold: number,
  thinks: number[],
): (window: number, timed: boolean) => Promise<Outcome> {
  const counter = new Int32Array(new SharedArrayBuffer(64), 0, 1);
  const waits = new Float64Array(new SharedArrayBuffer(8 * thinks.length));
  const handle = share();
  return async (window, timed) => {
    const shared: Shared = [handle, counter, waits, calibrate(), hold, thinks, timed];
    const trial = { name, variant: `${hold} ${thinks} ${timed}`, shared };
    counter[0] = 0;
    const before = process.cpuUsage();
    const reports = await threads.run(trial, window, thinks.length);
    const { user, system } = process.cpuUsage(before);
    const { ns } = tally(name, reports, counter[0]!);
    const turns = reports.map(({ operations }) => operations);
    return { ns, cpu: (user + system) * 1000, turns, waits: [...waits] };
  };
}

/** Until the time is up. */
export const part: Part = (name, shared, side, { stop }) => {
  const [handle, counter, waits, speed, hold, thinks, timed] = shared as Shared;
  return copy(turns)({
    lock: MUTEXES.find((mutex) => mutex.name === name)!.use(handle, side),
    counter,
    stop,
    work: worker(),
    hold: Math.round(hold * speed),
    think: Math.round(thinks[side]! * speed),
    timed,
    report(longest) {
      waits[side] = longest * 1e6;
    },
  });
};

interface Competitor {
  lock: Holdable;
  counter: Int32Array;
  stop: Int32Array;
  work: (steps: number) => void;
  /** Steps. */
  hold: number;
  think: number;
  timed: boolean;
  /** ms. */
  report(longest: number): void;
}

const turns =
  ({ lock, counter, stop, work, hold, think, timed, report }: Competitor) =>
  () => {
    let turns = 0;
    let longest = 0;
    do {
      const start = timed ? performance.now() : 0;
      lock.acquire();
      const end = timed ? performance.now() : 0;
      // A thread that comes in meanwhile loses an increment.
      const count = counter[0]!;
      work(hold);
      counter[0] = count + 1;
      lock.release();
      longest = Math.max(longest, end - start);
      work(think);
      turns++;
    } while (!Atomics.load(stop, 0));
    report(longest);
    return turns;
  };
