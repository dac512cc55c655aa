/** Mutants that no scenario objects to, because there is nothing to object to. See mutate.ts. */

export interface Survivor {
  /** A part of the source line. */
  readonly line: string;
  /** Which changes of it; all, when missing. */
  readonly what?: RegExp;
  readonly why: string;
}

export const survivors: readonly Survivor[] = [];
