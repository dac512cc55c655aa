/**
 * The exports of the core. Each takes addresses (usize), numbers (i32) and times (f64, ms), and answers a status, a number
 * or an address. None throws, and none traps on what the bindings let through.
 */
export { create, destroy } from "./cell";
export { collect } from "./inbox";
export { awaitVerdicts } from "./queue-lock";
export { cancelWait } from "./queue";
export { countTasks, join } from "./local";
export { acquire, decline, rename, withdraw } from "./resource";
export { lockAcquire, lockHandOff, lockRelease } from "./lock";
export { rlockAcquire, rlockHandOff, rlockRelease } from "./rlock";
// An export's name is part of the bytes that every user loads, so these are POSIX's short ones.
export { addRecord, allocate as alloc, arenaDestroy, dropRecord, freeBlock as free } from "./arena";
export { semaphoreAcquire as semAcquire, semaphoreHandOff as semHandOff, semaphoreRelease as semRelease } from "./semaphore";
export { setTaskPlace, waitAsTask, waitAsThread } from "./thread";
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
