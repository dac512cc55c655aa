/** lockwork/inspect, and what threads tell of themselves: without other threads, but for those that memory knows. */
import {
  Arena,
  Barrier,
  BoundedSemaphore,
  Condition,
  currentThread,
  Event,
  Lock,
  Owner,
  type Primitive,
  RLock,
  Semaphore,
  UnsupportedError,
} from 'lockwork';
import {
  activeCount,
  type Dump,
  dump,
  dumpLater,
  enumerate,
  findDeadlocks,
  formatDump,
  type PrimitiveDump,
  type ThreadDump,
} from 'lockwork/inspect';
import { afterEach, describe, expect, it } from 'vitest';
import { CELL_ARENA, CELL_NAME, CELL_SIZE, KIND_INFO, KIND_THREAD, THREAD_INFO } from '../../assembly/abi.ts';
import { type Introduced, introduce, noteStack, noteWait } from '../../bindings/thread-info.ts';
import { NOT_FUNCTIONS, refuses, TIMEOUTS, wrong } from '../support/badInput.ts';
import { abandon, Doomed, poke, refOf } from '../support/dead.ts';
import { plot } from '../support/plot.ts';
import { integers } from '../support/settle.ts';
import { PATIENCE, thread, until } from '../support/threads.ts';

const here = plot();
const own = () => dump(here.arena).threads.find(({ self }) => self)!;
const other = () => dump(here.arena).threads.find(({ self }) => !self)!;
const ident = (primitive: Primitive) => primitive.address;

const NOT_ARENAS = wrong(TypeError, ...[null, 0, 1, true, 'arena', Symbol('arena'), {}, [], () => 1], {
  kind: 'Arena',
  memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
  address: 0,
  stamp: 0,
});

/** A thread as the arena knows it. Each is found dead when the test is over. */
const lives = (name: string, number = 3) => new Doomed(here.arena, { name, number });

/** What a thread would write itself. */
function asThread({ record }: Doomed): Introduced {
  const { ground } = here;
  return {
    memory: ground.memory,
    base: ground.base,
    core: ground.core,
    thread: record,
    load: (cell, field) => ground.load(cell, field),
    kindAt: (address) => ground.kindAt(address),
    addInfo: () => ground.core.addRecord(ground.base, ground.id, KIND_INFO, 0, 1, record, 0) >>> 0,
    dropTask: (cell) => ground.dropTask(cell),
  };
}

afterEach(() => {
  currentThread().name = '';
});

