/** Which threads are asked whether they live, and when, and which are taken for dead: without other threads, on a clock that stands still. */
import { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, type Primitive, RLock, Semaphore } from 'lockwork';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ACTION,
  CELL_GENERATION,
  CELL_SIZE,
  CELL_VERDICT,
  CELL_WORD,
  HANDOFF,
  HEADER_REAPER,
  HOLD_CELL,
  HOLD_COUNT,
  KIND_FREE,
  KIND_HOLD,
  KIND_INFO,
  KIND_SPARE,
  KIND_TASK,
  KIND_THREAD,
  STATE_GRANTED,
  STATE_PARKED,
  STATE_WOKEN,
  STATUS_OVER_RELEASE,
  THREAD_ALIVE,
  THREAD_INFO,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  THREAD_TICKETS,
  UNIT,
  WITH_ACTION,
} from '../../assembly/abi.ts';
import type { Graveyard } from '../../bindings/reap.ts';
import type { Doomed as DoomedThread } from '../support/dead.ts';

/** Of the wall clock: in ms, and in its ticks. */
const TICK = 128;
let time = 0;
const to = (ticks: number): void => {
  time = ticks * TICK;
};

// It takes the clock while it loads, so nothing above may load it.
const { now } = Date;
Date.now = () => time;
const { addTicket, bury, FULL_SET, end, lookAround, reapAll, reapNumber, ticketsOf } = await import(
  '../../bindings/reap.ts'
);
Date.now = now;
const { Doomed, poke, refOf } = await import('../support/dead.ts');
const { plot } = await import('../support/plot.ts');

type Urgency = Parameters<typeof reapAll>[1];

const START = 1_000;
const LOOKS = 6;
const here = plot();

/** Platforms' numbers, of no thread of this process. */
const ENDED = 70_001;
const OTHER = 70_002;

beforeEach(() => {
  to(START);
  claim(START - LOOKS);
});

/** Who reaps, and since when. */
function claim(since: number, reaper = 0, count = 0): void {
  poke(here.ground, here.arena.address, HEADER_REAPER, reaper);
  poke(here.ground, here.arena.address, HEADER_REAPER + 4, (since << 8) | count);
}

const claimed = (): number[] => [0, 4].map((half) => here.ground.load(here.arena.address, HEADER_REAPER + half));

/** Nobody has looked for long. */
const rested = (): void => claim(time / TICK - LOOKS);

/** The arena as this thread sees it, and whom it asks: all of them live, if it is not said that none does. */
class Watch implements Graveyard {
  readonly base = here.ground.base;
  readonly id = here.ground.id;
  readonly core = here.ground.core;
  readonly thread = here.ground.thread;
  readonly cores = here.ground.cores;
  looked = 0;
  asked: number[] = [];
  /** How much of the map it has read, each time. */
  readonly read: boolean[] = [];
  alive = true;

  load(cell: number, field: number): number {
    return here.ground.load(cell, field);
  }

  blocks(all: boolean) {
    this.read.push(all);
    return here.ground.blocks(all);
  }

  notify(address: number, most?: number): number {
    expect(most).toBe(1);
    this.asked.push(address - THREAD_ALIVE);
    return Number(this.alive);
  }
}

/** One that changes a word right after this thread has read it, the first time. */
class Raced extends Watch {
  readonly #race: [cell: number, field: number, act: () => void][];

  constructor(cell: number, field: number, act: () => void) {
    super();
    this.#race = [[cell, field, act]];
  }

  override load(cell: number, field: number): number {
    const word = super.load(cell, field);
    const [race] = this.#race;
    if (race?.[0] === cell && race[1] === field) {
      this.#race.pop();
      race[2]();
    }
    return word;
  }
}

const doomed = (tickets: number = FULL_SET, number = 3): DoomedThread =>
  new Doomed(here.arena, { number }).tickets(tickets);
/** Without tickets, so that nobody asks. */
const waiter = (): DoomedThread => doomed(0);
const ticketsIn = ({ record }: DoomedThread): number => here.ground.load(record, THREAD_TICKETS);
const isBuried = ({ record }: DoomedThread): boolean => here.ground.kindAt(record) === KIND_SPARE;

