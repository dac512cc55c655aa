/** What threads do, as others see it while they hang: real threads, on every platform. */
import * as threading from 'lockwork';
import { dump, dumpLater, findDeadlocks, formatDump } from 'lockwork/inspect';
import { describe, expect, it } from 'vitest';
import { threadArenaOf } from '../support/dead.ts';
import { mortal } from '../support/mortal.ts';
import { EXPECTED, functionOf, hangingProgram, normalized } from '../support/program.ts';
import { integers } from '../support/settle.ts';
import { PATIENCE, thread, until } from '../support/threads.ts';

const { Arena, Barrier, Condition, Event, Lock, RLock, Semaphore } = threading;

/** One of each, of which nobody gets anything. */
function make() {
  const arena = new Arena();
  const it = {
    lock: new Lock({ arena }),
    rlock: new RLock({ arena }),
    semaphore: new Semaphore(0, { arena }),
    event: new Event({ arena }),
    barrier: new Barrier(2, { arena }),
    condition: new Condition(new Lock({ arena }), { arena }),
  };
  it.lock.acquire();
  it.rlock.acquire();
  return it;
}

/** Where threads block: none of these calls is the last thing that its function does, as engines may forget such a function. */
const PLACES: Record<string, (it: ReturnType<typeof make>, api: typeof threading) => unknown> = {
  'at a Lock': function theirPlace({ lock }) {
    lock.acquire();
    lock.release();
  },
  'at an RLock': function theirPlace({ rlock }) {
    rlock.acquire();
    rlock.release();
  },
  'at a Semaphore': function theirPlace({ semaphore }) {
    semaphore.acquire();
    semaphore.release();
  },
  'at an Event': function theirPlace({ event }) {
    event.wait();
    event.clear();
  },
  'at a Barrier': function theirPlace({ barrier }) {
    barrier.wait();
    barrier.abort();
  },
  'at a Condition': function theirPlace({ condition }) {
    condition.acquire();
    condition.wait();
    condition.release();
  },
  'beside tasks': function theirPlace({ lock, event }) {
    void event.waitAsync();
    lock.acquire();
    lock.release();
  },
  'by with': function theirPlace({ lock }) {
    lock.with(() => {});
    lock.release();
  },
  'by hold': function theirPlace({ rlock }) {
    const guard = rlock.hold();
    guard.release();
  },
  'with a timeout': function theirPlace({ event }) {
    event.wait(60_000);
    event.clear();
  },
  'in an async function': async function theirPlace({ lock }) {
    await null;
    lock.acquire();
    lock.release();
  },
};

const names = Object.keys(PLACES);

