/**
 * `npm run size`: what an import adds to a user's bundle, and what is in it: tree-shaken and minified by esbuild, and
 * compressed by gzip.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { gzipSync } from 'node:zlib';
import { eachMapping, TraceMap } from '@jridgewell/trace-mapping';
import { build } from 'esbuild';
import { path } from './harness/files.ts';
import { align } from './harness/table.ts';

/** A program, or its part that stands beside all of lockwork. */
interface Import {
  readonly program: string;
  readonly beside?: true;
}

const EVERYTHING: Import = { program: "export * from 'lockwork'" };

/** What people import, by what the tables call it. */
export const IMPORTS: Readonly<Record<string, Import>> = {
  'an error class': { program: "export { NotHeldError } from 'lockwork'" },
  Event: { program: "export { Event } from 'lockwork'" },
  Semaphore: { program: "export { Semaphore } from 'lockwork'" },
  Barrier: { program: "export { Barrier } from 'lockwork'" },
  Lock: { program: "export { Lock } from 'lockwork'" },
  RLock: { program: "export { RLock } from 'lockwork'" },
  'Lock, Condition': { program: "export { Lock, Condition } from 'lockwork'" },
  everything: EVERYTHING,
  'dump, formatDump, dumpLater': {
    program: "export { dump, formatDump, dumpLater } from 'lockwork/inspect'",
    beside: true,
  },
  'lockwork/inspect': { program: "export * as inspect from 'lockwork/inspect'", beside: true },
  'lockwork/wasm': { program: "export * as wasm from 'lockwork/wasm'", beside: true },
};

/** What modules are for. A module that is in none of these is a part of its own. */
const PARTS: Readonly<Record<string, RegExp>> = {
  'the core, as text': /core\.wasm$|\/(core|core-t\w+|compile|torn)\.ts$/,
  'classes of the primitives':
    /\/(lock|rlock|semaphore|event|barrier|condition|primitive|scoped|acquirable|recoverable|holds|idle)\.ts$/,
  'tasks: what is awaited': /\/steps\/|\/(scheduler|local-queue|operation|operation-\w+|pending-call|owner)\.ts$/,
  'tasks beside a thread that blocks; timers, turns': /\/(blocking|keep-alive|turn|clock)\.ts$/,
  'arenas: making, growing, sharing, destroying': /\/(arena|thread-arena|registry|memory)\.ts$/,
  'handles, arguments, errors': /\/(handle|attach|validate|sharing|errors)\.ts$/,
  'threads that die': /\/reap\.ts$/,
  'what reports say: names, stacks': /\/(thread-info|stack|current-thread)\.ts$/,
  deadlocks: /\/deadlock\.ts$/,
  'the platform': /\/(host|thread)\.ts$/,
  dumps: /\/inspect\/(dump|format)\.ts$/,
  'dumps that come by themselves': /\/inspect\/(later|naps|hang)\.ts$/,
  traces: /\/inspect\/trace\S*\.ts$/,
  'programs in WebAssembly': /imports\.wasm$|\/wasm\/\w+\.ts$/,
};

interface Bundle {
  readonly code: string;
  /** Its source map, as JSON. */
  readonly map: string;
}

async function bundle(program: string): Promise<Bundle> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: path('.') },
    bundle: true,
    format: 'esm',
    minify: true,
    sourcemap: 'external',
    outfile: 'program.js',
    write: false,
  });
  const [map, code] = outputFiles;
  return { code: code!.text, map: map!.text };
}

const compressed = (code: string): number => gzipSync(code, { level: 9 }).length;

/** Bytes that an import takes: minified, and compressed. */
export async function sizeOf({ program, beside }: Import): Promise<{ minified: number; gzip: number }> {
  const { code } = await bundle(beside ? `${EVERYTHING.program}; ${program}` : program);
  const size = { minified: code.length, gzip: compressed(code) };
  if (!beside) return size;
  const without = await sizeOf(EVERYTHING);
  return { minified: size.minified - without.minified, gzip: size.gzip - without.gzip };
}

/** By how many bytes each part makes a program larger, compressed; the largest first. */
export async function partsOf(program: string): Promise<[part: string, bytes: number][]> {
  const { code, map } = await bundle(program);
  const starts = [0];
  for (const line of code.split('\n')) starts.push(starts.at(-1)! + line.length + 1);
  const runs: { at: number; part: string }[] = [];
  eachMapping(new TraceMap(map), ({ generatedLine, generatedColumn, source }) => {
    const part = Object.keys(PARTS).find((name) => PARTS[name]!.test(source!)) ?? source!;
    runs.push({ at: starts[generatedLine - 1]! + generatedColumn, part });
  });
  runs.sort((a, b) => a.at - b.at);
  const without = (part: string): string =>
    runs.map((run, i) => (run.part === part ? '' : code.slice(run.at, runs[i + 1]?.at))).join('');
  const whole = compressed(code);
  const parts = [...new Set(runs.map(({ part }) => part))];
  return parts.map((part): [string, number] => [part, whole - compressed(without(part))]).sort(([, a], [, b]) => b - a);
}

/** Bytes in kB, as the documents write them. */
export const kilobytes = (bytes: number): string => (bytes / 1_000).toFixed(1);

const HELP = `npm run size [-- IMPORT …]

What an import adds to a bundle, in kB. With an IMPORT, what is in it, too: ${Object.keys(IMPORTS).join('; ')}.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean' } } });
  const unknown = positionals.find((name) => !Object.hasOwn(IMPORTS, name));
  if (values.help || unknown !== undefined) {
    console.log(unknown === undefined ? HELP : `There is no import ${unknown}.\n\n${HELP}`);
    process.exitCode = unknown === undefined ? 0 : 1;
    return;
  }
  const widths = [50, 10, 10];
  console.log(styleText('dim', align(['kB', 'minified', 'gzip'], widths)));
  for (const [name, what] of Object.entries(IMPORTS)) {
    const { minified, gzip } = await sizeOf(what);
    console.log(
      align([`${name}${what.beside ? ', beside everything' : ''}`, kilobytes(minified), kilobytes(gzip)], widths),
    );
  }
  for (const name of positionals) {
    console.log(styleText('dim', `\n${name}: by how much each part makes it larger, compressed`));
    for (const [part, bytes] of await partsOf(IMPORTS[name]!.program)) {
      console.log(align([part, '', kilobytes(bytes)], widths));
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
