/** Which thread finds a circle of threads that wait for each other, and what it does: without other threads, on a clock that stands still. */
import { Barrier, Condition, Event, Lock, type Primitive, RLock, Semaphore } from 'lockwork';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BROKEN,
  CELL_SIZE,
  CELL_WORD,
  HEADER_TOTAL,
  HOLD_CELL,
  INFO_WAIT,
  KIND_NAME,
  KIND_TASK,
  NOBODY,
  STATE_AWAITED,
  STATE_GRANTED,
  STATE_PARKED,
  STATE_WAITING,
  STATE_WOKEN,
  STATUS_OK,
  THREAD_INFO,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  UNIT,
} from '../../assembly/abi.ts';
import type { Circle, Edge, Watched } from '../../bindings/deadlock.ts';

let time = 0;

// It takes the clock while it loads, so nothing above may load it.
const { now } = performance;
performance.now = () => time;
const { checkDeadlock, circleOf, edgeOf, setDeadlockPolicy, textOf } = await import('../../bindings/deadlock.ts');
performance.now = now;
const { ENDLESS, noteBlocked, noteWait, policyIn, waitOf } = await import('../../bindings/thread-info.ts');
const { Doomed, poke, refOf } = await import('../support/dead.ts');
const { plot } = await import('../support/plot.ts');
const { refuses } = await import('../support/badInput.ts');

const here = plot();

/** The least distance of two looks of which each wakes others. */
const INTERVAL = 40;
const PATIENCE = 900;
const GIVEN_UP = 3_000;

/** What a thread does in a circle, as it notes it. */
const [OFF, WARNS, DEFAULT, THROWS] = [0, 1, 2, 3];

/** What was warned of. */
let warnings: string[] = [];
const { warn } = console;
const { process } = globalThis;
const listen = ({ message }: Error): void => void warnings.push(message);
/** Node's own, which prints. */
const listeners = (process?.listeners?.('warning') ?? []) as (typeof listen)[];

beforeEach(() => {
  time = 50_000;
  warnings = [];
  console.warn = (text: string) => void warnings.push(text);
  for (const listener of listeners) process.off('warning', listener);
  process?.on?.('warning', listen);
});
afterEach(() => {
  console.warn = warn;
  process?.off?.('warning', listen);
  for (const listener of listeners) process.on('warning', listener);
  // As `destroy` would.
  const { core, base } = here.ground;
  for (const { kind, address } of here.ground.blocks(true)) if (kind === KIND_NAME) core.free(base, address, 1, kind);
});

/** The arena as an imitated thread sees it. */
class View implements Watched {
  readonly memory = here.ground.memory;
  readonly base = here.ground.base;
  readonly core = here.ground.core;
  readonly thread: number;
  circle: Circle | undefined;
  /** Whom it has woken. */
  woken: number[] = [];
  /** Whether it is in a call in which the program must not use the arena. */
  cutOff = false;

  constructor(thread: number) {
    this.thread = thread;
  }

  load(cell: number, field: number): number {
    return here.ground.load(cell, field);
  }

  kindAt(address: number): number {
    return here.ground.kindAt(address);
  }

  notify(address: number): number {
    this.woken.push(address);
    return 1;
  }

  withoutCalls(act: () => void): void {
    this.cutOff = true;
    act();
    this.cutOff = false;
  }

  addInfo(): never {
    throw new Error('nothing is to be told');
  }

  dropTask = this.addInfo;
}

class Thread extends Doomed {
  readonly view: View;
  policy = DEFAULT;

  constructor(name: string) {
    super(here.arena, { name });
    // The memory of another test's arena.
    poke(this.arena, this.info, INFO_WAIT, 0);
    this.view = new View(this.record);
  }

  get info(): number {
    return this.arena.load(this.record, THREAD_INFO);
  }

  /** Where it stands, 0 for nowhere. */
  get place(): number {
    return this.arena.load(this.record, THREAD_QUEUED_ON);
  }

  /** It has slept for a nap, and looks. */
  look(endless = true): boolean | Error {
    return checkDeadlock(this.view, endless);
  }

  /** It has slept for a nap, and what it looks at is of no matter. */
  nap(endless = true): void {
    noteWait(this.view, this.place, endless, this.policy);
  }
}

type Kind = 'RLock' | 'Lock';
const make = (kind: Kind, name = ''): Lock | RLock => {
  const options = { arena: here.arena, ...(name && { name }) };
  return kind === 'Lock' ? new Lock(options) : (new RLock(options) as never);
};

interface Ring {
  threads: Thread[];
  locks: (Lock | RLock)[];
  /** That with the greatest record, and the others. */
  greatest: Thread;
  others: Thread[];
}

