/** What the checker is given: threads with their programs, the memory between them, and what must hold. */

import type { Program, Threads } from './thread.ts';

/** Watches the events of a scenario. Its states are plain data. */
export interface Monitor<S = unknown> {
  readonly initial: S;
  /** The next state; throws an Objection. */
  step(state: S, thread: number, event: unknown): S;
}

export interface System {
  readonly threads: Threads;
  readonly programs: readonly Program[];
  /** Memory before the first step. */
  readonly memory: Uint8Array;
  readonly monitor?: Monitor<any> | undefined;
  /** Which sleepers a notify wakes: those that slept longest, as engines do, or any, as the specification of JavaScript's agents would not allow but a bug might. */
  readonly wakes?: 'first' | 'any' | undefined;
  /** How many threads may be terminated, and which. */
  readonly deaths?: { readonly most: number; readonly threads: readonly number[] } | undefined;
  /**
   * Words that will be written before they are read again, in the state at hand. They are overwritten with POISON, so
   * that states which differ in leftovers only become one; should a thread read the poison after all, that is a fault.
   */
  readonly leftovers?: ((view: View) => Iterable<number>) | undefined;
  /** Counters that are only compared for equality: here they count modulo a small number, or the states would never end. */
  readonly wraps?: ReadonlyMap<number, number> | undefined;
  /** What must hold in every state; answers what is wrong. */
  readonly invariant?: ((view: View) => string | undefined) | undefined;
  /** What a guess at this word may find, beside what is there. It finds nothing else when nothing is said. */
  readonly guesses?: ((address: number) => readonly number[]) | undefined;
  /** Threads may spin: what is checked is a spinlock, say. */
  readonly spins?: boolean | undefined;
  /** Whether a thread may spin in this state, since another is about to end that by its next few instructions. */
  readonly maySpin?: ((thread: number, view: View) => boolean) | undefined;
  /** Plain accesses may meet: what comes of that is what the system is there to show. */
  readonly mayRace?: boolean | undefined;
  /** Whether a thread that can never go on may be left like that in this state. */
  readonly mayStarve?: ((thread: number, view: View) => boolean) | undefined;
}

/** What a scenario may look at when it judges a state. */
export interface View {
  word(address: number): number;
  monitor(): unknown;
  dead(thread: number): boolean;
  finished(thread: number): boolean;
  /** The word that it sleeps on; 0 when it does not sleep. */
  sleepsOn(thread: number): number;
  /** It lives, and is inside a call of the module. */
  inside(thread: number): boolean;
  /** What the clock last said in its call. */
  time(thread: number): number | undefined;
}

/** What no thread may ever read. */
export const POISON = 0x7ead_dead;
