/** Two threads that let each other go on in turns. */
import { copy, type Sample } from './rival.ts';
import type { Control, Threads, Trial } from './threads.ts';
import type { Column } from './topic.ts';

/** One side's view of a ball. */
export interface Ball {
  /** Gives it to the other side. */
  pass(): void;
  /** Waits until it is here. */
  take(): void;
}

/** How long a slow side keeps the ball (ms), so that the other side is surely asleep. */
export const PAUSE = 0.1;

const SLEEPS = 'sleeps';
export const SLEPT: Column = {
  name: SLEEPS,
  note: 'of both threads, for each handoff',
  show: (sleeps) => sleeps.toFixed(2),
};

/** Of a pair of threads, of which the first counts. */
export async function handoffs(pair: Threads, trial: Trial, window: number, pause: number): Promise<Sample> {
  const before = process.resourceUsage().voluntaryContextSwitches;
  const [first] = await pair.run(trial, window);
  const { milliseconds, operations } = first!;
  const sleeps = process.resourceUsage().voluntaryContextSwitches - before;
  return { ns: (milliseconds / operations - pause) * 1e6, more: { [SLEEPS]: sleeps / operations } };
}

/** A side's part: that of side 0 has the ball at first, and says before its last pass that it is the last. */
export function play(ball: Ball, side: number, control: Control, slow: boolean): () => number {
  return copy(side === 0 ? serve : answer)(slow ? slowed(ball) : ball, control.stop, control.over);
}

function slowed({ pass, take }: Ball): Ball {
  return {
    pass() {
      const until = performance.now() + PAUSE;
      while (performance.now() < until);
      pass();
    },
    take,
  };
}

const serve = (ball: Ball, stop: Int32Array, over: Int32Array) => () => {
  let handoffs = 0;
  do {
    if (Atomics.load(stop, 0)) Atomics.store(over, 0, 1);
    ball.pass();
    ball.take();
    handoffs += 2;
  } while (!Atomics.load(over, 0));
  return handoffs;
};

const answer = (ball: Ball, _stop: Int32Array, over: Int32Array) => () => {
  let handoffs = 0;
  let last: number;
  do {
    ball.take();
    // Between the two: until it has the ball back, the other side cannot say so.
    last = Atomics.load(over, 0);
    ball.pass();
    handoffs += 2;
  } while (!last);
  return handoffs;
};
