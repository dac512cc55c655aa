/** Mutants of the bindings that nothing objects to, because there is nothing to object to. See mutate.ts. */

export interface Survivor {
  readonly file: string;
  /** A part of the source line. */
  readonly line: string;
  /** Which changes of it; all, when missing. */
  readonly what?: RegExp;
  readonly why: string;
  /** It can be proven to do the same in every case. Such a mutant cannot be killed, and does not count. */
  readonly same?: true;
}

export const survivors: readonly Survivor[] = [];
