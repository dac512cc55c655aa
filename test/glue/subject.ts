/** What is broken: the async side of the bindings, and what becomes of threads that die. */

import { readFileSync } from 'node:fs';
import { BINDINGS } from './bundle.ts';
import { mutants } from './mutate.ts';

/** What waits, passes on, settles, cancels, keeps alive, blocks beside tasks, takes its turn, ends with its thread, is buried and repaired. */
export const FILES = [
  'acquirable.ts',
  'barrier.ts',
  'blocking.ts',
  'clock.ts',
  'condition.ts',
  'event.ts',
  'holds.ts',
  'keep-alive.ts',
  'local-queue.ts',
  'lock.ts',
  'operation-call.ts',
  'operation-table.ts',
  'operation.ts',
  'owner.ts',
  'pending-call.ts',
  'reap.ts',
  'recoverable.ts',
  'rlock.ts',
  'scheduler.ts',
  'scoped.ts',
  'semaphore.ts',
  'steps/acquire.ts',
  'steps/barrier.ts',
  'steps/condition.ts',
  'steps/event.ts',
  'thread-arena.ts',
  'turn.ts',
];

export const sources = new Map(FILES.map((file) => [file, readFileSync(BINDINGS + file, 'utf8')]));
export const all = FILES.flatMap((file) => mutants(file, sources.get(file)!));
