import { Lock } from '../index.ts';

/** Where in its program a thread was. Most are never read, and engines write a stack down when it is read. */
export interface Place {
  readonly stack: string;
}

/** The most frames. Engines keep 10 when nobody says more, and `with` and the like are some of them. */
const FRAMES = 16;

interface Stacks {
  stackTraceLimit?: number;
  captureStackTrace?(target: object, below: unknown): void;
}

/** Where the call of `below` is. */
export function placeOf(below: unknown): Place {
  const engine = Error as Stacks;
  const limit = engine.stackTraceLimit!;
  engine.stackTraceLimit = FRAMES;
  let place: Place = { stack: '' };
  if (engine.captureStackTrace) engine.captureStackTrace(place, below);
  else place = new Error() as unknown as Place;
  engine.stackTraceLimit = limit;
  return place;
}

/** Frames of V8 begin with "at", those of other engines have an "@". */
const framesOf = (stack: string): string[] => stack.split('\n').filter((line) => /^ *at |@/.test(line));

/** The file of the innermost frame, as the engine calls it; where source maps are on, the folder of our sources. */
const fileOf = (stack = ''): string =>
  /([^(@ ]+?)(:\d+)*\)?$/.exec(framesOf(stack)[0] ?? '')?.[1]?.replace(/(\/bindings\/).*\.ts$/, '$1') ?? '';

let files: string[] | undefined;

/** The files of both entries: that of the first is where its errors are made. */
function ownFiles(): string[] {
  const found = [fileOf(new Error().stack)];
  try {
    Lock.from(undefined as never);
  } catch (error) {
    found.push(fileOf((error as Error).stack));
  }
  return found.filter((file) => file !== '');
}

/** Of what Node, Bun and Deno have within: `AsyncLocalStorage` runs `withAsync`. */
const INSIDE = /\b(node|bun|ext):/;

/** The frames of the program, without those of this package, unless a bundle has both in one file. */
export function textOfPlace({ stack }: Place): string {
  files ??= ownFiles();
  const all = framesOf(stack);
  const theirs = all.filter((line) => !INSIDE.test(line) && !files!.some((file) => line.includes(file)));
  return (theirs.length > 0 ? theirs : all).map((line) => line.trim()).join('\n');
}
