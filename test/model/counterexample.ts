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

/** A thread, and what it would do next. */
export interface Standing {
  readonly state: LocalState;
  /** It sleeps, and is woken after so many others; 0 when it is awake. */
  readonly place: number;
  readonly dead: boolean;
}

export interface Counterexample {
  readonly fault: Fault;
  readonly message: string;
  readonly steps: readonly Step[];
  readonly standing: readonly Standing[];
}

/** One of the things that can come next. */
export interface Move {
  readonly thread: number;
  readonly steps: readonly Step[];
  /** The state that it leads to, or what is wrong with the step. */
  readonly to: number | Violation;
}

/** Writes down, while a way is told again, what is done in the expansion of a state. */
export class Recorder {
  private log: Step[] | undefined;
  /** Is told of each successor, and of the way to it. */
  private reached: (id: number, way: readonly Step[]) => void = () => {};

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
    this.reached(id, [...this.log!]);
  }

  /**
   * The operations on a way through states, and in the last of them up to the violation if it is of a step.
   *
   * @param expand makes all successors of a state, up to a violation
   */
  tell(states: readonly number[], expand: (state: number) => Violation | undefined): readonly Step[] {
    const steps: Step[] = [];
    for (const [i, state] of states.entries()) {
      const wanted = states[i + 1];
      let found: readonly Step[] | undefined;
      this.log = [];
      this.reached = (id, way) => {
        if (id === wanted) found ??= way;
      };
      const violation = expand(state);
      if (wanted !== undefined) steps.push(...(found ?? []));
      else if (violation?.ofStep) steps.push(...this.log);
    }
    return steps;
  }

  /** All that a thread can do next. @param expand as above, for this thread */
  list(thread: number, expand: () => Violation | undefined): readonly Move[] {
    const moves: Move[] = [];
    this.log = [];
    this.reached = (to, steps) => moves.push({ thread, steps, to });
    const violation = expand();
    if (violation) moves.push({ thread, steps: [...this.log], to: violation });
    return moves;
  }
}
