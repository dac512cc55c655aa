import { HEADER_DUMPED } from '../../assembly/abi.ts';
import type { ThreadArena } from '../thread-arena.ts';
import { dumpOf } from './dump.ts';
import { formatDump } from './format.ts';
import { writeError } from './later.ts';

/** This thread has been blocked for too long (`hang` ms), and others may have been, too: one of them writes a dump. */
export function dumpOfHang(arena: ThreadArena, hang: number): void {
  const time = Date.now() | 0;
  // Checked again when it is replaced.
  const last = arena.load(arena.base, HEADER_DUMPED) | 0;
  if (last && ((time - last) | 0) < hang) return;
  if (arena.core.swap(arena.base + HEADER_DUMPED, last, time)) {
    writeError(`lockwork: blocked for ${hang} ms (LOCKWORK_HANG)\n${formatDump(dumpOf(arena))}`);
  }
}
