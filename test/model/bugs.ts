/**
 * Eleven classic bugs of synchronization, each in a primitive of a few lines (fixtures/), and what the checker must say.
 * The same primitives without the bug must hold.
 */

import { readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';
import { check, type Verdict } from './check.ts';
import type { Fault } from './counterexample.ts';
import { decode } from './decode.ts';
import { Interpreter, type Value } from './interpret.ts';
import { after, before, call, forever, once, use } from './scenario.ts';
import type { Monitor } from './system.ts';
import { Objection, type Program, Threads } from './thread.ts';
import { describe, locator } from './trace.ts';

export interface Fixture {
  readonly file: string;
  /** What is wrong with the fixture when its constant BUG has this value, and how that may show. */
  readonly bugs: readonly { readonly bug: number; readonly name: string; readonly faults: readonly Fault[] }[];
  readonly programs: readonly Program[];
  readonly monitor?: Monitor<number>;
  /** Whether it is in order that a thread waits for ever: one that nobody has notified. */
  readonly mayStarve?: boolean;
}

/* Memory: the primitive, the threads' waiters, the data that it protects. */
const CELL = 64;
const ME = [128, 192, 256] as const;
const DATA = 512;
const SOON = 1_000_000n;
const NEVER = -1n;

const twice = <T>(program: T): readonly T[] => [program, program];

/** Notifications that have not arrived. */
const pending: Monitor<number> = {
  initial: 0,
  step(pending, thread, event) {
    if (typeof event === 'number') return pending + event;
    if (pending === 0) throw new Objection(`T${thread + 1} was woken, and nobody was notified`);
    return pending - 1;
  },
};

export const fixtures: readonly Fixture[] = [
  {
    file: 'mutex',
    bugs: [
      { bug: 1, name: 'release without waking', faults: ['deadlock'] },
      { bug: 2, name: 'a plain store where an atomic is needed', faults: ['race'] },
    ],
    programs: twice(
      forever(function* () {
        yield* call('acquire', CELL);
        yield* use(DATA);
        yield* call('release', CELL);
      }),
    ),
  },
  {
    file: 'event',
    bugs: [
      { bug: 1, name: 'check-then-wait', faults: ['deadlock'] },
      { bug: 2, name: 'set that wakes only one', faults: ['deadlock'] },
    ],
    programs: [
      ...twice(
        once(function* () {
          yield* call('wait', CELL);
        }),
      ),
      once(function* () {
        yield* call('set', CELL);
      }),
    ],
  },
  {
    file: 'semaphore',
    bugs: [{ bug: 1, name: 'a cancelled waiter that swallows a wake', faults: ['deadlock'] }],
    programs: [
      once(function* () {
        if (yield* call('acquire', CELL, SOON)) yield* call('release', CELL);
      }),
      once(function* () {
        yield* call('acquire', CELL, NEVER);
      }),
      once(function* () {
        yield* call('release', CELL);
      }),
    ],
  },
  {
    file: 'queue',
    bugs: [
      { bug: 1, name: 'guard word not released on one path', faults: ['starvation'] },
      { bug: 2, name: 'timeout racing with a grant that loses ownership', faults: ['deadlock'] },
      { bug: 3, name: 'wake after free', faults: ['race'] },
    ],
    programs: [
      ...[SOON, NEVER].map((timeout, t) =>
        once(function* () {
          const me = ME[t]!;
          if (!(yield* call('acquire', CELL, me, timeout))) return;
          // The waiter's memory is its owner's again, which may use it for anything.
          yield* use(me);
          yield* call('release', CELL);
        }),
      ),
      once(function* () {
        yield* call('release', CELL);
      }),
    ],
  },
  {
    file: 'queue',
    bugs: [
      { bug: 4, name: 'notify that wakes one too many', faults: ['monitor'] },
      { bug: 5, name: 'notify that wakes one too few', faults: ['deadlock', 'starvation'] },
    ],
    monitor: pending,
    mayStarve: true,
    programs: [
      ...twice(0).map((_, t) =>
        once(function* () {
          yield* call('wait', CELL, ME[t]!);
          yield after('woken');
        }),
      ),
      once(function* () {
        yield { kind: 'until', address: CELL + 8, holds: (length) => length === 2 };
        yield before(1);
        yield* call('notify', CELL, 1);
      }),
    ],
  },
  {
    file: 'barrier',
    bugs: [{ bug: 1, name: 'barrier generation not advanced', faults: ['deadlock'] }],
    programs: twice(
      once(function* () {
        yield* call('wait', CELL, 2);
        yield* call('wait', CELL, 2);
      }),
    ),
  },
];

/** Compiles a fixture as the core is compiled, with its constant BUG set. */
export async function compile(file: string, bug: number): Promise<{ bytes: Uint8Array; map: string }> {
  const source = readFileSync(new URL(`fixtures/${file}.ts`, import.meta.url), 'utf8');
  const name = `${file}.ts`;
  const written = new Map<string, string | Uint8Array>();
  const flags =
    '-O3 --enable threads --importMemory --sharedMemory --initialMemory 1 --maximumMemory 1 --runtime stub --noAssert --sourceMap';
  const { error, stderr } = await asc.main([name, '--outFile', 'out.wasm', ...flags.split(' ')], {
    readFile: (path) => (path === name ? source.replace('const BUG = 0', `const BUG = ${bug}`) : null),
    writeFile: (path, contents) => void written.set(path, contents),
    listFiles: () => [],
  });
  if (error) throw new Error(`${file}: ${error.message}\n${stderr}`);
  return { bytes: written.get('out.wasm') as Uint8Array, map: String(written.get('out.wasm.map')) };
}

export interface Finding {
  readonly verdict: Verdict;
  readonly trace: string;
}

export async function examine(fixture: Fixture, bug: number): Promise<Finding> {
  const { bytes, map } = await compile(fixture.file, bug);
  const threads = new Threads(new Interpreter(decode(bytes)), { clock: [0], grow: [-1], pages: 1, deaths: false });
  const verdict = check({
    threads,
    programs: fixture.programs,
    memory: new Uint8Array(65536),
    monitor: fixture.monitor,
    // The fixtures' guard word is a spinlock.
    spins: true,
    mayStarve: (_thread, view) => fixture.mayStarve === true && view.monitor() === 0,
  });
  const nameOf = (address: number): string => {
    const part = [
      ['cell', CELL],
      ['T1', ME[0]],
      ['T2', ME[1]],
      ['T3', ME[2]],
      ['data', DATA],
    ] as const;
    const [name, start] = part.findLast(([, start]) => start <= address)!;
    return address === start ? name : `${name}+${address - start}`;
  };
  const valueOf = (value: Value): string => String(value);
  const { counterexample } = verdict;
  return { verdict, trace: counterexample ? describe(counterexample, { nameOf, valueOf }, locator(map)) : '' };
}
