/** The same primitives, of lockwork and of others: a program that is written once runs over each of these kits. */
import { Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';
import { ATOMICS, AtomicsBarrier, AtomicsCondition, AtomicsEvent, AtomicsMutex, AtomicsSemaphore } from './atomics.ts';
import { FUTEX, instantiate } from './wasm.ts';

export const BY_HAND = ATOMICS;
export const THEIRS = 'multithreading';

/** What a program shares: so many locks, conditions of the first of them, events; semaphores and barriers by their numbers. */
export interface Plan {
  locks?: number;
  conditions?: number;
  events?: number;
  semaphores?: number[];
  barriers?: number[];
}

/** What awaits is not in every kit, nor is every list. */
export interface Tools {
  locks: { acquire(): unknown; acquireAsync?(): Promise<unknown>; release(): void }[];
  conditions: { wait(): unknown; waitAsync?(): Promise<unknown>; notify(): void }[];
  events: { wait(): unknown; set(): void; clear(): void }[];
  semaphores: { acquire(): unknown; release(): void }[];
  barriers: { wait(): unknown }[];
}

export interface Kit {
  name: string;
  ours: boolean;
  share(plan: Plan): unknown;
  /** What a thread makes of it. */
  use(shared: unknown, plan: Plan): Tools | Promise<Tools>;
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

function filled(...words: number[]): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(4 * words.length);
  new Int32Array(buffer).set(words);
  return buffer;
}

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
    name: THEIRS,
    ours: false,
    // Its own threads get these by message, the bench's by the constructors; each with what is in it at first.
    share: (plan) => [
      numbers(plan.locks).map(() => filled(0)),
      numbers(plan.conditions).map(() => filled(0)),
      numbers(plan.semaphores).map((permits) => filled(permits, 0)),
      numbers(plan.barriers).map((parties) => filled(0, parties, parties, 0)),
    ],
    async use(shared) {
      // Not before, as it replaces globals of the thread.
      const { Barrier, Condvar, Mutex, Semaphore } = await import('multithreading');
      const [locks, conditions, semaphores, barriers] = shared as SharedArrayBuffer[][];
      const mutexes = locks!.map((buffer) => {
        const mutex = new Mutex(undefined, buffer);
        return {
          guard: undefined as ReturnType<typeof mutex.blockingLock> | undefined,
          acquire() {
            this.guard = mutex.blockingLock();
          },
          async acquireAsync() {
            this.guard = await mutex.lock();
          },
          release() {
            this.guard!.dispose();
          },
        };
      });
      return {
        locks: mutexes,
        conditions: conditions!.map((buffer) => {
          const condition = new Condvar(buffer);
          const lock = mutexes[0]!;
          return {
            wait: () => condition.blockingWait(lock.guard!),
            async waitAsync() {
              const guard = lock.guard!;
              await condition.wait(guard);
              // Other tasks have had theirs meanwhile.
              lock.guard = guard;
            },
            notify: () => condition.notifyOne(),
          };
        }),
        events: [],
        semaphores: semaphores!.map((buffer) => {
          const semaphore = new Semaphore(0, buffer);
          let permit: ReturnType<typeof semaphore.blockingAcquire>;
          return {
            acquire() {
              permit = semaphore.blockingAcquire();
            },
            release: () => permit.dispose(),
          };
        }),
        barriers: barriers!.map((buffer) => {
          const barrier = new Barrier(undefined, buffer);
          return { wait: () => barrier.blockingWait() };
        }),
      };
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
