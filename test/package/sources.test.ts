/**
 * One rule: every step on a word that threads share is an export of the core, under the model checker. The bindings touch
 * shared memory in one file, which writes only what no other thread knows of yet; what they read elsewhere has its reason
 * beside it.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const BINDINGS = new URL('../../bindings/', import.meta.url);
const ALLOWED = 'memory.ts';

interface Line {
  readonly where: string;
  readonly code: string;
  /** Comments on the line, and on the three before. */
  readonly comments: string;
}

function linesOf(file: string): Line[] {
  const lines = readFileSync(new URL(file, BINDINGS), 'utf8').split('\n');
  const isComment = (line = ''): boolean => /^\s*(\/\/|\/?\*)/.test(line);
  return lines.map((line, at) => ({
    where: `${file}:${at + 1}`,
    code: isComment(line) ? '' : line.replace(/\s\/\/.*/, ''),
    comments: lines
      .slice(Math.max(0, at - 3), at + 1)
      .filter((one) => isComment(one) || /\s\/\/ /.test(one))
      .join(' '),
  }));
}

const files = readdirSync(BINDINGS, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const lines = files.filter((file) => file !== ALLOWED).flatMap(linesOf);
const found = (pattern: RegExp, among = lines): string[] =>
  among.filter(({ code }) => pattern.test(code)).map(({ where, code }) => `${where} ${code.trim()}`);

describe('The bindings', () => {
  it('write no shared word, and look at none by themselves, outside of one file', () => {
    expect(lines.length).toBeGreaterThan(1500);
    const own = /needs Atomics\.waitAsync for|new Int32Array\(new SharedBuffer!\(4\)\)/;
    expect(found(/\bAtomics\.(?!waitAsync !== 'function')/).filter((line) => !own.test(line))).toEqual([]);
    // Views: the array that `arena.allocate` gives to the user, a copy of the map, and bytes of nobody else's.
    const views =
      /new type\(buffer, address, length\)|new Uint32Array\(2\)|new Uint32Array\(kinds\.buffer|new Uint8Array\((text\.length|room|MOST_CELLS.*|)\)/;
    expect(found(/new (\w+Array|type|DataView)\(/).filter((line) => !views.test(line) && !own.test(line))).toEqual([]);
  });

  it('write in that file only what no other thread knows of', () => {
    const writers = new Map<string, number>();
    let name = '';
    for (const { code } of linesOf(ALLOWED)) {
      name = /^export (?:function|class) (\w+)/.exec(code)?.[1] ?? name;
      const writes = /Atomics\.(?!load|wait|notify)|\.fill\(|\.set\(|\]!? = /.test(code);
      if (writes && !/^\s*(this|const|let)\b/.test(code)) writers.set(name, (writers.get(name) ?? 0) + 1);
    }
    expect([...writers.keys()]).toEqual([
      'writeWords',
      'writeHandle',
      'writeBytes',
      'writeDouble',
      'writeText',
      'writeArena',
    ]);
    const callers = found(
      /\bwrite(Words|Handle|Bytes|Double|Text|Arena)\(/,
      files.filter((file) => file !== ALLOWED).flatMap(linesOf),
    );
    expect(callers.map((line) => line.split(':')[0]).filter((file, at, all) => all.indexOf(file) === at)).toEqual([
      'holds.ts',
      'primitive.ts',
      'registry.ts',
      'thread-info.ts',
      'wasm/program.ts',
    ]);
  });

  it('say at each read of a shared word why what it finds can be relied on', () => {
    const reads = lines.filter(({ code }) =>
      /\.(load|loadAll|loadByte|guess)\(|\bloadWord\w*\(|\bcopyBytes\(|\bfindByte\(|\breadDouble\(/.test(code),
    );
    expect(reads.length).toBeGreaterThan(20);
    const declared = /^\s*load\(|^\s*(readonly )?load:/;
    expect(reads.filter(({ code, comments }) => !comments && !declared.test(code)).map(({ where }) => where)).toEqual(
      [],
    );
  });
});
