/** A cache: entries under 64 locks, each for those whose number comes to the same; most operations read. */
import { copy, Incorrect } from '../../harness/rival.ts';
import { time } from '../../harness/work.ts';
import { parts, type Recipe, type Scene, type Shape, topic } from './recipe.ts';

interface CacheShape extends Shape {
  /** One in so many operations. */
  writes: number;
}

const LOCKS = 64;
const ENTRIES = 4096;
/** Of an entry; the first has its version, the second must have the same. */
const WORDS = 2;
/** How many entries were found torn, behind all of them. */
const TORN = ENTRIES * WORDS;

const RECIPE: Recipe<CacheShape> = {
  module: import.meta.url,
  shapes: [2, 8].flatMap((threads) =>
    [2, 10].flatMap((writes) => [0, 1000].map((work) => ({ threads, writes, work }))),
  ),
  isUsual: ({ writes, work }) => writes === 10 && work === 0,
  label: ({ threads, writes, work }) => `${threads} threads, 1 of ${writes} writes, ${time(work)}`,
  plan: () => ({ locks: LOCKS }),
  words: () => TORN + 1,
  count({ writes }, words, operations) {
    const written = operations.reduce((sum, count) => sum + Math.ceil(count / writes), 0);
    const versions = words.subarray(0, TORN).reduce((a, b) => a + b) / WORDS;
    if (words[TORN] || versions !== written)
      throw new Incorrect(`${written} writes, ${versions} found; ${words[TORN]} entries torn`);
    return operations.reduce((a, b) => a + b);
  },
  glibc: ({ writes }) => ['cache', writes],
};

export const cache = topic(RECIPE, {
  name: 'programs:cache',
  title: `A cache under ${LOCKS} Locks: ns for each operation of any thread`,
});

export const part = parts(RECIPE, (scene) => copy(use)(scene, { LOCKS, ENTRIES, WORDS, TORN }));

/** Until the time is up: entries in no order. */
const use = (
  { tools: { locks }, words, shape: { writes }, side, stop, work }: Scene<CacheShape>,
  { LOCKS, ENTRIES, WORDS, TORN }: Record<'LOCKS' | 'ENTRIES' | 'WORDS' | 'TORN', number>,
) => {
  let random = side + 1;
  return () => {
    let operations = 0;
    do {
      random = (Math.imul(random, 1664525) + 1013904223) | 0;
      const entry = (random >>> 8) % ENTRIES;
      const at = entry * WORDS;
      const lock = locks[entry % LOCKS]!;
      lock.acquire();
      if (operations++ % writes === 0) {
        const version = words[at]!;
        words[at] = version + 1;
        work();
        words[at + 1] = version + 1;
      } else {
        const version = words[at];
        work();
        if (words[at + 1] !== version) Atomics.add(words, TORN, 1);
      }
      lock.release();
    } while (!Atomics.load(stop, 0));
    return operations;
  };
};
