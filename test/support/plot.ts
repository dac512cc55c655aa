/** A small arena of its own for each test of a file, all of them in one memory; after the test it must be empty. */
import { Arena } from 'lockwork';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  CELL_SIZE,
  CELL_STAMP,
  KIND_CONDITION,
  KIND_LOCK,
  KIND_NAME,
  KIND_THREAD,
  STATUS_OK,
} from '../../assembly/abi.ts';
import { bury } from '../../bindings/reap.ts';
import type { ThreadArena } from '../../bindings/thread-arena.ts';
import { threadArenaOf } from './dead.ts';

const ARENA = 1 << 16;

/** To be passed as the options of a primitive. */
export class Plot {
  arena!: Arena;

  /** The arena as this thread sees it. */
  get ground(): ThreadArena {
    return threadArenaOf(this.arena);
  }
}

/** Of a whole file: call it once. */
export function plot(): Plot {
  // At the beginning of the memory there is nothing.
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const plot = new Plot();
  beforeEach(() => {
    plot.arena = new Arena({ memory, byteOffset: ARENA, byteLength: ARENA });
  });
  afterEach(() => {
    const { arena, ground } = plot;
    for (const { kind, address } of ground.blocks(true)) {
      if (kind === KIND_THREAD && address !== ground.thread) bury(ground, address);
    }
    for (const { kind, address } of ground.blocks(true)) {
      if (kind < KIND_LOCK || kind > KIND_CONDITION) continue;
      // Whatever its word is: nothing waits.
      const stamp = ground.load(address, CELL_STAMP) | 0;
      expect(ground.core.destroy(address, stamp, ground.thread, 0, 0, 0)).toBe(STATUS_OK);
    }
    for (const { kind, address } of ground.blocks(true)) {
      if (kind !== KIND_NAME) continue;
      const cells = Math.ceil((4 + ground.load(address, 0)) / CELL_SIZE);
      expect(ground.core.free(ground.base, address, cells, KIND_NAME)).toBeTruthy();
    }
    arena.destroy();
  });
  return plot;
}
