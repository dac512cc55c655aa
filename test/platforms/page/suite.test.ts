/**
 * The other folders' tests, which block their own thread, in a dedicated worker of a page. One test here is a file there;
 * what failed in it stands in the message, by name.
 */
import { expect, inject, it } from 'vitest';
import type { File } from '../browsers/suite.ts';
import type { Line } from '../runtimes/harness.ts';
import { Report, type Result } from '../runtimes/report.ts';

/**
 * For so long (ms) a file's worker lives on: Chromium leaks a worker, with all memories that it knows, whose parent is terminated
 * within a second of its start.
 */
const AFTERLIFE = 5_000;

function run(file: File): Promise<Result> {
  const worker = new Worker('/build/suite/runner.js', { type: 'module' });
  const report = new Report();
  return new Promise<Result>((resolve) => {
    const end = (why: string) => {
      clearTimeout(timer);
      setTimeout(() => worker.terminate(), AFTERLIFE);
      resolve(report.end(why));
    };
    const wait = () => setTimeout(() => end(`nothing happened for ${report.patience} ms`), report.patience);
    let timer = wait();
    worker.addEventListener('error', ({ message }) => end(message ?? 'the worker could not be started'));
    worker.addEventListener('message', ({ data }: MessageEvent<Line>) => {
      clearTimeout(timer);
      report.add(data);
      if (data.event === 'done') end('');
      else timer = wait();
    });
    worker.postMessage(file);
  });
}

for (const file of inject('suite')) {
  it(file.file, { timeout: 600_000 }, async ({ task }) => {
    const result = await run(file);
    task.meta.ran = { file: file.file, ...result };
    if (result.failures.length) throw new Error(result.failures.join('\n\n'));
    expect(result.passed).toBeGreaterThan(0);
  });
}
