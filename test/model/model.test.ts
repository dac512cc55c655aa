/** The checker holds what it promises: engine, interpreter, the classic bugs, and a selection of the scenarios. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { STATUS_OK, STATUS_PENDING, THREAD_INBOX } from '../../assembly/abi.ts';
import { type Fixture, fixtures, namesOf, systemOf } from './bugs.ts';
import { check, type Verdict } from './check.ts';
import { compile } from './compile.ts';
import { decode } from './decode.ts';
import { differences } from './differential.ts';
import { Interpreter } from './interpret.ts';
import { CORE, loadCore, title } from './main.ts';
import { count } from './replay.ts';
import { call, FOR_EVER, once, run, SOON, TIMED, use, World } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import type { System } from './system.ts';
import { type Program, Threads } from './thread.ts';
import { describe as inWords, locator } from './trace.ts';
import { Walk } from './walk.ts';

/** Always the same, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the interpreter computes what the engine computes', () => {
  const { instructions, differences: found } = differences(200, seeded(1));
  expect(found).toEqual([]);
  expect(instructions).toBeGreaterThan(200);
});

describe('both engines count the same ways', () => {
  /** Steps: enough for a mutex to the end, and for both threads of the core to meet in every way. */
  const LONGEST = 45;
  const compare = (bytes: Uint8Array, programs: readonly Program[], memory: Uint8Array): void => {
    const threads = new Threads(new Interpreter(decode(bytes)), { clock: TIMED, grow: [-1], pages: 1, deaths: false });
    const { counts } = check({ threads, programs, memory, spins: true }, { reduce: false, count: LONGEST });
    expect(counts).toEqual(count(bytes, programs, memory, TIMED, LONGEST));
    expect(counts!.walks.at(-1)! + counts!.complete > 100n).toBe(true);
  };

  test('a mutex, 3 threads', async () => {
    const { bytes } = await compile('mutex', 0);
    const program = once(function* () {
      yield* call('acquire', 64);
      yield* use(256);
      yield* call('release', 64);
    });
    compare(bytes, [program, program, program], new Uint8Array(4096));
  });

  const bytes = readFileSync(CORE);
  const inCore = (threads: number, make: (world: World) => Program[]): void => {
    const world = new World(loadCore(bytes), { threads });
    compare(bytes, make(world), world.memory.slice(0, 4096));
  };

  for (const timeout of [SOON, FOR_EVER])
    test(`the core's Lock, ${timeout} ms`, () =>
      inCore(2, (world) => {
        const { cell, stamp } = world.lock();
        const data = world.data('data');
        return world.threads.map((me) =>
          once(function* () {
            if ((yield* call('lockAcquire', cell, stamp, me, timeout)) !== STATUS_OK) return;
            yield* use(data);
            yield* call('lockRelease', cell, stamp, me);
          }),
        );
      }));

  test("the core's RLock", () =>
    inCore(2, (world) => {
      const { cell, stamp } = world.rlock();
      return world.threads.map((me) =>
        once(function* () {
          for (const _again of [1, 2]) yield* call('rlockAcquire', cell, stamp, me, SOON);
          yield* call('rlockRelease', cell, stamp, me);
        }),
      );
    }));

  test("the core's Event", () =>
    inCore(2, (world) => {
      const { cell, stamp } = world.event();
      const [waiter, setter] = world.threads as [number, number];
      return [
        once(function* () {
          yield* call('eventWait', cell, stamp, waiter, SOON);
        }),
        once(function* () {
          yield* call('eventSet', cell, stamp, setter);
          yield* call('eventClear', cell, stamp);
        }),
      ];
    }));

  test("a task at the core's Event, and the inbox", () =>
    inCore(2, (world) => {
      const { cell, stamp } = world.event();
      const [me, setter] = world.threads as [number, number];
      const waiter = world.task(me);
      return [
        once(function* () {
          if ((yield* call('eventWait', cell, stamp, waiter, FOR_EVER)) !== STATUS_PENDING) return;
          yield { kind: 'sleep', address: me + THREAD_INBOX, timed: true };
          yield* call('cancelWait', cell, stamp, waiter, 0);
          yield* call('collect', me);
        }),
        once(function* () {
          yield* call('eventSet', cell, stamp, setter);
        }),
      ];
    }));

  test("the core's Barrier", () =>
    inCore(2, (world) => {
      const { cell, stamp } = world.barrier(2);
      return world.threads.map((me) =>
        once(function* () {
          yield* call('barrierWait', cell, stamp, me, SOON, 0);
        }),
      );
    }));

  test("the core's Semaphore", () =>
    inCore(2, (world) => {
      const { cell, stamp } = world.semaphore(0);
      const [taker, giver] = world.threads as [number, number];
      return [
        once(function* () {
          yield* call('semAcquire', cell, stamp, taker, SOON);
        }),
        once(function* () {
          yield* call('semRelease', cell, stamp, giver, 1);
        }),
      ];
    }));

  test("the core's Condition", () =>
    inCore(2, (world) => {
      const lock = world.lock();
      const { cell, stamp } = world.condition(lock);
      const [waiter, notifier] = world.threads as [number, number];
      return [
        once(function* () {
          yield* call('lockAcquire', lock.cell, lock.stamp, waiter, FOR_EVER);
          yield* call('condWait', cell, stamp, waiter, waiter, SOON, 0);
        }),
        once(function* () {
          yield* call('condNotify', cell, stamp, notifier, 1, 0);
        }),
      ];
    }));
});

