import { ABANDONED, ACTION, BROKEN, NOBODY, UNIT } from '../assembly/abi.ts';

/** When a primitive may be destroyed, and what is left behind; see the table at `destroy` in `assembly/cell.ts`. */
export interface Idle {
  readonly mask: number;
  readonly idle: number;
  readonly dead: number;
}

/** Of a Lock and an RLock: not held, no waiter on its way; it may be abandoned. */
export const IDLE_LOCK: Idle = /* @__PURE__ */ (() => ({ mask: ~ABANDONED, idle: 0, dead: NOBODY }))();
export const IDLE_SEMAPHORE: Idle = /* @__PURE__ */ (() => ({ mask: UNIT - 1, idle: 0, dead: 0 }))();
export const IDLE_BARRIER: Idle = /* @__PURE__ */ (() => ({ mask: ACTION, idle: 0, dead: BROKEN }))();
/** Of an Event and a Condition: no waiter. */
export const IDLE: Idle = /* @__PURE__ */ (() => ({ mask: 0, idle: 0, dead: 0 }))();

/** All permits are back. */
export function idleBoundedSemaphore(bound: number): Idle {
  return { mask: -1, idle: bound * UNIT, dead: 0 };
}
