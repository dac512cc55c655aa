/** What a lock that two threads want at once lets through. */
import { Lock, RLock, Semaphore } from 'lockwork';
import { atLeast } from '../harness/claims.ts';
import { counting, SHARE } from '../harness/counting.ts';
import { copy } from '../harness/rival.ts';
import { type Contender, contender, type Part } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';
import { ATOMICS, AtomicsMutex } from '../rivals/atomics.ts';
import { GLIBC, MULTITHREADING, V8 } from '../rivals/programs.ts';
import { FUTEX, FutexMutex, makeMemory } from '../rivals/wasm.ts';

export interface Holdable {
  acquire(): unknown;
  release(): void;
}

const MUTEX = "multithreading's Mutex";
const SEMAPHORE = "multithreading's Semaphore";

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
    { name: "V8's Atomics.Mutex", program: V8, task: 'contended' },
    { name: "glibc's pthread_mutex", program: GLIBC, task: 'contended' },
    { name: MUTEX, program: MULTITHREADING, task: 'togetherMutex 0' },
    { name: SEMAPHORE, program: MULTITHREADING, task: 'togetherSemaphore 0' },
  ],
  open: () => counting(import.meta.url, CONTENDERS),
};

/** Until the time is up. */
export const part: Part = (name, shared, side, { stop }) => {
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
};
