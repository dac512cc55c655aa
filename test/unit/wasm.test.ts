/** lockwork/wasm: what each call of a program answers. The functions that a program imports are called from here. */
import { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, type Primitive, RLock, Semaphore } from 'lockwork';
import { type Imports, type ImportsOptions, imports } from 'lockwork/wasm';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Bad, wrong } from '../support/badInput.ts';
import { threadArenaOf } from '../support/dead.ts';
import { thread, until } from '../support/threads.ts';

const [OK, TIMEOUT, NOT_HELD, OVER_RELEASE, BROKEN, DESTROYED, BUSY] = [0, -1, -2, -3, -4, -5, -6];
const [DEADLOCK, OUT_OF_MEMORY, INVALID] = [-9, -10, -11];
const [LOCK, RLOCK, SEMAPHORE, BOUNDED, EVENT, BARRIER, CONDITION] = [3, 4, 5, 6, 7, 8, 9];

type Calls = Readonly<Record<string, (...args: number[]) => number>>;
const PAGE = 65_536;

const PAGES = 512;

const newMemory = (pages: number) => new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
/** Of all tests: a page may have few. The first of its own pages is the programs', and each test has another one. */
const memory = newMemory(PAGES);
let page = 0;
const newArena = (byteLength = PAGE - 1_024) => new Arena({ memory, byteOffset: ++page * PAGE + 1_024, byteLength });
const callsOf = (of: Imports): Calls => of.lockwork as unknown as Calls;
const { promising } = WebAssembly as { promising?: (call: unknown) => (...args: number[]) => Promise<number> };
const suspends = promising !== undefined;

let arena: Arena;
let calls: Calls;

beforeEach(() => {
  arena = newArena();
  calls = callsOf(imports(arena));
});

/** Calls with the handle of a primitive. */
const on = (of: Primitive, call: string, ...args: number[]): number => calls[call]!(of.address, of.stamp, ...args);

/** Each function that has a handle, with the rest of its arguments, and a primitive for it that lets it through. */
const FUNCTIONS: [name: string, rest: number[], make: () => Primitive, answer: number][] = [
  ['lock_acquire', [0], () => new Lock({ arena }), OK],
  ['lock_release', [], () => held(new Lock({ arena })), OK],
  ['lock_recover', [], () => held(new Lock({ arena })), OK],
  ['rlock_acquire', [0], () => new RLock({ arena }), OK],
  ['rlock_release', [], () => held(new RLock({ arena })), OK],
  ['rlock_recover', [], () => held(new RLock({ arena })), OK],
  ['sem_acquire', [0], () => new Semaphore(1, { arena }), OK],
  ['sem_release', [1], () => new Semaphore(1, { arena }), OK],
  ['event_wait', [0], () => set(new Event({ arena })), OK],
  ['event_set', [], () => new Event({ arena }), OK],
  ['event_clear', [], () => new Event({ arena }), OK],
  ['barrier_wait', [0], () => new Barrier(1, { arena }), 0],
  ['barrier_abort', [], () => new Barrier(1, { arena }), OK],
  ['barrier_reset', [], () => new Barrier(1, { arena }), OK],
  ['cond_wait', [0], () => held(new Condition(undefined, { arena })), TIMEOUT],
  ['cond_notify', [1], () => held(new Condition(undefined, { arena })), OK],
  ['value', [], () => new Lock({ arena }), 0],
  ['destroy', [], () => new Lock({ arena }), OK],
];

function held<T extends Lock | RLock | Condition>(lock: T): T {
  lock.acquire();
  return lock;
}

function set(event: Event): Event {
  event.set();
  return event;
}

