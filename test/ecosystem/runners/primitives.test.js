import {
  Arena,
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  DeadlockError,
  Event,
  Lock,
  NotHeldError,
  OverReleaseError,
  RLock,
  Semaphore,
  ThreadingError,
  TimeoutError,
} from 'lockwork';

test('Lock', async () => {
  const lock = new Lock({ name: 'seats' });
  expect(lock.acquire()).toBe(true);
  expect(lock.acquire(1)).toBe(false);
  expect(await lock.acquireAsync({ timeout: 1 })).toBe(false);
  const next = lock.acquireAsync();
  expect(lock.waiters).toBe(1);
  lock.release();
  expect(await next).toBe(true);
  lock.release();
  expect(lock.with(() => lock.locked)).toBe(true);
  expect(await lock.withAsync(async () => lock.locked)).toBe(true);
  expect(lock.locked).toBe(false);
});

test('RLock', async () => {
  const lock = new RLock();
  expect(lock.with(() => lock.with(() => lock.recursionCount))).toBe(2);
  await lock.withAsync(async ({ owner }) => {
    expect(await lock.acquireAsync({ owner })).toBe(true);
    lock.release({ owner });
    expect(lock.owned).toBe(false);
  });
  expect(lock.locked).toBe(false);
});

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

test('Event', async () => {
  const landed = new Event();
  expect(landed.wait(1)).toBe(false);
  const wait = landed.waitAsync();
  landed.set();
  expect(await wait).toBe(true);
  expect(landed.wait()).toBe(true);
});

test('Barrier', async () => {
  const meeting = new Barrier(3, { action: () => meetings++ });
  let meetings = 0;
  expect(await Promise.all([1, 2, 3].map(() => meeting.waitAsync()))).toEqual([0, 1, 2]);
  expect(meetings).toBe(1);
});

test('Condition', async () => {
  const changed = new Condition(new Lock());
  let order = 0;
  const cook = changed.withAsync(() => changed.waitForAsync(() => order > 0, { timeout: 10_000 }));
  await changed.withAsync(() => {
    order++;
    changed.notify();
  });
  expect(await cook).toBe(true);
  expect(changed.with(() => changed.wait(1))).toBe(false);
});

test('errors of the classes that are imported', async () => {
  const lock = new Lock({ name: 'seats' });
  expect(() => lock.release()).toThrow(NotHeldError);
  expect(() => lock.release()).toThrow(ThreadingError);
  expect(() => lock.release()).toThrow(Error);
  expect(() => lock.release()).toThrow(/seats/);
  expect(() => new Lock({ name: 1 })).toThrow(TypeError);
  expect(() => lock.acquire(-1)).toThrow(RangeError);
  await lock.withAsync(async () => {
    expect(() => lock.acquire()).toThrow(DeadlockError);
    expect(() => lock.hold(0)).toThrow(TimeoutError);
    await expect(lock.holdAsync({ timeout: 1 })).rejects.toThrow(TimeoutError);
  });
  expect(() => new BoundedSemaphore(1).release()).toThrow(OverReleaseError);
  const meeting = new Barrier(2);
  expect(() => meeting.wait(1)).toThrow(BrokenBarrierError);
  await expect(meeting.waitAsync()).rejects.toBeInstanceOf(BrokenBarrierError);
});

test('aborted waits, which leave nothing behind', async () => {
  const lock = new Lock();
  lock.acquire();
  const { used } = Arena.default;
  const giveUp = new AbortController();
  const waits = Array.from({ length: 20 }, () => lock.acquireAsync({ signal: giveUp.signal }));
  giveUp.abort();
  for (const { reason } of await Promise.allSettled(waits)) expect(reason).toBe(giveUp.signal.reason);
  expect(lock.waiters).toBe(0);
  expect(Arena.default.used).toBe(used);
});
