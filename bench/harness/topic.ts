/** What a file of `../topics/` has. */
import type { Claim } from './claims.ts';
import type { Outsider } from './outside.ts';
import type { Rival } from './rival.ts';

/** A table of the bench. */
export interface Topic {
  name: string;
  title: string;
  /** Whose median the others are divided by. */
  baseline: string;
  columns?: Column[];
  claims: Claim[];
  /** Rivals in other processes, where the machine has them; those in groups that are not measured are left out. */
  outsiders?: Outsider[];
  /** How many rounds it wants, where so many rivals would take too long; as a part of the usual number. */
  part?: number;
  /** Whether it takes minutes: then it is measured when it is named, or all is. */
  long?: boolean;
  /** @param all whether to measure also what is left out by default */
  open(all: boolean): Session | Promise<Session>;
}

/** A further figure of every sample. */
export interface Column {
  name: string;
  note: string;
  show(value: number): string;
}

export interface Session {
  rivals: Rival[];
  /** What is to be known of them, and why others are not among them. */
  notes?: string[];
  close?(): Promise<void>;
}
