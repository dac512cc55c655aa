/** Workers of this thread (a page's main thread, where this runs in a page) that are terminated, while it awaits. */
import {
  AbandonedError,
  Arena,
  Barrier,
  BrokenBarrierError,
  Condition,
  Event,
  Lock,
  RLock,
  reap,
  Semaphore,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import { mortal, reaped } from '../../support/mortal.ts';
import { thread, until } from '../../support/threads.ts';

/** How long a wait may take (ms). */
const SOON = 15_000;

describe.each([
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
])('a %s', (_kind, make) => {
  it('that a worker held is abandoned, for this thread and for one that blocks', async () => {
    const lock = make();
    const owner = mortal({ lock }, ({ lock }) => {
      lock.acquire();
      for (;;);
    });
    await until(() => lock.locked, 'a worker holds it');
    const blocked = thread({ lock, SOON }, ({ lock, SOON }, { AbandonedError }) => {
      try {
        return lock.acquire(SOON);
      } catch (error) {
        return error instanceof AbandonedError;
      }
    });
    const awaited = lock.withAsync(() => 'held', { timeout: SOON });
    await until(() => lock.waiters === 2, 'two wait');
    owner.terminate();
    await expect(awaited).rejects.toBeInstanceOf(AbandonedError);
    expect(await blocked).toBe(true);
    await lock.recoverAsync(() => {});
    expect(await lock.withAsync(() => 'held')).toBe('held');
    lock.destroy();
  });

  it('goes past workers that waited for it', async () => {
    const lock = make();
    const guard = await lock.holdAsync();
    const dead = [
      mortal({ lock }, ({ lock }) => lock.acquire()),
      mortal({ lock }, ({ lock }) => {
        void lock.holdAsync();
      }),
    ];
    await until(() => lock.waiters === 2, 'two wait');
    const awaited = lock.withAsync(() => 'held', { timeout: SOON });
    for (const worker of dead) worker.terminate();
    await reaped(() => lock.waiters === 1, 'the dead have left');
    guard.release();
    expect(await awaited).toBe('held');
    expect([lock.waiters, lock.locked]).toEqual([0, false]);
    lock.destroy();
  });
});

it('the permits of a dead worker come back', async () => {
  const permits = new Semaphore(2);
  const holder = mortal({ permits }, ({ permits }) => {
    permits.hold();
    permits.with(() => {
      for (;;);
    });
  });
  await until(() => permits.value === 0, 'a worker holds both');
  const awaited = permits.acquireAsync({ timeout: SOON });
  holder.terminate();
  expect(await awaited).toBe(true);
  await until(() => permits.value === 1, 'the other is back');
  permits.release();
  permits.destroy();
});

it('a Barrier breaks when a worker dies that has arrived', async () => {
  const barrier = new Barrier(3);
  const dead = mortal({ barrier }, ({ barrier }) => barrier.wait());
  await until(() => barrier.waiting === 1, 'a worker has arrived');
  const awaited = barrier.waitAsync();
  dead.terminate();
  await expect(awaited).rejects.toBeInstanceOf(BrokenBarrierError);
  barrier.reset();
  barrier.destroy();
});

it('a Condition loses a dead waiter', async () => {
  const condition = new Condition(new Lock());
  const dead = mortal({ condition }, ({ condition }) => condition.with(() => condition.wait()));
  await until(() => condition.waiters === 1, 'a worker waits');
  dead.terminate();
  await reaped(() => condition.waiters === 0, 'it has left');
  const awaited = condition.withAsync(() => condition.waitAsync({ timeout: SOON }));
  await until(() => condition.waiters === 1, 'this thread waits');
  await condition.withAsync(() => condition.notify());
  expect(await awaited).toBe(true);
  condition.destroy();
  condition.lock.destroy();
});

it('what a worker held that closes itself is abandoned', async () => {
  const lock = new Lock();
  const event = new Event();
  const owner = mortal({ lock, event }, ({ lock, event }) => {
    lock.acquire();
    event.wait();
    if (globalThis.process?.exit) globalThis.process.exit();
    else globalThis.close();
  });
  await until(() => lock.locked && event.waiters === 1, 'a worker holds it');
  const awaited = lock.acquireAsync({ timeout: SOON });
  expect(reap()).toBe(0);
  event.set();
  await expect(awaited).rejects.toBeInstanceOf(AbandonedError);
  owner.terminate();
  await lock.recoverAsync(() => {});
  lock.destroy();
  event.destroy();
});

it('the memory of dead workers comes back', async () => {
  const arena = new Arena();
  const event = new Event({ arena });
  const { used } = arena;
  const dead = mortal({ event }, ({ event }) => event.wait());
  await until(() => event.waiters === 1, 'a worker waits');
  dead.terminate();
  await reaped(() => arena.used === used, 'its records are free', arena);
  event.destroy();
  arena.destroy();
});
