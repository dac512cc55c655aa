/** What all waits of tasks share. What they are: support/waits.ts. */
import {
  Arena,
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  Owner,
  RLock,
  Semaphore,
  type WaitOptions,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import { CELL_SIZE, KIND_TASK, TASK_PLACE } from '../../assembly/abi.ts';
import { until } from '../support/threads.ts';
import { RawArena } from '../support/waiting.ts';
import { outcome, type Place, turn, WAITS, watched } from '../support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

/** Starts so many waits, and waits until they stand in the queue. */
async function stand(
  place: Place,
  count: number,
  options: (index: number) => WaitOptions | undefined = () => undefined,
) {
  const waits: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const wait = place.wait(options(index));
    wait.catch(() => {});
    waits.push(wait);
    await until(() => place.target.waiters === index + 1, `${index + 1} tasks wait`);
  }
  return waits;
}

describe.each(Object.entries(WAITS))('A task that waits: %s', (kind, make) => {
  /** A party that gives up at a barrier breaks it for the others. */
  const breaks = kind === 'Barrier';

  it('stands in the queue until it is let through', async () => {
    const place = make();
    const [wait] = await stand(place, 1);
    let over = false;
    void wait!.then(() => {
      over = true;
    });
    await turn();
    expect([over, place.target.waiters]).toEqual([false, 1]);
    place.next();
    expect(await wait).toBe(place.through);
    expect(place.target.waiters).toBe(0);
    place.end();
  });

  it('goes on in its order', async () => {
    const count = 50;
    const place = make(count);
    const order: number[] = [];
    const waits = (await stand(place, count)).map((wait, index) => wait.then(() => order.push(index)));
    if (place.all) place.next();
    for (const wait of waits) {
      if (!place.all) place.next();
      await wait;
    }
    expect(order).toEqual(waits.map((_, index) => index));
    expect(place.target.waiters).toBe(0);
    place.end();
  });

  it('gives up when its time is up, and not before', async () => {
    for (const timeout of [0, 0.1, 1.5, 20]) {
      const place = make();
      const start = performance.now();
      expect(await outcome(place.wait({ timeout }))).toBe(place.late);
      // Some browsers round their clock.
      expect(performance.now() - start).toBeGreaterThan(timeout - 1);
      expect(place.target.waiters).toBe(0);
      place.mend?.();
      const [wait] = await stand(place, 1);
      place.next();
      expect(await wait).toBe(place.through);
      place.end();
    }
  });

  it('waits longer than any timer counts', async () => {
    const timeouts = [2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 1e300, Infinity, undefined];
    const place = make(timeouts.length);
    const waits = await stand(place, timeouts.length, (index) => ({ timeout: timeouts[index] }) as WaitOptions);
    // A timer that took one of these for 0 or 1 would have run before this one.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(place.target.waiters).toBe(timeouts.length);
    if (place.all) place.next();
    for (const wait of waits) {
      if (!place.all) place.next();
      expect(await outcome(wait)).not.toBe(place.late);
    }
    place.end();
  });

  it('rejects at once with the reason of a signal that is aborted already, and never stood in the queue', async () => {
    const place = make();
    const { signal, added } = watched(AbortSignal.abort(boom));
    for (const timeout of [0, 5, Infinity]) {
      const wait = place.wait({ signal, timeout });
      expect(place.target.waiters).toBe(0);
      await expect(wait).rejects.toBe(boom);
    }
    expect([added(), place.target.waiters]).toEqual([0, 0]);
    const [wait] = await stand(place, 1);
    place.next();
    expect(await wait).toBe(place.through);
    place.end();
  });

  it('rejects with the reason when it is aborted, and leaves nothing behind', async () => {
    const place = make();
    const controller = new AbortController();
    const { signal, listeners } = watched(controller.signal);
    const [wait] = await stand(place, 1, () => ({ signal, timeout: 60_000 }));
    expect(listeners()).toBe(1);
    controller.abort(boom);
    expect(place.target.waiters).toBe(0);
    await expect(wait).rejects.toBe(boom);
    expect(listeners()).toBe(0);
    place.mend?.();
    const [other] = await stand(place, 1);
    place.next();
    expect(await other).toBe(place.through);
    place.end();
  });

  it('shares the one listener of a signal with all that wait with it', async () => {
    const count = 20;
    const place = make(count);
    const controller = new AbortController();
    const { signal, listeners, added } = watched(controller.signal);
    const waits = await stand(place, count, () => ({ signal }));
    expect([listeners(), added()]).toEqual([1, 1]);
    // A task that goes on leaves it to the others.
    place.next();
    await waits[0];
    expect(listeners()).toBe(place.all ? 0 : 1);
    controller.abort(boom);
    await Promise.allSettled(waits);
    expect([place.target.waiters, listeners(), added()]).toEqual([0, 0, 1]);
    place.end();
  });

  it("has the platform's own reasons", async () => {
    const reasons = ['AbortError', 'TimeoutError', 'TimeoutError'];
    const controller = new AbortController();
    const signals = [controller.signal, AbortSignal.timeout(5), AbortSignal.any([AbortSignal.timeout(5)])];
    for (const [index, signal] of signals.entries()) {
      const place = make();
      const wait = outcome(place.wait({ signal }));
      controller.abort();
      expect(await wait).toBe(reasons[index]);
      place.mend?.();
      place.end();
    }
  });

  it('is not moved by a signal that is aborted later, and has taken its listener away', async () => {
    for (const end of ['through', 'late'] as const) {
      const place = make();
      const controller = new AbortController();
      const { signal, listeners } = watched(controller.signal);
      const wait = outcome(place.wait({ signal, timeout: end === 'late' ? 1 : 60_000 }));
      if (end === 'through') {
        await until(() => place.target.waiters === 1, 'it waits');
        place.next();
        controller.abort(boom);
      }
      expect(await wait).toBe(place[end]);
      controller.abort(boom);
      expect(listeners()).toBe(0);
      place.mend?.();
      place.end();
    }
  });

  if (!breaks)
    it('leaves the queue from wherever it stands, and the others go on in their order', async () => {
      for (const leaver of [0, 2, 4]) {
        const place = make(5);
        const controller = new AbortController();
        const waits = await stand(place, 5, (index) => (index === leaver ? { signal: controller.signal } : undefined));
        const order: number[] = [];
        waits.forEach(
          (wait, index) =>
            void wait.then(
              () => order.push(index),
              () => {},
            ),
        );
        controller.abort(boom);
        await expect(waits[leaver]).rejects.toBe(boom);
        expect(place.target.waiters).toBe(4);
        if (place.all) place.next();
        for (const [index, wait] of waits.entries()) {
          if (index === leaver) continue;
          if (!place.all) place.next();
          expect(await wait).toBe(place.through);
        }
        expect(order).toEqual([0, 1, 2, 3, 4].filter((index) => index !== leaver));
        place.end();
      }
    });

  it('is not moved by an abort that comes right after what it waited for', async () => {
    const place = make(2);
    const controller = new AbortController();
    const [first, second] = await stand(place, 2, (index) => (index ? undefined : { signal: controller.signal }));
    place.next();
    controller.abort(boom);
    expect(await first).toBe(place.through);
    expect(place.target.waiters).toBe(place.all ? 0 : 1);
    if (!place.all) place.next();
    expect(await outcome(second!)).not.toBe(place.late);
    place.end();
  });

  it('keeps what it waits for from being destroyed', async () => {
    const place = make();
    const [wait] = await stand(place, 1);
    expect(() => place.target.destroy()).toThrow(/cannot be destroyed/);
    place.next();
    expect(await wait).toBe(place.through);
    place.end();
    expect(await outcome(place.wait())).toBe('ThreadingError');
    await expect(place.wait({ timeout: 0 })).rejects.toThrow(/destroyed/);
  });

  it('gives all memory back, however it ends', async () => {
    const count = 200;
    // What is kept for the next time is there from now on.
    const warm = make();
    expect(await outcome(warm.wait({ timeout: 1 }))).toBe(warm.late);
    const { used } = Arena.default;
    const place = make(count);
    const controller = new AbortController();
    const { signal, listeners } = watched(controller.signal);
    const waits = (await stand(place, count, () => ({ signal }))).map(outcome);
    // A local queue needs one cell for all.
    if (!place.localQueue) expect(Arena.default.used - used).toBeGreaterThanOrEqual(count * 64);
    controller.abort(new RangeError('over'));
    const others = breaks ? place.late : 'RangeError';
    expect(await Promise.all(waits)).toEqual(['RangeError', ...Array(count - 1).fill(others)]);
    place.mend?.();
    expect([place.target.waiters, listeners()]).toEqual([0, 0]);
    const more = await stand(place, count);
    if (place.all) place.next();
    for (const wait of more) {
      if (!place.all) place.next();
      await wait;
    }
    place.end();
    expect(Arena.default.used).toBe(used);
  });
});

