const { Event, Lock, NotHeldError } = require('lockwork');

test('a package that is required', async () => {
  const lock = new Lock();
  expect(await lock.withAsync(() => lock.locked)).toBe(true);
  expect(() => lock.release()).toThrow(NotHeldError);
  const landed = new Event();
  const wait = landed.waitAsync({ timeout: 10_000 });
  landed.set();
  expect(await wait).toBe(true);
});
