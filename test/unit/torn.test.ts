/**
 * Calls that are torn away, with nothing run that is behind them: so Deno's `terminate()` ends one, and the thread goes on with
 * other things for a moment. So does Node where the time of a script is up.
 */
import vm from 'node:vm';
import { ThreadingError } from 'lockwork';
import { describe, expect, it } from 'vitest';
import type { Core } from '../../bindings/core.ts';
import { guarded, type Mark, marked, unmarked } from '../../bindings/torn.ts';

/** How long (ms) a call blocks before it is torn away. */
const BLOCKED = 100;

/** Tears a call away that never returns by itself. */
function tear(act: () => unknown): void {
  const code = 'ERR_SCRIPT_EXECUTION_TIMEOUT';
  expect(() => vm.runInNewContext('act()', { act }, { timeout: BLOCKED })).toThrow(expect.objectContaining({ code }));
}

const block = (): string => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);

interface Fake {
  mark: Mark;
  core: Core;
}

/** A core whose calls answer what they were called with, or block. */
function make(calls: Partial<Record<keyof Core, (...args: never[]) => unknown>> = {}): Fake {
  const mark = { set: false };
  const answer = (...args: unknown[]): unknown => args;
  const core = { lockAcquire: block, semLetGo: answer, notAFunction: 1, ...calls } as unknown as Core;
  return { mark, core: guarded(core, mark) };
}

describe('A guarded call', () => {
  it('has its arguments and its answer, and what is no call stays', () => {
    const { core, mark } = make();
    expect(core.semLetGo(1, 2, 3, 4)).toEqual([1, 2, 3, 4]);
    expect(core).toHaveProperty('notAFunction', 1);
    expect(mark.set).toBe(false);
  });

  it('throws what it throws, and the next one works', () => {
    const { core } = make({
      lockAcquire: () => {
        throw new RangeError('a full stack');
      },
    });
    expect(() => core.lockAcquire(1, 2, 3, 4)).toThrow('a full stack');
    expect(core.semLetGo(1, 2, 3, 4)).toEqual([1, 2, 3, 4]);
  });

  it('may be called by what the core calls in the midst of another', () => {
    const { core, mark } = make({ lockAcquire: () => unmarked(mark, () => core.semLetGo(5, 6, 7, 8)) });
    expect(core.lockAcquire(1, 2, 3, 4)).toEqual([5, 6, 7, 8]);
    expect(mark.set).toBe(false);
  });
});

describe('After a call that was torn away', () => {
  it.each<[string, (fake: Fake) => unknown]>([
    ['in the core', ({ core }) => core.lockAcquire(1, 2, 3, 4)],
    ['in a sleep', ({ mark }) => marked(mark, block)],
  ])('%s, every other one is refused', (_where, call) => {
    const fake = make();
    tear(() => call(fake));
    for (let times = 0; times < 2; times++) {
      expect(() => fake.core.semLetGo(1, 2, 3, 4)).toThrow(ThreadingError);
      expect(() => fake.core.lockAcquire(1, 2, 3, 0)).toThrow('it can do no more');
    }
  });
});