describe('What a thread keeps of its waits', () => {
  /** An event in an arena of its own, which nobody else uses. */
  function place() {
    const arena = new Arena({ maximumBytes: 65_536 });
    const event = new Event({ arena });
    const wait = (count: number): Promise<unknown>[] => Array.from({ length: count }, () => event.waitAsync());
    const next = async (waits: readonly Promise<unknown>[]): Promise<void> => {
      event.set();
      event.clear();
      await Promise.all(waits);
    };
    /** Where a thread finds what waits: the places that its tasks have, in their order. */
    const places = (): number[] => {
      const raw = new RawArena(arena.memory, arena.address);
      const all = [...raw.cells(KIND_TASK)].map((record) => raw.word(record, TASK_PLACE));
      return all.filter(Boolean).sort((a, b) => a - b);
    };
    return { arena, event, wait, next, places };
  }

  it('is 64 cells at most while one waits, and none when no task waits any more', async () => {
    const { arena, wait, next } = place();
    const long = new Event({ arena });
    const { used } = arena;
    const last = long.waitAsync();
    for (let round = 0; round < 3; round++) {
      await next(wait(10));
      expect(arena.used - used).toBe(11 * CELL_SIZE);
    }
    for (let round = 0; round < 3; round++) await next(wait(100));
    expect(arena.used - used).toBe(65 * CELL_SIZE);
    long.set();
    expect(await last).toBe(true);
    expect(arena.used).toBe(used);
  });

  it('is a place for each that waits, however many have waited', async () => {
    const { arena, wait, next, places } = place();
    const long = new Event({ arena });
    const last = long.waitAsync();
    for (let round = 0; round < 100; round++) await next(wait(3));
    const waits = wait(3);
    expect(places()).toEqual([1, 2, 3, 4]);
    await next(waits);
    long.set();
    await last;
  });

  it.each([
    [63, [60, 61, 62]],
    [64, [1, 2, 3]],
    [100, [1, 2, 3]],
  ])('is up to 63 places when no task waits any more, and of %s: %s', async (count, kept) => {
    const { event, wait, next, places } = place();
    const others = wait(count - 1);
    const controller = new AbortController();
    const first = event.waitAsync({ signal: controller.signal });
    controller.abort('off');
    await expect(first).rejects.toBe('off');
    await next(others);
    const waits = wait(3);
    expect(places()).toEqual(kept);
    await next(waits);
  });
});

