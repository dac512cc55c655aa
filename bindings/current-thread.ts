import { Arena, threadArenaOf } from './arena.ts';
import { identity, setName } from './host.ts';
import { knownArenas } from './registry.ts';
import { introduce, nameOf } from './thread-info.ts';
import { invalidType, show } from './validate.ts';

/** A thread, as reports call it. */
export interface ThreadInfo {
  /**
   * Its name: the one that it was given here; or else the platform's (`new Worker(file, { name })`); or else `main`,
   * or `worker` and its number. Others read as much of it as 44 bytes of UTF-8 can have.
   */
  name: string;
  /** The platform's number (Node's `threadId`), 0 for the main thread; -1 where the platform has none: workers of pages. */
  readonly id: number;
  /** What the arena knows it by, for as long as it lives. */
  readonly ident: number;
  /** Where its program is: the path or the address of its script. Others read the first 168 bytes of it. */
  readonly where: string;
  /** Whether it is this thread. */
  readonly self: boolean;
}

/**
 * This thread, like Python's `threading.current_thread()`. To set its `name` changes what reports and errors call it, in
 * all threads.
 *
 * @example
 * ```js
 * import { currentThread } from 'lockwork';
 *
 * const me = currentThread();
 * me.name; // 'main'
 * me.name = 'clerk';
 * currentThread().name; // 'clerk'
 * ```
 *
 * @param arena whose `ident` it has; default: `Arena.default`
 * @throws TypeError when it is not an arena, or a name is not a string
 */
export function currentThread(arena: Arena = Arena.default): ThreadInfo {
  const threadArena = threadArenaOf(arena, 'currentThread');
  const ident = threadArena.thread;
  return {
    get name() {
      return identity().name || nameOf(threadArena, ident).name;
    },
    set name(name: string) {
      if (typeof name !== 'string') throw invalidType(`currentThread: the name must be a string, not ${show(name)}`);
      setName(name);
      for (const known of knownArenas()) introduce(known);
    },
    id: nameOf(threadArena, ident).id,
    ident,
    where: identity().where,
    self: true,
  };
}
