/** What people get wrong in their first minutes, and what they are told: the whole message. */
import {
  Arena,
  attach,
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  NotHeldError,
  Owner,
  RLock,
  Semaphore,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread } from '../support/threads.ts';

/** What a call is refused with, at once or by its promise. */
async function refusal(call: () => unknown): Promise<{ name: string; message: string; code: string }> {
  try {
    await call();
  } catch (error) {
    const { name, message, code } = error as Error & { code: string };
    return { name, message, code };
  }
  throw new Error('nothing was refused');
}

const INVALID = 'ERR_LOCKWORK_INVALID_ARG_TYPE';

/** Whatever is given where the options of something that waits belong. */
const any = (value: unknown) => value as never;
const ABORTED = new AbortController().signal;

/** Bundlers write it in their way. */
const recover = () => {};

describe('Where options belong', () => {
  const lock = new Lock();
  const handle = { ...lock };
  const arena = new Arena({ maximumBytes: 2048 });

  it.each([
    [
      'a handle',
      () => new Lock(any(handle)),
      'new Lock: the options must not be a handle. Lock.from(handle) attaches to the Lock that it names',
    ],
    [
      'a lock',
      () => new Lock(any(lock)),
      'new Lock: the options must not be a handle. Lock.from(handle) attaches to the Lock that it names',
    ],
    [
      'the handle of another',
      () => new Event(any(handle)),
      'new Event: the options must not be a handle. Lock.from(handle) attaches to the Lock that it names',
    ],
    [
      'a handle',
      () => new Semaphore(1, any(handle)),
      'new Semaphore: the options must not be a handle. Lock.from(handle) attaches to the Lock that it names',
    ],
    [
      'a handle',
      () => new Barrier(1, any(handle)),
      'Barrier: the options must not be a handle. Lock.from(handle) attaches to the Lock that it names',
    ],
    [
      'a handle',
      () => new Condition(undefined, any(handle)),
      'new Condition: the options must not be a handle. Lock.from(handle) attaches to the Lock that it names',
    ],
    [
      'a handle',
      () => new Condition(any(handle)),
      'new Condition: the lock must be a Lock or an RLock, not an object of type Object',
    ],
    ['an arena', () => new Lock(any(arena)), 'new Lock: the options must not be an arena, but have it: { arena }'],
    ['a name', () => new Lock(any('seats')), 'new Lock: the options must be an object, such as { arena }, not "seats"'],
    [
      'what is none',
      () => new Lock(any({ label: 'seats' })),
      'new Lock: there is no option "label", but arena, name, abandoned, recover',
    ],
    [
      'what is none',
      () => Lock.from(new Lock(), any({ abandoned: 'keep' })),
      'Lock.from: there is no option "abandoned", but recover',
    ],
    [
      'what is none',
      () => Condition.from(new Condition(), any({ repair: () => {} })),
      'RLock.from: there is no option "repair", but recover',
    ],
    [
      'a function',
      () => RLock.from(new RLock(), any(recover)),
      `RLock.from: the options must be an object, such as { recover }, not ${recover}`,
    ],
    [
      'what becomes of a lock, in a word that is none,',
      () => new RLock(any({ abandoned: 1 })),
      'new RLock: the option abandoned must be one of "throw", "release", "keep", not 1',
    ],
    [
      'what becomes of the lock of a Condition',
      () => new Condition(undefined, any({ abandoned: 'keep' })),
      'new Condition: there is no option "abandoned", but arena, name',
    ],
    [
      'what becomes of a Semaphore',
      () => new Semaphore(1, any({ abandoned: 'keep' })),
      'new Semaphore: there is no option "abandoned", but arena, name',
    ],
    [
      'a timeout',
      () => lock.recoverAsync(() => {}, any(100)),
      'Lock.recoverAsync: the options must be an object, such as { timeout }, not 100',
    ],
    [
      'what is none',
      () => new BoundedSemaphore(1, any({ bound: 2 })),
      'new BoundedSemaphore: there is no option "bound", but arena, name',
    ],
    [
      'what is none',
      () => new Barrier(1, any({ parties: 2 })),
      'Barrier: there is no option "parties", but action, timeout, arena, name',
    ],
    [
      'what is none',
      () => Barrier.from(new Barrier(1), any({ timeout: 2 })),
      'Barrier: there is no option "timeout", but action',
    ],
    [
      'what is none',
      () => new Arena(any({ maxBytes: 2 })),
      'new Arena: there is no option "maxBytes", but memory, byteOffset, byteLength, maximumBytes',
    ],
    [
      'a signal',
      () => lock.acquireAsync(any(ABORTED)),
      'Lock.acquireAsync: the options must not be a signal, but have it: { signal }',
    ],
    [
      'a signal',
      () => new RLock().holdAsync(any(ABORTED)),
      'RLock.holdAsync: the options must not be a signal, but have it: { signal }',
    ],
    [
      'a signal',
      () => new Event().waitAsync(any(ABORTED)),
      'Event.waitAsync: the options must not be a signal, but have it: { signal }',
    ],
    [
      'a signal',
      () => new Barrier(2).waitAsync(any(ABORTED)),
      'Barrier.waitAsync: the options must not be a signal, but have it: { signal }',
    ],
    [
      'what makes signals',
      () => lock.holdAsync(any(new AbortController())),
      'Lock.holdAsync: the options must be an object, such as { timeout }, not an object of type AbortController',
    ],
    [
      'a timeout',
      () => lock.acquireAsync(any(100)),
      'Lock.acquireAsync: the options must be an object, such as { timeout }, not 100',
    ],
    [
      'a timeout',
      () => new Condition(new Lock()).waitAsync(any(100)),
      'Condition.waitAsync: the options must be an object, such as { timeout }, not 100',
    ],
    [
      'what is none',
      () => lock.acquireAsync(any({ timeoutMs: 100 })),
      'Lock.acquireAsync: there is no option "timeoutMs", but timeout, signal, owner',
    ],
    [
      'what is none',
      () => lock.withAsync(() => 1, any({ ms: 100 })),
      'Lock.withAsync: there is no option "ms", but timeout, signal, owner',
    ],
    [
      'what is none',
      () => new Event().waitAsync(any({ owner: new Owner() })),
      'Event.waitAsync: there is no option "owner", but timeout, signal',
    ],
    [
      'what is none',
      () => new Condition().waitForAsync(() => true, any({ ms: 1 })),
      'Condition.waitForAsync: there is no option "ms", but timeout, signal, owner',
    ],
    [
      'what is none',
      () => new RLock().release(any({ guard: 1 })),
      'RLock.release: there is no option "guard", but owner',
    ],
    [
      'a guard',
      async () => new RLock().release(any(await new RLock().holdAsync())),
      'RLock.release: the options must be an object, such as { owner }, not an object of type Guard',
    ],
  ])('%s is refused: %#', async (_, call, message) => {
    expect(await refusal(call)).toEqual({ name: 'TypeError', message, code: INVALID });
    expect([lock.locked, lock.waiters]).toEqual([false, 0]);
  });

  it('undefined is as nothing, whatever its name', async () => {
    expect(new Lock(any({ name: undefined, other: undefined })).name).toBe('');
    expect(await new Lock().acquireAsync(any({ owner: undefined, other: undefined }))).toBe(true);
  });
});