describe('currentThread', () => {
  it('is this thread, as the arena knows it', () => {
    const { name, ...rest } = currentThread(here.arena);
    expect(rest).toEqual({ id: own().id, ident: here.ground.thread, where: expect.any(String), self: true });
    expect(rest.where).toMatch(/[\\/]/);
    expect(name).toBe(own().name);
    expect(name.length).toBeGreaterThan(0);
  });

  it('has an ident in each arena, and one name in all', () => {
    const arena = new Arena({ maximumBytes: 8_192 });
    currentThread(arena).name = 'booker';
    expect(currentThread(arena).ident).toBe(enumerate(arena)[0]!.ident);
    expect([currentThread().name, currentThread(here.arena).name]).toEqual(['booker', 'booker']);
    expect([own().name, enumerate(arena)[0]!.name, enumerate(new Arena())[0]!.name]).toEqual(Array(3).fill('booker'));
    arena.destroy();
  });

  it('is called by other threads what it calls itself', async () => {
    const me = currentThread(here.arena);
    me.name = 'première';
    const names = (args: { arena: Arena }) =>
      thread(args, ({ arena }, { currentThread }, { enumerate }) => {
        currentThread(arena).name = 'seconde';
        return enumerate(arena).map(({ name, self }) => [name, self]);
      });
    const { arena } = here;
    expect((await names({ arena })).sort()).toEqual([
      ['première', false],
      ['seconde', true],
    ]);
    me.name = 'autre';
    expect((await names({ arena })).sort()).toEqual([
      ['autre', false],
      ['seconde', true],
    ]);
    expect(enumerate(arena).map(({ name, self }) => [name, self])).toContainEqual(['seconde', false]);
    await thread({ arena }, ({ arena }, { currentThread }) => {
      currentThread(arena).name = '';
    });
  });

  it.each([
    ['nothing to cut', 'é'.repeat(22), 'é'.repeat(22)],
    ['44 of ASCII', 'a'.repeat(45), 'a'.repeat(44)],
    ['the first half of two bytes', `a${'é'.repeat(22)}`, `a${'é'.repeat(21)}`],
    ['one of three bytes', `aa${'€'.repeat(15)}`, `aa${'€'.repeat(14)}`],
    ['two of three bytes', `${'€'.repeat(15)}`, `${'€'.repeat(14)}`],
    ['one of four bytes', `aaa${'😀'.repeat(11)}`, `aaa${'😀'.repeat(10)}`],
    ['three of four bytes', `a${'😀'.repeat(11)}`, `a${'😀'.repeat(10)}`],
  ])('is cut for others at a character: %s', (_, name, cut) => {
    const me = currentThread(here.arena);
    me.name = name;
    expect([me.name, own().name]).toEqual([name, cut]);
    expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(44);
  });

  it('has the name of its number again when it is named nothing', () => {
    const me = currentThread(here.arena);
    const { name } = me;
    me.name = 'booker';
    me.name = '';
    expect([me.name, own().name]).toEqual([name, name]);
  });

  it('takes no memory to be named again', () => {
    const { arena } = here;
    currentThread(arena).name = 'one';
    const { used } = arena;
    for (let count = 0; count < 2_000; count++) currentThread(arena).name = `name ${count}`;
    expect([arena.used, own().name]).toEqual([used, 'name 1999']);
  });

  it('keeps its old name for others where the arena is full', () => {
    const { arena } = here;
    const me = currentThread(arena);
    me.name = 'before';
    const arrays: Uint8Array[] = [];
    for (let size = arena.capacity - arena.used; size >= CELL_SIZE; size -= CELL_SIZE) {
      try {
        arrays.push(arena.allocate(Uint8Array, size) as never);
      } catch {
        // A smaller one.
      }
      size = Math.min(size, arena.capacity - arena.used + CELL_SIZE);
    }
    expect(arena.used).toBe(arena.capacity);
    me.name = 'after';
    expect([me.name, own().name]).toEqual(['after', 'before']);
    for (const array of arrays) arena.free(array);
    me.name = 'after';
    expect(own().name).toBe('after');
  });

  const SETTERS = wrong(TypeError, undefined, null, 1, true, 1n, {}, ['a'], Symbol('a'), new String('a'), () => 'a');
  refuses(
    'currentThread',
    () => here.arena,
    (arena) => [currentThread(arena).name, dump(arena)],
    {
      currentThread: [NOT_ARENAS, (_, bad) => currentThread(bad)],
      'the setter of name': [
        SETTERS,
        (arena, bad) => {
          currentThread(arena).name = bad;
        },
      ],
    },
  );
});

