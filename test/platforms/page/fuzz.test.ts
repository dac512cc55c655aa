/** Random operations of a page and its workers, see ../../support/fuzz.ts; the page awaits. */
import { describe, expect, it } from 'vitest';
import { chosen, fuzz, PART } from '../../support/fuzz.ts';

describe('Random operations beside workers find nothing', () => {
  it.each(chosen)('%s', { timeout: PART + 60_000 }, async (family) => {
    const { rounds } = await fuzz(family);
    expect(rounds).toBeGreaterThan(0);
  });
});
