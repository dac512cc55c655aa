import { Arena, Lock } from 'lockwork';
import './left.js';

test('aborted waits, which leave nothing behind', async () => {
  const lock = new Lock();
  lock.acquire();
  const { used } = Arena.default;
  const giveUp = new AbortController();
  const waits = Array.from({ length: 20 }, () => lock.acquireAsync({ signal: giveUp.signal }));
  giveUp.abort();
  for (const { reason } of await Promise.allSettled(waits)) expect(reason).toBe(giveUp.signal.reason);
  expect(lock.waiters).toBe(0);
  expect(Arena.default.used).toBe(used);
});
