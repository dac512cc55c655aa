/** A waiter that was let through may destroy at once, while its unparker is still on the way out. */
import type * as threading from 'lockwork';
import { Arena, Barrier, Condition, Event, Lock, type PrimitiveOptions, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { fill } from '../support/fill.ts';
import { integers, settle } from '../support/settle.ts';
import { threads } from '../support/threads.ts';

type Target = Event | Barrier | Lock | RLock | Semaphore;

/** The words of `mail`: the round, address and stamp of what it is about, and how far the others are in it. */
const [ROUND, ADDRESS, READY, TOLD, WAITED] = [0, 1, 3, 4, 5];

/** What the others do in every round: the first lets everybody through, the second waits beside for a moment. */
function accompany(
  { first, mail, index }: { first: Target; mail: Int32Array; index: number },
  { attach, Event, Barrier, Lock, RLock, BrokenBarrierError }: typeof threading,
): void {
  const { kind, memory } = first;
  const holds = first instanceof Lock || first instanceof RLock;
  for (let round = 1; ; round++) {
    while (Atomics.load(mail, 0) < round) Atomics.wait(mail, 0, round - 1);
    if (Atomics.load(mail, 0) > round) return;
    const it = attach({ kind, memory, address: mail[1]!, stamp: mail[2]! } as Target);
    if (!index && holds) (it as Lock).acquire();
    Atomics.add(mail, 3, 1);
    try {
      if (index) {
        const moment = Math.random() / 10;
        if (it instanceof Event || it instanceof Barrier) it.wait(moment);
        else if (it.acquire(moment)) it.release();
      } else {
        for (const until = performance.now() + Math.random() ** 2 / 5; performance.now() < until; );
        if (it instanceof Event) it.set();
        else if (it instanceof Barrier) it.wait();
        else it.release();
      }
    } catch (error) {
      if (!(error instanceof BrokenBarrierError)) throw error;
    }
    Atomics.store(mail, 4 + index, round);
  }
}

const KINDS: [name: string, make: (others: number, options: PrimitiveOptions) => Target][] = [
  ['an Event', (_, options) => new Event(options)],
  ['a Barrier', (others, options) => new Barrier(1 + others, options)],
  ['a Semaphore', (_, options) => new Semaphore(0, options)],
  ['a Lock', (_, options) => new Lock(options)],
  ['an RLock', (_, options) => new RLock(options)],
];

describe.each(KINDS)('A waiter that is let through by %s destroys it at once', (_, make) => {
  it.each([
    ['alone', 1],
    ['beside one whose time is up', 2],
  ])('and what comes to lie there is not touched: %s', async (_, others) => {
    const arena = new Arena({ maximumBytes: 65_536 });
    const mail = integers(6);
    const first = make(others, { arena });
    // All threads have their records before the arena is full.
    await threads(others, { first }, ({ first }) => first.waiters);
    const companions = threads(others, { first, mail }, accompany);
    companions.catch(() => {});
    const all: Uint8Array[] = [];
    try {
      while (true) all.push(arena.allocate(Uint8Array, 64));
    } catch {
      // One cell is free: what is destroyed is what is allocated next.
      arena.free(all.pop()!);
    }
    const over = performance.now() + 800;
    let round = 0;
    while (performance.now() < over && round < 5_000) {
      const it = make(others, { arena });
      mail.set([it.address, it.stamp, 0], ADDRESS);
      Atomics.store(mail, ROUND, ++round);
      Atomics.notify(mail, ROUND);
      while (Atomics.load(mail, READY) < others);
      const told = () => Atomics.load(mail, TOLD) === round;
      const waited = () => others < 2 || Atomics.load(mail, WAITED) === round;
      // Nobody begins to wait for what may be destroyed already.
      while (!it.waiters && !waited());
      try {
        if (it instanceof Event || it instanceof Barrier) it.wait();
        else if (it.acquire() && !(it instanceof Semaphore)) it.release();
      } catch {
        // Somebody's time was up: a broken Barrier, at which the last may not have been yet.
        settle(told, `the last comes to the Barrier of round ${round}`);
      }
      // A waiter that is woken by a Lock or a Semaphore and comes again needs it still.
      if (!(it instanceof Event || it instanceof Barrier)) settle(waited, 'the other has gone');
      settle(() => {
        try {
          it.destroy();
          return true;
        } catch {
          return false;
        }
      }, `nobody waits in round ${round}`);
      const mine = arena.allocate(Int32Array, 16).fill((round % 2) - 1);
      expect(mine.byteOffset).toBe(it.address);
      settle(() => told() && waited(), `the others are done with round ${round}`, 3_000);
      if (mine.some((word) => word !== (round % 2) - 1)) expect.fail(`round ${round}: ${mine}`);
      arena.free(mine);
    }
    Atomics.store(mail, ROUND, 2 ** 30);
    Atomics.notify(mail, ROUND);
    await companions;
  });
});

it.each([
  ['Event', (arena: Arena) => new Event({ arena })],
  ['Barrier', (arena: Arena) => new Barrier(2, { arena })],
  ['Condition', (arena: Arena) => new Condition(new Lock({ arena }), { arena })],
])('A destroyed %s says so to a task, also where there is no room for one that waits', async (_, make) => {
  const arena = new Arena({ maximumBytes: 4_096 });
  const it = make(arena);
  it.destroy();
  fill(arena);
  await expect(it.waitAsync()).rejects.toThrow('has been destroyed');
});

it('A Condition that is destroyed in the predicate of a task says so, also where there is no room for its wait', async () => {
  const arena = new Arena({ maximumBytes: 4_096 });
  const lock = new Lock({ arena });
  const condition = new Condition(lock, { arena });
  await lock.acquireAsync();
  const wait = condition.waitForAsync(() => {
    condition.destroy();
    fill(arena);
    return false;
  });
  await expect(wait).rejects.toThrow('has been destroyed');
});
