import { CELL_STAMP, HOLD_CELL, HOLD_COUNT, HOLD_STAMP, KIND_HOLD } from '../assembly/abi.ts';
import type { CellRef } from './handle.ts';
import { writeWords } from './memory.ts';
import type { ThreadArena } from './thread-arena.ts';

/**
 * Holds. A permit that a guard has is released by its guard, and by nobody else; so when the thread dies, it can be given
 * back. The core counts the permits of a thread's guards, for each semaphore in a cell of the thread: its hold
 * (`assembly/semaphore.ts`). Of a permit without a guard nobody knows who will release it.
 */

/** So many holds are looked at when one is made: more than one, so that those of no use do not become the most. */
const SWEPT = 2;

/** This thread's hold of a semaphore, made on first use; 0 when the arena is full: then its permits are as without a guard. */
export function holdOf({ arena, cell, stamp }: CellRef): number {
  const { core, base, id, thread, memory, holds } = arena;
  const known = holds.get(cell);
  if (known?.stamp === stamp) return known.address;
  if (!known) sweep(arena);
  // That of a semaphore which was here before: its guards can release nothing any more.
  const address = known?.address ?? core.addRecord(base, id, KIND_HOLD, 0, 0, thread, 0) >>> 0;
  if (!address) return 0;
  // Nobody else reads it while this thread lives; and in this order: it has no permits before it is another semaphore's.
  writeWords(memory, address, { [HOLD_COUNT]: 0, [HOLD_CELL]: cell, [HOLD_STAMP]: stamp });
  holds.set(cell, { address, stamp });
  return address;
}

/** This thread has destroyed a semaphore. */
export function dropHold({ arena, cell, stamp }: CellRef): void {
  if (arena.holds.get(cell)?.stamp === stamp) drop(arena, cell);
}

/** Gives holds back whose semaphores another thread has destroyed. */
function sweep(arena: ThreadArena): void {
  const { holds } = arena;
  let left = Math.min(SWEPT, holds.size);
  for (const [cell, hold] of holds) {
    if (left-- === 0) return;
    // No semaphore ever has the stamp of another.
    if ((arena.load(cell, CELL_STAMP) | 0) !== hold.stamp) drop(arena, cell);
    else {
      // Moved to the end, so that all have their turn.
      holds.delete(cell);
      holds.set(cell, hold);
    }
  }
}

function drop(arena: ThreadArena, cell: number): void {
  arena.dropTask(arena.holds.get(cell)!.address);
  arena.holds.delete(cell);
}
