import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  Arena,
  Barrier,
  Condition,
  Event,
  Lock,
  OutOfMemoryError,
  RLock,
  Semaphore,
  type SharedArrayType,
  ThreadingError,
} from 'lockwork';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../assembly/abi.ts';
import { type Bad, integersFrom, refuses } from '../support/badInput.ts';
import { fill } from '../support/fill.ts';
import { thread, threads, thrown, until } from '../support/threads.ts';

const CELL = 64;
const PAGE = 65536;

const sharedMemory = (pages = 1, maximum = 16) => new WebAssembly.Memory({ initial: pages, maximum, shared: true });

describe('Arena.default', () => {
  it('is one, and the one that primitives live in when none is named', () => {
    expect(Arena.default.memory).toBe(Arena.default.memory);
    const lock = new Lock();
    expect(lock.memory).toBe(Arena.default.memory);
    expect(lock.arena).toBe(Arena.default);
  });

  it('is the same in every thread', async () => {
    const { stamp } = Arena.default;
    expect(await threads(3, {}, (_, { Arena, Lock }) => [Arena.default.stamp, new Lock().arena.stamp])).toEqual(
      Array(3).fill([stamp, stamp]),
    );
  });

  it('has room for 100,000 locks', () => {
    const { used } = Arena.default;
    const locks = Array.from({ length: 100_000 }, () => new Lock());
    expect(new Set(locks.map((lock) => lock.address)).size).toBe(100_000);
    expect(Arena.default.used).toBe(used + 100_000 * CELL);
    expect(locks.every((lock) => lock.tryAcquire() && !lock.tryAcquire())).toBe(true);
    for (const lock of locks) {
      lock.release();
      lock.destroy();
    }
    expect(Arena.default.used).toBe(used);
  });

  it('loses nothing while 1,000,000 locks come and go', () => {
    const { used } = Arena.default;
    const bytes = Arena.default.memory.buffer.byteLength;
    for (let i = 0; i < 1_000_000; i++) new Lock().destroy();
    expect(Arena.default.used).toBe(used);
    expect(Arena.default.memory.buffer.byteLength).toBe(bytes);
  });

  it('gets back what a name takes, and the lock of a Condition', () => {
    const { used } = Arena.default;
    const name = 'a name that is longer than one cell, which has 64 bytes: 🔒🔒🔒🔒';
    const lock = new Lock({ name });
    expect(lock.name).toBe(name);
    expect(Arena.default.used).toBe(used + 3 * CELL);
    lock.destroy();
    const condition = new Condition(undefined, { name });
    expect(Arena.default.used).toBe(used + 6 * CELL);
    condition.destroy();
    expect(Arena.default.used).toBe(used);
  });

  it('gets the record of a thread back that ends', async () => {
    const { used } = Arena.default;
    const code = "import('lockwork').then(({ Lock }) => new Lock().destroy())";
    for (let i = 0; i < 10; i++) await once(new Worker(code, { eval: true }), 'exit');
    expect(Arena.default.used).toBe(used);
  });
});

