/** npm `multithreading`, in a process of its own: it replaces globals, and only threads of its own get its locks. */
import { readFileSync } from 'node:fs';
import { Barrier, initRuntime, Mutex, move, Semaphore, spawn } from 'multithreading';
import { tally } from '../contended.ts';
import { path } from '../rivals.ts';
import { TASKS, rival as tasks } from '../tasks.ts';
import type { Report } from '../threads.ts';
import { BATCH, rival } from '../uncontended.ts';
import { serve } from './serve.ts';

/** What they count is at 0; the rest is as in `Control`, each in a cache line of its own. */
const PLACES = { ready: 16, stop: 32 };
type Words = Int32Array<SharedArrayBuffer>;

/** A thread's part. It is sent as text, so it sees its arguments only; the words come along with the mutex. */
function contend(mutex: Mutex<Words>, semaphore: Semaphore | undefined, { ready, stop }: typeof PLACES): Report {
  const guard = mutex.blockingLock();
  const words = guard.value;
  guard.dispose();
  if (Atomics.add(words, ready, 1)) Atomics.notify(words, ready);
  else Atomics.wait(words, ready, 1);
  const start = performance.now();
  let operations = 0;
  do {
    for (let i = 0; i < 100; i++) {
      const held = semaphore ? semaphore.blockingAcquire() : mutex.blockingLock();
      words[0]!++;
      held.dispose();
    }
    operations += 100;
  } while (!Atomics.load(words, stop));
  return { operations, milliseconds: performance.now() - start };
}

function contended(name: string, semaphore?: Semaphore) {
  const words = new Int32Array(new SharedArrayBuffer(256));
  const mutex = new Mutex(words);
  return async (window: number) => {
    words.fill(0);
    const threads = [0, 1].map(() => spawn(move(mutex, semaphore, PLACES), contend));
    setTimeout(() => Atomics.store(words, PLACES.stop, 1), window);
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

const turns = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++) (await mutex.lock()).dispose();
};

initRuntime({ maxWorkers: 2 });
const { version } = JSON.parse(readFileSync(path('node_modules/multithreading/package.json'), 'utf8'));
await serve(version, {
  mutex: rival('', false, () => {
    for (let i = 0; i < BATCH; i++) mutex.blockingLock().dispose();
  }).measure,
  semaphore: rival('', false, () => {
    for (let i = 0; i < BATCH; i++) semaphore.blockingAcquire().dispose();
  }).measure,
  barrier: rival('', false, () => {
    for (let i = 0; i < BATCH; i++) barrier.blockingWait();
  }).measure,
  async: tasks('', false, turns, 1).measure,
  tasks: tasks('', false, turns, TASKS).measure,
  contendedMutex: contended("multithreading's Mutex"),
  contendedSemaphore: contended("multithreading's Semaphore", new Semaphore(1)),
});
