/** How long it takes until another thread goes on: two threads that let each other go on in turns. */
import { Arena, Barrier, Condition, Event, Semaphore } from 'lockwork';
import { atLeast, atMost, type Claim } from './claims.ts';
import { copy, type Sample, type Topic } from './measure.ts';
import { instantiate, makeMemory } from './rivals.ts';
import { type Contender, type Control, contender, Threads, type Trial } from './threads.ts';

/** One side's view of a ball. */
export interface Ball {
  /** Gives it to the other side. */
  pass(): void;
  /** Waits until it is here. */
  take(): void;
}

const RAW = 'wait32 + notify in wasm';
const GLIBC = "glibc's semaphores";
const PYTHON = "Python's Events";
const SLEEPS = 'sleeps';

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
  // Both sides arrive twice in a round: whoever comes first waits for the other.
  contender(
    'Barrier(2)',
    true,
    () => new Barrier(2),
    (barrier) => ({ pass: () => barrier.wait(), take: () => barrier.wait() }),
  ),
];

/** How long who has the ball keeps it (ms), so that the other side is surely asleep. */
export const PAUSE = 0.1;

/** The slowest counts. */
const ours = CONTENDERS.filter(({ ours }) => ours).map(({ name }) => name);

const AWAKE: Claim[] = [
  atMost(0.3, {
    ours,
    theirs: GLIBC,
    text: "A handoff takes at most 0.3 times as long as with glibc's semaphores, through the kernel",
  }),
  atLeast(5, { ours, theirs: PYTHON, text: "A handoff is at least 5 times as fast as with Python's Events" }),
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
    columns: [{ name: SLEEPS, note: 'of both threads, for each handoff', show: (sleeps) => sleeps.toFixed(2) }],
    claims: pause ? ASLEEP : AWAKE,
    outsiders: [
      { name: "V8's Atomics.Condition", program: 'V8 with --harmony-struct', task: `handoff ${pause}` },
      { name: GLIBC, program: 'glibc pthreads', task: `handoff ${pause}` },
      ...(pause ? [] : [{ name: PYTHON, program: 'Python threading', task: 'handoff' } as const]),
    ],
    open() {
      const pair = new Threads(2);
      return {
        rivals: CONTENDERS.map(({ name: contender, ours, share }) => {
          const shared = share();
          return {
            name: contender,
            ours,
            measure: (window) => handoffs(pair, { topic: name, name: contender, shared }, window, pause),
          };
        }),
        close: () => pair.close(),
      };
    },
  };
}

/** Of a pair of threads, of which the first counts. */
export async function handoffs(pair: Threads, trial: Trial, window: number, pause: number): Promise<Sample> {
  const before = process.resourceUsage().voluntaryContextSwitches;
  const [first] = await pair.run(trial, window);
  const { milliseconds, operations } = first!;
  const sleeps = process.resourceUsage().voluntaryContextSwitches - before;
  return { ns: (milliseconds / operations - pause) * 1e6, more: { [SLEEPS]: sleeps / operations } };
}

/** A thread's part. Side 0 has the ball at first, and says before its last pass that it is the last. */
export function bounce(name: string, shared: unknown, side: number, control: Control, slow: boolean): () => number {
  return play(CONTENDERS.find((contender) => contender.name === name)!.use(shared, side), side, control, slow);
}

export function play(ball: Ball, side: number, control: Control, slow: boolean): () => number {
  return copy(side === 0 ? serve : answer)(slow ? slowed(ball) : ball, control.stop, control.over);
}

function slowed({ pass, take }: Ball): Ball {
  return {
    pass() {
      const until = performance.now() + PAUSE;
      while (performance.now() < until);
      pass();
    },
    take,
  };
}

const serve = (ball: Ball, stop: Int32Array, over: Int32Array) => () => {
  let handoffs = 0;
  do {
    if (Atomics.load(stop, 0)) Atomics.store(over, 0, 1);
    ball.pass();
    ball.take();
    handoffs += 2;
  } while (!Atomics.load(over, 0));
  return handoffs;
};

const answer = (ball: Ball, _stop: Int32Array, over: Int32Array) => () => {
  let handoffs = 0;
  let last: number;
  do {
    ball.take();
    // Between the two: until it has the ball back, the other side cannot say so.
    last = Atomics.load(over, 0);
    ball.pass();
    handoffs += 2;
  } while (!last);
  return handoffs;
};