describe.each(FUNCTIONS)('%s', (name, rest, make, answer) => {
  it('answers what it came to', () => {
    expect(on(make(), name, ...rest)).toBe(answer);
  });

  it('refuses a handle that was never made, before there is an arena, and after it has been destroyed', () => {
    const primitive = make();
    expect(calls[name]!(0, 0, ...rest)).toBe(INVALID);
    const unbound = callsOf(imports(arena.memory));
    expect(unbound[name]!(primitive.address, primitive.stamp, ...rest)).toBe(INVALID);
    expect(calls[name]!(primitive.address, primitive.stamp + 1, ...rest)).toBe(DESTROYED);
    if (primitive instanceof Lock || primitive instanceof RLock) while (primitive.locked) primitive.release();
    if (primitive instanceof Condition) primitive.release();
    primitive.destroy();
    expect(on(primitive, name, ...rest)).toBe(DESTROYED);
  });

  it('refuses addresses at which no cell of the arena can begin, and traps at none', () => {
    const { address, stamp } = make();
    const end = arena.address + arena.memory.buffer.byteLength;
    const bad = [1, 4, 63].map((bytes) => address + bytes);
    const outside = [0, arena.address - 64, end, end - 64, 0x7fffffc0, -64, -4, -1];
    // What is to be destroyed is looked up by name: nothing is there.
    const refused = name === 'destroy' ? DESTROYED : INVALID;
    for (const at of [...bad, ...outside]) expect([at, calls[name]!(at, stamp, ...rest)]).toEqual([at, refused]);
    expect(calls[name]!(address, 0, ...rest)).toBe(INVALID);
  });

  it('does nothing in the midst of a wait of its thread', () => {
    const primitive = make();
    const ground = threadArenaOf(arena);
    const meanwhile: number[] = [];
    ground.withoutCalls(() => meanwhile.push(on(primitive, name, ...rest)));
    expect(meanwhile).toEqual([INVALID]);
    expect(on(primitive, name, ...rest)).toBe(answer);
  });
});

it.each(FUNCTIONS.filter(([name]) => /_/.test(name)))(
  '%s refuses another kind, and changes nothing',
  (name, rest, make) => {
    const { kind } = make();
    const others = FUNCTIONS.map(([, , make]) => make()).filter((other) => other.kind !== kind);
    const values = () => others.map((other) => on(other, 'value'));
    const before = values();
    for (const other of others) expect([other.kind, on(other, name, ...rest)]).toEqual([other.kind, INVALID]);
    expect(values()).toEqual(before);
  },
);

it('knows cells of a memory that has grown since', () => {
  const growing = new Arena({ maximumBytes: 1 << 22 });
  const { lock_acquire: acquire } = callsOf(imports(growing));
  const beyond = growing.memory.buffer.byteLength;
  expect(acquire!(beyond, 1, 0)).toBe(INVALID);
  growing.allocate(Uint8Array, 1 << 20);
  const locks = Array.from({ length: 100 }, () => new Lock({ arena: growing }));
  const far = locks.filter(({ address }) => address >= beyond);
  expect(far.length).toBeGreaterThan(0);
  for (const { address, stamp } of far) expect(acquire!(address, stamp, 0)).toBe(OK);
});

it.each(FUNCTIONS.filter(([name]) => /acquire|wait/.test(name)))('%s refuses what is no time', (name, _, make) => {
  const times = name === 'barrier_wait' ? [Number.NaN] : [Number.NaN, -1, -Infinity];
  for (const time of times) expect([time, on(make(), name, time)]).toEqual([time, INVALID]);
});

