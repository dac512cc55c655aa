import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getEnvironmentData, setEnvironmentData, Worker } from 'node:worker_threads';
import { Arena, Event, Lock, Semaphore } from 'lockwork';

const ROUNDS = 2_000;

/** A worker that adds under a lock as often, as soon as the Event is set; `done` gets a permit when it is through. */
function start(shared) {
  const worker = new Worker('./worker.mjs', { workerData: { ...shared, rounds: ROUNDS } });
  return once(worker, 'exit');
}

const make = () => ({
  lock: new Lock(),
  count: Arena.default.allocate(Int32Array, 1),
  begin: new Event(),
  ready: new Semaphore(0),
  done: new Semaphore(0),
});

test('a lock that a worker has, too: this thread awaits it', async () => {
  const shared = make();
  const { lock, count, begin, ready } = shared;
  const exit = start(shared);
  expect(await ready.acquireAsync({ timeout: 10_000 })).toBe(true);
  begin.set();
  for (let i = 0; i < ROUNDS; i++) await lock.withAsync(() => count[0]++);
  expect(await exit).toEqual([0]);
  expect(count[0]).toBe(2 * ROUNDS);
});

test('a lock that a worker has, too: this thread blocks', async () => {
  const shared = make();
  const { lock, count, begin, ready, done } = shared;
  const exit = start(shared);
  // A worker starts only while the event loop of its maker turns.
  expect(await ready.acquireAsync({ timeout: 10_000 })).toBe(true);
  begin.set();
  for (let i = 0; i < ROUNDS; i++) lock.with(() => count[0]++);
  expect(done.acquire(10_000)).toBe(true);
  expect(count[0]).toBe(2 * ROUNDS);
  expect(await exit).toEqual([0]);
});

test('a lock of another copy of the package', async () => {
  const required = createRequire(join(process.cwd(), 'here.js'))('lockwork');
  const lock = new Lock({ name: 'seats' });
  const same = required.Lock.from(lock);
  await lock.withAsync(async () => {
    expect(same.locked).toBe(true);
    expect(() => same.hold(0)).toThrow(required.TimeoutError);
  });
  expect(() => same.release()).toThrow(required.NotHeldError);
});

// What every file of a worker leaves there, in whichever realm it ran: a lock that is held for ever.
const left = getEnvironmentData('left') ?? [];
const mine = new Lock({ name: `left ${left.length}` });
mine.acquire();
setEnvironmentData('left', [...left, mine]);

test('nothing that collides with what another file of this thread has left', async () => {
  for (const [index, handle] of left.entries()) {
    const theirs = Lock.from(handle);
    expect(theirs.name).toBe(`left ${index}`);
    expect(theirs.locked).toBe(true);
    expect(theirs.acquire(0)).toBe(false);
    expect(await theirs.acquireAsync({ timeout: 0 })).toBe(false);
  }
  expect(mine.locked).toBe(true);
  expect(new Lock().tryAcquire()).toBe(true);
});
