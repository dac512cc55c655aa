/** Processes in which mutants run: one may loop for ever, or take all memory. */

import { type ChildProcess, fork } from 'node:child_process';
import { type Killer, ScenarioHunter, TestHunter } from './hunt.ts';
import type { Reach } from './probes.ts';
import { all, sources } from './subject.ts';
import type { Test } from './tests.ts';

export type Kind = 'explorer' | 'tests';

/** A mutant may take so long (ms), though scenarios and tests are bounded themselves. Without one, none takes a tenth of it. */
const BOUND = 300_000;

/** A process that runs one mutant after the other; a new one in its place where it does not come back. */
export class Workplace {
  readonly #kind: Kind;
  readonly #reach: readonly Reach[];
  #process: ChildProcess | undefined;

  constructor(kind: Kind, reach: readonly Reach[]) {
    this.#kind = kind;
    this.#reach = reach;
  }

  /** What kills a mutant. Its process ending, or not answering, must happen twice. */
  async hunt(index: number): Promise<Killer | undefined> {
    const answer = await this.#ask(index);
    if ('killer' in answer) return answer.killer ?? undefined;
    const again = await this.#ask(index);
    return 'killer' in again ? (again.killer ?? undefined) : { name: 'its process', fault: again.fault };
  }

  async #ask(index: number): Promise<Answer | { readonly fault: string }> {
    if (!this.#process) {
      // What tests print when they fail is of no interest.
      this.#process = fork(import.meta.filename, { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      this.#process.send({ kind: this.#kind, reach: this.#reach } satisfies Begin);
    }
    const child = this.#process;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answer = await new Promise<Answer | { readonly fault: string }>((resolve) => {
      timer = setTimeout(() => resolve({ fault: `does not end within ${BOUND} ms` }), BOUND);
      child.once('message', resolve);
      child.once('exit', (code, signal) => resolve({ fault: `ends with ${signal ?? code}` }));
      child.once('error', (error) => resolve({ fault: error.message }));
      child.send(index);
    });
    clearTimeout(timer);
    for (const event of ['message', 'exit', 'error']) child.removeAllListeners(event);
    if (!('killer' in answer)) this.#end();
    return answer;
  }

  close(): void {
    this.#process?.disconnect();
  }

  /** All that it has started goes with it. */
  #end(): void {
    try {
      process.kill(-this.#process!.pid!, 'SIGKILL');
    } catch {
      // It has gone already.
    }
    this.#process = undefined;
  }
}

/** What such a process is told at first; then indices of mutants, one after the other. */
interface Begin {
  readonly kind: Kind;
  readonly reach: readonly Reach[];
}

interface Answer {
  readonly killer: Killer | null;
}

function serve(): void {
  // What a mutant has left behind may be rejected when the next one runs.
  process.on('unhandledRejection', () => {});
  let hunter: ScenarioHunter | TestHunter;
  process.on('message', async (message: Begin | number) => {
    if (typeof message === 'number') process.send!({ killer: (await hunter.hunt(message)) ?? null } satisfies Answer);
    else if (message.kind === 'explorer') hunter = new ScenarioHunter(sources, all, message.reach);
    else hunter = new TestHunter(sources, all, message.reach as Test[]);
  });
  process.once('disconnect', async () => {
    await hunter.close();
    process.exit();
  });
}

if (process.send && process.argv[1] === import.meta.filename) serve();
