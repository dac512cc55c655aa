/**
 * Eleven classic bugs of synchronization, each in a primitive of a few lines (fixtures/), and a race; and what the checker
 * must say. The same programs without the bug must hold.
 *
 * Nothing here knows Node: examples/page/scheduler/ shows them in a page.
 */

import type { Fault } from './counterexample.ts';
import { decode } from './decode.ts';
import { Interpreter } from './interpret.ts';
import { after, before, call, forever, once, use } from './scenario.ts';
import type { Monitor, System } from './system.ts';
import { Objection, type Program, Threads } from './thread.ts';
import type { Names } from './trace.ts';

export interface Fixture {
  readonly file: string;
  /** What is wrong with the fixture when its constant BUG has this value, and how that may show. */
  readonly bugs: readonly { readonly bug: number; readonly name: string; readonly faults: readonly Fault[] }[];
  readonly programs: readonly Program[];
  /** Names of the words of memory, by address. */
  readonly words: Readonly<Record<number, string>>;
  /** What is in memory before the first step, by address. */
  readonly begins?: Readonly<Record<number, number>>;
  readonly monitor?: Monitor<number>;
  /** What must hold in every state; answers what is wrong. */
  readonly invariant?: System['invariant'];
  /** Plain accesses are what the fixture is about. */
  readonly mayRace?: boolean;
  /** Whether it is in order that a thread waits for ever: one that nobody has notified. */
  readonly mayStarve?: boolean;
}

/* Memory: the primitive, the threads' waiters, the data that it protects. */
const CELL = 64;
const ME = [128, 192, 256] as const;
const DATA = 512;
/** Of fixtures/queue.ts. */
const QUEUE = {
  [CELL]: 'guard',
  [CELL + 4]: 'permits',
  [CELL + 8]: 'length',
  [CELL + 12]: 'first',
  [CELL + 16]: 'second',
  [CELL + 20]: 'third',
  [ME[0]]: 'waiter of T1',
  [ME[1]]: 'waiter of T2',
};
const SOON = 1_000_000n;
const NEVER = -1n;

const twice = <T>(program: T): readonly T[] => [program, program];

/** Notifications that have not arrived. */
const pending: Monitor<number> = {
  initial: 0,
  step(pending, thread, event) {
    if (typeof event === 'number') return pending + event;
    if (pending === 0) throw new Objection(`T${thread + 1} was woken, and nobody was notified`);
    return pending - 1;
  },
};

export const fixtures: readonly Fixture[] = [
  {
    file: 'seats',
    bugs: [{ bug: 1, name: 'a plain seats--', faults: ['monitor'] }],
    words: { [CELL]: 'lock', [CELL + 4]: 'seats', [ME[0]]: 'ticket of T1', [ME[1]]: 'ticket of T2' },
    begins: { [CELL + 4]: 2 },
    mayRace: true,
    invariant(view) {
      const [one, two] = [view.word(ME[0]), view.word(ME[1])];
      return one !== 0 && one === two ? `T1 and T2 have both sold seat ${one}` : undefined;
    },
    programs: ME.slice(0, 2).map((ticket) =>
      once(function* () {
        yield* call('sell', CELL, ticket);
      }),
    ),
  },
  {
    file: 'mutex',
    bugs: [
      { bug: 1, name: 'release without waking', faults: ['deadlock'] },
      { bug: 2, name: 'a plain store where an atomic is needed', faults: ['race'] },
    ],
    words: { [CELL]: 'lock', [DATA]: 'data' },
    programs: twice(
      forever(function* () {
        yield* call('acquire', CELL);
        yield* use(DATA);
        yield* call('release', CELL);
      }),
    ),
  },
  {
    file: 'event',
    bugs: [
      { bug: 1, name: 'check-then-wait', faults: ['deadlock'] },
      { bug: 2, name: 'set that wakes only one', faults: ['deadlock'] },
    ],
    words: { [CELL]: 'flag', [CELL + 4]: 'count of sets' },
    programs: [
      ...twice(
        once(function* () {
          yield* call('wait', CELL);
        }),
      ),
      once(function* () {
        yield* call('set', CELL);
      }),
    ],
  },
  {
    file: 'semaphore',
    bugs: [{ bug: 1, name: 'a cancelled waiter that swallows a wake', faults: ['deadlock'] }],
    words: { [CELL]: 'permits' },
    programs: [
      once(function* () {
        if (yield* call('acquire', CELL, SOON)) yield* call('release', CELL);
      }),
      once(function* () {
        yield* call('acquire', CELL, NEVER);
      }),
      once(function* () {
        yield* call('release', CELL);
      }),
    ],
  },
  {
    file: 'queue',
    bugs: [
      { bug: 1, name: 'guard word not released on one path', faults: ['starvation'] },
      { bug: 2, name: 'timeout racing with a grant that loses ownership', faults: ['deadlock'] },
      { bug: 3, name: 'wake after free', faults: ['race'] },
    ],
    words: QUEUE,
    programs: [
      ...[SOON, NEVER].map((timeout, t) =>
        once(function* () {
          const me = ME[t]!;
          if (!(yield* call('acquire', CELL, me, timeout))) return;
          // The waiter's memory is its owner's again, which may use it for anything.
          yield* use(me);
          yield* call('release', CELL);
        }),
      ),
      once(function* () {
        yield* call('release', CELL);
      }),
    ],
  },
  {
    file: 'queue',
    bugs: [
      { bug: 4, name: 'notify that wakes one too many', faults: ['monitor'] },
      { bug: 5, name: 'notify that wakes one too few', faults: ['deadlock', 'starvation'] },
    ],
    words: QUEUE,
    monitor: pending,
    mayStarve: true,
    programs: [
      ...twice(0).map((_, t) =>
        once(function* () {
          yield* call('wait', CELL, ME[t]!);
          yield after('woken');
        }),
      ),
      once(function* () {
        yield { kind: 'until', address: CELL + 8, holds: (length) => length === 2 };
        yield before(1);
        yield* call('notify', CELL, 1);
      }),
    ],
  },
  {
    file: 'barrier',
    bugs: [{ bug: 1, name: 'barrier generation not advanced', faults: ['deadlock'] }],
    words: { [CELL]: 'arrived', [CELL + 4]: 'generation' },
    programs: twice(
      once(function* () {
        yield* call('wait', CELL, 2);
        yield* call('wait', CELL, 2);
      }),
    ),
  },
];

/** What is checked of a fixture that was compiled. */
export function systemOf(fixture: Fixture, bytes: Uint8Array): System {
  const { programs, monitor, invariant, mayRace, mayStarve, begins = {} } = fixture;
  const memory = new Uint8Array(65536);
  const view = new DataView(memory.buffer);
  for (const [address, value] of Object.entries(begins)) view.setInt32(Number(address), value, true);
  return {
    threads: new Threads(new Interpreter(decode(bytes)), { clock: [0], grow: [-1], pages: 1, deaths: false }),
    programs,
    memory,
    monitor,
    invariant,
    mayRace,
    // The fixtures' guard word is a spinlock.
    spins: true,
    mayStarve: (_thread, view) => mayStarve === true && view.monitor() === 0,
  };
}

/** Names for what is in a fixture's memory. A word that holds an address has the name of what is there. */
export function namesOf({ words }: Fixture): Names {
  return {
    nameOf: (address) => words[address] ?? String(address),
    valueOf: (value) => (Number(value) < CELL ? String(value) : (words[Number(value)] ?? String(value))),
  };
}
