/** Which waiters may take a turn, in queues of waiters that exist in memory only. */
import { Barrier, BoundedSemaphore, Condition, Event, Lock, type Primitive, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import {
  ABANDONED,
  CELL_NEXT,
  CELL_PREV,
  CELL_SIZE,
  CELL_WORD,
  HANDOFF,
  HELD_BY_TASK,
  NOBODY,
  UNIT,
  WOKEN,
} from '../../assembly/abi.ts';
import { aheadOf, isFree, mayBeNext } from '../../bindings/turn.ts';
import { Doomed, poke } from '../support/dead.ts';
import { plot } from '../support/plot.ts';

const here = plot();
const QUEUED = 1;

/** Such that whoever comes has to wait. */
const LOCKS = [
  ['Lock', () => taken(new Lock(here))],
  ['RLock', () => taken(new RLock(here))],
] as const;
const SEMAPHORES = [
  ['Semaphore', () => taken(new Semaphore(1, here))],
  ['BoundedSemaphore', () => taken(new BoundedSemaphore(1, here))],
] as const;
const OTHERS = [
  ['Event', () => new Event(here)],
  ['Barrier', () => new Barrier(9, here)],
  ['Condition', () => new Condition(undefined, here)],
] as const;

function taken<T extends Lock | RLock | Semaphore>(target: T): T {
  expect(target.tryAcquire()).toBe(true);
  return target;
}

/** Stands in a queue: T a blocked thread, t a task. Answers the last. */
function stand(target: Primitive, queue: string): number {
  let last = 0;
  for (const kind of queue) last = new Doomed(here.arena).wait(target, { task: kind === 't' });
  return last;
}

const ahead = ({ address }: Primitive, waiter: number) => aheadOf(here.ground, address, waiter);
const next = ({ address }: Primitive, waiter: number) => mayBeNext(here.ground, address, waiter);
const free = (waiter: number) => isFree(here.ground, waiter);

/** What is so while the word of a primitive is another. */
function withWord<T>({ address }: Primitive, word: number, act: () => T): T {
  const before = here.ground.load(address, CELL_WORD);
  poke(here.ground, address, CELL_WORD, word);
  try {
    return act();
  } finally {
    poke(here.ground, address, CELL_WORD, before);
  }
}

describe.each([...LOCKS, ...SEMAPHORES])('In the queue of a %s', (_kind, make) => {
  it.each([
    ['T', 'nobody', false],
    ['t', 'nobody', false],
    ['tT', 'tasks', true],
    ['tt', 'tasks', true],
    ['TT', 'a thread', false],
    ['Tt', 'a thread', false],
    ['TtT', 'a thread', true],
    ['tTT', 'a thread', false],
    ['tTtT', 'a thread', true],
    [`${'t'.repeat(64)}T`, 'tasks', true],
    [`${'t'.repeat(65)}T`, 'a thread', true],
  ])('the last of %s has before it: %s', (queue, who, soon) => {
    const target = make();
    const waiter = stand(target, queue);
    expect([ahead(target, waiter), next(target, waiter)]).toEqual([who, soon]);
  });

  it('the first may be the next while a waker is in flight', () => {
    const target = make();
    stand(target, 't');
    const waiter = stand(target, 'T');
    target.release();
    expect([ahead(target, waiter), next(target, waiter), free(waiter)]).toEqual(['nobody', true, true]);
    expect(target.tryAcquire()).toBe(true);
    expect([next(target, waiter), free(waiter)]).toEqual([true, false]);
  });

  it.each([
    ['a cell that is free', () => here.arena.address + here.arena.used + 99 * CELL_SIZE],
    ['what is outside of the arena', () => 0],
    ['a record in no queue', () => new Doomed(here.arena).record],
  ])('a waiter whose place was over at once, and leads to %s, is not the next', (_what, where) => {
    const target = make();
    const waiter = stand(target, 'tT');
    poke(here.ground, waiter, CELL_PREV, where());
    expect([ahead(target, waiter), next(target, waiter)]).toEqual(['a thread', false]);
    poke(here.ground, waiter, CELL_PREV, here.ground.load(target.address, CELL_NEXT));
  });

  it('nothing is free for one that stands there no more', () => {
    const target = make();
    const doomed = new Doomed(here.arena);
    doomed.wait(target);
    target.release();
    expect(free(doomed.record)).toBe(true);
    doomed.die();
    expect(free(doomed.record)).toBe(false);
  });
});

describe.each([
  ...LOCKS.map(([kind, make]) => ({ kind, make, lock: true })),
  ...SEMAPHORES.map(([kind, make]) => ({ kind, make, lock: false })),
])('The word of a $kind', ({ make, lock }) => {
  it.each([
    ['no flag', 0, false],
    ['waiters', QUEUED, false],
    ['a handoff', QUEUED | HANDOFF, false],
    ['a waker', QUEUED | WOKEN, true],
    ['two wakers', QUEUED | (2 * WOKEN), true],
    ['four wakers, or an abandoned lock', QUEUED | ABANDONED, !lock],
    ['four wakers and one, or an abandoned lock', QUEUED | ABANDONED | WOKEN, true],
    ['the bit of a task', QUEUED | HELD_BY_TASK, false],
  ])('that has %s', (_what, flags, waker) => {
    const target = make();
    const waiter = stand(target, 'T');
    // Nothing above the flags; its lowest owner, or one permit; its highest owner, or most permits.
    const seen = [0, UNIT, NOBODY].map((above) =>
      withWord(target, above | flags, () => [next(target, waiter), free(waiter)]),
    );
    expect(seen).toEqual([lock, !lock, !lock].map((free) => [waker, free]));
  });
});

describe.each(OTHERS)('In the queue of a %s', (_kind, make) => {
  it.each(['t', 'T', 'tT'])('nobody takes a turn: the last of %s', (queue) => {
    const target = make();
    const waiter = stand(target, queue);
    const seen = [0, WOKEN, UNIT].map((word) =>
      withWord(target, word, () => [ahead(target, waiter), next(target, waiter), free(waiter)]),
    );
    expect(seen).toEqual(seen.map(() => ['a thread', false, false]));
  });
});
