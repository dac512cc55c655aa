import type { Line } from './harness.ts';

/** What came of a test file on a runtime. */
export interface Result {
  tests: number;
  passed: number;
  /** One text each: the name of the test, and what went wrong. */
  failures: string[];
}

// A test of a page that ran a test file in a worker says so, and what came of it: `task.meta.ran = …`.
declare module 'vitest' {
  interface TaskMeta {
    ran?: Result & { file: string };
  }
}

/** How long loading a file, and the hooks between two tests, may take (ms). */
const BETWEEN = 60_000;

/** Adds up the lines of one file. */
export class Report {
  readonly #result: Result = { tests: 0, passed: 0, failures: [] };
  #running: string | undefined;
  #done = false;

  /** How long the next line may take (ms). A test that does not block its thread ends by itself before that. */
  patience = BETWEEN;

  add(line: Line): void {
    const result = this.#result;
    this.#running = line.event === 'start' ? line.test : undefined;
    this.patience = BETWEEN + (line.event === 'start' ? line.timeout : 0);
    if (line.event === 'end') {
      result.tests++;
      if (line.errors.length) result.failures.push(`${line.test}\n${line.errors.join('\n')}`);
      else result.passed++;
    } else if (line.event === 'done') {
      this.#done = true;
      result.tests += line.notHere.length + line.skipped.length;
      result.failures.push(...line.errors, ...line.skipped.map((test) => `${test}\nskipped without a reason`));
    }
  }

  /** The sum, now that no line is to come any more; `why` is told when the file is not done. */
  end(why: string): Result {
    const result = this.#result;
    if (this.#running !== undefined) result.tests++;
    if (!this.#done) result.failures.push(`${this.#running ?? 'between two tests'}\n${why}`);
    return result;
  }
}
