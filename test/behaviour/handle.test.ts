import { BroadcastChannel, MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import {
  Arena,
  attach,
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  type PrimitiveOptions,
  RLock,
  Semaphore,
  ThreadingError,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import { type Bad, refuses } from '../support/badInput.ts';
import { thread, thrown, until } from '../support/threads.ts';

type Primitive = Lock | RLock | Semaphore | BoundedSemaphore | Event | Barrier | Condition;
type Kind = Primitive['kind'];

const MAKE: Record<Kind, (options?: PrimitiveOptions) => Primitive> = {
  Lock: (options) => new Lock(options),
  RLock: (options) => new RLock(options),
  Semaphore: (options) => new Semaphore(2, options),
  BoundedSemaphore: (options) => new BoundedSemaphore(2, options),
  Event: (options) => new Event(options),
  Barrier: (options) => new Barrier(2, options),
  Condition: (options) => new Condition(undefined, options),
};
const CLASSES = { Lock, RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition };
const KINDS = Object.keys(MAKE) as Kind[];
/** `from` of a class, whatever it is given. */
const from = (kind: Kind, handle: unknown): Primitive => CLASSES[kind].from(handle as never);

const sharedMemory = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

/** What arrives when something is posted. */
function posted<T>(value: T): T {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(value);
  const received = receiveMessageOnPort(port2)?.message;
  port1.close();
  return received;
}

describe.each(KINDS)('the handle of a %s', (kind) => {
  const make = MAKE[kind];

  it('is its own enumerable fields', () => {
    const primitive = make({ name: 'seats' });
    const fields = ['kind', 'memory', 'address', 'stamp', ...(kind === 'Condition' ? ['lock'] : [])];
    expect(Object.keys(primitive)).toEqual(fields);
    expect(Reflect.ownKeys(primitive)).toEqual(fields);
    expect(primitive.kind).toBe(kind);
    expect(primitive.memory).toBe(Arena.default.memory);
    expect(primitive.address % 64).toBe(0);
  });

  it.each([
    ['as it is', (primitive: Primitive) => primitive],
    ['copied', (primitive: Primitive) => ({ ...primitive })],
    ['cloned', structuredClone],
    ['posted', posted],
    [
      'posted as a copy',
      (primitive: Primitive) => posted({ ...primitive, lock: { ...(primitive as Condition).lock } }),
    ],
  ])('attaches, %s', (_how, send) => {
    const primitive = make({ name: 'seats' });
    const { used } = Arena.default;
    const handle = send(primitive);
    for (const view of [from(kind, handle), attach(handle)]) {
      expect(view).toBeInstanceOf(CLASSES[kind]);
      expect(view).not.toBe(primitive);
      expect([view.kind, view.address, view.stamp, view.name]).toEqual([
        kind,
        primitive.address,
        primitive.stamp,
        'seats',
      ]);
      expect(view.arena.stamp).toBe(primitive.arena.stamp);
    }
    // A view is no second one.
    expect(Arena.default.used).toBe(used);
  });

  it('is refused by every other class', () => {
    const handle = { ...make() };
    for (const other of KINDS) {
      if (other === kind) continue;
      expect(() => from(other, handle)).toThrow(TypeError);
      expect(() => from(other, handle)).toThrow(
        `${other}.from: this is not the handle of a ${other} (its kind is ${kind})`,
      );
      // Nor by a lie.
      expect(() => from(other, { ...handle, kind: other })).toThrow(TypeError);
      expect(() => attach({ ...handle, kind: other })).toThrow(TypeError);
    }
    expect(() => Arena.from(handle as never)).toThrow(TypeError);
  });

  it('is refused when it was destroyed, and when another has its place', () => {
    const arena = new Arena({ maximumBytes: 1_088 });
    const gone = make({ arena });
    gone.destroy();
    expect(() => from(kind, gone)).toThrow(TypeError);
    expect(() => from(kind, gone)).toThrow(/destroyed/);
    expect(() => attach(gone)).toThrow(/destroyed/);
    const heirs = [];
    do heirs.push(make({ arena }));
    while (heirs.at(-1)!.address !== gone.address);
    expect(() => from(kind, gone)).toThrow(/destroyed/);
    expect(() => gone.waiters).toThrow(ThreadingError);
    expect(from(kind, heirs.at(-1)).waiters).toBe(0);
  });

  it('is refused on a memory of an incompatible version', () => {
    const arena = new Arena({ memory: sharedMemory() });
    const handle = { ...make({ arena }) };
    const header = new Int32Array(handle.memory.buffer);
    const version = header[1]!;
    header[1] = version + 1;
    expect(() => from(kind, handle)).toThrow(TypeError);
    expect(() => from(kind, handle)).toThrow(
      `incompatible version of lockwork (layout ${version + 1}, this is ${version})`,
    );
    expect(() => Arena.from({ ...arena })).toThrow(/incompatible version/);
    header[1] = version;
    expect(from(kind, handle).address).toBe(handle.address);
  });

  const elsewhere = sharedMemory();
  const garbage = sharedMemory();
  new Uint8Array(garbage.buffer).forEach((_, index, bytes) => {
    bytes[index] = (index * 167) >> 3;
  });
  const good = { ...make() };
  const array = Arena.default.allocate(Int32Array, 16);
  array.set(new Int32Array(good.memory.buffer, good.address, 16));
  const forged: unknown[] = [
    ...[undefined, null, 1, kind, Symbol(kind), {}, [], () => good, { kind }],
    ...[undefined, null, 'lock', 'lock', {}, Symbol(kind)].map((kind) => ({ ...good, kind })),
    ...[undefined, null, {}, good.memory.buffer, elsewhere, garbage, { ...good.memory }].map((memory) => ({
      ...good,
      memory,
    })),
    { ...good, memory: new WebAssembly.Memory({ initial: 100, maximum: 100 }) },
    ...[
      undefined,
      null,
      '64',
      `${good.address}`,
      Number.NaN,
      Infinity,
      -64,
      0,
      64,
      1,
      good.address + 1,
      good.address + 4,
    ].map((address) => ({ ...good, address })),
    ...[0.5, 2 ** 31, 2 ** 32, 2 ** 53].map((far) => ({ ...good, address: good.address + far })),
    // The arena's map, free cells, this thread's record, the first and the last bytes outside, the user's array.
    ...[4_096, good.memory.buffer.byteLength - 64, good.memory.buffer.byteLength].map((address) => ({
      ...good,
      address,
    })),
    { ...good, address: array.byteOffset },
    ...[0, 64, 640, 65_536 - 64, 65_536].map((address) => ({ ...good, memory: garbage, address })),
    ...[
      undefined,
      null,
      `${good.stamp}`,
      Number.NaN,
      0,
      -1,
      0.5,
      good.stamp + 0.5,
      good.stamp + 1,
      good.stamp + 2 ** 32,
    ].map((stamp) => ({ ...good, stamp })),
  ];
  const refused: Bad[] = forged.map((handle) => [handle, TypeError]);
  const state = () => [
    Arena.default.used,
    (from(kind, good) as Primitive).waiters,
    new TextDecoder('latin1').decode(new Uint8Array(garbage.buffer).slice()),
  ];
  refuses(kind, () => kind, state, {
    from: [refused, (_, bad) => from(kind, bad)],
    attach: [refused, (_, bad) => attach(bad)],
  });
});

describe('on the other thread', () => {
  const everything = () => Object.fromEntries(KINDS.map((kind) => [kind, MAKE[kind]({ name: `my ${kind}` })]));
  const expected = KINDS.map((kind) => `${kind} ${kind} "my ${kind}"`);

  const code = `
    const { BroadcastChannel, parentPort, workerData } = require('node:worker_threads');
    const api = import('lockwork');
    const look = async (handles) => {
      const { attach, ...classes } = await api;
      const views = Object.values(handles).map((handle) => [attach(handle), classes[handle.kind].from(handle)]);
      parentPort.postMessage(views.map(([a, b]) => a.constructor === b.constructor && b.kind + ' ' + a));
    };
    if (workerData.handles) look(workerData.handles);
    parentPort.on('message', look);
    const channel = new BroadcastChannel(workerData.channel);
    channel.onmessage = ({ data }) => { look(data); channel.close(); };
    parentPort.postMessage('ready');
  `;

  it.each([
    ['workerData', () => {}],
    ['postMessage', (worker: Worker, handles: object) => worker.postMessage(handles)],
    [
      'a BroadcastChannel',
      (_: Worker, handles: object, channel: string) => {
        const broadcast = new BroadcastChannel(channel);
        broadcast.postMessage(handles);
        broadcast.close();
      },
    ],
  ])('all of them attach from %s', async (how, send) => {
    const handles = everything();
    const channel = `handles ${Math.random()}`;
    const workerData = { channel, handles: how === 'workerData' ? handles : undefined };
    const worker = new Worker(code, { eval: true, workerData });
    const messages: unknown[] = [];
    worker.on('message', (message) => messages.push(message));
    await until(() => messages.includes('ready'), 'the thread listens');
    send(worker, handles, channel);
    await until(() => messages.length === 2, 'it has attached');
    await worker.terminate();
    expect(messages).toContainEqual(expected);
  });

  it('errors name the primitive', async () => {
    const { Lock, RLock, Event, Semaphore, BoundedSemaphore, Condition, Barrier } = everything() as never as {
      [K in Kind]: InstanceType<(typeof CLASSES)[K]>;
    };
    const message = (promise: Promise<unknown>) =>
      promise.then(String, (error: Error) => `${error.name}: ${error.message}`);
    RLock.acquire();
    Barrier.abort();
    Event.destroy();
    const messages = await Promise.all([
      message(thread({ Lock }, ({ Lock }) => Lock.release())),
      message(thread({ RLock }, ({ RLock }) => RLock.release())),
      message(thread({ RLock }, ({ RLock }) => void RLock.hold(1))),
      message(thread({ Semaphore }, ({ Semaphore }) => Semaphore.release(67_108_863))),
      message(thread({ BoundedSemaphore }, ({ BoundedSemaphore }) => BoundedSemaphore.release())),
      message(thread({ Condition }, ({ Condition }) => Condition.notify())),
      message(thread({ Barrier }, ({ Barrier }) => Barrier.wait())),
    ]);
    expect(messages.map((text) => text.slice(0, text.indexOf('"', text.indexOf('"') + 1) + 1))).toEqual([
      'NotHeldError: Lock "my Lock"',
      'NotHeldError: RLock "my RLock"',
      'TimeoutError: RLock "my RLock"',
      'OverReleaseError: Semaphore "my Semaphore"',
      'OverReleaseError: BoundedSemaphore "my BoundedSemaphore"',
      'NotHeldError: Condition "my Condition"',
      'BrokenBarrierError: Barrier "my Barrier"',
    ]);
  });

  it('a lock that was destroyed meanwhile is of no use', async () => {
    const lock = new Lock();
    const stay = new Event();
    const use = thread({ lock, stay }, ({ lock, stay }) => {
      stay.wait();
      lock.acquire();
    });
    await until(() => stay.waiters === 1, 'it is attached');
    lock.destroy();
    stay.set();
    expect(await thrown(use)).toBe('ThreadingError');
    expect(await thrown(thread({ lock }, ({ lock }) => lock.acquire()))).toBe('TypeError');
  });
});

describe('a name', () => {
  it('is what it was, in every thread', async () => {
    for (const name of ['x', 'two words', 'Sitzplätze 🪑', '"quoted"', 'x'.repeat(1_000), '']) {
      const lock = new Lock({ name });
      expect(lock.name).toBe(name);
      expect(await thread({ lock }, ({ lock }) => lock.name)).toBe(name);
      expect(String(lock)).toBe(name ? `Lock ${JSON.stringify(name)}` : 'Lock');
    }
    expect(new Lock().name).toBe('');
  });
});

describe('the handle of an Arena', () => {
  it('is its own enumerable fields', () => {
    expect(Reflect.ownKeys(Arena.default)).toEqual(['kind', 'memory', 'address', 'stamp']);
  });

  it('attaches, in whichever thread', async () => {
    const memory = sharedMemory();
    const arena = new Arena({ memory, byteOffset: 128 });
    for (const handle of [arena, { ...arena }, structuredClone(arena), posted(arena)]) {
      for (const view of [Arena.from(handle), attach(handle)]) {
        expect(view).toBeInstanceOf(Arena);
        expect([view.address, view.stamp, view.used]).toEqual([128, arena.stamp, arena.used]);
      }
    }
    const lock = await thread({ arena }, ({ arena }, { Lock }) => ({ ...new Lock({ arena, name: 'theirs' }) }));
    expect([lock.memory === memory, Lock.from(lock).name]).toEqual([false, 'theirs']);
  });

  const arena = new Arena({ memory: sharedMemory(), byteOffset: 128 });
  const good = { ...arena };
  const forged: unknown[] = [
    ...[undefined, null, 1, 'Arena', {}, [], { kind: 'Arena' }, { ...new Lock(), kind: 'Arena' }],
    ...[undefined, 'Lock', 'arena'].map((kind) => ({ ...good, kind })),
    ...[undefined, null, {}, good.memory.buffer, sharedMemory(), new WebAssembly.Memory({ initial: 1 })].map(
      (memory) => ({
        ...good,
        memory,
      }),
    ),
    ...[undefined, null, '128', Number.NaN, -64, 0, 64, 129, 192, 2 ** 32 + 128, 65_536].map((address) => ({
      ...good,
      address,
    })),
    ...[undefined, null, `${good.stamp}`, Number.NaN, good.stamp + 1].map((stamp) => ({ ...good, stamp })),
  ];
  const refused: Bad[] = forged.map((handle) => [handle, TypeError]);
  refuses(
    'Arena',
    () => arena,
    () => arena.used,
    {
      from: [refused, (_, bad) => Arena.from(bad)],
      attach: [
        refused.filter(([handle]) => (handle as { kind?: unknown } | null)?.kind !== 'Lock'),
        (_, bad) => attach(bad),
      ],
    },
  );
});

describe('a primitive that was destroyed', () => {
  type Use = Record<string, (it: never) => unknown>;
  const shared: Use = { waiters: (it: Primitive) => it.waiters, destroy: (it: Primitive) => it.destroy() };
  const holdable: Use = {
    ...shared,
    acquire: (it: Lock) => it.acquire(),
    'acquire(0)': (it: Lock) => it.acquire(0),
    tryAcquire: (it: Lock) => it.tryAcquire(),
    release: (it: Lock) => it.release(),
    hold: (it: Lock) => it.hold(),
    with: (it: Lock) => it.with(() => 1),
  };
  const semaphore: Use = {
    ...holdable,
    'release(2)': (it: Semaphore) => it.release(2),
    value: (it: Semaphore) => it.value,
  };
  const USES: Record<Kind, Use> = {
    Lock: { ...holdable, locked: (it: Lock) => it.locked },
    RLock: {
      ...holdable,
      locked: (it: RLock) => it.locked,
      owned: (it: RLock) => it.owned,
      recursionCount: (it: RLock) => it.recursionCount,
    },
    Semaphore: semaphore,
    BoundedSemaphore: { ...semaphore, bound: (it: BoundedSemaphore) => it.bound },
    Event: {
      ...shared,
      wait: (it: Event) => it.wait(),
      'wait(0)': (it: Event) => it.wait(0),
      set: (it: Event) => it.set(),
      clear: (it: Event) => it.clear(),
      isSet: (it: Event) => it.isSet,
    },
    Barrier: {
      ...shared,
      wait: (it: Barrier) => it.wait(),
      abort: (it: Barrier) => it.abort(),
      reset: (it: Barrier) => it.reset(),
      parties: (it: Barrier) => it.parties,
      waiting: (it: Barrier) => it.waiting,
      broken: (it: Barrier) => it.broken,
    },
    Condition: {
      ...holdable,
      wait: (it: Condition) => it.wait(),
      'wait(0)': (it: Condition) => it.wait(0),
      waitFor: (it: Condition) => it.waitFor(() => false),
      notify: (it: Condition) => it.notify(),
      'notify(0)': (it: Condition) => it.notify(0),
      notifyAll: (it: Condition) => it.notifyAll(),
    },
  };

  const ways = KINDS.map((kind) => [`a ${kind}`, MAKE[kind], USES[kind]] as const);
  it.each([...ways, ["a Condition on the user's Lock", () => new Condition(new Lock()), USES.Condition] as const])(
    '%s throws whatever it is asked, and changes nothing',
    (_what, make, uses) => {
      const primitive = make();
      primitive.destroy();
      const { used } = Arena.default;
      for (const [name, use] of Object.entries(uses)) {
        expect(() => use(primitive as never), name).toThrow(ThreadingError);
        expect(() => use(primitive as never), name).toThrow('has been destroyed');
      }
      expect(Arena.default.used).toBe(used);
      expect(String(primitive)).toBe(primitive.kind);
    },
  );
});

describe('destroy', () => {
  /** Refused, and nothing changed. */
  const refusesNow = (primitive: Primitive) => {
    const { used } = Arena.default;
    expect(() => primitive.destroy()).toThrow(ThreadingError);
    expect(() => primitive.destroy()).toThrow(`${primitive}: cannot be destroyed`);
    expect(Arena.default.used).toBe(used);
    expect(from(primitive.kind, primitive).waiters).toBe(primitive.waiters);
  };
  /** Works, and gives all memory back. */
  const works = (primitive: Primitive, cells: number) => {
    const { used } = Arena.default;
    primitive.destroy();
    expect(Arena.default.used).toBe(used - cells * 64);
  };

  it.each(KINDS)('gives back what a %s takes', (kind) => {
    works(MAKE[kind](), kind === 'Condition' ? 2 : 1);
    works(MAKE[kind]({ name: 'x'.repeat(100) }), kind === 'Condition' ? 6 : 3);
  });

  it.each(['Lock', 'RLock', 'BoundedSemaphore'] as const)(
    'refuses a %s that is held, by this thread or another',
    async (kind) => {
      const lock = MAKE[kind]({ name: 'held' }) as Lock;
      lock.acquire();
      refusesNow(lock);
      lock.release();
      const held = new Event();
      const done = new Event();
      const other = thread({ lock, held, done }, ({ lock, held, done }) =>
        lock.with(() => {
          held.set();
          done.wait();
        }),
      );
      await until(() => held.isSet, 'the other thread holds it');
      refusesNow(lock);
      done.set();
      await other;
      works(lock, 2);
    },
  );

  it.each(['Lock', 'RLock', 'Semaphore', 'BoundedSemaphore'] as const)(
    'refuses a %s that is waited on',
    async (kind) => {
      const lock = MAKE[kind]() as Lock;
      while (lock.tryAcquire() && kind !== 'RLock'); // All permits; of an RLock there is no end.
      const other = thread({ lock }, ({ lock }) => {
        lock.acquire();
        lock.release();
      });
      await until(() => lock.waiters === 1, 'one waits');
      refusesNow(lock);
      lock.release();
      await other;
      if (kind === 'BoundedSemaphore') lock.release();
      if (kind === 'Lock' || kind === 'RLock') expect(lock.locked).toBe(false);
      works(lock, 1);
    },
  );

  it('refuses an Event that is waited on', async () => {
    const event = new Event();
    const other = thread({ event }, ({ event }) => event.wait());
    await until(() => event.waiters === 1, 'one waits');
    refusesNow(event);
    event.set();
    expect(await other).toBe(true);
    works(event, 1);
  });

  it('refuses a Barrier that is waited on', async () => {
    const barrier = new Barrier(2);
    const other = thread({ barrier }, ({ barrier }) => barrier.wait());
    await until(() => barrier.waiters === 1, 'one waits');
    refusesNow(barrier);
    expect(barrier.wait()).toBe(1);
    expect(await other).toBe(0);
    works(barrier, 1);
  });

  it('refuses a Condition that is waited on, and its lock, which the waiter will want back', async () => {
    const condition = new Condition(new Lock());
    const other = thread({ condition }, ({ condition }) => condition.with(() => condition.wait()));
    await until(() => condition.waiters === 1 && !condition.lock.locked, 'one waits');
    refusesNow(condition);
    refusesNow(condition.lock);
    condition.with(() => condition.notify());
    expect(await other).toBe(true);
    works(condition, 1);
    works(condition.lock, 1);
  });

  it('refuses a Condition whose own lock is held', () => {
    const condition = new Condition();
    condition.acquire();
    refusesNow(condition);
    condition.release();
    works(condition, 2);
  });

  it('leaves the lock of a Condition that was given one', () => {
    const lock = new Lock();
    works(new Condition(lock), 1);
    expect(lock.tryAcquire()).toBe(true);
  });
});
