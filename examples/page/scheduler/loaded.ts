/** Programs, ready to be walked through. */
import { type Fixture, namesOf, systemOf } from '../../../test/model/bugs.ts';
import { Interpreter } from '../../../test/model/interpret.ts';
import { LINE } from '../../../test/model/memory.ts';
import { call, decodeCore, FOR_EVER, get, once, set, UNTIMED, World } from '../../../test/model/scenario.ts';
import type { System } from '../../../test/model/system.ts';
import { Threads } from '../../../test/model/thread.ts';
import type { Names } from '../../../test/model/trace.ts';

/** A module, and where its steps are in its sources. */
export interface Compiled {
  /** The bytes, as base64. */
  readonly wasm: string;
  /** By names of files. */
  readonly sources: Readonly<Record<string, string>>;
  /** For the offset of each instruction that reaches out of its thread: the file and the line, as `lock.ts:24`. */
  readonly lines: Readonly<Record<number, string>>;
}

/** The published core, and what programs in WebAssembly have in front of it. */
export interface CompiledCore extends Compiled {
  readonly imports: string;
}

export interface Loaded extends Pick<Compiled, 'sources' | 'lines'> {
  readonly system: System;
  readonly names: Names;
  /** The addresses of the words that are shown from the beginning. */
  readonly words: readonly number[];
  /** The lines of memory that threads may write. */
  readonly written: readonly number[];
}

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** A classic, with one of its bugs, or with none: 0. */
export async function loadClassic(fixture: Fixture, bug: number): Promise<Loaded> {
  const { default: classics } = await import('virtual:compiled/classics');
  const { default: compiled } = await classics[`${fixture.file}/${bug}`]!();
  const system = systemOf(fixture, bytesOf(compiled.wasm));
  const words = Object.keys(fixture.words).map(Number);
  return {
    ...compiled,
    // A round for each thread: more only make the ways longer.
    system: { ...system, programs: system.programs.map((program) => ({ ...program, forever: false })) },
    names: namesOf(fixture),
    words,
    written: [...new Set(words.map((address) => address / LINE))].map(Math.floor).filter(unique),
  };
}

const unique = (line: number, place: number, all: readonly number[]): boolean => all.indexOf(line) === place;

/** Two agents that sell seats under lockwork's own Lock. */
export async function loadCoreLock(): Promise<Loaded> {
  const { default: compiled } = await import('virtual:compiled/core');
  const core = decodeCore(bytesOf(compiled.wasm), bytesOf(compiled.imports));
  const world = new World(core, { threads: 2 });
  const { cell, stamp } = world.lock();
  const seats = world.data('seats');
  const tickets = world.threads.map((_, t) => world.data(`ticket of T${t + 1}`));
  world.poke(seats, 2);
  const programs = world.threads.map((me, t) =>
    once(function* () {
      yield* call('lockAcquire', cell, stamp, me, FOR_EVER);
      const seat = yield* get(seats);
      yield set(seats, seat - 1);
      yield set(tickets[t]!, seat);
      yield* call('lockRelease', cell, stamp, me);
    }),
  );
  const threads = new Threads(new Interpreter(core.module), {
    clock: UNTIMED.slice(0, 1),
    grow: [-1],
    pages: 1,
    deaths: false,
  });
  return {
    ...compiled,
    system: { threads, programs, memory: world.memory, invariant: (view) => world.disturbed(view) },
    names: world,
    words: [cell, seats, ...tickets],
    written: Array.from({ length: MOST_LINES }, (_, line) => line),
  };
}

/** All that the world lays out. */
const MOST_LINES = 80;
