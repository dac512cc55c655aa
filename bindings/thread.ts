import { SharedBuffer } from './sharing.ts';

/** What this thread may do. */

/**
 * Whether this thread may block. Asked of JavaScript, never of WebAssembly: Firefox's page thread would really block in
 * `memory.atomic.wait32`. The word differs from what is waited for, so that nothing waits here either.
 */
export const mayBlock = /* @__PURE__ */ ((): boolean => {
  try {
    return Atomics.wait(new Int32Array(new SharedBuffer!(4)), 0, 1, 0) === 'not-equal';
  } catch {
    return false;
  }
})();

/**
 * More than any call that blocks takes, whatever tier its functions are in: 44 KB of arguments. An engine may have to
 * compile a function before it is called, on the same stack, and V8 does so only if 36 KB of it are left.
 */
const STACK = /* @__PURE__ */ Array(5632).fill(0);

function nothing(): void {}

/**
 * Throws what the engine throws when the stack is nearly full, while nothing has begun yet: for what would need as much
 * of it again, in the midst of a step, to make good for that.
 */
export function needStack(): void {
  nothing.apply(undefined, STACK as []);
}
