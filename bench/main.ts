/** `npm run bench`: measures, prints a table per topic, and keeps the figures in bench/results/, with a picture. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { check, type Verdict } from './harness/claims.ts';
import { path } from './harness/files.ts';
import { disturbance, machine } from './harness/machine.ts';
import { measure, type Row, type Settings } from './harness/measure.ts';
import { outside } from './harness/outside.ts';
import { draw } from './harness/picture.ts';
import { progress } from './harness/progress.ts';
import { summary, table } from './harness/table.ts';
import type { Topic } from './harness/topic.ts';
import { usage } from './harness/usage.ts';
import { compile } from './rivals/wasm.ts';
import { contended } from './topics/contended.ts';
import { handoff } from './topics/handoff.ts';
import { named, TOPICS } from './topics/index.ts';
import { permits } from './topics/programs/permits.ts';
import { pool } from './topics/programs/pool.ts';
import { queue } from './topics/programs/queue.ts';
import { crowd } from './topics/tasks.ts';
import { uncontended } from './topics/uncontended.ts';

/** What the picture shows: of programs the shapes named, of `uncontended` the locks and semaphores. */
const PICTURED: { topic: Topic; groups?: RegExp; not?: RegExp }[] = [
  { topic: queue, groups: /capacity 64, 0 ns/ },
  { topic: pool },
  { topic: permits },
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

Measures lockwork beside what people would write instead, in one run. Without a TOPIC: all of them but idle and inspect.
A TOPIC may also be what stands before the colon of several.

${TOPICS.map(({ name, title }) => `  ${name.padEnd(18)}${title}`).join('\n')}

  --quick      less exact, in less than a minute
  --rounds N   how often every rival has its turn (${FULL.rounds}, quick ${QUICK.rounds}; fewer where there are many)
  --all        with what takes minutes: every mix, every shape of the programs, idle, inspect
  --output F   where the figures go as JSON (a new file in bench/results/); the picture is beside it
  --list       names the topics`;

interface Result {
  topic: string;
  rows: Row[];
  claims: Verdict[];
  notes: string[];
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
  const topics = positionals.length ? named(positionals) : TOPICS.filter(({ long }) => values.all || !long);
  const settings = { ...(values.quick ? QUICK : FULL), ...(values.rounds && { rounds: Number(values.rounds) }) };
  if (!(Number.isInteger(settings.rounds) && settings.rounds > 0)) throw new Error('--rounds must be 1 or more');
  return { ...values, settings, topics };
}

async function run(
  topic: Topic,
  { rounds, window }: Settings,
  all: boolean,
  progress: (step: string) => void,
): Promise<Result> {
  const disturbed = await disturbance();
  const here = await topic.open(all);
  const groups = [...new Set(here.rivals.map(({ group }) => group))];
  const away = await outside((topic.outsiders ?? []).filter(({ group }) => groups.includes(group)));
  try {
    const everyone = [...here.rivals, ...away.rivals];
    const rivals = groups.flatMap((name) => everyone.filter(({ group }) => group === name));
    const fewer = Math.max(Math.ceil(rounds * (topic.part ?? 1)), Math.min(rounds, LEAST));
    const notes = [...(here.notes ?? []), ...away.notes];
    const rows = await measure(rivals, topic.baseline, { rounds: fewer, window }, progress, (_, { message }) =>
      notes.push(`${message}; left out`),
    );
    return { topic: topic.name, rows, claims: check(topic.claims, rows), notes: [...notes, ...disturbed] };
  } finally {
    progress('');
    await Promise.all([here.close?.(), away.close()]);
  }
}

async function main(): Promise<void> {
  const { settings, topics, all, output, help, list } = usage('bench', HELP, options);
  if (help) return console.log(HELP);
  if (list) return console.log(TOPICS.map(({ name }) => name).join('\n'));
  compile();
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
  const file = output ?? path(`bench/results/${date.slice(0, 19).replaceAll(':', '-')}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ date, ...on, ...settings, results }, null, 2));
  const charts = PICTURED.flatMap(({ topic: { name, title, baseline }, groups, not }) => {
    const rows = results.find(({ topic }) => topic === name)?.rows ?? [];
    const named = [...new Set(rows.map(({ group }) => group))].filter((group) => !groups || groups.test(group ?? ''));
    return named.map((group) => ({
      title: group ? `${title}; ${group}` : title,
      baseline,
      rows: rows.filter((row) => row.group === group && !not?.test(row.name)).toSorted((a, b) => a.ratio - b.ratio),
    }));
  });
  const picture = file.replace(/(\.json)?$/, '.svg');
  if (charts.length) writeFileSync(picture, draw(charts));
  for (const path of charts.length ? [file, picture] : [file]) console.log(styleText('dim', relative('.', path)));
}

main().catch((error: Error) => {
  console.error(`bench: ${error.message}`);
  process.exit(1);
});
