/** `npm run bench:compare`: this build beside another one, in one run. Whatever it finds, it ends with 0. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { path } from '../harness/files.ts';
import { disturbance } from '../harness/machine.ts';
import { measure } from '../harness/measure.ts';
import { Program } from '../harness/program.ts';
import { progress } from '../harness/progress.ts';
import { quantile } from '../harness/statistics.ts';
import { align, number } from '../harness/table.ts';
import type { Topic } from '../harness/topic.ts';
import { usage } from '../harness/usage.ts';
import { compile } from '../rivals/wasm.ts';
import { named } from '../topics/index.ts';
import type { Greeting } from './build.ts';

interface Settings {
  /** How often both builds are started anew: each start, V8 compiles otherwise, and memory lies elsewhere. */
  starts: number;
  /** Of each start. */
  rounds: number;
  /** ms for each figure of each build in each round. */
  window: number;
}

const FULL: Settings = { starts: 6, rounds: 3, window: 200 };
const QUICK: Settings = { starts: 2, rounds: 3, window: 30 };
const TOPICS = ['uncontended', 'async', 'tasks', 'contended', 'handoff'];
/** By how much a figure may be worse. */
const TOLERANCE = 0.05;

const BEFORE = 'before';
const AFTER = 'after';

const HELP = `npm run bench:compare -- DIST [TOPIC …] [--quick] [--starts N]

Measures the build in dist/ beside the one in the directory DIST, in turns, each in processes of its own.
Without a TOPIC: ${TOPICS.join(', ')}; npm run bench -- --list names the others.

  --quick      less exact, in less than a minute
  --starts N   how often both are started anew, for ${FULL.rounds} rounds (${FULL.starts}, quick ${QUICK.starts})`;

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean' },
      starts: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [dist, ...names] = positionals;
  const settings = { ...(values.quick ? QUICK : FULL), ...(values.starts && { starts: Number(values.starts) }) };
  if (values.help) return { help: true, builds: [], topics: [], settings };
  if (!dist) throw new Error('which build?');
  const builds = [resolve(dist, 'index.js'), path('dist/index.js')];
  for (const file of builds) if (!existsSync(file)) throw new Error(`there is no ${file}`);
  if (!(Number.isInteger(settings.starts) && settings.starts > 0)) throw new Error('--starts must be 1 or more');
  return { help: false, builds, topics: named(names.length ? names : TOPICS), settings };
}

/** A figure of both builds. */
interface Pair {
  label: string;
  ours: boolean;
  before: number[];
  after: number[];
}

async function compare(
  topic: Topic,
  builds: string[],
  { starts, ...settings }: Settings,
  progress: (step: string) => void,
): Promise<Pair[]> {
  const pairs = new Map<string, Pair>();
  for (let start = 1; start <= starts; start++) {
    const programs = await Promise.all(builds.map((build) => begin(build, topic)));
    try {
      const [before, after] = programs as [Program<Greeting>, Program<Greeting>];
      const labels = before.greeting.rivals;
      const rivals = labels.flatMap(({ label: group, ours }, number) => [
        before.rival(`rival ${number}`, { name: BEFORE, group, ours }),
        after.rival(`rival ${number}`, { name: AFTER, group, ours }),
      ]);
      const rows = await measure(rivals, BEFORE, settings, (step) => progress(`start ${start} of ${starts}, ${step}`));
      const samples = (name: string, label: string) =>
        rows.find((row) => row.name === name && row.group === label)!.samples;
      for (const { label, ours } of labels) {
        const { before, after } = pairs.get(label) ?? { before: [], after: [] };
        pairs.set(label, {
          label,
          ours,
          before: [...before, ...samples(BEFORE, label)],
          after: [...after, ...samples(AFTER, label)],
        });
      }
    } finally {
      progress('');
      await Promise.all(programs.map((program) => program.close()));
    }
  }
  return [...pairs.values()];
}

/** A process in which `lockwork` is the build of this file. */
function begin(file: string, { name }: Topic): Promise<Program<Greeting>> {
  const redirect = new URL('redirect.ts', import.meta.url);
  redirect.searchParams.set('to', pathToFileURL(file).href);
  return Program.start<Greeting>([process.execPath, '--import', redirect.href, path('bench/compare/build.ts'), name]);
}

/** After to before: of each two measurements right after each other, then the median and the quartiles of that. */
function ratios({ before, after }: Pair): [lower: number, median: number, upper: number] {
  const ratios = after.map((ns, round) => ns / before[round]!);
  return [quantile(ratios, 0.25), quantile(ratios, 0.5), quantile(ratios, 0.75)];
}

const spread = (lower: number, upper: number): string => `${lower.toFixed(2)} – ${upper.toFixed(2)}`;

function table({ title }: Topic, pairs: Pair[]): string {
  const widths = [60, 13, 13, 9, 17];
  const lines = pairs.map((pair) => {
    const [lower, median, upper] = ratios(pair);
    const [before, after] = [pair.before, pair.after].map((samples) => number(quantile(samples, 0.5)));
    const line = align([pair.label, before!, after!, median.toFixed(2), spread(lower, upper)], widths);
    return pair.ours ? line : styleText('cyan', line);
  });
  const head = styleText('dim', align(['', BEFORE, AFTER, 'ratio', 'quartiles'], widths));
  return [styleText('bold', title), head, ...lines].join('\n');
}

/** Of all topics: what has become slower, and how far a run errs whose baselines, the same in both, have changed. */
function summary(results: { topic: string; pairs: Pair[] }[]): string {
  const lines = results.flatMap(({ topic, pairs }) =>
    pairs.flatMap((pair) => {
      const [lower, median, upper] = ratios(pair);
      if (median - 1 <= TOLERANCE && (pair.ours || 1 - median <= TOLERANCE)) return [];
      const what = pair.ours ? 'is worse' : "is not lockwork's, and differs: this run errs";
      return [`${topic}, ${pair.label} ${what}: ${median.toFixed(2)} (${spread(lower, upper)})`];
    }),
  );
  const most = `more than ${TOLERANCE * 100} %`;
  return [
    styleText('bold', `${lines.length || 'no'} ${lines.length === 1 ? 'figure' : 'figures'} off by ${most}`),
    ...lines,
  ].join('\n');
}

async function main(): Promise<void> {
  const { help, builds, topics, settings } = usage('bench:compare', HELP, options);
  if (help) return console.log(HELP);
  compile();
  const { starts, rounds, window } = settings;
  console.log(`${BEFORE}: ${builds[0]}\n${AFTER}: ${builds[1]}`);
  console.log(`medians of ${starts} starts, ${rounds} rounds of ${window} ms each, builds in turns; ratios of turns`);
  const results: { topic: string; pairs: Pair[] }[] = [];
  for (const [i, topic] of topics.entries()) {
    const notes = await disturbance();
    const place = `[${i + 1}/${topics.length}] ${topic.name}`;
    const pairs = await compare(topic, builds, settings, progress(place));
    results.push({ topic: topic.name, pairs });
    console.log(`\n${table(topic, pairs)}`);
    for (const note of notes) console.log(styleText('dim', note));
  }
  console.log(`\n${summary(results)}`);
}

main().catch((error: Error) => {
  console.error(`bench:compare: ${error.message}`);
  process.exit(1);
});
