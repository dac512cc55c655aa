/** Whether what came out of a library is what went in, and works. */
import assert from 'node:assert/strict';
import { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';

export const arena = new Arena({ maximumBytes: 65_536 });

export const make = () => ({
  arena,
  lock: new Lock({ arena, name: 'seats' }),
  rlock: new RLock({ arena }),
  semaphore: new Semaphore(1, { arena }),
  bounded: new BoundedSemaphore(1, { arena }),
  event: new Event({ arena }),
  barrier: new Barrier(1, { arena }),
  condition: new Condition(new Lock({ arena })),
});

/** @param kept what the library has of `made` */
export async function check(made, kept) {
  for (const [name, it] of Object.entries(made)) assert.equal(kept[name], it, `${name} is another object`);
  const { lock, rlock, semaphore, bounded, event, barrier, condition } = kept;
  for (const each of [lock, rlock, semaphore, bounded, condition]) {
    assert.equal(await each.withAsync(() => 'held'), 'held');
    assert.equal(each.tryAcquire(), true);
    each.release();
  }
  const guard = await lock.holdAsync();
  const wait = lock.acquireAsync();
  assert.deepEqual([lock.locked, lock.waiters, lock.name], [true, 1, 'seats']);
  guard.release();
  assert.equal(await wait, true);
  lock.release();
  event.set();
  assert.equal(await event.waitAsync(), true);
  assert.equal(await barrier.waitAsync(), 0);
  assert.equal(new Lock({ arena: kept.arena }).locked, false);
}
