import { BlockingNotAllowedError, Lock } from 'lockwork';
import { expect, it } from 'vitest';

it('is a page that has shared memory and may not block', () => {
  expect(crossOriginIsolated).toBe(true);
  expect(() => new Lock().acquire()).toThrow(BlockingNotAllowedError);
});
