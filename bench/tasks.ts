/** What the tasks of one thread pay for a lock that they await: alone, and a hundred of them at once. */
import { Mutex } from 'async-mutex';
import { Sema } from 'async-sema';
import { Lock, RLock, Semaphore } from 'lockwork';
import { copy, type Rival, repeat, type Topic } from './measure.ts';

const BATCH = 1000;
export const TASKS = 100;

const SEMA = 'async-sema';
const MUTEX = 'async-mutex';
const MULTITHREADING = "multithreading's Mutex";

/** Acquires and releases so many times. */
type Turns = (times: number) => Promise<void>;

const contestants = (): [name: string, ours: boolean, turns: Turns][] => {
  const mutex = new Mutex();
  return [
    [
      SEMA,
      false,
      pairs(
        new Sema(1),
        (it) => it.acquire(),
        (it) => it.release(),
      ),
    ],
    [
      MUTEX,
      false,
      pairs(
        mutex,
        (it) => it.acquire(),
        (it) => it.release(),
      ),
    ],
    ['Web Locks', false, requests(navigator.locks)],
    [
      'Lock',
      true,
      pairs(
        new Lock(),
        (it) => it.acquireAsync(),
        (it) => it.release(),
      ),
    ],
    [
      'Semaphore',
      true,
      pairs(
        new Semaphore(),
        (it) => it.acquireAsync(),
        (it) => it.release(),
      ),
    ],
    ['RLock.holdAsync', true, guards(new RLock())],
    ['Lock.withAsync', true, scopes(new Lock())],
  ];
};

export const alone: Topic = topic('async', 'One task, nobody else: ns for acquireAsync and release', 1, 4, 20);
export const crowd: Topic = topic('tasks', `${TASKS} tasks of one thread want the same: ns for each turn`, TASKS, 6, 2);

function topic(name: string, title: string, tasks: number, mutex: number, multithreading: number): Topic {
  return {
    name,
    title,
    baseline: SEMA,
    claims: [
      {
        text: 'Lock is no slower than async-sema',
        ratio: (median) => median('Lock') / median(SEMA),
        holds: (ratio) => ratio <= 1,
      },
      {
        text: `Lock is at least ${mutex} times as fast as async-mutex`,
        ratio: (median) => median(MUTEX) / median('Lock'),
        holds: (ratio) => ratio >= mutex,
      },
      {
        text: `Lock is at least ${multithreading} times as fast as multithreading's Mutex`,
        ratio: (median) => median(MULTITHREADING) / median('Lock'),
        holds: (ratio) => ratio >= multithreading,
      },
    ],
    outsiders: [{ name: MULTITHREADING, program: 'multithreading', task: name }],
    open: () => ({ rivals: contestants().map(([name, ours, turns]) => rival(name, ours, turns, tasks)) }),
  };
}

export function rival(name: string, ours: boolean, turns: Turns, tasks: number): Rival {
  return repeat(name, ours, BATCH, () => Promise.all(Array.from({ length: tasks }, () => turns(BATCH / tasks))));
}

// Each rival gets a copy of its loop (see `copy`).

function pairs<L>(lock: L, acquire: (lock: L) => Promise<unknown>, release: (lock: L) => void): Turns {
  return copy(
    (it: L, take: typeof acquire, give: typeof release): Turns =>
      async (times) => {
        for (let i = 0; i < times; i++) {
          await take(it);
          give(it);
        }
      },
  )(lock, acquire, release);
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
