import { RLock } from 'lockwork';
import './left.js';

test('RLock', async () => {
  const lock = new RLock();
  expect(lock.with(() => lock.with(() => lock.recursionCount))).toBe(2);
  await lock.withAsync(async ({ owner }) => {
    expect(await lock.acquireAsync({ owner })).toBe(true);
    lock.release({ owner });
    expect(lock.owned).toBe(false);
  });
  expect(lock.locked).toBe(false);
});
