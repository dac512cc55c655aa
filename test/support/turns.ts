import { expect } from 'vitest';

/** A round of waiters that go on one after the other. */
interface Round {
  order: number[];
  /** How long (ms) the longest turn took, or all of them. */
  slowest: number;
}

/** On busy cores a waiter that was woken may not come for so long (ms), and be passed. */
const SLOW = 25;

/** The order in which waiters go on. A round with a slow turn and another order says nothing: there is one more. */
export async function expectInTurn(round: () => Promise<Round>, order: readonly number[]): Promise<void> {
  let last = await round();
  for (let left = 20; left > 0 && last.slowest > SLOW && String(last.order) !== String(order); left--) {
    last = await round();
  }
  expect(last.order).toEqual(order);
}

/** How long something takes, ms. */
export async function timed(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** Releases what all of these wait for, each of which releases it again; answers how long they take (ms). */
export function passOn(lock: { release(): void }, waiting: readonly Promise<unknown>[]): Promise<number> {
  return timed(() => {
    lock.release();
    return Promise.all(waiting);
  });
}