const greatestOf = (threads: Thread[]): Thread => threads.reduce((a, b) => (a.record > b.record ? a : b));

/** Each holds a lock and waits for the next one's. `turned`: the greatest record is so many places further in the circle. */
function ring(kinds: Kind[], { turned = 0, task = false } = {}): Ring {
  const made = kinds.map((_, i) => new Thread(`T${i}`));
  const threads = made.map((_, i) => made[(i + turned) % made.length]!);
  const locks = kinds.map((kind, i) => make(kind, kinds.length < 9 ? `L${i}` : ''));
  for (const [i, thread] of threads.entries()) thread.acquire(locks[i]!, { task });
  for (const [i, thread] of threads.entries()) thread.wait(locks[(i + 1) % locks.length]!);
  const greatest = greatestOf(threads);
  return { threads, locks, greatest, others: threads.filter((thread) => thread !== greatest) };
}

const rlocks = (count: number): Kind[] => Array(count).fill('RLock');
const locks = (count: number): Kind[] => Array(count).fill('Lock');

/** Others have napped, and time has passed; then this one looks. */
function lookWithNews(thread: Thread, others: readonly Thread[], pass = 50): boolean | Error {
  time += pass;
  for (const other of others) other.nap();
  return thread.look();
}

/** So often that it acts if it ever does, and that nobody gives up. */
const OFTEN = 8;
const looks = (thread: Thread, others: readonly Thread[], times = OFTEN, pass = 50): (boolean | Error)[] =>
  Array.from({ length: times }, () => lookWithNews(thread, others, pass));

const messageOf = (answer: unknown): string => (answer as Error).message;

/** What is so while a word is another. */
function withWord<T>(cell: number, field: number, word: number, act: () => T): T {
  const before = here.ground.load(cell, field);
  poke(here.ground, cell, field, word);
  try {
    return act();
  } finally {
    poke(here.ground, cell, field, before);
  }
}

describe('A thread that is blocked waits for', () => {
  const edge = ({ record, view }: Thread): Edge | undefined => edgeOf(view, record);

  it.each<[Kind, string, boolean]>([
    ['Lock', 'the thread that owns it', false],
    ['RLock', 'the thread that owns it', false],
    ['Lock', 'the thread whose task owns it', true],
    ['RLock', 'the thread whose task owns it', true],
  ])('a %s: for %s', (kind, _who, task) => {
    const [owner, waiter] = [new Thread('owner'), new Thread('waiter')];
    const lock = make(kind);
    owner.acquire(lock, { task });
    waiter.wait(lock);
    const { record, place } = waiter;
    expect(edge(waiter)).toEqual({
      thread: record,
      cell: place,
      kind: here.ground.kindAt(place),
      owner: owner.record,
    });
    expect(place).toBe(lock.address);
    // One that runs, or turns its event loop.
    expect(edge(owner)).toBeUndefined();
  });

  it.each([
    ['AWAITED', STATE_AWAITED, true],
    ['WAITING', STATE_WAITING, true],
    ['PARKED', STATE_PARKED, true],
    ['WOKEN', STATE_WOKEN, false],
    ['GRANTED', STATE_GRANTED, false],
  ])('somebody, if it is %s', (_name, state, waits) => {
    const { threads } = ring(locks(2));
    const [{ record, view }] = threads as [Thread];
    withWord(record, CELL_WORD, state, () => {
      expect(edgeOf(view, record) !== undefined).toBe(waits);
      expect(circleOf(view, record)?.length).toBe(waits ? 2 : undefined);
    });
  });

  it.each<[string, () => Primitive]>([
    ['a Semaphore', () => new Semaphore(0, here)],
    ['an Event', () => new Event(here)],
    ['a Barrier', () => new Barrier(9, here)],
    ['a Condition', () => new Condition(undefined, here)],
    ['a Condition over a Lock', () => new Condition(new Lock(here))],
  ])('nobody: %s', (_kind, make) => {
    const thread = new Thread('waiter');
    const target = make();
    thread.wait(target);
    expect(edge(thread)).toBeUndefined();
    // Whatever its word says, but for a Barrier's action.
    const { address } = target;
    expect(withWord(address, CELL_WORD, thread.record | BROKEN, () => edge(thread))).toBeUndefined();
  });

  it('the thread that runs the action of a Barrier, arrived or at the entry', () => {
    const [first, actor, late] = [new Thread('first'), new Thread('actor'), new Thread('late')];
    const barrier = new Barrier(2, here);
    first.wait(barrier);
    expect(edge(first)).toBeUndefined();
    actor.act(barrier);
    late.wait(barrier);
    expect([first, late].map(edge)).toMatchObject([{ owner: actor.record }, { owner: actor.record }]);
  });

  it.each([
    ['free', () => 0],
    ['held for ever by a thread that has died', () => NOBODY],
    ['owned by what is outside of the arena', () => 1 << 20],
    [
      'owned by a cell that is free',
      () => here.ground.base + (here.ground.load(here.ground.base, HEADER_TOTAL) - 1) * CELL_SIZE,
    ],
    ['owned by a lock', (lock: number) => lock],
  ])('nobody, if the lock is %s', (_what, owner) => {
    const { threads, locks: all } = ring(rlocks(1).concat('Lock'));
    const { address } = all[1]!;
    withWord(address, CELL_WORD, (owner(address) & -UNIT) | 1, () => expect(edge(threads[0]!)).toBeUndefined());
  });

  it('nobody, if the owner was a task that has gone, whose cell is something else now', () => {
    const { threads, locks: all } = ring(rlocks(2), { task: true });
    const [first] = threads as [Thread];
    const owner = (here.ground.load(all[1]!.address, CELL_WORD) & -UNIT) >>> 0;
    expect(here.ground.kindAt(owner)).toBe(KIND_TASK);
    for (const there of [1, -1, 0x7fffffff, owner, first.place])
      withWord(owner, THREAD_OWNING_THREAD, there, () => expect(edge(first)).toBeUndefined());
    expect(edge(first)).toMatchObject({ owner: threads[1]!.record });
  });

  it('nobody, when it stands nowhere', () => {
    const { threads } = ring(rlocks(2));
    const [{ record, view }] = threads as [Thread];
    for (const there of [0, 1, record, record + HOLD_CELL])
      withWord(record, THREAD_QUEUED_ON, there, () => expect(edgeOf(view, record)).toBeUndefined());
  });
});

