import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { Lock } from 'lockwork';

/** What the files of a thread leave to each other, in whichever realm they run: each a lock that it holds for ever. */
const left = getEnvironmentData('left') ?? [];
const mine = new Lock({ name: `left ${left.length}` });
mine.acquire();
setEnvironmentData('left', [...left, mine]);

test('nothing that collides with what other files of this thread have left', async () => {
  for (const [index, handle] of left.entries()) {
    const theirs = Lock.from(handle);
    expect(theirs.name).toBe(`left ${index}`);
    expect(theirs.locked).toBe(true);
    expect(theirs.acquire(0)).toBe(false);
    expect(await theirs.acquireAsync({ timeout: 1 })).toBe(false);
  }
  expect(mine.locked).toBe(true);
  expect(new Lock().tryAcquire()).toBe(true);
});
