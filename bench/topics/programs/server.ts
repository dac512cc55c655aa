/** A work queue: requests that a server's one thread puts into it, and awaits when it is full; workers block. */
import { copy } from '../../harness/rival.ts';
import { time } from '../../harness/work.ts';
import { FUTEX } from '../../rivals/wasm.ts';
import { came, consume, PLACES, PLAN, type Places, type QueueShape } from './queue.ts';
import { parts, type Recipe, type Scene, topic } from './recipe.ts';

/** How many requests the server has at once. */
const REQUESTS = 16;
const CAPACITY = 64;

const RECIPE: Recipe<QueueShape> = {
  module: import.meta.url,
  shapes: [2, 5].flatMap((threads) => [0, 10_000].map((work) => ({ threads, producers: 1, capacity: CAPACITY, work }))),
  isUsual: ({ threads, work }) => (threads === 2) === (work === 0),
  label: ({ threads, work }) => `${threads - 1} ${threads === 2 ? 'worker' : 'workers'}, ${time(work)}`,
  plan: () => PLAN,
  words: () => PLACES.ITEMS + CAPACITY,
  count: (_, words, [put, ...got]) => came(words, [put!], got),
  without: { [FUTEX]: 'WebAssembly cannot await' },
};

export const server = topic(RECIPE, {
  name: 'programs:server',
  title: 'A work queue whose producer awaits: ns for each item',
});

export const part = parts(RECIPE, (scene) =>
  scene.side ? copy(consume)(scene, PLACES) : copy(serve)(scene, PLACES, REQUESTS),
);

/** Until the time is up. */
const serve = (
  { tools, words, shape: { capacity }, stop }: Scene<QueueShape>,
  { TAIL, COUNT, ENDED, ITEMS }: Places,
  requests: number,
) => {
  const lock = tools.locks[0]!;
  const [notFull, notEmpty] = tools.conditions;
  let items = 0;
  const request = async (): Promise<void> => {
    do {
      await lock.acquireAsync!();
      while (words[COUNT] === capacity) await notFull!.waitAsync!();
      words[ITEMS + words[TAIL]!] = ++items;
      words[TAIL] = (words[TAIL]! + 1) % capacity;
      words[COUNT]!++;
      notEmpty!.notify();
      lock.release();
    } while (!Atomics.load(stop, 0));
  };
  return async () => {
    items = 0;
    await Promise.all(Array.from({ length: requests }, request));
    await lock.acquireAsync!();
    words[ENDED]!++;
    notEmpty!.notify();
    lock.release();
    return items;
  };
};
