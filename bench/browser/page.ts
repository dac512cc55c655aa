/** Runs in the page, as Vitest's only test: it is what starts browsers. The rows go back with the test. */
import { inject, it } from 'vitest';
import type { Row, Settings } from '../harness/measure.ts';

declare module 'vitest' {
  interface ProvidedContext {
    settings: Settings;
  }
  interface TaskMeta {
    results?: Row[][];
    agent?: string;
  }
}

it('measures', async ({ task }) => {
  const worker = new Worker('/build/bench-worker.js', { type: 'module' });
  task.meta.results = await new Promise<Row[][]>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message ?? 'the worker could not be started'));
    worker.postMessage(inject('settings'));
  });
  task.meta.agent = navigator.userAgent;
});