describe('enumerate', () => {
  it('has every thread that uses the arena, and activeCount their number', () => {
    const threads = () => enumerate(here.arena).map(({ name, id, self }) => [name, id, self]);
    const me = [own().name, own().id, true];
    expect([threads(), activeCount(here.arena)]).toEqual([[me], 1]);
    const broker = lives('broker', 7);
    lives('', 8);
    lives('', 0);
    const all = [me, ['broker', 7, false], ['worker 8', 8, false], ['main', 0, false]];
    expect(threads()).toEqual(expect.arrayContaining(all));
    expect([threads().length, activeCount(here.arena)]).toEqual([4, 4]);
    broker.die();
    expect([threads().length, activeCount(here.arena)]).toEqual([3, 3]);
    // A record that is left over is nobody's.
    expect(threads()).not.toContainEqual(all[1]);
  });

  it('does not have one that died before it told who it is', () => {
    const { core, base, id } = refOf(new Event({ arena: here.arena })).arena;
    expect(core.addRecord(base, id, KIND_THREAD, 0, 1, 0, 0)).not.toBe(0);
    expect([enumerate(here.arena).length, activeCount(here.arena)]).toEqual([1, 1]);
    expect(dump(here.arena).threads).toHaveLength(1);
  });

  it('is of the default arena by default', () => {
    expect(enumerate().filter(({ self }) => self)).toEqual([{ ...currentThread() }]);
    expect(enumerate()).toHaveLength(activeCount());
    expect(dump().threads.map(({ ident }) => ident)).toEqual(enumerate().map(({ ident }) => ident));
  });

  it('says where a program is, also where its path takes several cells and other characters', () => {
    const broker = lives('');
    const at = asThread(broker);
    const { process } = globalThis;
    const { argv } = process ?? {};
    if (!argv) return;
    const [, before] = argv;
    // 168 bytes, and one more; characters lie across the ends of cells.
    for (const path of [`/${'€'.repeat(55)}a`, `/aa${'😀'.repeat(41)}`]) {
      try {
        argv[1] = `${path}éé`;
        poke(here.ground, broker.record, THREAD_INFO, 0);
        introduce(at);
      } finally {
        argv[1] = before!;
      }
      const where = enumerate(here.arena).find(({ self }) => !self)!.where;
      expect([where, `${path}é`.startsWith(where)]).toEqual([where.startsWith(path) ? where : path, true]);
    }
  });

  it('does without texts in a small arena, and has the rest', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const arena = new Arena({ memory, byteLength: 8_192 });
    // A record and a cell.
    expect(arena.used).toBe(2 * CELL_SIZE);
    currentThread().name = 'small';
    const lock = new Lock({ arena });
    const holder = new Doomed(arena, { name: 'holder' }).acquire(lock);
    const waiter = new Doomed(arena, { name: 'waiter' });
    waiter.wait(lock);
    const seen = dump(arena);
    expect(seen.threads.map(({ name, where }) => [name, where])).toEqual([
      ['small', ''],
      ['holder', ''],
      ['waiter', ''],
    ]);
    expect(formatDump(seen).split('\n')[0]).toBe(`"small" ${own().id > 0 ? `#${own().id} ` : ''}(this one) runs`);
    for (const each of [waiter, holder]) each.die();
    lock.recover(() => {});
    lock.destroy();
    arena.destroy();
  });

  refuses(
    'inspect',
    () => here.arena,
    (arena) => [dump(arena), arena.used],
    {
      enumerate: [NOT_ARENAS, (_, bad) => enumerate(bad)],
      activeCount: [NOT_ARENAS, (_, bad) => activeCount(bad)],
      dump: [NOT_ARENAS, (_, bad) => dump(bad)],
      findDeadlocks: [NOT_ARENAS, (_, bad) => findDeadlocks(bad)],
      formatDump: [
        wrong(TypeError, undefined, null, 1, 'dump', {}, [], { threads: [] }, { threads: [], primitives: [] }, () => 1),
        (_, bad) => formatDump(bad),
      ],
    },
  );

  it.each(Object.entries({ enumerate, activeCount, dump, findDeadlocks, currentThread }))(
    '%s refuses an arena that has been destroyed',
    (_, call) => {
      const arena = new Arena({ maximumBytes: 8_192 });
      arena.destroy();
      expect(() => call(arena)).toThrow('has been destroyed');
      expect(() => dumpLater(1, { arena })).toThrow('has been destroyed');
    },
  );
});

/** The primitives of a dump, without their idents. */
const primitives = (): Partial<PrimitiveDump>[] => dump(here.arena).primitives.map(({ ident, ...rest }) => rest);

