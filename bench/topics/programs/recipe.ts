/** What the topics of programs have in common: each program is written once, and made with the tools of every kit. */
import { atMost, type Claim } from '../../harness/claims.ts';
import { CPU, CPU_COLUMN, cost, type Spent } from '../../harness/cost.ts';
import type { Outsider } from '../../harness/outside.ts';
import type { Rival } from '../../harness/rival.ts';
import { type Control, type Part, type Report, Threads } from '../../harness/threads.ts';
import type { Topic } from '../../harness/topic.ts';
import { calibrate, worker } from '../../harness/work.ts';
import { BY_HAND, KITS, type Plan, type Tools } from '../../rivals/kits.ts';
import { GLIBC } from '../../rivals/programs.ts';

/** What tells apart the shapes of one program. */
export interface Shape {
  threads: number;
  /** ns: how long `work` takes. */
  work: number;
}

export interface Recipe<S extends Shape> {
  /** The URL of the module that exports the threads' part. */
  module: string;
  shapes: S[];
  /** Whether it is measured without `--all`. */
  isUsual(shape: S): boolean;
  label(shape: S): string;
  plan(shape: S): Plan;
  /** How many words the threads share beside the tools; they are 0 at first. */
  words(shape: S): number;
  /** How many operations that was; throws when the program did something else than it should have. */
  count(shape: S, words: Int32Array, operations: number[]): number;
  /** Where not the whole trial is what is measured: what was spent on those operations. */
  spent?(shape: S, words: Int32Array): Spent;
  /** Its name and two numbers in pthread-programs.c, where it is. */
  glibc?(shape: S): [string, number?, number?];
  /** Kits that cannot do it, and why. */
  without?: Record<string, string>;
}

/** What a thread has for its part. */
export interface Scene<S extends Shape> extends Control {
  tools: Tools;
  words: Int32Array;
  shape: S;
  side: number;
  work(): void;
}

type Shared<S extends Shape> = [tools: unknown, words: Int32Array, shape: S, steps: number];

/** That lockwork takes no longer, and computes no longer, than the best of the others, or the one named. */
export function claims(bound: number, theirs?: string): Claim[] {
  const beside = { ours: 'lockwork', ...(theirs && { theirs }) };
  const text = `lockwork takes at most ${bound} times as long as ${theirs ?? 'the best of the others'}`;
  return [
    atMost(bound, { ...beside, text }),
    atMost(bound, { ...beside, text: '… and as much CPU time', figure: ({ more }) => more[CPU]! }),
  ];
}

/** `about` has what differs from other programs. */
export function topic<S extends Shape>(
  recipe: Recipe<S>,
  about: Pick<Topic, 'name' | 'title'> & Partial<Topic>,
): Topic {
  const { module, shapes, isUsual, without = {} } = recipe;
  return {
    baseline: BY_HAND,
    columns: [CPU_COLUMN],
    claims: claims(1.05),
    part: 1 / 6,
    outsiders: shapes.flatMap((shape) => glibc(recipe, shape)),
    open(all) {
      const measured = shapes.filter((shape) => all || isUsual(shape));
      const threads = new Threads(module, Math.max(...measured.map(({ threads }) => threads)));
      return {
        rivals: measured.flatMap((shape) => rivals(recipe, shape, threads)),
        notes: Object.entries(without).map(([name, reason]) => `not over ${name}: ${reason}`),
        close: () => threads.close(),
      };
    },
    ...about,
  };
}

function glibc<S extends Shape>({ glibc, label }: Recipe<S>, shape: S): Outsider[] {
  if (!glibc) return [];
  const [name, first = 0, second = 0] = glibc(shape);
  return [
    {
      name: 'glibc',
      group: label(shape),
      program: GLIBC,
      get task() {
        return [name, shape.threads, steps(shape), first, second].join(' ');
      },
    },
  ];
}

/** Of its work. */
function steps({ work }: Shape): number {
  return Math.round(work * calibrate());
}

/** One for each kit. */
function rivals<S extends Shape>(recipe: Recipe<S>, shape: S, threads: Threads): Rival[] {
  const { label, plan, words, count, spent, without } = recipe;
  const group = label(shape);
  return KITS.filter(({ name }) => !without?.[name]).map(({ name, ours, share }) => {
    const shown = new Int32Array(new SharedArrayBuffer(4 * words(shape)));
    const tools = share(plan(shape));
    return {
      name,
      group,
      ours,
      async measure(window) {
        shown.fill(0);
        const shared: Shared<S> = [tools, shown, shape, steps(shape)];
        const reports = await threads.run({ name, variant: group, shared }, window, shape.threads);
        const operations = reports.map(({ operations }) => operations);
        const times = count(shape, shown, operations);
        return cost(spent?.(shape, shown) ?? all(reports), times);
      },
    };
  });
}

function all(reports: Report[]): Spent {
  return {
    milliseconds: Math.max(...reports.map(({ milliseconds }) => milliseconds)),
    cpu: reports.reduce((sum, { cpu }) => sum + cpu!, 0),
  };
}

/** The part of each thread: `act` makes of its scene what it does in each trial, a copy for each kit (see `copy`). */
export function parts<S extends Shape>(
  { plan }: Recipe<S>,
  act: (scene: Scene<S>) => () => number | Promise<number>,
): Part {
  return async (name, shared, side, control) => {
    const [handles, words, shape, steps] = shared as Shared<S>;
    const tools = await KITS.find((kit) => kit.name === name)!.use(handles, plan(shape));
    const compute = worker();
    const work = steps ? () => compute(steps) : () => {};
    return act({ ...control, tools, words, shape, side, work });
  };
}
