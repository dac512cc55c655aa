/**
 * The bindings' own code, run by the model.
 *
 * What JavaScript does between the calls of the core is synchronous, and a script of the model is a generator: it cannot
 * stop in the midst of somebody else's function. So the function is run again from its beginning, with a core that looks up what
 * it has answered before; at the first call without an answer it is given up, the interpreter makes that call, and all other
 * threads may come between. The function must work on copies of what it changes: each run begins with fresh ones.
 */

import { CELL_WORD, HANDOFF_AFTER_MS, THREAD_INBOX } from '../../assembly/abi.ts';
import type { Core } from '../../bindings/core.ts';
import type { Value } from './interpret.ts';
import type { Request, Script } from './thread.ts';

/** The function has asked for something that has no answer yet. */
class Unanswered extends Error {
  readonly request: Request;

  constructor(request: Request) {
    super('not answered yet');
    this.request = request;
  }
}

/** What a function of the bindings has of the world. */
export class Recording {
  private readonly answers: readonly Value[];
  private given = 0;
  /** Code that cleans up behind the exception asks in vain: it runs in no order that counts. */
  private unanswered: Unanswered | undefined;

  constructor(answers: readonly Value[]) {
    this.answers = answers;
  }

  readonly core = new Proxy({} as Core, {
    get:
      (_, name: string) =>
      (...args: readonly (number | boolean)[]) =>
        this.ask({ kind: 'call', name, args: args.map(Number) }),
  });

  /** A 32-bit field, unsigned. */
  load(cell: number, field: number): number {
    return this.ask({ kind: 'look', address: cell + field }) >>> 0;
  }

  /** The clock, for an operation: all that counts is whether a handoff is due to it since this moment. */
  now(since: number, overdue: boolean): number {
    if (since === 0) return 1;
    return since + this.ask({ kind: 'choice', results: overdue ? [HANDOFF_AFTER_MS] : [0, HANDOFF_AFTER_MS] });
  }

  /** Until something is in a thread's inbox. Answers what `memory.atomic.wait32` does. */
  sleep(thread: number, timed: boolean): number {
    return this.ask({ kind: 'sleep', address: thread + THREAD_INBOX, timed });
  }

  verdictOf(waiter: number): number {
    return this.load(waiter, CELL_WORD);
  }

  private ask(request: Request): number {
    if (this.unanswered) throw this.unanswered;
    if (this.given < this.answers.length) return Number(this.answers[this.given++]);
    this.unanswered = new Unanswered(request);
    throw this.unanswered;
  }
}

/** Runs a synchronous function of the bindings: each run must begin with the same. */
export function* synchronously<Result>(act: (host: Recording) => Result): Script<Result> {
  const answers: Value[] = [];
  for (;;) {
    try {
      return act(new Recording(answers));
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      answers.push(yield error.request);
    }
  }
}
