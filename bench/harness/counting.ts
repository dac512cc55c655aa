/** Two threads that count together, until the time is up. */
import { Incorrect, type Sample } from './rival.ts';
import { type Contender, type Report, Threads } from './threads.ts';
import type { Column, Session } from './topic.ts';

const SLOWER = 'slower one';
export const SHARE: Column = {
  name: SLOWER,
  note: 'its part of the work; 50 % is fair',
  show: (part) => `${(part * 100).toFixed(0)} %`,
};

/** Under each of the contenders, which get their handle and the counter. */
export function counting(module: string, contenders: Contender<unknown>[]): Session {
  const pair = new Threads(module, 2);
  return {
    rivals: contenders.map(({ name, ours, share }) => {
      const counter = new Int32Array(new SharedArrayBuffer(64), 0, 1);
      const shared = [share(), counter];
      return {
        name,
        ours,
        async measure(window) {
          counter[0] = 0;
          const reports = await pair.run({ name, shared }, window);
          return tally(name, reports, counter[0]!);
        },
      };
    }),
    close: () => pair.close(),
  };
}

/** What the threads' reports come to, if what they counted together is what each says it did. */
export function tally(name: string, reports: Report[], counted: number): Sample {
  const counts = reports.map(({ operations }) => operations);
  const sum = counts.reduce((a, b) => a + b);
  if (counted !== sum) {
    throw new Incorrect(`${name}: ${sum} increments, but the counter says ${counted}: it does not exclude`);
  }
  const milliseconds = Math.max(...reports.map(({ milliseconds }) => milliseconds));
  return { ns: (milliseconds * 1e6) / sum, more: { [SLOWER]: Math.min(...counts) / sum } };
}
