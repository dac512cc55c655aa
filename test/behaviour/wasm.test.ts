/** Programs in C (../support/wasm/program.c) that share locks with each other and with JavaScript, in real threads. */
import { Arena, Barrier, Condition, Event, Lock } from 'lockwork';
import { dump } from 'lockwork/inspect';
import * as programs from 'lockwork/wasm';
import { describe, expect, it } from 'vitest';
import { mortal, reaped } from '../support/mortal.ts';
import { thread, until } from '../support/threads.ts';
import { type Exports, handleAt, inProgram, instance, numbersAt, place } from '../support/wasm/instance.ts';

const { promising } = WebAssembly as { promising?: (call: unknown) => (...args: number[]) => Promise<number> };
const [DEADLOCK, ABANDONED] = [-9, -12];

/** Whether this thread may be suspended in C; where it may not, a thread that blocks in C takes its place. */
const suspends = promising !== undefined;

/** A program that has begun: its lock as JavaScript has it. */
function begin() {
  const here = place();
  const exports = instance(here, programs);
  const handles = exports.init();
  const lock = Lock.from(handleAt(here, 'Lock', handles));
  /** Calls a function on this thread, which is suspended where it waits. */
  const suspended = (call: 'increment' | 'produce' | 'consume', ...args: number[]): Promise<number> =>
    suspends ? promising(instance(here, programs, true)[call])(...args) : inProgram(here, call, ...args);
  return { here, exports, handles, lock, suspended, counter: exports.counted() };
}

it('counts exactly, with two threads in C, JavaScript that awaits, and a program that is suspended beside it', async () => {
  const { here, lock, counter, suspended } = begin();
  const EACH = 25_000;
  const numbers = new Int32Array(here.memory.buffer, counter, 1);
  const blocked = [0, 1].map(() => inProgram(here, 'increment', EACH));
  const besides = suspended('increment', EACH);
  for (let i = 0; i < EACH; i++) await lock.withAsync(() => numbers[0]!++);
  expect(await Promise.all([...blocked, besides])).toEqual([0, 0, 0]);
  expect(numbersAt(here, counter, 1)).toEqual([100_000]);
  lock.destroy();
});

it('passes every item of a bounded queue in C on, while the main thread awaits the same conditions', async () => {
  const { here, handles, lock, suspended } = begin();
  const ITEMS = 2_000;
  const empty = Condition.from(handleAt(here, 'Condition', handles + 8));
  expect([empty.lock.address, empty.lock.stamp]).toEqual([lock.address, lock.stamp]);
  const producers = [inProgram(here, 'produce', 0, ITEMS), suspended('produce', ITEMS, ITEMS)];
  const consumers = [inProgram(here, 'consume', ITEMS), suspended('consume', ITEMS)];
  // A waiter that takes nothing: it is notified in place of a consumer, and must pass that on.
  let over = false;
  const awaiting = empty.withAsync(async () => {
    while (!over) {
      await empty.waitAsync({ timeout: 1 });
      empty.notify();
    }
  });
  expect(await Promise.all(producers)).toEqual([0, 0]);
  const sums = await Promise.all(consumers);
  over = true;
  await awaiting;
  expect(sums[0]! + sums[1]!).toBe((2 * ITEMS * (2 * ITEMS - 1)) / 2);
});

it('blocks in C behind tasks of its own thread that wait, and goes before them', async () => {
  const here = place();
  const source = String(instance);
  const arrived = new Event({ arena: here.arena });
  const handles = instance(here, programs).init();
  const lock = Lock.from(handleAt(here, 'Lock', handles));
  lock.tryAcquire();
  const order = thread({ ...here, source, lock, arrived }, async (given, _api, _inspect, programs) => {
    const { source, lock, arrived, ...here } = given;
    // biome-ignore lint/security/noGlobalEval: its source is a function of the tests
    const { increment } = globalThis.eval(`(${source})`)(here, programs) as Exports;
    const order: unknown[] = [];
    const tasks = [1, 2].map((task) => lock.withAsync(() => void order.push(task)));
    arrived.set();
    order.push(['program', increment(1)]);
    await Promise.all(tasks);
    return order;
  });
  await arrived.waitAsync();
  await until(() => lock.waiters === 3, 'the program waits behind two tasks');
  lock.release();
  expect(await order).toEqual([['program', 0], 1, 2]);
});

