import { Arena, Event, Lock, ThreadingError } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { CELL_WORD, THREAD_QUEUED_ON, UNIT } from '../../assembly/abi.ts';
import { OPTIONS, refuses, rejects, TIMEOUTS, WAITS } from '../support/badInput.ts';
import { fill } from '../support/fill.ts';
import { integers, settle } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';

describe('Event', () => {
  it('is clear at first, and then what set and clear make it, however often', () => {
    const event = new Event();
    expect(event.isSet).toBe(false);
    for (let i = 0; i < 3; i++) {
      event.set();
      event.set();
      expect(event.isSet).toBe(true);
      event.clear();
      event.clear();
      expect(event.isSet).toBe(false);
    }
  });

  it('lets all waiters go on, and a newcomer does not wait', async () => {
    const event = new Event();
    const waiting = threads(8, { event }, ({ event }) => [event.wait(), event.wait(), event.isSet]);
    await until(() => event.waiters === 8, 'eight threads wait');
    event.set();
    for (const seen of await waiting) expect(seen).toEqual([true, true, true]);
    expect(event.waiters).toBe(0);
    expect(event.wait()).toBe(true);
  });

  it('lets others see in the record of a waiter that it spins, and then that it does not', async () => {
    const [event, lock] = [new Event(), new Lock()];
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const waiting = thread({ event, lock, stop }, ({ event, lock, stop }) => {
      lock.acquire();
      while (!Atomics.load(stop, 0)) event.wait(0.01);
    });
    const words = new Int32Array(event.memory.buffer);
    const record = (): number => Atomics.load(words, (lock.address + CELL_WORD) / 4) & -UNIT;
    await until(() => record() !== 0, 'the thread has the lock');
    const waiter = (record() + THREAD_QUEUED_ON) / 4;
    const sees = (cell: number) => (): boolean => {
      for (let looks = 0; looks < 100_000; looks++) if (Atomics.load(words, waiter) === cell) return true;
      return false;
    };
    // What a Condition's waiter needs that it has notified.
    await until(sees(record()), 'it spins');
    await until(sees(event.address), 'it stands in the queue');
    Atomics.store(stop, 0, 1);
    await waiting;
    expect(Atomics.load(words, waiter)).toBe(0);
    lock.release();
  });

  it('answers false when the time is up, and not before', () => {
    const event = new Event();
    for (const timeout of [0, 0.1, 0.9, 1, 2.5, 30]) {
      const start = performance.now();
      expect(event.wait(timeout)).toBe(false);
      expect(performance.now() - start).toBeGreaterThanOrEqual(timeout);
    }
    expect(event.waiters).toBe(0);
    event.set();
    for (const timeout of [0, 30, 2 ** 40, Infinity]) expect(event.wait(timeout)).toBe(true);
    event.clear();
    expect(event.wait(0)).toBe(false);
  });

  it('answers false when the time is up, and not before, beside a task too', async () => {
    const [event, other] = [new Event(), new Event()];
    const task = other.waitAsync();
    for (const timeout of [0.9, 1, 1, 1, 1, 2.5]) {
      const start = performance.now();
      expect(event.wait(timeout)).toBe(false);
      expect(performance.now() - start).toBeGreaterThanOrEqual(timeout);
    }
    other.set();
    expect(await task).toBe(true);
  });

  it('wakes a waiter whose timeout is longer than any clock counts', async () => {
    const event = new Event();
    const waiting = threads(3, { event }, ({ event, index }) => event.wait([2 ** 31, 1e300, Infinity][index]));
    await until(() => event.waiters === 3, 'three threads wait');
    event.set();
    expect(await waiting).toEqual([true, true, true]);
  });

  it('releases all waiters when clear follows set at once', async () => {
    const event = new Event();
    const waiting = threads(8, { event }, ({ event }) => event.wait(10_000));
    await until(() => event.waiters === 8, 'eight threads wait');
    event.set();
    event.clear();
    expect(await waiting).toEqual(Array(8).fill(true));
    expect(event.isSet).toBe(false);
  });

  it('releases all waiters when clear follows set at once, again and again, while others come and go', async () => {
    const rounds = 1_000;
    const event = new Event();
    const gate = new Event();
    const over = integers(1);
    const passes = integers(4);
    const waiting = threads(4, { event, over, passes }, ({ event, over, passes, index }) => {
      while (!Atomics.load(over, 0)) {
        event.wait();
        Atomics.add(passes, index, 1);
      }
    });
    const passing = threads(2, { event, gate, over }, ({ event, gate, over }) => {
      while (!Atomics.load(over, 0)) {
        gate.wait();
        event.wait(0.02);
      }
    });
    await until(() => event.waiters === 4 && gate.waiters === 2, 'the threads are there');
    for (let round = 1; round <= rounds; round++) {
      gate.clear();
      // Those that come and go stand at the gate: the four in the queue are those that stay.
      settle(() => gate.waiters === 2 && event.waiters === 4, `four threads wait in round ${round}`);
      const before = passes.slice();
      gate.set();
      event.set();
      event.clear();
      settle(
        () => before.every((passed, index) => Atomics.load(passes, index) > passed),
        `set released all four in round ${round}`,
      );
    }
    Atomics.store(over, 0, 1);
    gate.set();
    event.set();
    await Promise.all([waiting, passing]);
  });

  it('keeps a waiter that comes after clear, also while set is still at work', async () => {
    const event = new Event();
    const ready = integers(1);
    for (let round = 1; round <= 50; round++) {
      const old = threads(6, { event }, ({ event }) => event.wait());
      await until(() => event.waiters === 6, 'six threads wait');
      const late = thread({ event, ready }, ({ event, ready }) => {
        Atomics.add(ready, 0, 1);
        while (!event.isSet);
        event.clear();
        return event.wait(3);
      });
      await until(() => Atomics.load(ready, 0) === round, 'a thread looks for set');
      event.set();
      expect(await late, `round ${round}`).toBe(false);
      expect(await old).toEqual(Array(6).fill(true));
    }
  });

  it('keeps a waiter that comes after clear until the next set', async () => {
    const event = new Event();
    event.set();
    event.clear();
    const waiting = thread({ event }, ({ event }) => event.wait());
    await until(() => event.waiters === 1, 'a thread waits');
    event.clear();
    expect(event.wait(10)).toBe(false);
    expect(event.waiters).toBe(1);
    event.set();
    expect(await waiting).toBe(true);
  });

  it('loses no set between two threads that take turns', async () => {
    const turns = 5_000;
    const events = [new Event(), new Event()];
    const taken = await threads(2, { events, turns }, ({ events, turns, index }) => {
      let taken = 0;
      for (let turn = 0; turn < turns; turn++) {
        if (index || turn) {
          taken += Number(events[index]!.wait(10_000));
          events[index]!.clear();
        }
        events[1 - index]!.set();
      }
      return taken;
    });
    expect(taken).toEqual([turns - 1, turns]);
  });

  it('forgets a waiter whose time is up, and no other', async () => {
    const event = new Event();
    const first = thread({ event }, ({ event }) => event.wait());
    await until(() => event.waiters === 1, 'the first waits');
    const second = thread({ event }, ({ event }) => event.wait(20));
    const third = thread({ event }, ({ event }) => event.wait());
    expect(await second).toBe(false);
    await until(() => event.waiters === 2, 'the others wait');
    event.set();
    expect(await Promise.all([first, third])).toEqual([true, true]);
  });

  it('needs no memory to tell a task that need not wait, or must not', async () => {
    const arena = new Arena({ maximumBytes: 4096 });
    const event = new Event({ arena });
    fill(arena);
    await expect(event.waitAsync()).rejects.toThrow('The arena is full');
    expect(await event.waitAsync({ timeout: 0 })).toBe(false);
    event.set();
    expect(await event.waitAsync()).toBe(true);
  });

  it('cannot be destroyed while a thread waits, and not used afterwards', async () => {
    const event = new Event({ name: 'landed' });
    const waiting = thread({ event }, ({ event }) => event.wait());
    await until(() => event.waiters === 1, 'a thread waits');
    expect(() => event.destroy()).toThrow(ThreadingError);
    event.set();
    expect(await waiting).toBe(true);
    event.destroy();
    for (const use of [() => event.set(), () => event.clear(), () => event.wait(0), () => event.isSet]) {
      expect(use).toThrow(/^Event.*destroyed/);
    }
  });
});

refuses(
  'Event',
  () => new Event(),
  (event) => [event.isSet, event.waiters, Arena.default.used],
  {
    new: [OPTIONS, (_, bad) => new Event(bad)],
    wait: [TIMEOUTS, (event, bad) => event.wait(bad)],
  },
);

for (const isSet of [false, true]) {
  rejects(
    isSet ? 'Event that is set' : 'Event',
    () => {
      const event = new Event();
      if (isSet) event.set();
      return event;
    },
    (event) => [event.isSet, event.waiters, Arena.default.used],
    { waitAsync: [WAITS, (event, bad) => event.waitAsync(bad)] },
  );
}
