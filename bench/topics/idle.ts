/** What threads cost while they wait, and nothing happens. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Event, Lock } from 'lockwork';
import { within } from '../harness/claims.ts';
import { path } from '../harness/files.ts';
import { PATIENCE } from '../harness/rival.ts';
import { type Contender, contender, type Part } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';

/** One thread's view of what never comes. */
interface Wait {
  begin(): void;
  /** How many threads have begun. */
  waiting(): number;
}

export const THREADS = 64;

/** How long most of lockwork's threads sleep before they look around (ms). */
const NAP = 2200;
/** How many windows of the harness one is here: two naps. */
const WINDOWS = 22;

const AGAIN = `Atomics.wait, ${NAP / 1000} s again and again`;

export const CONTENDERS: Contender<Wait>[] = [
  atomics('Atomics.wait'),
  atomics(AGAIN, NAP),
  primitives('one Lock', () => [held()], acquire),
  primitives('a Lock each', () => Array.from({ length: THREADS }, held), acquire),
  primitives(
    'one Event',
    () => [new Event()],
    (event) => event.wait(),
  ),
];

export const idle: Topic = {
  name: 'idle',
  title: `${THREADS} threads that wait for ever: ns of processor time in each second; 10 ms are 1 % of a core`,
  baseline: AGAIN,
  claims: CONTENDERS.filter(({ ours }) => ours).map(({ name }) =>
    within(5, name, `What ${THREADS} threads at ${name} take of each second, 0.5 % of a core`),
  ),
  part: 1 / 6,
  long: true,
  open: () => ({
    rivals: CONTENDERS.map(({ name, ours }) => ({
      name,
      ours,
      async measure(window) {
        const ms = window * WINDOWS;
        const args = [...process.execArgv, path('bench/topics/sleepers.ts'), name, `${ms}`];
        const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: ms + 2 * PATIENCE });
        return { ns: Number(stdout) };
      },
    })),
  }),
};

export const part: Part = (name, shared, side) => {
  const { begin } = CONTENDERS.find((contender) => contender.name === name)!.use(shared, side);
  return () => {
    // One after the other, so that they do not wake up together.
    pause((side * NAP) / THREADS);
    begin();
    return 0;
  };
};

/** Blocks the thread (ms). */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** @param timeout after which a thread waits anew (ms) */
function atomics(name: string, timeout?: number): Contender<Wait> {
  return contender(
    name,
    false,
    () => new Int32Array(new SharedArrayBuffer(8)),
    (words) => ({
      begin() {
        Atomics.add(words, 1, 1);
        while (Atomics.wait(words, 0, 0, timeout) === 'timed-out');
      },
      waiting: () => Atomics.load(words, 1),
    }),
  );
}

/** One for all threads, or one for each. */
function primitives<P extends Lock | Event>(name: string, share: () => P[], wait: (it: P) => unknown) {
  return contender(
    name,
    true,
    share,
    (them, side): Wait => ({
      begin: () => void wait(them[side % them.length]!),
      waiting: () => them.reduce((sum, { waiters }) => sum + waiters, 0),
    }),
  );
}

function acquire(lock: Lock): void {
  lock.acquire();
}

function held(): Lock {
  const lock = new Lock();
  acquire(lock);
  return lock;
}
