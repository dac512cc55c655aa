import {
  STATUS_ABANDONED,
  STATUS_BROKEN,
  STATUS_DEADLOCK,
  STATUS_DESTROYED,
  STATUS_INVALID,
  STATUS_MAY_NOT_BLOCK,
  STATUS_NOT_HELD,
  STATUS_OUT_OF_MEMORY,
  STATUS_OVER_RELEASE,
} from '../../assembly/abi.ts';
import {
  AbandonedError,
  BlockingNotAllowedError,
  BrokenBarrierError,
  DeadlockError,
  NotHeldError,
  OutOfMemoryError,
  OverReleaseError,
  ThreadingError,
} from '../index.ts';

/** The classes, the base last. */
const STATUSES: readonly (readonly [typeof ThreadingError, number])[] = [
  [NotHeldError, STATUS_NOT_HELD],
  [OverReleaseError, STATUS_OVER_RELEASE],
  [BrokenBarrierError, STATUS_BROKEN],
  [BlockingNotAllowedError, STATUS_MAY_NOT_BLOCK],
  [DeadlockError, STATUS_DEADLOCK],
  [OutOfMemoryError, STATUS_OUT_OF_MEMORY],
  [AbandonedError, STATUS_ABANDONED],
  [ThreadingError, STATUS_DESTROYED],
];

/** What a program is told in place of an error, which would unwind its frames. */
export function statusOf(error: unknown): number {
  const found = STATUSES.find(([type]) => error instanceof type);
  if (found) return found[1];
  // A full stack. An argument that is wrong has a code.
  return error instanceof RangeError && !('code' in error) ? STATUS_OUT_OF_MEMORY : STATUS_INVALID;
}
