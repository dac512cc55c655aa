/** npm `multithreading`, in a process of its own: it replaces globals, and only threads of its own get its locks. */
import { readFileSync } from 'node:fs';
import { Barrier, initRuntime, Mutex, move, Semaphore, spawn } from 'multithreading';
import { tally } from '../harness/counting.ts';
import { crowd, type Enter } from '../harness/crowd.ts';
import { path } from '../harness/files.ts';
import { awaiting, BATCH, blocking } from '../harness/loops.ts';
import { serve } from '../harness/serve.ts';
import { type Report, SETTLING } from '../harness/threads.ts';

/** What they count is at 0; the rest is as in `Control`, each in a cache line of its own. */
const PLACES = { ready: 16, stop: 32 };
type Words = Int32Array<SharedArrayBuffer>;

/**
 * A thread's part: of its tasks, if there are any. It is sent as text, so it sees its arguments only; the words come along
 * with the mutex.
 */
async function count(
  mutex: Mutex<Words>,
  semaphore: Semaphore | undefined,
  { ready, stop }: typeof PLACES,
  settling: number,
  tasks: number,
): Promise<Report> {
  const guard = mutex.blockingLock();
  const words = guard.value;
  guard.dispose();
  const until = performance.now() + settling;
  while (performance.now() < until);
  if (Atomics.add(words, ready, 1)) Atomics.notify(words, ready);
  else Atomics.wait(words, ready, 1);
  const start = performance.now();
  let operations = 0;
  const block = () => {
    do {
      for (let i = 0; i < 100; i++) {
        const held = semaphore ? semaphore.blockingAcquire() : mutex.blockingLock();
        words[0]!++;
        held.dispose();
      }
      operations += 100;
    } while (!Atomics.load(words, stop));
  };
  const wait = async () => {
    do {
      const held = await (semaphore ? semaphore.acquire() : mutex.lock());
      words[0]!++;
      held.dispose();
      operations++;
    } while (!Atomics.load(words, stop));
  };
  if (tasks) await Promise.all(Array.from({ length: tasks }, wait));
  else block();
  return { operations, milliseconds: performance.now() - start };
}

/** Two threads, of so many tasks each. */
function together(name: string, semaphore?: Semaphore) {
  const words = new Int32Array(new SharedArrayBuffer(256));
  const mutex = new Mutex(words);
  return async (window: number, tasks: number) => {
    words.fill(0);
    const threads = [0, 1].map(() => spawn(move(mutex, semaphore, PLACES, SETTLING, tasks), count));
    setTimeout(() => Atomics.store(words, PLACES.stop, 1), SETTLING + window);
    const results = await Promise.all(threads.map((thread) => thread.join()));
    const reports = results.map((result) => {
      if (!result.ok) throw result.error;
      return result.value;
    });
    return tally(name, reports, words[0]!);
  };
}

const mutex = new Mutex();
const semaphore = new Semaphore(1);
const barrier = new Barrier(1);

const locks = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++) (await mutex.lock()).dispose();
};
const acquires = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++) (await semaphore.acquire()).dispose();
};
const waits = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++) await barrier.wait();
};

initRuntime({ maxWorkers: 2 });
const { version } = JSON.parse(readFileSync(path('node_modules/multithreading/package.json'), 'utf8'));
await serve(
  { version },
  {
    mutex: blocking('', false, () => {
      for (let i = 0; i < BATCH; i++) mutex.blockingLock().dispose();
    }).measure,
    semaphore: blocking('', false, () => {
      for (let i = 0; i < BATCH; i++) semaphore.blockingAcquire().dispose();
    }).measure,
    barrier: blocking('', false, () => {
      for (let i = 0; i < BATCH; i++) barrier.blockingWait();
    }).measure,
    asyncMutex: (window, tasks) => awaiting('', false, locks, tasks).measure(window),
    asyncSemaphore: (window, tasks) => awaiting('', false, acquires, tasks).measure(window),
    asyncBarrier: (window, tasks) => awaiting('', false, waits, tasks).measure(window),
    permits(window, tasks, places) {
      const semaphore = new Semaphore(places!);
      const enter: Enter = async (inside) => {
        const permit = await semaphore.acquire();
        await inside();
        permit.dispose();
      };
      return crowd('', false, enter, tasks!, places!).measure(window);
    },
    togetherMutex: together("multithreading's Mutex"),
    togetherSemaphore: together("multithreading's Semaphore", new Semaphore(1)),
  },
);
