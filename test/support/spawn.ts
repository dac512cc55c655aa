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
  return new PageThread(onAnswer, onEnd);
}

/** How long a browser may take to load a worker (ms). */
const LOADING = 5_000;

/** A worker of a page. Chromium now and then never loads one, so that none of its code runs: then another is started. */
class PageThread implements Thread {
  readonly #onAnswer: (answer: Answer) => void;
  readonly #onEnd: (error: unknown) => void;
  /** What a worker that has not said that it is loaded was sent, for the next. */
  #sent: unknown[] | undefined = [];
  #timer!: ReturnType<typeof setTimeout>;
  #worker!: Worker;

  constructor(onAnswer: (answer: Answer) => void, onEnd: (error: unknown) => void) {
    this.#onAnswer = onAnswer;
    this.#onEnd = onEnd;
    this.#start();
  }

  #start(): void {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' });
    this.#worker = worker;
    worker.addEventListener('message', ({ data }) => {
      if (data !== 'loaded') return this.#onAnswer(data);
      clearTimeout(this.#timer);
      this.#sent = undefined;
    });
    worker.addEventListener('error', ({ message }) => {
      clearTimeout(this.#timer);
      this.#onEnd(new Error(message ?? 'the thread could not be started'));
    });
    // A turn later, since what it said may stand behind the timer where this thread was blocked.
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#again(), 0);
    }, LOADING);
    for (const message of this.#sent!) worker.postMessage(message);
  }

  #again(): void {
    console.warn(`a worker was not loaded within ${LOADING} ms, and is started again`);
    this.#worker.terminate();
    this.#start();
  }

  postMessage(message: unknown): void {
    this.#sent?.push(message);
    this.#worker.postMessage(message);
  }

  terminate(): void {
    clearTimeout(this.#timer);
    this.#worker.terminate();
  }
}
