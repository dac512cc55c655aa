/** Rounds of a stencil: each thread computes its cell of the next round from three of this one, and waits for all. */
import { copy, Incorrect } from '../../harness/rival.ts';
import { time } from '../../harness/work.ts';
import { parts, type Recipe, type Scene, type Shape, topic } from './recipe.ts';

/** Where words are: the last round, 0 until it is known; and the cells of odd and of even rounds, a line for each. */
const PLACES = { LAST: 0, CELLS: 16, LINE: 16 };

const RECIPE: Recipe<Shape> = {
  module: import.meta.url,
  shapes: [2, 4, 8].flatMap((threads) => [10_000, 1_000_000].map((work) => ({ threads, work }))),
  isUsual: ({ threads, work }) => (threads === 4) === (work === 1_000_000),
  label: ({ threads, work }) => `${threads} threads, ${time(work)}`,
  plan: ({ threads }) => ({ barriers: [threads] }),
  words: ({ threads }) => PLACES.CELLS + 2 * threads * PLACES.LINE,
  count({ threads }, words, rounds) {
    const last = rounds[0]!;
    const line = PLACES.CELLS + (last % 2) * threads * PLACES.LINE;
    const cells = Array.from({ length: threads }, (_, i) => words[line + i * PLACES.LINE]!);
    if (rounds.some((count) => count !== last) || `${cells}` !== `${alone(threads, last)}`)
      throw new Incorrect(`${rounds} rounds; cells are not what one thread makes of them`);
    return last;
  },
  glibc: () => ['stencil'],
};

/** What the cells are after so many rounds. */
function alone(threads: number, rounds: number): number[] {
  let cells = new Int32Array(threads);
  for (let round = 1; round <= rounds; round++)
    cells = cells.map((cell, i) => cells.at(i - 1)! + cell + cells[(i + 1) % threads]! + round);
  return [...cells];
}

export const stencil = topic(RECIPE, {
  name: 'programs:stencil',
  title: 'Rounds that end at a Barrier: ns for each round of all threads',
});

export const part = parts(RECIPE, (scene) => copy(compute)(scene, PLACES));

/** Until the time is up. */
const compute = (
  { tools, words, shape: { threads }, side, stop, work }: Scene<Shape>,
  { LAST, CELLS, LINE }: typeof PLACES,
) => {
  const barrier = tools.barriers[0]!;
  const cell = (line: number, i: number): number => CELLS + (line * threads + (i % threads)) * LINE;
  return () => {
    let round = 0;
    do {
      const from = round++ % 2;
      const sum = words[cell(from, side + threads - 1)]! + words[cell(from, side)]! + words[cell(from, side + 1)]!;
      work();
      words[cell(1 - from, side)] = sum + round;
      // A thread that is already in the next round may have ended that one, not this one.
      if (side === 0 && Atomics.load(stop, 0)) words[LAST] = round;
      barrier.wait();
    } while (words[LAST] !== round);
    return round;
  };
};
