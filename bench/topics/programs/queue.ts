/** A bounded queue: one lock, and a condition each for those that find it full and those that find it empty. */
import { atMost } from '../../harness/claims.ts';
import { copy, Incorrect } from '../../harness/rival.ts';
import { type Control, type Part, Threads } from '../../harness/threads.ts';
import type { Topic } from '../../harness/topic.ts';
import { calibrate, time, worker } from '../../harness/work.ts';
import { BY_HAND, KITS, type Plan, type Tools } from '../../rivals/kits.ts';
import { FUTEX } from '../../rivals/wasm.ts';
import { CPU, CPU_COLUMN, toll } from './toll.ts';

interface Shape {
  producers: number;
  consumers: number;
  capacity: number;
  /** What a consumer does for each item (ns). */
  work: number;
}

const SHAPES: Shape[] = [
  [1, 1],
  [2, 2],
  [1, 4],
  [4, 1],
].flatMap(([producers, consumers]) =>
  [1, 64, 1024].flatMap((capacity) =>
    [0, 1000, 10_000].map((work) => ({ producers: producers!, consumers: consumers!, capacity, work })),
  ),
);

/** Without `--all`: what a program is likely to have. */
const isUsual = ({ capacity, work }: Shape): boolean => (capacity === 64 ? work !== 1000 : work === 0);

const PLAN: Plan = { locks: 1, conditions: 2 };

/** What the threads share beside it: words, then as many items as there is room for. */
const HEAD = 0;
const TAIL = 1;
const COUNT = 2;
/** Producers that have not ended. */
const OPEN = 3;
const TAKEN = 4;
const ITEMS = 16;

type Shared = [tools: unknown, words: Int32Array, shape: Shape, steps: number];

export const queue: Topic = {
  name: 'programs:queue',
  title: 'A bounded queue, a Lock and two Conditions: ns for each item',
  baseline: BY_HAND,
  columns: [CPU_COLUMN],
  claims: [BY_HAND, FUTEX].flatMap((theirs) => [
    atMost(1, { ours: 'lockwork', theirs, text: `An item takes at most as long as with the ${theirs}` }),
    atMost(1, {
      ours: 'lockwork',
      theirs,
      text: `… and at most the CPU time`,
      figure: ({ more }) => more[CPU]!,
    }),
  ]),
  part: 1 / 4,
  open(all) {
    const shapes = SHAPES.filter((shape) => all || isUsual(shape));
    const threads = new Threads(import.meta.url, 5);
    return {
      rivals: shapes.flatMap((shape) =>
        KITS.map((kit) => {
          const words = new Int32Array(new SharedArrayBuffer(4 * (ITEMS + shape.capacity)));
          const group = label(shape);
          const tools = kit.share(PLAN);
          return {
            name: kit.name,
            group,
            ours: kit.ours,
            async measure(window) {
              const shared: Shared = [tools, words, shape, Math.round(shape.work * calibrate())];
              words.fill(0);
              words[OPEN] = shape.producers;
              const reports = await threads.run(
                { name: kit.name, variant: group, shared },
                window,
                shape.producers + shape.consumers,
              );
              const put = reports.slice(0, shape.producers).reduce((sum, { operations }) => sum + operations, 0);
              if (words[TAKEN] !== put) throw new Incorrect(`${group}: ${put} items went in, ${words[TAKEN]} came out`);
              return toll(reports, put);
            },
          };
        }),
      ),
      close: () => threads.close(),
    };
  },
};

function label({ producers, consumers, capacity, work }: Shape): string {
  return `${producers} + ${consumers}, capacity ${capacity}, ${time(work)}`;
}

/** The first threads put items into the queue until the time is up, the others take them out. */
export const part: Part = (name, shared, side, { stop }: Control) => {
  const [handles, words, shape, steps] = shared as Shared;
  const tools = KITS.find((kit) => kit.name === name)!.use(handles, PLAN);
  const work = worker();
  const places = { HEAD, TAIL, COUNT, OPEN, TAKEN, ITEMS };
  return copy(side < shape.producers ? produce : consume)(tools, words, shape.capacity, places, stop, work, steps);
};

type Places = Record<'HEAD' | 'TAIL' | 'COUNT' | 'OPEN' | 'TAKEN' | 'ITEMS', number>;

const produce = (
  { locks: [lock], conditions: [notFull, notEmpty] }: Tools,
  words: Int32Array,
  capacity: number,
  { TAIL, COUNT, OPEN, ITEMS }: Places,
  stop: Int32Array,
) => {
  const put = (item: number): void => {
    lock!.acquire();
    while (words[COUNT] === capacity) notFull!.wait();
    words[ITEMS + words[TAIL]!] = item;
    words[TAIL] = (words[TAIL]! + 1) % capacity;
    words[COUNT]!++;
    notEmpty!.notify();
    lock!.release();
  };
  return () => {
    let items = 0;
    do put(++items);
    while (!Atomics.load(stop, 0));
    lock!.acquire();
    words[OPEN]!--;
    // A consumer that finds this tells the next one.
    notEmpty!.notify();
    lock!.release();
    return items;
  };
};

const consume = (
  { locks: [lock], conditions: [notFull, notEmpty] }: Tools,
  words: Int32Array,
  capacity: number,
  { HEAD, COUNT, OPEN, TAKEN, ITEMS }: Places,
  _stop: Int32Array,
  work: (steps: number) => void,
  steps: number,
) => {
  /** 0: there will be no more. */
  const get = (): number => {
    lock!.acquire();
    while (words[COUNT] === 0 && words[OPEN] !== 0) notEmpty!.wait();
    let item = 0;
    if (words[COUNT] === 0) notEmpty!.notify();
    else {
      item = words[ITEMS + words[HEAD]!]!;
      words[HEAD] = (words[HEAD]! + 1) % capacity;
      words[COUNT]!--;
      words[TAKEN]!++;
      notFull!.notify();
    }
    lock!.release();
    return item;
  };
  return () => {
    let items = 0;
    while (get()) {
      work(steps);
      items++;
    }
    return items;
  };
};
