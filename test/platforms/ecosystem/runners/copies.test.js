import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Lock } from 'lockwork';
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
});
