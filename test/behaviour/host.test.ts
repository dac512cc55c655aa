/**
 * What lockwork asks its host for, and when: the package in realms whose clock, timers and cores are the test's. Each has
 * the package anew, since that takes most of it while it loads.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { KIND_THREAD, THREAD_MAX_SPINS } from '../../assembly/abi.ts';
import { RawArena } from '../support/waiting.ts';

type Package = typeof import('lockwork');

const source = readFileSync(createRequire(import.meta.url).resolve('lockwork'), 'utf8');
const script = new vm.Script(`(exports, module) => { ${source}\n}`);

/** The package in a realm that has nothing of a host but these. */
function load(globals: object): Package {
  const context = vm.isContext(globals) ? globals : vm.createContext({ ...globals });
  // A bundle with probes (glue/probes.ts) writes into one array in all realms.
  const { $hits } = globalThis as { $hits?: Uint8Array };
  if ($hits) Object.assign(context, { $hits });
  const module = { exports: {} };
  script.runInContext(context)(module.exports, module);
  return module.exports as Package;
}

/** All that microtasks do. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A signal of no realm. */
function abortable() {
  let abort = (): void => {};
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener(_type: string, listener: () => void) {
      abort = listener;
    },
    removeEventListener() {},
  };
  return {
    signal,
    abort(reason: unknown) {
      Object.assign(signal, { aborted: true, reason });
      abort();
    },
  };
}

/** The timers of a realm: none fires by itself. */
class Timers {
  readonly set: { run: () => void; ms: number }[] = [];
  readonly cleared: number[] = [];
  readonly globals = {
    setTimeout: (run: () => void, ms: number) => this.set.push({ run, ms }) - 1,
    clearTimeout: (timer: number) => this.cleared.push(timer),
    setInterval: (run: () => void, ms: number) => this.set.push({ run, ms }) - 1,
    clearInterval: () => {},
  };
}

describe('Tasks that pass a lock on to each other without end', () => {
  /** Two tasks, in a realm whose clock says this when it is asked, and then a second more each time. */
  function pass(times: readonly number[], host: object) {
    const looks: number[] = [];
    let passes = 0;
    const { Lock } = load({
      ...new Timers().globals,
      performance: {
        now() {
          looks.push(passes);
          return times[looks.length - 1] ?? 1_000 * looks.length;
        },
      },
      ...host,
    });
    const lock = new Lock();
    const task = async (): Promise<void> => {
      await lock.acquireAsync();
      while (true) {
        passes++;
        lock.release();
        await lock.acquireAsync();
      }
    };
    looks.length = 0;
    void task();
    void task();
    return {
      looks,
      get passes() {
        return passes;
      },
    };
  }

  it('look at the clock with each 256th, and let the event loop turn when it has not for more than 10 ms', async () => {
    const turns: (() => void)[] = [];
    const tasks = pass([1_000, 1_010, 1_009, 1_010.5, 2_000, 2_010, 2_011], {
      setImmediate: (turn: () => void) => turns.push(turn),
    });
    await settled();
    expect(tasks.looks).toEqual([256, 512, 768, 1_024]);
    // One of the two was handed it in that moment, and released it once more.
    expect([tasks.passes, turns.length]).toEqual([1_025, 1]);
    turns[0]!();
    await settled();
    expect(tasks.looks.slice(4)).toEqual([256, 512, 768].map((passes) => 1_025 + passes));
    expect(turns).toHaveLength(2);
  });

  it('wait for a timer of 0 ms where the host tells of its turns in no other way', async () => {
    const timers = new Timers();
    const tasks = pass([0, 100], timers.globals);
    await settled();
    expect(tasks.looks).toEqual([256, 512]);
    expect(timers.set.map(({ ms }) => ms)).toContain(0);
    const { passes } = tasks;
    timers.set.find(({ ms }) => ms === 0)!.run();
    await settled();
    expect(tasks.passes).toBeGreaterThan(passes);
  });
});

