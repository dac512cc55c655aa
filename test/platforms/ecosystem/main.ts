/**
 * Tries lockwork, as it would be published, in the tools that people use, and prints a table of what works. A run of
 * everything writes it into docs/compatibility.md.
 *
 *   npm run test:ecosystem
 *   npm run test:ecosystem -- pools 'Jest (ESM)' 'Node 20'    some groups, tools and columns of it
 */
import { writeTable } from '../compatibility.ts';
import { install } from '../runtimes/install.ts';
import { cases as bundlers } from './bundlers/index.ts';
import type { Case } from './case.ts';
import { cases as documents } from './documents/index.ts';
import { cases as frameworks } from './frameworks/index.ts';
import { cases as pools } from './pools/index.ts';
import { outcomeOf } from './run.ts';
import { cases as runners } from './runners/index.ts';
import { installServers } from './servers.ts';
import { prepare, versionOf } from './tools.ts';
import { cases as types } from './types/index.ts';

const GROUPS: Record<string, readonly Case[]> = { documents, types, runners, pools, bundlers, frameworks };

/** The columns, and where their binaries are: the oldest Node that is supported, and that of this process. */
const [major] = process.versions.node.split('.');
const NODES: Record<string, () => Promise<string>> = {
  'Node 20': () => install('Node 20'),
  [`Node ${major}`]: async () => process.execPath,
};

const names = process.argv.slice(2);
const all = Object.entries(GROUPS).flatMap(([group, cases]) => cases.map((one) => ({ ...one, group })));
/** Those that are named, or all where none is. */
const chosen = <T>(items: readonly T[], ...namesOf: ((item: T) => string)[]): readonly T[] => {
  const named = items.filter((item) => namesOf.some((nameOf) => names.includes(nameOf(item))));
  return named.length ? named : items;
};
const cases = chosen(
  all,
  ({ tool }) => tool,
  ({ group }) => group,
);
const nodes = chosen(Object.keys(NODES), (node) => node);

await prepare(new Set(cases.map(({ group }) => group)));
if (cases.some(({ server }) => server)) installServers();
const binaries = await Promise.all(nodes.map((node) => NODES[node]!()));
const row = (...cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const rows = [row('tool', 'version', 'what was needed', ...nodes), row('---', '---', '---', ...nodes.map(() => '---'))];
for (const one of cases) {
  const { tool, package: name, needed, group, since = 20 } = one;
  const version = name === 'node' ? '–' : versionOf(name, group);
  const verdicts: string[] = [];
  for (const [index, node] of nodes.entries()) {
    if (Number(node.split(' ')[1]) < since) {
      verdicts.push(`– needs ${since}`);
      continue;
    }
    const { failure, note } =
      version === undefined
        ? { failure: `${name} is not installed`, note: undefined }
        : await outcomeOf(binaries[index]!, group, one);
    verdicts.push(failure ? '**failed**' : note ? `works, ${note}` : 'works');
    console.log(`${tool}: ${node}: ${verdicts.at(-1)}`);
    if (failure) {
      process.exitCode = 1;
      console.log(`\nFAILED ${tool}, ${node}: ${failure}\n`);
    }
  }
  rows.push(row(tool, version ?? '**missing**', needed, ...verdicts));
}
const table = rows.join('\n');
console.log(`\n${table}`);
if (names.length === 0) writeTable('tools', table);