describe.each([1, 2, 3, 5, 255, 256])('A circle of %i', (count) => {
  it('is found from each of its threads, and begins with it', () => {
    const { threads } = ring(count < 9 ? rlocks(count - 1).concat('Lock') : locks(count));
    for (const [i, { view, record }] of threads.slice(0, 9).entries()) {
      const expected = threads.map((_, j) => threads[(i + j) % count]!.record);
      expect(circleOf(view, record)!.map(({ thread }) => thread)).toEqual(expected);
      expect(circleOf(view, record)!.map(({ owner }) => owner)).toEqual([...expected.slice(1), record]);
    }
  });

  it('is none of a thread that waits for one of it', () => {
    const { threads, locks: all } = ring(locks(count));
    const beside = new Thread('beside');
    beside.wait(all[0]!);
    expect(circleOf(beside.view, beside.record)).toBeUndefined();
    expect(circleOf(threads[0]!.view, threads[0]!.record)).toHaveLength(count);
    beside.nap();
    expect(looks(beside, threads)).toEqual(Array(OFTEN).fill(false));
  });

  it('is none when one of them does not wait', () => {
    const { threads, locks: all } = ring(locks(count));
    for (const { record } of [threads[0]!, threads.at(-1)!])
      withWord(record, THREAD_QUEUED_ON, 0, () => {
        for (const { view, record } of threads) expect(circleOf(view, record)).toBeUndefined();
      });
    withWord(all.at(-1)!.address, CELL_WORD, 0, () => {
      for (const { view, record } of threads) expect(circleOf(view, record)).toBeUndefined();
    });
  });
});

/** The arena as if it were so much further up in the memory. */
class Far extends View {
  static readonly FAR = 3 * 2 ** 30;
  override readonly core = {
    ...here.ground.core,
    swap: (address: number, current: number, next: number) => here.ground.core.swap(address - Far.FAR, current, next),
  };

  override load(cell: number, field: number): number {
    const word = super.load(cell - Far.FAR, field);
    return super.kindAt((word & -UNIT) >>> 0) ? word + Far.FAR : word;
  }

  override kindAt(address: number): number {
    return super.kindAt(address - Far.FAR);
  }
}

it.each(['RLock', 'Lock'] as const)('A circle of %ss is found above 2 GiB, too', (kind) => {
  const { threads } = ring([kind, kind, kind]);
  const views = threads.map(({ record }) => new Far(record + Far.FAR));
  const expected = views.map(({ thread }) => thread);
  expect(circleOf(views[0]!, views[0]!.thread)!.map(({ thread }) => thread)).toEqual(expected);
  for (let looks = 1; looks <= 3; looks++) {
    time += 50;
    for (const view of views) expect(checkDeadlock(view, true)).toBe(true);
    expect(views.at(-1)!.circle!.looks).toBe(looks);
  }
});