describe('A signal', () => {
  /** As a polyfill has it: not an EventTarget, calls functions only, and counts. */
  class Signal {
    aborted = false;
    reason: unknown;
    added = 0;
    removed = 0;
    readonly #listeners: (() => void)[] = [];

    addEventListener(_type: string, listener: () => void): void {
      this.added++;
      this.#listeners.push(listener);
    }

    removeEventListener(_type: string, listener: () => void): void {
      this.removed++;
      this.#listeners.splice(this.#listeners.indexOf(listener), 1);
    }

    abort(reason: unknown): void {
      Object.assign(this, { aborted: true, reason });
      for (const listener of [...this.#listeners]) listener();
    }
  }

  const options = (signal: Signal): WaitOptions => ({ signal: signal as unknown as AbortSignal });

  function heldLock(): Lock {
    const lock = new Lock();
    lock.tryAcquire();
    return lock;
  }

  it('is listened to once by 20,000 waits for several things, and by none afterwards', async () => {
    const signal = new Signal();
    const places = [heldLock(), new Semaphore(0), heldLock()];
    const waits = Array.from({ length: 20_000 }, (_, i) => places[i % 3]!.acquireAsync(options(signal)));
    const order: number[] = [];
    for (const [i, wait] of waits.entries()) wait.catch(() => order.push(i));
    expect([signal.added, signal.removed]).toEqual([1, 0]);
    signal.abort(boom);
    expect([signal.added, signal.removed]).toEqual([1, 1]);
    expect(places.map(({ waiters }) => waiters)).toEqual([0, 0, 0]);
    await Promise.allSettled(waits);
    // In the order in which they came.
    expect(order).toEqual(waits.map((_, i) => i));
  });

  it('is listened to again by the next that wait with it', async () => {
    const signal = new Signal();
    const lock = heldLock();
    for (let round = 1; round <= 3; round++) {
      const wait = lock.acquireAsync(options(signal));
      expect([signal.added, signal.removed]).toEqual([round, round - 1]);
      lock.release();
      expect(await wait).toBe(true);
      expect([signal.added, signal.removed]).toEqual([round, round]);
    }
  });

  it('does not reach a task that goes on because another gives up', async () => {
    const signal = new Signal();
    const condition = new Condition(new Lock());
    const [first, second] = [1, 2].map(() =>
      condition.withAsync(() => condition.waitAsync({ ...options(signal), timeout: 60_000 })),
    );
    await until(() => condition.waiters === 2, 'both wait');
    condition.with(() => {
      condition.notify();
      // The first is notified, and waits for the lock: it has what it waited for. The second gives up.
      signal.abort(boom);
    });
    expect(await first).toBe(true);
    await expect(second).rejects.toBe(boom);
    expect(signal.removed).toBe(1);
  });

  it('that is aborted between the check and the wait is heard', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const lock = heldLock();
    const options = {
      signal,
      // Asked after the signal was looked at.
      get owner() {
        controller.abort(boom);
        return undefined;
      },
    };
    const condition = new Condition(lock);
    await expect(condition.waitAsync(options)).rejects.toBe(boom);
    expect([condition.waiters, lock.locked]).toEqual([0, true]);
  });

  it('that cannot be listened to is an error, and leaves nothing in the queue', async () => {
    const broken = new Signal();
    broken.addEventListener = () => {
      throw new RangeError('no listeners');
    };
    const lock = heldLock();
    const [first, second] = [lock.acquireAsync(), lock.acquireAsync(options(broken))];
    await expect(second).rejects.toThrow('no listeners');
    expect(lock.waiters).toBe(1);
    lock.release();
    expect(await first).toBe(true);
    await expect(lock.acquireAsync(options(broken))).rejects.toThrow('no listeners');
    expect([lock.waiters, lock.locked]).toEqual([0, true]);
  });

  it('that cannot be left harms neither the wait nor what lets it go on', async () => {
    const broken = new Signal();
    broken.removeEventListener = () => {
      throw new RangeError('no listeners');
    };
    const lock = heldLock();
    const wait = lock.acquireAsync(options(broken));
    lock.release();
    expect(await wait).toBe(true);
    const [first, second] = [lock.acquireAsync(options(broken)), lock.acquireAsync(options(broken))];
    broken.abort(boom);
    for (const aborted of [first, second]) await expect(aborted).rejects.toBe(boom);
    expect(lock.waiters).toBe(0);
  });

  it('that calls its listener at once is heard, and starts no timer', async () => {
    const hasty = new Signal();
    hasty.addEventListener = (_type, listener) => {
      Object.assign(hasty, { aborted: true, reason: boom });
      listener();
    };
    const lock = heldLock();
    const other = lock.acquireAsync({ timeout: 60_000 });
    await expect(lock.acquireAsync({ ...options(hasty), timeout: 1 })).rejects.toBe(boom);
    // A timer of it would have ended by now.
    expect(await heldLock().acquireAsync({ timeout: 5 })).toBe(false);
    expect(lock.waiters).toBe(1);
    lock.release();
    expect(await other).toBe(true);
  });
});

describe('A task that need not wait', () => {
  const free: [name: string, wait: (options?: WaitOptions) => Promise<unknown>, answer?: unknown][] = [
    ['Lock', (options) => new Lock().acquireAsync(options)],
    ['RLock', (options) => new RLock().acquireAsync({ ...options, owner: new Owner() })],
    ['Semaphore', (options) => new Semaphore(1).acquireAsync(options)],
    ['BoundedSemaphore', (options) => new BoundedSemaphore(1).acquireAsync(options)],
    ['Condition', (options) => new Condition(new Lock()).acquireAsync(options)],
    ['Event', (options) => setEvent().waitAsync(options)],
    ['Barrier', (options) => new Barrier(1).waitAsync(options), 0],
    ['withAsync', (options) => new Lock().withAsync(() => 'answer', options), 'answer'],
    ['waitForAsync', (options) => heldCondition().waitForAsync(() => 1, options)],
  ];

  function setEvent(): Event {
    const event = new Event();
    event.set();
    return event;
  }

  function heldCondition(): Condition {
    const condition = new Condition(new Lock());
    condition.tryAcquire();
    return condition;
  }

  it.each(free)(
    'goes through at once, whatever the options, and listens to no signal: %s',
    async (_, wait, answer = true) => {
      const { signal, added } = watched(new AbortController().signal);
      const nothing = { timeout: undefined, signal: undefined } as unknown as WaitOptions;
      for (const options of [
        undefined,
        {},
        nothing,
        { timeout: 0 },
        { timeout: 5, signal },
        { timeout: Infinity, signal },
      ]) {
        expect(await wait(options)).toBe(answer);
      }
      expect(added()).toBe(0);
    },
  );

  it.each(free)('answers by a promise what is wrong with a signal that is aborted: %s', async (_, wait) => {
    await expect(wait({ signal: AbortSignal.abort(boom), timeout: 0 })).rejects.toBe(boom);
  });

  it('is told of a signal that is aborted while its options are read', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    const controller = new AbortController();
    let reads = 0;
    const options = {
      signal: controller.signal,
      get owner() {
        // Its signal was looked at by then.
        if (++reads === 2) controller.abort(boom);
        return undefined;
      },
    };
    await expect(lock.acquireAsync(options)).rejects.toBe(boom);
    expect(lock.waiters).toBe(0);
  });

  it('is given by its own thread what it waits for without a turn of the event loop', async () => {
    const lock = new Lock();
    lock.tryAcquire();
    const waiting = lock.acquireAsync();
    lock.release();
    expect([lock.tryAcquire(), lock.waiters]).toEqual([false, 0]);
    expect(await waiting).toBe(true);
  });

  it.each([
    ['Lock', new Lock()],
    ['Semaphore', new Semaphore(1)],
  ])('lets the event loop turn while two tasks pass a %s on to each other', async (_, lock) => {
    let turned = false;
    let rounds = 0;
    setTimeout(() => {
      turned = true;
    }, 10);
    // Nothing but microtasks: it takes seconds to come to the end.
    const task = async () => {
      while (!turned && rounds < 5_000_000) {
        await lock.withAsync(async () => {
          rounds++;
          await undefined;
        });
      }
    };
    await Promise.all([task(), task()]);
    expect(turned).toBe(true);
  });
});

