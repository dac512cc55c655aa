/**
 * Time under fake timers: those of node:test, of Vitest, both of Jest's, and Sinon's, in each of their modes. The
 * timeouts of tasks are a test's to tick. Whatever blocks, and what keeps the process alive, goes by the real time.
 *
 * By default some fake `nextTick`, too, without which this process could not tell of its tests: process.test.ts has that.
 */
import { mock } from 'node:test';
import { LegacyFakeTimers, ModernFakeTimers } from '@jest/fake-timers';
import { install } from '@sinonjs/fake-timers';
import { Arena, Barrier, Condition, Lock } from 'lockwork';
import { afterEach, describe, expect, it, vi } from 'vitest';

/** Taken before any fake is there. */
const now = performance.now.bind(performance);
const LONGEST = 2 ** 31 - 1;

interface Fakes {
  install(): void;
  tick(ms: number): unknown;
  /** Ticks until no timer is left; throws when there is always one more. */
  runAll(): unknown;
  uninstall(): void;
}

function nodeTest(apis?: ('setTimeout' | 'setInterval' | 'Date')[]): Fakes {
  return {
    install: () => mock.timers.enable(apis && { apis }),
    tick: (ms) => mock.timers.tick(ms),
    runAll: () => mock.timers.runAll(),
    uninstall: () => mock.timers.reset(),
  };
}

function vitest(config?: Parameters<typeof vi.useFakeTimers>[0]): Fakes {
  return {
    install: () => vi.useFakeTimers(config),
    tick: (ms) => vi.advanceTimersByTime(ms),
    runAll: () => vi.runAllTimers(),
    uninstall: () => vi.useRealTimers(),
  };
}

type JestConfig = NonNullable<Parameters<ModernFakeTimers['useFakeTimers']>[0]>;

function jest(config: JestConfig = {}): Fakes {
  const fakes = new ModernFakeTimers({ global: globalThis, config: { fakeTimers: {} } as never });
  return {
    install: () => fakes.useFakeTimers({ ...config, doNotFake: [...(config.doNotFake ?? []), 'nextTick'] }),
    tick: (ms) => fakes.advanceTimersByTime(ms),
    runAll: () => fakes.runAllTimers(),
    uninstall: () => fakes.useRealTimers(),
  };
}

function legacyJest(): Fakes {
  const fakes = new LegacyFakeTimers({
    global: globalThis,
    moduleMocker: { fn: (fake: unknown) => fake } as never,
    // Those of Jest's environment for Node.
    timerConfig: {
      idToRef: (id: number) => ({ id, ref: () => {}, unref: () => {} }),
      refToId: ({ id }: { id: number }) => id,
    },
    config: { rootDir: '', testMatch: [] },
  });
  return {
    install: () => fakes.useFakeTimers(),
    tick: (ms) => fakes.advanceTimersByTime(ms),
    runAll: () => fakes.runAllTimers(),
    uninstall: () => fakes.useRealTimers(),
  };
}

type SinonConfig = NonNullable<Parameters<typeof install>[0]>;

function sinon(config: SinonConfig = {}): Fakes {
  let clock: ReturnType<typeof install>;
  return {
    install() {
      clock = install(config.toFake ? config : { ...config, toNotFake: [...(config.toNotFake ?? []), 'nextTick'] });
    },
    tick: (ms) => clock.tick(ms),
    runAll: () => clock.runAll(),
    uninstall: () => clock.uninstall(),
  };
}

function asyncSinon(): Fakes {
  let clock: ReturnType<typeof install>;
  return {
    install() {
      clock = install({ toNotFake: ['nextTick'] });
    },
    tick: (ms) => clock.tickAsync(ms),
    runAll: () => clock.runAllAsync(),
    uninstall: () => clock.uninstall(),
  };
}