it('A circle of 257 is not looked for', () => {
  const { view, record } = ring(locks(257)).threads[0]!;
  expect(circleOf(view, record)).toBeUndefined();
});

it('A circle in words has the names, and says what is of a task, too', () => {
  const [first, second] = [new Thread('first'), new Thread('')];
  const [named, plain, barrier] = [make('RLock', 'rates'), make('Lock'), new Barrier(1, { ...here, name: 'gate' })];
  second.acquire(named, { task: true });
  first.acquire(plain).wait(named);
  second.wait(plain);
  expect(textOf(first.view, circleOf(first.view, first.record)!)).toBe(
    '"first" waits for RLock "rates", held by "worker 3"; "worker 3" waits for Lock, held by "first"',
  );
  const [third, fourth] = [new Thread('third'), new Thread('fourth')];
  third.act(barrier);
  fourth.wait(barrier);
  expect(textOf(third.view, [edgeOf(third.view, fourth.record)!])).toBe(
    '"fourth" waits for Barrier "gate", held by "third"',
  );
});

describe.each([
  [2, 0],
  [2, 1],
  [3, 0],
  [3, 1],
  [3, 2],
  [5, 3],
])('In a circle of %i RLocks, the greatest record turned by %i', (count, turned) => {
  it('that thread leaves, when it has had news of all others as often as there are threads', () => {
    const { greatest, others, locks } = ring(rlocks(count), { turned });
    // The first look has no news.
    for (let time = 0; time < count; time++) expect(lookWithNews(greatest, others)).toBe(true);
    const error = lookWithNews(greatest, others);
    expect(error).toMatchObject({ name: 'DeadlockError', code: 'ERR_LOCKWORK_DEADLOCK' });
    const edges = circleOf(greatest.view, greatest.record)!;
    const { name } = locks.find(({ address }) => address === greatest.place)!;
    expect(messageOf(error)).toBe(`RLock "${name}": this would wait for ever: ${textOf(greatest.view, edges)}`);
    expect(warnings).toEqual([]);
  });

  it('the others never do, and look on for 3 s', () => {
    const { threads, others } = ring(rlocks(count), { turned });
    for (const one of others) {
      const rest = threads.filter((other) => other !== one);
      expect(looks(one, rest, 40)).toEqual(Array(40).fill(true));
      time += GIVEN_UP;
      expect(looks(one, rest)).toEqual(Array(OFTEN).fill(false));
    }
    expect(warnings).toEqual([]);
  });

  it('nobody leaves without news of one of them', () => {
    const { greatest, others } = ring(rlocks(count), { turned });
    for (const silent of others) {
      greatest.view.circle = undefined;
      for (const other of others) other.nap();
      const rest = others.filter((other) => other !== silent);
      expect(looks(greatest, rest, 20)).toEqual(Array(20).fill(true));
    }
  });

  it('nobody leaves on news of other waits', () => {
    const { greatest, others } = ring(rlocks(count), { turned });
    const [one, ...rest] = others as [Thread, ...Thread[]];
    const elsewhere = make('RLock').address;
    for (let look = 0; look < 20; look++) {
      noteWait(one.view, elsewhere, true, DEFAULT);
      expect(lookWithNews(greatest, rest)).toBe(true);
    }
  });

  it('nobody leaves, or looks soon, while one of them has a timeout', () => {
    const { greatest, others } = ring(rlocks(count), { turned });
    for (const timed of others) {
      const rest = others.filter((other) => other !== timed);
      for (let look = 0; look < 20; look++) {
        timed.nap(false);
        expect(lookWithNews(greatest, rest)).toBe(false);
      }
      // It waits without one from now on.
      for (let look = 0; look <= count; look++) expect(lookWithNews(greatest, others)).not.toBe(false);
      greatest.view.circle = undefined;
    }
    expect(looks(greatest, others).filter((answer) => answer instanceof Error)).not.toEqual([]);
  });

  it('nobody leaves whose own wait has a timeout', () => {
    const { greatest, others } = ring(rlocks(count), { turned });
    for (let look = 0; look < 20; look++) {
      for (const other of others) other.nap();
      expect(greatest.look(false)).toBe(false);
      expect(waitOf(greatest.view, greatest.record) & 1).toBe(0);
    }
    expect(greatest.view.woken).toEqual([]);
  });
});

it('News of a timeout of another wait is none', () => {
  const { greatest, others } = ring(rlocks(2));
  noteWait(others[0]!.view, make('RLock').address, false, DEFAULT);
  expect(greatest.look()).toBe(true);
});

