import { Arena } from 'lockwork';
import { CELL, Field, HEADER, Header, Kind } from '../../assembly/abi.ts';

const NAMES: Partial<Record<Kind, string>> = {
  [Kind.LOCK]: 'Lock',
  [Kind.RLOCK]: 'RLock',
  [Kind.SEMAPHORE]: 'Semaphore',
  [Kind.BOUNDED_SEMAPHORE]: 'BoundedSemaphore',
  [Kind.EVENT]: 'Event',
  [Kind.BARRIER]: 'Barrier',
  [Kind.CONDITION]: 'Condition',
};

/** Which threads wait for what in an arena, from its memory alone: a line each. */
export function describeWaiting(arena = Arena.default): string {
  const { memory, address: base } = arena;
  const words = new Int32Array(memory.buffer, base);
  const map = new Uint8Array(memory.buffer, base + HEADER);
  const word = (address: number, field: number): number => Atomics.load(words, (address - base + field) / 4) >>> 0;
  const kindAt = (address: number): Kind => map[(address - base) / CELL] as Kind;
  const last = Math.min(words[Header.TOTAL / 4]!, (memory.buffer.byteLength - base) / CELL);
  const lines: string[] = [];
  for (let index = words[Header.FIRST / 4]!; index < last; index++) {
    if (map[index] !== Kind.THREAD) continue;
    const record = base + index * CELL;
    const target = word(record, Field.THREAD_TARGET);
    // WAITING or PARKED; a record that never waited has no target.
    if (!target || word(record, Field.WORD) > 1 || !word(target, Field.LENGTH)) continue;
    const held = word(target, Field.WORD) >>> 6;
    lines.push(
      `thread @${record} waits for ${NAMES[kindAt(target)] ?? 'something destroyed'} @${target} (word: ${held} | flags ${word(target, Field.WORD) & 63}, ${word(target, Field.LENGTH)} waiting)`,
    );
  }
  return lines.length ? lines.join('\n') : 'no thread waits in the default arena';
}
