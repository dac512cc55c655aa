/**
 * A thread dies, at any moment at which an engine can stop it: at a function's entry, a loop's head, in a wait. Another one
 * buries it, at any later moment: what it held and what was due to it goes to the others, and nothing of it is left (see
 * `disturbed` of scenario.ts). Nobody else may starve, also when the one that buries it dies at that.
 *
 * `bury` here is `bury` of bindings/reap.ts.
 */

import {
  ABANDONED,
  ACTION,
  ANY,
  CELL_GENERATION,
  CELL_LENGTH,
  CELL_NEXT,
  CELL_SIZE,
  FILLING,
  HANDOFF,
  HEADER_REAPER,
  HELD_BY_TASK,
  HOLD_CELL,
  HOLD_COUNT,
  HOLD_STAMP,
  KIND_ARRAY,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_HOLD,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_TASK,
  KIND_THREAD,
  NO_ACTION,
  NOBODY,
  ON_DEATH_KEEP,
  ON_DEATH_RELEASE,
  ON_DEATH_TELL,
  RLOCK_DEPTH,
  SET,
  STATE_BROKEN,
  STATE_GRANTED,
  STATUS_ABANDONED,
  STATUS_BROKEN,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_TIMEOUT,
  THREAD_INFO,
  THREAD_OWNING_THREAD,
  UNIT,
  WITH_ACTION,
} from '../../../assembly/abi.ts';
import { IDLE, IDLE_LOCK, IDLE_SEMAPHORE, type Idle } from '../../../bindings/idle.ts';
import { inInstance } from '../link.ts';
import {
  call,
  choose,
  expect,
  FOR_EVER,
  forever,
  get,
  ID,
  look,
  lookWide,
  mark,
  once,
  type Play,
  type Primitive,
  type Scenario,
  SOON,
  set,
  TIMED,
  UNTIMED,
  until,
  use,
  type World,
} from '../scenario.ts';
import type { View } from '../system.ts';
import {
  acquiringLock,
  acquiringPermit,
  acquiringRLock,
  awaitingEvent,
  blockForLock,
  came,
  END,
  eventLoop,
  meeting as meetingAt,
  notification,
  REFUSED,
  releaseLock,
  releasePermit,
  releaseRLock,
  type Step,
  waits,
  within,
} from '../tasks.ts';
import { Objection, type Program, type Request, type Script } from '../thread.ts';

/** The thread that dies. */
const MORTAL = 0;
const CORES = 2;

/* As bindings/reap.ts. */

/** Goes on when a thread is dead, and that can be found out. */
const dead = (world: World, t: number): Request => until(world.arena, (_, dead) => dead(t));

/** Acts while no other thread reaps. */
function* asReaper(world: World, me: number, act: () => Script): Script {
  const { arena, threads } = world;
  const reaper = arena + HEADER_REAPER;
  const claim = (from: bigint, to: bigint): Script<number> => call('claimReaper', arena, from, to);
  const next = (word: bigint, record: number): bigint => (((word >> 32n) + 1n) << 32n) | BigInt(record);
  for (;;) {
    const found = yield* lookWide(reaper);
    const record = Number(BigInt.asUintN(32, found));
    // Until it has finished, or is dead.
    if (record !== 0) yield until(reaper, (now, dead) => now !== record || dead(threads.indexOf(record)));
    const mine = next(found, me);
    if (!(yield* claim(found, mine))) continue;
    yield* act();
    expect(yield* claim(mine, next(mine, 0)), 1);
    return;
  }
}

/** Those of a thread's records that nobody has given back yet. */
function* left(world: World, records: readonly number[], kind: number): Script<number[]> {
  const found: number[] = [];
  for (const record of records) if ((yield* world.kindOf(record)) === kind) found.push(record);
  return found;
}

/** Gives back all that a dead thread has. `more`: cells that are made meanwhile, perhaps. */
function* giveBack(world: World, t: number, more: readonly number[] = []): Script {
  const { arena } = world;
  const [thread] = yield* left(world, [world.threads[t]!], KIND_THREAD);
  if (thread === undefined) return;
  const tasks = yield* left(world, world.tasks[t]!, KIND_TASK);
  const holds = yield* left(world, world.holds[t]!, KIND_HOLD);
  const waiters = [thread, ...tasks];
  for (const waiter of waiters) yield* call('reapWaiter', waiter, CORES);
  for (const cell of [...world.primitives, ...more]) {
    const kind = yield* world.kindOf(cell);
    // Not one of the dead thread.
    if (kind === KIND_TASK) expect(Number((yield* look(cell + THREAD_OWNING_THREAD)) === thread), 0);
    if (kind < KIND_LOCK || kind > KIND_CONDITION) continue;
    const owner = kind <= KIND_RLOCK ? (yield* look(cell)) & -UNIT : 0;
    yield* call('reapCell', cell, thread, waiters.includes(owner) ? owner : 0);
  }
  for (const hold of holds) {
    const [cell, stamp] = [yield* get(hold + HOLD_CELL), yield* get(hold + HOLD_STAMP)];
    while ((yield* get(hold + HOLD_COUNT)) > 0)
      if ((yield* call('semLetGo', cell, stamp, thread, hold)) !== STATUS_OK) break;
  }
  for (const record of [...tasks, ...holds, thread]) yield* call('dropRecord', arena, ID, record);
}

/** Waits for a thread's death, and buries it. */
function* bury(world: World, me: number, t = MORTAL): Script {
  yield dead(world, t);
  yield* asReaper(world, me, () => giveBack(world, t));
}

