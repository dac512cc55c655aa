import { HEADER_DUMPED } from '../../assembly/abi.ts';
import { now } from '../clock.ts';
import type { TaskWait, ThreadArena } from '../thread-arena.ts';
import { dumpOf } from './dump.ts';
import { formatDump } from './format.ts';
import { writeError } from './later.ts';

/** Since when (ms) this thread's tasks have been seen to wait, by arenas. */
const waits = new WeakMap<ThreadArena, Map<object, number>>();

/**
 * Something has waited for too long (`hang` ms), and so may have others: one of them writes a dump. `tasks`: those of this
 * thread, of which one may have; without them the thread has been blocked.
 */
export function dumpOfHang(arena: ThreadArena, hang: number, tasks?: readonly TaskWait[]): void {
  if (tasks && longest(arena, tasks) < hang) return;
  const time = Date.now() | 0;
  // Checked again when it is replaced.
  const last = arena.load(arena.base, HEADER_DUMPED) | 0;
  if (last && ((time - last) | 0) < hang) return;
  if (arena.core.swap(arena.base + HEADER_DUMPED, last, time)) {
    const what = tasks ? 'a task has waited' : 'blocked';
    writeError(`lockwork: ${what} for ${hang} ms (LOCKWORK_HANG)\n${formatDump(dumpOf(arena))}`);
  }
}

/** For how long (ms) a task has been seen to wait. */
function longest(arena: ThreadArena, tasks: readonly TaskWait[]): number {
  const time = now();
  const before = waits.get(arena);
  const seen = new Map<object, number>();
  let oldest = time;
  for (const { completion } of tasks) {
    const task = completion!.first ?? completion!;
    const since = before?.get(task) ?? time;
    seen.set(task, since);
    oldest = Math.min(oldest, since);
  }
  waits.set(arena, seen);
  return time - oldest;
}
