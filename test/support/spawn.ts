/** Where Node's workers and a page's differ, for threads.ts. */
import type * as workerThreads from 'node:worker_threads';

/** What worker.mjs posts when a function is done. */
export interface Answer {
  id: number;
  value?: unknown;
  error?: { name: string; message: string };
}

export interface Thread {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** A worker that runs worker.mjs. `onEnd` may be called more than once. */
export function spawn(onAnswer: (answer: Answer) => void, onEnd: (error: unknown) => void): Thread {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads') as typeof workerThreads | undefined;
  if (node) {
    const worker = new node.Worker(new URL('./worker.mjs', import.meta.url));
    worker.on('message', onAnswer);
    worker.on('error', onEnd);
    worker.on('exit', () => onEnd(new Error('the thread ended')));
    return worker;
  }
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }) => onAnswer(data));
  worker.addEventListener('error', ({ message }) => onEnd(new Error(message ?? 'the thread could not be started')));
  return worker;
}