const records = (threads: readonly DoomedThread[]): number[] => threads.map(({ record }) => record);

/** Whether a thread is asked, as somebody asks about all. */
function asks(thread: DoomedThread, urgency: Urgency): boolean {
  rested();
  const watch = new Watch();
  expect(reapAll(watch, urgency)).toBe(0);
  // Never this thread.
  expect([[], [thread.record]]).toContainEqual(watch.asked);
  return watch.asked.length > 0;
}

describe.each([
  ['at some time', START],
  ['as the ticks begin anew', 0xfffffe],
  ['when they have begun anew', 0x1000000 + START],
])('A thread is asked %s', (_when, start) => {
  it.each<[Urgency, number[]]>([
    ['wait', [0, 4, 8, 16, 32, 64, 128]],
    ['asked', [0, 0, 1, 2, 4, 8, 16, 32]],
    ['hint', [0, 0, 0, 0, 0, 0, 0, 0]],
  ])('for %s, each time later', (urgency, expected) => {
    const thread = doomed().tickets(FULL_SET, start);
    const delays: number[] = [];
    for (let tick = start, last = start; tick - last < 600; tick++) {
      to(tick);
      while (asks(thread, urgency)) {
        delays.push(tick - last);
        last = tick;
        expect(ticketsOf(here.ground, thread.record)).toBe(FULL_SET - delays.length);
      }
    }
    expect(delays).toEqual(expected);
  });

  it.each<[Urgency, tickets: number, next: number]>([
    ['wait', 8, 4],
    ['wait', 7, 8],
    ['wait', 2, 256],
    ['asked', 8, 0],
    ['asked', 7, 1],
    ['asked', 2, 32],
    ['asked', 1, 64],
    ['hint', 8, 0],
    ['hint', 1, 64],
  ])('for %s with %i tickets, and the next time after %i ticks', (urgency, tickets, next) => {
    const thread = doomed().tickets(tickets, start);
    // The whole tick is the same.
    time = start * TICK + TICK - 1;
    expect(reapAll(new Watch(), urgency)).toBe(0);
    expect(ticketsIn(thread)).toBe((((start + next) << 8) | (tickets - 1)) >>> 0);
  });

  it.each<[Urgency, tickets: number, left: number, boolean]>([
    ['wait', 8, 1, false],
    ['wait', 8, 4, false],
    ['wait', 7, 4, false],
    ['wait', 6, 8, false],
    ['wait', 2, 128, false],
    ['asked', 6, 1, false],
    ['asked', 1, 32, false],
    // Of another time of the clock.
    ['wait', 8, 5, true],
    ['wait', 7, 5, true],
    ['wait', 6, 9, true],
    ['wait', 2, 129, true],
    ['asked', 8, 1, true],
    ['asked', 7, 1, true],
    ['asked', 6, 2, true],
    ['asked', 1, 33, true],
    ['wait', 8, 1 << 23, true],
    // Its time has come.
    ['wait', 2, 0, true],
    ['wait', 2, -1, true],
    ['asked', 1, -1, true],
    // The last is for those that know more.
    ['wait', 1, 0, false],
    ['wait', 1, -1, false],
    ['asked', 1, 0, true],
    ['hint', 1, 0, true],
    ['hint', 1, 32, true],
    ['hint', 6, 1, true],
    // It has none: perhaps it computes.
    ['wait', 0, 0, false],
    ['asked', 0, 0, false],
    ['hint', 0, 0, false],
  ])('for %s with %i tickets, of which the next is due in %i ticks: %s', (urgency, tickets, left, expected) => {
    to(start);
    const thread = doomed(0).tickets(tickets, start + left);
    const before = ticketsIn(thread);
    expect(asks(thread, urgency)).toBe(expected);
    expect(ticketsIn(thread) & 0xff).toBe(tickets - Number(expected));
    if (!expected) expect(ticketsIn(thread)).toBe(before);
  });
});

