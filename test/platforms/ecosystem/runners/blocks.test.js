import './left.js';
import { ROUNDS, start } from './start.js';

test('a lock that a worker has, too: this thread blocks', async () => {
  const { lock, count, done, exit } = await start();
  for (let i = 0; i < ROUNDS; i++) lock.with(() => count[0]++);
  expect(done.acquire(10_000)).toBe(true);
  expect(count[0]).toBe(2 * ROUNDS);
  expect(await exit).toEqual([0]);
});
