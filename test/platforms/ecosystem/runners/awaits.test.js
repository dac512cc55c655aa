import './left.js';
import { ROUNDS, start } from './start.js';

test('a lock that a worker has, too: this thread awaits it', async () => {
  const { lock, count, exit } = await start();
  for (let i = 0; i < ROUNDS; i++) await lock.withAsync(() => count[0]++);
  expect(await exit).toEqual([0]);
  expect(count[0]).toBe(2 * ROUNDS);
});
