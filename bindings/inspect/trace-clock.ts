import { now } from '../clock.ts';
import { nanoseconds } from '../host.ts';

/** As it was when this was loaded: tests replace it. */
const wallClock = /* @__PURE__ */ (() => Date.now)();

/** Some ticks of the wall clock, which counts whole ms. */
const LOOKS = 20_000;

let found: number | undefined;

/**
 * What this thread adds to `performance.now()`, so that all threads have one time. Not `timeOrigin`, which platforms read from two
 * clocks, one after the other: it is wrong by as long as a thread was stopped in between (14 ms, on a busy machine). Of many
 * looks at both clocks, in this order, such a stop makes the difference less, as does what the wall clock leaves out.
 */
export function origin(): number {
  if (found === undefined) {
    found = 0;
    for (let looks = LOOKS; looks > 0; looks--) found = Math.max(found, wallClock() - now());
  }
  return found;
}

/** ms, by a clock that all threads share: in Node that of the system since its start. */
export function sharedNow(): number {
  return nanoseconds ? Number(nanoseconds()) / 1e6 : origin() + now();
}