/** The record of a thread that is buried becomes another thread's. */
function* inherit(world: World, t = MORTAL): Script<number> {
  const record = world.threads[t]!;
  const heir = yield* call('addRecord', world.arena, ID, KIND_THREAD, 0, CORES, 0, record);
  return expect(heir, record);
}

/* What threads do. */

/** A call that does nothing: its thread may die at it, in no other call. */
const rests = (cell: number): Script<number> => call('eventClear', cell, 0);

/** Who does what: a thread, which knows its record. */
type Part = (world: World, me: number) => Program;
const ever =
  (body: (me: number) => Script): Part =>
  (_, me) =>
    forever(() => body(me));
const single =
  (body: (me: number) => Script): Part =>
  (_, me) =>
    once(() => body(me));
/** It buries one that dies, or several, and then does something in the dead one's record. */
const undertaker =
  (then?: (heir: number) => Script, mortals: readonly number[] = [MORTAL]): Part =>
  (world, me) =>
    once(function* () {
      if (mortals.length === 1) yield* bury(world, me, mortals[0]);
      else yield* buryAll(world, me, mortals);
      if (then) yield* then(yield* inherit(world));
    });

/** Buries those that die, in the order in which they do. */
function* buryAll(world: World, me: number, mortals: readonly number[]): Script {
  let living = mortals;
  while (living.length > 0) {
    const who = Number(yield until(world.arena, (_, dead) => living.findIndex((t) => dead(t)) + 1)) - 1;
    yield* asReaper(world, me, () => giveBack(world, living[who]!));
    living = living.filter((_, i) => i !== who);
  }
}

/** Two that bury, and the first of them may die at that; behind so many other threads. */
const burying = (others: number): Pick<Setting, 'mortals' | 'undertakers'> => ({
  mortals: [MORTAL, others],
  undertakers: [others, others + 1],
});

interface Setting extends Omit<Play, 'programs' | 'deaths'> {
  readonly parts: readonly Part[];
  /** Which threads may die; one that buries others may wait for ever for the first of them. */
  readonly mortals?: readonly number[];
  /** Which threads wait for a death. */
  readonly undertakers?: readonly number[];
}

const reaped = (
  primitive: string,
  name: string,
  threads: number,
  lay: (world: World) => Setting,
  options: Pick<Scenario, 'cells' | 'spins'> = {},
): Scenario => ({
  primitive,
  name,
  threads,
  ...options,
  build(world) {
    const { parts, mortals = [MORTAL], undertakers = [threads - 1], mayStarve, ...play } = lay(world);
    for (const t of undertakers) world.undertakers.add(t);
    const idle = (thread: number, view: View): boolean =>
      undertakers.includes(thread) && mortals.some((t) => !undertakers.includes(t) && !view.dead(t));
    const locks = world.primitives.filter((cell) => [KIND_LOCK, KIND_RLOCK].includes(world.made(cell)));
    return {
      ...play,
      // Nobody is handed what nobody has put in order.
      invariant: (view) =>
        locks.some((cell) => (view.word(cell) & (ABANDONED | HANDOFF)) === (ABANDONED | HANDOFF))
          ? 'an abandoned lock is to be handed over'
          : play.invariant?.(view),
      deaths: { most: mortals.length, threads: mortals },
      mayStarve: (thread, view) => idle(thread, view) || (mayStarve?.(thread, view) ?? false),
      programs: parts.map((part, t) => part(world, world.threads[t]!)),
    };
  },
});

/* Locks. */

type Kind = 'lock' | 'rlock';
type OnDeath = 'throw' | 'release' | 'keep';
const ON_DEATH: Readonly<Record<OnDeath, number>> = {
  throw: ON_DEATH_TELL,
  release: ON_DEATH_RELEASE,
  keep: ON_DEATH_KEEP,
};

interface Guarded {
  readonly lock: Primitive;
  /** What it protects. */
  readonly data: number;
  /** Acquires, uses what the lock protects, and releases. Who is told that it is abandoned puts in order, or leaves that to the next. */
  round(me: number): Script;
  /** Uses what the lock protects, which the caller has with this status. False: it has released it, and put nothing in order. */
  uses(me: number, status: number): Script<boolean>;
}

/**
 * @param depth how often it is acquired; only by an RLock more than once
 * @param programs whether programs of lockwork/wasm do so
 */
function guarded(
  world: World,
  kind: Kind,
  {
    onDeath = 'throw' as OnDeath,
    timeout = FOR_EVER,
    depth = 1,
    mortals = [MORTAL] as readonly number[],
    programs = false,
  } = {},
): Guarded {
  const lock = world[kind](ON_DEATH[onDeath]);
  const { cell, stamp } = lock;
  const data = world.data('data');
  /** Whether what the lock protects is not in order. */
  const broken = world.data('broken');
  const inProgram = (me: number, name: string, ...args: number[]): Script<number> =>
    call(inInstance(`${kind}_${name}`, world.threads.indexOf(me)), cell, stamp, ...args);
  const acquire = (me: number, timeout: number): Script<number> =>
    programs ? inProgram(me, 'acquire', timeout) : call(`${kind}Acquire`, cell, stamp, me, timeout);
  const release = function* (me: number): Script {
    expect(yield* programs ? inProgram(me, 'release') : call(`${kind}Release`, cell, stamp, me), STATUS_OK);
  };
  const restore = function* (me: number): Script {
    if (programs) expect(yield* inProgram(me, 'recover'), STATUS_OK);
    else yield* call('restore', cell);
  };
  const uses = function* (me: number, status: number): Script<boolean> {
    if (status === STATUS_ABANDONED) {
      if (onDeath !== 'throw') throw new Objection('it is abandoned');
      // Nobody is told so without a death.
      yield until(world.arena, (_, dead) => mortals.some(dead));
      yield* use(data);
      if (!(yield* choose([0, 1]))) {
        yield* release(me);
        return false;
      }
      yield* restore(me);
    } else if (onDeath === 'throw') expect(yield* look(broken), 0);
    yield mark(broken, 1);
    for (let more = depth; more > 1; more--) expect(yield* acquire(me, timeout), STATUS_OK);
    if (kind === 'rlock') expect(yield* get(cell + RLOCK_DEPTH), depth - 1);
    yield* use(data);
    for (let more = depth; more > 1; more--) yield* release(me);
    yield mark(broken, 0);
    yield* release(me);
    return true;
  };
  return {
    lock,
    data,
    uses,
    *round(me) {
      const status = yield* acquire(me, timeout);
      if (timeout === FOR_EVER) expect(status, STATUS_OK, STATUS_ABANDONED);
      else if (expect(status, STATUS_OK, STATUS_ABANDONED, STATUS_TIMEOUT) === STATUS_TIMEOUT) return;
      yield* uses(me, status);
    },
  };
}

