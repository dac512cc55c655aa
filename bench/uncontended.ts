/** What one thread pays for a lock that nobody else wants. */
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { Bench } from 'tinybench';
import { copy, type Rival, type Topic } from './measure.ts';
import { AtomicsMutex, FutexMutex, instantiate, makeMemory } from './rivals.ts';

/** Operations in one call of tinybench's: many, so that its own work does not count; and few, so that the calls are
 * many and V8 optimizes what they call (it never replaces a wasm function while that runs). */
export const BATCH = 1000;

const FLOOR = 'compare-exchange + exchange in wasm';
const ATOMICS = 'mutex on Atomics';
const V8 = "V8's Atomics.Mutex";
const PYTHON = "Python's Lock";
const MUTEX = "multithreading's Mutex";
const SEMAPHORE = "multithreading's Semaphore";
const BARRIER = "multithreading's Barrier(1)";

export const uncontended: Topic = {
  name: 'uncontended',
  title: 'One thread, nobody else: ns for acquire and release, or for the call named',
  baseline: FLOOR,
  claims: [
    {
      text: 'Lock takes at most 2.0 times the floor',
      ratio: (median) => median('Lock') / median(FLOOR),
      holds: (ratio) => ratio <= 2,
    },
    {
      text: 'Lock is at least 2 times as fast as the mutex on Atomics',
      ratio: (median) => median(ATOMICS) / median('Lock'),
      holds: (ratio) => ratio >= 2,
    },
    {
      text: "Lock is at least 8 times as fast as V8's Atomics.Mutex",
      ratio: (median) => median(V8) / median('Lock'),
      holds: (ratio) => ratio >= 8,
    },
    {
      text: "Lock is at least 10 times as fast as Python's",
      ratio: (median) => median(PYTHON) / median('Lock'),
      holds: (ratio) => ratio >= 10,
    },
    {
      text: 'Lock and Semaphore are at least 20 times as fast as those of multithreading',
      ratio: (median) => Math.min(median(MUTEX) / median('Lock'), median(SEMAPHORE) / median('Semaphore')),
      holds: (ratio) => ratio >= 20,
    },
    {
      text: 'Barrier(1) is at least 20 times as fast as that of multithreading',
      ratio: (median) => median(BARRIER) / median('Barrier(1).wait'),
      holds: (ratio) => ratio >= 20,
    },
  ],
  outsiders: [
    { name: V8, program: 'V8 with --harmony-struct', task: 'uncontended' },
    { name: "glibc's pthread_mutex", program: 'glibc pthreads', task: 'uncontended' },
    { name: PYTHON, program: 'Python threading', task: 'lock' },
    { name: "Python's RLock", program: 'Python threading', task: 'rlock' },
    { name: "Python's Semaphore", program: 'Python threading', task: 'semaphore' },
    { name: MUTEX, program: 'multithreading', task: 'mutex' },
    { name: SEMAPHORE, program: 'multithreading', task: 'semaphore' },
    { name: BARRIER, program: 'multithreading', task: 'barrier' },
  ],
  open() {
    const { floor } = instantiate(makeMemory());
    const reentered = new RLock();
    reentered.acquire();
    const set = new Event();
    set.set();
    return {
      rivals: [
        rival(FLOOR, false, () => floor(0, BATCH)),
        rival('futex mutex in wasm', false, pairs(new FutexMutex(makeMemory()))),
        rival(ATOMICS, false, pairs(new AtomicsMutex(new Int32Array(new SharedArrayBuffer(4))))),
        rival('Lock', true, pairs(new Lock())),
        rival('RLock', true, pairs(new RLock())),
        rival('RLock, re-entered', true, pairs(reentered)),
        rival('Semaphore', true, pairs(new Semaphore())),
        rival('BoundedSemaphore', true, pairs(new BoundedSemaphore())),
        rival("Condition's RLock", true, pairs(new Condition())),
        rival("Condition's Lock", true, pairs(new Condition(new Lock()))),
        rival('Event.wait, set', true, copy(waits)(set, BATCH)),
        rival('Event.isSet', true, copy(looks)(set, BATCH)),
        rival('Event.set + clear', true, copy(sets)(new Event(), BATCH)),
        rival('Barrier(1).wait', true, copy(waits)(new Barrier(1), BATCH)),
      ],
    };
  },
};

export function rival(name: string, ours: boolean, batch: () => void): Rival {
  return {
    name,
    ours,
    measure(window) {
      const bench = new Bench({ time: window, iterations: 1, warmup: false, throws: true });
      bench.add(name, batch).runSync();
      const { result } = bench.tasks[0]!;
      if (result.state !== 'completed') throw new Error(`${name}: tinybench ${result.state}`);
      // A page's clock ticks less often than batches begin; the mean evens that out.
      const { p50, mean } = result.latency;
      return { ns: ((typeof process === 'undefined' ? mean : p50) * 1e6) / BATCH };
    },
  };
}

function pairs(lock: { acquire(): unknown; release(): void }): () => void {
  return copy((it: typeof lock, times: number) => () => {
    for (let i = 0; i < times; i++) {
      it.acquire();
      it.release();
    }
  })(lock, BATCH);
}

const waits = (it: { wait(): unknown }, times: number) => () => {
  for (let i = 0; i < times; i++) it.wait();
};

const looks = (it: Event, times: number) => () => {
  for (let i = 0; i < times; i++) if (!it.isSet) throw new Error('the event is not set');
};

const sets = (it: Event, times: number) => () => {
  for (let i = 0; i < times; i++) {
    it.set();
    it.clear();
  }
};
