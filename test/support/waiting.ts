import { Arena } from 'lockwork';
import {
  CELL_LENGTH,
  CELL_SIZE,
  CELL_WORD,
  HEADER_FIRST,
  HEADER_SIZE,
  HEADER_TOTAL,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  KIND_THREAD,
  THREAD_QUEUED_ON,
} from '../../assembly/abi.ts';

const NAMES: Partial<Record<number, string>> = {
  [KIND_LOCK]: 'Lock',
  [KIND_RLOCK]: 'RLock',
  [KIND_SEMAPHORE]: 'Semaphore',
  [KIND_BOUNDED_SEMAPHORE]: 'BoundedSemaphore',
  [KIND_EVENT]: 'Event',
  [KIND_BARRIER]: 'Barrier',
  [KIND_CONDITION]: 'Condition',
};

/** Which threads wait for what in an arena, from its memory alone: a line each. */
export function describeWaiting(arena = Arena.default): string {
  const { memory, address: base } = arena;
  const words = new Int32Array(memory.buffer, base);
  const map = new Uint8Array(memory.buffer, base + HEADER_SIZE);
  const word = (address: number, field: number): number => Atomics.load(words, (address - base + field) / 4) >>> 0;
  const kindAt = (address: number): number => map[(address - base) / CELL_SIZE]!;
  const last = Math.min(words[HEADER_TOTAL / 4]!, (memory.buffer.byteLength - base) / CELL_SIZE);
  const lines: string[] = [];
  for (let index = words[HEADER_FIRST / 4]!; index < last; index++) {
    if (map[index] !== KIND_THREAD) continue;
    const record = base + index * CELL_SIZE;
    const target = word(record, THREAD_QUEUED_ON);
    // WAITING or PARKED; a record that never waited has no target.
    if (!target || word(record, CELL_WORD) > 1 || !word(target, CELL_LENGTH)) continue;
    const held = word(target, CELL_WORD) >>> 6;
    lines.push(
      `thread @${record} waits for ${NAMES[kindAt(target)] ?? 'something destroyed'} @${target} (word: ${held} | flags ${word(target, CELL_WORD) & 63}, ${word(target, CELL_LENGTH)} waiting)`,
    );
  }
  return lines.length ? lines.join('\n') : 'no thread waits in the default arena';
}