/** One of two dies, and who buries it goes on in its record. */
const owner = (kind: Kind, onDeath: OnDeath, depth = 1): Scenario =>
  reaped(kind, `one of 2 for ever dies${depth > 1 ? ', at any depth' : ''}; abandoned: ${onDeath}`, 3, (world) => {
    const { round, lock } = guarded(world, kind, { onDeath, depth });
    const { cell, stamp } = lock;
    const kept = (word: number): boolean => (word & -UNIT) === NOBODY;
    const heir = function* (me: number): Script {
      // A Lock is released by whoever knows better.
      if (onDeath === 'keep' && kept(yield* look(cell)))
        expect(yield* call(`${kind}Release`, cell, stamp, me), kind === 'lock' ? STATUS_OK : STATUS_NOT_HELD);
      yield* round(me);
    };
    return {
      parts: [ever(round), ever(round), undertaker(heir)],
      mayStarve: (_, view) => kind === 'rlock' && kept(view.word(cell)),
    };
  });

const locks: readonly Scenario[] = (['lock', 'rlock'] as const).flatMap((kind) => [
  owner(kind, 'throw', kind === 'rlock' ? 2 : 1),
  owner(kind, 'release'),
  owner(kind, 'keep'),
]);

const of = (kind: Kind): string => kind;

const timed = (kind: Kind): Scenario =>
  reaped(of(kind), 'one of 2 timed ones for ever dies', 3, (world) => {
    const { round } = guarded(world, kind, { timeout: SOON });
    return { clock: TIMED, parts: [ever(round), ever(round), undertaker()] };
  });

/** The one that buries dies at that, and another goes on. */
const reaperDies = (kind: Kind): Scenario =>
  reaped(of(kind), 'one of 2 dies, and so does who buries it', 4, (world) => {
    const { round } = guarded(world, kind);
    return {
      parts: [single(round), single(round), undertaker(), undertaker()],
      ...burying(2),
    };
  });

/** Held at first by a thread that releases it when both wait; or at any time. */
const wakeUp = (kind: Kind): Scenario =>
  reaped(of(kind), 'the first of 2 waiters dies, and its wake-up goes on', 4, (world) => {
    const { round, lock } = guarded(world, kind);
    const { cell, stamp } = lock;
    const holder = world.threads[2]!;
    expect(world.call(`${kind}Acquire`, cell, stamp, holder, 0), STATUS_OK);
    return {
      parts: [
        single(round),
        single(round),
        single(function* (me) {
          yield until(cell + CELL_LENGTH, (length) => length > 0);
          expect(yield* call(`${kind}Release`, cell, stamp, me), STATUS_OK);
        }),
        undertaker(),
      ],
    };
  });

/** Two that die. */
const two = (kind: Kind): Scenario =>
  reaped(of(kind), '2 of 3 die', 4, (world) => {
    const mortals = [0, 1];
    const { round } = guarded(world, kind, { mortals });
    return { mortals, parts: [single(round), single(round), single(round), undertaker(undefined, mortals)] };
  });

/* Semaphores. */

/** So many permits are there, in the word and with threads that say so, when all are at rest. */
const complete =
  (world: World, cell: number, holders: readonly number[], ...totals: readonly number[]) =>
  (view: View): string | undefined => {
    if (!world.isAtRest(view)) return undefined;
    const total = holders.reduce((sum, holder) => sum + view.word(holder), view.word(cell) >>> 6);
    return totals.includes(total) ? undefined : `there are ${total} permits in place of ${totals}`;
  };

/** Takes a permit, and says so in the moment in which the call has returned: until then it must go back. */
const takes =
  ({ cell, stamp }: Primitive, got: number) =>
  (me: number): Script =>
    within(
      (function* () {
        expect(yield* call('semAcquire', cell, stamp, me, FOR_EVER), STATUS_OK);
        yield mark(got, 1);
      })(),
      () => 'semAcquire',
    );

const gives = ({ cell, stamp }: Primitive, permits: number) =>
  function* (me: number): Script {
    expect(yield* call('semRelease', cell, stamp, me, permits), STATUS_OK);
  };

/** Takes a permit for a guard, and gives it back. */
const guards = ({ cell, stamp }: Primitive, hold: number) =>
  function* (me: number): Script {
    expect(yield* call('semHold', cell, stamp, me, FOR_EVER, hold), STATUS_OK);
    expect(yield* call('semLetGo', cell, stamp, me, hold), STATUS_OK);
  };

