import { Arena, Barrier, BoundedSemaphore, OverReleaseError, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import {
  type Bad,
  integersFrom,
  NOT_FUNCTIONS,
  OPTIONS,
  refuses,
  rejects,
  TIMEOUTS,
  WAITS,
} from '../support/badInput.ts';
import { excludes } from '../support/mutex.ts';
import { thread, threads, until } from '../support/threads.ts';

/** The most that a semaphore counts. */
const MOST = 67_108_863;

const CLASSES = [
  ['Semaphore', Semaphore],
  ['BoundedSemaphore', BoundedSemaphore],
] as const;

describe.each(CLASSES)('%s', (_name, Class) => {
  it('begins with one permit, or as many as asked for', () => {
    expect(new Class().value).toBe(1);
    for (const permits of [0, 1, 7, MOST]) expect(new Class(permits).value).toBe(permits);
  });

  it('gives its permits, and takes them back', () => {
    const semaphore = new Class(3);
    expect(semaphore.acquire()).toBe(true);
    expect(semaphore.acquire(10)).toBe(true);
    expect(semaphore.tryAcquire()).toBe(true);
    expect(semaphore.value).toBe(0);
    expect(semaphore.tryAcquire()).toBe(false);
    expect(semaphore.acquire(0)).toBe(false);
    expect(semaphore.acquire(5)).toBe(false);
    expect(semaphore.release()).toBe(undefined);
    expect(semaphore.value).toBe(1);
    semaphore.release(2);
    expect(semaphore.value).toBe(3);
  });

  it('gives no permit that it does not have', async () => {
    const semaphore = new Class(0);
    expect(await thread({ semaphore }, ({ semaphore }) => semaphore.tryAcquire())).toBe(false);
    const waiting = thread({ semaphore }, ({ semaphore }) => semaphore.acquire(20));
    expect(await waiting).toBe(false);
    expect(semaphore.value).toBe(0);
  });

  it('is released by another thread than the one that acquired', async () => {
    const semaphore = new Class(2);
    await thread({ semaphore }, ({ semaphore }) => semaphore.acquire() && semaphore.acquire());
    expect(semaphore.value).toBe(0);
    const other = thread({ semaphore }, ({ semaphore }) => semaphore.acquire());
    await until(() => semaphore.waiters === 1, 'one waits');
    semaphore.release();
    expect(await other).toBe(true);
    semaphore.release();
    expect(semaphore.value).toBe(1);
  });

  it('lets exactly n through by release(n)', async () => {
    const semaphore = new Class(20);
    for (let i = 0; i < 20; i++) semaphore.acquire();
    const through = Arena.default.allocate(Int32Array, 1);
    const others = threads(20, { semaphore, through }, ({ semaphore, through }) => {
      semaphore.acquire();
      Atomics.add(through, 0, 1);
    });
    await until(() => semaphore.waiters === 20, 'all wait');
    // Of many the releaser wakes a few; those wake the rest.
    for (const [n, sum] of [
      [1, 1],
      [2, 3],
      [17, 20],
    ] as const) {
      semaphore.release(n);
      await until(() => Atomics.load(through, 0) >= sum, `${sum} are through`);
      expect({ through: through[0], waiters: semaphore.waiters, value: semaphore.value }).toEqual({
        through: sum,
        waiters: 20 - sum,
        value: 0,
      });
    }
    await others;
  });

  it('keeps the permits that nobody waits for', async () => {
    const semaphore = new Class(9);
    for (let i = 0; i < 9; i++) semaphore.acquire();
    const others = threads(3, { semaphore }, ({ semaphore }) => semaphore.acquire());
    await until(() => semaphore.waiters === 3, 'three wait');
    semaphore.release(9);
    expect(await others).toEqual([true, true, true]);
    expect(semaphore.value).toBe(6);
  });

  it('never lets more in than it has permits', async () => {
    const semaphore = new Class(3);
    // 0: how many are inside; 1: the most there ever were; 2: never changes.
    const inside = Arena.default.allocate(Int32Array, 3);
    await threads(8, { semaphore, inside }, ({ semaphore, inside }) => {
      for (let i = 0; i < 300; i++) {
        semaphore.acquire();
        const now = Atomics.add(inside, 0, 1) + 1;
        for (let most = 0; most < now; ) most = Atomics.compareExchange(inside, 1, most, now);
        Atomics.wait(inside, 2, 0, 0.02);
        Atomics.sub(inside, 0, 1);
        semaphore.release();
      }
    });
    expect(inside[1]).toBeGreaterThan(1);
    expect(inside[1]).toBeLessThanOrEqual(3);
    expect(semaphore.value).toBe(3);
  });

  it('loses and invents no permit while some give many at once and others give up waiting', async () => {
    const semaphore = new Class(7);
    for (let i = 0; i < 7; i++) semaphore.acquire();
    // What was taken and may be given: so that a bound is never exceeded.
    const taken = Arena.default.allocate(Int32Array, 1);
    taken[0] = 7;
    await threads(6, { semaphore, taken }, ({ semaphore, taken, index }) => {
      if (index < 2) {
        for (let given = 0; given < 6_000; ) {
          const n = Atomics.exchange(taken, 0, 0);
          if (n) semaphore.release(n);
          else Atomics.wait(taken, 0, 0, 1);
          given += n || 1;
        }
      } else {
        for (let i = 0; i < 3_000; i++) {
          if (!semaphore.acquire(index < 4 ? 0.03 : 2)) continue;
          Atomics.add(taken, 0, 1);
          Atomics.notify(taken, 0);
        }
      }
    });
    expect(semaphore.value + taken[0]).toBe(7);
    expect(semaphore.waiters).toBe(0);
  });
});

describe('Semaphore', () => {
  it('may be released more often than it was acquired', () => {
    const semaphore = new Semaphore(1);
    semaphore.release();
    semaphore.release(5);
    expect(semaphore.value).toBe(7);
  });

  it('refuses more permits than it can count, and changes nothing', () => {
    const semaphore = new Semaphore(MOST - 1);
    expect(() => semaphore.release(2)).toThrow(OverReleaseError);
    expect(() => semaphore.release(MOST)).toThrow(OverReleaseError);
    expect(() => semaphore.release(MOST + 1)).toThrow(`an integer from 1 to ${MOST}, not ${MOST + 1}`);
    expect(semaphore.value).toBe(MOST - 1);
    semaphore.release();
    expect(() => semaphore.release()).toThrow(OverReleaseError);
    expect(semaphore.value).toBe(MOST);
  });
});

describe('BoundedSemaphore', () => {
  it('has the bound that it began with', async () => {
    expect(new BoundedSemaphore().bound).toBe(1);
    const semaphore = new BoundedSemaphore(4);
    semaphore.acquire();
    expect([semaphore.value, semaphore.bound]).toEqual([3, 4]);
    expect(await thread({ semaphore }, ({ semaphore }) => [semaphore.value, semaphore.bound])).toEqual([3, 4]);
  });

  it('refuses a release past its bound, and changes nothing', () => {
    const semaphore = new BoundedSemaphore(2, { name: 'seats' });
    expect(() => semaphore.release()).toThrow(OverReleaseError);
    expect(() => semaphore.release()).toThrow('BoundedSemaphore "seats"');
    semaphore.acquire();
    expect(() => semaphore.release(2)).toThrow(OverReleaseError);
    expect(semaphore.value).toBe(1);
    semaphore.release();
    expect(() => semaphore.release()).toThrow(OverReleaseError);
    expect(semaphore.value).toBe(2);
  });

  it('is not fooled by a bound of none', () => {
    const semaphore = new BoundedSemaphore(0);
    expect(() => semaphore.release()).toThrow(OverReleaseError);
    expect(semaphore.tryAcquire()).toBe(false);
  });

  it('wakes nobody by a release that it refuses', async () => {
    const semaphore = new BoundedSemaphore(1);
    semaphore.acquire();
    const other = thread({ semaphore }, ({ semaphore }) => semaphore.acquire());
    await until(() => semaphore.waiters === 1, 'one waits');
    expect(() => semaphore.release(2)).toThrow(OverReleaseError);
    expect([semaphore.waiters, semaphore.value]).toEqual([1, 0]);
    semaphore.release();
    expect(await other).toBe(true);
  });

  it('has place for one release when several come at once and one permit is out', async () => {
    const semaphore = new BoundedSemaphore(2);
    const meeting = new Barrier(4);
    const released = await threads(4, { semaphore, meeting }, ({ semaphore, meeting, index }, { OverReleaseError }) => {
      let released = 0;
      for (let round = 0; round < 500; round++) {
        if (index === 0) semaphore.acquire();
        meeting.wait();
        try {
          semaphore.release();
          released++;
        } catch (error) {
          if (!(error instanceof OverReleaseError)) throw error;
        }
        meeting.wait();
      }
      return released;
    });
    expect(released.reduce((sum, each) => sum + each)).toBe(500);
    expect(semaphore.value).toBe(2);
  });
});

for (const [name, Class] of CLASSES) {
  excludes(`${name}(1)`, () => new Class(1));

  const permits: Bad[] = [...integersFrom(0), [MOST + 1, RangeError]];
  refuses(
    name,
    () => {
      const semaphore = new Class(3);
      semaphore.acquire();
      return semaphore;
    },
    (semaphore) => [semaphore.value, semaphore.waiters, Arena.default.used],
    {
      new: [permits, (_, bad) => new Class(bad)],
      'new with options': [OPTIONS, (_, bad) => new Class(1, bad)],
      acquire: [TIMEOUTS, (semaphore, bad) => semaphore.acquire(bad)],
      hold: [TIMEOUTS, (semaphore, bad) => semaphore.hold(bad)],
      with: [NOT_FUNCTIONS, (semaphore, bad) => semaphore.with(bad)],
      release: [[...integersFrom(1), [MOST + 1, RangeError]], (semaphore, bad) => semaphore.release(bad)],
    },
  );

  rejects(
    name,
    () => new Class(1),
    (semaphore) => [semaphore.value, semaphore.waiters, Arena.default.used],
    {
      acquireAsync: [WAITS, (semaphore, bad) => semaphore.acquireAsync(bad)],
      holdAsync: [WAITS, (semaphore, bad) => semaphore.holdAsync(bad)],
      withAsync: [NOT_FUNCTIONS, (semaphore, bad) => semaphore.withAsync(bad)],
      'withAsync (options)': [WAITS, (semaphore, bad) => semaphore.withAsync(() => 1, bad)],
    },
  );
}
