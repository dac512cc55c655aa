import { Barrier, BoundedSemaphore, Condition, Event, Lock, NotHeldError, RLock, Semaphore } from 'lockwork';
import { type TraceTimeline, trace, traceEvents } from 'lockwork/inspect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bad, refuses, TIMEOUTS } from '../support/badInput.ts';
import { arrows, checkTimeline, doing, slices } from '../support/perfetto.ts';
import { thread, until } from '../support/threads.ts';

afterEach(() => trace(false));

/** All prototypes of the classes, and what they have. */
function methods(): Map<object, Record<string, PropertyDescriptor>> {
  const all = new Map<object, Record<string, PropertyDescriptor>>();
  for (const type of [Lock, RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition]) {
    let prototype = type.prototype as object;
    for (; prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype) as object) {
      all.set(prototype, Object.getOwnPropertyDescriptors(prototype));
    }
  }
  return all;
}

describe('trace', () => {
  it('puts all methods back as they were, and leaves their names and lengths', () => {
    const before = methods();
    trace(true);
    const on = methods();
    expect(on).not.toEqual(before);
    for (const [prototype, described] of on) {
      for (const [name, { value, ...descriptor }] of Object.entries(described)) {
        const { value: original, ...was } = before.get(prototype)![name]!;
        expect(descriptor).toEqual(was);
        if (typeof original !== 'function') continue;
        expect([value.name, value.length]).toEqual([original.name, original.length]);
      }
    }
    trace(false);
    for (const [prototype, described] of methods()) {
      for (const [name, descriptor] of Object.entries(described)) {
        expect(descriptor).toEqual(before.get(prototype)![name]);
        expect(descriptor.value).toBe(before.get(prototype)![name]!.value);
      }
    }
  });

  it('is turned on and off any number of times', () => {
    const { acquire } = Lock.prototype;
    trace(true);
    const traced = Lock.prototype.acquire;
    trace(true);
    trace({ stacks: false });
    expect(Lock.prototype.acquire).toBe(traced);
    trace(false);
    trace(false);
    expect(Lock.prototype.acquire).toBe(acquire);
  });

  it('keeps what it has recorded while it stays on, and when it is turned off', () => {
    const lock = new Lock();
    trace(true);
    lock.with(() => {});
    trace({ stacks: false });
    lock.with(() => {});
    trace(false);
    lock.with(() => {});
    expect(doing(traceEvents(), 'holds')).toHaveLength(2);
    trace(true);
    expect(slices(traceEvents())).toEqual([]);
  });

  it('keeps as many spans as it is told, the last ones', () => {
    const [lock, last] = [new Lock(), new Lock({ name: 'last' })];
    trace({ limit: 5 });
    for (let i = 0; i < 10; i++) lock.with(() => {});
    last.with(() => {});
    expect(slices(traceEvents())).toHaveLength(5);
    expect(slices(traceEvents()).filter(({ args }) => args!.name === 'last')).toHaveLength(3);
    trace({ limit: 2 });
    expect(slices(traceEvents()).map(({ name }) => name)).toEqual(['holds Lock "last"', 'releases Lock "last"']);
    lock.acquire();
    // What is open is no part of it.
    expect(slices(traceEvents()).map(({ name }) => name)).toEqual([
      'releases Lock "last"',
      'waits for Lock',
      'holds Lock',
    ]);
    lock.release();
  });

  const off: Bad[] = [undefined, null, 1, 'on', Symbol('on'), () => true].map((value): Bad => [value, TypeError]);
  refuses(
    'trace',
    () => undefined,
    () => Lock.prototype.acquire,
    {
      'while it is off': [off, (_, bad) => trace(bad)],
      heldLongerThan: [TIMEOUTS, (_, bad) => trace({ heldLongerThan: bad })],
      waitedLongerThan: [TIMEOUTS, (_, bad) => trace({ waitedLongerThan: bad })],
      stacks: [[null, 0, 'yes'].map((value): Bad => [value, TypeError]), (_, bad) => trace({ stacks: bad })],
      limit: [
        [
          ...[0, -1, 1.5, Number.NaN, Infinity].map((value): Bad => [value, RangeError]),
          ...[null, '1', true].map((value): Bad => [value, TypeError]),
        ],
        (_, bad) => trace({ limit: bad }),
      ],
      'an option that there is not': [[[{ stack: true }, TypeError]], (_, bad) => trace(bad)],
    },
  );

  it('refuses bad arguments with a code, and stays on', () => {
    trace(true);
    const traced = Lock.prototype.acquire;
    expect(() => trace(1 as never)).toThrow(expect.objectContaining({ code: 'ERR_LOCKWORK_INVALID_ARG_TYPE' }));
    expect(Lock.prototype.acquire).toBe(traced);
    for (const bad of [null, 1, 'events', {}, { traceEvents: 1 }]) {
      expect(() => traceEvents(bad as never)).toThrow(
        expect.objectContaining({ code: 'ERR_LOCKWORK_INVALID_ARG_TYPE' }),
      );
    }
  });
});