const semaphores: readonly Scenario[] = [
  reaped('semaphore', 'one of 2 waiters dies, and no permit is lost', 4, (world) => {
    const semaphore = world.semaphore(0);
    const got = [world.data('got1'), world.data('got2')];
    const given = world.data('given');
    const complain = complete(world, semaphore.cell, got, 1);
    return {
      parts: [
        single(takes(semaphore, got[0]!)),
        single(takes(semaphore, got[1]!)),
        single(function* (me) {
          yield* gives(semaphore, 1)(me);
          yield mark(given, 1);
        }),
        undertaker(),
      ],
      invariant: (view) => (view.word(given) ? complain(view) : undefined),
      // The other one has it.
      mayStarve: (_, view) => got.some((word) => view.word(word)),
    };
  }),
  reaped('semaphore', 'the releaser of 2 permits dies, and both waiters go on or none', 4, (world) => {
    const semaphore = world.semaphore(0);
    const got = [world.data('got1'), world.data('got2')];
    return {
      parts: [single(gives(semaphore, 2)), ...got.map((word) => single(takes(semaphore, word))), undertaker()],
      invariant: complete(world, semaphore.cell, got, 0, 2),
      mayStarve: (_, view) => view.word(semaphore.cell) >>> 6 === 0 && got.every((word) => !view.word(word)),
    };
  }),
  reaped('semaphore', "a guard's permit is given back once, also when who buries its thread dies", 4, (world) => {
    const semaphore = world.semaphore(1, 1);
    const hold = world.hold(world.threads[MORTAL]!, semaphore);
    return {
      parts: [single(guards(semaphore, hold)), single(guards(semaphore, 0)), undertaker(), undertaker()],
      ...burying(2),
      invariant: complete(world, semaphore.cell, [hold], 1),
    };
  }),
  reaped('semaphore', 'a guard and 2 waiters: its permit goes to one of them', 4, (world) => {
    const semaphore = world.semaphore(1);
    const hold = world.hold(world.threads[MORTAL]!, semaphore);
    return {
      parts: [
        single(guards(semaphore, hold)),
        single(guards(semaphore, 0)),
        single(guards(semaphore, 0)),
        undertaker(),
      ],
      invariant: complete(world, semaphore.cell, [hold], 1),
    };
  }),
  reaped('semaphore', "a task's guard: its permit is given back", 3, (world) => {
    const semaphore = world.semaphore(0);
    const [me, giver] = world.threads as [number, number];
    const hold = world.hold(me, semaphore);
    const task = (): Step[] => [waits(acquiringPermit(semaphore, me, hold)), releasePermit(semaphore, me, hold)];
    const complain = complete(world, semaphore.cell, [hold], 1);
    const given = world.data('given');
    return {
      parts: [
        (_, me) => once(eventLoop(world, me, [task(), task()])),
        single(function* () {
          yield* gives(semaphore, 1)(giver);
          yield mark(given, 1);
        }),
        undertaker(),
      ],
      invariant: (view) => (view.word(given) ? complain(view) : undefined),
    };
  }),
];

/* Events. */

const waitsFor = ({ cell, stamp }: Primitive) =>
  function* (me: number): Script {
    expect(yield* call('eventWait', cell, stamp, me, FOR_EVER), STATUS_OK);
  };
const sets = ({ cell, stamp }: Primitive) =>
  function* (me: number): Script {
    expect(yield* call('eventSet', cell, stamp, me), STATUS_OK);
  };

/** The setter dies. */
const setter = (name: string, last: (world: World, event: Primitive) => Part): Scenario =>
  reaped('event', `the setter dies on its way to 2 waiters: ${name}`, 4, (world) => {
    const event = world.event();
    return {
      parts: [single(sets(event)), single(waitsFor(event)), single(waitsFor(event)), last(world, event)],
      mayStarve: (_, view) => view.word(event.cell) !== SET,
    };
  });

/** A waiter dies: in the queue, or as it looks before it enters. */
const flickering = (name: string, spins = 0): Scenario =>
  reaped(
    'event',
    `${name} dies beside a thread that sets and clears for ever`,
    3,
    (world) => {
      const event = world.event();
      const { cell, stamp } = event;
      return {
        parts: [
          single(waitsFor(event)),
          ever(function* (me) {
            yield* sets(event)(me);
            expect(yield* call('eventClear', cell, stamp), STATUS_OK);
          }),
          undertaker(),
        ],
        wraps: new Map([[cell + CELL_GENERATION, 4]]),
      };
    },
    { spins },
  );

const events: readonly Scenario[] = [
  setter('who buries it lets them through', () => undertaker()),
  setter('who looks after the event lets them through', (world, { cell }) =>
    single(function* (me) {
      yield dead(world, MORTAL);
      yield* call('reapCell', cell, me, 0);
    }),
  ),
  flickering('a waiter'),
  flickering('a waiter that looks before it enters', 2),
  {
    primitive: 'event',
    name: 'one of 2 waiters dies: set lets the other through all the same',
    threads: 3,
    build(world) {
      const event = world.event();
      return {
        programs: [waitsFor, waitsFor, sets].map((act, t) => once(() => act(event)(world.threads[t]!))),
        deaths: { most: 1, threads: [MORTAL] },
      };
    },
  },
];

/* Barriers. */