const MODES: [name: string, make: () => Fakes][] = [
  ['node:test, setTimeout', () => nodeTest(['setTimeout'])],
  ['node:test, setTimeout and Date', () => nodeTest(['setTimeout', 'Date'])],
  ['node:test, setTimeout and setInterval', () => nodeTest(['setTimeout', 'setInterval'])],
  ['node:test, all', () => nodeTest()],
  ['Vitest', () => vitest()],
  ['Vitest, setTimeout', () => vitest({ toFake: ['setTimeout', 'clearTimeout'] })],
  ['Vitest, without clearTimeout', () => vitest({ toFake: ['setTimeout'] })],
  ['Vitest, with performance', () => vitest({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })],
  ['Vitest, all but performance', () => vitest({ toNotFake: ['performance', 'nextTick'] })],
  ['Vitest, time that advances', () => vitest({ shouldAdvanceTime: true })],
  ['Jest', () => jest()],
  ['Jest, without performance', () => jest({ doNotFake: ['performance'] })],
  ['Jest, without clocks', () => jest({ doNotFake: ['performance', 'Date', 'hrtime'] })],
  ['Jest, time that advances', () => jest({ advanceTimers: true })],
  ['Jest, legacy', legacyJest],
  ['Sinon', () => sinon()],
  ['Sinon, setTimeout', () => sinon({ toFake: ['setTimeout', 'clearTimeout'] })],
  ['Sinon, with performance', () => sinon({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })],
  ['Sinon, without performance', () => sinon({ toNotFake: ['performance'] })],
  ['Sinon, time that advances', () => sinon({ shouldAdvanceTime: true })],
  ['Sinon, async', asyncSinon],
];

/** What has become of a promise, when all that it waited for has come: nothing but microtasks is to run. */
async function state(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'pending';
  promise.then(
    (value) => {
      state = value;
    },
    (error: Error) => {
      state = error.name;
    },
  );
  for (let turn = 0; turn < 50; turn++) await undefined;
  return state;
}

/** A lock that is held. */
function heldLock(arena = Arena.default): Lock {
  const lock = new Lock({ arena });
  lock.acquire();
  return lock;
}

