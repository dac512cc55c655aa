/** What the tasks of one thread pay for a lock that they await: alone, and a hundred of them at once. */
import { Mutex } from 'async-mutex';
import { Sema } from 'async-sema';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { atLeast, atMost } from '../harness/claims.ts';
import { awaiting, type Turns } from '../harness/loops.ts';
import { copy } from '../harness/rival.ts';
import type { Topic } from '../harness/topic.ts';
import { MULTITHREADING } from '../rivals/programs.ts';

const TASKS = 100;

const SEMA = 'async-sema';
const MUTEX = 'async-mutex';
const THEIR_MUTEX = "multithreading's Mutex";
const THEIR_SEMAPHORE = "multithreading's Semaphore";
const THEIR_BARRIER = "multithreading's Barrier(1)";
const BARRIER = 'Barrier(1).waitAsync';

type Contestant = [name: string, ours: boolean, turns: Turns];

/** What lets one task in at a time. */
const locks = (): Contestant[] => [
  // In this order: what Web Locks leave costs the next rival of some 120 ns 35 more, so those that are compared come later.
  ['Web Locks', false, requests(navigator.locks)],
  [MUTEX, false, pairs(new Mutex(), 'acquire')],
  ['RLock.holdAsync', true, guards(new RLock())],
  ['Lock.withAsync', true, scopes(new Lock())],
  [SEMA, false, pairs(new Sema(1), 'acquire')],
  ['Lock', true, pairs(new Lock(), 'acquireAsync')],
  ['Semaphore', true, pairs(new Semaphore(), 'acquireAsync')],
];

/** What has no equal among the others, or is of no use to many. */
const others = (): Contestant[] => {
  const set = new Event();
  set.set();
  return [
    ['BoundedSemaphore', true, pairs(new BoundedSemaphore(), 'acquireAsync')],
    ["Condition's Lock", true, pairs(new Condition(new Lock()), 'acquireAsync')],
    ['Event.waitAsync, set', true, waits(set)],
    [BARRIER, true, waits(new Barrier(1))],
  ];
};

export const alone: Topic = {
  name: 'async',
  title: 'One task, nobody else: ns for acquireAsync and release, or for the call named',
  baseline: SEMA,
  claims: [...claims(4, 20), atLeast(20, { ours: BARRIER, theirs: THEIR_BARRIER })],
  outsiders: [
    { name: THEIR_MUTEX, program: MULTITHREADING, task: 'asyncMutex 1' },
    { name: THEIR_SEMAPHORE, program: MULTITHREADING, task: 'asyncSemaphore 1' },
    { name: THEIR_BARRIER, program: MULTITHREADING, task: 'asyncBarrier 1' },
  ],
  open: () => ({ rivals: [...locks(), ...others()].map(([name, ours, turns]) => awaiting(name, ours, turns, 1)) }),
};

export const crowd: Topic = {
  name: 'tasks',
  title: `${TASKS} tasks of one thread want the same: ns for each turn`,
  baseline: SEMA,
  claims: claims(6, 2),
  outsiders: [
    { name: THEIR_MUTEX, program: MULTITHREADING, task: `asyncMutex ${TASKS}` },
    { name: THEIR_SEMAPHORE, program: MULTITHREADING, task: `asyncSemaphore ${TASKS}` },
  ],
  open: () => ({ rivals: locks().map(([name, ours, turns]) => awaiting(name, ours, turns, TASKS)) }),
};

function claims(mutex: number, multithreading: number) {
  return [
    atMost(1, { ours: 'Lock', theirs: SEMA, text: 'Lock is no slower than async-sema' }),
    atLeast(mutex, { ours: 'Lock', theirs: MUTEX }),
    atLeast(multithreading, { ours: 'Lock', theirs: THEIR_MUTEX }),
    atLeast(multithreading, { ours: 'Semaphore', theirs: THEIR_SEMAPHORE }),
  ];
}

// Each rival gets a copy of its loop (see `copy`).

function pairs<Acquire extends string>(
  lock: Record<Acquire, () => Promise<unknown>> & { release(): void },
  acquire: Acquire,
): Turns {
  return copy(
    (it: typeof lock, acquire: Acquire): Turns =>
      async (times) => {
        for (let i = 0; i < times; i++) {
          await it[acquire]();
          it.release();
        }
      },
  )(lock, acquire);
}

function waits(it: { waitAsync(): Promise<unknown> }): Turns {
  return copy(
    (it: { waitAsync(): Promise<unknown> }): Turns =>
      async (times) => {
        for (let i = 0; i < times; i++) await it.waitAsync();
      },
  )(it);
}

function guards(lock: RLock): Turns {
  return async (times) => {
    for (let i = 0; i < times; i++) (await lock.holdAsync()).release();
  };
}

function scopes(lock: Lock): Turns {
  return async (times) => {
    for (let i = 0; i < times; i++) await lock.withAsync(() => i);
  };
}

function requests(locks: LockManager): Turns {
  return async (times) => {
    for (let i = 0; i < times; i++) await locks.request('lockwork', () => i);
  };
}