it('Each nap is noted: where, whether for ever, and what the thread does in a circle', () => {
  const { threads } = ring(rlocks(2));
  const [one] = threads as [Thread];
  const seen = new Set<number>();
  for (let nap = 0; nap < 8; nap++) {
    one.look(nap % 2 === 0);
    const wait = waitOf(one.view, one.record);
    expect([(wait & -UNIT) >>> 0, wait & 1, policyIn(wait)]).toEqual([one.place, Number(nap % 2 === 0), DEFAULT]);
    seen.add(wait);
  }
  // None is the same as the seven before it.
  expect(seen.size).toBe(8);
});

describe('Who looks wakes', () => {
  it('all of the circle if it is the one that acts, every 40 ms at the most', () => {
    const { greatest, threads } = ring(rlocks(3));
    expect(greatest.look()).toBe(true);
    expect(greatest.view.woken.toSorted()).toEqual(threads.map(({ record }) => record).toSorted());
    time += INTERVAL - 1;
    greatest.look();
    expect(greatest.view.woken).toHaveLength(3);
    time++;
    greatest.look();
    expect(greatest.view.woken).toHaveLength(6);
  });

  it('only that one if it is another', () => {
    const { others, greatest } = ring(rlocks(3));
    for (const other of [...others, greatest]) other.nap();
    for (const other of others) {
      other.look();
      expect(other.view.woken).toEqual([greatest.record]);
    }
  });

  it('all as long as it is the only one that has told what it does', () => {
    const { others } = ring(rlocks(3));
    others[0]!.look();
    expect(others[0]!.view.woken).toHaveLength(3);
  });

  it('nobody when it has given up, and still leaves when it is certain', () => {
    const { greatest, others } = ring(rlocks(2));
    expect(lookWithNews(greatest, others)).toBe(true);
    time += GIVEN_UP;
    greatest.view.woken = [];
    expect(lookWithNews(greatest, others)).toBe(false);
    expect(greatest.view.woken).toEqual([]);
    expect(lookWithNews(greatest, others)).toBeInstanceOf(Error);
  });

  it('nobody when there is no circle', () => {
    const [owner, waiter] = [new Thread('owner'), new Thread('waiter')];
    const lock = make('RLock');
    owner.acquire(lock);
    waiter.wait(lock);
    expect(looks(waiter, [])).toEqual(Array(OFTEN).fill(false));
    expect(waiter.view.woken).toEqual([]);
  });
});

it('A circle of many is looked at for longer, twice the time that its looks need at least', () => {
  const count = 60;
  const { greatest, threads } = ring(rlocks(count));
  for (const thread of threads) thread.nap();
  const start = time;
  for (const [pass, soon] of [
    [0, true],
    [count * 2 * INTERVAL - 1, true],
    [count * 2 * INTERVAL, false],
  ] as const) {
    time = start + pass;
    expect(greatest.look()).toBe(soon);
  }
});

describe('A circle that has dissolved is looked at anew', () => {
  /** It would act at the next look. */
  function nearly(): Ring {
    const all = ring(rlocks(2));
    for (let look = 0; look < 2; look++) expect(lookWithNews(all.greatest, all.others)).toBe(true);
    return all;
  }

  /** Not before as many looks as if it had never been seen. */
  function isNew({ greatest, others }: Ring): void {
    for (let look = 0; look < 2; look++) expect(lookWithNews(greatest, others)).toBe(true);
    expect(lookWithNews(greatest, others)).toBeInstanceOf(Error);
  }

  it('if it had not dissolved, it would be certain', () => {
    const { greatest, others } = nearly();
    expect(lookWithNews(greatest, others)).toBeInstanceOf(Error);
  });

  it.each<[string, number, number]>([
    ['one was woken', CELL_WORD, STATE_WOKEN],
    ['one was handed the lock', CELL_WORD, STATE_GRANTED],
    ['one left its queue', THREAD_QUEUED_ON, 0],
  ])('%s', (_what, field, word) => {
    const all = nearly();
    withWord(all.others[0]!.record, field, word, () => expect(all.greatest.look()).toBe(false));
    isNew(all);
  });

  it('this thread had another wait in between, with a timeout', () => {
    const all = nearly();
    expect(all.greatest.look(false)).toBe(false);
    isNew(all);
  });

  it('a lock was released in between', () => {
    const all = nearly();
    withWord(all.greatest.place, CELL_WORD, 1, () => expect(all.greatest.look()).toBe(false));
    isNew(all);
  });

  it('another thread has the lock', () => {
    const all = nearly();
    const third = new Thread('third');
    withWord(all.greatest.place, CELL_WORD, third.record | 1, () => {
      third.wait(all.locks.find(({ address }) => address !== all.greatest.place)!);
      expect(lookWithNews(all.greatest, [third])).toBe(true);
    });
    isNew(all);
  });
});

