import { Event } from 'lockwork';
import './left.js';

test('Event', async () => {
  const landed = new Event();
  expect(landed.wait(1)).toBe(false);
  const wait = landed.waitAsync();
  landed.set();
  expect(await wait).toBe(true);
  expect(landed.wait()).toBe(true);
});
