/** The same primitives, of lockwork and by hand: a program that is written once runs over each of these kits. */
import { Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';
import { ATOMICS, AtomicsBarrier, AtomicsCondition, AtomicsEvent, AtomicsMutex, AtomicsSemaphore } from './atomics.ts';
import { FUTEX, instantiate } from './wasm.ts';

/** What a program shares: so many locks, conditions of the first of them, events; semaphores and barriers by their numbers. */
export interface Plan {
  locks?: number;
  conditions?: number;
  events?: number;
  semaphores?: number[];
  barriers?: number[];
}

export interface Tools {
  locks: { acquire(): unknown; release(): void }[];
  conditions: { wait(): unknown; notify(): void }[];
  events: { wait(): unknown; set(): void; clear(): void }[];
  semaphores: { acquire(): unknown; release(): void }[];
  barriers: { wait(): unknown }[];
}

export interface Kit {
  name: string;
  ours: boolean;
  share(plan: Plan): unknown;
  /** What a thread makes of it. */
  use(shared: unknown, plan: Plan): Tools;
}

/** Bytes: each primitive has a cache line of its own. */
const LINE = 64;

const LISTS = ['locks', 'conditions', 'events', 'semaphores', 'barriers'] as const;

const numbers = (list: number | number[] | undefined): number[] =>
  typeof list === 'object' ? list : Array.from({ length: list ?? 0 }, () => 0);

/** A list of each kind; `make` gets the number of the cache line. */
function tools(plan: Plan, make: { [Kind in keyof Tools]: (line: number, argument: number) => Tools[Kind][number] }) {
  let line = 0;
  return Object.fromEntries(
    LISTS.map((kind) => [kind, numbers(plan[kind]).map((argument) => make[kind](line++, argument))]),
  ) as unknown as Tools;
}

function memory(plan: Plan): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new Int32Array(memory.buffer);
  // Permits are the only numbers that are there from the beginning.
  const first = LISTS.flatMap((kind) => numbers(plan[kind]).map((number) => (kind === 'semaphores' ? number : 0)));
  for (const [line, number] of first.entries()) words[(line * LINE) / 4] = number;
  return memory;
}

export const BY_HAND = ATOMICS;

export const KITS: Kit[] = [
  {
    name: BY_HAND,
    ours: false,
    share: memory,
    use(shared, plan) {
      const { buffer } = shared as WebAssembly.Memory;
      const words = (line: number) => new Int32Array(buffer, line * LINE, 2);
      const locks: AtomicsMutex[] = [];
      return tools(plan, {
        locks(line) {
          const lock = new AtomicsMutex(words(line));
          locks.push(lock);
          return lock;
        },
        conditions: (line) => new AtomicsCondition(locks[0]!, words(line)),
        events: (line) => new AtomicsEvent(words(line)),
        semaphores: (line) => new AtomicsSemaphore(words(line)),
        barriers: (line, parties) => new AtomicsBarrier(parties, words(line)),
      });
    },
  },
  {
    name: FUTEX,
    ours: false,
    share: memory,
    use(shared, plan) {
      const core = instantiate(shared as WebAssembly.Memory);
      return tools(plan, {
        locks: (line) => ({ acquire: () => core.lock(line * LINE), release: () => core.unlock(line * LINE) }),
        conditions: (line) => ({
          wait: () => core.conditionWait(0, line * LINE),
          notify: () => core.conditionNotify(line * LINE),
        }),
        events: (line) => ({
          wait: () => core.eventWait(line * LINE),
          set: () => core.eventSet(line * LINE),
          clear: () => core.eventClear(line * LINE),
        }),
        semaphores: (line) => ({
          acquire: () => core.semaphoreAcquire(line * LINE),
          release: () => core.semaphoreRelease(line * LINE, 1),
        }),
        barriers: (line, parties) => ({ wait: () => core.barrierWait(line * LINE, line * LINE + 4, parties) }),
      });
    },
  },
  {
    name: 'lockwork',
    ours: true,
    share(plan) {
      const locks: Lock[] = [];
      const made = tools(plan, {
        locks() {
          const lock = new Lock();
          locks.push(lock);
          return lock;
        },
        conditions: () => new Condition(locks[0]!),
        events: () => new Event(),
        semaphores: (_, permits) => new Semaphore(permits),
        barriers: (_, parties) => new Barrier(parties),
      });
      return LISTS.map((kind) => made[kind]);
    },
    use: (shared) => Object.fromEntries(LISTS.map((kind, i) => [kind, (shared as unknown[])[i]])) as unknown as Tools,
  },
];