it('A thread that has died never acts, and keeps nobody else looking for long', () => {
  const { greatest, others } = ring(rlocks(2));
  for (const thread of [greatest, ...others]) thread.nap();
  const [living] = others as [Thread];
  expect(looks(living, [], 40)).toEqual(Array(40).fill(true));
  time += GIVEN_UP;
  expect(looks(living, [])).toEqual(Array(OFTEN).fill(false));
  greatest.die();
  expect(living.look()).toBe(false);
  expect(living.view.circle).toBeUndefined();
});

describe.each<[string, Kind[]]>([
  ['of a Lock that its thread acquires again', locks(1)],
  ['of two Locks', locks(2)],
  ['of three Locks', locks(3)],
  ['of an RLock and a Lock', ['RLock', 'Lock']],
  ['of four RLocks and a Lock', [...rlocks(4), 'Lock']],
])('A circle %s', (_what, kinds) => {
  it('is told of once, a second after it was seen, by one thread, which waits on', () => {
    const { threads, greatest, others } = ring(kinds);
    const start = time;
    while (warnings.length === 0) {
      expect(time - start).toBeLessThan(PATIENCE + 100);
      for (const thread of threads) expect(lookWithNews(thread, [], 10)).toBe(warnings.length === 0);
      for (const other of others) expect(other.view.circle!.told).toBe(false);
    }
    expect(time - start).toBeGreaterThanOrEqual(PATIENCE);
    expect(greatest.view.circle!.told).toBe(true);
    const edges = circleOf(greatest.view, greatest.record)!;
    expect(warnings).toEqual([`lockwork: threads wait for each other: ${textOf(greatest.view, edges)}`]);
    for (let look = 0; look < 40; look++) {
      // As often as a thread that has given up looks.
      time += 2_200;
      for (const thread of threads) if (thread !== greatest) thread.look();
      expect(greatest.look()).toBe(false);
    }
    expect(warnings).toHaveLength(1);
  });

  it('is not told of without news, however old it is', () => {
    const { greatest, others } = ring(kinds);
    // Itself it knows.
    if (others.length === 0) return;
    for (const other of others) other.nap();
    for (let look = 0; look < 20; look++) {
      time += 400;
      expect(greatest.look()).toBe(time - greatest.view.circle!.since < GIVEN_UP);
    }
    expect(warnings).toEqual([]);
  });

  it('is told of again when it was away', () => {
    const { greatest, others } = ring(kinds);
    for (let times = 1; times <= 3; times++) {
      looks(greatest, others, 30);
      expect(warnings).toHaveLength(times);
      withWord(greatest.record, THREAD_QUEUED_ON, 0, () => expect(greatest.look()).toBe(false));
    }
  });
});

it('While a thread tells of a circle, its program cannot use the arena', () => {
  const { greatest } = ring(locks(1));
  let cutOff: boolean | undefined;
  console.warn = () => {
    cutOff = greatest.view.cutOff;
  };
  const note = () => console.warn();
  process?.on?.('warning', note);
  looks(greatest, [], 30);
  process?.off?.('warning', note);
  expect(cutOff).toBe(true);
});

it('A circle with an action of a Barrier in it is told of', () => {
  const [waiter, actor] = [new Thread('waiter'), new Thread('actor')];
  const [barrier, lock] = [new Barrier(2, { ...here, name: 'gate' }), make('RLock', 'mine')];
  waiter.acquire(lock).wait(barrier);
  actor.act(barrier).wait(lock);
  looks(actor, [waiter], 30);
  expect(warnings).toEqual([
    'lockwork: threads wait for each other: "actor" waits for RLock "mine", held by "waiter"; "waiter" waits for Barrier "gate", held by "actor"',
  ]);
});

