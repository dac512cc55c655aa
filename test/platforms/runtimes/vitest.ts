/** Where Vitest runs: its projects, and what its reporter writes, as results of files. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { JsonTestResults } from 'vitest/node';
import { root } from './bundle.ts';
import type { Result } from './report.ts';
import { notHere, VITEST } from './runtimes.ts';

/** For all files of a project (ms). */
const BOUND = 15 * 60_000;

/** Runs the project of a runtime, or some files of it; answers by file, relative to test/. */
export async function runProject(runtime: keyof typeof VITEST, files: readonly string[]): Promise<Map<string, Result>> {
  const folder = mkdtempSync(join(tmpdir(), 'lockwork-'));
  const output = join(folder, 'results.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = ['run', '--project', VITEST[runtime], '--reporter', 'json', '--outputFile', output, ...files];
  try {
    const printed = await new Promise<string>((resolve) => {
      const options = { cwd: root, timeout: BOUND, maxBuffer: 2 ** 26 };
      execFile(process.execPath, [vitest, ...args], options, (error, out, err) =>
        resolve(`${error ?? ''} ${error?.signal ?? ''}\n${out}${err}`),
      );
    });
    return read(runtime, output, printed);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function read(runtime: keyof typeof VITEST, output: string, printed: string): Map<string, Result> {
  let report: JsonTestResults;
  try {
    report = JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    throw new Error(`Vitest wrote no results: ${printed.slice(-4_000)}`);
  }
  const results = new Map<string, Result>();
  for (const { name, status, message, assertionResults } of report.testResults) {
    const result: Result = { tests: 0, passed: 0, failures: [] };
    const file = relative(join(root, 'test'), name);
    const mayBeSkipped = ({ fullName }: { fullName: string }) =>
      notHere(runtime, file).tests.some((test) => fullName.includes(test));
    for (const test of assertionResults) {
      const { ran } = test.meta;
      if (ran) {
        results.set(ran.file, ran);
        continue;
      }
      result.tests++;
      if (test.status === 'passed') result.passed++;
      else if (test.status !== 'skipped' || !mayBeSkipped(test))
        result.failures.push(`${test.fullName}\n${test.failureMessages?.join('\n') || test.status}`);
    }
    if (status === 'failed' && assertionResults.every((test) => test.status === 'passed')) {
      result.failures.push(message || printed.slice(-4_000));
    }
    if (result.tests || result.failures.length) results.set(file, result);
  }
  if (!report.success && ![...results.values()].some(({ failures }) => failures.length)) {
    throw new Error(`Vitest failed, but no test: ${printed.slice(-4_000)}`);
  }
  return results;
}
