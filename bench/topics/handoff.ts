/** How long it takes until another thread goes on: two threads that let each other go on in turns. */
import { Arena, Barrier, Condition, Event, Semaphore } from 'lockwork';
import { atLeast, atMost, type Claim } from '../harness/claims.ts';
import { type Contender, contender, type Part, Threads } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';
import { type Ball, handoffs, PAUSE, play, SLEPT } from '../harness/turns.ts';
import { GLIBC, PYTHON, V8 } from '../rivals/programs.ts';
import { instantiate, makeMemory } from '../rivals/wasm.ts';

const RAW = 'wait32 + notify in wasm';
const SEMAPHORES = "glibc's semaphores";
const EVENTS = "Python's Events";

const CONTENDERS: Contender<Ball>[] = [
  contender(RAW, false, makeMemory, (memory, side) => {
    const { pass, take } = instantiate(memory);
    const mine = side * 64;
    const theirs = 64 - mine;
    return { pass: () => pass(theirs), take: () => take(mine) };
  }),
  contender(
    'wait + notify of Atomics',
    false,
    () => new Int32Array(new SharedArrayBuffer(128)),
    (words, side) => {
      const mine = side * 16;
      const theirs = 16 - mine;
      return {
        pass() {
          Atomics.store(words, theirs, 1);
          Atomics.notify(words, theirs, 1);
        },
        take() {
          while (!Atomics.exchange(words, mine, 0)) Atomics.wait(words, mine, 0);
        },
      };
    },
  ),
  contender(
    'two Events',
    true,
    () => [new Event(), new Event()],
    (events, side) => {
      const mine = events[side]!;
      const theirs = events[1 - side]!;
      return {
        pass: () => theirs.set(),
        take() {
          mine.wait();
          mine.clear();
        },
      };
    },
  ),
  contender(
    'two Semaphores',
    true,
    () => [new Semaphore(0), new Semaphore(0)],
    (semaphores, side) => {
      const mine = semaphores[side]!;
      const theirs = semaphores[1 - side]!;
      return { pass: () => theirs.release(), take: () => mine.acquire() };
    },
  ),
  contender(
    'Condition',
    true,
    (): [Condition, Int32Array] => [new Condition(), Arena.default.allocate(Int32Array, 1)],
    ([condition, holder], side) => ({
      pass() {
        condition.acquire();
        holder[0] = 1 - side;
        condition.notify();
        condition.release();
      },
      take() {
        condition.acquire();
        while (holder[0] !== side) condition.wait();
        condition.release();
      },
    }),
  ),
  // Both sides arrive twice in a round: the first to come waits for the other.
  contender(
    'Barrier(2)',
    true,
    () => new Barrier(2),
    (barrier) => ({ pass: () => barrier.wait(), take: () => barrier.wait() }),
  ),
];

/** The slowest counts. */
const ours = CONTENDERS.filter(({ ours }) => ours).map(({ name }) => name);

const AWAKE: Claim[] = [
  atMost(0.3, {
    ours,
    theirs: SEMAPHORES,
    text: "A handoff takes at most 0.3 times as long as with glibc's semaphores, through the kernel",
  }),
  atLeast(5, { ours, theirs: EVENTS, text: "A handoff is at least 5 times as fast as with Python's Events" }),
];

const ASLEEP: Claim[] = [
  atMost(1.15, {
    ours,
    theirs: RAW,
    text: 'A handoff to a thread that sleeps takes at most 1.15 times as long as wait32 and notify alone',
  }),
];

export const handoff = topic('handoff', 'Two threads in turns: ns until the other one goes on', 0);
export const parked = topic('parked', `The same, to a thread that sleeps: it has waited for ${PAUSE} ms`, PAUSE);

function topic(name: string, title: string, pause: number): Topic {
  return {
    name,
    title,
    baseline: RAW,
    columns: [SLEPT],
    claims: pause ? ASLEEP : AWAKE,
    outsiders: [
      { name: "V8's Atomics.Condition", program: V8, task: `handoff ${pause}` },
      { name: SEMAPHORES, program: GLIBC, task: `handoff ${pause}` },
      ...(pause ? [] : [{ name: EVENTS, program: PYTHON, task: 'handoff' }]),
    ],
    open() {
      const pair = new Threads(import.meta.url, 2);
      return {
        rivals: CONTENDERS.map(({ name: contender, ours, share }) => {
          const shared = [share(), pause];
          return {
            name: contender,
            ours,
            measure: (window) => handoffs(pair, { name: contender, shared }, window, pause),
          };
        }),
        close: () => pair.close(),
      };
    },
  };
}

export const part: Part = (name, shared, side, control) => {
  const [what, pause] = shared as [unknown, number];
  const ball = CONTENDERS.find((contender) => contender.name === name)!.use(what, side);
  return play(ball, side, control, pause > 0);
};
