/** What one thread pays for a lock that nobody else wants. */
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { atLeast, atMost, type Claim } from '../harness/claims.ts';
import { BATCH, blocking } from '../harness/loops.ts';
import { copy } from '../harness/rival.ts';
import type { Topic } from '../harness/topic.ts';
import { ATOMICS, AtomicsMutex } from '../rivals/atomics.ts';
import { GLIBC, MULTITHREADING, PYTHON, V8 } from '../rivals/programs.ts';
import { FLOOR, FUTEX, FutexMutex, instantiate, makeMemory } from '../rivals/wasm.ts';

const V8_MUTEX = "V8's Atomics.Mutex";
const PYTHON_LOCK = "Python's Lock";
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
    atLeast(8, { ours: 'Lock', theirs: V8_MUTEX }),
    atLeast(10, { ours: 'Lock', theirs: PYTHON_LOCK }),
    floors(2.2, 'RLock'),
    floors(2.2, 'Semaphore'),
    floors(1, WAIT),
    floors(1, LOOK),
    atLeast(20, { ours: 'Lock', theirs: MUTEX }),
    atLeast(20, { ours: 'Semaphore', theirs: SEMAPHORE }),
    atLeast(20, { ours: BARRIER, theirs: THEIR_BARRIER }),
  ],
  outsiders: [
    { name: V8_MUTEX, program: V8, task: 'uncontended' },
    { name: "glibc's pthread_mutex", program: GLIBC, task: 'uncontended' },
    { name: PYTHON_LOCK, program: PYTHON, task: 'lock' },
    { name: "Python's RLock", program: PYTHON, task: 'rlock' },
    { name: "Python's Semaphore", program: PYTHON, task: 'semaphore' },
    { name: MUTEX, program: MULTITHREADING, task: 'mutex' },
    { name: SEMAPHORE, program: MULTITHREADING, task: 'semaphore' },
    { name: THEIR_BARRIER, program: MULTITHREADING, task: 'barrier' },
  ],
  open() {
    const { floor } = instantiate(makeMemory());
    const reentered = new RLock();
    reentered.acquire();
    const set = new Event();
    set.set();
    return {
      rivals: [
        blocking(FLOOR, false, () => floor(0, BATCH)),
        blocking(FUTEX, false, pairs(new FutexMutex(makeMemory()))),
        blocking(ATOMICS, false, pairs(new AtomicsMutex(new Int32Array(new SharedArrayBuffer(4))))),
        blocking('Lock', true, pairs(new Lock())),
        blocking('RLock', true, pairs(new RLock())),
        blocking('RLock, re-entered', true, pairs(reentered)),
        blocking('Semaphore', true, pairs(new Semaphore())),
        blocking('BoundedSemaphore', true, pairs(new BoundedSemaphore())),
        blocking("Condition's RLock", true, pairs(new Condition())),
        blocking("Condition's Lock", true, pairs(new Condition(new Lock()))),
        blocking(WAIT, true, copy(waits)(set, BATCH)),
        blocking(LOOK, true, copy(looks)(set, BATCH)),
        blocking('Event.set + clear', true, copy(sets)(new Event(), BATCH)),
        blocking(BARRIER, true, copy(waits)(new Barrier(1), BATCH)),
      ],
    };
  },
};

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
