/** What works in a thread that shares memory with no other one, and what is refused there: each throws when it is not so. */
import {
  Arena,
  attach,
  Barrier,
  BlockingNotAllowedError,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  DeadlockError,
  Event,
  Lock,
  OverReleaseError,
  Owner,
  RLock,
  Semaphore,
  ThreadingError,
  UnsupportedError,
} from 'lockwork';

/** Compared as text. */
function equal(value: unknown, expected: unknown): void {
  const [got, wanted] = [value, expected].map((it) => JSON.stringify(it));
  if (got !== wanted) throw new Error(`${got} instead of ${wanted}`);
}

type ErrorClass = new (...args: never[]) => Error;

/** What it throws, or rejects with: an error of this class, whose message has this in it. */
async function refused(type: ErrorClass, call: () => unknown, message = /./): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (error instanceof type && message.test(error.message)) return;
    throw error;
  }
  throw new Error(`not refused: ${call}`);
}

const HEADERS =
  '.*, since this page is not cross-origin isolated.*"Cross-Origin-Opener-Policy: same-origin".*"Cross-Origin-Embedder-Policy: require-corp"';

/** It is refused with both headers, and says of what. */
const advised = (of: string, call: () => unknown) => refused(UnsupportedError, call, new RegExp(`^${of}: ${HEADERS}`));

/** One of each kind, as messages name them. */
const all = (arena = Arena.default): Record<string, Lock | RLock | Semaphore | Event | Barrier | Condition> => ({
  'Lock "seats"': new Lock({ arena, name: 'seats' }),
  RLock: new RLock({ arena }),
  Semaphore: new Semaphore(1, { arena }),
  'BoundedSemaphore "desks"': new BoundedSemaphore(1, { arena, name: 'desks' }),
  Event: new Event({ arena }),
  Barrier: new Barrier(2, { arena }),
  Condition: new Condition(new Lock({ arena }), { arena }),
});

/** Several tasks add with a plain `++`, and let each other run in between. */
async function excludes(add: (change: () => Promise<void>) => Promise<unknown>): Promise<void> {
  const count = Arena.default.allocate(Int32Array, 1);
  const change = async (): Promise<void> => {
    const seen = count[0]!;
    await new Promise((resolve) => setTimeout(resolve));
    count[0] = seen + 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => add(change)));
  equal(count[0], 5);
  Arena.default.free(count);
}

const mayBlock = typeof window === 'undefined';

