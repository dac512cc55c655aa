/** Random operations of threads and tasks, see support/fuzz.ts. LOCKWORK_FUZZ=seconds does it for longer. */
import { describe, expect, it } from 'vitest';
import { chosen, fuzz, PART } from '../support/fuzz.ts';

describe('Random operations find nothing', () => {
  it.each(chosen)('%s', { timeout: PART + 60_000 }, async (family) => {
    const { rounds } = await fuzz(family);
    expect(rounds).toBeGreaterThan(0);
  });
});
