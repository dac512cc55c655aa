/** `npm start`: runs the programs and prints what their threads do. */
import { parseArgs, styleText } from 'node:util';
import { type Name, names, programs } from './programs.ts';
import { run } from './run.ts';
import { conclusion, LEGEND, type Paint, Timeline, title } from './timeline.ts';

const HELP = `Nine programs on real threads: one without a lock, one about each primitive, one about a thread that dies, one in C.

  npm start                      runs all of them
  npm start -- barrier           runs one, or several: npm start -- race lock
  npm start -- --list            names them
  npm start -- --help            says this

Exit code 1 when one did not show what it should, 2 for a name that is not one of theirs.`;

// Colours only on a terminal, and not when NO_COLOR asks for none.
const paint: Paint = (style, text) => styleText(style, text, { stream: process.stdout });

const width = Math.max(...names.map((name) => name.length));
const list = names.map((name) => `  ${name.padEnd(width)}  ${programs[name].about}`).join('\n');

// The reader of a pipe has seen enough: npm start | head
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await main();

async function main(): Promise<number> {
  let wanted: string[];
  try {
    const options = { list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help || values.list) {
      console.log(values.help ? HELP : list);
      return 0;
    }
    wanted = positionals;
  } catch (error) {
    return refuse((error as Error).message);
  }
  const wrong = wanted.find((name) => !names.includes(name as Name));
  if (wrong !== undefined) return refuse(`There is no program "${wrong}". These are there:\n\n${list}`);

  console.log(`\n${paint('dim', LEGEND)}`);
  let failed = 0;
  for (const name of wanted.length ? (wanted as Name[]) : names) {
    if (!(await show(name))) failed++;
  }
  return failed ? 1 : 0;
}

function refuse(why: string): number {
  console.error(`${why}\n\nSee npm start -- --help`);
  return 2;
}

/** Runs one program, printing each step as it is taken. */
async function show(name: Name): Promise<boolean> {
  console.log(`\n${title(name, programs[name].about, paint)}\n`);
  let timeline: Timeline;
  const { verdict } = await run(name, {
    begins: (threads) => {
      timeline = new Timeline(threads, paint);
    },
    step: (step) => console.log(timeline.line(step)),
  });
  console.log(`\n${conclusion(verdict, paint)}\n`);
  return verdict.held;
}