describe('A program that blocks', () => {
  it.each([0, 5])('is told after %i ms that a thing is not free', (ms) => {
    const lock = new Lock({ arena });
    const rlock = new RLock({ arena });
    const [semaphore, event] = [new Semaphore(0, { arena }), new Event({ arena })];
    const condition = held(new Condition(new Lock({ arena })));
    lock.acquire();
    // The thread owns it itself.
    rlock.acquire();
    const begun = performance.now();
    expect(on(lock, 'lock_acquire', ms)).toBe(TIMEOUT);
    expect(on(rlock, 'rlock_acquire', ms)).toBe(OK);
    expect(on(semaphore, 'sem_acquire', ms)).toBe(TIMEOUT);
    expect(on(event, 'event_wait', ms)).toBe(TIMEOUT);
    expect(on(new Barrier(2, { arena }), 'barrier_wait', ms)).toBe(BROKEN);
    expect(on(condition, 'cond_wait', ms)).toBe(TIMEOUT);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(5 * ms - 1);
    expect([lock.waiters, rlock.recursionCount, condition.lock.locked]).toEqual([0, 2, true]);
  });

  it('is told what it may not release, notify or wait for', () => {
    const bounded = new BoundedSemaphore(2, { arena });
    const condition = new Condition(new Lock({ arena }));
    expect(on(new Lock({ arena }), 'lock_release')).toBe(NOT_HELD);
    expect(on(new Lock({ arena }), 'lock_recover')).toBe(NOT_HELD);
    expect(on(new RLock({ arena }), 'rlock_release')).toBe(NOT_HELD);
    expect(on(new RLock({ arena }), 'rlock_recover')).toBe(NOT_HELD);
    expect(on(bounded, 'sem_release', 1)).toBe(OVER_RELEASE);
    expect(on(condition, 'cond_wait', 5)).toBe(NOT_HELD);
    expect(on(condition, 'cond_notify', 1)).toBe(NOT_HELD);
    expect(on(new Condition(undefined, { arena }), 'cond_notify', 1)).toBe(NOT_HELD);
    for (const n of [0, -1, 0x4000000, -0x80000000]) expect(on(bounded, 'sem_release', n)).toBe(INVALID);
    condition.acquire();
    expect(on(condition, 'cond_notify', -1)).toBe(INVALID);
    expect(on(condition, 'cond_notify', 0)).toBe(OK);
  });

  it('is told that a barrier is broken, and may mend it', () => {
    const barrier = new Barrier(1, { arena, timeout: 5 });
    expect(on(barrier, 'barrier_wait', -1)).toBe(0);
    expect(on(barrier, 'barrier_abort')).toBe(OK);
    expect([on(barrier, 'barrier_wait', -1), barrier.broken]).toEqual([BROKEN, true]);
    expect(on(barrier, 'barrier_reset')).toBe(OK);
    expect(on(barrier, 'barrier_wait', 5)).toBe(0);
    expect(on(new Barrier(2, { arena, timeout: 5 }), 'barrier_wait', -1)).toBe(BROKEN);
  });

  it('sees what a primitive is', async () => {
    const lock = new Lock({ arena });
    const rlock = new RLock({ arena });
    const event = new Event({ arena });
    const barrier = new Barrier(3, { arena });
    const values = () => [lock, rlock, event, barrier].map((one) => on(one, 'value'));
    expect(values()).toEqual([0, 0, 0, 0]);
    lock.acquire();
    rlock.acquire();
    rlock.acquire();
    event.set();
    const waiting = [barrier.waitAsync(), barrier.waitAsync()].map((one) => one.catch(() => {}));
    expect(values()).toEqual([1, 1, 1, 2]);
    expect(on(new Semaphore(7, { arena }), 'value')).toBe(7);
    expect(on(new Condition(undefined, { arena }), 'value')).toBe(0);
    barrier.abort();
    await Promise.all(waiting);
    expect(on(barrier, 'value')).toBe(0);
  });

  it('owns what its thread owns', () => {
    const rlock = new RLock({ arena });
    rlock.acquire();
    expect(on(rlock, 'rlock_acquire', Infinity)).toBe(OK);
    expect(rlock.recursionCount).toBe(2);
    expect([on(rlock, 'rlock_release'), on(rlock, 'rlock_release'), on(rlock, 'rlock_release')]).toEqual([
      OK,
      OK,
      NOT_HELD,
    ]);
    expect(on(rlock, 'rlock_acquire', 0)).toBe(OK);
    rlock.release();
    expect(rlock.locked).toBe(false);
  });

  it('waits for what a task of its thread holds: a deadlock', async () => {
    const [lock, rlock] = [new Lock({ arena }), new RLock({ arena })];
    await lock.acquireAsync();
    const guard = await rlock.holdAsync();
    expect(on(lock, 'lock_acquire', Infinity)).toBe(DEADLOCK);
    expect(on(rlock, 'rlock_acquire', Infinity)).toBe(DEADLOCK);
    expect(on(lock, 'lock_acquire', 0)).toBe(TIMEOUT);
    guard.release();
    expect(on(lock, 'lock_release')).toBe(OK);
    expect([on(lock, 'lock_acquire', Infinity), on(rlock, 'rlock_acquire', Infinity)]).toEqual([OK, OK]);
  });

  it('blocks beside tasks of its thread that wait', async () => {
    const [semaphore, other] = [new Semaphore(0, { arena }), new Semaphore(0, { arena })];
    const waiting = other.acquireAsync();
    expect(on(semaphore, 'sem_acquire', 5)).toBe(TIMEOUT);
    semaphore.release();
    expect(on(semaphore, 'sem_acquire', Infinity)).toBe(OK);
    other.release();
    expect(await waiting).toBe(true);
  });

  it('lets tasks of its thread go on, without anything else that looks after them', async () => {
    const [lock, rlock, semaphore] = [new Lock({ arena }), new RLock({ arena }), new Semaphore(0, { arena })];
    const [event, barrier] = [new Event({ arena }), new Barrier(2, { arena })];
    const condition = new Condition(new Lock({ arena }));
    on(lock, 'lock_acquire', 0);
    on(rlock, 'rlock_acquire', 0);
    let gone = 0;
    const passed = (waiting: Promise<unknown>) => waiting.then(() => gone++);
    const notified = condition.withAsync(() => condition.waitAsync());
    await until(() => condition.waiters === 1, 'the task waits');
    passed(lock.acquireAsync());
    passed(rlock.holdAsync());
    passed(semaphore.acquireAsync());
    passed(event.waitAsync());
    passed(barrier.waitAsync());
    on(lock, 'lock_release');
    on(rlock, 'rlock_release');
    on(semaphore, 'sem_release', 1);
    on(event, 'event_set');
    on(barrier, 'barrier_wait', -1);
    on(condition.lock, 'lock_acquire', 0);
    on(condition, 'cond_notify', 1);
    on(condition.lock, 'lock_release');
    // Microtasks alone.
    for (let turn = 0; turn < 100 && gone < 5; turn++) await undefined;
    expect(gone).toBe(5);
    expect(await notified).toBe(true);
  });
});

