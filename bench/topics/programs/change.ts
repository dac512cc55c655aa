/** A queue that becomes a ping-pong, and back: whether what waiters learn in the one costs them in the other. */
import type { Claim } from '../../harness/claims.ts';
import { CPU } from '../../harness/cost.ts';
import type { Row } from '../../harness/measure.ts';
import { copy, Incorrect } from '../../harness/rival.ts';
import { claims, parts, type Recipe, type Scene, type Shape, topic } from './recipe.ts';

interface ChangeShape extends Shape {
  /** What is measured, and what the threads begin with: 0 items that nobody waits for, 1 questions. */
  phase: number;
  /** ms until the other phase; no number where there is none. */
  period?: number;
}

const PERIOD = 10;
const CAPACITY = 64;
const PHASES = ['items', 'questions'];
/** By how much a change may slow down either phase. */
const BOUND = 1.2;

/**
 * Where words are. Of both phases: how many operations there were, and for how long (µs); and for how long each thread
 * computed (µs). Items follow.
 */
const PLACES = { HEAD: 0, COUNT: 1, ANSWER: 2, WRONG: 3, DONE: 16, WALL: 18, COMPUTED: 20, ITEMS: 32 };

const RECIPE: Recipe<ChangeShape> = {
  module: import.meta.url,
  shapes: [0, 1].flatMap((phase) =>
    [{}, { period: PERIOD }].map((period) => ({ threads: 2, work: 0, phase, ...period })),
  ),
  isUsual: () => true,
  label,
  plan: () => ({ locks: 1, conditions: 2 }),
  words: () => PLACES.ITEMS + CAPACITY,
  count({ phase }, words, [put, got]) {
    if (put !== got || words[PLACES.WRONG])
      throw new Incorrect(`${put} items went in, ${got} came out; ${words[PLACES.WRONG]} of them not the next`);
    return words[PLACES.DONE + phase]!;
  },
  spent({ phase }, words) {
    const computed = [0, 1].map((side) => words[PLACES.COMPUTED + 2 * side + phase]!);
    return { milliseconds: words[PLACES.WALL + phase]! / 1e3, cpu: 1e3 * computed.reduce((a, b) => a + b) };
  },
};

function label({ phase, period }: Pick<ChangeShape, 'phase' | 'period'>): string {
  return period ? `${PHASES[phase]}, for ${period} of ${2 * period} ms` : `${PHASES[phase]!}, always`;
}

export const change = topic(RECIPE, {
  name: 'programs:change',
  title: `A queue that becomes a ping-pong every ${PERIOD} ms: ns for each item, each question and answer`,
  claims: [...claims(1.05), ...PHASES.flatMap((_, phase) => steady(phase))],
});

/** Of one phase, whose waiters do as well as if there were no other. */
function steady(phase: number): Claim[] {
  const ours = (rows: Row[], period?: number) =>
    rows.find(({ ours, group }) => ours && group === label({ phase, ...(period && { period }) }))!;
  const claim = (text: string, figure: (row: Row) => number): Claim => ({
    text,
    ratio: (rows) => ({ ratio: figure(ours(rows, PERIOD)) / figure(ours(rows)) }),
    holds: (ratio) => ratio <= BOUND,
  });
  return [
    claim(`${PHASES[phase]} take at most ${BOUND} times as long as without a change`, ({ median }) => median),
    claim('… and as much CPU time', ({ more }) => more[CPU]!),
  ];
}

export const part = parts(RECIPE, (scene) => copy(scene.side ? answer : ask)(scene, CAPACITY, PLACES));

/** Until the time is up. An item is above 0, a question below, and 0 is the end. */
const ask = (
  { tools, words, shape: { phase: first, period = Number.POSITIVE_INFINITY }, stop }: Scene<ChangeShape>,
  capacity: number,
  { COUNT, ANSWER, DONE, WALL, COMPUTED, ITEMS }: typeof PLACES,
) => {
  const lock = tools.locks[0]!;
  const [notFull, notEmpty] = tools.conditions;
  let tail = 0;
  const put = (item: number): void => {
    lock.acquire();
    while (words[COUNT] === capacity) notFull!.wait();
    words[ITEMS + tail] = item;
    tail = (tail + 1) % capacity;
    words[COUNT]!++;
    notEmpty!.notify();
    while (item < 0 && words[ANSWER] !== item) notFull!.wait();
    lock.release();
  };
  return () => {
    let phase = first;
    let items = 0;
    let goesOn = true;
    tail = 0;
    while (goesOn) {
      const before = process.threadCpuUsage();
      const start = performance.now();
      let now = start;
      let done = 0;
      do {
        if (phase) put(-(items + ++done));
        else for (const next = done + 16; done < next; ) put(items + ++done);
        goesOn = !Atomics.load(stop, 0);
        now = performance.now();
      } while (goesOn && now < start + period);
      const { user, system } = process.threadCpuUsage(before);
      items += done;
      words[DONE + phase]! += done;
      words[WALL + phase]! += Math.round((now - start) * 1e3);
      words[COMPUTED + phase]! += user + system;
      phase = 1 - phase;
    }
    put(0);
    return items;
  };
};

const answer = (
  { tools, words, shape: { phase: first } }: Scene<ChangeShape>,
  capacity: number,
  { HEAD, COUNT, ANSWER, WRONG, COMPUTED, ITEMS }: typeof PLACES,
) => {
  const lock = tools.locks[0]!;
  const [notFull, notEmpty] = tools.conditions;
  const get = (): number => {
    lock.acquire();
    while (words[COUNT] === 0) notEmpty!.wait();
    const item = words[ITEMS + words[HEAD]!]!;
    words[HEAD] = (words[HEAD]! + 1) % capacity;
    words[COUNT]!--;
    if (item < 0) words[ANSWER] = item;
    notFull!.notify();
    lock.release();
    return item;
  };
  return () => {
    let phase = first;
    let items = 0;
    let before = process.threadCpuUsage();
    for (let item = get(); item; item = get()) {
      if (Math.abs(item) !== ++items) words[WRONG]!++;
      if (item < 0 === !phase) {
        account();
        phase = 1 - phase;
      }
    }
    account();
    return items;

    function account(): void {
      const { user, system } = process.threadCpuUsage(before);
      words[COMPUTED + 2 + phase]! += user + system;
      before = process.threadCpuUsage();
    }
  };
};
