/**
 * A program that measures: it runs as long as its topic and is asked whenever its turn comes, with a line "WINDOW TASK";
 * it answers with a line of JSON. The other end, in JavaScript, is `serve.ts`.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Incorrect, PATIENCE, type Rival, type Sample } from './rival.ts';

export class Program<Greeting> {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  readonly #patience: number;
  #complaints = '';
  /** Its first line. */
  greeting!: Greeting;

  /** @param patience ms */
  static async start<Greeting>([command, ...args]: string[], patience = PATIENCE): Promise<Program<Greeting>> {
    const program = new Program<Greeting>(spawn(command!, args), patience);
    await once(program.#child, 'spawn');
    program.greeting = (await program.#read(0)) as Greeting;
    return program;
  }

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, patience: number) {
    this.#child = child;
    this.#patience = patience;
    this.#closed = new Promise((resolve) => child.on('close', resolve));
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on('data', (text: Buffer) => {
      this.#complaints += text;
    });
    // A program that reads nothing any more says nothing either: #read notices.
    child.stdin.on('error', () => {});
  }

  /** One of its tasks. */
  rival(task: string, about: Omit<Rival, 'measure'>): Rival {
    return { ...about, measure: (window) => this.#ask(window, task) };
  }

  async #ask(window: number, task: string): Promise<Sample> {
    this.#child.stdin.write(`${window} ${task}\n`);
    return (await this.#read(window, task)) as Sample;
  }

  async #read(window: number, what = 'it'): Promise<unknown> {
    const limit = window + this.#patience;
    const timer = setTimeout(() => {
      this.#complaints ||= `${what}: no answer after ${limit} ms`;
      this.#child.kill('SIGKILL');
    }, limit);
    const { done, value } = await this.#lines.next();
    clearTimeout(timer);
    if (!done) return JSON.parse(value);
    await this.#closed;
    const { signalCode, exitCode } = this.#child;
    throw new Incorrect(this.#complaints || `${what} ended with ${signalCode ?? exitCode}`);
  }

  async close(): Promise<void> {
    this.#child.kill();
    await this.#closed;
  }
}