/** How many timers keep this process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe.each(MODES)('Under fake timers: %s', (_, make) => {
  const fakes = make();
  let installed = false;

  function fake(): void {
    fakes.install();
    installed = true;
  }

  function unfake(): void {
    if (installed) fakes.uninstall();
    installed = false;
  }

  afterEach(unfake);

  it("ends a task's wait when its time is ticked, and not before", async () => {
    fake();
    const lock = heldLock();
    const waits = [lock.acquireAsync({ timeout: 60_000 }), lock.holdAsync({ timeout: 60_000 })];
    await fakes.tick(59_000);
    expect(await Promise.all(waits.map(state))).toEqual(['pending', 'pending']);
    await fakes.tick(1_000);
    expect(await Promise.all(waits.map(state))).toEqual([false, 'TimeoutError']);
    expect(lock.waiters).toBe(0);
  });

  it.each([500, 1])('counts a time that no timer can in pieces, the last of %s ms', async (last) => {
    fake();
    const wait = heldLock().acquireAsync({ timeout: 2 * LONGEST + last });
    await fakes.tick(LONGEST);
    await fakes.tick(LONGEST);
    expect(await state(wait)).toBe('pending');
    await fakes.tick(last);
    expect(await state(wait)).toBe(false);
  });

  it('ends waitForAsync after its time in all, however often it was notified', async () => {
    fake();
    const condition = new Condition(new Lock());
    condition.acquire();
    const wait = condition.waitForAsync(() => false, { timeout: 60_000 });
    for (let round = 0; round < 3; round++) {
      await fakes.tick(19_000);
      expect([await state(wait), condition.waiters]).toEqual(['pending', 1]);
      condition.acquire();
      condition.notify();
      condition.release();
    }
    await fakes.tick(3_000);
    expect([await state(wait), condition.waiters, condition.lock.locked]).toEqual([false, 0, true]);
  });

  it('rejects waitForAsync with the reason when it was aborted before its time', async () => {
    fake();
    const condition = new Condition(new Lock());
    condition.acquire();
    const controller = new AbortController();
    const wait = condition.waitForAsync(() => false, { timeout: 60_000, signal: controller.signal });
    expect(await state(wait)).toBe('pending');
    condition.acquire();
    controller.abort(new RangeError('off'));
    await fakes.tick(60_000);
    // Before it ends it has the lock again.
    expect(await state(wait)).toBe('pending');
    condition.release();
    expect([await state(wait), condition.lock.locked]).toEqual(['RangeError', true]);
  });

  it('ends what blocks after its real time', () => {
    fake();
    const lock = heldLock();
    const condition = new Condition(new Lock());
    condition.acquire();
    const start = now();
    expect(lock.acquire(50)).toBe(false);
    expect(() => lock.hold(10)).toThrow('not acquired within 10 ms');
    expect(() => new Barrier(2).wait(10)).toThrow('broken');
    expect(condition.waitFor(() => false, 10)).toBe(false);
    expect(now() - start).toBeGreaterThanOrEqual(80);
  });

  it('ends what blocks beside a task after its real time', async () => {
    fake();
    const lock = heldLock();
    const task = lock.acquireAsync();
    const start = now();
    expect(lock.acquire(20)).toBe(false);
    expect(now() - start).toBeGreaterThanOrEqual(20);
    lock.release();
    expect(await task).toBe(true);
  });

  it('ends a wait that began before, after its real time', async () => {
    const lock = heldLock();
    const start = now();
    const wait = lock.acquireAsync({ timeout: 20 });
    fake();
    // Nobody ticks. Others in this process need theirs, so the fakes stay for a moment of the wait only.
    while (now() - start < 10);
    unfake();
    expect(await wait).toBe(false);
    expect(now() - start).toBeGreaterThanOrEqual(20);
  });

  it('has no timer of its own among the fake ones', async () => {
    fake();
    const lock = heldLock(new Arena());
    const [task, late] = [lock.acquireAsync(), lock.acquireAsync({ timeout: 60_000 })];
    await fakes.runAll();
    expect([await state(task), await state(late), lock.waiters]).toEqual(['pending', false, 1]);
    lock.release();
    expect(await task).toBe(true);
  });

  it('keeps the process alive while a task waits, and not longer', async () => {
    fake();
    const lock = heldLock(new Arena());
    const before = timers();
    const task = lock.acquireAsync();
    expect(timers()).toBe(before + 1);
    lock.release();
    expect(timers()).toBe(before);
    expect(await task).toBe(true);
    unfake();
    const unfaked = timers();
    const again = lock.acquireAsync();
    expect(timers()).toBe(unfaked + 1);
    lock.release();
    expect(timers()).toBe(unfaked);
    expect(await again).toBe(true);
  });

  it('takes back the timer of a wait that began before', async () => {
    const lock = heldLock(new Arena());
    const wait = lock.acquireAsync({ timeout: 60_000 });
    fake();
    const before = timers();
    lock.release();
    // That one, and the one that kept the process alive.
    expect(timers()).toBe(before - 2);
    expect(await wait).toBe(true);
  });

  it('leaves the fakes of the next test alone', async () => {
    fake();
    const lock = heldLock();
    const wait = lock.acquireAsync({ timeout: 60_000 });
    unfake();
    lock.release();
    expect(await wait).toBe(true);
    fake();
    let ran = 0;
    setTimeout(() => ran++, 10);
    await fakes.tick(10);
    expect(ran).toBe(1);
  });

  it('has forgotten the time of a wait that is over', async () => {
    fake();
    const lock = heldLock();
    const [first, second, third] = [60_000, 90_000, undefined].map((timeout) => lock.acquireAsync({ timeout }));
    lock.release();
    expect(await first).toBe(true);
    await fakes.tick(60_000);
    expect([await state(second!), await state(third!), lock.waiters]).toEqual(['pending', 'pending', 2]);
    lock.release();
    lock.release();
    expect([await second, await third]).toEqual([true, true]);
  });
});

it('Under fakes of a clock alone a task goes by the real time', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  try {
    const start = now();
    expect(await heldLock().acquireAsync({ timeout: 20 })).toBe(false);
    expect(now() - start).toBeGreaterThanOrEqual(20);
  } finally {
    vi.useRealTimers();
  }
});

it('A wait for ever takes no timer', async () => {
  const condition = new Condition(new Lock());
  condition.acquire();
  const before = timers();
  const wait = condition.waitForAsync(() => true);
  expect(timers()).toBe(before);
  expect(await wait).toBe(true);
});