/** One of the parties; the last of them runs an action, if there is one. */
const party = (world: World, { cell, stamp }: Primitive, action: number) => {
  const data = world.data('data');
  return function* (me: number): Script<number> {
    const index = yield* call('barrierWait', cell, stamp, me, FOR_EVER, action);
    expect(index, 0, 1, STATUS_BROKEN);
    if (action === NO_ACTION || index !== 1) return index;
    const generation = yield* get(me + CELL_GENERATION);
    yield* use(data);
    // Those that wait for the action cannot break it any more.
    expect(yield* call('barrierEnd', cell, stamp, me, generation, ACTION, STATE_GRANTED, FILLING), 1);
    return index;
  };
};

const barrierOf = (name: string, threads: number, action: number): Scenario =>
  reaped('barrier', name, threads + 1, (world) => {
    const barrier = world.barrier(2);
    const meets = party(world, barrier, action);
    const part = single(function* (me) {
      yield* meets(me);
    });
    return {
      keeps: [CELL_GENERATION],
      parts: [...Array<Part>(threads).fill(part), undertaker()],
      // Nobody comes any more.
      mayStarve: (thread, view) =>
        view.word(barrier.cell) === UNIT &&
        Array.from({ length: threads }, (_, t) => t).every((t) => t === thread || view.dead(t) || view.finished(t)),
    };
  });

const barriers: readonly Scenario[] = [
  barrierOf('one of 2 parties dies', 2, NO_ACTION),
  barrierOf('one of 2 parties dies, the last one perhaps, or in its action', 2, WITH_ACTION),
  barrierOf('one of 3 threads dies, which are 2 parties with an action', 3, WITH_ACTION),
  reaped('barrier', 'one of 2 parties with an action dies, and so does who buries it', 4, (world) => {
    const barrier = world.barrier(2);
    const meets = party(world, barrier, WITH_ACTION);
    const part = single(function* (me) {
      yield* meets(me);
    });
    return {
      ...burying(2),
      keeps: [CELL_GENERATION],
      parts: [part, part, undertaker(), undertaker()],
      mayStarve: (_, view) => view.word(barrier.cell) === UNIT && (view.dead(MORTAL) || view.finished(MORTAL)),
    };
  }),
  reaped('barrier', 'one of 2 for ever dies, the other one mends it', 3, (world) => {
    const barrier = world.barrier(2);
    const { cell, stamp } = barrier;
    const meets = party(world, barrier, NO_ACTION);
    const round = function* (me: number): Script {
      if ((yield* meets(me)) !== STATUS_BROKEN) return;
      // Broken by nothing but a death.
      yield dead(world, MORTAL);
      expect(yield* call('barrierEnd', cell, stamp, me, 0, ANY, STATE_BROKEN, FILLING), 1);
    };
    return {
      parts: [ever(round), ever(round), undertaker()],
      wraps: new Map([[cell + CELL_GENERATION, 8]]),
      mayStarve: (thread, view) => thread < 2 && [0, 1].some((t) => view.dead(t) || view.finished(t)),
    };
  }),
];

/* Programs of lockwork/wasm. */

const programs: readonly Scenario[] = [
  ...(['lock', 'rlock'] as const).flatMap((kind) =>
    [FOR_EVER, SOON].map((timeout) =>
      reaped('imports', `${kind}: one of 2 programs for ever dies${timeout === SOON ? ', timed' : ''}`, 3, (world) => {
        const depth = kind === 'rlock' ? 2 : 1;
        const { round } = guarded(world, kind, { timeout, depth, programs: true });
        return {
          clock: timeout === SOON ? TIMED : UNTIMED,
          module: world.linked(),
          parts: [ever(round), ever(round), undertaker()],
        };
      }),
    ),
  ),
  reaped('imports', 'barrier: one of 3 programs dies, the last one perhaps, as it ends the round', 4, (world) => {
    const barrier = world.barrier(3);
    const { cell, stamp } = barrier;
    const part: Part = (world, me) =>
      once(function* () {
        const wait = inInstance('barrier_wait', world.threads.indexOf(me));
        expect(yield* call(wait, cell, stamp, FOR_EVER), 0, 1, 2, STATUS_BROKEN);
      });
    return {
      module: world.linked(),
      parts: [part, part, part, undertaker()],
      // Nobody comes any more.
      mayStarve: (_, view) => view.word(cell) > 0 && (view.dead(MORTAL) || view.finished(MORTAL)),
    };
  }),
];

/* Conditions. */

/** What threads do that wait for a Condition and notify. */
function meeting(world: World, kind: Kind) {
  const lock = world[kind]();
  const condition = world.condition(lock);
  const data = world.data('data');
  const recursive = Number(kind === 'rlock');
  const { cell, stamp } = lock;
  /** It has the lock, whoever died with it before. */
  const has = function* (status: number): Script {
    const told = expect(status, STATUS_OK, STATUS_ABANDONED) === STATUS_ABANDONED;
    expect((yield* look(cell)) & ABANDONED, told ? ABANDONED : 0);
    if (!told) return;
    yield dead(world, MORTAL);
    yield* call('restore', cell);
  };
  const acquires = function* (me: number): Script {
    yield* has(yield* call(`${kind}Acquire`, cell, stamp, me, FOR_EVER));
  };
  const releases = function* (me: number): Script {
    yield* use(data);
    expect(yield* call(`${kind}Release`, cell, stamp, me), STATUS_OK);
  };
  return {
    lock,
    condition,
    /** @param came says so when the next one that has the lock finds it in the queue */
    waits: (came: number) =>
      function* (me: number): Script {
        yield* acquires(me);
        if (kind === 'rlock') expect(yield* call('rlockAcquire', cell, stamp, me, 0), STATUS_OK);
        yield mark(came, 1);
        const status = yield* call('condWait', condition.cell, condition.stamp, me, me, FOR_EVER, recursive);
        yield* has(status);
        if (kind === 'rlock') expect(yield* call('rlockRelease', cell, stamp, me), STATUS_OK);
        yield* releases(me);
      },
    notifies: (n: number, ...came: readonly number[]) =>
      function* (me: number): Script {
        for (const word of came) yield until(word, Boolean);
        yield* acquires(me);
        const status = yield* call('condNotify', condition.cell, condition.stamp, me, n, recursive);
        expect(status, STATUS_OK);
        yield* releases(me);
      },
  };
}

