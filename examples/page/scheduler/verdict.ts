/** How it stands with a walk: on the way, at a bug, or at a good end. */
import type { Move, Step } from '../../../test/model/counterexample.ts';
import type { Exploration } from '../../../test/model/explorer.ts';
import type { Walk } from '../../../test/model/walk.ts';
import type { Loaded } from './loaded.ts';
import { doneBy, threads } from './words.ts';

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
  // A thread that can never finish is not stuck at once.
  const rest = walk.here.violation ? undefined : walk.wayToCircles();
  walk.back(0);
  return [...way, ...(rest ?? [])];
}

/** The move that leads on, as long as the walk is on the shortest way. */
export function nextOfWay({ way, walk }: Walked): Move | undefined {
  const onWay = walk.moves.every(({ to, thread }, i) => way?.[i]?.to === to && way[i].thread === thread);
  return onWay ? way?.[walk.moves.length] : undefined;
}

export function verdictOf(walked: Walked): Verdict {
  const { walk, loaded } = walked;
  const wrong = wrongAt(walked);
  if (wrong !== undefined) return { state: 'failed', text: `Found it: ${inWords(wrong, loaded)}.` };
  if (walk.here.moves.length === 0) return { state: 'held', text: ending(walk) };
  const last = walk.moves.at(-1);
  return last ? { state: 'runs', text: onTheWay(walk, last, loaded) } : beginning(walked);
}

/** What is wrong where the walk stands, as far as it is known. */
function wrongAt({ walk, way, found }: Walked): string | undefined {
  if (walk.here.violation) return walk.here.violation.message;
  if (walk.circles)
    return `${threads(walk.here.moves.map(({ thread }) => thread))} can only go round in circles, for ever`;
  const atEnd = way?.length === walk.moves.length && way.at(-1)?.to === walk.moves.at(-1)?.to;
  return atEnd ? found?.counterexample?.message : undefined;
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
  const circle =
    walk.before < 0
      ? ''
      : ` All stands just as after step ${walk.before}, so it goes round in circles: let another one go on.`;
  return `T${last.thread + 1} ${doneBy(last, names)}.${circle}`;
}

function ending({ here }: Walk): string {
  return here.standing.every(({ state }) => state.operation.kind === 'done')
    ? 'All are done, and nothing went wrong this time. Step back, and try another order.'
    : 'Nobody has anything left to do, and a thread that still sleeps has not been called.';
}

/** The checker's words, with names for addresses. */
const inWords = (message: string, { names }: Loaded): string =>
  message
    .replace(
      /access the word at (\d+), .*/,
      (_, at) => `touch ${names.nameOf(Number(at))} at once, one of them not atomically`,
    )
    .replace(/^\w/, (letter) => letter.toUpperCase());
