/** How it stands with a walk: on the way, at a bug, or at a good end. */
import type { Move, Step } from '../../../test/model/counterexample.ts';
import type { Exploration } from '../../../test/model/explorer.ts';
import type { Walk } from '../../../test/model/walk.ts';
import type { Loaded } from './loaded.ts';
import { doneBy } from './words.ts';

export interface Walked {
  readonly loaded: Loaded;
  readonly walk: Walk;
  /** What was found of all states. */
  found?: Exploration;
  /** The shortest way to what is wrong. */
  way?: readonly Move[];
}

export interface Verdict {
  readonly state: 'runs' | 'held' | 'failed';
  readonly text: string;
}

/** The moves that make these steps; the walk begins anew. */
export function wayOf(walk: Walk, steps: readonly Step[]): readonly Move[] {
  const way: Move[] = [];
  walk.back(0);
  for (let at = 0; at < steps.length; at += way.at(-1)!.steps.length) {
    const move = walk.next(steps.slice(at));
    if (!move) break;
    walk.go(move);
    way.push(move);
  }
  walk.back(0);
  return way;
}

/** The move that leads on, as long as the walk is on the shortest way. */
export function nextOfWay({ way, walk }: Walked): Move | undefined {
  const onWay = walk.moves.every(({ to, thread }, i) => way?.[i]?.to === to && way[i].thread === thread);
  return onWay ? way?.[walk.moves.length] : undefined;
}

export function verdictOf(walked: Walked): Verdict {
  const { walk, loaded, way, found } = walked;
  const { violation, moves } = walk.here;
  const atEnd = way?.length === walk.moves.length && way.at(-1)?.to === walk.moves.at(-1)?.to;
  const wrong = violation?.message ?? (atEnd ? found?.counterexample?.message : undefined);
  if (wrong !== undefined) return { state: 'failed', text: `Found it: ${inWords(wrong, loaded)}.` };
  if (moves.length === 0) return { state: 'held', text: ending(walk) };
  const last = walk.moves.at(-1);
  return last ? { state: 'runs', text: onTheWay(walk, last, loaded) } : beginning(walked);
}

function beginning({ way, found }: Walked): Verdict {
  if (way)
    return { state: 'runs', text: `${way.length} steps lead to it. Press “Next step of the way”, or the key →.` };
  if (!found) return { state: 'runs', text: 'Choose the thread that makes the first step.' };
  const states = `${found.states.toLocaleString('en')} states`;
  if (found.exceeded) return { state: 'runs', text: `No way was found in the first ${states}.` };
  return { state: 'held', text: `No way leads to a bug: all ${states} have been looked at.` };
}

function onTheWay(walk: Walk, last: Move, { names }: Loaded): string {
  const thread = `T${last.thread + 1}`;
  return walk.before < 0
    ? `${thread} ${doneBy(last, names)}.`
    : `All stands just as after step ${walk.before}: ${thread} goes round in circles. Let another thread go on.`;
}

function ending({ here }: Walk): string {
  return here.standing.every(({ state }) => state.operation.kind === 'done')
    ? 'All are done, and nothing went wrong this time. Step back, and try another order.'
    : 'Nobody has anything left to do, and whoever still sleeps has not been called.';
}

/** The checker's words, with names for addresses. */
const inWords = (message: string, { names }: Loaded): string =>
  message
    .replace(
      /access the word at (\d+), .*/,
      (_, at) => `touch ${names.nameOf(Number(at))} at once, one of them not atomically`,
    )
    .replace(/^\w/, (letter) => letter.toUpperCase());
