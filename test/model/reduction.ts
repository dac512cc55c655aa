/**
 * Partial-order reduction: not every interleaving has to be explored.
 *
 * A word of memory is *independent* when there is no state in which two threads are about to access it and one of them
 * would write (words under a lock are like that; so is what only one thread uses). Accesses of different threads to
 * independent words commute: whenever two of them are neighbours, they can be swapped; in Lipton's words they are both-movers
 * (R. J. Lipton, "Reduction: a method of proving properties of parallel programs", CACM 18, 1975). So a thread does all
 * of them together with the next access that is none, as one transaction (C. Flanagan, S. Qadeer, "Transactions for software
 * model checking", 2003).
 *
 * Which words are independent need not be known: it is assumed of all. In every state we look at what the threads would touch
 * next; where two collide, the word is dependent, and the exploration starts anew. The last exploration has seen no
 * collision, which is just what it assumed (docs/internals/verification.md has the proof). That the search corrects its own idea of what
 * is independent it has from C. Flanagan, P. Godefroid, "Dynamic partial-order reduction for model checking software", POPL 2005.
 *
 * The same goes for lines of memory: only those that are written become part of the states (memory.ts).
 */

import { Violation } from './counterexample.ts';
import type { Operation } from './thread.ts';

/** An assumption (a word is independent, a line is never written) has turned out wrong: explore anew. */
export class ReductionChanged extends Error {}

export class Reduction {
  /** Without it every access is a step of its own: slow, and only there to check the reduction. */
  readonly on: boolean;
  /** Offsets of the instructions by which threads meet: only for those does it matter that an access is atomic. */
  readonly dependentInstructions = new Set<number>();
  /** Those whose word another thread may write at that moment: for them it matters that they are one step. */
  readonly contestedInstructions = new Set<number>();
  private readonly mayRace: boolean;
  private readonly dependent: Set<number>;
  private readonly isDependent: Uint8Array;

  /* Which threads are about to touch what, as bit sets, for each word in `touched`. */
  private readonly readers: Uint8Array;
  private readonly writers: Uint8Array;
  private readonly plain: Uint8Array;
  private readonly touched: number[] = [];
  /** Thread, word and instruction, three at a time. */
  private readonly meetings: number[] = [];

  constructor(on: boolean, dependent: Set<number>, words: number, mayRace: boolean) {
    this.on = on;
    this.mayRace = mayRace;
    this.dependent = dependent;
    this.isDependent = new Uint8Array(words);
    for (const word of dependent) this.isDependent[word] = 1;
    this.readers = new Uint8Array(words);
    this.writers = new Uint8Array(words);
    this.plain = new Uint8Array(words);
  }

  /** Thread t is about to do this; whether all that it touches is independent. */
  touch(t: number, operation: Operation & { kind: 'access' | 'fill' }): boolean {
    if (operation.kind === 'fill') return this.mark(t, operation.address, operation.length, true, true);
    const { access, address } = operation;
    return this.mark(t, address, access.bytes, access.kind !== 'load', !access.atomic && !access.guess);
  }

  mark(t: number, address: number, bytes: number, writes: boolean, plain: boolean): boolean {
    const bit = 1 << t;
    let independent = this.on;
    for (let word = address >> 2; word <= (address + bytes - 1) >> 2; word++) {
      if (this.readers[word] === 0 && this.writers[word] === 0) this.touched.push(word);
      if (writes) this.writers[word]! |= bit;
      else this.readers[word]! |= bit;
      if (plain) this.plain[word]! |= bit;
      if (this.isDependent[word]) independent = false;
    }
    return independent;
  }

  /** By this instruction a thread is about to touch a dependent word. */
  meet(t: number, address: number, at: number): void {
    this.meetings.push(t, address >> 2, at);
  }

  /** All threads have said what they are about to touch in a state. */
  findCollisions(): void {
    const atomics: number[] = [];
    const plains: number[] = [];
    let race = -1;
    for (const word of this.touched) {
      const writers = this.writers[word]!;
      const all = writers | this.readers[word]!;
      if (writers !== 0 && (all & (all - 1)) !== 0) {
        const isPlain = this.plain[word] !== 0;
        if (isPlain && race < 0) race = word;
        for (let i = 0; i < this.meetings.length; i += 3) {
          const [t, at] = [this.meetings[i]!, this.meetings[i + 2]!];
          if (this.meetings[i + 1] !== word || !((all >> t) & 1)) continue;
          this.dependentInstructions.add(at);
          if (writers & ~(1 << t)) this.contestedInstructions.add(at);
        }
        if (this.on && !this.isDependent[word]) (isPlain ? plains : atomics).push(word);
      }
    }
    this.forget();
    // Behind a word that was wrongly taken for independent, nothing is certain: what a lock protects seems to collide when
    // the lock was. So believe the atomics first, and look again.
    const found = atomics.length > 0 ? atomics : plains;
    for (const word of found) this.dependent.add(word);
    if (found.length > 0) throw new ReductionChanged();
    if (race >= 0 && !this.mayRace)
      throw new Violation(
        'race',
        `two threads are about to access the word at ${race * 4}, and one of the accesses is plain`,
      );
  }

  /** What the threads were about to touch. */
  forget(): void {
    for (const word of this.touched) {
      this.readers[word] = 0;
      this.writers[word] = 0;
      this.plain[word] = 0;
    }
    this.touched.length = 0;
    this.meetings.length = 0;
  }
}
