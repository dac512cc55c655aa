import { Barrier } from 'lockwork';
import './left.js';

test('Barrier', async () => {
  const meeting = new Barrier(3, { action: () => meetings++ });
  let meetings = 0;
  expect(await Promise.all([1, 2, 3].map(() => meeting.waitAsync()))).toEqual([0, 1, 2]);
  expect(meetings).toBe(1);
});