/** It notifies a waiter while the holder lets the Lock go, and dies before it has woken the waiter. */
const stranger: Scenario = reaped('condition', 'over a Lock: a stranger that notifies dies', 4, (world) => {
  const { lock, condition, waits } = meeting(world, 'lock');
  const came = world.data('came');
  return {
    parts: [
      single(function* (me) {
        yield until(condition.cell + CELL_LENGTH, Boolean);
        const status = yield* call('condNotify', condition.cell, condition.stamp, me, 1, 0);
        expect(status, STATUS_OK, STATUS_NOT_HELD);
      }),
      single(waits(came)),
      single(function* (me) {
        yield until(came, Boolean);
        expect(yield* call('lockAcquire', lock.cell, lock.stamp, me, FOR_EVER), STATUS_OK);
        expect(yield* call('lockRelease', lock.cell, lock.stamp, me), STATUS_OK);
      }),
      undertaker(),
    ],
    // It was not notified.
    mayStarve: (thread, view) => thread === 1 && view.word(condition.cell + CELL_LENGTH) === 1,
  };
});

/** Any thread may release a Lock: then it is not the dead one's any more, and who has it next may write into it. */
const released: Scenario = reaped(
  'condition',
  'over a Lock: a stranger releases what a dead thread has, and waits with it',
  3,
  (world) => {
    const lock = world.lock();
    const condition = world.condition(lock);
    const { cell, stamp } = lock;
    return {
      clock: TIMED,
      parts: [
        single(function* (me) {
          expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK);
          yield* rests(cell);
        }),
        single(function* (me) {
          yield until(cell, (word, dead) => word >= UNIT || dead(MORTAL));
          expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK, STATUS_NOT_HELD);
          expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK, STATUS_ABANDONED);
          const status = yield* call('condWait', condition.cell, condition.stamp, me, me, SOON, 0);
          expect(status, STATUS_TIMEOUT, STATUS_ABANDONED);
          expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
        }),
        undertaker(),
      ],
    };
  },
);

const conditions: readonly Scenario[] = (['lock', 'rlock'] as const).flatMap((kind) => {
  const over = `over ${kind === 'lock' ? 'a Lock' : 'an RLock'}`;
  return [
    reaped('condition', `${over}: a waiter dies beside its notifier`, 3, (world) => {
      const { waits, notifies } = meeting(world, kind);
      return { parts: [single(waits(world.data('came'))), single(notifies(1)), undertaker()] };
    }),
    reaped('condition', `${over}: a waiter dies beside its notifier, and so does who buries it`, 4, (world) => {
      const { waits, notifies } = meeting(world, kind);
      return {
        ...burying(2),
        parts: [single(waits(world.data('came'))), single(notifies(1)), undertaker(), undertaker()],
      };
    }),
    reaped('condition', `${over}: the notifier of 2 dies, and who buries it notifies them`, 4, (world) => {
      const { waits, notifies } = meeting(world, kind);
      const came = [world.data('came1'), world.data('came2')];
      return {
        parts: [
          single(notifies(2, ...came)),
          ...came.map((word) => single(waits(word))),
          undertaker(notifies(2, ...came)),
        ],
      };
    }),
    reaped('condition', `${over}: one of 2 waiters dies, and both are notified`, 4, (world) => {
      const { waits, notifies } = meeting(world, kind);
      const [first, second] = [world.data('came1'), world.data('came2')];
      return {
        parts: [
          single(waits(first)),
          single(function* (me) {
            yield until(first, (came, dead) => came || dead(MORTAL));
            yield* waits(second)(me);
          }),
          single(notifies(2, second)),
          undertaker(),
        ],
      };
    }),
  ];
});

/* Tasks. */

/** A task that acquires, uses what the lock protects, and releases. Its thread is the one that dies, so it is told of no death. */
function taskOf(world: World, me: number, kind: Kind, { lock, data }: Guarded): Step[] {
  const owner = kind === 'lock' ? me : world.task(me);
  return [
    waits(kind === 'lock' ? acquiringLock(lock, me) : acquiringRLock(lock, owner)),
    came(STATUS_OK),
    () => use(data),
    kind === 'lock' ? releaseLock(lock, me) : releaseRLock(lock, owner),
  ];
}

/** A thread whose tasks do this, one beside the other. */
const loop =
  (steps: (world: World, me: number) => readonly (readonly Step[])[], options = {}): Part =>
  (world, me) =>
    once(eventLoop(world, me, steps(world, me), options));

/** The cells of a dead thread's records become an array: whoever writes there later, races. */
function* takeCells(world: World, cells: number): Script {
  const block = yield* call('alloc', world.arena, ID, KIND_ARRAY, cells);
  expect(Math.sign(block), 1);
  for (let at = block; at < block + cells * CELL_SIZE; at += 4) yield set(at, 0x0a0a0a0a);
}

/** Cells of an arena with room for its header, its threads and so many others, and no more. */
const roomFor = (threads: number, others: number): number => 5 + threads + others;

