import { HEADER_DUMPED } from '../../assembly/abi.ts';
import { clearInterval, now, setInterval } from '../clock.ts';
import { invalidType, UnsupportedError } from '../errors.ts';
import { hangTime } from '../host.ts';
import { Arena } from '../index.ts';
import type { ThreadArena } from '../thread-arena.ts';
import { checkFunction, checkOptions, checkTimeout, show } from '../validate.ts';
import { dump, dumpOf } from './dump.ts';
import { formatDump } from './format.ts';
import { afterNaps } from './naps.ts';

/** What a dump is written with, at once: a worker's `console` goes through the main thread, which may be blocked. */
interface NodeProcess {
  readonly pid: number;
  exit(code: number): void;
  kill(pid: number, signal: string): void;
  getBuiltinModule?(id: string): unknown;
}

const nodeProcess = (globalThis as { process?: NodeProcess }).process;

function writeError(text: string): void {
  const fs = nodeProcess?.getBuiltinModule?.('node:fs') as { writeSync?(fd: number, text: string): void } | undefined;
  if (fs?.writeSync) fs.writeSync(2, `${text}\n`);
  else console.error(text);
}

/** Ends the process, also from a worker, whose `exit` would end only itself. */
function endProcess(): void {
  const threads = nodeProcess!.getBuiltinModule?.('node:worker_threads') as { isMainThread: boolean } | undefined;
  if (threads?.isMainThread !== false) nodeProcess!.exit(1);
  nodeProcess!.kill(nodeProcess!.pid, 'SIGKILL');
}

export interface DumpLaterOptions {
  /** Whether to write one again and again, each so long after the one before. */
  repeat?: boolean;
  /** Whether the process ends afterwards, with exit code 1; when a worker writes it, by SIGKILL. Not in pages. */
  exit?: boolean;
  /**
   * Takes the text, in place of stderr (the console, in pages). It may be called while this thread is blocked, and cannot use
   * primitives of the arena then.
   */
  write?: (text: string) => void;
  /** What is dumped. Default: `Arena.default`. */
  arena?: Arena;
}

/**
 * Writes a dump after a while, like Python's `faulthandler.dump_traceback_later()`: for a program that may hang. It needs no
 * event loop: a thread that is blocked by a primitive of the arena writes it by itself, up to a second late, any other one as
 * soon as its event loop turns. A thread that computes all the while writes none.
 *
 * With the environment variable `LOCKWORK_HANG` (ms) no call is needed: a thread that is blocked for so long writes a dump to
 * stderr, and again after the same time; of several threads one does. In Node, Bun and Deno.
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
  /** Answers in how many ms it is due: 1 or more, as a nap of 0 ms would not end. */
  const look = (): number => {
    if (now() >= due) {
      const text = formatDump(dump(arena));
      due = repeat ? now() + limit : Infinity;
      if (!repeat) cancel();
      write(text);
      if (exit) endProcess();
    }
    return Math.max(1, Math.ceil(due - now()));
  };
  const all = afterNaps(threadArena);
  all.add(look);
  const timer = setInterval(look, Math.min(Math.max(limit, 1), LONGEST_TIMER)) as { unref?(): void };
  timer.unref?.();
  const cancel = (): void => {
    all.delete(look);
    clearInterval(timer as never);
  };
  return cancel;
}

/** 24 days. */
const LONGEST_TIMER = 0x7fffffff;

/**
 * This thread has been blocked for too long, and others may have been, too: one of them writes a dump. `LOCKWORK_HANG` calls it.
 *
 * @internal
 */
export function dumpOfHang(arena: ThreadArena): void {
  const hang = hangTime();
  const time = Date.now() | 0;
  // Checked again when it is replaced.
  const last = arena.load(arena.base, HEADER_DUMPED) | 0;
  if (last && ((time - last) | 0) < hang) return;
  if (arena.core.swap(arena.base + HEADER_DUMPED, last, time)) {
    writeError(`lockwork: blocked for ${hang} ms (LOCKWORK_HANG)\n${formatDump(dumpOf(arena))}`);
  }
}