describe('A timeout', () => {
  it.each([
    [null, 'must be a number of milliseconds, or nothing for ever, not null'],
    ['5', 'must be a number of milliseconds, or nothing for ever, not "5"'],
  ])('%j is refused', async (timeout, message) => {
    for (const [where, call] of [
      ['Lock.acquire', () => new Lock().acquire(any(timeout))],
      ['Lock.acquireAsync', () => new Lock().acquireAsync({ timeout: any(timeout) })],
      ['Lock.holdAsync', () => new Lock().holdAsync({ timeout: any(timeout) })],
      ['Lock.withAsync', () => new Lock().withAsync(() => 1, { timeout: any(timeout) })],
      ['RLock.withAsync', () => new RLock().withAsync(() => 1, { timeout: any(timeout) })],
      ['BoundedSemaphore.holdAsync', () => new BoundedSemaphore().holdAsync({ timeout: any(timeout) })],
      ['Condition.acquire', () => new Condition(new Lock()).acquire(any(timeout))],
      ['Condition.acquireAsync', () => new Condition(new Lock()).acquireAsync({ timeout: any(timeout) })],
      ['Condition.holdAsync', () => new Condition().holdAsync({ timeout: any(timeout) })],
      ['Lock.recover', () => new Lock().recover(() => {}, any(timeout))],
      ['RLock.recoverAsync', () => new RLock().recoverAsync(() => {}, { timeout: any(timeout) })],
    ] as const) {
      const refused = { name: 'TypeError', message: `${where}: the timeout ${message}`, code: INVALID };
      expect(await refusal(call)).toEqual(refused);
    }
  });

  it('of less than 0 is refused', async () => {
    expect(await refusal(() => new Lock().acquire(-1))).toEqual({
      name: 'RangeError',
      message: 'Lock.acquire: the timeout must be 0 or more milliseconds, or nothing for ever, not -1',
      code: 'ERR_LOCKWORK_INVALID_ARG_VALUE',
    });
  });
});

describe('What becomes of a lock whose owner dies', () => {
  it('is one of three words', async () => {
    expect(await refusal(() => new Lock({ abandoned: any('forget') }))).toEqual({
      name: 'RangeError',
      message: 'new Lock: the option abandoned must be one of "throw", "release", "keep", not "forget"',
      code: 'ERR_LOCKWORK_INVALID_ARG_VALUE',
    });
    for (const abandoned of ['throw', 'release', 'keep'] as const) new RLock({ abandoned }).destroy();
  });
});

