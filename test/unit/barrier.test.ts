import type * as threading from 'lockwork';
import { Arena, Barrier, BrokenBarrierError, Event, ThreadingError } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integersFrom, NOT_FUNCTIONS, OPTIONS, refuses, rejects, TIMEOUTS, WAITS } from '../support/badInput.ts';
import { integers, settle } from '../support/settle.ts';
import { thread, threads, thrown, until } from '../support/threads.ts';

/** `count` threads that wait, each for the one after it to come. */
async function arrive(barrier: Barrier, count: number): Promise<Promise<number>[]> {
  const arrivals: Promise<number>[] = [];
  for (let arrived = 1; arrived <= count; arrived++) {
    arrivals.push(thread({ barrier }, ({ barrier }) => barrier.wait()));
    await until(() => barrier.waiting === arrived, `${arrived} threads wait`);
  }
  return arrivals;
}

const broken = (waits: Promise<number>[]): Promise<void> =>
  expect(Promise.all(waits.map(thrown))).resolves.toEqual(waits.map(() => 'BrokenBarrierError'));

/** That a round goes through. */
async function works(barrier: Barrier): Promise<void> {
  expect(barrier.broken).toBe(false);
  const indices = await threads(barrier.parties, { barrier }, ({ barrier }) => barrier.wait());
  expect(indices.sort()).toEqual(indices.map((_, index) => index));
  expect([barrier.waiting, barrier.waiters, barrier.broken]).toEqual([0, 0, false]);
}

describe('Barrier', () => {
  it('lets all go on when the last arrives, with the order of arrival', async () => {
    const barrier = new Barrier(5);
    expect([barrier.parties, barrier.waiting, barrier.broken]).toEqual([5, 0, false]);
    const arrivals = await arrive(barrier, 4);
    expect(barrier.wait()).toBe(4);
    expect(await Promise.all(arrivals)).toEqual([0, 1, 2, 3]);
    expect([barrier.waiting, barrier.broken]).toEqual([0, false]);
  });

  it('lets nobody into a round before all have left the last one, round after round', async () => {
    const [parties, rounds] = [5, 200];
    const barrier = new Barrier(parties);
    const arrived = integers(rounds);
    const early = await threads(parties, { barrier, arrived, parties, rounds }, (shared) => {
      const { barrier, arrived, parties, rounds } = shared;
      let early = 0;
      for (let round = 0; round < rounds; round++) {
        Atomics.add(arrived, round, 1);
        barrier.wait();
        if (Atomics.load(arrived, round) !== parties) early++;
      }
      return early;
    });
    expect(early).toEqual(Array(parties).fill(0));
  });

  it('is no obstacle to one party', () => {
    let runs = 0;
    const barrier = new Barrier(1, { action: () => runs++ });
    for (const timeout of [undefined, 0, 1, Infinity]) expect(barrier.wait(timeout)).toBe(0);
    expect(runs).toBe(4);
  });

  it('serves more threads than parties, in rounds', async () => {
    const barrier = new Barrier(2);
    for (let round = 0; round < 20; round++) {
      const indices = await threads(6, { barrier }, ({ barrier }) => barrier.wait());
      expect(indices.sort()).toEqual([0, 0, 0, 1, 1, 1]);
    }
  });

  it('cannot be destroyed while a thread waits, and not used afterwards', async () => {
    const barrier = new Barrier(2);
    const waiting = await arrive(barrier, 1);
    expect(() => barrier.destroy()).toThrow(ThreadingError);
    expect(barrier.wait()).toBe(1);
    await Promise.all(waiting);
    barrier.destroy();
    for (const use of [() => barrier.wait(), () => barrier.abort(), () => barrier.reset(), () => barrier.parties]) {
      expect(use).toThrow(/^Barrier.*destroyed/);
    }
  });
});

