/** All states of a program, shortest ways first, while the page stays alive. */
import { type Exploration, Explorer } from '../../../test/model/explorer.ts';
import type { Loaded } from './loaded.ts';

/** The programs here have at most about 2,000. */
const MOST_STATES = 20_000;
/** From one turn of the page to the next (ms). */
const TURN = 16;

export async function search({ system, written }: Loaded): Promise<Exploration> {
  const limits = { reduce: false, mostStates: MOST_STATES };
  const exploring = new Explorer(system, limits, new Set(), [...written]).explore();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve));
    for (const end = performance.now() + TURN; performance.now() < end; ) {
      const { done, value } = exploring.next();
      if (done) return value;
    }
  }
}
