/** A storm of waits that are given up: by threads and tasks, with random timeouts and aborts, on every primitive. */
import * as threading from 'lockwork';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';
import { usedBesideHolds } from '../support/waiting.ts';

/** How many waits on each primitive, by four threads together; 100,000 is a storm. */
const WAITS = Number(globalThis.process?.env.LOCKWORK_STORM ?? 20_000);
/** For so many waits (ms), on a busy machine. */
const BOUND = 10_000 + WAITS / 2;

interface Shared {
  target: Lock | RLock | Semaphore | Event | Barrier | Condition;
  /** Entries that the lock protects, those that are inside, and threads whose tasks are still at it. */
  count: Int32Array;
  waits: number;
  /** Even: tasks; odd: the thread itself. */
  index: number;
}

/** One thread's part. Answers how often it got through, and what went wrong. Travels as text. */
async function storm({ target, count, waits, index }: Shared, api: typeof threading) {
  const { RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition, Owner } = api;
  const dice = (sides: number) => Math.floor(Math.random() * sides);
  const room = target instanceof Semaphore && !(target instanceof BoundedSemaphore) ? 2 : 1;
  let through = 0;
  const wrong: string[] = [];

  /** What is done with what was acquired. */
  const visit = () => {
    through++;
    if (Atomics.add(count, 1, 1) >= room) wrong.push('too many inside');
    if (room === 1) count[0]!++;
    else Atomics.add(count, 0, 1);
    for (let i = Math.random() ** 6 * 20_000; i > 0; i--);
    Atomics.sub(count, 1, 1);
  };
  /** A task that waits for a lock this long has been forgotten. */
  const patience = 20_000;
  const brief = () => [0, Math.random() * 0.05, Math.random() * 0.2][dice(3)]!;
  const expected = (error: unknown) => {
    if (error !== 'off' && !(error instanceof api.BrokenBarrierError)) throw error;
    return false;
  };

  const block = (): void => {
    if (target instanceof Event) {
      target.wait(brief());
      if (!dice(3)) target.set();
      if (!dice(2)) target.clear();
    } else if (target instanceof Barrier) {
      try {
        target.wait(brief());
      } catch (error) {
        expected(error);
        target.reset();
      }
    } else if (target instanceof Condition) {
      target.with(() => {
        target.wait(brief());
        visit();
        target.notify(dice(3));
      });
    } else {
      const timeout = dice(4) ? brief() : patience;
      if (target.acquire(timeout)) {
        if (target instanceof RLock && target.acquire(brief())) target.release();
        visit();
        target.release();
      } else if (timeout === patience) wrong.push('forgotten');
    }
  };

  /** The tasks that others may abort. */
  const waiting = new Set<AbortController>();
  const task = async (): Promise<void> => {
    // What comes while this thread is busy finds a task that is about to be aborted.
    if (!dice(4)) {
      for (let i = Math.random() * 60_000; i > 0; i--);
      for (const oldest of [...waiting].slice(0, 1 + dice(4))) oldest.abort('off');
    }
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort('off');
    waiting.add(controller);
    const timeout = [0, Math.random(), Math.random() * 3, patience][dice(target instanceof Event ? 3 : 4)]!;
    const options = { timeout, signal };
    // Already, at once, soon, or not at all.
    const how = dice(timeout === patience && target instanceof Barrier ? 3 : 6);
    if (how === 0) abort();
    else if (how === 1) void Promise.resolve().then(abort);
    else if (how === 2) setTimeout(abort, Math.random() * 3);
    if (target instanceof Event) {
      await target.waitAsync(options).catch(expected);
      if (!dice(3)) target.set();
      if (!dice(2)) target.clear();
    } else if (target instanceof Barrier) {
      if ((await target.waitAsync(options).catch(expected)) === false) target.reset();
    } else if (target instanceof Condition) {
      await target.withAsync(async ({ owner }) => {
        const mine = { timeout: Math.min(timeout, 3), signal, ...(owner && { owner }) };
        await target.waitAsync(mine).catch(expected);
        visit();
        target.notify(dice(3), owner && { owner });
      });
    } else {
      const owner = target instanceof RLock ? new Owner() : undefined;
      const acquire = (how: object) => target.acquireAsync(owner ? { ...how, owner } : how).catch(expected);
      const release = () => (target instanceof RLock ? target.release({ owner: owner! }) : target.release());
      if (await acquire(options)) {
        if (owner && (await acquire({ timeout: 0, signal }))) release();
        visit();
        if (!dice(50)) await new Promise((resolve) => setTimeout(resolve));
        release();
      } else if (timeout === patience && !signal.aborted) wrong.push('forgotten');
    }
    waiting.delete(controller);
  };

  if (index % 2) {
    // Tasks are slower; without anybody beside them there is no storm.
    for (let wait = 0; wait < waits || Atomics.load(count, 2) > 0; wait++) block();
  } else {
    let left = waits;
    const many = Array.from({ length: 40 }, async () => {
      while (left-- > 0) await task();
    });
    await Promise.all(many);
    Atomics.sub(count, 2, 1);
  }
  return { through, wrong };
}