describe('an Arena of its own', () => {
  it('holds the primitives that name it, and no others', async () => {
    const arena = new Arena({ maximumBytes: 2 ** 20 });
    const { used } = arena;
    const lock = new Lock({ arena });
    new Lock();
    expect(lock.memory).toBe(arena.memory);
    expect(arena.memory).not.toBe(Arena.default.memory);
    expect(arena.used).toBe(used + CELL);
    lock.acquire();
    expect(await thread({ lock }, ({ lock }) => [lock.tryAcquire(), lock.arena.stamp])).toEqual([false, arena.stamp]);
    // The other thread has a record in it now, and what it tells of itself.
    expect(arena.used).toBe(used + 18 * CELL);
  });

  it('grows as needed, and what there was before works on', async () => {
    const arena = new Arena({ maximumBytes: 8 * 2 ** 20 });
    const before = { lock: new Lock({ arena }), array: arena.allocate(Int32Array, 4) };
    before.lock.acquire();
    before.array[3] = 7;
    const bytes = arena.memory.buffer.byteLength;
    // This thread meets the arena when it is small.
    await thread(before, ({ array }) => array[3]);

    const after = { lock: new Lock({ arena }), array: arena.allocate(Float64Array, 2 ** 19) };
    expect(arena.memory.buffer.byteLength).toBeGreaterThan(bytes);
    expect(arena.memory.buffer.byteLength).toBeLessThanOrEqual(8 * 2 ** 20);
    after.array[2 ** 19 - 1] = 8;
    expect([before.array[3], before.lock.locked, after.lock.locked]).toEqual([7, true, false]);
    const seen = await thread({ before, after, arena }, ({ before, after, arena }) => {
      before.lock.release();
      after.lock.acquire();
      before.array[2] = 9;
      arena.free(after.array);
      return [before.array[3], after.array.at(-1)];
    });
    expect(seen).toEqual([7, 8]);
    expect([before.array[2], before.lock.locked, after.lock.locked]).toEqual([9, false, true]);
  });

  it('grows by what another thread allocates', async () => {
    const arena = new Arena({ maximumBytes: 4 * 2 ** 20 });
    const far = await thread({ arena }, ({ arena }, { Lock }) => {
      const array = arena.allocate(Uint8Array, 2 ** 20);
      array[2 ** 20 - 1] = 5;
      const lock = new Lock({ arena });
      lock.acquire();
      return { array, lock: { ...lock } };
    });
    expect(far.array.at(-1)).toBe(5);
    expect(Lock.from(far.lock).locked).toBe(true);
    arena.free(far.array);
  });

  it.each([512, 1_000, 5_000, PAGE, PAGE + CELL, 3 * PAGE, 16 * PAGE])(
    'can be filled to its capacity: %i bytes',
    (maximumBytes) => {
      const arena = new Arena({ maximumBytes });
      expect(arena.capacity).toBeLessThan(maximumBytes);
      const rest = arena.capacity - arena.used;
      for (let round = 0; round < 3; round++) {
        const array = arena.allocate(Uint8Array, rest);
        expect(arena.used).toBe(arena.capacity);
        expect(() => new Lock({ arena })).toThrow(OutOfMemoryError);
        expect(array.fill(1).at(-1)).toBe(1);
        arena.free(array);
      }
      expect(fill(arena)).toHaveLength(rest / CELL);
    },
  );

  it('that is full refuses, changes nothing, and takes again what comes free', () => {
    const arena = new Arena({ maximumBytes: PAGE });
    const array = arena.allocate(Int32Array, 16).fill(5);
    const locks = fill(arena);
    for (let index = 1; index < locks.length; index += 2) locks[index]!.acquire();
    const { used } = arena;
    for (let round = 0; round < 3; round++) {
      expect(() => new Lock({ arena })).toThrow(OutOfMemoryError);
      expect(() => new RLock({ arena, name: 'late' })).toThrow('new RLock: the arena is full');
      expect(() => arena.allocate(Int8Array, 1)).toThrow(OutOfMemoryError);
      expect(() => arena.allocate(Int8Array, 2 ** 32 - PAGE)).toThrow(OutOfMemoryError);
      expect(arena.used).toBe(used);
    }
    expect(array.every((word) => word === 5)).toBe(true);
    expect(locks.every((lock, index) => lock.locked === (index % 2 === 1))).toBe(true);
    expect(locks.every((lock, index) => lock.tryAcquire() === (index % 2 === 0))).toBe(true);

    const [gone] = locks.splice(100, 1);
    gone!.release();
    gone!.destroy();
    // Room for one, but not for a name beside it; and the attempt takes none of it.
    expect(() => new Lock({ arena, name: 'late' })).toThrow(OutOfMemoryError);
    expect(fill(arena)).toHaveLength(1);
    arena.free(array);
    expect(fill(arena, { name: 'x' })).toHaveLength(0);
    expect(fill(arena)).toHaveLength(1);
  });

  it('that is full has no room for one more thread, and says so there', async () => {
    const arena = new Arena({ maximumBytes: 1_000 });
    const locks = fill(arena);
    const attach = () => thread({ lock: locks[0]! }, ({ lock }) => lock.tryAcquire());
    await expect(attach()).rejects.toHaveProperty('name', 'OutOfMemoryError');
    // A record, and what the thread is called.
    for (const lock of locks.splice(-2)) lock.destroy();
    expect(await attach()).toBe(true);
  });
});