describe('dump', () => {
  it('of an arena in which nothing happens has this thread', () => {
    new Lock(here);
    new Semaphore(2, here);
    new Condition(undefined, here);
    const { threads, primitives, deadlocks } = dump(here.arena);
    const { name, id, ident, where } = own();
    expect(threads).toEqual([{ name, id, ident, where, self: true, state: 'runs', holds: [], tasks: [] }]);
    expect([primitives, deadlocks]).toEqual([[], []]);
  });

  const KINDS: Record<string, [make: () => Primitive, take: (thread: Doomed, it: never) => unknown, held?: object]> = {
    Lock: [
      () => new Lock({ ...here, name: 'it' }),
      (thread, it: Lock) => thread.acquire(it),
      { held: true, owner: expect.any(Number) },
    ],
    RLock: [
      () => new RLock({ ...here, name: 'it' }),
      (thread, it: RLock) => thread.acquire(it),
      { held: true, owner: expect.any(Number) },
    ],
    Semaphore: [
      () => new Semaphore(1, { ...here, name: 'it' }),
      (thread, it: Semaphore) => thread.hold(it),
      { value: 0 },
    ],
    BoundedSemaphore: [
      () => new BoundedSemaphore(1, { ...here, name: 'it' }),
      (thread, it: Semaphore) => thread.hold(it),
      { value: 0 },
    ],
    Event: [() => new Event({ ...here, name: 'it' }), () => {}],
    Barrier: [() => new Barrier(9, { ...here, name: 'it' }), () => {}],
    Condition: [() => new Condition(new Lock(here), { ...here, name: 'it' }), () => {}],
  };

  it.each(Object.entries(KINDS))('has who holds and who waits for a %s', (kind, [make, take, held]) => {
    const it = make();
    const about = { kind, name: 'it', ident: ident(it) };
    take(lives('holder'), it as never);
    if (held) expect(dump(here.arena).primitives).toEqual([{ ...about, ...held, waiters: 0 }]);
    const [waiter, another] = [lives('waiter'), lives('another')];
    waiter.wait(it);
    another.wait(it, { task: true });
    another.wait(it, { task: true });
    const { threads, primitives } = dump(here.arena);
    const seen = Object.fromEntries(threads.map(({ name, id, ident, where, self, ...rest }) => [name, rest]));
    const nothing = { state: 'runs', holds: [], tasks: [] };
    expect(seen).toEqual({
      [own().name]: nothing,
      holder: { ...nothing, holds: held ? [{ ...about, count: 1 }] : [] },
      waiter: { ...nothing, state: 'blocked', waitsFor: about },
      another: { ...nothing, tasks: [{ waits: 2, ...about }] },
    });
    expect(primitives).toEqual([{ ...about, ...held, waiters: 3 }]);
  });

  it('says by whom a lock is held: a thread, or a task of it', () => {
    const [lock, rlock] = [new Lock({ ...here, name: 'plain' }), new RLock({ ...here, name: 'r' })];
    const holder = lives('holder').acquire(lock, { task: true }).acquire(rlock, { task: true, times: 3 });
    expect(other().holds).toEqual([
      { kind: 'Lock', name: 'plain', ident: ident(lock), count: 1, task: true },
      { kind: 'RLock', name: 'r', ident: ident(rlock), count: expect.any(Number), task: true },
    ]);
    expect(dump(here.arena).primitives.map(({ owner }) => owner)).toEqual([holder.record, holder.record]);
  });

  it('counts how often an RLock was acquired', async () => {
    const rlock = new RLock({ ...here, name: 'r' });
    lives('holder').acquire(rlock, { times: 5 });
    expect(other().holds).toMatchObject([{ name: 'r', count: 5 }]);
    const mine = new RLock({ ...here, name: 'mine' });
    for (let count = 1; count <= 3; count++) {
      mine.acquire();
      expect(own().holds).toEqual([{ kind: 'RLock', name: 'mine', ident: ident(mine), count }]);
    }
    for (let count = 3; count > 0; count--) mine.release();
    expect(own().holds).toEqual([]);
    const guard = await mine.holdAsync();
    expect(own().holds).toMatchObject([{ name: 'mine', count: 1, task: true }]);
    guard.release();
  });

  it('counts the permits of guards, and not those that anybody may release', () => {
    const semaphore = new Semaphore(9, { ...here, name: 's' });
    semaphore.acquire();
    expect([own().holds, primitives()]).toEqual([[], []]);
    const guards = [semaphore.hold(), semaphore.hold()];
    lives('holder').hold(semaphore, 3);
    expect([own().holds, other().holds]).toMatchObject([[{ name: 's', count: 2 }], [{ name: 's', count: 3 }]]);
    expect(primitives()).toEqual([{ kind: 'Semaphore', name: 's', value: 3, waiters: 0 }]);
    for (const guard of guards) guard.release();
    expect(own().holds).toEqual([]);
  });

  it('forgets guards of a semaphore that is gone, also when another one is there', () => {
    const semaphore = new Semaphore(1, here);
    semaphore.hold().release();
    const at = ident(semaphore);
    semaphore.destroy();
    const next = Array.from({ length: 500 }, () => new Semaphore(1, here)).find((one) => ident(one) === at);
    expect([own().holds, primitives()]).toEqual([[], []]);
    expect(next === undefined || ident(next) === at).toBe(true);
  });

  it.each([
    ['Lock', () => new Lock({ ...here, name: 'it' })],
    ['RLock', () => new RLock({ ...here, name: 'it' })],
    ['Semaphore', () => new Semaphore(1, { ...here, name: 'it' })],
  ] as [string, () => Lock][])('counts the tasks of a local queue: %s', async (kind, make) => {
    const it = make();
    const guard = await it.holdAsync();
    const controller = new AbortController();
    const { signal } = controller;
    const options = () => ({ signal, ...(kind === 'RLock' && { owner: new Owner() }) });
    const waits = Array.from({ length: 5 }, () => it.acquireAsync(options()));
    for (const wait of waits) wait.catch(() => {});
    expect(own()).toMatchObject({ state: 'runs', tasks: [{ waits: 5, name: 'it', ident: ident(it) }] });
    expect(primitives()).toMatchObject([{ name: 'it', waiters: 5 }]);
    controller.abort();
    await Promise.allSettled(waits);
    expect(own().tasks).toEqual([]);
    guard.release();
    expect(primitives()).toEqual([]);
  });

  it('has a lock whose owner has died, until somebody puts in order what it protects', () => {
    const lock = new Lock({ ...here, name: 'left' });
    abandon(lock);
    expect(primitives()).toEqual([{ kind: 'Lock', name: 'left', held: false, abandoned: true, waiters: 0 }]);
    lock.recover(() => {
      expect(primitives()).toEqual([
        { kind: 'Lock', name: 'left', held: true, owner: here.ground.thread, abandoned: true, waiters: 0 },
      ]);
    });
    expect(primitives()).toEqual([]);
  });

  it('has a lock that a dead thread keeps, and nobody owns', () => {
    const lock = new Lock({ ...here, name: 'kept', abandoned: 'keep' });
    const rlock = new RLock({ ...here, name: 'free', abandoned: 'release' });
    const dead = lives('dead').acquire(lock).acquire(rlock);
    dead.die();
    expect(primitives()).toEqual([{ kind: 'Lock', name: 'kept', held: true, waiters: 0 }]);
    expect(formatDump(dump(here.arena))).toContain('Lock "kept": held, 0 wait');
    lock.release();
    expect(primitives()).toEqual([]);
  });

  it('names what has no name, a long one and an odd one', () => {
    const names = ['', 'é'.repeat(300), 'a"b\n', '\u{1f600}'];
    for (const name of names) new Lock({ ...here, name }).acquire();
    // 512 bytes.
    expect(primitives().map(({ name }) => name)).toEqual(['', 'é'.repeat(256), ...names.slice(2)]);
  });

  it('forgets what is destroyed', () => {
    const lock = new Lock({ ...here, name: 'gone' });
    lock.acquire();
    expect(primitives()).toHaveLength(1);
    lock.release();
    lock.destroy();
    expect(primitives()).toEqual([]);
  });

  it('has the stack of a thread that is blocked, for as long as it is blocked there', () => {
    const [lock, event] = [new Lock(here), new Event(here)];
    const waiter = lives('waiter');
    const at = asThread(waiter);
    poke(here.ground, waiter.record, THREAD_INFO, 0);
    introduce(at);
    lives('holder').acquire(lock);
    waiter.wait(lock);
    const find = () => dump(here.arena).threads.find(({ ident }) => ident === waiter.record)!;
    expect(find()).not.toHaveProperty('stack');
    noteWait(at, ident(lock), true, 0);
    const lines = Array.from({ length: 100 }, (_, line) => `at płace ${line}`).join('\n');
    noteStack(at, 'at first');
    noteStack(at, lines);
    const { stack = '' } = find();
    expect(lines.startsWith(stack)).toBe(true);
    expect([stack.length > 600, new TextEncoder().encode(stack).length <= 672]).toEqual([true, true]);
    noteStack(at, 'at second');
    expect(find().stack).toBe('at second');
    // Its last nap was in another wait.
    noteWait(at, ident(event), true, 0);
    expect(find()).not.toHaveProperty('stack');
  });

  it('does not fail at words that mean nothing any more', () => {
    const [lock, semaphore] = [new Lock({ ...here, name: 'n' }), new Semaphore(1, { ...here, name: 'n' })];
    const waiter = lives('waiter').acquire(lock);
    waiter.hold(semaphore);
    waiter.wait(new Event(here));
    waiter.wait(lock, { task: true });
    const blocks = here.ground.blocks(true);
    const cells = blocks.map(({ address }) => address);
    const words = [0, 1, 3, here.ground.base, here.ground.base + 4, 0x7fffffff, 0xffffffff, 0xffffffc0, ...cells];
    for (const { kind, address: cell } of blocks) {
      for (let field = 0; field < CELL_SIZE; field += 4) {
        // What a record is of a thread, and its cell there, never means anything else.
        if (field === CELL_ARENA || (kind === KIND_THREAD && field === THREAD_INFO)) continue;
        const before = here.ground.load(cell, field);
        try {
          for (const word of words) {
            poke(here.ground, cell, field, word);
            expect(() => formatDump(dump(here.arena)), `${kind} @${cell} + ${field}: ${word}`).not.toThrow();
          }
        } finally {
          poke(here.ground, cell, field, before);
        }
      }
    }
    expect(other().name).toBe('waiter');
    expect(refOf(lock).name).toBe('n');
    expect(here.ground.load(ident(lock), CELL_NAME)).not.toBe(0);
  });
});

