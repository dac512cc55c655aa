/** How a fault came about: a shortest way to it is told once more, this time with every operation written down. */

import type { Value } from './interpret.ts';
import type { LocalState } from './thread.ts';

export type Fault = 'trap' | 'race' | 'stale' | 'monitor' | 'deadlock' | 'spinning' | 'starvation';

/** Faults of a single step, not of a state. */
const OF_A_STEP: readonly Fault[] = ['monitor', 'trap', 'stale'];

/** Something must not be as it is. */
export class Violation extends Error {
  readonly fault: Fault;
  /** The state in which it is so; when missing, that which is being expanded. */
  readonly state: number | undefined;

  constructor(fault: Fault, message: string, state?: number) {
    super(message);
    this.fault = fault;
    this.state = state;
  }

  /** The last operation is part of it. */
  get ofStep(): boolean {
    return OF_A_STEP.includes(this.fault);
  }
}

/** One operation on the way to a fault. */
export interface Step {
  readonly thread: number;
  readonly state: LocalState;
  readonly what: 'operation' | 'timeout' | 'death' | 'reaped';
  readonly result: Value | undefined;
  /** Memory at the operation's address, before and after. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
  /** Threads that were woken. */
  readonly woken: readonly number[];
}

export interface Counterexample {
  readonly fault: Fault;
  readonly message: string;
  readonly steps: readonly Step[];
  /** What each thread would do next. */
  readonly standing: readonly { readonly state: LocalState; readonly asleep: boolean; readonly dead: boolean }[];
}

const NONE = -1;

/** Writes down, while a way is told again, what is done in the expansion of a state. */
export class Recorder {
  private log: Step[] | undefined;
  /** The successor that is looked for, and the way to it. */
  private wanted = NONE;
  private way: Step[] | undefined;

  get on(): boolean {
    return this.log !== undefined;
  }

  /** How much is written down; what comes later can be crossed out. */
  get length(): number {
    return this.log?.length ?? 0;
  }

  cut(length: number): void {
    if (this.log) this.log.length = length;
  }

  record(
    thread: number,
    state: LocalState,
    what: Step['what'],
    result?: Value,
    before?: Value,
    after?: Value,
    woken: readonly number[] = [],
  ): void {
    this.log?.push({ thread, state, what, result, before, after, woken });
  }

  /** A successor is complete. */
  reach(id: number): void {
    if (id === this.wanted) this.way ??= [...this.log!];
  }

  /**
   * The operations on a way through states, and in the last of them up to the violation if it is of a step.
   *
   * @param expand makes all successors of a state, up to a violation
   */
  tell(states: readonly number[], expand: (state: number) => Violation | undefined): readonly Step[] {
    const steps: Step[] = [];
    for (const [i, state] of states.entries()) {
      this.log = [];
      this.way = undefined;
      this.wanted = states[i + 1] ?? NONE;
      const violation = expand(state);
      if (this.wanted !== NONE) steps.push(...(this.way ?? []));
      else if (violation?.ofStep) steps.push(...this.log);
    }
    return steps;
  }
}
