import { setTimeout } from '../clock.ts';
import type { ThreadArena } from '../thread-arena.ts';

/** What this thread does after each nap, by arenas. */
const looks = new WeakMap<ThreadArena, Set<() => number>>();

/**
 * What this thread does after each nap in which an arena's primitive has blocked it: each answers in how many ms, 1 or more, it wants
 * to be called again. It cannot use primitives of the arena.
 */
export function afterNaps(arena: ThreadArena): Set<() => number> {
  const known = looks.get(arena);
  if (known) return known;
  const all = new Set<() => number>();
  const before = arena.onNap;
  looks.set(arena, all);
  arena.onNap = (blocked) => {
    let next = before?.(blocked) ?? Infinity;
    for (const look of [...all]) {
      arena.withoutCalls(() => {
        try {
          next = Math.min(next, look());
        } catch (error) {
          // Thrown as from a timer. The others, and this wait, go on.
          setTimeout?.(() => {
            throw error;
          });
        }
      });
    }
    return next;
  };
  return all;
}