const KINDS: [name: string, make: () => Shared['target']][] = [
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
  ['Semaphore', () => new Semaphore(2)],
  ['BoundedSemaphore', () => new BoundedSemaphore(1)],
  ['Event', () => new Event()],
  ['Barrier', () => new Barrier(2)],
  ['Condition over a Lock', () => new Condition(new Lock())],
  ['Condition over an RLock', () => new Condition()],
];

/** A thread and a task of another that wait without a bound: both come through within a second of the last release. */
async function comesThrough(target: Shared['target']): Promise<void> {
  const lock = target instanceof Event || target instanceof Barrier || target instanceof Condition ? undefined : target;
  const permits = target instanceof Semaphore ? target.value : 1;
  for (let i = 0; i < permits; i++) lock?.acquire(0);
  const waits = [
    thread({ target }, ({ target }, { Event, Barrier, Condition }) => {
      if (target instanceof Event || target instanceof Barrier) return target.wait();
      return target.with(() => !(target instanceof Condition) || target.wait());
    }),
    thread({ target }, ({ target }, { Event, Barrier, Condition }) => {
      if (target instanceof Event || target instanceof Barrier) return target.waitAsync();
      return target.withAsync(({ owner }) => !(target instanceof Condition) || target.waitAsync(owner && { owner }));
    }),
  ];
  // Two at a barrier let each other through.
  if (!(target instanceof Barrier)) await until(() => target.waiters === 2, 'a thread and a task wait');
  const start = performance.now();
  if (target instanceof Event) target.set();
  else if (target instanceof Condition) target.with(() => target.notifyAll());
  else for (let i = 0; i < permits; i++) lock?.release();
  const ends = await Promise.all(waits);
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(ends.sort()).toEqual(target instanceof Barrier ? [0, 1] : [true, true]);
}

describe('A storm of waits', () => {
  it.each(KINDS)(
    'leaves everything as it was, and nobody waiting: %s',
    { timeout: BOUND + 20_000 },
    async (_, make) => {
      const target = make();
      const lock = target instanceof Condition ? target.lock : target;
      const count = integers(3);
      count[2] = 2;
      const shared = { target, count, waits: WAITS / 4 };
      // Every thread that will be here has its record.
      await threads(3, { target }, ({ target }) => target.waiters);
      const used = usedBesideHolds();
      const parts = await Promise.all([
        ...[1, 2, 3].map((index) => thread({ ...shared, index }, storm, BOUND)),
        storm({ ...shared, index: 0 }, threading),
      ]);
      expect(parts.flatMap(({ wrong }) => wrong)).toEqual([]);
      expect([...count]).toEqual([parts.reduce((sum, { through }) => sum + through, 0), 0, 0]);
      if (target instanceof Event) target.clear();
      else if (target instanceof Barrier) target.reset();
      else if (target instanceof Semaphore) expect(target.value).toBe(target instanceof BoundedSemaphore ? 1 : 2);
      else expect((lock as Lock).locked).toBe(false);
      await comesThrough(target);
      expect([target.waiters, lock.waiters]).toEqual([0, 0]);
      expect(usedBesideHolds()).toBe(used);
      target.destroy();
    },
  );
});