describe('create', () => {
  const OUT = 64;
  /** Makes one, and answers its handle. */
  const made = (kind: number, count = 0, stamp = 0, timeout = 0) => {
    const status = calls.create!(OUT, kind, count, stamp, timeout);
    const [address, given] = new Int32Array(arena.memory.buffer, OUT, 2);
    return { status, memory: arena.memory, address: address!, stamp: given! };
  };

  it('makes each kind, and JavaScript attaches to it', () => {
    const lock = Lock.from({ kind: 'Lock', ...made(LOCK!) });
    expect(lock.tryAcquire()).toBe(true);
    expect(RLock.from({ kind: 'RLock', ...made(RLOCK!) }).tryAcquire()).toBe(true);
    expect(Semaphore.from({ kind: 'Semaphore', ...made(SEMAPHORE!, 3) }).value).toBe(3);
    expect(BoundedSemaphore.from({ kind: 'BoundedSemaphore', ...made(BOUNDED!, 4) }).bound).toBe(4);
    expect(Event.from({ kind: 'Event', ...made(EVENT!) }).isSet).toBe(false);
    expect(Barrier.from({ kind: 'Barrier', ...made(BARRIER!, 5, 0, -1) }).parties).toBe(5);
    expect(() => Barrier.from({ kind: 'Barrier', ...made(BARRIER!, 2, 0, 5) }).wait()).toThrow();
    const own = Condition.from({ kind: 'Condition', ...made(CONDITION!) });
    expect(own.lock).toBeInstanceOf(RLock);
    const over = Condition.from({ kind: 'Condition', ...made(CONDITION!, lock.address, lock.stamp) });
    expect([over.lock.address, over.lock instanceof Lock]).toEqual([lock.address, true]);
    over.notify();
  });

  it('refuses what constructors refuse, and where a handle cannot be', () => {
    const { used } = arena;
    const lock = new Semaphore(1, { arena });
    const refused: [out: number, ...number[]][] = [
      [OUT, 0, 0, 0, 0],
      [OUT, 2, 0, 0, 0],
      [OUT, 10, 0, 0, 0],
      [OUT, SEMAPHORE!, -1, 0, 0],
      [OUT, SEMAPHORE!, 0x4000000, 0, 0],
      [OUT, BARRIER!, 0, 0, 0],
      [OUT, BARRIER!, 1, 0, Number.NaN],
      [OUT, CONDITION!, 64, 1, 0],
      [OUT, CONDITION!, lock.address, lock.stamp, 0],
      [OUT + 2, LOCK!, 0, 0, 0],
      [PAGES * PAGE - 4, LOCK!, 0, 0, 0],
      [-4, LOCK!, 0, 0, 0],
    ];
    for (const args of refused) expect([args, calls.create!(...args)]).toEqual([args, INVALID]);
    lock.destroy();
    expect(arena.used).toBe(used);
    expect(callsOf(imports(arena.memory)).create!(OUT, LOCK!, 0, 0, 0)).toBe(INVALID);
  });

  it('says that an arena is full', () => {
    const small = newArena(1_024);
    calls = callsOf(imports(small));
    let status = OK;
    for (let left = 20; status === OK && left > 0; left--) status = calls.create!(OUT, LOCK!, 0, 0, 0);
    expect(status).toBe(OUT_OF_MEMORY);
  });

  it('destroys what is neither held nor waited on', () => {
    const { status, address, stamp } = made(LOCK!);
    expect(status).toBe(OK);
    calls.lock_acquire!(address, stamp, 0);
    expect(calls.destroy!(address, stamp)).toBe(BUSY);
    calls.lock_release!(address, stamp);
    expect([calls.destroy!(address, stamp), calls.destroy!(address, stamp)]).toEqual([OK, DESTROYED]);
  });
});

