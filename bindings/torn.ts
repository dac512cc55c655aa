import { ThreadingError } from './errors.ts';

/**
 * Deno's `terminate()` unwinds a call that blocks and runs nothing that is behind it, no `finally` either; and for a moment the
 * thread goes on with other things. Its record still says what is due to that call, and a reaper must find that:
 *
 *   T1: stands in a queue, and is torn away            T2: wakes T1, which is dead by now
 *   T1: another call notes in the same record
 *       what is due to it, over that                   T3: buries T1, and finds no wake-up that could go to the next
 *
 * So there a mark is set while a call of the thread is in the core, or sleeps. Whatever finds it set comes after a call that was
 * torn away, and is refused. The thread is found dead, and buried. Other platforms run nothing more of such a thread, and pay
 * nothing for it here.
 */
export const tears = (): boolean => 'Deno' in globalThis;

export interface Mark {
  set: boolean;
}

/** Does what may be torn away. */
export function marked<T>(mark: Mark, act: () => T): T {
  mark.set = true;
  try {
    return act();
  } finally {
    mark.set = false;
  }
}

/** What the core calls in the midst of a call: there the thread may call it, too. */
export function unmarked<T>(mark: Mark, act: () => T): T {
  mark.set = false;
  try {
    return act();
  } finally {
    mark.set = true;
  }
}

/** The calls, refused after one that was torn away. */
export function guarded<C extends object>(core: C, mark: Mark): C {
  const calls = Object.entries(core).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value];
    const guard = (...args: unknown[]): unknown => {
      if (mark.set) {
        throw new ThreadingError(
          'This thread is being terminated, and was cut off in a call of lockwork: it can do no more',
        );
      }
      return marked(mark, () => (core as Record<string, (...args: unknown[]) => unknown>)[name]!(...args));
    };
    return [name, guard];
  });
  return Object.fromEntries(calls) as C;
}