test('with and without reduction, the verdict is the same', () => {
  const core = loadCore(readFileSync(CORE));
  let compared = 0;
  for (const scenario of scenarios.filter(({ threads }) => threads <= 2)) {
    const reduced = run(core, scenario, { mostStates: 5_000 }).verdict;
    const whole = reduced.exceeded ? reduced : run(core, scenario, { reduce: false, mostStates: 200_000 }).verdict;
    if (whole.exceeded) continue;
    expect([title(scenario), whole.counterexample?.fault]).toEqual([title(scenario), reduced.counterexample?.fault]);
    if (++compared === 12) break;
  }
  expect(compared).toBe(12);
});

describe('classic bugs are found, and their mended versions hold', () => {
  async function examine(fixture: Fixture, bug: number): Promise<{ verdict: Verdict; trace: string }> {
    const { bytes, map } = await compile(fixture.file, bug);
    const verdict = check(systemOf(fixture, bytes));
    const { counterexample } = verdict;
    return { verdict, trace: counterexample ? inWords(counterexample, namesOf(fixture), locator(map)) : '' };
  }

  for (const fixture of fixtures) {
    test(`${fixture.file}, correct`, async () => {
      expect((await examine(fixture, 0)).trace).toBe('');
    });
    for (const { bug, name, faults } of fixture.bugs) {
      test(name, { timeout: 10_000 }, async () => {
        const { verdict, trace } = await examine(fixture, bug);
        expect(faults).toContain(verdict.counterexample?.fault);
        // A person finds the lines of the source, and which thread did what there.
        expect(trace).toMatch(new RegExp(`T\\d +${fixture.file}\\.ts:\\d+ `));
      });
    }
  }
});

describe('a walk by hand', () => {
  const LINES = [1, 2, 3, 4, 8];
  const load = async (file: string, bug: number): Promise<System> => {
    const system = systemOf(fixtures.find((fixture) => fixture.file === file)!, (await compile(file, bug)).bytes);
    return { ...system, programs: system.programs.map((program) => ({ ...program, forever: false })) };
  };
  const wordsOf = (walk: Walk): number[] =>
    LINES.flatMap((line) => [0, 4, 8, 12].map((at) => walk.here.word(64 * line + at)));
  const go = (walk: Walk, thread: number): void => walk.go(walk.here.moves.find((move) => move.thread === thread)!);

  test('comes where a search came, and back', async () => {
    const system = await load('queue', 2);
    const { counterexample } = check(system, { reduce: false, known: { dependentWords: [], writtenLines: LINES } });
    const { steps, fault } = counterexample!;
    const walk = new Walk(system, LINES);
    const seen: unknown[] = [];
    for (let at = 0; at < steps.length; ) {
      seen.push(wordsOf(walk));
      const move = walk.next(steps.slice(at))!;
      at += move.steps.length;
      walk.go(move);
    }
    expect([walk.here.violation?.fault, walk.here.moves]).toEqual([fault, []]);
    while (seen.length > 0) {
      walk.back();
      expect([wordsOf(walk), walk.here.violation]).toEqual([seen.pop(), undefined]);
    }
    expect(walk.moves).toEqual([]);
  });

  test('knows where it has been, and where nothing leads on', async () => {
    const walk = new Walk(await load('queue', 1), LINES);
    go(walk, 2);
    go(walk, 0);
    expect([walk.before, walk.circles]).toEqual([1, false]);
    walk.back();
    expect(walk.before).toBe(-1);
    for (const move of walk.wayToCircles()!) walk.go(move);
    expect(walk.circles).toBe(true);
    expect(walk.here.standing.filter(({ place }) => place > 0)).toEqual([]);
    walk.back(0);
    expect(new Walk(await load('queue', 0), LINES).wayToCircles()).toBeUndefined();
  });

  test('ends with a step that must not be', async () => {
    const walk = new Walk(await load('seats', 1), LINES);
    for (const thread of [0, 1, 0, 0, 1, 1]) go(walk, thread);
    expect(walk.here.violation?.message).toBe('T1 and T2 have both sold seat 2');
  });
});

describe('the published core', () => {
  const core = loadCore(readFileSync(CORE));
  // The large ones only as far as this goes; `npm run model` goes to the end.
  for (const scenario of scenarios) {
    test(title(scenario), () => {
      const { verdict } = run(core, scenario, { mostStates: 20_000 });
      expect(verdict.counterexample).toBeUndefined();
    });
  }
});
