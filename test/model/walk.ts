/**
 * A walk through a system's states by somebody who chooses each step, and may take it back. No reduction: each access is a
 * step of its own. Nothing here knows Node: examples/page/scheduler/ is a page around it.
 */

import type { Move, Step } from './counterexample.ts';
import { Explorer, type Look } from './explorer.ts';
import type { System } from './system.ts';

export class Walk {
  /** How things stand, and what can come next. */
  here: Look;
  /** What was done up to here. */
  readonly moves: Move[] = [];
  private readonly explorer: Explorer;
  /** The states on the way. One that a step leads to which must not be is not among them. */
  private readonly states: number[];

  /** @param lines of memory that may be written */
  constructor(system: System, lines: readonly number[]) {
    this.explorer = new Explorer(system, { reduce: false }, new Set(), [...lines]);
    this.states = [this.explorer.begin()];
    this.here = this.explorer.look(this.states[0]!);
  }

  go(move: Move): void {
    this.moves.push(move);
    if (typeof move.to === 'number') {
      this.states.push(move.to);
      this.here = this.explorer.look(move.to);
    } else this.here = { ...this.here, moves: [], violation: move.to };
  }

  /** Takes back what was done after so many moves. */
  back(length = this.moves.length - 1): void {
    this.moves.length = Math.max(0, length);
    this.states.length = this.moves.length + 1;
    this.here = this.explorer.look(this.states.at(-1)!);
  }

  /** After how many moves things stood just as they do now; -1 when they never did. */
  get before(): number {
    return this.here.violation ? -1 : this.states.slice(0, -1).indexOf(this.states.at(-1)!);
  }

  /** Whether all that anybody can do leads back to where it is: it will be so for ever. */
  get circles(): boolean {
    return goesNowhere(this.here, this.states.at(-1)!);
  }

  /** The shortest way on from here to where threads can only go in circles; undefined when there is none. */
  wayToCircles(): readonly Move[] | undefined {
    const ways = new Map<number, readonly Move[]>([[this.states.at(-1)!, []]]);
    for (const [state, way] of ways) {
      const look = this.explorer.look(state);
      if (goesNowhere(look, state)) return way;
      for (const move of look.moves)
        if (typeof move.to === 'number' && !ways.has(move.to)) ways.set(move.to, [...way, move]);
    }
    return undefined;
  }

  /** The move that begins a way told by another search of the same system (`Counterexample.steps`). */
  next(way: readonly Step[]): Move | undefined {
    return this.here.moves.find(({ steps }) => steps.every((step, i) => sameStep(step, way[i])));
  }
}

const goesNowhere = ({ moves, violation }: Look, state: number): boolean =>
  !violation && moves.length > 0 && moves.every(({ to }) => to === state);

function sameStep(one: Step, other: Step | undefined): boolean {
  return (
    other !== undefined &&
    one.thread === other.thread &&
    one.what === other.what &&
    one.result === other.result &&
    one.state.operation.kind === other.state.operation.kind &&
    String(one.woken) === String(other.woken)
  );
}
