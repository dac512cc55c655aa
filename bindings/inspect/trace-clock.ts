import { now } from '../clock.ts';
import { nanoseconds } from '../host.ts';

/** What a page adds to `performance.now()`, so that its threads have one time. */
export const origin = /* @__PURE__ */ (() => globalThis.performance?.timeOrigin ?? 0)();

/**
 * ms, by a clock that all threads share. In Node, Bun and Deno that of the system since its start: their `timeOrigin` is read
 * from two clocks, one after the other, and is wrong by as long as a thread was stopped in between (14 ms, on a busy machine).
 */
export function sharedNow(): number {
  return nanoseconds ? Number(nanoseconds()) / 1e6 : origin + now();
}