it.each(['Lock', 'RLock'])('destroy gives a Condition back also when its %s was destroyed before', (kind) => {
  const { used } = arena;
  const lock = new (kind === 'Lock' ? Lock : RLock)({ arena });
  const condition = new Condition(lock);
  expect([on(lock, 'destroy'), on(condition, 'destroy'), on(condition, 'destroy')]).toEqual([OK, OK, DESTROYED]);
  expect(arena.used).toBe(used);
});

describe('imports', () => {
  const bad: Bad[] = wrong(TypeError, undefined, null, 1, 'arena', {}, new Uint8Array(8), () => 1);
  const unshared = new WebAssembly.Memory({ initial: 1 });

  it.each([...bad, ...wrong(TypeError, unshared), ...wrong(RangeError, newMemory(0))])(
    'refuses %s in place of an arena',
    (value, error) => {
      expect(() => imports(value as never)).toThrow(error);
    },
  );

  it.each([
    ...wrong(TypeError, null, 1, true, 'suspend', () => 1, new Lock(), new AbortController().signal),
    ...wrong(TypeError, { suspended: true }, { suspend: 1 }, { suspend: null }, { suspend: 'yes' }),
  ])('refuses %s in place of options', (value, error) => {
    expect(() => imports(arena, value as never)).toThrow(error);
  });

  it('gives a program its arena later', () => {
    const late = imports(arena.memory);
    const lock = new Lock({ arena });
    const acquire = () => callsOf(late).lock_acquire!(lock.address, lock.stamp, 0);
    expect(acquire()).toBe(INVALID);
    for (const [value, error] of bad) expect(() => late.bind(value as never)).toThrow(error);
    expect(() => late.bind(new Arena({ memory: newMemory(1) }))).toThrow(TypeError);
    expect(acquire()).toBe(INVALID);
    late.bind(arena);
    expect([acquire(), lock.locked]).toEqual([OK, true]);
    expect(() => late.bind(arena)).toThrow('already');
    expect(() => imports(arena).bind(arena)).toThrow('already');
  });

  it('knows of one memory by another object, which a message brings', async () => {
    const { memory, address, stamp } = await thread({ arena }, ({ arena }) => ({ ...arena }));
    expect(memory).not.toBe(arena.memory);
    const late = imports(memory);
    late.bind(Arena.from({ kind: 'Arena', memory, address, stamp }));
    const lock = new Lock({ arena });
    expect(callsOf(late).lock_acquire!(lock.address, lock.stamp, 0)).toBe(OK);
  });

  it('gives a program nothing in the midst of a wait of its thread', () => {
    const late = imports(arena.memory);
    const lock = new Lock({ arena });
    threadArenaOf(arena).withoutCalls(() => {
      for (const give of [() => imports(arena), () => late.bind(arena)]) expect(give).toThrow('is blocked');
      expect(callsOf(late).lock_acquire!(lock.address, lock.stamp, 0)).toBe(INVALID);
    });
    late.bind(arena);
    expect([callsOf(late).lock_acquire!(lock.address, lock.stamp, 0), lock.locked]).toEqual([OK, true]);
  });

  it('does nothing in an arena that has been destroyed, nor in another one in its place', () => {
    const { memory, address: byteOffset } = arena;
    arena.destroy();
    const lock = new Lock({ arena: new Arena({ memory, byteOffset, byteLength: PAGE - 1_024 }) });
    const statuses = [on(lock, 'lock_acquire', 0), calls.create!(64, LOCK!, 0, 0, 0), on(lock, 'destroy')];
    expect([...statuses, lock.locked]).toEqual([INVALID, INVALID, INVALID, false]);
    expect(() => imports(memory).bind(arena)).toThrow('has been destroyed');
  });

  it('has a clock', () => {
    const before = performance.now();
    const now = calls.now!();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(performance.now());
  });

  it('says where a program cannot be suspended', () => {
    const suspended = () => imports(arena, { suspend: true });
    if (suspends) expect(suspended().lockwork).toHaveProperty('lock_acquire');
    else expect(suspended).toThrow('this platform cannot suspend a program');
  });
});

