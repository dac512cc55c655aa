/** What a scenario is. Its functions run in the simulated threads: they travel as text, and see their arguments only. */

import type * as lockwork from 'lockwork';

export type Lockwork = typeof lockwork;
export type Shared = Record<string, { readonly address: number; readonly stamp: number; destroy(): void }>;

/** What a task has beside the primitives. */
export interface Kit {
  /** The package, as this thread has loaded it. */
  readonly lockwork: Lockwork;
  /** What all threads of the scenario have in common; it is not in shared memory, and nobody is interrupted at it. */
  // biome-ignore lint/suspicious/noExplicitAny: each scenario has its own
  readonly state: any;
  /** Goes on in another turn of this thread's event loop. */
  turn(): Promise<void>;
  /** Goes on, in a turn of its own, once some thread has called `note` with the same name, or has died. */
  when(name: string): Promise<void>;
  note(name: string): void;
  /** Goes on, in a turn of its own, when that thread has nothing to do. */
  idle(thread: string): Promise<void>;
  /** Goes on, in a turn of its own, when that thread has died, or done all its tasks. */
  gone(thread: string): Promise<void>;
  /** Whether that thread has died. */
  died(thread: string): boolean;
  /** Keeps this thread's event loop from turning until some thread has called `note` with this name. */
  compute(until: string): void;
  /** `lockwork.reap()` of the arena. */
  reap(): number;
  /** Begins what `limit` tasks and threads may do at the same time; and its end. */
  enter(what?: string, limit?: number): void;
  leave(what?: string): void;
  /** Puts in order what a thread has left by dying: before that, nobody may enter it. */
  mend(what?: string): void;
  /** A signal that is aborted at any time, in a turn of this thread's, or never. */
  signal(reason?: unknown): lockwork.Signal;
  /** This thread ends in one of its next turns, which says so to its `exit` listeners. */
  exit(): void;
  check(right: boolean, otherwise: string): void;
  /** Blocks for a lock; false when a task of this thread holds it, and that is refused. */
  acquires(lock: { acquire(): boolean }): boolean;
  /** What this throws or rejects with must have this name. */
  throws(name: string, call: () => unknown): Promise<void>;
}

/** What a task does: it begins in a turn of its thread's event loop. */
// biome-ignore lint/suspicious/noExplicitAny: what a scenario shares only its tasks know
export type Task<S = any> = (shared: S, kit: Kit) => unknown;

// biome-ignore lint/suspicious/noExplicitAny: as above
export interface Scenario<S = any> {
  readonly primitive: string;
  readonly name: string;
  /** Made by the first thread; the others attach to it. All of it must be destroyable in the end. */
  readonly share: (lockwork: Lockwork, options: { readonly arena: lockwork.Arena }) => Shared & S;
  /** The tasks of each thread. */
  readonly threads: Readonly<Record<string, readonly Task<S>[]>>;
  /** What must be true when nothing more happens; runs in the first thread that has not ended. */
  readonly after?: (shared: S, kit: Kit) => void;
  /** Its tasks destroy all that is shared. */
  readonly destroys?: boolean;
  /** Threads that may die at any moment. */
  readonly mortal?: readonly string[];
  /**
   * Whether looks of threads that wait (reap.ts) belong to it when nothing else can go on, also if nobody dies. 0: none ever
   * happens.
   */
  readonly looks?: true | 0;
  /** How much time passes with each turn, ms. */
  readonly tick?: number;
  /** The fault that is known to be there, and where it is written down. */
  readonly known?: string;
}

/** Scenarios of a primitive. Each has the types of what it shares. */
export const scenarios =
  (primitive: string) =>
  <S>(name: string, scenario: Omit<Scenario<S>, 'primitive' | 'name'>): Scenario => ({ primitive, name, ...scenario });

export const title = ({ primitive, name }: Scenario): string => `${primitive}: ${name}`;
