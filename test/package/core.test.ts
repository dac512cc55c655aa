import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CALLS } from '../../bindings/core-table.ts';
import { encode } from '../../bindings/core-text.ts';

/** The file that is published as lockwork/core.wasm. */
const bytes = readFileSync(new URL(import.meta.resolve('lockwork/core.wasm')));
const module = new WebAssembly.Module(bytes);

/** What it imports. */
const environment = (memory: WebAssembly.Memory) => ({ env: { memory, clock: () => 0, stalled: () => 1 } });

/** A reader of the binary format: https://webassembly.github.io/spec/core/binary/modules.html */
class Reader {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++]!;
  }

  /** An unsigned LEB128 number. */
  number(): number {
    const byte = this.byte();
    return byte < 128 ? byte : byte - 128 + 128 * this.number();
  }

  take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.number()));
  }
}

const Section = { IMPORT: 2, MEMORY: 5, GLOBAL: 6, START: 8, DATA: 11, DATA_COUNT: 12 };

function sections(): Map<number, Uint8Array> {
  const reader = new Reader(bytes);
  reader.take(8);
  const found = new Map<number, Uint8Array>();
  while (!reader.done) found.set(reader.byte(), reader.take(reader.number()));
  return found;
}

describe('the published core', () => {
  it('is at most 8,192 bytes', () => {
    expect(bytes.length).toBeLessThanOrEqual(8_192);
  });

  it('is the one that is inlined in the package', () => {
    const index = readFileSync(new URL(import.meta.resolve('lockwork')), 'utf8');
    expect(index).toContain(encode(bytes));
  });

  it('does nothing when it is instantiated: no data, no start function, no memory of its own', () => {
    const found = [...sections().keys()];
    const forbidden = [Section.MEMORY, Section.START, Section.DATA, Section.DATA_COUNT];
    expect(found.filter((id) => forbidden.includes(id))).toEqual([]);

    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const before = new Uint8Array(memory.buffer).fill(0xa5).slice();
    new WebAssembly.Instance(module, environment(memory));
    expect(Buffer.compare(before, new Uint8Array(memory.buffer))).toBe(0);
  });

  it('has no mutable globals', () => {
    const globals = new Reader(sections().get(Section.GLOBAL) ?? new Uint8Array([0]));
    const mutable: boolean[] = [];
    for (let count = globals.number(); count > 0; count--) {
      globals.byte(); // its type
      mutable.push(globals.byte() === 1);
      while (globals.byte() !== 0x0b); // its value, an expression; constants of this size contain no `end`
    }
    expect(globals.done).toBe(true);
    expect(mutable).not.toContain(true);
    expect(WebAssembly.Module.imports(module).some(({ kind }) => kind === 'global')).toBe(false);
  });

  it('imports a memory, a clock and what a blocked thread does now and then, and nothing else', () => {
    const imports = WebAssembly.Module.imports(module).map(({ module, name, kind }) => `${kind} ${module}.${name}`);
    expect(imports.sort()).toEqual(['function env.clock', 'function env.stalled', 'memory env.memory']);
  });

  it('accepts any shared memory: from 1 page up to 65,536', () => {
    const imports = new Reader(sections().get(Section.IMPORT)!);
    const limits: number[][] = [];
    for (let count = imports.number(); count > 0; count--) {
      imports.name();
      imports.name();
      const kind = imports.byte();
      if (kind === 2) limits.push([imports.byte(), imports.number(), imports.number()]);
      else imports.number(); // a function's type
    }
    const sharedWithMaximum = 3;
    expect(limits).toEqual([[sharedWithMaximum, 1, 65_536]]);
  });

  it('exports a table of all calls, in the order in which the bindings name them', () => {
    expect(WebAssembly.Module.exports(module)).toEqual([{ name: 'calls', kind: 'table' }]);
    const { exports } = new WebAssembly.Instance(
      module,
      environment(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })),
    );
    expect((exports.calls as WebAssembly.Table).length).toBe(CALLS.length);
    // The same build, before its last step.
    const mapped = new WebAssembly.Module(
      readFileSync(new URL('../build/core.wasm', import.meta.resolve('lockwork/core.wasm'))),
    );
    expect(WebAssembly.Module.exports(mapped)).toEqual(CALLS.map((name) => ({ name, kind: 'function' })));
  });
});
