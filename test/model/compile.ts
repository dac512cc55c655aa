/** The fixtures, compiled as the core is. */

import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

export interface Compiled {
  readonly bytes: Uint8Array;
  readonly map: string;
  /** What was compiled, by the names that the map has. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Compiles a fixture with its constant BUG set, and what it imports as it stands. */
export async function compile(file: string, bug: number): Promise<Compiled> {
  const name = `${file}.ts`;
  const sources: Record<string, string> = {};
  const read = (path: string): string | null => {
    if (!/^\w+\.ts$/.test(path)) return null;
    const source = readFileSync(new URL(`fixtures/${path}`, import.meta.url), 'utf8');
    sources[path] = path === name ? source.replace('const BUG = 0', `const BUG = ${bug}`) : source;
    return sources[path];
  };
  const written = new Map<string, string | Uint8Array>();
  const flags =
    '-O3 --enable threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 1 --runtime stub --noAssert --sourceMap';
  const { error, stderr } = await asc.main([name, '--outFile', 'out.wasm', ...flags.split(' ')], {
    readFile: read,
    writeFile: (path, contents) => void written.set(path, contents),
    listFiles: () => [],
  });
  if (error) throw new Error(`${file}: ${error.message}\n${stderr}`);
  return { bytes: written.get('out.wasm') as Uint8Array, map: String(written.get('out.wasm.map')), sources };
}
