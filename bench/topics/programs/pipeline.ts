/** A pipeline: each of four stages works on an item and passes it to the next; two Events say whether it may. */
import { copy, Incorrect } from '../../harness/rival.ts';
import { time } from '../../harness/work.ts';
import { THEIRS } from '../../rivals/kits.ts';
import { parts, type Recipe, type Scene, type Shape, topic } from './recipe.ts';

const STAGES = 4;

/** Where words are: how many items came in another order, and the slot before each stage, a line for each. */
const PLACES = { WRONG: 0, LINE: 16 };

const RECIPE: Recipe<Shape> = {
  module: import.meta.url,
  shapes: [0, 1000, 10_000].map((work) => ({ threads: STAGES, work })),
  isUsual: ({ work }) => work !== 1000,
  label: ({ work }) => `${time(work)} in each stage`,
  // An event for each slot that is full, and one for each that is empty again.
  plan: () => ({ events: 2 * STAGES }),
  words: () => STAGES * PLACES.LINE,
  count(_, words, operations) {
    const [items] = operations;
    if (words[PLACES.WRONG] || operations.some((count) => count !== items))
      throw new Incorrect(`${operations} items, ${words[PLACES.WRONG]} of them not the next`);
    return items!;
  },
  glibc: () => ['pipeline'],
  without: { [THEIRS]: 'it has no Event' },
};

export const pipeline = topic(RECIPE, {
  name: 'programs:pipeline',
  title: `A pipeline of ${STAGES} stages, by Events: ns for each item`,
});

export const part = parts(RECIPE, (scene) => copy(stage)(scene, PLACES));

/** Until the time is up: the first stage has then an item 0, which ends the others. */
const stage = (
  { tools: { events }, words, shape: { threads }, side, stop, work }: Scene<Shape>,
  { WRONG, LINE }: typeof PLACES,
) => {
  const [full, empty] = [events[2 * side]!, events[2 * side + 1]!];
  const next = side + 1;
  const isLast = next === threads;
  const [nextFull, nextEmpty] = isLast ? [] : [events[2 * next]!, events[2 * next + 1]!];
  const get = (): number => {
    full.wait();
    full.clear();
    const item = words[side * LINE]!;
    empty.set();
    return item;
  };
  const taken = (): void => {
    nextEmpty!.wait();
    nextEmpty!.clear();
  };
  /** Once the item before has been taken. */
  const pass = (item: number, isFirst: boolean): void => {
    if (!isFirst) taken();
    words[next * LINE] = item;
    nextFull!.set();
  };
  return () => {
    let items = 0;
    while (true) {
      const item = side ? get() : Atomics.load(stop, 0) && items ? 0 : items + 1;
      if (item) work();
      if (!isLast) pass(item, items === 0);
      else if (item && item !== items + 1) words[WRONG]!++;
      if (!item) break;
      items++;
    }
    // The slot is as it was at first.
    if (!isLast) taken();
    return items;
  };
};
