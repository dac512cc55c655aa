/**
 * Rivals outside of this process: other languages, and Node with other flags or globals. Each program runs as long as
 * its topic and is asked whenever its turn comes, with a line "WINDOW TASK"; it answers with a line of JSON.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Rival, Sample } from './measure.ts';
import { isNewer, path } from './rivals.ts';

/** How each is started: a command and its arguments. */
const PROGRAMS = {
  'V8 with --harmony-struct': () => [process.execPath, '--harmony-struct', path('bench/outside/v8.ts')],
  'glibc pthreads': () => [compile()],
  'Python threading': () => ['python3', path('bench/outside/python.py')],
  multithreading: () => [process.execPath, path('bench/outside/multithreading.ts')],
};

const C_SOURCE = path('bench/outside/pthread.c');
const C_BINARY = path('build/pthread');

function compile(): string {
  if (isNewer(C_BINARY, C_SOURCE)) return C_BINARY;
  const { error, status, stderr } = spawnSync('cc', ['-O2', '-pthread', C_SOURCE, '-o', C_BINARY], {
    encoding: 'utf8',
  });
  if (error) throw error;
  if (status) throw new Error(firstLine(stderr));
  return C_BINARY;
}

export interface Outsider {
  name: string;
  program: keyof typeof PROGRAMS;
  task: string;
}

interface Outside {
  rivals: Rival[];
  notes: string[];
  close(): Promise<void>;
}

/** The rivals that this machine has, and notes: their versions, and why the others are left out. */
export async function outside(outsiders: Outsider[]): Promise<Outside> {
  const rivals: Rival[] = [];
  const notes: string[] = [];
  const programs: Program[] = [];
  for (const [key, how] of Object.entries(PROGRAMS)) {
    const group = outsiders.filter(({ program }) => program === key);
    if (!group.length) continue;
    try {
      const [command, ...args] = how();
      const program = await Program.start(command!, args);
      programs.push(program);
      notes.push(`${key}: ${program.version}`);
      const measure = (task: string) => (window: number) => program.ask(window, task);
      rivals.push(...group.map(({ name, task }) => ({ name, ours: false, measure: measure(task) })));
    } catch (error) {
      notes.push(`${key}: left out, ${(error as Error).message}`);
    }
  }
  return {
    rivals,
    notes,
    async close() {
      await Promise.all(programs.map((program) => program.close()));
    },
  };
}

/** How much longer than its window a task may take, and a program to start (ms): nothing comes near it unless it hangs. */
const PATIENCE = 10_000;

class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;
  #complaints = '';
  version = '';

  static async start(command: string, args: string[]): Promise<Program> {
    const program = new Program(spawn(command, args));
    await once(program.#child, 'spawn');
    const { version } = (await program.#read(PATIENCE)) as { version: string };
    program.version = version;
    return program;
  }

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    this.#closed = new Promise((resolve) => child.on('close', resolve));
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on('data', (text: Buffer) => {
      this.#complaints += text;
    });
    // Whoever reads nothing any more says nothing either: #read notices.
    child.stdin.on('error', () => {});
  }

  async ask(window: number, task: string): Promise<Sample> {
    this.#child.stdin.write(`${window} ${task}\n`);
    return (await this.#read(window + PATIENCE, task)) as Sample;
  }

  async #read(within: number, what = 'it'): Promise<unknown> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), within);
    const { done, value } = await this.#lines.next();
    clearTimeout(timer);
    if (!done) return JSON.parse(value);
    await this.#closed;
    const { signalCode, exitCode } = this.#child;
    throw new Error(firstLine(this.#complaints) || `${what} ended with ${signalCode ?? exitCode}`);
  }

  async close(): Promise<void> {
    this.#child.kill();
    await this.#closed;
  }
}

function firstLine(text: string): string {
  return text.trimStart().split('\n', 1)[0]!;
}
