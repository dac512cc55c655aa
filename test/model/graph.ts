/** The steps between states. States are numbered in the order of their expansion, and so are their steps. */

/** A step: the state it leads to, and in the lowest bits whose step it is and what kind of. */
const TO = 5;
const THREAD = 7;
const PROGRESS = 8;
const CHANCE = 16;

/** A fingerprint of all that can happen; numbers are modulo 2^64. */
export interface Counts {
  /** How many ways there are to take so many steps. */
  readonly walks: readonly bigint[];
  /** How many of them end where no thread can go on. */
  readonly complete: bigint;
}

export class Graph {
  /** Packed; the first `size` are in use. */
  steps = new Int32Array(1 << 12);
  size = 0;
  private readonly firsts: number[] = [];

  /** The next state is expanded: the steps from it follow. */
  expandNext(): void {
    this.firsts.push(this.size);
  }

  /** The state that is being expanded. */
  get current(): number {
    return this.firsts.length - 1;
  }

  /**
   * @param progress the thread has come to an end, of a round or altogether
   * @param chance not the thread's own doing: a timeout, its death
   */
  add(to: number, thread: number, progress: boolean, chance: boolean): void {
    if (this.size === this.steps.length) {
      const larger = new Int32Array(this.steps.length * 2);
      larger.set(this.steps);
      this.steps = larger;
    }
    this.steps[this.size++] = (to << TO) | (progress ? PROGRESS : 0) | (chance ? CHANCE : 0) | thread;
  }

  /** The steps from a state are those from `first` up to `end`. */
  first(state: number): number {
    return this.firsts[state] ?? this.size;
  }

  end(state: number): number {
    return this.firsts[state + 1] ?? this.size;
  }

  countWalks(states: number, longest: number): Counts {
    let now = new BigUint64Array(states);
    now[0] = 1n;
    const walks: bigint[] = [];
    let complete = 0n;
    for (let length = 0; length <= longest; length++) {
      const next = new BigUint64Array(states);
      for (const [state, ways] of now.entries()) {
        if (ways === 0n) continue;
        const [first, end] = [this.first(state), this.end(state)];
        if (first === end) complete += ways;
        for (let step = first; step < end; step++) next[target(this.steps[step]!)]! += ways;
      }
      walks.push(now.reduce((sum, ways) => BigInt.asUintN(64, sum + ways), 0n));
      now = next;
    }
    return { walks, complete: BigInt.asUintN(64, complete) };
  }
}

/** The state that a step leads to. */
export const target = (step: number): number => step >>> TO;
export const threadOf = (step: number): number => step & THREAD;
export const isProgress = (step: number): boolean => (step & PROGRESS) !== 0;
/** Whether it is a thread's own step, and none by which it comes to an end. */
export const isOwn = (step: number, thread: number): boolean => (step & (THREAD | PROGRESS | CHANCE)) === thread;
