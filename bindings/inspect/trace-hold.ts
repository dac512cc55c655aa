import type { Owner } from '../index.ts';
import type { Place } from './trace-stack.ts';
import { isLock, type Subject } from './trace-subject.ts';

/**
 * What runs one after the other: the thread itself, or one of its tasks. What it holds, it holds while it waits for the next.
 *
 * Of a task that is known where the engine tells: in what `withAsync` runs (`AsyncLocalStorage`: Node, Bun, Deno), and of calls
 * with one owner. Any other async call is a line by itself, since what its task holds beside cannot be known.
 */
export class Line {
  readonly held = new Set<Hold>();
  /** 0: the thread itself. */
  readonly task: number;
  /** The line within which this one runs. */
  readonly #outer: Line | undefined;
  /** It was begun for a call that runs a function, and that has not acquired anything yet. */
  fresh: boolean;

  constructor(task: number, outer: Line | undefined, fresh: boolean) {
    this.task = task;
    this.#outer = outer;
    this.fresh = fresh;
  }

  /** What is held by it and those that it is within. */
  holds(): Hold[] {
    return [...(this.#outer?.holds() ?? []), ...this.held];
  }
}

/** In whose name something is held. */
export interface HeldBy {
  /** Of an RLock that a task holds. */
  readonly owner: Owner | undefined;
  /** Whether it is a permit that a guard will give back. */
  readonly guarded: boolean;
}

/** Something that this thread has acquired. */
export interface Hold extends HeldBy {
  readonly subject: Subject;
  readonly line: Line;
  readonly place: Place | undefined;
  readonly request: number;
  since: number;
  /** The order in which things began. */
  order: number;
  /** A Condition's wait has given it up, and will have it again. */
  paused: boolean;
  warned: boolean;
}

/** What this thread holds, by primitives, the last at the end. */
export class Holds {
  readonly #all = new Map<string, Hold[]>();

  *[Symbol.iterator](): Generator<Hold> {
    for (const holds of this.#all.values()) yield* holds;
  }

  of({ key }: Subject): readonly Hold[] {
    return this.#all.get(key) ?? [];
  }

  /** Whether a lock is held already by the one that wants it: of an RLock its owner, of a Lock the line. */
  has(lock: Subject, { owner }: HeldBy, line: Line): boolean {
    const last = this.of(lock).at(-1);
    if (!last || last.paused) return false;
    return lock.kind === 'RLock' ? last.owner === owner : line.holds().includes(last);
  }

  add(hold: Hold): void {
    const { key } = hold.subject;
    const holds = this.#all.get(key);
    if (holds) holds.push(hold);
    else this.#all.set(key, [hold]);
    hold.line.held.add(hold);
  }

  delete(hold: Hold): void {
    const { key } = hold.subject;
    const holds = this.#all.get(key)!;
    // One that is acquired again and again is released from the end.
    holds.splice(holds.lastIndexOf(hold), 1);
    if (holds.length === 0) this.#all.delete(key);
    hold.line.held.delete(hold);
  }

  /**
   * What a release gives back. Permits have no names: it is the last one that the same line has acquired, or else the oldest.
   */
  released(subject: Subject, by: HeldBy, line: Line): Hold | undefined {
    const holds = this.of(subject);
    const fits = ({ owner, guarded }: Hold): boolean => owner === by.owner && guarded === by.guarded;
    if (isLock(subject)) return holds.findLast(fits);
    return holds.findLast((hold) => fits(hold) && hold.line === line) ?? holds.find(fits);
  }
}
