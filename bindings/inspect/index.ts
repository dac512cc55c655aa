/**
 * lockwork/inspect: what threads do, what they hold, what they wait for. Exports only.
 *
 * @module lockwork/inspect
 */

export type { ThreadInfo } from '../index.ts';
export {
  activeCount,
  type Deadlock,
  type Dump,
  dump,
  enumerate,
  findDeadlocks,
  type HoldInfo,
  type PrimitiveDump,
  type PrimitiveInfo,
  type PrimitiveKind,
  type TasksInfo,
  type ThreadDump,
} from './dump.ts';
export { formatDump } from './format.ts';
/** @internal What the environment variable LOCKWORK_HANG calls. */
export { dumpOfHang } from './hang.ts';
export { type DumpLaterOptions, dumpLater } from './later.ts';
export { type TraceOptions, trace, traceEvents } from './trace.ts';
export type { TraceMessage, TraceNesting, TraceWarning } from './trace-channels.ts';
export type { TraceEvent, TraceTimeline } from './trace-timeline.ts';