describe("an Arena in the user's memory", () => {
  it('stays in its bytes', async () => {
    const memory = sharedMemory();
    const bytes = new Uint8Array(memory.buffer).fill(0xee);
    const arena = new Arena({ memory, byteOffset: 640, byteLength: 2_000 });
    expect(arena.memory).toBe(memory);
    expect(arena.address).toBe(640);
    expect(arena.capacity).toBeLessThan(2_000);
    const locks = fill(arena);
    expect(locks.length).toBeGreaterThan(10);
    expect(arena.used).toBe(arena.capacity);
    for (const lock of locks) {
      expect(lock.address).toBeGreaterThan(640);
      expect(lock.address).toBeLessThanOrEqual(640 + 2_000 - CELL);
      lock.acquire();
    }
    locks.pop()!.release();
    expect(memory.buffer.byteLength).toBe(PAGE);
    expect(bytes.subarray(0, 640).every((byte) => byte === 0xee)).toBe(true);
    expect(bytes.subarray(640 + 2_000).every((byte) => byte === 0xee)).toBe(true);
  });

  it('reaches to the end of the memory when no length is given, and not beyond when that grows', () => {
    const memory = sharedMemory();
    const arena = new Arena({ memory, byteOffset: 1_024 });
    const { capacity } = arena;
    expect(capacity).toBeGreaterThan(PAGE - 1_024 - 1_500);
    const [lock] = fill(arena);
    memory.grow(1);
    expect(lock!.tryAcquire()).toBe(true);
    expect(() => new Lock({ arena })).toThrow(OutOfMemoryError);
    lock!.release();
    lock!.destroy();
    expect(fill(arena)).toHaveLength(1);
    expect(arena.capacity).toBe(capacity);
  });

  it('works from several threads', async () => {
    const arena = new Arena({ memory: sharedMemory(), byteOffset: 4_096 });
    const lock = new Lock({ arena });
    const count = arena.allocate(Int32Array, 1);
    await threads(3, { lock, count }, ({ lock, count }) => {
      for (let i = 0; i < 10_000; i++) lock.with(() => count[0]!++);
    });
    expect(count[0]).toBe(30_000);
  });

  it('is not laid over another', () => {
    const memory = sharedMemory();
    const arena = new Arena({ memory, byteOffset: 128 });
    const lock = new Lock({ arena });
    lock.acquire();
    const { used } = arena;
    expect(() => new Arena({ memory, byteOffset: 128 })).toThrow(TypeError);
    expect([lock.locked, arena.used]).toEqual([true, used]);
  });

  it('does not mind a neighbour in the same memory', () => {
    const memory = sharedMemory();
    const [left, right] = [0, 4_096].map((byteOffset) => new Arena({ memory, byteOffset, byteLength: 4_096 })) as [
      Arena,
      Arena,
    ];
    expect(left.stamp).not.toBe(right.stamp);
    const theirs = right.allocate(Int32Array, 1);
    const { used } = left;
    expect(() => left.free(theirs)).toThrow(TypeError);
    const locks = [...fill(left), ...fill(right)];
    expect(new Set(locks.map((lock) => lock.address)).size).toBe(locks.length);
    for (const lock of locks) lock.destroy();
    expect(left.used).toBe(used);
    right.free(theirs);
  });
});

const TYPES: SharedArrayType[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
];