describe("A Barrier's action", () => {
  it('is forgotten with its round: a Barrier that is made in the same place is another one', () => {
    const arena = new Arena({ maximumBytes: 4096 });
    const places = new Set<number>();
    for (let round = 0; round < 200; round++) {
      const barrier = new Barrier(1, { arena, action() {} });
      places.add(barrier.address);
      expect(barrier.wait()).toBe(0);
      barrier.destroy();
    }
    expect(places.size).toBeLessThan(200);
  });

  it('that throws after its round was broken is thrown all the same', async () => {
    for (const end of ['abort', 'reset'] as const) {
      const barrier: Barrier = new Barrier(1, {
        action() {
          barrier[end]();
          throw new RangeError('no guide');
        },
      });
      expect(() => barrier.wait()).toThrow(RangeError);
      expect(barrier.broken).toBe(end === 'abort');
      barrier.reset();
      await expect(barrier.waitAsync()).rejects.toThrow(RangeError);
    }
  });

  it('runs once a round, in the last thread to arrive, before anybody goes on', async () => {
    const [parties, rounds] = [4, 500];
    const barrier = new Barrier(parties);
    const runs = integers(1);
    const wrong = await threads(parties, { barrier, runs, rounds }, ({ barrier, runs, rounds }, { Barrier }) => {
      let ran = false;
      const mine = Barrier.from(barrier, {
        action() {
          ran = true;
          Atomics.add(runs, 0, 1);
        },
      });
      const wrong: unknown[] = [];
      for (let round = 1; round <= rounds; round++) {
        ran = false;
        const index = mine.wait();
        const seen = Atomics.load(runs, 0);
        // The next round's cannot run before this thread arrives.
        if (seen !== round || ran !== (index === mine.parties - 1)) wrong.push({ round, seen, index, ran });
      }
      return wrong;
    });
    expect(wrong.flat()).toEqual([]);
  });

  it('is that of the view which the last to arrive uses', async () => {
    const runs: string[] = [];
    const made = new Barrier(2, { action: () => runs.push('made') });
    const attached = Barrier.from(made, { action: () => runs.push('attached') });
    const bare = Barrier.from(made);
    for (const barrier of [made, attached, bare]) {
      const first = await arrive(barrier, 1);
      expect(barrier.wait()).toBe(1);
      await Promise.all(first);
    }
    const last = thread({ made }, ({ made }) => {
      while (made.waiting !== 1);
      return made.wait();
    });
    expect(made.wait()).toBe(0);
    expect(await last).toBe(1);
    expect(runs).toEqual(['made', 'attached']);
  });

  it('that throws breaks the barrier: its thread gets what was thrown, the others BrokenBarrierError', async () => {
    const boom = { anything: 'at all' };
    let fails = true;
    const barrier = new Barrier(4, {
      action() {
        if (fails) throw boom;
      },
    });
    const waiting = await arrive(barrier, 3);
    let caught: unknown;
    try {
      barrier.wait();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(boom);
    await broken(waiting);
    expect([barrier.broken, barrier.waiting, barrier.waiters]).toEqual([true, 0, 0]);
    expect(() => barrier.wait()).toThrow(BrokenBarrierError);
    fails = false;
    barrier.reset();
    await works(barrier);
    const again = await arrive(barrier, 3);
    expect(barrier.wait()).toBe(3);
    expect(await Promise.all(again)).toEqual([0, 1, 2]);
  });

  it('that throws in whichever thread is the last is thrown in that one alone', async () => {
    const barrier = new Barrier(4);
    for (let round = 0; round < 20; round++) {
      const waits = Array.from({ length: 4 }, () =>
        thread({ barrier }, ({ barrier }, { Barrier }) => {
          const action = () => {
            throw new RangeError('no guide');
          };
          return Barrier.from(barrier, { action }).wait();
        }),
      );
      const names = await Promise.all(waits.map(thrown));
      expect(names.sort()).toEqual([...Array(3).fill('BrokenBarrierError'), 'RangeError']);
      barrier.reset();
    }
  });

  it('must not return a promise', async () => {
    const barrier = new Barrier(2, { action: async () => {} });
    const waiting = await arrive(barrier, 1);
    expect(() => barrier.wait()).toThrow(TypeError);
    await broken(waiting);
    expect(barrier.broken).toBe(true);
  });

  it('is waited for: a time that ends while it runs is no timeout', async () => {
    const barrier = new Barrier(2, {
      action() {
        const over = performance.now() + 600;
        while (performance.now() < over);
      },
    });
    const waiting = thread({ barrier }, ({ barrier }) => barrier.wait(500));
    await until(() => barrier.waiting === 1, 'a thread waits');
    expect(barrier.wait()).toBe(1);
    expect(await waiting).toBe(0);
    expect(barrier.broken).toBe(false);
  });

  for (const fails of [false, true]) {
    it(`keeps newcomers while it runs for the next round, ${fails ? 'but not when it fails' : 'as its first'}`, async () => {
      const running = integers(1);
      let runs = 0;
      const barrier = new Barrier(2, {
        action() {
          if (runs++) return;
          Atomics.store(running, 0, 1);
          Atomics.notify(running, 0);
          settle(() => barrier.waiters === 2, 'one more thread comes');
          expect([barrier.waiting, barrier.broken]).toEqual([0, false]);
          if (fails) throw new RangeError('no guide');
        },
      });
      const first = await arrive(barrier, 1);
      const late = thread({ barrier, running }, ({ barrier, running }) => {
        Atomics.wait(running, 0, 0, 10_000);
        return barrier.wait();
      });
      if (fails) {
        expect(() => barrier.wait()).toThrow(RangeError);
        await broken([...first, late]);
      } else {
        expect(barrier.wait()).toBe(1);
        expect(await Promise.all(first)).toEqual([0]);
        await until(() => barrier.waiting === 1, 'the late thread waits in the next round');
        expect(barrier.wait()).toBe(1);
        expect(await late).toBe(0);
      }
      expect(runs).toBe(fails ? 1 : 2);
    });
  }

  it.each([
    ['alone', false],
    ['beside a task', true],
  ])('keeps no newcomer longer than its time, and that one has not arrived: %s', async (_, beside) => {
    const state = integers(1);
    const barrier = new Barrier(2);
    const first = await arrive(barrier, 1);
    const last = thread({ barrier, state }, ({ barrier, state }, { Barrier }) => {
      const action = () => {
        Atomics.store(state, 0, 1);
        const over = performance.now() + 10_000;
        while (Atomics.load(state, 0) === 1 && performance.now() < over);
      };
      return Barrier.from(barrier, { action }).wait();
    });
    await until(() => Atomics.load(state, 0) === 1, 'the action runs');
    const event = new Event();
    const task = beside && event.waitAsync();
    for (const timeout of [0, 5]) {
      const start = performance.now();
      expect(() => barrier.wait(timeout)).toThrow(BrokenBarrierError);
      expect(() => barrier.wait(timeout)).toThrow('had not arrived');
      expect(performance.now() - start).toBeGreaterThanOrEqual(2 * timeout);
    }
    expect([barrier.waiting, barrier.waiters, barrier.broken]).toEqual([0, 1, false]);
    Atomics.store(state, 0, 2);
    expect(await Promise.all([...first, last])).toEqual([0, 1]);
    event.set();
    await task;
    await works(barrier);
  });

  it.each([
    ['alone', false],
    ['beside a task', true],
  ])('must not wait at its own Barrier, but may after a reset: %s', async (_, beside) => {
    const seen = thread({ beside }, async ({ beside }, { Barrier, Event }) => {
      const event = new Event();
      const task = beside && event.waitAsync();
      const names: unknown[] = [];
      const attempt = (call: () => unknown) => {
        try {
          names.push(call());
        } catch (error) {
          names.push((error as Error).name);
        }
      };
      const barrier: threading.Barrier = new Barrier(1, { action: () => action() });
      const bare = Barrier.from(barrier);
      let action = () => {
        for (const timeout of [undefined, 0, 5]) attempt(() => bare.wait(timeout));
      };
      attempt(() => barrier.wait());
      action = () => {
        bare.reset();
        attempt(() => bare.wait());
      };
      attempt(() => barrier.wait());
      // Thrown by the action, it breaks the round as any error does.
      action = () => void barrier.wait();
      attempt(() => barrier.wait());
      names.push(barrier.broken);
      event.set();
      await task;
      return names;
    });
    const [no, broken] = ['DeadlockError', 'BrokenBarrierError'];
    expect(await seen).toEqual([no, no, no, 0, 0, broken, no, true]);
  });

  for (const end of ['abort', 'reset'] as const) {
    it(`cannot save a round from ${end} in another thread, nor in itself`, async () => {
      const running = integers(1);
      const actions = [
        () => {
          Atomics.store(running, 0, 1);
          Atomics.notify(running, 0);
          settle(() => Atomics.load(running, 0) === 2, `another thread calls ${end}`);
        },
        () => barrier[end](),
      ];
      const barrier = new Barrier(3, { action: () => actions.shift()?.() });
      const other = thread({ barrier, running, end }, ({ barrier, running, end }) => {
        Atomics.wait(running, 0, 0, 10_000);
        barrier[end]();
        Atomics.store(running, 0, 2);
      });
      while (actions.length) {
        const waiting = await arrive(barrier, 2);
        expect(() => barrier.wait()).toThrow(BrokenBarrierError);
        await broken(waiting);
        expect(barrier.broken).toBe(end === 'abort');
        barrier.reset();
      }
      await other;
      await works(barrier);
    });
  }
});

describe('A Barrier breaks', () => {
  it('for all when one waits too long', async () => {
    const barrier = new Barrier(4);
    const waiting = await arrive(barrier, 2);
    const start = performance.now();
    expect(() => barrier.wait(30)).toThrow(BrokenBarrierError);
    expect(performance.now() - start).toBeGreaterThanOrEqual(30);
    await broken(waiting);
    expect([barrier.broken, barrier.waiting, barrier.waiters]).toEqual([true, 0, 0]);
    await broken([thread({ barrier }, ({ barrier }) => barrier.wait())]);
    barrier.reset();
    await works(barrier);
  });

  it('at once when the time is 0 and others are missing', () => {
    const barrier = new Barrier(2);
    expect(() => barrier.wait(0)).toThrow(BrokenBarrierError);
    expect(barrier.broken).toBe(true);
  });

  it('by its default timeout in every thread, unless a wait names its own', async () => {
    const barrier = new Barrier(2, { timeout: 40 });
    const waited = thread({ barrier }, ({ barrier }, { BrokenBarrierError }) => {
      const start = performance.now();
      try {
        return barrier.wait();
      } catch (error) {
        return error instanceof BrokenBarrierError && performance.now() - start;
      }
    });
    expect(await waited).toBeGreaterThanOrEqual(40);
    barrier.reset();
    expect(() => barrier.wait()).toThrow(BrokenBarrierError);
    barrier.reset();
    const patient = thread({ barrier }, ({ barrier }) => barrier.wait(Infinity));
    await until(() => barrier.waiting === 1, 'a thread waits');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect([barrier.waiting, barrier.broken]).toEqual([1, false]);
    expect(barrier.wait()).toBe(1);
    expect(await patient).toBe(0);
  });

  it('by abort, for waiters and for newcomers, until reset', async () => {
    const barrier = new Barrier(5);
    const waiting = await arrive(barrier, 4);
    barrier.abort();
    await broken(waiting);
    expect([barrier.broken, barrier.waiting, barrier.waiters]).toEqual([true, 0, 0]);
    for (let i = 0; i < 2; i++) expect(() => barrier.wait()).toThrow(BrokenBarrierError);
    barrier.abort();
    expect(barrier.broken).toBe(true);
    barrier.reset();
    barrier.reset();
    await works(barrier);
  });

  it('by abort when nobody waits', () => {
    const barrier = new Barrier(2);
    barrier.abort();
    expect(() => barrier.wait()).toThrow(BrokenBarrierError);
  });

  it('by one that aborts in place of waiting', async () => {
    const barrier = new Barrier(5);
    const waits = Array.from({ length: 5 }, (_, index) =>
      thread({ barrier, index }, ({ barrier, index }) => {
        if (index !== 2) return barrier.wait();
        barrier.abort();
        throw new RangeError('not with me');
      }),
    );
    const names = await Promise.all(waits.map(thrown));
    expect(names.sort()).toEqual([...Array(4).fill('BrokenBarrierError'), 'RangeError']);
    expect(barrier.broken).toBe(true);
  });

  it('by reset for the waiters, and works at once', async () => {
    const barrier = new Barrier(4);
    for (let round = 0; round < 5; round++) {
      const waiting = await arrive(barrier, 3);
      barrier.reset();
      expect([barrier.waiting, barrier.broken]).toEqual([0, false]);
      await broken(waiting);
      await works(barrier);
    }
  });

  it('for all of a round or for none, when a reset meets its end', async () => {
    const barrier = new Barrier(9);
    const ready = integers(1);
    for (let round = 1; round <= 25; round++) {
      const waits = await arrive(barrier, 8);
      const resetting = thread({ barrier, ready }, ({ barrier, ready }) => {
        Atomics.add(ready, 0, 1);
        while (barrier.waiting === 8);
        barrier.reset();
      });
      await until(() => Atomics.load(ready, 0) === round, 'a thread looks for the last to arrive');
      let through = true;
      try {
        barrier.wait();
      } catch {
        through = false;
      }
      const names = await Promise.all(waits.map(thrown));
      expect(names).toEqual(Array(8).fill(through ? 'none' : 'BrokenBarrierError'));
      await resetting;
    }
  });

  it('for all of a round or for none, while it is reset and aborted and times run out', async () => {
    const [parties, rounds] = [3, 300];
    const barrier = new Barrier(parties);
    const through = integers(parties);
    const all = threads(parties, { barrier, through, rounds }, ({ barrier, through, rounds, index }) => {
      const ahead: number[] = [];
      for (let round = 1; round <= rounds; round++) {
        while (true) {
          try {
            barrier.wait(Math.random() < 0.1 ? Math.random() : Infinity);
            break;
          } catch (error) {
            if ((error as Error).name !== 'BrokenBarrierError') throw error;
            // Only then: a reset of a round that others have begun anew breaks it for them, and so do they.
            if (barrier.broken) barrier.reset();
          }
        }
        Atomics.store(through, index, round);
        // Another thread may have finished this round and the next has not begun for it without this one.
        if (through.some((_, other) => Math.abs(Atomics.load(through, other) - round) > 1)) ahead.push(round);
      }
      return ahead;
    });
    await until(() => through.some((_, index) => Atomics.load(through, index) > 0), 'a round is through');
    settle(() => {
      if (Math.random() < 0.5) barrier.reset();
      else barrier.abort();
      return through.every((_, index) => Atomics.load(through, index) === rounds);
    }, 'all are through');
    expect((await all).flat()).toEqual([]);
  });
});

const state = (barrier: Barrier) => [barrier.parties, barrier.waiting, barrier.broken, Arena.default.used];

refuses('Barrier', () => new Barrier(2), state, {
  'new (parties)': [[...integersFrom(1), [2 ** 26, RangeError]], (_, bad) => new Barrier(bad)],
  'new (options)': [OPTIONS, (_, bad) => new Barrier(2, bad)],
  'new (action)': [NOT_FUNCTIONS.slice(1), (_, action) => new Barrier(2, { action })],
  'new (timeout)': [TIMEOUTS, (_, timeout) => new Barrier(2, { timeout })],
  'from (action)': [NOT_FUNCTIONS.slice(1), (barrier, action) => Barrier.from(barrier, { action })],
  wait: [TIMEOUTS, (barrier, bad) => barrier.wait(bad)],
});

rejects(
  'Barrier',
  () => new Barrier(1),
  (barrier) => [barrier.waiting, barrier.waiters, barrier.broken, Arena.default.used],
  { waitAsync: [WAITS, (barrier, bad) => barrier.waitAsync(bad)] },
);
