/** The cells that count the permits of this thread's guards: when one is made, kept, taken over, and given back. */
import { BoundedSemaphore, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import {
  CELL_SIZE,
  CELL_STAMP,
  HOLD_CELL,
  HOLD_COUNT,
  HOLD_STAMP,
  KIND_FREE,
  KIND_HOLD,
  THREAD_OWNING_THREAD,
} from '../../assembly/abi.ts';
import { dropHold, holdOf } from '../../bindings/holds.ts';
import { poke, refOf } from '../support/dead.ts';
import { fill } from '../support/fill.ts';
import { plot } from '../support/plot.ts';

const here = plot();
const word = (cell: number, field: number): number => here.ground.load(cell, field);
const kinds = (holds: readonly number[]): number[] => holds.map((hold) => here.ground.kindAt(hold));
const HOLD = KIND_HOLD;
const GONE = KIND_FREE;

describe.each([
  ['Semaphore', () => new Semaphore(1, here)],
  ['BoundedSemaphore', () => new BoundedSemaphore(1, here)],
])("This thread's hold of a %s", (_kind, make) => {
  const makeAll = (count: number): Semaphore[] => Array.from({ length: count }, make);
  const holdsOf = (semaphores: readonly Semaphore[]): number[] => semaphores.map((one) => holdOf(refOf(one)));

  /** Another thread destroys it. */
  const destroy = (semaphore: Semaphore): void => {
    const { core, cell, stamp, thread } = refOf(semaphore);
    core.destroy(cell, stamp, thread, 0, 0, 0);
  };

  it('is made once, and says whose permits it counts', () => {
    const [one, two] = makeAll(2) as [Semaphore, Semaphore];
    const { used } = here.arena;
    const hold = holdOf(refOf(one));
    const fields = [HOLD_COUNT, HOLD_CELL, HOLD_STAMP, THREAD_OWNING_THREAD].map((field) => word(hold, field));
    expect(fields).toEqual([0, one.address, one.stamp, here.ground.thread]);
    poke(here.ground, hold, HOLD_COUNT, 5);
    expect(holdOf(refOf(one))).toBe(hold);
    expect(word(hold, HOLD_COUNT)).toBe(5);
    expect(holdOf(refOf(two))).not.toBe(hold);
    expect(here.arena.used).toBe(used + 2 * CELL_SIZE);
    expect(kinds([hold])).toEqual([HOLD]);
  });

  it('is that of the next one at the same place, without permits', () => {
    const before = make();
    const hold = holdOf(refOf(before));
    poke(here.ground, hold, HOLD_COUNT, 5);
    const stamp = before.stamp + 2;
    poke(here.ground, before.address, CELL_STAMP, stamp);
    const ref = { ...refOf(before), stamp } as ReturnType<typeof refOf>;
    const { used } = here.arena;
    for (let time = 0; time < 2; time++) {
      expect(holdOf(ref)).toBe(hold);
      expect([HOLD_COUNT, HOLD_CELL, HOLD_STAMP].map((field) => word(hold, field))).toEqual([0, ref.cell, stamp]);
      expect(here.arena.used).toBe(used);
    }
    // What was there before has none to give back.
    dropHold(refOf(before));
    expect(kinds([hold])).toEqual([HOLD]);
    dropHold(ref);
    expect([kinds([hold]), here.ground.holds.size]).toEqual([[GONE], 0]);
    // Once.
    dropHold(ref);
    expect(kinds([hold])).toEqual([GONE]);
  });

  it('is given back beside those of others', () => {
    const all = makeAll(3);
    const holds = holdsOf(all);
    dropHold(refOf(all[1]!));
    expect(kinds(holds)).toEqual([HOLD, GONE, HOLD]);
    expect(here.ground.holds.get(all[0]!.address)?.address).toBe(holds[0]);
  });

  it('is swept when its semaphore is gone, two at a time as one is made', () => {
    const all = makeAll(5);
    const holds = holdsOf(all);
    for (const one of all) destroy(one);
    const left = makeAll(3).map((next) => {
      holdOf(refOf(next));
      return kinds(holds).filter((kind) => kind === HOLD).length;
    });
    expect([left, here.ground.holds.size]).toEqual([[3, 1, 0], 3]);
  });

  it('is looked at in turns: those of use do not hide one that is of none', () => {
    const living = makeAll(5);
    const kept = holdsOf(living);
    const gone = make();
    const hold = holdOf(refOf(gone));
    destroy(gone);
    const seen = makeAll(3).map((next) => {
      holdOf(refOf(next));
      // To ask for one that is there sweeps nothing.
      expect(holdsOf(living)).toEqual(kept);
      return kinds([hold])[0];
    });
    expect([seen, kinds(kept)]).toEqual([[HOLD, HOLD, GONE], kept.map(() => HOLD)]);
  });

  it('is none in a full arena, and made when there is room', () => {
    const semaphore = make();
    const locks = fill(here.arena);
    expect([holdOf(refOf(semaphore)), here.ground.holds.size]).toEqual([0, 0]);
    locks.pop()!.destroy();
    const hold = holdOf(refOf(semaphore));
    expect([kinds([hold]), here.ground.holds.size]).toEqual([[HOLD], 1]);
    for (const lock of locks) lock.destroy();
  });
});
