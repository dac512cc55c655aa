/** How long it takes to let many threads go on at once: until the last of them has. */
import { Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';
import { atMost } from '../harness/claims.ts';
import { quantile } from '../harness/statistics.ts';
import { type Contender, type Control, contender, type Part, Threads } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';
import { instantiate, makeMemory } from '../rivals/wasm.ts';

/** One thread's view of something that opens again and again. */
interface Gate {
  /** Waits until it opens the next time. */
  wait(): void;
  /** Lets all go on. */
  open(): void;
}

const COUNTS = [1, 4, 16, 64];

const RAW = 'wait32 + notify in wasm';
const LATE = 'the same, after unlocking';
const NOTIFY = 'Condition.notifyAll';
const EACH = 'each';

/** By what lets all go on. */
const gates = (waiters: number): Record<string, Contender<Gate>[]> => ({
  [NOTIFY]: [
    contender(RAW, false, shareSequence, (shared) => guarded(...sequence(shared), waiters, false)),
    contender(LATE, false, shareSequence, (shared) => guarded(...sequence(shared), waiters, true)),
    contender(
      'Condition',
      true,
      (): [Condition, Int32Array] => [new Condition(new Lock()), makeState()],
      ([condition, state]) => guarded(condition, state, waiters, false),
    ),
  ],
  'Event.set': [
    contender(RAW, false, makeMemory, (memory) => {
      const { eventWait, eventSet, eventClear } = instantiate(memory);
      const at = (word: number) => ({
        wait: () => eventWait(word),
        set: () => eventSet(word),
        clear: () => eventClear(word),
      });
      return alternating([at(0), at(64)]);
    }),
    contender('Event', true, () => [new Event(), new Event()], alternating),
  ],
  'Semaphore.release': [
    contender(RAW, false, makeMemory, (memory) => {
      const { semaphoreAcquire, semaphoreRelease } = instantiate(memory);
      const at = (word: number) => ({
        acquire: () => semaphoreAcquire(word),
        release: (permits: number) => semaphoreRelease(word, permits),
      });
      return permitting([at(0), at(64)], waiters);
    }),
    contender(
      'Semaphore',
      true,
      () => [new Semaphore(0), new Semaphore(0)],
      (semaphores) => permitting(semaphores, waiters),
    ),
  ],
  // Each lets the next one go on.
  'Lock.release': [
    contender(
      RAW,
      false,
      () => {
        const memory = makeMemory();
        instantiate(memory).lock(0);
        return memory;
      },
      (memory) => {
        const { lock, unlock } = instantiate(memory);
        const at = (word: number) => ({ acquire: () => lock(word), release: () => unlock(word) });
        return relaying([at(0), at(64)]);
      },
    ),
    contender(
      'Lock',
      true,
      () => {
        const locks = [new Lock(), new Lock()];
        locks[0]!.acquire();
        return locks;
      },
      relaying,
    ),
  ],
  // The opener is one of its parties.
  'Barrier.wait': [
    contender(RAW, false, makeMemory, (memory) => {
      const { barrierWait } = instantiate(memory);
      const wait = (): void => barrierWait(0, 64, waiters + 1);
      return { wait, open: wait };
    }),
    contender(
      'Barrier',
      true,
      () => new Barrier(waiters + 1),
      (barrier) => ({ wait: () => barrier.wait(), open: () => barrier.wait() }),
    ),
  ],
});

/** What a condition guards: how often it was opened, and how many have passed. */
const OPENED = 0;
const PASSED = 1;

function makeState(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64), 0, 2);
}

function shareSequence(): [WebAssembly.Memory, Int32Array] {
  return [makeMemory(), makeState()];
}

/** A condition over the futex mutex. */
function sequence([memory, state]: [WebAssembly.Memory, Int32Array]): [Parameters<typeof guarded>[0], Int32Array] {
  const { lock, unlock, conditionWait, conditionNotifyAll } = instantiate(memory);
  const condition = {
    acquire: () => lock(0),
    release: () => unlock(0),
    wait: () => conditionWait(0, 64),
    notifyAll: () => conditionNotifyAll(64),
  };
  return [condition, state];
}

/** @param late whether to notify when the lock is free again, which a `Condition` does not allow */
function guarded(
  condition: { acquire(): unknown; release(): void; wait(): unknown; notifyAll(): void },
  state: Int32Array,
  waiters: number,
  late: boolean,
): Gate {
  let round = 0;
  return {
    wait() {
      round++;
      condition.acquire();
      while (state[OPENED]! < round) condition.wait();
      state[PASSED]!++;
      condition.release();
    },
    open() {
      condition.acquire();
      if (state[PASSED] !== state[OPENED]! * waiters) throw new Error('an increment is lost: it does not exclude');
      state[OPENED]!++;
      if (!late) condition.notifyAll();
      condition.release();
      if (late) condition.notifyAll();
    },
  };
}