describe('formatDump', () => {
  const thread = (more: Partial<ThreadDump>): ThreadDump => {
    return { name: 'main', id: 0, ident: 1, where: '', self: false, state: 'runs', holds: [], tasks: [], ...more };
  };
  const [rates, free] = [
    { kind: 'Lock', name: 'rates', ident: 64 },
    { kind: 'Semaphore', name: '', ident: 128 },
  ] as const;

  it('writes each thread, each primitive and each deadlock', () => {
    const all: Dump = {
      threads: [
        thread({ self: true, where: '/home/me/bank.mjs', holds: [{ ...rates, count: 1 }] }),
        thread({
          name: 'tel"ler',
          id: 3,
          where: 'http://host/deep/worker.js?version=1#x/y',
          state: 'blocked',
          waitsFor: rates,
          holds: [
            { kind: 'RLock', name: 'accounts', ident: 192, count: 3 },
            { ...free, count: 2 },
            { ...rates, count: 1, task: true },
          ],
          tasks: [
            { ...free, waits: 1 },
            { ...rates, waits: 2 },
          ],
          stack: 'at transfer (file:///bank.mjs:6:62)\nat main',
        }),
        thread({ name: 'worker @640', id: -1, where: 'C:\\app\\worker.js' }),
        thread({ name: 'at a folder', where: 'http://host/' }),
      ],
      primitives: [
        { ...rates, held: true, owner: 1, waiters: 3 },
        { ...rates, held: false, abandoned: true, waiters: 1 },
        { ...free, value: 4, waiters: 0 },
        { kind: 'Event', name: 'open', ident: 256, waiters: 1 },
      ],
      deadlocks: [{ text: '"a" waits for Lock, held by "a"', threads: [1], primitives: [64] }],
    };
    expect(formatDump(all)).toBe(
      [
        '"main" (this one) runs   bank.mjs',
        '    holds Lock "rates"',
        '"tel\\"ler" #3 blocked on Lock "rates"   worker.js',
        '    holds RLock "accounts", 3 times',
        '    holds Semaphore, 2 times',
        '    a task holds Lock "rates"',
        '    task: 1 waits for Semaphore',
        '    task: 2 wait for Lock "rates"',
        '    at transfer (file:///bank.mjs:6:62)',
        '    at main',
        '"worker @640" runs   worker.js',
        '"at a folder" runs   host/',
        'Lock "rates": held, 3 wait',
        'Lock "rates": free, abandoned, 1 waits',
        'Semaphore: 4 free, 0 wait',
        'Event "open": 1 waits',
        'DEADLOCK: "a" waits for Lock, held by "a"',
      ].join('\n'),
    );
    expect(formatDump({ threads: [], primitives: [], deadlocks: [] })).toBe('');
    // As data it goes to other threads and processes.
    expect(formatDump(JSON.parse(JSON.stringify(all)))).toBe(formatDump(all));
  });
});

