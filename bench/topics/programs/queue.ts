/** A bounded queue: one lock, and a condition each for those that find it full and those that find it empty. */
import { copy, Incorrect } from '../../harness/rival.ts';
import { time } from '../../harness/work.ts';
import { BY_HAND, type Plan } from '../../rivals/kits.ts';
import { FUTEX } from '../../rivals/wasm.ts';
import { claims, parts, type Recipe, type Scene, type Shape, topic } from './recipe.ts';

export interface QueueShape extends Shape {
  /** The first threads; the others are consumers, and do what is to be done for each item. */
  producers: number;
  capacity: number;
}

export const PLAN: Plan = { locks: 1, conditions: 2 };

/** Where words are; `ENDED` counts producers, and items follow. */
export const PLACES = { HEAD: 0, TAIL: 1, COUNT: 2, ENDED: 3, SUM: 4, ITEMS: 16 };
export type Places = typeof PLACES;

const SHAPES: QueueShape[] = [
  [1, 1],
  [2, 2],
  [1, 4],
  [4, 1],
].flatMap(([producers, consumers]) =>
  [1, 64, 1024].flatMap((capacity) =>
    [0, 1000, 10_000].map((work) => ({ threads: producers! + consumers!, producers: producers!, capacity, work })),
  ),
);

const RECIPE: Recipe<QueueShape> = {
  module: import.meta.url,
  shapes: SHAPES,
  // As many consumers as producers: without work, and once with it.
  isUsual: ({ threads, producers, capacity, work }) =>
    threads === 2 * producers && (work === 0 ? capacity < 1024 : work === 10_000 && capacity === 64 && threads === 2),
  label: ({ threads, producers, capacity, work }) =>
    `${producers} + ${threads - producers}, capacity ${capacity}, ${time(work)}`,
  plan: () => PLAN,
  words: ({ capacity }) => PLACES.ITEMS + capacity,
  count: ({ producers }, words, operations) => came(words, operations.slice(0, producers), operations.slice(producers)),
  glibc: ({ producers, capacity }) => ['queue', producers, capacity],
};

/** All items that were put into the queue have come out of it: every producer counts its own, from 1. */
export function came(words: Int32Array, puts: number[], gets: number[]): number {
  const put = puts.reduce((a, b) => a + b);
  const got = gets.reduce((a, b) => a + b);
  const sum = puts.reduce((sum, items) => sum + (items * (items + 1)) / 2, 0) | 0;
  if (got !== put || words[PLACES.SUM] !== sum) throw new Incorrect(`not the ${put} items that went in came out`);
  return put;
}

export const queue = topic(RECIPE, {
  name: 'programs:queue',
  title: 'A bounded queue, a Lock and two Conditions: ns for each item',
  claims: [BY_HAND, FUTEX].flatMap((theirs) => claims(1, theirs)),
});

export const part = parts(RECIPE, (scene) =>
  copy(scene.side < scene.shape.producers ? produce : consume)(scene, PLACES),
);

/** Until the time is up. */
const produce = (
  { tools, words, shape: { capacity }, stop }: Scene<QueueShape>,
  { TAIL, COUNT, ENDED, ITEMS }: Places,
) => {
  const lock = tools.locks[0]!;
  const [notFull, notEmpty] = tools.conditions;
  const put = (item: number): void => {
    lock.acquire();
    while (words[COUNT] === capacity) notFull!.wait();
    words[ITEMS + words[TAIL]!] = item;
    words[TAIL] = (words[TAIL]! + 1) % capacity;
    words[COUNT]!++;
    notEmpty!.notify();
    lock.release();
  };
  return () => {
    let items = 0;
    do put(++items);
    while (!Atomics.load(stop, 0));
    lock.acquire();
    words[ENDED]!++;
    // A consumer that finds this tells the next one.
    notEmpty!.notify();
    lock.release();
    return items;
  };
};

/** Until all producers have ended and nothing is left. */
export const consume = (
  { tools, words, shape: { capacity, producers }, work }: Scene<QueueShape>,
  { HEAD, COUNT, ENDED, SUM, ITEMS }: Places,
) => {
  const lock = tools.locks[0]!;
  const [notFull, notEmpty] = tools.conditions;
  /** 0: there will be no more. */
  const get = (): number => {
    lock.acquire();
    while (words[COUNT] === 0 && words[ENDED] !== producers) notEmpty!.wait();
    let item = 0;
    if (words[COUNT] === 0) notEmpty!.notify();
    else {
      item = words[ITEMS + words[HEAD]!]!;
      words[HEAD] = (words[HEAD]! + 1) % capacity;
      words[COUNT]!--;
      words[SUM]! += item;
      notFull!.notify();
    }
    lock.release();
    return item;
  };
  return () => {
    let items = 0;
    while (get()) {
      work();
      items++;
    }
    return items;
  };
};