describe('A thread that comes back from the wait of a Condition', () => {
  /** Notified, it waits for the lock of another one, which waits for what the first one holds beside. */
  function back(greatestIsBack: boolean): { back: Thread; other: Thread } {
    const made = [new Thread('A'), new Thread('B')] as [Thread, Thread];
    const greatest = greatestOf(made);
    const [back, other] = greatestIsBack === (made[0] === greatest) ? made : (made.toReversed() as [Thread, Thread]);
    const [lock, beside] = [new RLock(here), make('RLock')];
    const condition = new Condition(lock);
    back.acquire(beside).wait(condition);
    expect(edgeOf(back.view, back.record)).toBeUndefined();
    other.acquire(lock);
    const { core, cell, stamp } = refOf(condition);
    expect(core.condNotify(cell, stamp, other.record, 1, true)).toBe(STATUS_OK);
    other.wait(beside);
    expect(circleOf(back.view, back.record)).toHaveLength(2);
    return { back, other };
  }

  it.each([true, false])('never leaves, whether its record is the greatest: %s', (greatestIsBack) => {
    const { back: pinned, other } = back(greatestIsBack);
    expect(looks(pinned, [other], 40)).toEqual(Array(40).fill(true));
    expect(looks(other, [pinned], 3).at(-1)).toBeInstanceOf(Error);
    expect(warnings).toEqual([]);
  });

  it('has no deadline any more, though its wait had one', () => {
    const { back: pinned, other } = back(true);
    for (let look = 0; look < 2; look++) {
      time += 50;
      expect(pinned.look(false)).toBe(true);
      expect(other.look()).toBe(true);
    }
    pinned.look(false);
    expect(other.look()).toBeInstanceOf(Error);
  });

  it('has its deadline as long as it is not notified', () => {
    const thread = new Thread('waiter');
    thread.wait(new Condition(undefined, here));
    thread.look(false);
    expect(waitOf(thread.view, thread.record) & 1).toBe(0);
    thread.look(true);
    expect(waitOf(thread.view, thread.record) & 1).toBe(1);
  });

  it('tells of a circle in which all come back so', () => {
    const threads = [new Thread('A'), new Thread('B')] as [Thread, Thread];
    const both = [new RLock(here), new RLock(here)] as const;
    const conditions = both.map((lock) => new Condition(lock)) as [Condition, Condition];
    // Each waits for one Condition, with the lock of the other one held.
    const notify = (condition: Condition, by: Thread): void => {
      const { core, cell, stamp } = refOf(condition);
      expect(core.condNotify(cell, stamp, by.record, 1, true)).toBe(STATUS_OK);
    };
    const third = new Thread('C');
    threads[0].wait(conditions[0]);
    threads[1].wait(conditions[1]);
    for (const [i, lock] of both.entries()) {
      third.acquire(lock);
      notify(conditions[i]!, third);
    }
    for (const [i, lock] of both.entries()) poke(here.ground, lock.address, CELL_WORD, threads[1 - i]!.record | 1);
    const greatest = greatestOf(threads);
    const other = threads.find((thread) => thread !== greatest)!;
    const answers = looks(greatest, [other], 30);
    expect(answers.some((answer) => answer instanceof Error)).toBe(false);
    expect(warnings).toHaveLength(1);
  });
});

