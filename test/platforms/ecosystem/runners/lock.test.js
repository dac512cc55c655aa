import { Lock } from 'lockwork';
import './left.js';

test('Lock', async () => {
  const lock = new Lock({ name: 'seats' });
  expect(lock.acquire()).toBe(true);
  expect(lock.acquire(1)).toBe(false);
  expect(await lock.acquireAsync({ timeout: 1 })).toBe(false);
  const next = lock.acquireAsync();
  expect(lock.waiters).toBe(1);
  lock.release();
  expect(await next).toBe(true);
  lock.release();
  expect(lock.with(() => lock.locked)).toBe(true);
  expect(await lock.withAsync(async () => lock.locked)).toBe(true);
  expect(lock.locked).toBe(false);
});
