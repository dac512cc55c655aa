/**
 * Runs one test file with Vitest's own runner and `expect`, without Vitest's process around it: what Node 20, Bun, Deno
 * and a worker of a page can run. Imports nothing but `vitest`, which `bundle.ts` bundles together with the tests.
 *
 *   import { runFile } from './harness.js';
 *   await runFile('unit/lock.test.ts', () => import('./unit/lock.test.ts.js'), (line) => postMessage(line));
 *
 * Each line is a plain object. `start` names a test before its first statement runs, so that a listener knows which
 * one blocks the thread for ever; `done` is the last, and a file without it has failed. The listener bounds the silence
 * between two lines, since no timeout ends a test that blocks the thread; `Report` in report.ts knows how long it may
 * be, and adds the lines up. A test of a page that ran a file says what came of it in `task.meta.ran`, see there.
 */
import type { RunnerTask, RunnerTestCase, RunnerTestFile, SerializedConfig } from 'vitest';
import { startTests } from 'vitest/internal/browser';

/** What Vitest's worker would know; the runner and `expect` ask it for their configuration. */
declare global {
  var __vitest_worker__: { config: SerializedConfig; ctx: object };
}

export type Line =
  | { event: 'start'; test: string; timeout: number }
  /** Passed when there are no errors. */
  | { event: 'end'; test: string; errors: string[] }
  /** `errors` are those of no test: of loading the file, of `beforeAll` and `afterAll`, of `notHere` itself. */
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

/** Runs what `load` imports, but for tests whose full names (`suite > test`) contain one of `notHere`. */
export async function runFile(
  file: string,
  load: () => Promise<unknown>,
  report: (line: Line) => void,
  notHere: readonly string[] = [],
): Promise<void> {
  globalThis.__vitest_worker__ = { config, ctx: {} };
  const left: string[] = [];
  const skipped: string[] = [];
  const files = await startTests([`/${file}`], {
    config,
    importFile: load,
    onCollected(files: RunnerTestFile[]) {
      for (const test of files.flatMap(testsOf)) {
        const name = nameOf(test);
        if (notHere.some((part) => name.includes(part))) {
          left.push(name);
          test.mode = 'skip';
        } else if (test.mode !== 'run' && test.mode !== 'queued') skipped.push(name);
      }
    },
    onBeforeTryTask: (test) => report({ event: 'start', test: nameOf(test), timeout: test.timeout }),
    onAfterRunTask(test) {
      if (test.mode !== 'skip') report({ event: 'end', test: nameOf(test), errors: errorsOf(test) });
    },
  });
  const errors = files.flatMap(suitesOf).flatMap(errorsOf);
  for (const part of notHere) {
    if (!left.some((name) => name.includes(part))) errors.push(`there is no test called '… ${part} …' to leave out`);
  }
  report({ event: 'done', notHere: left, skipped, errors });
}

function testsOf(task: RunnerTask): RunnerTestCase[] {
  return task.type === 'suite' ? task.tasks.flatMap(testsOf) : [task];
}

function suitesOf(task: RunnerTask): RunnerTask[] {
  return task.type === 'suite' ? [task, ...task.tasks.flatMap(suitesOf)] : [];
}

function nameOf({ name, suite }: RunnerTask): string {
  return suite?.name ? `${nameOf(suite)} > ${name}` : name;
}

function errorsOf(task: RunnerTask): string[] {
  return (task.result?.errors ?? []).map(({ name, message, stack = '', diff = '' }) => {
    const frames = stack
      .split('\n')
      .filter((frame) => /\.test\.ts|test.support/.test(frame) && !message.includes(frame));
    return [`${name}: ${message}`, ...frames, diff].filter(Boolean).join('\n');
  });
}
