/**
 * Runs one test file with Vitest's own runner and `expect`, without Vitest's process around it: what Node 20, Bun, Deno
 * and a worker of a page can run. Imports nothing but `vitest`, which `bundle.ts` bundles together with the tests.
 *
 *   import { runFile } from './harness.js';
 *   await runFile('lock.test.ts', () => import('./lock.test.ts.js'), (line) => postMessage(line));
 *
 * Each line is a plain object. `start` names a test before its first statement runs, so that whoever listens knows which
 * one blocks the thread for ever; `done` is the last, and a file without it has failed. The listener must bound the
 * silence between two lines: a test's own timeout (in `start`) cannot end it while it blocks the thread.
 */
import type { RunnerTask, RunnerTestCase, RunnerTestFile, SerializedConfig } from 'vitest';
import { startTests } from 'vitest/internal/browser';

/** What Vitest's worker would know; the runner and `expect` ask it for their configuration. */
declare global {
  var __vitest_worker__: { config: SerializedConfig; ctx: object };
}

export type Line =
  | { event: 'start'; test: string; timeout: number }
  | { event: 'end'; test: string; state: 'passed' | 'failed'; errors: string[] }
  /** `errors` are those that belong to no test: of loading the file, of `beforeAll` and `afterAll`. */
  | { event: 'done'; notHere: string[]; skipped: string[]; errors: string[] };

/** Of this version of Vitest: the part of its configuration that runs tests. */
const config = {
  root: '/',
  name: '',
  setupFiles: [],
  sequence: { hooks: 'stack', setupFiles: 'list' },
  testTimeout: 30_000,
  hookTimeout: 30_000,
  maxConcurrency: 5,
  retry: 0,
  allowOnly: false,
  tags: [],
  strictTags: false,
  snapshotOptions: { expand: false },
  expect: {},
} as unknown as SerializedConfig;

/** Runs what `load` imports, but for the tests whose full names (`suite > test`) `notHere` contains. */
export async function runFile(
  file: string,
  load: () => Promise<unknown>,
  report: (line: Line) => void,
  notHere: readonly string[] = [],
): Promise<void> {
  globalThis.__vitest_worker__ = { config, ctx: {} };
  const tests = (task: RunnerTask): RunnerTestCase[] => (task.type === 'suite' ? task.tasks.flatMap(tests) : [task]);
  const left: string[] = [];
  const skipped: string[] = [];
  const [ran] = await startTests([`/${file}`], {
    config,
    importFile: load,
    onCollected(files: RunnerTestFile[]) {
      for (const test of files.flatMap(tests)) {
        if (notHere.includes(nameOf(test))) {
          left.push(nameOf(test));
          test.mode = 'skip';
        } else if (test.mode !== 'run' && test.mode !== 'queued') skipped.push(nameOf(test));
      }
    },
    onBeforeTryTask: (test) => report({ event: 'start', test: nameOf(test), timeout: test.timeout }),
    onAfterRunTask(test) {
      if (test.result?.state === 'pass' || test.result?.state === 'fail') {
        const state = test.result.state === 'pass' ? 'passed' : 'failed';
        report({ event: 'end', test: nameOf(test), state, errors: errorsOf(test) });
      }
    },
  });
  const suites = (task: RunnerTask): RunnerTask[] =>
    task.type === 'suite' ? [task, ...task.tasks.flatMap(suites)] : [];
  report({ event: 'done', notHere: left, skipped, errors: ran ? suites(ran).flatMap(errorsOf) : [] });
}

function nameOf(task: RunnerTask): string {
  const { suite, name } = task;
  return suite?.name ? `${nameOf(suite)} > ${name}` : name;
}

function errorsOf(task: RunnerTask): string[] {
  return (task.result?.errors ?? []).map(({ name, message, stack, diff }) => {
    const frames = stack?.split('\n').filter((frame) => /\.test\.ts|support/.test(frame) && !frame.includes(message));
    return [`${name}: ${message}`, ...(frames ?? []), ...(diff ? [diff] : [])].join('\n');
  });
}
