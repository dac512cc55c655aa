/** Runs a program on the workers of a page. */
import { reap } from 'lockwork';
import type { Call } from '../part.ts';
import { type Hire, on } from '../play.ts';
import type { Answer } from './worker.ts';

const hire: Hire = (size, calls, take) => {
  const left = [...calls];
  const workers = Array.from({ length: size }, () => {
    return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  });
  const ends: (() => void)[] = [];
  const ended = workers.map((worker) => {
    return new Promise<void>((resolve, reject) => {
      ends.push(resolve);
      const next = (call: Call | undefined) => (call ? worker.postMessage(call) : resolve());
      worker.onmessage = ({ data }: MessageEvent<Answer>) => (data === 'ended' ? next(left.shift()) : take(data));
      worker.onerror = ({ message }) =>
        reject(new Error(message || 'a worker could not be loaded: was its script served without the headers?'));
      next(left.shift());
    });
  });
  return {
    ended: Promise.all(ended),
    stop: () => {
      for (const worker of workers) worker.terminate();
    },
    kill: (call) => {
      workers[call]!.terminate();
      ends[call]!();
      // Those that wait look by themselves, too. At once is too early: the thread is still there.
      setTimeout(() => reap(), 100);
    },
  };
};

export const run = on({ pool: hire, threads: hire });