describe('allocate', () => {
  it.each(TYPES.map((type) => [type.name, type] as const))(
    '%s: zero, in shared memory, a multiple of 64 bytes',
    async (_name, type) => {
      const arena = Arena.default;
      const { used } = arena;
      for (const length of [0, 1, CELL / type.BYTES_PER_ELEMENT, CELL / type.BYTES_PER_ELEMENT + 1, 1_000]) {
        const array = arena.allocate(type, length) as Int32Array;
        expect(array.constructor).toBe(type);
        expect([array.length, array.byteOffset % CELL]).toEqual([length, 0]);
        expect(array.buffer).toBe(arena.memory.buffer);
        expect(arena.used - used).toBe(Math.max(1, Math.ceil(array.byteLength / CELL)) * CELL);
        expect(array.every((element) => Number(element) === 0)).toBe(true);
        // The next one in its place finds nothing of this.
        new Uint8Array(array.buffer, array.byteOffset, array.byteLength).fill(0xff);
        arena.free(array);
        expect(arena.used).toBe(used);
      }
    },
  );

  it('posts as it is', async () => {
    const ints = Arena.default.allocate(Int32Array, 3);
    const bigs = Arena.default.allocate(BigInt64Array, 2);
    await thread({ ints, bigs }, ({ ints, bigs }) => {
      ints[2] = 5;
      bigs[1] = 6n;
    });
    expect([...ints, ...bigs]).toEqual([0, 0, 5, 0n, 6n]);
  });

  it('gives no cell to two threads at once', async () => {
    const arena = new Arena({ maximumBytes: 4 * 2 ** 20 });
    const all = await threads(4, { arena }, ({ arena }, { Lock }) => {
      const blocks: [address: number, bytes: number][] = [];
      for (let i = 0; i < 2_000; i++) {
        blocks.push([new Lock({ arena }).address, 64]);
        const { byteOffset, byteLength } = arena.allocate(Uint8Array, 64 * (1 + (i % 3)));
        blocks.push([byteOffset, byteLength]);
      }
      return blocks;
    });
    const blocks = all.flat().sort(([a], [b]) => a - b);
    const overlapping = blocks.filter(([address], i) => i && blocks[i - 1]![0] + blocks[i - 1]![1] > address);
    expect(overlapping).toEqual([]);
  });

  it('gives and takes back from several threads at once in an arena that is nearly full', async () => {
    const arena = new Arena({ maximumBytes: 8_192 });
    await threads(4, { arena }, () => {});
    const { used } = arena;
    const results = await threads(4, { arena }, ({ arena, index }, { OutOfMemoryError }) => {
      const mine: Uint32Array[] = [];
      let damaged = 0;
      let full = 0;
      for (let i = 0; i < 10_000; i++) {
        try {
          const array = arena.allocate(Uint32Array, 16 * (1 + (i % 5)));
          damaged += Number(array.some((word) => word !== 0));
          mine.push(array.fill(4 * i + index));
        } catch (error) {
          if (!(error instanceof OutOfMemoryError)) throw error;
          full++;
        }
        if (mine.length > 8 || (mine.length && i % 3 === 2)) {
          const array = mine.splice(i % mine.length, 1)[0]!;
          damaged += Number(array.some((word) => word !== array[0] || word % 4 !== index));
          arena.free(array);
        }
      }
      for (const array of mine) arena.free(array);
      return { damaged, full };
    });
    expect(results.map(({ damaged }) => damaged)).toEqual([0, 0, 0, 0]);
    expect(arena.used).toBe(used);
    expect(fill(arena)).toHaveLength((arena.capacity - used) / CELL);
  });

  it('finds the holes, and joins neighbours that came free', () => {
    const arena = new Arena({ maximumBytes: 2 * PAGE });
    const three = () => arena.allocate(Uint8Array, 3 * CELL);
    const fitting = Math.floor((arena.capacity - arena.used) / (3 * CELL));
    const arrays = Array.from({ length: fitting }, three);
    const holes = arrays.filter((_, index) => index % 2 === 0);
    for (const array of holes) arena.free(array);
    // Half of it is free, but nowhere four cells in a row.
    for (const _ of holes) {
      expect(() => arena.allocate(Uint8Array, 4 * CELL)).toThrow(OutOfMemoryError);
      arena.free(three()); // The next search begins elsewhere.
    }
    const refilled = holes.map(three);
    expect(refilled.map((array) => array.byteOffset).sort()).toEqual(holes.map((array) => array.byteOffset).sort());
    expect(three).toThrow(OutOfMemoryError);

    const [left, , right] = arrays.slice(10, 13);
    for (const array of [left!, arrays[11]!]) arena.free(array);
    const joined = arena.allocate(Uint8Array, 6 * CELL);
    expect(joined.byteOffset).toBe(left!.byteOffset);
    expect(right!.byteOffset).toBe(joined.byteOffset + 6 * CELL);
  });
});

