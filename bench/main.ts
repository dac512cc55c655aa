/** `npm run bench`: measures, prints a table per topic, and keeps the figures in bench/results/, with a picture. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname, relative } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { across } from './across.ts';
import { check, type Verdict } from './claims.ts';
import { contended } from './contended.ts';
import { handoff, parked } from './handoff.ts';
import { herd } from './herd.ts';
import { hog } from './hog.ts';
import { lifecycle } from './lifecycle.ts';
import { measure, type Row, type Settings, type Topic } from './measure.ts';
import { mix } from './mix.ts';
import { models } from './models.ts';
import { outside } from './outside.ts';
import { draw } from './picture.ts';
import { build } from './rivals.ts';
import { summary, table } from './table.ts';
import { alone, crowd } from './tasks.ts';
import { uncontended } from './uncontended.ts';

const TOPICS: Topic[] = [
  uncontended,
  alone,
  crowd,
  across,
  contended,
  handoff,
  parked,
  mix,
  hog,
  herd,
  ...lifecycle,
  ...models,
];
/** What the picture shows: of the first the locks and semaphores. */
const PICTURED: { topic: Topic; not?: RegExp }[] = [
  { topic: uncontended, not: /Barrier|Bounded|Condition|Event|re-entered/ },
  { topic: contended },
  { topic: handoff },
  { topic: crowd },
];
const FULL: Settings = { rounds: 17, window: 200 };
const QUICK: Settings = { rounds: 5, window: 30 };
/** Rounds that it takes to speak of a spread. */
const LEAST = 3;

const HELP = `npm run bench [-- [TOPIC …] [--quick] [--rounds N] [--output FILE]]
npm run bench -- --list | --help

Measures lockwork beside what people would write instead, in one run. Without a TOPIC: all of them.
A TOPIC may also be what stands before the colon of several.

${TOPICS.map(({ name, title }) => `  ${name.padEnd(18)}${title}`).join('\n')}

  --quick      less exact, in less than a minute
  --rounds N   how often every rival has its turn (${FULL.rounds}, quick ${QUICK.rounds}; fewer where there are many)
  --all        with what takes minutes: every mix
  --output F   where the figures go as JSON (a new file in bench/results/); the picture is beside it
  --list       names the topics`;

interface Result {
  topic: string;
  rows: Row[];
  claims: Verdict[];
  notes: string[];
}

/** What the command line says; a wrong one ends here. */
function usage() {
  try {
    return options();
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean' },
      rounds: { type: 'string' },
      all: { type: 'boolean', default: false },
      output: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const unknown = positionals.find((name) => !TOPICS.some((topic) => belongs(topic, name)));
  if (unknown) throw new Error(`there is no topic ${unknown}; there are ${TOPICS.map(({ name }) => name).join(', ')}`);
  const settings = { ...(values.quick ? QUICK : FULL), ...(values.rounds && { rounds: Number(values.rounds) }) };
  if (!(Number.isInteger(settings.rounds) && settings.rounds > 0)) throw new Error('--rounds must be 1 or more');
  const topics = TOPICS.filter((topic) => !positionals.length || positionals.some((name) => belongs(topic, name)));
  return { ...values, settings, topics };
}

/** Whether a topic has this name, or this name and a part of its own. */
function belongs({ name }: Topic, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}:`);
}

function machine() {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const { node, v8 } = process.versions;
  return { lockwork: version as string, node, v8, cpu: cpus()[0]?.model ?? '?', cores: availableParallelism() };
}

/** For how long to look at what others do (ms). */
const LOOK = 200;
/** Whoever computes on one of two cores leaves two threads one together: then they do not contend, but take turns. */
const QUIET = 0.1;

/** What part of the cores others use, while this process sleeps but for what it has to clean up. */
async function busy(): Promise<number> {
  const sum = (): { all: number; used: number } => {
    const times = cpus().map(({ times }) => times);
    const all = times.flatMap((it) => Object.values(it)).reduce((a, b) => a + b, 0);
    const { user, system } = process.cpuUsage();
    return { all, used: all - times.reduce((sum, { idle }) => sum + idle, 0) - (user + system) / 1000 };
  };
  const before = sum();
  await setTimeout(LOOK);
  const after = sum();
  return (after.used - before.used) / (after.all - before.all || 1);
}

/** Of a topic, by its place: on a terminal in one line that goes on. */
function progress(place: string): (step: string) => void {
  const { stderr } = process;
  if (stderr.isTTY) return (step) => stderr.write(`\r\x1b[K${styleText('dim', step && `${place}, ${step}`)}`);
  stderr.write(`${place} …\n`);
  return () => {};
}

async function run(
  topic: Topic,
  { rounds, window }: Settings,
  all: boolean,
  progress: (step: string) => void,
): Promise<Result> {
  const others = await busy();
  const here = await topic.open(all);
  const away = await outside(topic.outsiders ?? []);
  try {
    const rivals = [...here.rivals, ...away.rivals];
    const fewer = Math.max(Math.ceil(rounds * (topic.part ?? 1)), Math.min(rounds, LEAST));
    const notes = [...away.notes];
    const rows = await measure(rivals, topic.baseline, { rounds: fewer, window }, progress, (_, { message }) =>
      notes.push(`${message}; left out`),
    );
    if (others > QUIET) {
      const part = `${(others * 100).toFixed(0)} % of the cores`;
      notes.push(`Others used ${part} when this began: figures of several threads are not to be trusted`);
    }
    return { topic: topic.name, rows, claims: check(topic.claims, rows), notes };
  } finally {
    progress('');
    await Promise.all([here.close?.(), away.close()]);
  }
}

async function main(): Promise<void> {
  const { settings, topics, all, output, help, list } = usage();
  if (help) return console.log(HELP);
  if (list) return console.log(TOPICS.map(({ name }) => name).join('\n'));
  build();
  const on = machine();
  console.log(`lockwork ${on.lockwork} · Node ${on.node} · V8 ${on.v8} · ${on.cpu}, ${on.cores} cores`);
  console.log(`median and quartiles of ${settings.rounds} rounds of ${settings.window} ms each, rivals in turns`);
  const date = new Date().toISOString();
  const results: Result[] = [];
  for (const [i, topic] of topics.entries()) {
    const result = await run(topic, settings, all, progress(`[${i + 1}/${topics.length}] ${topic.name}`));
    results.push(result);
    console.log(`\n${table(topic, result.rows)}`);
    for (const note of result.notes) console.log(styleText('dim', note));
  }
  if (results.some(({ claims }) => claims.length)) console.log(`\n${summary(results)}\n`);
  const file =
    output ?? fileURLToPath(new URL(`results/${date.slice(0, 19).replaceAll(':', '-')}.json`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ date, ...on, ...settings, results }, null, 2));
  const charts = PICTURED.flatMap(({ topic: { name, title, baseline }, not }) => {
    const rows = results.find(({ topic }) => topic === name)?.rows;
    const shown = rows?.filter((row) => !not?.test(row.name)).toSorted((a, b) => a.ratio - b.ratio);
    return shown ? { title, baseline, rows: shown } : [];
  });
  const picture = file.replace(/(\.json)?$/, '.svg');
  if (charts.length) writeFileSync(picture, draw(charts));
  for (const path of charts.length ? [file, picture] : [file]) console.log(styleText('dim', relative('.', path)));
}

main().catch((error: Error) => {
  console.error(`bench: ${error.message}`);
  process.exit(1);
});