const tasks: readonly Scenario[] = [
  ...(['lock', 'rlock'] as const).flatMap((kind) => {
    const one = kind === 'lock' ? 'a Lock' : 'an RLock';
    return [
      reaped('inbox', `a thread dies with a task that acquires ${one}`, 3, (world) => {
        const it = guarded(world, kind);
        return { parts: [loop((_, me) => [taskOf(world, me, kind, it)]), ever(it.round), undertaker()] };
      }),
      reaped('inbox', `a thread dies with 2 tasks in a local queue of ${one}`, 3, (world) => {
        const it = guarded(world, kind);
        const tasks = (_: World, me: number) => [1, 2].map(() => taskOf(world, me, kind, it));
        return { parts: [loop(tasks, { busy: true }), single(it.round), undertaker()] };
      }),
    ];
  }),
  reaped('inbox', 'a thread dies with 2 tasks in a local queue, and so does who buries it', 4, (world) => {
    const it = guarded(world, 'lock');
    const tasks = (_: World, me: number) => [1, 2].map(() => taskOf(world, me, 'lock', it));
    return {
      ...burying(2),
      parts: [loop(tasks, { busy: true }), single(it.round), undertaker(), undertaker()],
    };
  }),
  reaped('inbox', 'a thread dies that blocks beside its task', 3, (world) => {
    const it = guarded(world, 'lock');
    const tasks = (_: World, me: number) => [
      taskOf(world, me, 'lock', it),
      [
        blockForLock(it.lock, me),
        // biome-ignore lint/correctness/useYield: there is nothing to ask for
        function* (status: number): Script<unknown> {
          return expect(status, STATUS_OK, REFUSED) === STATUS_OK ? undefined : END;
        },
        () => use(it.data),
        releaseLock(it.lock, me),
      ],
    ];
    // The thread's own record comes into its inbox.
    return { keeps: [CELL_NEXT], parts: [loop(tasks), single(it.round), undertaker()] };
  }),
  reaped('inbox', 'a thread dies with 3 tasks in a local queue of a Lock that another has', 3, (world) => {
    const it = guarded(world, 'lock');
    const { cell, stamp } = it.lock;
    expect(world.call('lockAcquire', cell, stamp, world.threads[1]!, 0), STATUS_OK);
    const tasks = (_: World, me: number) => [1, 2, 3].map(() => taskOf(world, me, 'lock', it));
    return {
      parts: [
        loop(tasks, { busy: true }),
        single(function* (me) {
          yield* it.uses(me, STATUS_OK);
        }),
        undertaker(),
      ],
    };
  }),
  reaped(
    'inbox',
    'a thread dies with a task that waits for a Lock, and nobody writes into what was its cell',
    3,
    (world) => {
      const it = guarded(world, 'lock');
      return {
        parts: [
          loop((_, me) => [taskOf(world, me, 'lock', it)]),
          single(it.round),
          single(function* (me) {
            yield* bury(world, me);
            yield* takeCells(world, 2);
          }),
        ],
      };
    },
    { cells: roomFor(3, 3) },
  ),
  reaped(
    'inbox',
    'a thread dies with a task that waits for an Event, and nobody writes into what was its cell',
    3,
    (world) => {
      const event = world.event();
      return {
        parts: [
          loop((_, me) => [[waits(awaitingEvent(event, me))]]),
          single(sets(event)),
          single(function* (me) {
            yield* bury(world, me);
            yield* takeCells(world, 2);
          }),
        ],
      };
    },
    { cells: roomFor(3, 3) },
  ),
  reaped('inbox', 'a thread dies with a task at a Barrier', 3, (world) => {
    const barrier = world.barrier(2);
    const meets = party(world, barrier, NO_ACTION);
    return {
      keeps: [CELL_GENERATION],
      parts: [
        loop(() => [[waits(meetingAt(barrier))]]),
        single(function* (me) {
          yield* meets(me);
        }),
        undertaker(),
      ],
      mayStarve: (_, view) => view.word(barrier.cell) === UNIT && (view.dead(MORTAL) || view.finished(MORTAL)),
    };
  }),
  ...(['lock', 'rlock'] as const).map((kind) =>
    reaped(
      'inbox',
      `a thread dies with a task in a Condition over ${kind === 'lock' ? 'a Lock' : 'an RLock'}`,
      3,
      (world) => {
        const { lock, condition, notifies } = meeting(world, kind);
        const came = world.data('came');
        const [me] = world.threads as [number];
        const owner = kind === 'lock' ? me : world.task(me);
        const name = kind === 'lock' ? me | HELD_BY_TASK : owner;
        const steps: Step[] = [
          waits(kind === 'lock' ? acquiringLock(lock, me) : acquiringRLock(lock, owner)),
          function* () {
            yield mark(came, 1);
          },
          waits(notification(condition, lock, name, kind === 'rlock')),
          kind === 'lock' ? releaseLock(lock, me) : releaseRLock(lock, owner),
        ];
        return { parts: [loop(() => [steps]), single(notifies(1)), undertaker()] };
      },
    ),
  ),
];

/* Destroyed beside that. */

/** Whoever destroys a primitive writes an array over it; atomically, since who buries looks at all cells without asking. */
function* destroys(it: Primitive, me: number, { mask, idle, dead }: Idle, ...others: number[]): Script {
  const status = yield* call('destroy', it.cell, it.stamp, me, mask, idle, dead);
  if (expect(status, STATUS_OK, ...others) !== STATUS_OK) return;
  const words = Array.from({ length: CELL_SIZE / 4 }, (_, i) => it.cell + 4 * i);
  for (const word of words) yield mark(word, 0x0a0a0a0a);
  for (const word of words) expect(yield* look(word), 0x0a0a0a0a);
}

