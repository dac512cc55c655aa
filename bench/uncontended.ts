/** What one thread pays for a lock that nobody else wants. */
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { Bench } from 'tinybench';
import { atLeast, atMost, type Claim } from './claims.ts';
import { copy, type Rival, type Topic } from './measure.ts';
import { ATOMICS, AtomicsMutex, FUTEX, FutexMutex, instantiate, makeMemory } from './rivals.ts';

/** Operations in one call of tinybench's: many, so that its own work does not count; and few, so that the calls are
 * many and V8 optimizes what they call (it never replaces a wasm function while that runs). */
export const BATCH = 1000;

const FLOOR = 'compare-exchange + exchange in wasm';
const V8 = "V8's Atomics.Mutex";
const PYTHON = "Python's Lock";
const MUTEX = "multithreading's Mutex";
const SEMAPHORE = "multithreading's Semaphore";
const THEIR_BARRIER = "multithreading's Barrier(1)";
const BARRIER = 'Barrier(1).wait';
const WAIT = 'Event.wait, set';
const LOOK = 'Event.isSet';

const floors = (bound: number, ours: string): Claim =>
  atMost(bound, { ours, theirs: FLOOR, text: `${ours} takes at most ${bound.toFixed(1)} times the floor` });

export const uncontended: Topic = {
  name: 'uncontended',
  title: 'One thread, nobody else: ns for acquire and release, or for the call named',
  baseline: FLOOR,
  claims: [
    floors(1.7, 'Lock'),
    atLeast(2.5, { ours: 'Lock', theirs: ATOMICS }),
    atLeast(8, { ours: 'Lock', theirs: V8 }),
    atLeast(10, { ours: 'Lock', theirs: PYTHON }),
    floors(2.2, 'RLock'),
    floors(2.2, 'Semaphore'),
    floors(1, WAIT),
    floors(1, LOOK),
    atLeast(20, { ours: 'Lock', theirs: MUTEX }),
    atLeast(20, { ours: 'Semaphore', theirs: SEMAPHORE }),
    atLeast(20, { ours: BARRIER, theirs: THEIR_BARRIER }),
  ],
  outsiders: [
    { name: V8, program: 'V8 with --harmony-struct', task: 'uncontended' },
    { name: "glibc's pthread_mutex", program: 'glibc pthreads', task: 'uncontended' },
    { name: PYTHON, program: 'Python threading', task: 'lock' },
    { name: "Python's RLock", program: 'Python threading', task: 'rlock' },
    { name: "Python's Semaphore", program: 'Python threading', task: 'semaphore' },
    { name: MUTEX, program: 'multithreading', task: 'mutex' },
    { name: SEMAPHORE, program: 'multithreading', task: 'semaphore' },
    { name: THEIR_BARRIER, program: 'multithreading', task: 'barrier' },
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
        rival(FUTEX, false, pairs(new FutexMutex(makeMemory()))),
        rival(ATOMICS, false, pairs(new AtomicsMutex(new Int32Array(new SharedArrayBuffer(4))))),
        rival('Lock', true, pairs(new Lock())),
        rival('RLock', true, pairs(new RLock())),
        rival('RLock, re-entered', true, pairs(reentered)),
        rival('Semaphore', true, pairs(new Semaphore())),
        rival('BoundedSemaphore', true, pairs(new BoundedSemaphore())),
        rival("Condition's RLock", true, pairs(new Condition())),
        rival("Condition's Lock", true, pairs(new Condition(new Lock()))),
        rival(WAIT, true, copy(waits)(set, BATCH)),
        rival(LOOK, true, copy(looks)(set, BATCH)),
        rival('Event.set + clear', true, copy(sets)(new Event(), BATCH)),
        rival(BARRIER, true, copy(waits)(new Barrier(1), BATCH)),
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
