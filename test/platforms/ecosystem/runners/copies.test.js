import { createRequire } from 'node:module';
import { join } from 'node:path';
import { currentThread, Lock } from 'lockwork';
import { dump } from 'lockwork/inspect';
import './left.js';

test('a lock of the package that is required', async () => {
  const required = createRequire(join(process.cwd(), 'here.js'))('lockwork');
  const lock = new Lock({ name: 'seats' });
  const same = required.Lock.from(lock);
  await lock.withAsync(async () => {
    expect(same.name).toBe('seats');
    expect(same.locked).toBe(true);
    expect(() => same.hold(0)).toThrow(required.TimeoutError);
  });
  expect(() => same.release()).toThrow(required.NotHeldError);
  // Each entry has the other one of its own kind; and both see the same threads.
  const inspecting = createRequire(join(process.cwd(), 'here.js'))('lockwork/inspect');
  const seen = (all) => all.primitives.filter(({ name }) => name === 'seats').map(({ held, owner }) => [held, owner]);
  lock.acquire();
  expect(seen(dump())).toEqual([[true, currentThread().ident]]);
  expect(seen(inspecting.dump())).toEqual(seen(dump()));
  lock.release();
});
