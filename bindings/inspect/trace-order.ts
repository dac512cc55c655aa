import type { TraceNesting } from './trace-channels.ts';

/** A lock in the order of locks. */
export interface Ordered {
  /** Those of one name are one class. */
  readonly className: string;
  /** What tells it from all others. */
  readonly key: string;
}

/** From a class, or a lock, to another one; as other threads are told of it. */
export interface OrderEdge {
  readonly from: string;
  readonly to: string;
  readonly nesting: TraceNesting;
  /** Whether the thread that found it has told of an inversion. */
  readonly told: boolean;
}

interface Known<By> {
  readonly nesting: TraceNesting;
  /** The request that was the first in this thread. */
  readonly by?: By;
}

/** Nestings that lead from a lock back to it, and the request of this thread that is the first of them. */
export interface Inversion<By> {
  readonly by: By;
  readonly order: TraceNesting[];
}

/** Beyond so many edges no new ones are kept: a program that makes locks without names for ever. */
const MOST = 10_000;

/**
 * In which order locks were acquired: from each that was held to each that was acquired then. A way back is an inversion: threads
 * that go all ways at once may wait for each other for ever, also if they never did so far.
 */
export class LockOrder<By> {
  readonly #edges = new Map<string, Map<string, Known<By>>>();
  readonly #told = new Set<string>();
  #size = 0;

  /**
   * While `outer` is held, `inner` is acquired by a request of this thread. Answers what others are to know of it, if it is new,
   * and the inversion, if it is one that was not told before.
   *
   * Two locks of one class are told apart: it is no inversion that one account is locked within another.
   */
  add(
    outer: Ordered,
    inner: Ordered,
    by: By,
    describe: () => TraceNesting,
  ): { edge?: OrderEdge; found?: Inversion<By> } {
    const one = outer.className === inner.className;
    const [from, to] = one ? [outer.key, inner.key] : [outer.className, inner.className];
    const known = this.#edges.get(from)?.get(to);
    if (known?.by) return {};
    const nesting = describe();
    const found = this.#insert(from, to, { nesting, by });
    // What another thread has told already, it knows.
    return { ...(!known && { edge: { from, to, nesting, told: found !== undefined } }), ...(found && { found }) };
  }

  /** What another thread has told. */
  learn({ from, to, nesting, told }: OrderEdge): Inversion<By> | undefined {
    if (told) this.#told.add(pairOf(from, to));
    return this.#edges.get(from)?.has(to) ? undefined : this.#insert(from, to, { nesting });
  }

  #insert(from: string, to: string, known: Known<By>): Inversion<By> | undefined {
    if (this.#size === MOST) return undefined;
    this.#size++;
    const after = this.#edges.get(from) ?? new Map<string, Known<By>>();
    this.#edges.set(from, after.set(to, known));
    const back = this.#way(to, from, new Set());
    const pair = pairOf(from, to);
    if (!back || this.#told.has(pair)) return undefined;
    const round = [known, ...back];
    // The others are told of by those that have a part in them.
    const first = round.findIndex(({ by }) => by !== undefined);
    if (first < 0) return undefined;
    this.#told.add(pair);
    const order = [...round.slice(first), ...round.slice(0, first)].map(({ nesting }) => nesting);
    return { by: round[first]!.by!, order };
  }

  #way(from: string, to: string, seen: Set<string>): Known<By>[] | undefined {
    seen.add(from);
    for (const [next, known] of this.#edges.get(from) ?? []) {
      if (next === to) return [known];
      const rest = seen.has(next) ? undefined : this.#way(next, to, seen);
      if (rest) return [known, ...rest];
    }
    return undefined;
  }
}

const pairOf = (a: string, b: string): string => [a, b].sort().join('\n');
