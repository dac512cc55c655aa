/** Work of a known length, of the same speed in every program. */
import { instantiate, makeMemory } from '../rivals/wasm.ts';

type Work = (steps: number) => void;

let work: Work | undefined;

/** Computes for so many steps, and touches no memory. */
export function worker(): Work {
  work ??= instantiate(makeMemory()).work;
  return work;
}

let speed = 0;

/** How many steps of work take 1 ns: in the fastest of many tries, which nobody disturbed. */
export function calibrate(): number {
  const steps = 100_000;
  for (let tries = speed ? 0 : 100; tries; tries--) {
    const start = performance.now();
    worker()(steps);
    speed = Math.max(speed, steps / ((performance.now() - start) * 1e6));
  }
  return speed;
}

/** 100 ns, 10 µs, 1 ms. */
export function time(ns: number): string {
  if (ns >= 1e6) return `${ns / 1e6} ms`;
  return ns < 1000 ? `${ns} ns` : `${ns / 1000} µs`;
}