export const CHECKS: Record<string, () => unknown> = {
  'the name of shared memory is hidden': () =>
    equal([crossOriginIsolated, typeof SharedArrayBuffer], [false, 'undefined']),

  'Lock: tasks wait in a queue': async () => {
    const lock = new Lock();
    await excludes((change) => lock.withAsync(change));
    equal([lock.tryAcquire(), lock.tryAcquire(), lock.locked], [true, false, true]);
    equal(await lock.acquireAsync({ timeout: 10 }), false);
    await refused(DOMException, () => lock.acquireAsync({ signal: AbortSignal.timeout(10) }));
    const order: number[] = [];
    const tasks = [1, 2, 3].map((place) => lock.acquireAsync().then(() => order.push(place) && lock.release()));
    equal(lock.waiters, 3);
    lock.release();
    await Promise.all(tasks);
    equal([order, lock.locked, lock.waiters], [[1, 2, 3], false, 0]);
  },

  'RLock: an owner acquires again': async () => {
    const lock = new RLock();
    await excludes((change) => lock.withAsync(({ owner }) => lock.withAsync(change, { owner })));
    equal([lock.tryAcquire(), lock.tryAcquire(), lock.recursionCount], [true, true, 2]);
    equal(await lock.acquireAsync({ owner: new Owner(), timeout: 10 }), false);
  },

  'Semaphore: permits come and go': async () => {
    const permits = new Semaphore(1);
    await excludes((change) => permits.withAsync(change));
    equal([permits.tryAcquire(), permits.tryAcquire()], [true, false]);
    const waiting = [permits.acquireAsync(), permits.acquireAsync()];
    permits.release(3);
    equal([await Promise.all(waiting), permits.value], [[true, true], 1]);
    await refused(OverReleaseError, () => new BoundedSemaphore(1).release());
  },

  'Event: set lets all go on': async () => {
    const event = new Event();
    const waiting = [event.waitAsync(), event.waitAsync()];
    event.set();
    event.clear();
    equal(
      [await Promise.all(waiting), event.isSet, await event.waitAsync({ timeout: 10 })],
      [[true, true], false, false],
    );
  },

  'Barrier: all parties arrive, or it breaks': async () => {
    let rounds = 0;
    const barrier = new Barrier(3, { action: () => rounds++ });
    equal(await Promise.all([1, 2, 3].map(() => barrier.waitAsync())), [0, 1, 2]);
    equal(rounds, 1);
    await refused(BrokenBarrierError, () => barrier.waitAsync({ timeout: 10 }));
    barrier.reset();
    equal(barrier.broken, false);
  },

  'Condition: a notified waiter has the lock again': async () => {
    for (const condition of [new Condition(), new Condition(new Lock())]) {
      let ready = false;
      const waiting = condition.withAsync(({ owner }) => condition.waitForAsync(() => ready, { owner }));
      await condition.withAsync(({ owner }) => {
        ready = true;
        condition.notifyAll({ owner });
      });
      equal([await waiting, condition.lock.locked], [true, false]);
    }
  },

  'an Arena holds primitives and arrays, grows, and is destroyed': async () => {
    const arena = new Arena({ maximumBytes: 2 ** 20 });
    const locks = Array.from({ length: 4_000 }, () => new Lock({ arena }));
    const array = arena.allocate(Float64Array, 8);
    equal([[...array], Object.is(array.buffer, arena.memory.buffer)], [Array(8).fill(0), true]);
    arena.free(array);
    await refused(ThreadingError, () => arena.destroy());
    for (const lock of locks) lock.destroy();
    await refused(ThreadingError, () => locks[0]!.locked);
    arena.destroy();
  },

  "an Arena in the user's memory": async () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const arena = new Arena({ memory, byteOffset: 4096, byteLength: 4096 });
    equal(arena.memory === memory, true);
    for (const primitive of Object.values(all(arena))) primitive.destroy();
    const unshared = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    await refused(TypeError, () => new Arena({ memory: unshared }), /not shared/);
  },

  'handles are attached to': () => {
    const lock = new Lock({ name: 'seats' });
    lock.tryAcquire();
    equal([Lock.from(lock).locked, attach(lock).name, Arena.from(lock.arena).used > 0], [true, 'seats', true]);
    const { kind, memory, address, stamp } = lock;
    Lock.from({ kind, memory, address, stamp }).release();
    equal(lock.locked, false);
    equal(Condition.from(new Condition(lock)).lock.address, address);
    equal(Object.keys(lock).slice(-4), ['kind', 'memory', 'address', 'stamp']);
  },

  'posting says which headers are missing': async () => {
    const { port1 } = new MessageChannel();
    for (const [name, it] of [...Object.entries(all()), ['Arena', Arena.default] as const]) {
      await advised(name, () => port1.postMessage(it));
      await advised(name, () => structuredClone({ deep: [it] }));
    }
    port1.close();
  },

  'a handle without its memory says so, too': async () => {
    for (const { kind, address, stamp } of [...Object.values(all()), Arena.default]) {
      await advised(`${kind}.from`, () => attach({ kind, address, stamp } as Lock));
    }
    await refused(TypeError, () => attach({ kind: 'Lock', memory: {} } as Lock));
  },

  'a thread that may block blocks': async () => {
    const lock = new Lock({ name: 'seats' });
    if (!mayBlock) return refused(BlockingNotAllowedError, () => lock.acquire(), /acquireAsync/);
    equal([lock.acquire(), lock.acquire(10), new Event().wait(10)], [true, false, false]);
    lock.release();
    await lock.acquireAsync();
    await refused(DeadlockError, () => lock.acquire());
  },
};
