/** A program in WebAssembly on a page's main thread, which may not block: refused where it would wait, or suspended. */
import { Arena, Barrier, Condition, Event, Lock, type Primitive, RLock, Semaphore } from 'lockwork';
import * as programs from 'lockwork/wasm';
import { describe, expect, it } from 'vitest';
import { thread, until } from '../../support/threads.ts';
import { handleAt, inProgram, instance, numbersAt, place } from '../../support/wasm/instance.ts';

const [OK, TIMEOUT, NOT_HELD, MAY_NOT_BLOCK] = [0, -1, -2, -8];
const { promising } = WebAssembly as { promising?: (call: unknown) => (...args: number[]) => Promise<number> };

describe('A program that is not suspended', () => {
  const arena = new Arena();
  const { lockwork } = programs.imports(arena);
  const on = ({ address, stamp }: Primitive, call: string, ...args: number[]) =>
    lockwork[call]!(address, stamp, ...args);
  const held = <T extends Lock | RLock | Condition>(lock: T): T => {
    expect(lock.tryAcquire()).toBe(true);
    return lock;
  };

  it.each([
    ['lock_acquire', () => held(new Lock({ arena }))],
    ['sem_acquire', () => new Semaphore(0, { arena })],
    ['event_wait', () => new Event({ arena })],
    ['barrier_wait', () => new Barrier(2, { arena })],
    ['cond_wait', () => held(new Condition(new Lock({ arena })))],
    ['cond_wait', () => held(new Condition(new RLock({ arena })))],
  ])('%s is refused where it would wait, and nothing is changed', (call, make) => {
    const primitive = make();
    const before = on(primitive, 'value');
    for (const timeout of [0.001, 20, Infinity]) expect(on(primitive, call, timeout)).toBe(MAY_NOT_BLOCK);
    expect([on(primitive, 'value'), primitive.waiters]).toEqual([before, 0]);
    if (!/barrier|cond/.test(call)) expect(on(primitive, call, 0)).toBe(TIMEOUT);
  });

  it('has what is free, and releases, sets, notifies and ends rounds', async () => {
    const [lock, rlock] = [new Lock({ arena }), new RLock({ arena })];
    expect([on(lock, 'lock_acquire', Infinity), on(lock, 'lock_release')]).toEqual([OK, OK]);
    for (let depth = 0; depth < 2; depth++) expect(on(rlock, 'rlock_acquire', Infinity)).toBe(OK);
    for (const status of [OK, OK, NOT_HELD]) expect(on(rlock, 'rlock_release')).toBe(status);
    const [semaphore, event] = [new Semaphore(0, { arena }), new Event({ arena })];
    expect([on(semaphore, 'sem_release', 1), on(semaphore, 'sem_acquire', Infinity)]).toEqual([OK, OK]);
    expect([on(event, 'event_set'), on(event, 'event_wait', Infinity)]).toEqual([OK, OK]);
    const barrier = new Barrier(2, { arena });
    const other = thread({ barrier }, ({ barrier }) => barrier.wait());
    await until(() => barrier.waiting === 1, 'the other party has come');
    expect([on(barrier, 'barrier_wait', Infinity), await other]).toEqual([1, 0]);
    const condition = held(new Condition(new Lock({ arena })));
    expect(on(condition, 'cond_notify', 1)).toBe(OK);
  });

  it('is refused at once, also where the lock will be free soon', async () => {
    const lock = new Lock({ arena });
    const other = thread({ lock }, ({ lock }) => {
      for (let i = 0; i < 20_000; i++) {
        lock.acquire();
        lock.release();
      }
    });
    const seen = new Set<number>();
    let longest = 0;
    await until(() => {
      for (let i = 0; i < 1_000; i++) {
        const begun = performance.now();
        const status = on(lock, 'lock_acquire', Infinity);
        longest = Math.max(longest, performance.now() - begun);
        if (status === OK) on(lock, 'lock_release');
        seen.add(status);
      }
      return seen.size === 2 || !lock.locked;
    }, 'it has met the other thread, or that is done');
    await other;
    expect([...seen].every((status) => [OK, MAY_NOT_BLOCK].includes(status))).toBe(true);
    // As long as another process may have the core, but not until something happens.
    expect(longest).toBeLessThan(1_000);
    expect(on(lock, 'lock_acquire', 0)).toBe(OK);
  });
});

it('counts exactly, suspended beside workers that block in C and in JavaScript', { timeout: 60_000 }, async () => {
  const here = place();
  const exports = instance(here, programs);
  const lock = Lock.from(handleAt(here, 'Lock', exports.init()));
  const counter = exports.counted();
  const numbers = new Int32Array(here.memory.buffer, counter, 1);
  const EACH = 25_000;
  const blocking = [0, 1].map(() => inProgram(here, 'increment', EACH));
  const script = thread({ lock, numbers, times: EACH }, ({ lock, numbers, times }) => {
    for (let i = 0; i < times; i++) lock.with(() => numbers[0]!++);
    return 0;
  });
  const suspended = async () => {
    if (promising) return promising(instance(here, programs, true).increment)(EACH);
    expect(() => programs.imports(here.arena, { suspend: true })).toThrow('JavaScript Promise Integration');
    for (let i = 0; i < EACH; i++) await lock.withAsync(() => numbers[0]!++);
    return 0;
  };
  expect(await Promise.all([...blocking, script, suspended()])).toEqual([0, 0, 0, 0]);
  expect(numbersAt(here, counter, 1)).toEqual([4 * EACH]);
});

it.runIf(promising)('takes items out of a queue that workers fill in C, and its page goes on', async () => {
  const here = place();
  const exports = instance(here, programs, true);
  expect(exports.init()).not.toBe(0);
  const ITEMS = 1_000;
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const sum = promising!(exports.consume)(2 * ITEMS);
  await until(() => ticks >= 3, 'the event loop goes on while it waits');
  const producers = [0, 1].map((index) => inProgram(here, 'produce', index * ITEMS, ITEMS));
  expect([await sum, ...(await Promise.all(producers))]).toEqual([(2 * ITEMS * (2 * ITEMS - 1)) / 2, 0, 0]);
  clearInterval(timer);
});