describe('free', () => {
  it('takes an array once, from whichever thread', async () => {
    const arena = Arena.default;
    const array = arena.allocate(Int32Array, 100);
    await thread({ arena }, () => {}); // It has its record now.
    const { used } = arena;
    expect(await thread({ arena, array }, ({ arena, array }) => arena.free(array))).toBe(undefined);
    expect(arena.used).toBe(used - 7 * CELL);
    expect(() => arena.free(array)).toThrow(TypeError);
    expect(await thrown(thread({ arena, array }, ({ arena, array }) => arena.free(array)))).toBe('TypeError');
    expect(arena.used).toBe(used - 7 * CELL);
  });

  it('takes an array once from threads that come at once', async () => {
    await threads(3, {}, (_, { Arena }) => void Arena.default); // They have their records now.
    const { used } = Arena.default;
    for (let round = 0; round < 50; round++) {
      const array = Arena.default.allocate(Int32Array, 1);
      const freed = await threads(3, { array }, ({ array }, { Arena }) => {
        try {
          Arena.default.free(array);
          return 1;
        } catch {
          return 0;
        }
      });
      expect(freed.sort()).toEqual([0, 0, 1]);
    }
    expect(Arena.default.used).toBe(used);
  });

  it('refuses what is not the whole of an array of this arena', () => {
    const arena = Arena.default;
    const array = arena.allocate(Int32Array, 64);
    const lock = new Lock({ name: 'not an array' });
    const other = new Arena({ maximumBytes: 2 ** 20 });
    const { buffer } = arena.memory;
    const { used } = arena;
    const bad: [string, ArrayBufferView][] = [
      ['its end', array.subarray(16)],
      ['its beginning', array.subarray(0, 16)],
      ['its middle', array.subarray(16, 32)],
      ['unaligned', array.subarray(1)],
      ['more than it', new Int32Array(buffer, array.byteOffset, 80)],
      ['before it', new Int32Array(buffer, array.byteOffset - CELL, 80)],
      ['a lock', new Int32Array(buffer, lock.address, 16)],
      ['a name', new Int32Array(buffer, lock.address - CELL, 16)],
      ['the header', new Int32Array(buffer, 0, 16)],
      ['the end of the memory', new Int32Array(buffer, buffer.byteLength - CELL, 16)],
      ['the whole memory', new Int32Array(buffer)],
      ['an array of another arena', other.allocate(Int32Array, 64)],
      ['a lock of another arena', new Int32Array(other.memory.buffer, new Lock({ arena: other }).address, 16)],
      ['unshared', new Int32Array(64)],
      ['the copy', array.slice()],
      ['shared, and no arena', new Int32Array(new SharedArrayBuffer(2 * PAGE))],
      ['shared, and smaller than an arena', new Int32Array(new SharedArrayBuffer(16))],
    ];
    for (const [what, view] of bad) expect(() => arena.free(view), what).toThrow(TypeError);
    expect(arena.used).toBe(used);
    expect(lock.name).toBe('not an array');
    arena.free(array);
    lock.destroy();
  });
});

/** What a module prints, which runs in a process of its own. */
async function run(source: string, ...args: string[]): Promise<string> {
  const options = { timeout: 110_000 };
  const child = spawn(process.execPath, [...args, '--no-warnings', '--input-type=module', '-'], options);
  child.stdin.end(`import * as threading from ${JSON.stringify(import.meta.resolve('lockwork'))}; ${source}`);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return text.trim();
}

