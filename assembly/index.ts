/**
 * The exports of the core, and nothing else. Every one takes addresses (usize), counts (i32) and times (f64 ms) and
 * answers a status, a number or an address; none throws, none traps on what the bindings let through.
 */
export { create, destroy } from "./cell";
export { collect } from "./inbox";
export { cancelWait as leave } from "./queue";
export { acquire, rename, withdraw } from "./resource";
export { lockAcquire, lockRelease } from "./lock";
export { rlockAcquire, rlockRelease } from "./rlock";
// Names are part of the bytes that everybody loads: POSIX's short ones.
export { addRecord, allocate as alloc, arenaDestroy, dropRecord, reclaim as free } from "./arena";
export { semaphoreAcquire as semAcquire, semaphoreRelease as semRelease } from "./semaphore";
export { eventClear, eventSet, eventWait } from "./event";
export { barrierEnd, barrierLeave, barrierWait } from "./barrier";
export {
  conditionDestroy as condDestroy,
  conditionEnd as condEnd,
  conditionExchange as condExchange,
  conditionNotify as condNotify,
  conditionWait as condWait,
  conditionWithdraw as condWithdraw,
  unpin,
} from "./condition";