describe('The timer of a task that waits', () => {
  const LONGEST = 2 ** 31 - 1;

  /** A lock that is held, in a realm with fake timers that came after the package. */
  function heldLock() {
    const timers = new Timers();
    const context = vm.createContext({ ...new Timers().globals, performance });
    const { Lock } = load(context);
    Object.assign(context, timers.globals);
    const lock = new Lock();
    lock.tryAcquire();
    return { lock, timers };
  }

  it('is not cleared once it has fired: its number may be that of another by then', async () => {
    const { lock, timers } = heldLock();
    const wait = lock.acquireAsync({ timeout: 5 });
    timers.set[0]!.run();
    expect(await wait).toBe(false);
    expect([timers.set.length, timers.cleared]).toEqual([1, []]);
  });

  it('is cleared once when the wait comes to another end, and does nothing if it fires all the same', async () => {
    const { lock, timers } = heldLock();
    const { signal, ...controller } = abortable();
    const waits = [
      lock.acquireAsync({ timeout: 2 * LONGEST, signal: signal as never }),
      lock.acquireAsync({ timeout: 2 * LONGEST }),
    ];
    controller.abort('off');
    await expect(waits[0]).rejects.toBe('off');
    lock.release();
    expect(await waits[1]).toBe(true);
    expect(timers.cleared).toEqual([0, 1]);
    for (const { run } of timers.set.slice()) run();
    expect(timers.set).toHaveLength(2);
  });
});

it.each([
  [1_009.5, 2],
  [1_010, 1],
])('Condition.waitFor, within 10 ms from 1,000 on, asks at %s whether time is left: asked %s times', (then, times) => {
  const clock: number[] = [];
  let later = 1_010;
  const { Condition } = load({ performance: { now: () => clock.shift() ?? ++later } });
  const condition = new Condition();
  condition.acquire();
  let asked = 0;
  // When it begins, and when it has asked once; in a wait it is later with each look.
  clock.push(1_000, then);
  expect([condition.waitFor(() => ++asked > times, 10), asked]).toEqual([false, times]);
});

describe('A guard', () => {
  it.each([
    ['has Symbol.dispose', "symbols('dispose')", 'Symbol.dispose'],
    ['has none', 'undefined', "Symbol.for('Symbol.dispose')"],
  ])('is released by what `using` calls on a host that %s', (_, dispose, symbol) => {
    const context = vm.createContext({ performance });
    const source = `
      const symbols = Symbol;
      const dispose = ${dispose};
      const get = (_, name) => (name === 'dispose' ? dispose : symbols[name]);
      globalThis.Symbol = new Proxy(() => {}, { get, apply: (_, __, args) => symbols(...args) });`;
    vm.runInContext(source, context);
    const { Lock } = load(context);
    const lock = new Lock();
    const guard = lock.hold();
    (guard as unknown as Record<symbol, () => void>)[vm.runInContext(symbol, context)]!();
    expect(lock.locked).toBe(false);
  });
});

describe('A page', () => {
  it('looks into its inbox each 30 ms while a task waits', () => {
    const timers = new Timers();
    const { Lock } = load({ ...timers.globals, performance });
    const lock = new Lock();
    lock.tryAcquire();
    void lock.acquireAsync();
    expect(timers.set.map(({ ms }) => ms)).toEqual([30]);
  });
});

describe('A thread', () => {
  it.each([
    [1, 0],
    [2, 32_768],
    [8, 32_768],
  ])('on a host with %s cores spins so often at most: %s', (cores, spins) => {
    const { Lock } = load({ navigator: { hardwareConcurrency: cores } });
    const { memory } = new Lock();
    const raw = new RawArena(memory, 0);
    expect([...raw.cells(KIND_THREAD)].map((record) => raw.word(record, THREAD_MAX_SPINS))).toEqual([spins]);
  });
});
