/** How long a thread waits for a lock that another takes again as soon as it is free. */
import { within } from '../harness/claims.ts';
import { Threads } from '../harness/threads.ts';
import type { Topic } from '../harness/topic.ts';
import { FUTEX } from '../rivals/wasm.ts';
import { MUTEXES } from './contended.ts';
import { competition } from './mix.ts';

export { part } from './mix.ts';

/** How long both hold the lock, and how long the victim thinks (ns). */
const HOLD = 10_000;
const THINK = 100_000;

const SHARE = 'its share';

export const hog: Topic = {
  name: 'hog',
  title: 'A thread beside one that lets the lock go for no time: the longest wait of each round in ns',
  baseline: FUTEX,
  columns: [
    {
      name: SHARE,
      note: 'of all turns; 10 % if it got each of its turns next',
      show: (part) => `${(part * 100).toFixed(1)} %`,
    },
  ],
  claims: [within(5, 'Lock', 'The longest that Lock lets a victim wait')],
  open() {
    const threads = new Threads(import.meta.url, 2);
    return {
      rivals: MUTEXES.map((mutex) => {
        const compete = competition(threads, mutex, HOLD, [0, THINK]);
        return {
          name: mutex.name,
          ours: mutex.ours,
          async measure(window) {
            const { turns, waits } = await compete(window, true);
            const [hogs, victims] = turns as [number, number];
            return { ns: waits[1]!, more: { [SHARE]: victims / (hogs + victims) } };
          },
        };
      }),
      close: () => threads.close(),
    };
  },
};