describe('findDeadlocks', () => {
  /** So many threads, each of which waits for the lock of the next one. */
  function circle(
    size: number,
    make = (name: string): Lock | RLock => new Lock({ ...here, name }),
  ): [Doomed[], (Lock | RLock)[]] {
    const locks = Array.from({ length: size }, (_, i) => make(`lock ${i}`));
    const threads = locks.map((lock, i) => lives(`thread ${i}`).acquire(lock));
    threads.forEach((thread, i) => void thread.wait(locks[(i + 1) % size]!));
    return [threads, locks];
  }

  it.each([1, 2, 3, 5, 20])('finds a circle of %i, once', (size) => {
    const [threads, locks] = circle(size);
    const [deadlock, ...more] = findDeadlocks(here.arena);
    expect(more).toEqual([]);
    expect(deadlock!.threads).toEqual(threads.map(({ record }) => record));
    expect(deadlock!.primitives).toEqual(locks.map((_, i) => ident(locks[(i + 1) % size]!)));
    expect(deadlock!.text.split('; ')).toEqual(
      threads.map((_, i) => {
        const next = (i + 1) % size;
        return `"thread ${i}" waits for Lock "lock ${next}", held by "thread ${next}"`;
      }),
    );
    expect(dump(here.arena).deadlocks).toEqual([deadlock]);
  });

  it('finds several, of RLocks, of tasks, of what runs an action; and not those who only wait for one', () => {
    circle(2, (name) => new RLock({ ...here, name }));
    const [, [lock]] = circle(3);
    lives('outside').wait(lock!);
    const [barrier, mine] = [new Barrier(1, { ...here, name: 'b' }), new Lock({ ...here, name: 'l' })];
    // It runs the action, and waits for who waits for the barrier.
    const actor = lives('actor').act(barrier);
    const holder = lives('holder').acquire(mine, { task: true });
    holder.wait(barrier);
    actor.wait(mine);
    const found = findDeadlocks(here.arena);
    expect(found.map(({ threads }) => threads.length).sort()).toEqual([2, 2, 3]);
    expect(found.map(({ text }) => text)).toContain(
      '"actor" waits for Lock "l", held by "holder"; "holder" waits for Barrier "b", held by "actor"',
    );
  });

  it('finds none where a thread runs, or nobody owns what is waited for', () => {
    const [lock, semaphore, event] = [new Lock(here), new Semaphore(1, here), new Event(here)];
    const [a, b, c] = [lives('a').acquire(lock), lives('b'), lives('c')];
    b.hold(semaphore);
    b.wait(lock);
    a.wait(semaphore);
    c.wait(event);
    const kept = new Lock({ ...here, abandoned: 'keep' });
    lives('dead').acquire(kept).die();
    lives('d').wait(kept);
    // Its tasks wait in a circle, and it turns.
    const [one, two] = [new Lock(here), new Lock(here)];
    const [e, f] = [lives('e').acquire(one), lives('f').acquire(two)];
    e.wait(two, { task: true });
    f.wait(one, { task: true });
    expect(findDeadlocks(here.arena)).toEqual([]);
  });
});