describe('A thread that dies in C', () => {
  it('leaves a lock that the next program is told of, which repairs, and goes on', async () => {
    const { here, exports, lock, counter } = begin();
    const held = new Event({ arena: here.arena });
    const owner = mortal({ arena: here.arena, lock, held }, ({ arena, lock, held }, _api, _inspect, { imports }) => {
      const { lockwork } = imports(arena);
      lockwork.lock_acquire!(lock.address, lock.stamp, Infinity);
      held.set();
      for (;;) lockwork.lock_acquire!(lock.address, lock.stamp, 10);
    });
    await held.waitAsync();
    await owner.terminate();
    await reaped(() => lock.abandoned, 'the lock is abandoned', here.arena);
    const { lockwork } = programs.imports(here.arena);
    // Held, and abandoned until it is said to be in order.
    expect([exports.increment(1), lock.locked, lock.abandoned]).toEqual([ABANDONED, true, true]);
    expect(lockwork.lock_release!(lock.address, lock.stamp)).toBe(0);
    expect(() => lock.tryAcquire()).toThrow('abandoned');
    expect(exports.increment(1)).toBe(ABANDONED);
    expect(lockwork.lock_recover!(lock.address, lock.stamp)).toBe(0);
    expect([lockwork.lock_release!(lock.address, lock.stamp), lock.abandoned]).toEqual([0, false]);
    expect([exports.increment(1), numbersAt(here, counter, 1)]).toEqual([0, [1]]);
  });

  it.each(suspends ? [false, true] : [false])('is told of by others that wait (suspended: %s)', async (suspend) => {
    const { here, lock, suspended } = begin();
    const held = new Event({ arena: here.arena });
    const owner = mortal({ lock, held }, ({ lock, held }) => {
      lock.acquire();
      held.set();
      for (;;) held.wait(10);
    });
    await held.waitAsync();
    const waiting = suspend ? suspended('increment', 1) : inProgram(here, 'increment', 1);
    await until(() => lock.waiters === 1, 'the program waits');
    await owner.terminate();
    await reaped(() => lock.abandoned, 'the lock is abandoned', here.arena);
    expect(await waiting).toBe(ABANDONED);
  });
});

it('is told of a circle in which it would wait for ever', async () => {
  const arena = new Arena();
  const [one, other, both] = [new Lock({ arena }), new Lock({ arena }), new Barrier(2, { arena })];
  const inOrder = (...locks: Lock[]) =>
    thread({ arena, locks, both }, ({ arena, locks, both }, api, _inspect, { imports }) => {
      api.setDeadlockPolicy('throw');
      const { lockwork } = imports(arena);
      const call = (name: string, { address, stamp }: Lock, ...more: number[]) =>
        lockwork[name]!(address, stamp, ...more);
      call('lock_acquire', locks[0]!, Infinity);
      both.wait();
      const status = call('lock_acquire', locks[1]!, Infinity);
      if (status === 0) call('lock_release', locks[1]!);
      call('lock_release', locks[0]!);
      return status;
    });
  const statuses = await Promise.all([inOrder(one, other), inOrder(other, one)]);
  expect(statuses.sort()).toEqual([DEADLOCK, 0]);
});

it('shows in a dump what a program waits for, and what it holds', async () => {
  const { here, lock } = begin();
  lock.tryAcquire();
  const waiting = inProgram(here, 'increment', 1);
  const other = () => dump(here.arena).threads.find(({ self }) => !self);
  await until(() => other()?.stack !== undefined, 'the other thread tells where it is', undefined, here.arena);
  const { state, waitsFor, stack } = other()!;
  expect([state, waitsFor?.kind, waitsFor?.ident]).toEqual(['blocked', 'Lock', lock.address]);
  // A frame of the program itself comes first, where the engine shows those.
  expect(stack!.split('\n').slice(0, 2).join()).toMatch(/increment|wasm-function|unknown/);
  lock.release();
  expect(await waiting).toBe(0);
});

it('keeps the frames of calls that are suspended one after the other', async () => {
  if (!suspends) return expect(() => programs.imports(place().arena, { suspend: true })).toThrow('cannot suspend');
  const here = place();
  const exports = instance(here, programs, true);
  const serial = new Lock({ arena: here.arena });
  const events = [1, 2].map(() => new Event({ arena: here.arena }));
  const keep = promising(exports.keep);
  const kept = events.map(({ address, stamp }, index) => serial.withAsync(() => keep(1_000 * index, address, stamp)));
  await until(() => events[0]!.waiters === 1, 'the first call is suspended');
  for (const event of events.reverse()) event.set();
  expect(await Promise.all(kept)).toEqual([64, 64]);
});