describe('A dump', () => {
  it('has the stacks of all threads that are blocked, each from its own line on', async () => {
    const it = make();
    const { arena } = it.lock;
    for (const [index, name] of names.entries()) {
      mortal({ it, name, source: String(PLACES[name]) }, ({ it, name, source }, api) => {
        api.currentThread(it.lock.arena).name = name;
        // biome-ignore lint/security/noGlobalEval: its source is the test itself
        return globalThis.eval(`(${source})`)(it, api);
      });
      // One after the other: a thread that begins needs a core.
      const blocked = () => dump(arena).threads.filter(({ state }) => state === 'blocked').length === index + 1;
      await until(blocked, `the thread ${name} is blocked`, PATIENCE, arena);
    }
    const stacks = () =>
      Object.fromEntries(
        dump(arena)
          .threads.filter(({ self }) => !self)
          .map(({ name, stack }) => [name, functionOf(stack)]),
      );
    await until(() => Object.values(stacks()).every(Boolean), 'all of them say where they are', PATIENCE, arena);
    // Bundlers tell functions of one name apart by a number.
    const there = expect.stringMatching(/^theirPlace\d*$/);
    expect(stacks()).toEqual(Object.fromEntries(names.map((name) => [name, there])));
  });

  it('of one program is the same on every platform', async () => {
    const { dump, end } = await hangingProgram();
    expect(normalized(dump)).toEqual(EXPECTED);
    const [self, ...more] = dump.threads.filter(({ self }) => self);
    expect(more).toEqual([]);
    expect(self!.ident).toBeGreaterThan(0);
    // Of the platform: a number that no other thread has, or none.
    const ids = dump.threads.map(({ id }) => id).filter((id) => id >= 0);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { where } of dump.threads) expect(where).toMatch(/[\\/]/);
    expect(formatDump(dump)).toContain('DEADLOCK: ');
    end();
  });

  it('forgets where a thread was that goes on', async () => {
    const it = make();
    const { arena } = it.lock;
    const flag = integers(1);
    const other = thread({ it, flag }, ({ it, flag }) => {
      it.lock.acquire();
      it.lock.release();
      Atomics.store(flag, 0, 1);
      Atomics.wait(flag, 0, 1, 20_000);
      it.lock.acquire();
    });
    const seen = () => dump(arena).threads.find(({ self }) => !self);
    await until(() => Boolean(seen()?.stack), 'it says where it is');
    it.lock.release();
    await until(() => Atomics.load(flag, 0) === 1, 'it has gone on');
    expect([seen()!.state, 'stack' in seen()!, 'waitsFor' in seen()!]).toEqual(['runs', false, false]);
    Atomics.store(flag, 0, 2);
    Atomics.notify(flag, 0);
    await other;
  });

  it.each(['main', 'worker'])('finds a deadlock at once, and none when it has ended (%s)', async (where) => {
    const it = make();
    const { arena } = it.lock;
    const other = thread(it, ({ lock, semaphore, rlock }, api) => {
      semaphore.release();
      lock.acquire();
      lock.release();
      return [rlock.waiters, typeof api];
    });
    await until(() => it.lock.waiters === 1, 'it waits');
    // This thread owns the lock, and does not block.
    expect(findDeadlocks(arena)).toEqual([]);
    if (where === 'worker') {
      const there = await thread(it, ({ lock }, _, { findDeadlocks, dump }) => {
        const { threads, deadlocks } = dump(lock.arena);
        return [findDeadlocks(lock.arena), deadlocks, threads.length];
      });
      expect(there).toEqual([[], [], 3]);
    }
    it.lock.release();
    expect(await other).toEqual([0, 'object']);
  });
});

describe('dumpLater', () => {
  it('writes though every thread is blocked', async () => {
    const it = make();
    const { arena } = it.lock;
    // Of another arena: what is written while a thread is blocked cannot use that one.
    const written = new Event();
    const other = thread({ it, written }, ({ it, written }) => {
      it.lock.release();
      it.lock.acquire();
      it.event.set();
      const came = written.wait(20_000);
      it.lock.release();
      return came;
    });
    await it.event.waitAsync();
    const texts: string[] = [];
    dumpLater(1_000, {
      arena,
      write(text) {
        texts.push(text);
        written.set();
      },
    });
    const got = (function ownPlace() {
      const got = it.lock.acquire(PATIENCE);
      return [got];
    })();
    expect([got, await other]).toEqual([[true], true]);
    expect(texts).toHaveLength(1);
    const [own = ''] = texts[0]!.split('\n').filter((line) => line.includes('(this one)'));
    expect(own).toContain('blocked on Lock');
  });

  it('refuses what its text is written with to use the arena of a thread that is blocked', async () => {
    const it = make();
    const flag = integers(1);
    const other = thread({ it, flag }, ({ it, flag }) => {
      it.lock.release();
      it.lock.acquire();
      it.event.set();
      Atomics.wait(flag, 0, 0, 20_000);
      it.lock.release();
    });
    await it.event.waitAsync();
    const errors: unknown[] = [];
    dumpLater(1, {
      arena: it.lock.arena,
      write() {
        for (const call of [() => it.rlock.acquire(), () => it.semaphore.release(), () => it.event.clear()]) {
          try {
            call();
            errors.push('nothing');
          } catch (error) {
            errors.push((error as Error).name);
          }
        }
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
      },
    });
    expect(it.lock.acquire(PATIENCE)).toBe(true);
    // The refused wait had not begun: what was due for it would have been taken from the one that went on.
    expect(threadArenaOf(it.lock.arena).debt).toBe(0);
    await other;
    expect(errors).toEqual(['ThreadingError', 'ThreadingError', 'ThreadingError']);
    // Afterwards all of it works.
    it.rlock.release();
    it.event.clear();
    expect([it.rlock.locked, it.semaphore.value, it.event.isSet]).toEqual([false, 0, false]);
  });
});
