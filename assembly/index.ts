/**
 * The exports of the core, and nothing else. Every one takes addresses (usize), counts (i32) and times (f64 ms) and
 * answers a status, a number or an address; none throws, none traps on what the bindings let through.
 */
export { allocate, reclaim } from "./arena";
export { create, destroy, peek } from "./cell";
export { lockAcquire, lockRelease } from "./lock";
export { rlockAcquire, rlockRelease } from "./rlock";
export { semaphoreAcquire, semaphoreRelease } from "./semaphore";
export { eventClear, eventSet, eventWait } from "./event";
export { barrierBreak, barrierEnd, barrierWait } from "./barrier";
export { conditionNotify, conditionWait } from "./condition";