describe('destroy', () => {
  const GONE = /destroyed/;
  const IN_USE = 'arena.destroy: the arena is in use';

  it('refuses while something is in the arena, and changes nothing', () => {
    const arena = new Arena({ maximumBytes: PAGE });
    const array = arena.allocate(Int32Array, 100);
    const lock = new Lock({ arena, name: 'x'.repeat(100) });
    const condition = new Condition(undefined, { arena });
    const { used } = arena;
    const refused = () => {
      expect(() => arena.destroy()).toThrow(ThreadingError);
      expect(() => arena.destroy()).toThrow(IN_USE);
    };
    refused();
    expect([arena.used, lock.tryAcquire(), lock.name.length]).toEqual([used, true, 100]);
    arena.free(array);
    refused();
    lock.release();
    lock.destroy();
    refused();
    condition.destroy();
    arena.destroy();
  });

  it('refuses the default arena', () => {
    expect(() => Arena.default.destroy()).toThrow(ThreadingError);
    expect(() => Arena.default.destroy()).toThrow('the default arena cannot be destroyed');
    new Lock().destroy();
  });

  it('ends every use of the arena, in all threads', async () => {
    const arena = new Arena({ maximumBytes: PAGE });
    const lock = new Lock({ arena });
    const array = arena.allocate(Int32Array, 1);
    const handles = { arena: { ...arena }, lock: { ...lock } };
    const flags = Arena.default.allocate(Int32Array, 1);
    const other = thread({ arena, flags }, ({ arena, flags }, { Lock }) => {
      new Lock({ arena }).destroy();
      const own = new Lock({ arena });
      own.destroy();
      Atomics.store(flags, 0, 1);
      Atomics.wait(flags, 0, 1, 15_000);
      const messages: string[] = [];
      for (const use of [
        () => new Lock({ arena }),
        () => arena.allocate(Int8Array, 1),
        () => arena.used,
        () => own.tryAcquire(),
        () => own.locked,
      ]) {
        try {
          use();
          messages.push('nothing');
        } catch (error) {
          messages.push((error as Error).message);
        }
      }
      return messages;
    });
    await until(() => Atomics.load(flags, 0) === 1, 'the other thread uses it');
    lock.destroy();
    arena.free(array);
    arena.destroy();
    Atomics.store(flags, 0, 2);
    Atomics.notify(flags, 0);
    for (const message of await other) expect(message).toMatch(GONE);

    for (const use of [
      () => new Lock({ arena }),
      () => new Condition(undefined, { arena, name: 'x' }),
      () => arena.allocate(Int32Array, 1),
      () => arena.used,
      () => arena.capacity,
      () => arena.destroy(),
      () => lock.tryAcquire(),
      () => lock.waiters,
      () => lock.destroy(),
    ]) {
      expect(use).toThrow(ThreadingError);
      expect(use).toThrow(GONE);
    }
    expect(() => arena.free(array)).toThrow(GONE);
    await expect(lock.acquireAsync()).rejects.toThrow(GONE);
    for (const use of [() => Arena.from(handles.arena), () => Lock.from(handles.lock)]) {
      expect(use).toThrow(TypeError);
      expect(use).toThrow(/the arena at 0 has been destroyed/);
    }
    expect(await thrown(thread(handles, ({ arena }) => arena))).toBe('TypeError');
    expect([arena.memory.buffer.byteLength > 0, arena.address, lock.arena]).toEqual([true, 0, arena]);
  });

  it("leaves the bytes of the user's memory to another arena, which old objects do not touch", async () => {
    const memory = sharedMemory();
    const old = new Arena({ memory, byteOffset: 512, byteLength: 2_048 });
    const gone = [new Lock({ arena: old }), new Lock({ arena: old })];
    const handle = { ...gone[0]! };
    const flags = Arena.default.allocate(Int32Array, 1);
    // This thread has a record in the old arena, and comes and goes in both.
    const other = thread({ old, gone: gone[0]!, flags }, async ({ old, gone, flags }, { Arena, Lock }) => {
      Atomics.store(flags, 0, 1);
      while (Atomics.load(flags, 0) === 1) await new Promise((resolve) => setTimeout(resolve));
      const seen = [];
      for (const use of [() => old.used, () => gone.tryAcquire(), () => new Lock({ arena: old })]) {
        try {
          use();
        } catch (error) {
          seen.push((error as Error).name);
        }
      }
      new Lock({ arena: new Arena({ maximumBytes: 65536 }) });
      return seen;
    });
    await until(() => Atomics.load(flags, 0) === 1, 'the other thread uses it');
    for (const lock of gone) lock.destroy();
    old.destroy();
    const next = new Arena({ memory, byteOffset: 512, byteLength: 2_048 });
    const locks = [new Lock({ arena: next }), new Lock({ arena: next })];
    expect(locks.map(({ address }) => address)).toContain(handle.address);
    const bytes = () => new Uint8Array(memory.buffer).slice();
    const before = bytes();
    Atomics.store(flags, 0, 2);
    expect(await other).toEqual(['ThreadingError', 'ThreadingError', 'ThreadingError']);
    for (const use of [() => gone[0]!.acquire(), () => old.allocate(Int8Array, 1), () => new Lock({ arena: old })]) {
      expect(use).toThrow(GONE);
    }
    expect(() => Lock.from(handle)).toThrow(TypeError);
    expect(() => Arena.from({ ...old })).toThrow('the arena of this handle is gone; another has its place');
    expect(bytes().every((byte, index) => byte === before[index])).toBe(true);
    expect(locks.map((lock) => lock.tryAcquire())).toEqual([true, true]);
    expect(await thread({ lock: locks[0]! }, ({ lock }) => lock.tryAcquire())).toBe(false);
  });

  it('refuses while a task has not seen that it may go on, and not once it has', async () => {
    const arena = new Arena({ maximumBytes: PAGE });
    const event = new Event({ arena });
    const flags = Arena.default.allocate(Int32Array, 1);
    const other = thread({ event, flags }, async ({ event, flags }) => {
      const told = event.waitAsync();
      Atomics.store(flags, 0, 1);
      Atomics.wait(flags, 0, 1, 15_000);
      return await told;
    });
    await until(() => Atomics.load(flags, 0) === 1, 'its task waits');
    event.set();
    event.destroy();
    expect(() => arena.destroy()).toThrow(IN_USE);
    Atomics.store(flags, 0, 2);
    Atomics.notify(flags, 0);
    expect(await other).toBe(true);
    arena.destroy();
  });

  it('does not mind tasks of its own thread that are through, or threads that have ended', async () => {
    const arena = new Arena({ maximumBytes: PAGE });
    const semaphore = new Semaphore(0, { arena });
    const barrier = new Barrier(2, { arena });
    const waits = [semaphore.acquireAsync(), barrier.waitAsync(), barrier.waitAsync()];
    const worker = new Worker(
      "const { parentPort, workerData } = require('node:worker_threads'); require('lockwork').attach(workerData).release()",
      { eval: true, workerData: semaphore },
    );
    await once(worker, 'exit');
    expect(await Promise.all(waits)).toEqual([true, 0, 1]);
    semaphore.destroy();
    barrier.destroy();
    arena.destroy();
  });

  it('and threads that allocate at the same moment: one of them is refused', async () => {
    const ROUNDS = 100;
    const results = Arena.default.allocate(Int32Array, 2);
    for (let round = 0; round < ROUNDS; round++) {
      const memory = sharedMemory();
      const arena = new Arena({ memory, byteLength: 4_096 });
      Atomics.store(results, 0, 0);
      const other = thread({ arena, results }, ({ arena, results }, { Lock, ThreadingError }) => {
        Atomics.store(results, 0, 1);
        for (let made = 0; ; made++) {
          try {
            const lock = new Lock({ arena });
            lock.acquire();
            lock.release();
            lock.destroy();
          } catch (error) {
            return error instanceof ThreadingError && /destroyed/.test(error.message) ? made : String(error);
          }
        }
      });
      await until(() => Atomics.load(results, 0) === 1, 'the other thread begins');
      for (;;) {
        try {
          arena.destroy();
          break;
        } catch (error) {
          expect((error as Error).message).toContain(IN_USE);
        }
      }
      // All but the header is the user's.
      const bytes = new Uint8Array(memory.buffer, 256).fill(0xee);
      expect(await other).toEqual(expect.any(Number));
      expect(bytes.every((byte) => byte === 0xee)).toBe(true);
    }
  });

  it('is the end of all that its thread knows of it', () => {
    const { arenas } = (globalThis as unknown as Record<symbol, { arenas: Map<string, unknown> }>)[
      Symbol.for(`lockwork.${VERSION}`)
    ]!;
    const before = arenas.size;
    const some = Array.from({ length: 3 }, () => new Arena({ maximumBytes: PAGE }));
    expect(arenas.size).toBe(before + 3);
    for (const arena of some) arena.destroy();
    expect(arenas.size).toBe(before);
  });

  it('releases many thousands of arenas, one after the other', { timeout: 120_000 }, async () => {
    const source = `
      const { Arena, Lock } = threading;
      for (let i = 0; i < 17_000; i++) {
        const arena = new Arena({ maximumBytes: 65536 });
        const lock = new Lock({ arena });
        lock.destroy();
        arena.destroy();
        // Bun looks at all \`waitAsync\`s that were notified in this turn when there is one more.
        if (globalThis.Bun && i % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
      console.log('done');`;
    expect(await run(source)).toBe('done');
  });

  it('lets the memory be collected, in each thread that used the arena, and waited there', async () => {
    const other = `
      const { parentPort } = require('node:worker_threads');
      const { Arena, Lock } = require('lockwork');
      let memory;
      parentPort.on('message', async ({ lock, go }) => {
        if (lock) {
          const mine = Lock.from(lock);
          memory = new WeakRef(mine.memory);
          const got = mine.acquireAsync();
          parentPort.postMessage('waits');
          await got;
          mine.release();
          parentPort.postMessage('through');
          return;
        }
        new Arena({ maximumBytes: 65536 }); // It notices.
        for (let i = 0; i < 200 && memory.deref(); i++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          // What was looked at lives to the end of the turn. Bun's workers have no gc.
          globalThis.gc ? gc() : Bun.gc(true);
        }
        parentPort.postMessage(memory.deref() === undefined);
      });`;
    const source = `
      import { on } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const { Arena, Lock } = threading;
      const worker = new Worker(${JSON.stringify(other)}, { eval: true, execArgv: [] });
      const told = on(worker, 'message');
      const memory = await (async () => {
        const arena = new Arena({ maximumBytes: 65536 });
        const lock = new Lock({ arena });
        await lock.acquireAsync();
        const mine = lock.acquireAsync();
        worker.postMessage({ lock });
        await told.next();
        lock.release();
        await mine;
        lock.release();
        await told.next();
        lock.destroy();
        arena.destroy();
        return new WeakRef(arena.memory);
      })();
      for (let i = 0; i < 200 && memory.deref(); i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        gc(); // What was looked at lives to the end of the turn.
      }
      console.log(memory.deref() === undefined);
      worker.postMessage({ go: true });
      console.log((await told.next()).value[0]);
      await worker.terminate();`;
    expect(await run(source, '--expose-gc')).toBe('true\ntrue');
  });
});

