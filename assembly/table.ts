/**
 * The last step of the core's build: `build/release/core.wasm` exports one table of its functions, in the order of `index.ts`, in
 * place of the functions. Engines make a wrapper for each exported function of each instance, which a new thread waits for;
 * of a table's they make those that are got. The compiler cannot do this: it takes a function that nobody calls for dead.
 *
 * https://webassembly.github.io/spec/core/binary/modules.html
 */
import { readFileSync, writeFileSync } from 'node:fs';

const FILE = new URL('../build/release/core.wasm', import.meta.url);
const HEADER = 8;
const TABLE = 4;
const EXPORT = 7;
const ELEMENT = 9;
const FUNCTION = 0x00;
const FUNCREF = 0x70;
/** `i32.const 0`, an expression. */
const ZERO = [0x41, 0, 0x0b];

const bytes = readFileSync(FILE);
let at = HEADER;

/** An unsigned LEB128 number. */
function read(): number {
  const byte = bytes[at++]!;
  return byte < 128 ? byte : byte - 128 + 128 * read();
}

function written(number: number): number[] {
  return number < 128 ? [number] : [128 + (number % 128), ...written(number >> 7)];
}

const section = (id: number, ...content: number[]): number[] => [id, ...written(content.length), ...content];

/** What is exported, by their indices. */
function functions(): number[] {
  return Array.from({ length: read() }, () => {
    at = read() + at; // Behind its name.
    if (bytes[at++] !== FUNCTION) throw new Error('The core exports something that is no function');
    return read();
  });
}

const made: number[] = [...bytes.subarray(0, HEADER)];
while (at < bytes.length) {
  const start = at;
  const id = bytes[at++]!;
  const end = read() + at;
  if (id === EXPORT) {
    const calls = functions();
    const size = written(calls.length);
    const name = [...Buffer.from('calls')];
    made.push(...section(TABLE, 1, FUNCREF, 0, ...size));
    made.push(...section(EXPORT, 1, name.length, ...name, 1, 0));
    made.push(...section(ELEMENT, 1, 0, ...ZERO, ...size, ...calls.flatMap(written)));
  } else made.push(...bytes.subarray(start, end));
  at = end;
}
writeFileSync(FILE, Buffer.from(made));
