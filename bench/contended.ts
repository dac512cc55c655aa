/** What a lock that two threads want at once lets through. */
import { Lock, RLock, Semaphore } from 'lockwork';
import { atLeast } from './claims.ts';
import { type Column, copy, Incorrect, type Sample, type Session, type Topic } from './measure.ts';
import { ATOMICS, AtomicsMutex, FUTEX, FutexMutex, makeMemory } from './rivals.ts';
import { type Contender, type Control, contender, type Report, Threads } from './threads.ts';

export interface Holdable {
  acquire(): unknown;
  release(): void;
}

const MUTEX = "multithreading's Mutex";
const SEMAPHORE = "multithreading's Semaphore";

const SLOWER = 'slower one';
export const SHARE: Column = {
  name: SLOWER,
  note: 'its part of the work; 50 % is fair',
  show: (part) => `${(part * 100).toFixed(0)} %`,
};

/** What every mutex is compared with, and ours. */
export const MUTEXES: Contender<Holdable>[] = [
  contender(FUTEX, false, makeMemory, (memory) => new FutexMutex(memory)),
  contender(
    ATOMICS,
    false,
    () => new Int32Array(new SharedArrayBuffer(4)),
    (word) => new AtomicsMutex(word),
  ),
  contender(
    'Lock',
    true,
    () => new Lock(),
    (lock) => lock,
  ),
];

const CONTENDERS: Contender<Holdable>[] = [
  ...MUTEXES,
  contender(
    'RLock',
    true,
    () => new RLock(),
    (lock) => lock,
  ),
  contender(
    'Semaphore',
    true,
    () => new Semaphore(1),
    (semaphore) => semaphore,
  ),
];

export const contended: Topic = {
  name: 'contended',
  title: 'Two threads, one lock, no pause: ns for acquire, count, release',
  baseline: FUTEX,
  columns: [SHARE],
  claims: [atLeast(2, { ours: 'Lock', theirs: MUTEX }), atLeast(2, { ours: 'Semaphore', theirs: SEMAPHORE })],
  outsiders: [
    { name: "V8's Atomics.Mutex", program: 'V8 with --harmony-struct', task: 'contended' },
    { name: "glibc's pthread_mutex", program: 'glibc pthreads', task: 'contended' },
    { name: MUTEX, program: 'multithreading', task: 'contendedMutex' },
    { name: SEMAPHORE, program: 'multithreading', task: 'contendedSemaphore' },
  ],
  open: () => counting('contended', CONTENDERS),
};

/** Two threads that count together, under each of the contenders. */
export function counting(topic: string, contenders: Contender<unknown>[]): Session {
  const pair = new Threads(2);
  return {
    rivals: contenders.map(({ name, ours, share }) => {
      const counter = new Int32Array(new SharedArrayBuffer(64), 0, 1);
      const shared = [share(), counter];
      return {
        name,
        ours,
        async measure(window) {
          counter[0] = 0;
          const reports = await pair.run({ topic, name, shared }, window);
          return tally(name, reports, counter[0]!);
        },
      };
    }),
    close: () => pair.close(),
  };
}

/** What the threads' reports come to, if what they counted together is what each says it did. */
export function tally(name: string, reports: Report[], counted: number): Sample {
  const counts = reports.map(({ operations }) => operations);
  const sum = counts.reduce((a, b) => a + b);
  if (counted !== sum) {
    throw new Incorrect(`${name}: ${sum} increments, but the counter says ${counted}: it does not exclude`);
  }
  const milliseconds = Math.max(...reports.map(({ milliseconds }) => milliseconds));
  return { ns: (milliseconds * 1e6) / sum, more: { [SLOWER]: Math.min(...counts) / sum } };
}

/** A thread's part: until the time is up. */
export function contend(name: string, shared: unknown, side: number, { stop }: Control): () => number {
  const [handle, counter] = shared as [unknown, Int32Array];
  const lock = CONTENDERS.find((contender) => contender.name === name)!.use(handle, side);
  return copy((lock: Holdable, counter: Int32Array, stop: Int32Array) => () => {
    let operations = 0;
    do {
      for (let i = 0; i < 100; i++) {
        lock.acquire();
        counter[0]!++;
        lock.release();
      }
      operations += 100;
    } while (!Atomics.load(stop, 0));
    return operations;
  })(lock, counter, stop);
}
