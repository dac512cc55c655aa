/** What a lock that two threads want at once lets through. */
import { Lock, RLock, Semaphore } from 'lockwork';
import { copy, type Topic } from './measure.ts';
import { AtomicsMutex, FutexMutex, makeMemory } from './rivals.ts';
import { type Contender, type Control, contender, Threads } from './threads.ts';

export interface Holdable {
  acquire(): unknown;
  release(): void;
}

export const FUTEX = 'futex mutex in wasm';
export const ATOMICS = 'mutex on Atomics';

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
  columns: [
    { name: 'slower one', note: 'its part of the work; 50 % is fair', show: (part) => `${(part * 100).toFixed(0)} %` },
  ],
  claims: [],
  open() {
    const pair = new Threads(2);
    return {
      rivals: CONTENDERS.map(({ name, ours, share }) => {
        const counter = new Int32Array(new SharedArrayBuffer(64), 0, 1);
        const shared = [share(), counter];
        return {
          name,
          ours,
          async measure(window) {
            counter[0] = 0;
            const reports = await pair.run({ topic: 'contended', name, shared }, window);
            const counts = reports.map(({ operations }) => operations);
            const sum = counts.reduce((a, b) => a + b);
            checkCount(name, sum, counter);
            const milliseconds = Math.max(...reports.map(({ milliseconds }) => milliseconds));
            return { ns: (milliseconds * 1e6) / sum, more: { 'slower one': Math.min(...counts) / sum } };
          },
        };
      }),
      close: () => pair.close(),
    };
  },
};

/** Whoever lets two threads in at once loses increments. */
export function checkCount(name: string, increments: number, counter: Int32Array): void {
  if (counter[0] === increments) return;
  throw new Error(`${name}: ${increments} increments, but the counter says ${counter[0]}: it does not exclude`);
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