/** Of two events one is cleared when all have passed it and wait for the other. */
function alternating(events: { wait(): unknown; set(): void; clear(): void }[]): Gate {
  let round = 0;
  return {
    wait() {
      events[round++ % 2]!.wait();
    },
    open() {
      events[(round + 1) % 2]!.clear();
      events[round++ % 2]!.set();
    },
  };
}

/** Permits of two semaphores in turns: a thread that has taken one cannot take another in the same round. */
function permitting(semaphores: { acquire(): unknown; release(permits: number): void }[], waiters: number): Gate {
  let round = 0;
  return {
    wait() {
      semaphores[round++ % 2]!.acquire();
    },
    open() {
      semaphores[round++ % 2]!.release(waiters);
    },
  };
}

/** Of two locks the opener holds one, at which all wait, and takes the other before they come to that. */
function relaying(locks: { acquire(): unknown; release(): void }[]): Gate {
  let round = 0;
  return {
    wait() {
      const lock = locks[round++ % 2]!;
      lock.acquire();
      lock.release();
    },
    open() {
      locks[(round + 1) % 2]!.acquire();
      locks[round++ % 2]!.release();
    },
  };
}

/** How long nobody opens (ms), so that all waiters are surely asleep. */
const PAUSE = 0.3;

const label = (kind: string, waiters: number): string => `${kind}, ${waiters} waiting`;

export const herd: Topic = {
  name: 'herd',
  title:
    'Threads that sleep, and one that lets them go on: ns until the last one has, and held the lock if there is one',
  baseline: RAW,
  columns: [{ name: EACH, note: 'ns for each waiter', show: (ns) => ns.toFixed(0) }],
  claims: [
    atMost(0.7, {
      text: 'Condition takes at most 0.7 times as long as waking all at once',
      ours: 'Condition',
      theirs: RAW,
      groups: [label(NOTIFY, 16)],
    }),
  ],
  part: 1 / 4,
  open() {
    const threads = new Threads(import.meta.url, 1 + Math.max(...COUNTS));
    return {
      rivals: Object.keys(gates(0)).flatMap((kind) =>
        COUNTS.flatMap((waiters) =>
          gates(waiters)[kind]!.map(({ name, ours, share }) => {
            const group = label(kind, waiters);
            const times = new Float64Array(new SharedArrayBuffer(16));
            const shared: Shared = [kind, waiters, share(), new Int32Array(new SharedArrayBuffer(128)), times];
            return {
              name,
              group,
              ours,
              async measure(window: number) {
                const reports = await threads.run({ name, variant: group, shared }, window, waiters + 1);
                const rounds = reports[0]!.operations;
                if (!reports.every(({ operations }) => operations === rounds)) {
                  throw new Error(`${group}, ${name}: it opened ${rounds} times, and not all have passed as often`);
                }
                const ns = times[MEDIAN]!;
                return { ns, more: { [EACH]: ns / waiters } };
              },
            };
          }),
        ),
      ),
      close: () => threads.close(),
    };
  },
};

type Shared = [kind: string, waiters: number, what: unknown, words: Int32Array, times: Float64Array];

/** Words, in a cache line each: how many have passed; whether the last one has. */
const COUNT = 0;
const LAST = 16;

/** Times (ns): when the last one passed, by a clock that all threads have; from opening to that, of most rounds. */
const END = 0;
const MEDIAN = 1;

/** Side 0 opens, and says before the last time that it is the last. */
export const part: Part = (name, shared, side, control) => {
  const [kind, waiters, what, words, times] = shared as Shared;
  const gate = gates(waiters)
    [kind]!.find((contender) => contender.name === name)!
    .use(what, side);
  return side === 0 ? opening(gate, words, times, control) : passing(gate, waiters, words, times, control);
};

function opening(gate: Gate, words: Int32Array, times: Float64Array, { stop, over }: Control): () => number {
  return () => {
    const took: number[] = [];
    do {
      const until = performance.now() + PAUSE;
      while (performance.now() < until);
      if (Atomics.load(stop, 0)) Atomics.store(over, 0, 1);
      if (Atomics.load(words, COUNT)) throw new Error('somebody passed before it was opened');
      const start = now();
      gate.open();
      while (!Atomics.load(words, LAST)) Atomics.wait(words, LAST, 0);
      took.push(times[END]! - start);
      Atomics.store(words, COUNT, 0);
      Atomics.store(words, LAST, 0);
    } while (!Atomics.load(over, 0));
    times[MEDIAN] = quantile(took, 0.5);
    return took.length;
  };
}

function passing(gate: Gate, waiters: number, words: Int32Array, times: Float64Array, { over }: Control): () => number {
  return () => {
    let rounds = 0;
    let last: number;
    do {
      gate.wait();
      // Before the opener can go on to the next round.
      last = Atomics.load(over, 0);
      if (Atomics.add(words, COUNT, 1) + 1 === waiters) {
        times[END] = now();
        Atomics.store(words, LAST, 1);
        Atomics.notify(words, LAST);
      }
      rounds++;
    } while (!last);
    return rounds;
  };
}

function now(): number {
  return Number(process.hrtime.bigint());
}
