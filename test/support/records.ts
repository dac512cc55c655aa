import { CELL_SIZE, HEADER_FIRST, HEADER_SIZE, HEADER_TOTAL } from '../../assembly/abi.ts';

/** A cell of an arena, as its memory has it. */
export interface Found {
  readonly address: number;
  word(field: number): number;
}

/** The cells of one kind in the arena at `base`, from its memory alone. */
export function recordsIn(memory: { readonly buffer: ArrayBufferLike }, base: number, kind: number): Found[] {
  const words = new Int32Array(memory.buffer, base);
  const map = new Uint8Array(memory.buffer, base + HEADER_SIZE);
  const last = Math.min(words[HEADER_TOTAL / 4]!, (memory.buffer.byteLength - base) / CELL_SIZE);
  const found: Found[] = [];
  for (let index = words[HEADER_FIRST / 4]!; index < last; index++) {
    if (map[index] !== kind) continue;
    const word = (field: number): number => Atomics.load(words, (index * CELL_SIZE + field) / 4) >>> 0;
    found.push({ address: base + index * CELL_SIZE, word });
  }
  return found;
}
