/** Arena: a block belongs to one thread at a time, and nobody is told "full" while there is room. */

import type { View } from '../check.ts';
import { call, expect, forever, look, once, type Scenario, use, type World } from '../scenario.ts';
import type { Script } from '../thread.ts';

/** As in assembly/abi.ts: an array's mark in the map, and fields of the header. */
const ARRAY = 12;
const [TOTAL, FIRST, USED, FREES, MAP] = [24, 28, 32, 44, 256];

/** When nobody is in a call, as many cells are marked in the map as are counted. */
function miscounted(world: World, view: View): string | undefined {
  if (world.threads.some((_, t) => view.inside(t))) return undefined;
  const { arena } = world;
  let marked = 0;
  for (let cell = view.word(arena + FIRST); cell < view.word(arena + TOTAL); cell++)
    if ((view.word((arena + MAP + cell) & ~3) >> (8 * (cell & 3))) & 255) marked++;
  return marked === view.word(arena + USED) ? undefined : `${marked} cells are taken, and the arena counts otherwise`;
}

/** How often the first thread takes a block while the others do it once: often enough to outrun a search. */
const ROUNDS = 6;

/** Takes a block, uses it, and gives it back. `full`: what it may get instead. */
function* turn(arena: number, cells: number, full?: number): Script {
  const block = yield* call('alloc', arena, ARRAY, cells);
  if (block === full) return;
  expect(block === 0 ? 0 : 1, 1);
  // Fresh blocks are zero, all of them.
  for (let cell = 0; cell < cells; cell++) {
    expect(yield* look(block + 64 * cell + 60), 0);
    yield* use(block + 64 * cell + 60);
    yield { kind: 'write', address: block + 64 * cell + 60, value: 1 };
  }
  yield* call('free', arena, block, cells);
}

/** Threads that take blocks of so many cells, use them, and give them back. */
const busy = (name: string, blocks: readonly number[], free: number, mayBeFull: boolean): Scenario => ({
  primitive: 'arena',
  name,
  threads: blocks.length,
  cells: 5 + blocks.length + free,
  build(world) {
    const { arena } = world;
    return {
      // A search compares this count with what it was at its beginning. While one search stands still, others may count
      // on for ever; for them it must come round some time, and then a search may wrongly say "full".
      wraps: new Map(mayBeFull ? [[arena + FREES, 2]] : []),
      invariant: (view) => miscounted(world, view),
      programs: blocks.map((cells, t) =>
        mayBeFull
          ? forever(() => turn(arena, cells, 0))
          : once(function* () {
              for (let round = 0; round < (t === 0 ? ROUNDS : 1); round++) yield* turn(arena, cells);
            }),
      ),
    };
  },
});

export const arena: readonly Scenario[] = [
  busy('one thread', [2], 3, false),
  busy('2 threads, room for 2', [1, 1], 2, false),
  busy('2 threads, a block of 2 and one of 1, room for both', [2, 1], 4, false),
  busy('3 threads, room for 1', [1, 1, 1], 1, true),
];