describe('dumpLater', () => {
  /** What is written, and how long until so much is. */
  function notes() {
    const texts: string[] = [];
    const write = (text: string) => void texts.push(text);
    return { texts, write, count: (n: number) => until(() => texts.length >= n, `${n} dumps`) };
  }

  it('writes a dump of the arena once', async () => {
    const { texts, write, count } = notes();
    const lock = new Lock({ ...here, name: 'mine' });
    lock.acquire();
    dumpLater(1, { arena: here.arena, write });
    expect(texts).toEqual([]);
    await count(1);
    expect(texts).toEqual([formatDump(dump(here.arena))]);
    expect(texts[0]).toContain('holds Lock "mine"');
    const later = notes();
    dumpLater(50, { write: later.write });
    await later.count(1);
    expect(texts).toHaveLength(1);
    // Of the default arena.
    expect(later.texts[0]).not.toContain('mine');
  });

  it('writes again and again, as often as it is to, until it is cancelled', async () => {
    const { texts, write, count } = notes();
    let ticks = 0;
    const interval = setInterval(() => ticks++, 20);
    const cancel = dumpLater(20, { ...here, write, repeat: true });
    await count(20);
    clearInterval(interval);
    cancel();
    cancel();
    expect(ticks).toBeLessThan(35);
    const { length } = texts;
    const later = notes();
    dumpLater(60, { write: later.write });
    await later.count(1);
    expect(texts).toHaveLength(length);
  });

  it('writes none when it is cancelled before, or when its arena is destroyed', async () => {
    const { texts, write } = notes();
    const arena = new Arena({ maximumBytes: 8_192 });
    dumpLater(1, { ...here, write })();
    dumpLater(1, { arena, write, repeat: true });
    arena.destroy();
    dumpLater(Infinity, { ...here, write })();
    dumpLater(2 ** 40, { ...here, write })();
    const later = notes();
    dumpLater(20, { write: later.write });
    await later.count(1);
    expect(texts).toEqual([]);
  });

  it('cancels itself by what it writes with', async () => {
    const { texts, write, count } = notes();
    const cancel = dumpLater(1, {
      ...here,
      repeat: true,
      write(text) {
        cancel();
        write(text);
      },
    });
    await count(1);
    const later = notes();
    dumpLater(20, { write: later.write });
    await later.count(1);
    expect(texts).toHaveLength(1);
  });

  /** Blocks this thread until so many dumps are written: then another thread releases the lock. */
  async function blockUntil(n: number, begin: (write: (text: string) => void) => void): Promise<string[]> {
    const [lock, ready] = [new Lock({ ...here, name: 'blocks' }), new Event(here)];
    const flag = integers(1);
    const done = thread({ lock, ready, flag, n }, ({ lock, ready, flag, n }) => {
      lock.acquire();
      ready.set();
      let seen = 0;
      while (seen < n && Atomics.wait(flag, 0, seen, 20_000) !== 'timed-out') seen = Atomics.load(flag, 0);
      lock.release();
    });
    await ready.waitAsync();
    const texts: string[] = [];
    begin((text) => {
      texts.push(text);
      Atomics.add(flag, 0, 1);
      Atomics.notify(flag, 0);
    });
    expect(lock.acquire(PATIENCE)).toBe(true);
    lock.release();
    await done;
    return texts;
  }

  it('writes by a nap of a thread that is blocked', async () => {
    const texts = await blockUntil(1, (write) => void dumpLater(1, { ...here, write }));
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/\(this one\) blocked on Lock "blocks"/);
  });

  it('writes several by the naps of one thread, each in its own time', async () => {
    const cancels: (() => void)[] = [];
    const order: string[] = [];
    await blockUntil(8, (write) => {
      const named = (name: string) => (text: string) => {
        order.push(name);
        write(text);
      };
      cancels.push(dumpLater(30, { ...here, write: named('again'), repeat: true }));
      cancels.push(dumpLater(60, { ...here, write: named('once') }));
      cancels.push(dumpLater(60_000, { ...here, write: named('never') }));
      // Of another arena: its naps are not those of this one.
      cancels.push(dumpLater(60_000, { write: named('never') }));
    });
    for (const cancel of cancels) cancel();
    expect(order.filter((name) => name === 'once')).toHaveLength(1);
    expect(order.filter((name) => name === 'again').length).toBeGreaterThanOrEqual(7);
    expect(order).not.toContain('never');
  });

  it('is cancelled, and begun, while its thread is blocked', async () => {
    let first = 0;
    const texts = await blockUntil(2, (write) => {
      const cancel = dumpLater(1, {
        ...here,
        repeat: true,
        write(text) {
          first++;
          cancel();
          dumpLater(1, { ...here, write });
          write(text);
        },
      });
    });
    expect([texts.length, first]).toEqual([2, 1]);
  });

  const FLAGS = wrong(TypeError, null, 0, 1, 'yes', {}, () => true);
  refuses(
    'dumpLater',
    () => here.arena,
    (arena) => arena.used,
    {
      ms: [[...TIMEOUTS, ...wrong(TypeError, undefined)], (_, bad) => dumpLater(bad)],
      options: [
        wrong(TypeError, null, 1, true, 'options', [], () => 1, { every: 1 }, new AbortController().signal),
        (_, bad) => dumpLater(1, bad),
      ],
      'the arena as options': [wrong(TypeError, Arena.default), (_, bad) => dumpLater(1, bad)],
      repeat: [FLAGS, (arena, repeat) => dumpLater(1, { arena, repeat })],
      exit: [FLAGS, (arena, exit) => dumpLater(1, { arena, exit })],
      write: [NOT_FUNCTIONS.slice(1), (arena, write) => dumpLater(1, { arena, write })],
      arena: [NOT_ARENAS, (_, arena) => dumpLater(1, { arena })],
      'exit where there is no process': [
        globalThis.process ? [] : [[true, UnsupportedError as never]],
        (arena, exit) => dumpLater(1, { arena, exit }),
      ],
    },
  );
});
