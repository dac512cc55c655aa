/** `npm run bench:browser`: what a lock that nobody else wants costs a page's worker, and a program of it, in each browser. */
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { build as bundle, type Plugin } from 'esbuild';
import { startVitest } from 'vitest/node';
import { NAMES, type Name } from '../../test/platforms/browsers/find.ts';
import { ISOLATED } from '../../test/platforms/browsers/pages.ts';
import { provider } from '../../test/platforms/browsers/provider.ts';
import { check } from '../harness/claims.ts';
import type { Row, Settings } from '../harness/measure.ts';
import { verdict } from '../harness/table.ts';
import { usage } from '../harness/usage.ts';
import { compile } from '../rivals/wasm.ts';
import { TOPICS } from './topics.ts';

const FULL: Settings = { rounds: 11, window: 100 };
const QUICK: Settings = { rounds: 3, window: 30 };
/** How long a browser may take (ms); nothing comes near it unless it hangs. */
const PATIENCE = 120_000;

const HELP = `npm run bench:browser [-- [${NAMES.join(' | ')} …] [--quick]]`;

const root = fileURLToPath(new URL('../..', import.meta.url));

function options() {
  const options = { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const unknown = positionals.find((name) => !NAMES.includes(name as Name));
  if (unknown) throw new Error(`there is no browser ${unknown}; there are ${NAMES.join(', ')}`);
  const names = NAMES.filter((name) => !positionals.length || positionals.includes(name));
  return { names, settings: values.quick ? QUICK : FULL, help: values.help };
}

/** The worker in one file. */
async function bundleWorker(): Promise<void> {
  const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const toPage: Plugin = {
    name: 'page',
    // Of the paths of files, Vite would look for the files.
    setup: ({ onResolve }) => onResolve({ filter: /^node:|\/files\.ts$/ }, () => ({ path: at('node.ts') })),
  };
  await bundle({
    entryPoints: [at('worker.ts')],
    outfile: `${root}/build/bench-worker.js`,
    bundle: true,
    format: 'esm',
    loader: { '.wasm': 'binary' },
    plugins: [toPage],
  });
}

async function measureIn(name: Name, settings: Settings): Promise<{ agent: string; results: Row[][] }> {
  const vitest = await startVitest(
    'test',
    [],
    {
      config: false,
      root,
      watch: false,
      reporters: [{}],
      include: ['bench/browser/page.ts'],
      testTimeout: PATIENCE,
      provide: { settings },
      browser: {
        enabled: true,
        headless: true,
        provider: provider(name),
        screenshotFailures: false,
        instances: [{ browser: name }],
      },
    },
    { server: { headers: ISOLATED } },
  );
  try {
    const modules = vitest.state.getTestModules();
    const tests = modules.flatMap(({ children }) => [...children.allTests()]);
    const errors = [
      ...vitest.state.getUnhandledErrors(),
      ...[...modules, ...tests].flatMap((it) => ('errors' in it ? it.errors() : (it.result().errors ?? []))),
    ] as Error[];
    const { agent, results } = tests[0]?.meta() ?? {};
    if (!agent || !results)
      throw new Error(`${name}: ${errors.map(({ message }) => message).join('\n') || 'no results'}`);
    return { agent, results };
  } finally {
    await vitest.close();
  }
}

function show(title: string, rows: Row[]): void {
  console.log(`\n${title}`);
  const line = (...cells: string[]) => cells.map((cell, i) => (i ? cell.padStart(10) : cell.padEnd(38))).join('');
  console.log(styleText('dim', line('', 'median', 'ratio')));
  for (const { name, ours, median, ratio } of rows) {
    const text = line(name, median.toFixed(1), ratio.toFixed(2));
    console.log(ours ? text : styleText('cyan', text));
  }
}

async function main(): Promise<void> {
  const { names, settings, help } = usage('bench:browser', HELP, options);
  if (help) return console.log(HELP);
  compile();
  await bundleWorker();
  console.log(`medians of ${settings.rounds} rounds of ${settings.window} ms each, rivals in turns`);
  for (const name of names) {
    const { agent, results } = await measureIn(name, settings);
    console.log(`\n${styleText('bold', agent)}`);
    for (const [i, { topic, claims }] of TOPICS.entries()) {
      show(topic.title, results[i]!);
      for (const claim of check(claims, results[i]!)) console.log(verdict(claim));
    }
  }
}

main().catch((error: Error) => {
  console.error(`bench:browser: ${error.message}`);
  process.exit(1);
});
