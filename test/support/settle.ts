import { Arena } from 'lockwork';
import { PATIENCE } from './threads.ts';
import { describeWaiting } from './waiting.ts';

const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits for a state that other threads are about to reach, as `until` does, but blocks: for many short rounds. The
 * threads must be running already.
 */
export function settle(state: () => boolean, what: string, within = PATIENCE): void {
  const deadline = performance.now() + within;
  while (!state()) {
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}\n${describeWaiting()}`);
    Atomics.wait(nap, 0, 0, 0.02);
  }
}

/** Zeros that all threads share. */
export function integers(length: number): Int32Array {
  return Arena.default.allocate(Int32Array, length);
}