describe('a memory that cannot be made', () => {
  it('is an OutOfMemoryError that says what to do', () => {
    const { Memory } = WebAssembly;
    const reason = new RangeError('WebAssembly.Memory(): could not allocate memory');
    WebAssembly.Memory = class {
      constructor() {
        throw reason;
      }
    } as unknown as typeof Memory;
    try {
      expect(() => new Arena()).toThrow(OutOfMemoryError);
      expect(() => new Arena()).toThrow(/no room for one more memory. Destroy arenas that are not needed/);
      expect(() => new Arena()).toThrow(expect.objectContaining({ cause: reason }));
    } finally {
      WebAssembly.Memory = Memory;
    }
    new Arena({ maximumBytes: PAGE }).destroy();
  });
});

it('an Arena is one object in a thread, by whichever way it is found', () => {
  const arena = new Arena({ memory: sharedMemory() });
  const lock = new Lock({ arena });
  for (const found of [lock.arena, Lock.from(lock).arena, Arena.from({ ...arena }), Arena.at(arena.memory)]) {
    expect(found === arena).toBe(true);
  }
});

describe('an Arena at the end of 4 GiB', () => {
  it('is refused in the last page, with what is right, and works before it', () => {
    const memory = sharedMemory(65_536, 65_536);
    const last = 2 ** 32 - PAGE;
    for (const byteOffset of [last, last + 64, 2 ** 32 - 512, 2 ** 32 - 64, last - 448]) {
      const make = () => new Arena({ memory, byteOffset });
      expect(make).toThrow(RangeError);
      expect(make).toThrow(`byteOffset must be at most ${last - 512}, not ${byteOffset}`);
    }
    const arena = new Arena({ memory, byteOffset: last - 512 });
    const lock = new Lock({ arena });
    expect([lock.tryAcquire(), lock.address >= last - 512]).toEqual([true, true]);
    expect(() => new Arena({ memory: sharedMemory(0, 1) })).toThrow('the memory has 0 bytes, and an arena needs');
  });
});

