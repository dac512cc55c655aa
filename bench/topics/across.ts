/** What a lock lets through that the tasks of two threads await: few can be awaited that other threads have, too. */
import { Lock, Semaphore } from 'lockwork';
import { atLeast } from '../harness/claims.ts';
import { counting, SHARE } from '../harness/counting.ts';
import { copy } from '../harness/rival.ts';
import { type Contender, contender, type Part } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';
import { AtomicsMutex } from '../rivals/atomics.ts';
import { MULTITHREADING } from '../rivals/programs.ts';

/** In each thread. */
const TASKS = 50;

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
    { name: THEIR_MUTEX, program: MULTITHREADING, task: `togetherMutex ${TASKS}` },
    { name: THEIR_SEMAPHORE, program: MULTITHREADING, task: `togetherSemaphore ${TASKS}` },
  ],
  open: () => counting(import.meta.url, CONTENDERS),
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

/** Until the time is up. */
export const part: Part = (name, shared, side, { stop }) => {
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
};
