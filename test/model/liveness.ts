/** What goes wrong only in the long run: a thread that never comes to an end, and one that never sleeps. */

import { Violation } from './counterexample.ts';
import { type Graph, isOwn, isProgress, target, threadOf } from './graph.ts';

/** More steps than any call takes if no other thread does anything. */
const LONGEST_ALONE = 300;

/**
 * Can every thread, from every state, still finish its round, or come to where the scenario allows it to be stuck?
 *
 * @param settled for each state the set of threads that are done or dead
 * @param excused the set of threads that may be left for ever as they stand in a state
 */
export function findStarvation(
  graph: Graph,
  threads: readonly number[],
  settled: readonly number[],
  excused: (state: number) => number,
): void {
  const all = (1 << threads.length) - 1;
  const fine = Uint8Array.from(settled);
  spread(graph, fine);
  for (let state = 0; state < fine.length; state++) if (fine[state] !== all) fine[state]! |= excused(state);
  spread(graph, fine);
  const state = fine.findIndex((set) => set !== all);
  if (state < 0) return;
  const starving = threads.find((t) => !((fine[state]! >> t) & 1))!;
  throw new Violation('starvation', `T${starving + 1} can never finish from here, whatever the others do`, state);
}

/**
 * Backwards from the states that are fine for a thread, and the steps in which it finishes a round: a state is fine
 * when one of its successors is. States come after their parents, so a few sweeps from the last to the first do.
 */
function spread(graph: Graph, fine: Uint8Array): void {
  const { steps } = graph;
  for (let changed = true; changed; ) {
    changed = false;
    for (let state = fine.length - 1; state >= 0; state--) {
      let can = fine[state]!;
      for (let i = graph.first(state), end = graph.end(state); i < end; i++) {
        const step = steps[i]!;
        can |= fine[target(step)]!;
        if (isProgress(step)) can |= 1 << threadOf(step);
      }
      if (can === fine[state]) continue;
      fine[state] = can;
      changed = true;
    }
  }
}

/**
 * Does a thread go round in circles, all alone, without finishing anything? For each thread: take away states that none of
 * its own steps leads to, and the steps from them, and so on. If something is left over, there is a circle in it. A thread
 * that counts its rounds makes no circle, but a long way.
 *
 * @param maySpin the states, one byte each, in which a thread may; nothing when it may in none
 */
export function findSpinning(
  graph: Graph,
  threads: readonly number[],
  states: number,
  maySpin: (thread: number) => Uint8Array | undefined,
): void {
  const { steps } = graph;
  for (const t of threads) {
    const excused = maySpin(t);
    const mine = (step: number): boolean => isOwn(step, t) && excused?.[target(step)] !== 1;
    const incoming = new Int32Array(states);
    for (let i = 0; i < graph.size; i++) if (mine(steps[i]!)) incoming[target(steps[i]!)]!++;
    const alone = new Int32Array(states);
    const free: number[] = [];
    for (let state = 0; state < states; state++) if (incoming[state] === 0) free.push(state);
    let left = states;
    let spinning = -1;
    while (free.length > 0) {
      const state = free.pop()!;
      left--;
      if (alone[state]! > LONGEST_ALONE) spinning = state;
      for (let i = graph.first(state), end = graph.end(state); i < end; i++) {
        if (!mine(steps[i]!)) continue;
        const to = target(steps[i]!);
        alone[to] = Math.max(alone[to]!, alone[state]! + 1);
        if (--incoming[to]! === 0) free.push(to);
      }
    }
    if (left > 0) spinning = incoming.findIndex((count) => count > 0);
    if (spinning >= 0)
      throw new Violation('spinning', `T${t + 1} goes round in circles from here, and never sleeps`, spinning);
  }
}