/** From here on the policy of this thread is not the first one any more. */
describe('What a thread does in a circle', () => {
  const POLICY = { off: OFF, warn: WARNS, throw: THROWS };
  type Policy = keyof typeof POLICY;

  const noted = (): number => {
    const { greatest } = ring(rlocks(1));
    greatest.look();
    return policyIn(waitOf(greatest.view, greatest.record));
  };

  refuses('the policy', () => undefined, noted, {
    setDeadlockPolicy: [
      [
        ...[undefined, null, 1, true, {}, ['throw'], Symbol('throw'), new String('warn')].map(
          (value): [unknown, ErrorConstructor] => [value, TypeError],
        ),
        ...['', 'Throw', 'throws', 'toString', '__proto__'].map((value): [unknown, ErrorConstructor] => [
          value,
          RangeError,
        ]),
      ],
      (_, bad) => setDeadlockPolicy(bad),
    ],
  });

  it('is noted for others, with each nap anew', () => {
    const { greatest } = ring(rlocks(1));
    for (const policy of ['throw', 'off', 'warn', 'throw', 'warn', 'off'] as const) {
      setDeadlockPolicy(policy);
      greatest.look();
      expect(policyIn(waitOf(greatest.view, greatest.record))).toBe(POLICY[policy]);
      expect(noted()).toBe(POLICY[policy]);
    }
  });

  /** What comes of it when the thread with the greatest record does this, and all others that. */
  function outcome(kinds: Kind[], greatestDoes: Policy, othersDo: Policy | 'default'): Record<string, number> {
    const { greatest, threads, others } = ring(kinds);
    const does = { ...POLICY, default: DEFAULT };
    const seen = { thrown: 0, warned: 0 };
    setDeadlockPolicy(greatestDoes);
    greatest.policy = does[greatestDoes];
    for (const other of others) other.policy = does[othersDo];
    for (let look = 0; look < 30; look++) {
      const answer = lookWithNews(greatest, others);
      if (answer instanceof Error) seen.thrown++;
      if (greatestDoes === 'off') expect(answer).toBe(false);
    }
    seen.warned = warnings.length;
    if (greatestDoes === 'off') expect(greatest.view.woken).toEqual([]);
    expect(threads).toContain(greatest);
    return { thrown: Math.min(1, seen.thrown), warned: seen.warned };
  }

  const [nothing, thrown, warned] = [
    { thrown: 0, warned: 0 },
    { thrown: 1, warned: 0 },
    { thrown: 0, warned: 1 },
  ];

  it.each<[Policy, Policy | 'default', string, Record<string, number>, Record<string, number>]>([
    ['throw', 'throw', 'throws', thrown, thrown],
    ['throw', 'default', 'throws', thrown, thrown],
    ['throw', 'warn', 'throws', thrown, thrown],
    ['throw', 'off', 'throws', thrown, thrown],
    ['warn', 'throw', 'leaves it to them', nothing, nothing],
    ['warn', 'default', 'leaves RLocks to them, and tells of Locks', nothing, warned],
    ['warn', 'warn', 'tells', warned, warned],
    ['warn', 'off', 'tells', warned, warned],
    ['off', 'throw', 'does nothing', nothing, nothing],
    ['off', 'off', 'does nothing', nothing, nothing],
  ])('with "%s", and the others with "%s": it %s', (mine, theirs, _what, ofRLocks, ofLocks) => {
    expect(outcome(rlocks(3), mine, theirs)).toEqual(ofRLocks);
    warnings = [];
    expect(outcome(locks(3), mine, theirs)).toEqual(ofLocks);
    warnings = [];
    expect(outcome(['RLock', 'Lock'], mine, theirs)).toEqual(ofLocks);
  });

  it.each<[Policy, Kind[], number, 'leaves' | 'tells' | 'waits']>([
    ['throw', rlocks(2), OFF, 'leaves'],
    ['throw', rlocks(2), WARNS, 'leaves'],
    ['throw', rlocks(2), DEFAULT, 'waits'],
    ['throw', locks(2), DEFAULT, 'leaves'],
    ['throw', locks(2), THROWS, 'waits'],
    ['warn', locks(2), OFF, 'tells'],
    ['warn', rlocks(2), OFF, 'tells'],
    ['warn', locks(2), WARNS, 'waits'],
    ['off', locks(2), OFF, 'waits'],
    ['off', rlocks(2), DEFAULT, 'waits'],
  ])('whose record is not the greatest, with "%s", of %j, if that one notes %i: it %s', (mine, kinds, theirs, what) => {
    const { greatest, others } = ring(kinds);
    greatest.policy = theirs;
    setDeadlockPolicy(mine);
    const [one] = others as [Thread];
    const answers = looks(one, [greatest], 30);
    expect([answers.some((answer) => answer instanceof Error), warnings.length]).toEqual([
      what === 'leaves',
      what === 'tells' ? 1 : 0,
    ]);
  });

  it('"throw" of a Barrier with an action, too', () => {
    setDeadlockPolicy('throw');
    const [actor, waiter] = [new Thread('actor'), new Thread('waiter')];
    const [barrier, lock] = [new Barrier(2, here), make('Lock')];
    waiter.acquire(lock).wait(barrier);
    actor.act(barrier).wait(lock);
    const greatest = greatestOf([actor, waiter]);
    for (const other of [actor, waiter]) other.policy = THROWS;
    const others = [actor, waiter].filter((thread) => thread !== greatest);
    expect(looks(greatest, others, 3).at(-1)).toBeInstanceOf(Error);
  });
});

describe('What a blocked thread looks for', () => {
  const owned: Record<string, () => Primitive> = {
    Lock: () => new Lock(here),
    RLock: () => new RLock(here),
    Barrier: () => new Barrier(1, here),
    'Condition, by its lock': () => new Condition(undefined, here),
    'Lock, attached': () => Lock.from(new Lock(here)),
  };

  it('without anything that has an owner is nothing: it notes where it is blocked', () => {
    const [event, semaphore] = [new Event(here), new Semaphore(1, here)];
    const { ground } = here;
    expect(ground.checkDeadlock).toBeUndefined();
    for (const endless of [true, false]) {
      const before = waitOf(ground, ground.thread);
      const cell = event.address;
      const answer = withWord(ground.thread, THREAD_QUEUED_ON, cell, () => noteBlocked(ground, endless));
      const wait = waitOf(ground, ground.thread);
      expect([answer, (wait & -CELL_SIZE) >>> 0, wait & ENDLESS, policyIn(wait)]).toEqual([
        false,
        cell,
        endless ? ENDLESS : 0,
        OFF,
      ]);
      expect(wait).not.toBe(before);
    }
    for (const primitive of [event, semaphore]) primitive.destroy();
  });

  it.each(Object.keys(owned))('with a %s is a circle of threads', (kind) => {
    const { ground } = here;
    const primitive = owned[kind]!();
    // The built one: another function than the one that is tested above.
    expect(ground.checkDeadlock?.name).toBe(checkDeadlock.name);
    primitive.destroy();
  });
});