describe('What is to be called', () => {
  it('must be a function', async () => {
    const condition = new Condition(new Lock());
    condition.acquire();
    for (const [where, what, call] of [
      ['Lock.with', 'argument', () => new Lock().with(any(1))],
      ['Lock.withAsync', 'argument', () => new Lock().withAsync(any(1))],
      ['RLock.withAsync', 'argument', () => new RLock().withAsync(any(1))],
      ['Semaphore.with', 'argument', () => new Semaphore().with(any(1))],
      ['Condition.with', 'argument', () => condition.with(any(1))],
      ['Condition.withAsync', 'argument', () => condition.withAsync(any(1))],
      ['Condition.waitFor', 'predicate', () => condition.waitFor(any(1))],
      ['Condition.waitForAsync', 'predicate', () => condition.waitForAsync(any(1))],
      ['Lock.recover', 'argument', () => new Lock().recover(any(1))],
      ['RLock.recoverAsync', 'argument', () => new RLock().recoverAsync(any(1))],
      ['Lock', 'option recover', () => new Lock({ recover: any(1) })],
      ['RLock', 'option recover', () => RLock.from(new RLock(), { recover: any(1) })],
    ] as const) {
      const message = `${where}: the ${what} must be a function, not 1`;
      expect(await refusal(call)).toEqual({ name: 'TypeError', message, code: INVALID });
    }
  });
});

describe('What went through JSON, or to another process,', () => {
  it.each([
    ['Lock', (text: string) => Lock.from(JSON.parse(text)), 'Lock.from'],
    ['Lock', (text: string) => attach(JSON.parse(text)), 'Lock.from'],
  ])('is refused: %s', async (_, from, where) => {
    expect(await refusal(() => from(JSON.stringify(new Lock({ name: 'seats' }))))).toEqual({
      name: 'TypeError',
      message: `${where}: there is no WebAssembly.Memory in it. JSON and other processes cannot carry one: lockwork is for the threads of one process`,
      code: INVALID,
    });
  });
});

describe('What a task holds', () => {
  it.each([
    ['notify', (condition: Condition) => condition.notify()],
    ['notifyAll', (condition: Condition) => condition.notifyAll()],
    ['waitForAsync', (condition: Condition) => condition.notify(0)],
  ])('its thread does not: Condition.%s', async (_, call) => {
    const condition = new Condition(undefined, { name: 'seats' });
    await condition.withAsync(async (guard) => {
      expect(await refusal(() => call(condition))).toEqual({
        name: 'NotHeldError',
        message:
          'Condition "seats": not held: a task of this thread holds its RLock "seats". Pass its owner: { owner: guard.owner }',
        code: 'ERR_LOCKWORK_NOT_HELD',
      });
      condition.notify(1, { owner: guard.owner });
    });
    expect((await refusal(() => call(condition))).message).toBe(
      'Condition "seats": not held: its RLock "seats" must be held by this thread. Acquire it first',
    );
  });

  it('its thread does not: RLock.release', async () => {
    const lock = new RLock({ name: 'seats' });
    const guard = await lock.holdAsync();
    expect((await refusal(() => lock.release())).message).toBe(
      'RLock "seats": not held by this thread, but by a task of it. Pass its owner: { owner: guard.owner }',
    );
    guard.release();
    expect((await refusal(() => lock.release())).message).toBe(
      'RLock "seats": not held. Acquire it first, in this thread',
    );
  });
});

describe('What was destroyed', () => {
  it('keeps its name in messages, in every thread', async () => {
    const lock = new Lock({ name: 'seats' });
    const other = Lock.from(lock);
    lock.destroy();
    for (const each of [lock, other]) {
      expect(each.name).toBe('seats');
      expect((await refusal(() => each.acquire(0))).message).toBe('Lock "seats": it has been destroyed');
    }
  });
});

describe('A guard, and an owner,', () => {
  it('are of their thread, and refuse to be posted', async () => {
    const guard = await new RLock().holdAsync();
    for (const each of [guard, guard.owner, new Owner(), await new Lock().holdAsync()]) {
      expect((await refusal(() => structuredClone(each))).name).toBe('DataCloneError');
      expect((await refusal(() => new MessageChannel().port1.postMessage(each))).name).toBe('DataCloneError');
    }
  });
});

describe('Frameworks', () => {
  it('that make proxies of plain objects leave primitives, arenas, guards and owners as they are', async () => {
    const lock = new Lock();
    const guard = await new RLock().holdAsync();
    const all = [lock, new Condition(), new BoundedSemaphore(1), lock.arena, guard, guard.owner];
    expect(all.map((each) => Object.prototype.toString.call(each).slice(8, -1))).toEqual([
      'Lock',
      'Condition',
      'BoundedSemaphore',
      'Arena',
      'Guard',
      'Owner',
    ]);
  });
});

describe('An error', () => {
  it('that is posted is known by instanceof, and by its cause', async () => {
    const posted = await thread({ lock: new Lock() }, ({ lock }) => {
      try {
        lock.release();
      } catch (error) {
        return error as Error;
      }
      return new Error('nothing was thrown');
    });
    expect(posted).toBeInstanceOf(NotHeldError);
    expect(posted).toMatchObject({
      cause: 'ERR_LOCKWORK_NOT_HELD',
      message: 'Lock: not held. Acquire it first, in this thread',
    });
  });
});
