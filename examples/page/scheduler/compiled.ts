/** What the scheduler needs of the build: Vite's plugin for `virtual:compiled/classics` and `virtual:compiled/core`. */
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';
import { fixtures } from '../../../test/model/bugs.ts';
import { compile } from '../../../test/model/compile.ts';
import { decode, type Func, type Module } from '../../../test/model/decode.ts';
import { CORE, IMPORTS, locateIn } from '../../../test/model/main.ts';
import { type Locate, locator } from '../../../test/model/trace.ts';
import type { Compiled, CompiledCore } from './loaded.ts';

const PREFIX = 'virtual:compiled/';
const RESOLVED = `\0${PREFIX}`;
const ASSEMBLY = new URL('../../../assembly/', import.meta.url);
/** Instructions by which a thread reaches out. */
const STEP = /load|store|atomic|memory|call/;

function linesOf(functions: readonly Func[], locate: Locate): Record<number, string> {
  const lines: Record<number, string> = {};
  for (const { name, at } of functions.flatMap(({ code }) => code)) {
    const line = STEP.test(name) ? locate(at) : undefined;
    if (line) lines[at] = line;
  }
  return lines;
}

/** All functions that these exports call. */
function reached({ functions, imports, exports }: Module, names: readonly string[]): Func[] {
  const found = new Set(names.map((name) => exports.get(name)!));
  for (const index of found) {
    const calls = functions[index - imports.length]?.code.filter(({ name }) => name === 'call') ?? [];
    for (const { immediate } of calls) found.add(Number(immediate));
  }
  return functions.filter(({ index }) => found.has(index));
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function made(bytes: Uint8Array, functions: readonly Func[], locate: Locate, read: (file: string) => string): Compiled {
  const lines = linesOf(functions, locate);
  const files = new Set(Object.values(lines).map((line) => line.split(':')[0]!));
  const sources = Object.fromEntries([...files].map((file) => [file, read(file)]));
  return { wasm: encode(bytes), sources, lines };
}

/** The published bytes of lockwork, with the sources of its Lock. */
function core(): CompiledCore {
  const bytes = readFileSync(CORE);
  const functions = reached(decode(bytes), ['lockAcquire', 'lockRelease']);
  const compiled = made(bytes, functions, locateIn(bytes), (file) => readFileSync(new URL(file, ASSEMBLY), 'utf8'));
  return { ...compiled, imports: encode(readFileSync(IMPORTS)) };
}

async function classic(file: string, bug: number): Promise<Compiled> {
  const { bytes, map, sources } = await compile(file, bug);
  return made(bytes, decode(bytes).functions, locator(map), (name) => sources[name]!);
}

/** Each fixture with each of its bugs and without: how to load it. */
function classics(): string {
  const names = fixtures.flatMap(({ file, bugs }) => [0, ...bugs.map(({ bug }) => bug)].map((bug) => `${file}/${bug}`));
  return `{ ${[...new Set(names)].map((name) => `'${name}': () => import('${PREFIX}${name}')`).join(', ')} }`;
}

async function load(name: string): Promise<string> {
  if (name === 'classics') return classics();
  const [file, bug] = name.split('/') as [string, string | undefined];
  return JSON.stringify(bug ? await classic(file, Number(bug)) : core());
}

export const compiled: Plugin = {
  name: 'compiled',
  resolveId: (id) => (id.startsWith(PREFIX) ? id.replace(PREFIX, RESOLVED) : undefined),
  load: async (id) => (id.startsWith(RESOLVED) ? `export default ${await load(id.slice(RESOLVED.length))}` : undefined),
};
