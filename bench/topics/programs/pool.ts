/** A pool of connections: a semaphore with a permit for each, and a lock over the list of them. */
import { copy, Incorrect } from '../../harness/rival.ts';
import { time } from '../../harness/work.ts';
import { parts, type Recipe, type Scene, type Shape, topic } from './recipe.ts';

const CONNECTIONS = 3;

/** Where words are: of each connection whether it is in use, and how often it was. */
const PLACES = { USED: 0, USES: 16 };

const RECIPE: Recipe<Shape> = {
  module: import.meta.url,
  shapes: [0, 1000, 10_000, 100_000].map((work) => ({ threads: 8, work })),
  isUsual: ({ work }) => work === 10_000,
  label: ({ work }) => `a query and a pause of ${time(work)} each`,
  plan: () => ({ locks: 1, semaphores: [CONNECTIONS] }),
  words: () => PLACES.USES + CONNECTIONS + 1,
  count(_, words, operations) {
    const uses = words.subarray(PLACES.USES, PLACES.USES + CONNECTIONS).reduce((a, b) => a + b);
    const turns = operations.reduce((a, b) => a + b);
    if (uses !== turns) throw new Incorrect(`${turns} queries, but ${uses} by a connection that was free`);
    return turns;
  },
  glibc: () => ['pool'],
};

export const pool = topic(RECIPE, {
  name: 'programs:pool',
  title: `${RECIPE.shapes[0]!.threads} threads, ${CONNECTIONS} connections: ns for each query`,
});

export const part = parts(RECIPE, (scene) => copy(query)(scene, PLACES));

/** Until the time is up. */
const query = ({ tools, words, stop, work }: Scene<Shape>, { USED, USES }: typeof PLACES) => {
  const lock = tools.locks[0]!;
  const free = tools.semaphores[0]!;
  return () => {
    let queries = 0;
    do {
      free.acquire();
      lock.acquire();
      let connection = 0;
      while (words[USED + connection]) connection++;
      words[USED + connection] = 1;
      lock.release();
      // One more thread that has this connection loses a use; one without a permit finds none, and uses the one beyond.
      const uses = words[USES + connection]!;
      work();
      words[USES + connection] = uses + 1;
      lock.acquire();
      words[USED + connection] = 0;
      lock.release();
      free.release();
      work();
      queries++;
    } while (!Atomics.load(stop, 0));
    return queries;
  };
};
