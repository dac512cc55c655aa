/**
 * The exports of the core. Each takes addresses (usize), numbers (i32; i64 for the reaper's word) and times (f64, ms), and
 * answers a status, a number or an address. None throws, and none traps on what the bindings let through.
 */
export { create, destroy } from "./cell";
export { collect } from "./inbox";
export { awaitVerdicts } from "./queue-lock";
export { cancelWait, endGeneration as barrierEnd } from "./queue";
export { countTasks, join } from "./local";
export { accept, acquire, decline, rename, restore } from "./resource";
export { withdraw as undo } from "./withdraw";
export { claimReaper, reapCell, reapWaiter } from "./reap";
export { lockAcquire, lockRelease } from "./lock";
export { handOff, rlockAcquire, rlockRelease } from "./rlock";
// POSIX's short names.
export { addRecord, allocate as alloc, arenaDestroy, dropRecord, freeBlock as free } from "./arena";
export {
  semaphoreAcquire as semAcquire,
  semaphoreHandOff as semHandOff,
  semaphoreHold as semHold,
  semaphoreLetGo as semLetGo,
  semaphoreRelease as semRelease,
} from "./semaphore";
export { setTaskPlace as setPlace, swap, waitAsTask, waitAsThread } from "./thread";
export { eventClear, eventSet, eventWait } from "./event";
export { barrierLeave, barrierWait } from "./barrier";
export {
  conditionEnd as condEnd,
  conditionExchange as condExchange,
  conditionNotify as condNotify,
  conditionWait as condWait,
  conditionWithdraw as condUndo,
  unpin,
} from "./condition";
