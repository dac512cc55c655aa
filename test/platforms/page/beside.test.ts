/** What never waits works in every thread, also in one that may not block, beside threads that do. */
import { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, OverReleaseError, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, threads, thrown, until } from '../../support/threads.ts';

const integers = (length: number) => Arena.default.allocate(Int32Array, length);
const turn = () => new Promise((resolve) => setTimeout(resolve));

describe('Beside threads that block', () => {
  it.each([
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()],
    ['Semaphore', () => new Semaphore(1)],
    ['BoundedSemaphore', () => new BoundedSemaphore(1)],
  ])('%s: tryAcquire, acquire(0) and release', async (_kind, make) => {
    const lock = make();
    expect(lock.tryAcquire()).toBe(true);
    const waiting = threads(2, { lock }, ({ lock }) => {
      const through = lock.acquire();
      lock.release();
      return through;
    });
    await until(() => lock.waiters === 2, 'both wait');
    if (!(lock instanceof RLock)) expect(lock.acquire(0)).toBe(false);
    lock.release();
    expect(await waiting).toEqual([true, true]);
    expect(lock.acquire(0)).toBe(true);
    expect(await thread({ lock }, ({ lock }) => lock.acquire(5))).toBe(false);
    lock.release();
    expect(lock.waiters).toBe(0);
  });

  it('Lock: a thread that only tries excludes the others, too', async () => {
    const lock = new Lock();
    const count = integers(1);
    const others = threads(3, { lock, count }, ({ lock, count }) => {
      for (let i = 0; i < 20_000; i++) {
        lock.acquire();
        count[0]!++;
        lock.release();
      }
    });
    let through = 0;
    const end = performance.now() + 10_000;
    while (through < 1_000 && performance.now() < end) {
      for (let tries = 0; tries < 100; tries++) {
        if (!lock.tryAcquire()) continue;
        count[0]!++;
        through++;
        lock.release();
      }
      await turn();
    }
    await others;
    expect(through).toBeGreaterThanOrEqual(1_000);
    expect(count[0]).toBe(60_000 + through);
  });

  it('Semaphore: release(n) lets n go on', async () => {
    const permits = new Semaphore(0);
    const waiting = threads(3, { permits }, ({ permits }) => permits.acquire());
    await until(() => permits.waiters === 3, 'all wait');
    permits.release(2);
    await until(() => permits.waiters === 1, 'two went on');
    permits.release();
    expect(await waiting).toEqual([true, true, true]);
    expect(permits.value).toBe(0);
  });

  it('BoundedSemaphore: a release too many is refused', () => {
    const permits = new BoundedSemaphore(1);
    expect(() => permits.release()).toThrow(OverReleaseError);
    expect(permits.value).toBe(1);
  });

  it('Event: set, then clear at once, lets all go on', async () => {
    const event = new Event();
    const waiting = threads(3, { event }, ({ event }) => event.wait());
    await until(() => event.waiters === 3, 'all wait');
    event.set();
    event.clear();
    expect(await waiting).toEqual([true, true, true]);
    expect(event.isSet).toBe(false);
    expect(event.wait(0)).toBe(false);
    event.set();
    expect(event.wait(0)).toBe(true);
  });

  it('Condition: notify lets one go on, notifyAll the rest', async () => {
    for (const condition of [new Condition(), new Condition(new Lock())]) {
      const waiting = threads(3, { condition }, ({ condition }) => condition.with(() => condition.wait()));
      await until(() => condition.waiters === 3 && condition.tryAcquire(), 'all wait');
      condition.notify();
      expect(condition.waiters).toBe(2);
      condition.notifyAll();
      expect(condition.waiters).toBe(0);
      condition.release();
      expect(await waiting).toEqual([true, true, true]);
    }
  });

  it('Barrier: abort breaks it for those that wait, reset mends it', async () => {
    const barrier = new Barrier(3);
    const arrive = () => thread({ barrier }, ({ barrier }) => barrier.wait());
    const lost = [arrive(), arrive()].map(thrown);
    await until(() => barrier.waiting === 2, 'two wait');
    barrier.abort();
    expect(await Promise.all(lost)).toEqual(['BrokenBarrierError', 'BrokenBarrierError']);
    expect(barrier.broken).toBe(true);
    barrier.reset();
    const alone = thrown(arrive());
    await until(() => barrier.waiting === 1, 'one waits');
    barrier.reset();
    expect(await alone).toBe('BrokenBarrierError');
    expect((await Promise.all([arrive(), arrive(), arrive()])).sort()).toEqual([0, 1, 2]);
  });

  it('primitives go to a thread and come back the same', async () => {
    const lock = new Lock({ name: 'there and back' });
    lock.tryAcquire();
    const handles = await thread({ lock }, ({ lock }, { Condition, Event }) => {
      const event = new Event({ name: 'made there' });
      return { lock, event, condition: new Condition(lock) };
    });
    const again = Lock.from(handles.lock);
    expect(again.name).toBe('there and back');
    again.release();
    expect(lock.locked).toBe(false);
    const condition = Condition.from(handles.condition);
    expect(condition.lock.address).toBe(lock.address);
    const event = Event.from(handles.event);
    expect(event.name).toBe('made there');
    const waiting = thread({ event }, ({ event }) => event.wait());
    await until(() => event.waiters === 1, 'a thread waits');
    event.set();
    expect(await waiting).toBe(true);
  });

  it('memory is shared', async () => {
    const words = integers(1);
    await threads(3, { words }, ({ words }) => Atomics.add(words, 0, 7));
    expect(words[0]).toBe(21);
    Arena.default.free(words);
  });
});
