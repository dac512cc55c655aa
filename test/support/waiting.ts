import { Arena } from 'lockwork';
import {
  CELL_LENGTH,
  CELL_SIZE,
  CELL_WORD,
  HEADER_FIRST,
  HEADER_SIZE,
  HEADER_TOTAL,
  KIND_HOLD,
  KIND_THREAD,
  THREAD_QUEUED_ON,
} from '../../assembly/abi.ts';
import { KINDS } from '../../bindings/thread-info.ts';

const NAMES: Partial<Record<number, string>> = KINDS;

/** An arena, from its memory alone. */
export class RawArena {
  readonly #base: number;
  readonly #words: Int32Array;
  readonly #map: Uint8Array;

  constructor({ buffer }: { readonly buffer: ArrayBufferLike }, base: number) {
    this.#base = base;
    this.#words = new Int32Array(buffer, base);
    this.#map = new Uint8Array(buffer, base + HEADER_SIZE);
  }

  /** A field of a cell, unsigned. */
  word(cell: number, field: number): number {
    return Atomics.load(this.#words, (cell - this.#base + field) / 4) >>> 0;
  }

  kindAt(cell: number): number {
    return this.#map[(cell - this.#base) / CELL_SIZE]!;
  }

  /** All cells at which something of this kind begins. */
  *cells(kind: number): Iterable<number> {
    const end = Math.min(this.#words[HEADER_TOTAL / 4]!, this.#words.byteLength / CELL_SIZE);
    for (let index = this.#words[HEADER_FIRST / 4]!; index < end; index++)
      if (this.#map[index] === kind) yield this.#base + index * CELL_SIZE;
  }
}

/**
 * Bytes of an arena that are used, but for what counts the permits of guards: of each thread a cell for each semaphore, which
 * stays for a while when that is gone.
 */
export function usedBesideHolds(arena = Arena.default): number {
  return arena.used - CELL_SIZE * [...new RawArena(arena.memory, arena.address).cells(KIND_HOLD)].length;
}

/** Which threads wait for what in an arena, from its memory alone: a line each. */
export function describeWaiting(arena = Arena.default): string {
  const raw = new RawArena(arena.memory, arena.address);
  const lines: string[] = [];
  for (const record of raw.cells(KIND_THREAD)) {
    const target = raw.word(record, THREAD_QUEUED_ON);
    // WAITING or PARKED; a record that never waited has no target.
    if (!target || raw.word(record, CELL_WORD) > 1 || !raw.word(target, CELL_LENGTH)) continue;
    const word = raw.word(target, CELL_WORD);
    lines.push(
      `thread @${record} waits for ${NAMES[raw.kindAt(target)] ?? 'something destroyed'} @${target} (word: ${word >>> 6} | flags ${word & 63}, ${raw.word(target, CELL_LENGTH)} waiting)`,
    );
  }
  for (const [kind, name] of Object.entries(NAMES)) {
    for (const cell of raw.cells(Number(kind))) {
      const word = raw.word(cell, CELL_WORD);
      const length = raw.word(cell, CELL_LENGTH);
      if (length > 0) lines.push(`${length} wait for ${name} @${cell} (word: ${word >>> 6} | flags ${word & 63})`);
    }
  }
  return lines.length ? lines.join('\n') : 'no thread waits in the arena';
}