const whereSuspended = suspends ? describe : () => {};

whereSuspended('A program that is suspended', () => {
  const options: ImportsOptions = { suspend: true };

  /** Calls in a way that may be suspended. */
  const awaited = (of: Primitive, call: string, ...args: number[]): Promise<number> =>
    promising!(calls[call])(of.address, of.stamp, ...args);

  beforeEach(() => {
    calls = callsOf(imports(arena, options));
  });

  it.each(FUNCTIONS)('%s: what is refused needs no promise either', (name, rest, make) => {
    const { address, stamp } = make();
    const refused = [
      [0, 0],
      [address, 0],
      [address + 4, stamp],
      [address, stamp + 1],
    ] as const;
    const statuses = refused.map((handle) => calls[name]!(...handle, ...rest));
    expect(statuses).toEqual([INVALID, INVALID, name === 'destroy' ? DESTROYED : INVALID, DESTROYED]);
    const unbound = callsOf(imports(arena.memory, options));
    expect(unbound[name]!(address, stamp, ...rest)).toBe(INVALID);
    if (/acquire|wait/.test(name)) expect(calls[name]!(address, stamp, Number.NaN)).toBe(INVALID);
  });

  it('needs no promise for what is free', () => {
    const [lock, rlock] = [new Lock({ arena }), new RLock({ arena })];
    expect([on(lock, 'lock_acquire', Infinity), on(lock, 'lock_release')]).toEqual([OK, OK]);
    for (let depth = 0; depth < 2; depth++) expect(on(rlock, 'rlock_acquire', Infinity)).toBe(OK);
    expect([on(rlock, 'rlock_release'), on(rlock, 'rlock_release'), on(rlock, 'rlock_release')]).toEqual([
      OK,
      OK,
      NOT_HELD,
    ]);
    expect(on(new Semaphore(1, { arena }), 'sem_acquire', Infinity)).toBe(OK);
    expect(on(set(new Event({ arena })), 'event_wait', Infinity)).toBe(OK);
  });

  it('needs none for a round that it completes, nor for what it must not wait for', async () => {
    const barrier = new Barrier(2, { arena });
    const other = barrier.waitAsync();
    expect([on(barrier, 'barrier_wait', -1), await other]).toEqual([1, 0]);
    expect(on(new Barrier(1, { arena }), 'barrier_wait', Infinity)).toBe(0);
    for (const lock of [new Lock({ arena }), new RLock({ arena })])
      expect(on(new Condition(lock), 'cond_wait', Infinity)).toBe(NOT_HELD);
  });

  it('lets its thread go on while it waits', async () => {
    const lock = held(new Lock({ arena }));
    let ticks = 0;
    const timer = setInterval(() => {
      if (++ticks === 3) lock.release();
    }, 1);
    const status = await awaited(lock, 'lock_acquire', Infinity);
    clearInterval(timer);
    expect([status, ticks >= 3, lock.locked]).toEqual([OK, true, true]);
    expect(on(lock, 'lock_release')).toBe(OK);
  });

  it('waits for each kind, and is told when the time is up', async () => {
    const rlock = held(new RLock({ arena }));
    const condition = new Condition(new Lock({ arena }));
    const over = new Condition(new RLock({ arena }));
    expect(await awaited(held(new Lock({ arena })), 'lock_acquire', 5)).toBe(TIMEOUT);
    // This thread holds it; the program is a task of it.
    expect(await awaited(rlock, 'rlock_acquire', 5)).toBe(TIMEOUT);
    expect(await awaited(new Semaphore(0, { arena }), 'sem_acquire', 5)).toBe(TIMEOUT);
    expect(await awaited(new Event({ arena }), 'event_wait', 5)).toBe(TIMEOUT);
    expect(await awaited(new Barrier(2, { arena }), 'barrier_wait', 5)).toBe(BROKEN);
    expect(await awaited(condition, 'cond_wait', 5)).toBe(NOT_HELD);
    on(condition.lock, 'lock_acquire', 0);
    expect(await awaited(condition, 'cond_wait', 5)).toBe(TIMEOUT);
    on(over.lock, 'rlock_acquire', 0);
    expect(await awaited(over, 'cond_wait', 5)).toBe(TIMEOUT);
    expect([condition.lock.locked, over.lock.locked]).toEqual([true, true]);
    expect([on(condition, 'cond_notify', 1), on(over, 'cond_notify', 1)]).toEqual([OK, OK]);
  });

  it('is let go on by others, in each kind of wait', async () => {
    const rlock = held(new RLock({ arena }));
    const [semaphore, event, barrier] = [new Semaphore(0, { arena }), new Event({ arena }), new Barrier(2, { arena })];
    const condition = new Condition(new Lock({ arena }));
    on(condition.lock, 'lock_acquire', 0);
    const all = [
      awaited(rlock, 'rlock_acquire', Infinity),
      awaited(semaphore, 'sem_acquire', Infinity),
      awaited(event, 'event_wait', Infinity),
      awaited(barrier, 'barrier_wait', -1),
      awaited(condition, 'cond_wait', Infinity),
    ];
    rlock.release();
    semaphore.release();
    event.set();
    const index = await barrier.waitAsync();
    await condition.withAsync(() => condition.notify());
    expect(await Promise.all(all)).toEqual([OK, OK, OK, 1 - index, OK]);
    expect([on(rlock, 'rlock_release'), on(condition.lock, 'lock_release')]).toEqual([OK, OK]);
  });

  it('stands in the way of its own thread: a deadlock', () => {
    const lock = new Lock({ arena });
    on(lock, 'lock_acquire', 0);
    expect(() => lock.acquire()).toThrow('waits for a task of this thread');
  });

  it('cannot wait for what is destroyed meanwhile, or is another', async () => {
    const [semaphore, event] = [new Semaphore(0, { arena }), new Event({ arena })];
    expect(await awaited(event, 'cond_wait', 5)).toBe(INVALID);
    semaphore.destroy();
    expect(await awaited(semaphore, 'sem_acquire', 5)).toBe(DESTROYED);
  });
});