/** The mortal one uses it; another one does its part, and destroys it as soon as the first is out or dead; who buries tries, too. */
const gone = (
  primitive: string,
  name: string,
  idle: Idle,
  make: (world: World) => Primitive,
  uses: (it: Primitive, me: number) => Script<unknown>,
  acts: (it: Primitive, me: number) => Script<unknown>,
): Scenario =>
  reaped(primitive, `${name}, and it is destroyed beside who buries it`, 3, (world) => {
    const it = make(world);
    const [out, tried] = [world.data('out'), world.data('tried')];
    return {
      parts: [
        single(function* (me) {
          yield* uses(it, me);
          yield mark(out, 1);
        }),
        single(function* (me) {
          yield* acts(it, me);
          yield until(out, (out, dead) => out || dead(MORTAL));
          yield* destroys(it, me, idle, STATUS_BUSY);
          yield mark(tried, 1);
        }),
        // Nothing is in the way any more.
        undertaker(function* (me) {
          yield until(tried, Boolean);
          yield* destroys(it, me, idle, STATUS_DESTROYED);
        }),
      ],
    };
  });

function* holds({ cell, stamp }: Primitive, me: number): Script {
  expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK, STATUS_ABANDONED);
  expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK);
}

/** A Condition goes after its lock, which nobody can destroy while somebody waits: if the lock could go, so can the Condition. */
const both = (kind: Kind): Scenario =>
  reaped(
    'condition',
    `over ${kind === 'lock' ? 'a Lock' : 'an RLock'}: a waiter dies, and both are destroyed beside who buries it`,
    3,
    (world) => {
      const { lock, condition, waits } = meeting(world, kind);
      const tried = world.data('tried');
      const destroys = function* (me: number, ...others: number[]): Script {
        const destroy = ({ cell, stamp }: Primitive, { mask, idle, dead }: Idle) =>
          call('destroy', cell, stamp, me, mask, idle, dead);
        if (expect(yield* destroy(lock, IDLE_LOCK), STATUS_OK, ...others) === STATUS_BUSY) return;
        expect(yield* destroy(condition, IDLE), STATUS_OK, STATUS_DESTROYED);
      };
      return {
        parts: [
          single(waits(world.data('came'))),
          single(function* (me) {
            yield dead(world, MORTAL);
            yield* destroys(me, STATUS_BUSY);
            yield mark(tried, 1);
          }),
          undertaker(function* (me) {
            yield until(tried, Boolean);
            yield* destroys(me, STATUS_DESTROYED);
          }),
        ],
        undertakers: [1, 2],
      };
    },
  );

/** In the only cell that is free, a thread makes something while another walks over all cells. */
const made = (name: string, make: (world: World, me: number) => Script<number>): Scenario =>
  reaped(
    'arena',
    `${name} beside who buries a thread`,
    3,
    (world) => {
      const { cell, stamp } = world.lock();
      const free = cell + CELL_SIZE;
      return {
        parts: [
          single((me) => holds({ cell, stamp }, me)),
          single(function* (me) {
            expect(yield* make(world, me), free);
          }),
          single(function* (me) {
            yield dead(world, MORTAL);
            yield* asReaper(world, me, () => giveBack(world, MORTAL, [free]));
          }),
        ],
      };
    },
    { cells: roomFor(3, 2) },
  );

const destroyed: readonly Scenario[] = [
  both('lock'),
  both('rlock'),
  made('a Lock is made', ({ arena }) => call('create', arena, ID, KIND_LOCK)),
  made('an Event is made', ({ arena }) => call('create', arena, ID, KIND_EVENT)),
  made("a task's record is made", ({ arena }, me) => call('addRecord', arena, ID, KIND_TASK, -1, CORES, me, 0)),
  gone('lock', 'one that uses it dies', IDLE_LOCK, (world) => world.lock(), holds, holds),
  gone(
    'lock',
    'one that has it dies, a stranger releases it',
    IDLE_LOCK,
    (world) => {
      // Who died is written into the lock.
      world.poke(world.threads[MORTAL]! + THREAD_INFO, world.call('alloc', world.arena, ID, KIND_ARRAY, 1));
      return world.lock();
    },
    function* ({ cell, stamp }, me) {
      expect(yield* call('lockAcquire', cell, stamp, me, FOR_EVER), STATUS_OK);
      yield* rests(cell);
    },
    function* ({ cell, stamp }, me) {
      yield until(cell, (word, dead) => word >= UNIT || dead(MORTAL));
      expect(yield* call('lockRelease', cell, stamp, me), STATUS_OK, STATUS_NOT_HELD);
    },
  ),
  gone(
    'event',
    'a waiter dies',
    IDLE,
    (world) => world.event(),
    (it, me) => waitsFor(it)(me),
    (it, me) => sets(it)(me),
  ),
  gone(
    'semaphore',
    'a waiter dies',
    IDLE_SEMAPHORE,
    (world) => world.semaphore(0),
    ({ cell, stamp }, me) => call('semAcquire', cell, stamp, me, FOR_EVER),
    (it, me) => gives(it, 1)(me),
  ),
];

export const reap: readonly Scenario[] = [
  ...locks,
  timed('lock'),
  reaperDies('lock'),
  reaperDies('rlock'),
  wakeUp('lock'),
  two('lock'),
  ...semaphores,
  ...events,
  ...barriers,
  ...programs,
  ...conditions,
  stranger,
  released,
  ...tasks,
  ...destroyed,
];