describe('A call that is traced', () => {
  beforeEach(() => trace(true));

  it('answers what it does without a trace', async () => {
    const [lock, other] = [new Lock(), new Lock()];
    expect(lock.acquire()).toBe(true);
    expect(lock.tryAcquire()).toBe(false);
    expect(lock.acquire(1)).toBe(false);
    expect(await lock.acquireAsync({ timeout: 1 })).toBe(false);
    expect(lock.release()).toBe(undefined);
    // What is known at once is one promise for all.
    expect(lock.acquireAsync()).toBe(other.acquireAsync());
    expect(new Barrier(1).wait()).toBe(0);
    expect(await new Barrier(1).waitAsync()).toBe(0);
    const condition = new Condition();
    expect(condition.with(() => condition.waitFor(() => 1, 1))).toBe(true);
    expect(condition.with(() => condition.wait(1))).toBe(false);
    expect(await lock.withAsync(() => 'it', { timeout: 0 }).catch(({ name }) => name)).toBe('TimeoutError');
  });

  it('throws what it does without a trace', async () => {
    const lock = new Lock();
    expect(() => lock.release()).toThrow(NotHeldError);
    expect(() => lock.acquire(-1)).toThrow(RangeError);
    expect(() => lock.with(1 as never)).toThrow(TypeError);
    expect(() => Lock.prototype.acquire.call({} as Lock)).toThrow(TypeError);
    const thrown = new Error('mine');
    expect(() =>
      lock.with(() => {
        throw thrown;
      }),
    ).toThrow(thrown);
    await expect(lock.acquireAsync({ timeout: -1 })).rejects.toThrow(RangeError);
    await expect(new RLock().acquireAsync()).rejects.toThrow(TypeError);
    const condition = new Condition(lock);
    await expect(condition.waitForAsync(1 as never)).rejects.toThrow(TypeError);
    await expect(condition.waitForAsync(() => true)).rejects.toThrow(NotHeldError);
    lock.acquire();
    const controller = new AbortController();
    const waiting = lock.acquireAsync({ signal: controller.signal });
    controller.abort(thrown);
    await expect(waiting).rejects.toBe(thrown);
    await expect(
      condition.waitForAsync(() => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    lock.release();
  });

  it('is one of a subclass, which calls that of its class', () => {
    class Counting extends Lock {
      count = 0;
      override acquire(timeout?: number): boolean {
        this.count++;
        return super.acquire(timeout);
      }
    }
    const lock = new Counting();
    lock.with(() => {});
    expect(lock.count).toBe(1);
    expect(doing(traceEvents(), 'holds')).toHaveLength(1);
  });

  it('may end when the trace is off', async () => {
    const lock = new Lock();
    lock.acquire();
    const waiting = lock.acquireAsync();
    trace(false);
    lock.release();
    expect(await waiting).toBe(true);
    lock.release();
    trace(true);
    lock.acquire();
    trace(false);
    trace(true);
    lock.release();
    expect(doing(traceEvents(), 'holds')).toEqual([]);
    expect(doing(traceEvents(), 'releases')).toHaveLength(1);
  });
});

/** Waits until the clock goes on: in pages it is coarse, and what was at one time is in no order. */
function tick(): Promise<void> {
  const before = performance.now();
  return until(() => performance.now() > before + 2, 'the clock ticks');
}

describe('A timeline', () => {
  it('shows waits and holds within each other, and on further tracks what does not nest', async () => {
    const [a, b] = [new Lock({ name: 'a' }), new Lock({ name: 'b' })];
    trace(true);
    a.acquire();
    b.acquire();
    a.release();
    b.release();
    a.with(() => b.with(() => {}));
    await Promise.all([1, 2, 3].map(() => a.withAsync(() => new Promise((resolve) => setTimeout(resolve, 2)))));
    const timeline = traceEvents();
    checkTimeline(timeline);
    const holds = doing(timeline, 'holds');
    expect(holds.map(({ name }) => name)).toEqual([
      ...['holds Lock "a"', 'holds Lock "b"', 'holds Lock "a"', 'holds Lock "b"'],
      ...Array<string>(3).fill('holds Lock "a"'),
    ]);
    const [first, second, third, fourth, ...tasks] = holds.map(({ tid }) => tid);
    expect([third, fourth]).toEqual([first, first]);
    expect(second).not.toBe(first);
    expect(tasks).not.toContain(first);
    expect(new Set(holds.map(({ args }) => args!.task))).toEqual(new Set([0, 1, 2, 3]));
    const names = timeline.traceEvents.filter(({ name }) => name === 'thread_name').map(({ args }) => args!.name);
    expect(new Set(names).size).toBe(2);
    // One after the other, by two arrows.
    const inTasks = doing(timeline, 'holds').slice(-3);
    for (const [index, { ts }] of inTasks.entries()) {
      if (index > 0) expect(ts).toBeGreaterThanOrEqual(inTasks[index - 1]!.ts + inTasks[index - 1]!.dur);
    }
    expect(arrows(timeline).map(({ from }) => from.name)).toEqual(Array(2).fill('releases Lock "a"'));
  });

  it('shows what has not ended', () => {
    const lock = new Lock({ name: 'it' });
    trace(true);
    lock.acquire();
    void lock.acquireAsync({ timeout: 1_000 });
    const timeline = traceEvents();
    checkTimeline(timeline);
    expect(slices(timeline).map(({ name, args }) => [name, args!.result])).toEqual([
      ['waits for Lock "it"', 'granted'],
      ['holds Lock "it"', 'open'],
      ['waits for Lock "it"', 'open'],
    ]);
    lock.release();
  });

  it('has an arrow from what lets a waiter go on: a release, a set, a notify, the last to arrive', async () => {
    const semaphore = new Semaphore(0);
    const [event, barrier, condition] = [new Event(), new Barrier(3), new Condition(new Lock())];
    trace(true);
    const waiting = [
      ...[1, 2].map(() => semaphore.acquireAsync()),
      ...[1, 2].map(() => event.waitAsync()),
      ...[1, 2].map(() => barrier.waitAsync()),
      ...[1, 2].map(() => condition.withAsync(() => condition.waitAsync())),
    ];
    await until(() => condition.waiters === 2, 'both wait');
    await tick();
    semaphore.release(2);
    event.set();
    barrier.wait();
    condition.with(() => condition.notifyAll());
    await Promise.all(waiting);
    const timeline = traceEvents();
    checkTimeline(timeline);
    for (const [name, waits] of [
      ['releases Semaphore', 'waits for Semaphore'],
      ['sets Event', 'waits for Event'],
      ['opens Barrier', 'waits for Barrier'],
      ['notifies Condition', 'waits for Condition'],
    ]) {
      const drawn = arrows(timeline).filter(({ from }) => from.name === name);
      expect(drawn, name).toHaveLength(2);
      const ends = doing(timeline, 'waits for').filter((wait) => wait.name === waits);
      const to = ends.map(({ ts, dur, tid }) => [tid, ts + dur]);
      for (const arrow of drawn) expect(to).toContainEqual([arrow.to.tid, arrow.to.ts]);
    }
  });

  it('joins those of several threads, with arrows from one to another', async () => {
    const lock = new Lock({ name: 'it' });
    trace(true);
    lock.acquire();
    const other = thread({ lock }, async ({ lock }, _, inspect) => {
      const { trace, traceEvents } = inspect;
      trace(true);
      lock.with(() => {});
      trace(false);
      return traceEvents();
    });
    await until(() => lock.waiters === 1, 'the other thread waits');
    await tick();
    lock.release();
    const theirs = (await other) as TraceTimeline;
    checkTimeline(theirs);
    expect(arrows(theirs)).toEqual([]);
    const timeline = traceEvents(theirs);
    checkTimeline(timeline);
    expect(new Set(slices(timeline).map(({ tid }) => tid)).size).toBe(2);
    const [mine, second] = doing(timeline, 'holds');
    expect(mine!.ts + mine!.dur).toBeLessThanOrEqual(second!.ts);
    const [arrow, ...rest] = arrows(timeline);
    expect(rest).toEqual([]);
    expect(arrow!.from.tid).not.toBe(arrow!.to.tid);
    expect([arrow!.from.ts, arrow!.to.ts]).toEqual([mine!.ts + mine!.dur, second!.ts]);
    // Once more: the same events, and the same arrows.
    expect(arrows(traceEvents(theirs, { traceEvents: [], displayTimeUnit: 'ms' }))).toHaveLength(1);
  });

  it('has warnings where they were', () => {
    const lock = new Lock({ name: 'it' });
    trace({ heldLongerThan: 0 });
    lock.with(() => new Event().wait(1));
    const timeline = traceEvents();
    checkTimeline(timeline);
    expect(timeline.traceEvents.find(({ ph }) => ph === 'i')).toMatchObject({
      name: expect.stringMatching(/^Lock "it": held for \d+ ms$/),
      args: { doing: 'warns', kind: 'Lock' },
    });
  });
});

describe('The performance panel of a page', () => {
  /** Where there are channels, nothing goes there. */
  const isPage = !globalThis.process?.getBuiltinModule?.('node:diagnostics_channel');

  it('has what was waited for and held, and warnings', () => {
    const observer = new PerformanceObserver(() => {});
    observer.observe({ entryTypes: ['measure', 'mark'] });
    const lock = new Lock({ name: 'it' });
    trace({ heldLongerThan: 1 });
    const before = performance.now();
    lock.with(() => new Event().wait(10));
    const after = performance.now();
    const all = observer.takeRecords() as PerformanceMeasure[];
    observer.disconnect();
    const names = all.map(({ entryType, name }) => `${entryType} ${name.replace(/\d+ ms/, 'x ms')}`).sort();
    const expected = [
      'mark lockwork: Lock "it": held for x ms',
      'measure lockwork: holds Lock "it"',
      'measure lockwork: waits for Event',
      'measure lockwork: waits for Lock "it"',
    ];
    expect(names).toEqual(isPage ? expected : []);
    for (const { startTime, duration, detail, entryType } of all) {
      expect(startTime).toBeGreaterThanOrEqual(before - 1);
      expect(startTime + duration).toBeLessThanOrEqual(after + 1);
      const { dataType, tooltipText } = detail.devtools;
      expect(dataType).toBe(entryType === 'measure' ? 'track-entry' : 'marker');
      expect(tooltipText).not.toBe('');
    }
    // It is not kept beside.
    expect(performance.getEntriesByType('measure')).toEqual([]);
  });
});