const memory = sharedMemory();
const unshared = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const type = (value: unknown): Bad => [value, TypeError];
const range = (value: unknown): Bad => [value, RangeError];
const values = (name: string, table: readonly Bad[], beside = {}): Bad[] =>
  table.map(([value, error]) => [{ ...beside, [name]: value }, error]);

refuses(
  'Arena',
  () => Arena.default,
  (arena) => [arena.used, arena.capacity, new Uint8Array(memory.buffer).some(Boolean)],
  {
    new: [
      [
        ...[null, 1, 'arena', true].map(type),
        ...[null, 1, {}, new SharedArrayBuffer(PAGE), unshared].map((memory) => type({ memory })),
        ...values(
          'maximumBytes',
          [...integersFrom(0), [0, RangeError], [511, RangeError], [2 ** 32, RangeError]].filter(
            ([v]) => v !== 2 ** 31,
          ) as Bad[],
        ),
        ...values('byteOffset', [...integersFrom(0), [1, RangeError], [PAGE, RangeError], [96, RangeError]], {
          memory,
        }),
        ...values('byteLength', [...integersFrom(0), [0, RangeError], [511, RangeError], [PAGE + 1, RangeError]], {
          memory,
        }),
        range({ memory, byteOffset: PAGE - 256 }),
        range({ memory, byteOffset: 1_024, byteLength: PAGE - 1_023 }),
        type({ byteOffset: 0 }),
        type({ byteLength: PAGE }),
        type({ memory, maximumBytes: PAGE }),
      ],
      (_, bad) => new Arena(bad),
    ],
    'allocate: the type': [
      [undefined, null, 1, 'Int32Array', Array, ArrayBuffer, DataView, Object, () => 1, {}, Int32Array.prototype].map(
        type,
      ),
      (arena, bad) => arena.allocate(bad, 1),
    ],
    'allocate: the length': [
      [...integersFrom(0).filter(([v]) => v !== 2 ** 31), type(undefined)],
      (arena, bad) => arena.allocate(Int8Array, bad),
    ],
    free: [
      [undefined, null, 1, 'array', {}, [1], new ArrayBuffer(64), new SharedArrayBuffer(64)].map(type),
      (arena, bad) => arena.free(bad),
    ],
  },
);