it('A thread is not asked when another one took the ticket at the same moment', () => {
  const thread = doomed();
  const watch = new Raced(thread.record, THREAD_TICKETS, () => thread.tickets(FULL_SET - 1));
  expect([reapAll(watch, 'hint'), watch.asked, ticketsIn(thread)]).toEqual([0, [], FULL_SET - 1]);
});

it('A thread adds a ticket to what others have left it, at the same moment, too', () => {
  const thread = doomed().tickets(3, START);
  const left = () => thread.tickets(2, START + 9);
  const arena = Object.assign(new Raced(thread.record, THREAD_TICKETS, left), { thread: thread.record });
  for (const tickets of [3, 4, 5]) {
    addTicket(arena);
    expect(ticketsIn(thread)).toBe(((START + 9) << 8) | tickets);
  }
});

it('Each ticket of a new thread is counted before the next one: it may die in between', () => {
  const { waitAsync } = Atomics;
  const counted: number[] = [];
  const counting = (words: Int32Array, index: number, value: number) => {
    counted.push(Atomics.load(words, index + (THREAD_TICKETS - THREAD_ALIVE) / 4) & 0xff);
    return waitAsync(words, index, value);
  };
  Object.assign(Atomics, { waitAsync: counting });
  try {
    new Arena({ maximumBytes: 65_536 }).destroy();
  } finally {
    Object.assign(Atomics, { waitAsync });
  }
  expect(counted).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

describe.each<Urgency>(['wait', 'asked', 'hint'])('Of all threads, for %s', (urgency) => {
  it('those are dead that have tickets and do not answer', () => {
    const [dead, alive, other] = [doomed(), doomed(0), doomed()] as const;
    expect(reapAll(here.ground, urgency)).toBe(2);
    expect([dead, alive, other].map(isBuried)).toEqual([true, false, true]);
    rested();
    expect(reapAll(here.ground, urgency)).toBe(0);
    expect(here.ground.kindAt(here.ground.thread)).toBe(KIND_THREAD);
  });
});

/** Whom a look asks. */
function look(watch = new Watch()): number[] {
  rested();
  watch.asked = [];
  expect(lookAround(watch)).toBe(true);
  return watch.asked;
}

/** Somebody waits. */
const awaited = <T extends Primitive>(target: T, task = false): T => {
  waiter().wait(target, { task });
  return target;
};

/** This thread has it, or its only permit. */
const taken = <T extends Lock | RLock | Semaphore>(target: T): T => {
  expect(target.tryAcquire()).toBe(true);
  return target;
};

const LOCKS = { Lock: () => new Lock(here), RLock: () => new RLock(here) };
const SEMAPHORES = {
  Semaphore: (permits = 1) => new Semaphore(permits, here),
  BoundedSemaphore: (permits = 1) => new BoundedSemaphore(permits, here),
};
const RESOURCES = { ...LOCKS, ...SEMAPHORES };
const PRIMITIVES: Record<string, () => Primitive> = {
  ...LOCKS,
  Semaphore: () => taken(SEMAPHORES.Semaphore()),
  BoundedSemaphore: () => taken(SEMAPHORES.BoundedSemaphore()),
  Event: () => new Event(here),
  Barrier: () => new Barrier(99, here),
  'Condition over a Lock': () => new Condition(new Lock(here)),
  'Condition over an RLock': () => new Condition(new RLock(here)),
};
const WHO: [string, boolean][] = [
  ['as a thread', false],
  ['by a task', true],
];
const byBoth = <K extends string, M>(makes: Record<K, M>) =>
  (Object.entries(makes) as [K, M][]).flatMap(([kind, make]) =>
    WHO.map(([who, task]) => [kind, who, make, task] as const),
  );

/** What a suspect has that others may wait for. */
const DEPENDED: [string, (suspect: DoomedThread) => Primitive][] = [
  ...byBoth(LOCKS).map(([kind, who, make, task]): [string, (suspect: DoomedThread) => Primitive] => [
    `owns a ${kind} ${who}`,
    (suspect) => {
      const lock = make();
      suspect.acquire(lock, { task });
      return lock;
    },
  ]),
  ...Object.entries(SEMAPHORES).map(([kind, make]): [string, (suspect: DoomedThread) => Primitive] => [
    `has a permit of a ${kind} by a guard`,
    (suspect) => {
      const semaphore = make();
      suspect.hold(semaphore);
      return semaphore;
    },
  ]),
  [
    'runs the action of a Barrier',
    (suspect) => {
      const barrier = new Barrier(1, here);
      suspect.act(barrier);
      return barrier;
    },
  ],
];

describe.each(DEPENDED)('A thread that %s', (_what, arrange) => {
  it.each(WHO)('is asked while somebody waits for it %s', (_who, task) => {
    const suspect = doomed();
    awaited(arrange(suspect), task);
    expect(look()).toEqual([suspect.record]);
  });

  it('is asked once, whatever else is waited for', () => {
    const suspect = doomed();
    awaited(awaited(arrange(suspect)));
    awaited(arrange(suspect));
    suspect.wait(new Event(here), { task: true });
    expect(look()).toEqual([suspect.record]);
  });

  it.each(Object.entries(PRIMITIVES))('is not asked while somebody waits for a %s only', (_kind, make) => {
    arrange(doomed());
    const target = make();
    if (target instanceof Lock || target instanceof RLock) waiter().acquire(target);
    awaited(target);
    expect(look()).toEqual([]);
  });

  it('is not asked by its last ticket', () => {
    const suspect = doomed(1);
    awaited(arrange(suspect));
    expect([look(), ticketsIn(suspect)]).toEqual([[], 1]);
  });

  it('is buried by a look when it is dead', () => {
    const suspect = doomed();
    const other = doomed();
    awaited(arrange(suspect));
    expect(lookAround(here.ground)).toBe(true);
    expect([suspect, other].map(isBuried)).toEqual([true, false]);
  });
});

const STATES: [string, state: number, flags: number][] = [
  ['woken', STATE_WOKEN, 0],
  ['handed', STATE_GRANTED, HANDOFF],
];

describe.each(byBoth(RESOURCES))('A thread that waited for a %s %s', (_kind, _who, make, task) => {
  it.each(STATES)('is asked when it was %s', (_how, state, flags) => {
    const suspect = doomed();
    const target = taken(make());
    const waiting = suspect.wait(target, { task });
    poke(here.ground, target.address, CELL_WORD, here.ground.load(target.address, CELL_WORD) | flags);
    target.release();
    expect(here.ground.load(waiting, CELL_WORD)).toBe(state);
    expect(look()).toEqual([suspect.record]);
  });

  it('is not asked when it waits no more', () => {
    const suspect = doomed();
    const waiting = suspect.wait(taken(make()), { task });
    const queue = here.ground.load(waiting, THREAD_QUEUED_ON);
    for (const over of [0, here.ground.thread, suspect.record, here.arena.address]) {
      poke(here.ground, waiting, THREAD_QUEUED_ON, over);
      expect(look()).toEqual([]);
    }
    poke(here.ground, waiting, THREAD_QUEUED_ON, queue);
  });
});

describe.each(byBoth(PRIMITIVES))('Of those that wait for a %s %s', (kind, _who, make, task) => {
  const arrive = (count: number) => {
    const target = make();
    if (target instanceof Lock || target instanceof RLock) taken(target);
    return Array.from({ length: count }, () => {
      const suspect = doomed();
      suspect.wait(target, { task });
      return suspect;
    });
  };

  it.each([1, 4, 5, 9])('so many are asked in turns, four at a time: %i', (count) => {
    const all = arrive(count);
    const most = kind === 'Barrier' ? count : 4;
    const watch = new Watch();
    const seen = new Set<number>();
    for (let looks = 0; looks < count; looks++) {
      for (const suspect of all) suspect.tickets(FULL_SET);
      const asked = look(watch);
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.length).toBeLessThanOrEqual(most);
      if (count <= most) expect(asked).toEqual(records(all));
      for (const one of asked) seen.add(one);
    }
    expect([...seen].sort()).toEqual(records(all).sort());
  });

  it('all are asked at once when there are not more than that any longer', () => {
    const all = arrive(4);
    const watch = new Watch();
    watch.looked = 3;
    expect(look(watch)).toEqual(records(all));
  });
});

/** As a thread leaves an Event that dies after the step of `set`: its waiters stand in the queue, and are due their verdicts. */
function halfSet(event: Event): void {
  poke(here.ground, event.address, CELL_GENERATION, here.ground.load(event.address, CELL_GENERATION) + 1);
  poke(here.ground, event.address, CELL_VERDICT, STATE_GRANTED);
}

describe('A look asks beside four of those that only stand in queues', () => {
  const crowd = () => {
    const event = new Event(here);
    for (let count = 0; count < 9; count++) doomed().wait(event);
  };

  it('all that have arrived at a barrier, and all that stand at its entry', () => {
    crowd();
    const barrier = new Barrier(10, here);
    const all = Array.from({ length: 9 }, () => doomed());
    for (const one of all) one.wait(barrier);
    waiter().act(barrier);
    const late = doomed();
    late.wait(barrier);
    expect(look()).toEqual(expect.arrayContaining(records([...all, late])));
  });

  it('all that were woken', () => {
    crowd();
    const semaphore = new Semaphore(0, here);
    const all = Array.from({ length: 6 }, () => doomed());
    for (const one of all) one.wait(semaphore);
    semaphore.release(6);
    expect(look()).toEqual(expect.arrayContaining(records(all)));
  });
});

describe('A look does not ask a thread', () => {
  it('whose guards have given all permits back that somebody waits for', () => {
    const [suspect, semaphore] = [doomed(), new Semaphore(1, here)];
    poke(here.ground, suspect.hold(semaphore), HOLD_COUNT, 0);
    awaited(semaphore);
    expect(look()).toEqual([]);
  });

  it.each([
    ['Semaphore', [0, ACTION]],
    ['Event', [0, ACTION]],
    ['Condition over a Lock', [0, ACTION]],
    // Nobody runs an action.
    ['Barrier', [0]],
  ] as const)('whose record only looks like the word of a %s', (kind, states) => {
    const suspect = doomed();
    const target = awaited(PRIMITIVES[kind]!());
    const before = here.ground.load(target.address, CELL_WORD);
    for (const state of states) {
      poke(here.ground, target.address, CELL_WORD, suspect.record | state);
      expect(look()).toEqual([]);
    }
    poke(here.ground, target.address, CELL_WORD, before);
  });

  it("that is named by what is no record, and counts nobody's permits", () => {
    const suspect = doomed();
    const lock = awaited(taken(new Lock(here)));
    const array = here.arena.allocate(Int32Array, CELL_SIZE / 4);
    const fields = { [HOLD_COUNT]: 1, [HOLD_CELL]: lock.address, [THREAD_QUEUED_ON]: lock.address };
    for (const [field, value] of Object.entries(fields)) array[Number(field) / 4] = value;
    array[THREAD_OWNING_THREAD / 4] = suspect.record;
    expect(look()).toEqual([]);
    here.arena.free(array);
  });

  it('that has been buried meanwhile, and is the owner of a Lock that it was', () => {
    const suspect = doomed();
    const lock = taken(new Lock(here));
    awaited(lock);
    suspect.die();
    suspect.tickets(FULL_SET);
    const { core, cell, thread } = refOf(lock);
    core.rename(cell, thread, suspect.record);
    expect([isBuried(suspect), look()]).toEqual([true, []]);
    core.rename(cell, suspect.record, thread);
  });

  it('by the name of nobody, who owns a lock that stays held', () => {
    const lock = new Lock({ ...here, abandoned: 'keep' });
    new Doomed(here.arena).acquire(lock).die();
    awaited(lock);
    expect([lock.locked, look()]).toEqual([true, []]);
  });
});

it('A look reads as much of the map as this thread knows of; who asks about all, or buries one, all of it', () => {
  const watch = new Watch();
  look(watch);
  reapAll(watch, 'asked');
  reapNumber(watch, ENDED);
  doomed();
  watch.alive = false;
  reapAll(watch, 'asked');
  expect(watch.read).toEqual([false, true, true, true, true]);
});

it('What a dead thread had is given back, and nothing else', () => {
  const semaphores = [new Semaphore(3, here), new Semaphore(3, here)];
  const [dead, alive] = [doomed(), waiter()];
  // Its permits are with it where it is.
  const gone = new Semaphore(1, here);
  dead.hold(gone);
  gone.destroy();
  const haves = [dead, alive].map((thread, index) => [
    thread.record,
    here.ground.load(thread.record, THREAD_INFO),
    thread.task(),
    ...semaphores.map((semaphore) => thread.hold(semaphore, 2 - index)),
  ]);
  expect(reapAll(here.ground, 'asked')).toBe(1);
  const kinds = haves.map((cells) => cells.map((cell) => here.ground.kindAt(cell)));
  expect(kinds).toEqual([
    [KIND_SPARE, KIND_FREE, KIND_FREE, KIND_FREE, KIND_FREE],
    [KIND_THREAD, KIND_INFO, KIND_TASK, KIND_HOLD, KIND_HOLD],
  ]);
  expect(semaphores.map(({ value }) => value)).toEqual([2, 2]);
});

it('A semaphore that has no room for a permit of a dead thread is not asked for the next, when it has', () => {
  const semaphore = new BoundedSemaphore(2, here);
  const dead = doomed();
  dead.hold(semaphore, 2);
  // Not its guards.
  semaphore.release();
  semaphore.release();
  const { core } = here.ground;
  const given: number[] = [];
  const semLetGo: typeof core.semLetGo = (...call) => {
    const status = core.semLetGo(...call);
    given.push(status);
    // At the same moment another thread acquires one.
    semaphore.acquire();
    return status;
  };
  bury(Object.assign(new Watch(), { core: { ...core, semLetGo } }), dead.record);
  expect([given, semaphore.value]).toEqual([[STATUS_OVER_RELEASE], 1]);
});

describe('A look goes on for a dead thread', () => {
  it.each(Object.entries(RESOURCES))('that had not woken anybody of a free %s', (_kind, make) => {
    const target = taken(make());
    const waiting = waiter().wait(target);
    // Free, or with a permit, and queued.
    poke(here.ground, target.address, CELL_WORD, (target instanceof Semaphore ? UNIT : 0) | 1);
    expect(look()).toEqual([]);
    expect(here.ground.load(waiting, CELL_WORD)).toBe(STATE_WOKEN);
  });

  it('that had not woken all of an Event that was set', () => {
    const event = new Event(here);
    const all = [waiter(), waiter()].map((one) => one.wait(event));
    halfSet(event);
    expect(look()).toEqual([]);
    expect(all.map((waiting) => here.ground.load(waiting, CELL_WORD))).toEqual([STATE_GRANTED, STATE_GRANTED]);
  });

  it('but leaves alone what nobody waits for, and who has no owner any more', () => {
    const lock = taken(new Lock(here));
    const waiting = waiter().wait(lock);
    expect(look()).toEqual([]);
    expect([here.ground.load(waiting, CELL_WORD), lock.locked, lock.abandoned]).toEqual([STATE_PARKED, true, false]);
  });
});

describe('The action of a Barrier', () => {
  it('goes on that the looking thread runs', () => {
    const barrier = awaited(new Barrier(2, here));
    const { core, cell, stamp, thread } = refOf(barrier);
    core.barrierWait(cell, stamp, thread, Infinity, WITH_ACTION);
    const event = new Event(here);
    const waiting = waiter().wait(event);
    halfSet(event);
    expect(look()).toEqual([]);
    expect([here.ground.load(cell, CELL_WORD), barrier.broken]).toEqual([(thread | ACTION) >>> 0, false]);
    // What else is waited for is looked after.
    expect(here.ground.load(waiting, CELL_WORD)).toBe(STATE_GRANTED);
    barrier.reset();
  });

  it('goes on that a living thread runs, and has failed when that is dead', () => {
    const barrier = awaited(new Barrier(2, here));
    const runner = waiter().act(barrier);
    expect([look(), barrier.broken]).toEqual([[], false]);
    runner.tickets(FULL_SET);
    expect([look(), barrier.broken]).toEqual([[runner.record], false]);
    rested();
    runner.tickets(FULL_SET);
    expect([lookAround(here.ground), barrier.broken]).toEqual([true, true]);
  });
});

describe.each([
  ['at some time', START],
  ['as the ticks begin anew', 0xfffffe],
])('After a look %s', (_when, start) => {
  beforeEach(() => {
    to(start);
    rested();
  });

  it('there is none for a while, whoever wants one', () => {
    expect(lookAround(here.ground)).toBe(true);
    const lock = new Lock(here);
    doomed().acquire(lock);
    awaited(lock);
    const seen = Array.from({ length: 2 * LOOKS + 1 }, (_, tick) => {
      to(start + tick);
      const watch = new Watch();
      return lookAround(watch) && watch.asked.length;
    });
    const none = Array(LOOKS).fill(false);
    expect(seen).toEqual([...none, 1, ...none.slice(1), 1]);
  });

  it.each<Urgency>(['asked', 'hint'])('all are asked all the same, for %s', (urgency) => {
    const thread = doomed();
    expect(lookAround(here.ground)).toBe(true);
    const watch = new Watch();
    reapAll(watch, urgency);
    expect(watch.asked).toEqual([thread.record]);
    // Which counts as a look.
    to(start + LOOKS - 1);
    expect(lookAround(here.ground)).toBe(false);
  });

  it('it says since when, and counts', () => {
    for (const [before, after] of [
      [0, 1],
      [0xfe, 0xff],
      [0xff, 0],
    ] as const) {
      claim(start - LOOKS, 0, before);
      expect(lookAround(here.ground)).toBe(true);
      expect(claimed()).toEqual([0, ((start << 8) | after) >>> 0]);
    }
  });
});

describe('One reaps at a time', () => {
  const suspected = () => {
    const [suspect, lock] = [doomed(), new Lock(here)];
    suspect.acquire(lock);
    awaited(lock);
    return suspect;
  };

  it('not beside another one that lives', () => {
    const suspect = suspected();
    const reaper = waiter();
    claim(START - LOOKS, reaper.record);
    const before = claimed();
    expect([lookAround(here.ground), reapAll(here.ground, 'asked'), reapNumber(here.ground, 99)]).toEqual([
      false,
      0,
      false,
    ]);
    expect([isBuried(suspect), isBuried(reaper), claimed()]).toEqual([false, false, before]);
    const watch = new Watch();
    reaper.tickets(FULL_SET);
    expect([lookAround(watch), watch.asked]).toEqual([false, [reaper.record]]);
  });

  it('in place of one that has died, which is buried', () => {
    const suspect = suspected();
    // Its last ticket will do.
    const reaper = doomed(1);
    claim(START - LOOKS, reaper.record);
    expect(lookAround(here.ground)).toBe(true);
    expect([suspect, reaper].map(isBuried)).toEqual([true, true]);
    expect(claimed()).toEqual([0, (START << 8) | 1]);
  });

  it('and looks no sooner in place of one that has died', () => {
    const reaper = doomed();
    claim(START - LOOKS + 1, reaper.record);
    expect([lookAround(here.ground), isBuried(reaper)]).toEqual([false, false]);
  });

  it('again after this thread itself was stopped while it did', () => {
    const suspect = suspected();
    claim(START - LOOKS, here.ground.thread);
    expect([lookAround(here.ground), isBuried(suspect), claimed()[0]]).toEqual([true, true, 0]);
  });

  it('not when another one has begun at the same moment', () => {
    suspected();
    const watch = new Raced(here.arena.address, HEADER_REAPER + 4, () => claim(START, 0, 1));
    expect([lookAround(watch), watch.asked, claimed()]).toEqual([false, [], [0, (START << 8) | 1]]);
  });

  it.each([
    ['one that it had asked', () => {}],
    ['another reaper', (dead: DoomedThread) => claim(START - LOOKS, dead.record)],
  ])(
    'and whoever dies in the midst of it leaves %s to be found again, though that was its last ticket',
    (_who, arrange) => {
      const dead = doomed(1, ENDED);
      arrange(dead);
      const watch = new Watch();
      watch.alive = false;
      // The burial ends here, as by a death.
      watch.blocks = (all) => {
        if (watch.asked.length > 0) throw new Error('it dies');
        return here.ground.blocks(all);
      };
      expect(() => reapAll(watch, 'asked')).toThrow('it dies');
      expect([watch.asked, isBuried(dead)]).toEqual([[dead.record], false]);
      expect([reapAll(here.ground, 'asked'), isBuried(dead)]).toEqual([1, true]);
    },
  );

  it('but who asks about all tries again', () => {
    const suspect = doomed();
    const watch = new Raced(here.arena.address, HEADER_REAPER + 4, () => claim(START, 0, 1));
    expect(reapAll(watch, 'asked')).toBe(0);
    expect([watch.asked, claimed()]).toEqual([[suspect.record], [0, (START << 8) | 2]]);
  });

  it('and is none any more when it throws', () => {
    suspected();
    const watch = new Watch();
    watch.notify = () => {
      throw new RangeError('a full stack');
    };
    expect(() => lookAround(watch)).toThrow('a full stack');
    expect(claimed()[0]).toBe(0);
  });
});

describe('A worker of which the platform says that it has ended', () => {
  it('is buried, and no other', () => {
    const [dead, other] = [doomed(FULL_SET, ENDED), doomed(FULL_SET, OTHER)];
    expect(reapNumber(here.ground, ENDED)).toBe(true);
    expect([dead, other].map(isBuried)).toEqual([true, false]);
  });

  it('is buried by its last ticket, at any time', () => {
    const dead = doomed(1, ENDED).tickets(1, START + 32);
    expect([reapNumber(here.ground, ENDED), isBuried(dead)]).toEqual([true, true]);
  });

  it.each([
    ['lives on', () => doomed(FULL_SET, ENDED)],
    ['may live on', () => doomed(0, ENDED)],
  ])('is left alone when it %s', (_how, make) => {
    const alive = make();
    const watch = new Watch();
    expect([reapNumber(watch, ENDED), isBuried(alive)]).toEqual([false, false]);
    expect(watch.asked).toEqual(ticketsIn(alive) > 0 ? [alive.record] : []);
  });

  it('is gone when only one of two with its number lives', () => {
    const [dead, alive] = [doomed(FULL_SET, ENDED), doomed(0, ENDED)];
    expect([reapNumber(here.ground, ENDED), isBuried(dead), isBuried(alive)]).toEqual([false, true, false]);
  });

  it('is gone when nobody has its number', () => {
    const other = doomed(FULL_SET, OTHER);
    expect([reapNumber(here.ground, ENDED), isBuried(other)]).toEqual([true, false]);
  });

  it('is not taken for one that has not said yet who it is', () => {
    const beginning = doomed(FULL_SET, 0);
    const info = here.ground.load(beginning.record, THREAD_INFO);
    poke(here.ground, beginning.record, THREAD_INFO, 0);
    const watch = new Watch();
    reapNumber(watch, 0);
    expect(watch.asked).toEqual([]);
    poke(here.ground, beginning.record, THREAD_INFO, info);
  });
});

it('A thread that ends is buried, and not asked', () => {
  const lock = new Lock(here);
  const [ending, other] = [doomed(FULL_SET), doomed()];
  ending.acquire(lock);
  const watch = Object.assign(new Watch(), { thread: ending.record });
  end(watch);
  expect([watch.asked, isBuried(ending), isBuried(other), lock.abandoned]).toEqual([[], true, false, true]);
});
