import { clearTimeout, LONGEST, now, setTimeout } from '../clock.ts';
import { builtIn, workerThreads } from '../host.ts';
import { Arena, UnsupportedError } from '../index.ts';
import { pause } from '../memory.ts';
import { checkFunction, checkOptions, checkTimeout, invalidType, show } from '../validate.ts';
import { dumpOf } from './dump.ts';
import { formatDump } from './format.ts';
import { afterNaps } from './naps.ts';

interface NodeProcess {
  readonly pid: number;
  exit(code: number): void;
  kill(pid: number, signal: string): void;
}

const nodeProcess = (globalThis as { process?: NodeProcess }).process;

/** How often, and how long (ms) each time, a full pipe is waited for that nobody seems to read. */
const TRIES = 400;
const PAUSE = 5;

/** Writes a dump, at once: a worker's `console` goes through the main thread, which may be blocked. */
export function writeError(text: string): void {
  const fs = builtIn('fs') as { writeSync?(fd: number, bytes: Uint8Array): number } | undefined;
  if (!fs?.writeSync) {
    console.error(text);
    return;
  }
  let bytes = new TextEncoder().encode(`${text}\n`);
  for (let tries = 0; bytes.length > 0 && tries < TRIES; tries++) {
    try {
      // A pipe takes what it has room for, and may refuse to wait.
      bytes = bytes.subarray(fs.writeSync(2, bytes));
      tries = 0;
    } catch (error) {
      // Nobody reads it any more.
      if ((error as { code?: string }).code !== 'EAGAIN') return;
      pause(PAUSE);
    }
  }
}

/** Ends the process, also from a worker, whose `exit` would end only itself. */
function endProcess(): void {
  if (workerThreads?.isMainThread !== false) nodeProcess!.exit(1);
  nodeProcess!.kill(nodeProcess!.pid, 'SIGKILL');
}

/** How often, where to and of what `dumpLater` writes. */
export interface DumpLaterOptions {
  /** Whether to write one again and again, each so long after the one before. */
  repeat?: boolean | undefined;
  /** Whether the process ends afterwards, with exit code 1; when a worker writes it, by SIGKILL. Not in pages. */
  exit?: boolean | undefined;
  /**
   * Takes the text, in place of stderr (the console, in pages). It may be called while this thread is blocked, and cannot use
   * primitives of the arena then. What it throws is thrown in a later turn of this thread's event loop.
   */
  write?: ((text: string) => void) | undefined;
  /** What is dumped. Default: `Arena.default`. */
  arena?: Arena | undefined;
}

/**
 * Writes a dump after a while, like Python's `faulthandler.dump_traceback_later()`: for a program that may hang. It needs no
 * event loop: a thread that is blocked by a primitive of the arena writes it by itself, up to a second late, any other one as
 * soon as its event loop turns. A thread that computes all the while writes none.
 *
 * With the environment variable `LOCKWORK_HANG` (ms) no call is needed: a thread that is blocked for so long, or has a task that
 * waits for so long, writes a dump to stderr, and again after the same time; of several threads one does. In Node, Bun and Deno.
 *
 * @example
 * ```js
 * import { Event } from 'lockwork';
 * import { dumpLater } from 'lockwork/inspect';
 *
 * const cancel = dumpLater(5_000); // a dump on stderr, if it takes longer
 * await new Event().waitAsync({ timeout: 10 }); // false
 * cancel();
 * ```
 *
 * @param ms from now
 * @returns a function that cancels it
 * @throws TypeError, RangeError when the time is not a number of 0 or more, or an option is wrong; UnsupportedError for `exit`
 *   where there is no process
 */
export function dumpLater(ms: number, options?: DumpLaterOptions): () => void {
  if (ms === undefined) throw invalidType('dumpLater: how many milliseconds?');
  const limit = checkTimeout(ms, 'dumpLater');
  checkOptions(options, 'dumpLater', ['repeat', 'exit', 'write', 'arena']);
  const { repeat = false, exit = false, write = writeError, arena = Arena.default } = options ?? {};
  for (const [name, flag] of Object.entries({ repeat, exit })) {
    if (typeof flag !== 'boolean') throw invalidType(`dumpLater: ${name} must be true or false, not ${show(flag)}`);
  }
  checkFunction(write, 'dumpLater: the option write');
  if (!(arena instanceof Arena)) throw invalidType(`dumpLater: the arena must be an Arena, not ${show(arena)}`);
  if (exit && !nodeProcess?.exit) throw new UnsupportedError('dumpLater: there is no process here that could exit');
  const { threadArena } = arena;
  let due = now() + limit;
  let timer: { unref?(): void } | undefined;
  /** In how many ms it is due: 1 or more, as a nap of 0 ms would not end. */
  const left = (): number => Math.max(1, Math.ceil(due - now()));
  const look = (): number => {
    if (threadArena.destroyed) cancel();
    else if (now() >= due) {
      if (repeat) due = now() + limit;
      else cancel();
      try {
        write(formatDump(dumpOf(threadArena)));
      } finally {
        if (exit) endProcess();
      }
    }
    return left();
  };
  const all = afterNaps(threadArena);
  const cancel = (): void => {
    due = Infinity;
    all.delete(look);
    clearTimeout(timer as never);
  };
  /** A timer for the next look: the first look that is due writes. */
  const turn = (): void => {
    timer = setTimeout?.(
      () => {
        try {
          look();
        } finally {
          if (all.has(look)) turn();
        }
      },
      Math.min(left(), LONGEST),
    ) as { unref?(): void } | undefined;
    timer?.unref?.();
  };
  all.add(look);
  turn();
  return cancel;
}
