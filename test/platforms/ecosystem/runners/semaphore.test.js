import { BoundedSemaphore, Semaphore } from 'lockwork';
import './left.js';

test('Semaphore and BoundedSemaphore', async () => {
  for (const desks of [new Semaphore(2), new BoundedSemaphore(2)]) {
    expect(desks.acquire()).toBe(true);
    expect(await desks.acquireAsync()).toBe(true);
    expect(desks.tryAcquire()).toBe(false);
    const next = desks.acquireAsync();
    desks.release(2);
    expect(await next).toBe(true);
    expect(desks.value).toBe(1);
  }
});
