/**
 * What the programs are played on. Nothing here knows Node, so that they can run in a page too.
 *
 * A program is a file with three things: `main`, which the main thread runs; a *part*, the function that its threads
 * run; and `verdict`, which says of the steps that were taken what they show.
 */

/** What a thread does in a step, as a word for the timeline. */
export type Kind =
  | 'waits'
  | 'holds'
  | 'releases'
  | 'begins'
  | 'books'
  | 'refuses'
  | 'gives up'
  | 'departs'
  | 'lands'
  | 'drives'
  | 'collects'
  | 'tells'
  | 'walks'
  | 'counts'
  | 'leaves'
  | 'opens'
  | 'joins'
  | 'serves'
  | 'closes'
  | 'takes'
  | 'stops'
  | 'dies'
  | 'learns'
  | 'repairs';

/** One thing that one thread did. The steps of all threads are in the order in which they happened. */
export interface Step {
  /** ms since the first step. */
  time: number;
  thread: string;
  kind: Kind;
  text: string;
  /** The dead thread that left half done what is repaired now. */
  of?: string;
}

/** How a thread tells what it does. */
export type Say = (kind: Kind, text: string, of?: string) => void;

/** Terminates the thread of this name, which has nothing to say any more. */
export type Stop = (name: string) => Promise<void>;

/** A function that runs on a thread. What it gets is posted to it: handles, shared arrays, plain values. */
export type Part<T> = (props: T, say: Say) => void | Promise<void>;

/** A thread with a name of its own, and what it runs. */
export interface Role {
  name: string;
  part: Part<never>;
  props: unknown;
}

export function role<T>(name: string, part: Part<T>, props: NoInfer<T>): Role {
  return { name, part, props };
}

/** What the main thread itself does meanwhile. It must not block: a page would freeze. So it awaits. */
export interface Task {
  name: string;
  run(say: Say, stop: Stop): Promise<void>;
}

/** How a program gets its threads. Both begin when all threads have started, and resolve when all have ended. */
export interface Stage {
  /** Runs the part once for each of `tasks`, on `size` threads, like Python's `ThreadPoolExecutor.map`. */
  pool<T>(size: number, part: Part<T>, tasks: NoInfer<T>[]): Promise<void>;
  /** A thread for each role, like Python's `Thread(target=…, args=…)`, and what the main thread does meanwhile. */
  threads(roles: Role[], ...tasks: Task[]): Promise<void>;
}

export interface Verdict {
  /** Whether it was as it should be. */
  held: boolean;
  /** What was shown. */
  text: string;
}

export interface Program {
  /** The story in a line. */
  about: string;
  main(stage: Stage): Promise<void>;
  verdict(steps: Step[]): Verdict;
}

/** Time passes: the work that a real program would do here. It waits for nobody, and nobody waits for its word. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** How long anything may take, the start of the threads included (ms), on a very busy machine. */
export const PATIENCE = 30_000;

/** Resolves when it is so. For the main thread, and for what nobody tells. */
export async function until(so: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!so()) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE} ms: ${so}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export function between(least: number, most: number): number {
  return Math.round(least + Math.random() * (most - least));
}

/** How often something was done. */
export function count(steps: Step[], kind: Kind): number {
  return steps.filter((step) => step.kind === kind).length;
}

/** The highest number of threads that ever held something at once. They say "holds" after and "releases" before. */
export function mostAtOnce(steps: Step[]): number {
  let inside = 0;
  let most = 0;
  for (const { kind } of steps) {
    if (kind === 'holds') inside++;
    if (kind === 'releases') inside--;
    most = Math.max(most, inside);
  }
  return most;
}