describe('A task that has to let the event loop turn', () => {
  /** Passes a lock on until a call must wait for a turn: that call. The lock is held. */
  async function postponed(lock: Lock): Promise<{ call: Promise<boolean> }> {
    lock.tryAcquire();
    while (true) {
      const call = lock.acquireAsync();
      call.catch(() => {});
      // It stands in no queue.
      if (lock.waiters === 0) return { call };
      lock.release();
      await call;
    }
  }

  it('tries at once what must not wait', async () => {
    const lock = new Lock();
    const { call } = await postponed(lock);
    let answer: unknown = 'nothing';
    void lock.acquireAsync({ timeout: 0 }).then((held) => {
      answer = held;
    });
    for (let turns = 0; turns < 5; turns++) await undefined;
    expect(answer).toBe(false);
    lock.release();
    expect(await call).toBe(true);
    lock.release();
  });

  it('acquires nothing when it is aborted before', async () => {
    const [lock, free] = [new Lock(), new Lock()];
    const { call } = await postponed(lock);
    const controller = new AbortController();
    const aborted = free.acquireAsync({ signal: controller.signal });
    expect(free.locked).toBe(false);
    controller.abort(boom);
    await expect(aborted).rejects.toBe(boom);
    expect(free.locked).toBe(false);
    lock.release();
    expect(await call).toBe(true);
  });

  it('is told if the lock was destroyed before', async () => {
    const lock = new Lock();
    const { call } = await postponed(lock);
    lock.release();
    lock.destroy();
    await expect(call).rejects.toThrow(/destroyed/);
  });
});
