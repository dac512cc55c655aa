const { Event, Lock, NotHeldError } = require('lockwork');
const { dump, formatDump } = require('lockwork/inspect');

test('a package that is required', async () => {
  const lock = new Lock();
  expect(await lock.withAsync(() => lock.locked)).toBe(true);
  expect(() => lock.release()).toThrow(NotHeldError);
  const named = new Lock({ name: 'required' });
  named.acquire();
  expect(formatDump(dump())).toContain('holds Lock "required"');
  named.release();
  const landed = new Event();
  const wait = landed.waitAsync({ timeout: 10_000 });
  landed.set();
  expect(await wait).toBe(true);
});
