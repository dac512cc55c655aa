/** What a lock lets through that the tasks of two threads await: few can be awaited that other threads have, too. */
import { Lock, Semaphore } from 'lockwork';
import { atLeast } from './claims.ts';
import { counting, SHARE } from './contended.ts';
import { copy, type Topic } from './measure.ts';
import { AtomicsMutex } from './rivals.ts';
import { type Contender, type Control, contender } from './threads.ts';

/** In each thread. */
export const TASKS = 50;

const BASELINE = 'mutex on Atomics, awaited';
const THEIR_MUTEX = "multithreading's Mutex";
const THEIR_SEMAPHORE = "multithreading's Semaphore";

/** Counts once while nobody else does. */
type Turn = (counter: Int32Array) => Promise<unknown>;

const CONTENDERS: Contender<Turn>[] = [
  contender(
    BASELINE,
    false,
    () => new Int32Array(new SharedArrayBuffer(4)),
    (word) => pairs(new AtomicsMutex(word)),
  ),
  contender(
    'Web Locks',
    false,
    () => 'lockwork across',
    (name) => (counter) =>
      navigator.locks.request(name, () => {
        counter[0]!++;
      }),
  ),
  contender('Lock', true, () => new Lock(), pairs),
  contender('Semaphore', true, () => new Semaphore(), pairs),
];

export const across: Topic = {
  name: 'across',
  title: `${TASKS} tasks in each of two threads want the same: ns for each turn`,
  baseline: BASELINE,
  columns: [SHARE],
  claims: [
    atLeast(2, { ours: 'Lock', theirs: THEIR_MUTEX }),
    atLeast(2, { ours: 'Semaphore', theirs: THEIR_SEMAPHORE }),
  ],
  outsiders: [
    { name: THEIR_MUTEX, program: 'multithreading', task: 'acrossMutex' },
    { name: THEIR_SEMAPHORE, program: 'multithreading', task: 'acrossSemaphore' },
  ],
  open: () => counting('across', CONTENDERS),
};

function pairs(lock: { acquireAsync(): Promise<unknown>; release(): void }): Turn {
  return copy(
    (it: typeof lock): Turn =>
      async (counter) => {
        await it.acquireAsync();
        counter[0]!++;
        it.release();
      },
  )(lock);
}

/** A thread's part: until the time is up. */
export function gather(name: string, shared: unknown, side: number, { stop }: Control): () => Promise<number> {
  const [handle, counter] = shared as [unknown, Int32Array];
  const turn = CONTENDERS.find((contender) => contender.name === name)!.use(handle, side);
  let operations = 0;
  const task = async () => {
    do {
      await turn(counter);
      operations++;
    } while (!Atomics.load(stop, 0));
  };
  return async () => {
    operations = 0;
    await Promise.all(Array.from({ length: TASKS }, task));
    return operations;
  };
}
