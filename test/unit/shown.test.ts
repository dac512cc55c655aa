/** What `console.log` and JSON show of what may be posted. */
import { Arena, Barrier, BoundedSemaphore, Condition, currentThread, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';

/** What Node, Bun and Deno call. */
const shown = (value: object): string =>
  (value as Record<symbol, () => string>)[Symbol.for('nodejs.util.inspect.custom')]!();

function taken<T extends { acquire(): boolean }>(lock: T): T {
  lock.acquire();
  return lock;
}

describe('console.log shows', () => {
  const me = JSON.stringify(currentThread().name);

  it.each([
    [new Lock(), 'Lock { locked: false, waiters: 0 }'],
    [taken(new Lock({ name: 'seats' })), `Lock "seats" { locked: true, owner: ${me}, waiters: 0 }`],
    [taken(new RLock()), `RLock { locked: true, owner: ${me}, waiters: 0 }`],
    [new Semaphore(3, { name: 'a "b"' }), 'Semaphore "a \\"b\\"" { value: 3, waiters: 0 }'],
    [taken(new BoundedSemaphore(2)), 'BoundedSemaphore { value: 1, waiters: 0 }'],
    [new Event(), 'Event { isSet: false, waiters: 0 }'],
    [new Barrier(2), 'Barrier { parties: 2, waiting: 0, broken: false, waiters: 0 }'],
    [new Condition(), 'Condition { waiters: 0 }'],
  ])('%s', (primitive, text) => {
    expect(shown(primitive)).toBe(text);
  });

  it('who holds it: the thread of a task, too', async () => {
    const lock = new RLock();
    const guard = await lock.holdAsync();
    expect(shown(lock)).toBe(`RLock { locked: true, owner: ${me}, waiters: 0 }`);
    guard.release();
  });

  it('the bytes of an arena', () => {
    const arena = new Arena({ maximumBytes: 65_536 });
    expect(shown(arena)).toBe(`Arena { used: ${arena.used}, capacity: ${arena.capacity} }`);
  });

  it('that it has been destroyed', () => {
    const lock = new Lock({ name: 'gone' });
    lock.destroy();
    const arena = new Arena();
    arena.destroy();
    expect([shown(lock), shown(arena)]).toEqual(['Lock "gone" { destroyed: true }', 'Arena { destroyed: true }']);
  });
});

it('console.log shows what a proxy is of, which has no private fields', () => {
  expect([new Lock({ name: 'seats' }), new Event(), Arena.default].map((it) => shown(new Proxy(it, {})))).toEqual([
    'Lock',
    'Event',
    'Arena',
  ]);
});

describe('JSON has', () => {
  it('the name of a primitive, and that it cannot leave its process', () => {
    const lock = new Lock({ name: 'seats' });
    const { kind, address, stamp } = lock;
    const memory = 'Lock "seats": it cannot leave its process';
    expect(JSON.parse(JSON.stringify({ lock }))).toEqual({ lock: { kind, address, stamp, memory } });
  });

  it('the lock of a Condition in it', () => {
    const condition = new Condition(new Lock({ name: 'seats' }));
    const { lock } = JSON.parse(JSON.stringify(condition));
    expect(lock.memory).toBe('Lock "seats": it cannot leave its process');
  });
});
