import { type Arena, Lock, OutOfMemoryError } from 'lockwork';

/** New locks in an arena until there is no room for one more. */
export function fill(arena: Arena, options = {}): Lock[] {
  const locks: Lock[] = [];
  for (;;) {
    try {
      locks.push(new Lock({ arena, ...options }));
    } catch (error) {
      if (error instanceof OutOfMemoryError) return locks;
      throw error;
    }
  }
}
