import { Lock } from '../index.ts';
import { fileOf, framesOf, framesOutside, ownFile, packageOf, withFrames } from '../stack.ts';

/** Where in its program a thread was. Most are never read, and engines write a stack down when it is read. */
export interface Place {
  readonly stack: string;
}

/** The most frames. Engines keep 10 when nobody says more, and `with` and the like are some of them. */
const FRAMES = 16;

/** Where the call of `below` is. */
export function placeOf(below: unknown): Place {
  const engine = Error as { captureStackTrace?(target: object, below: unknown): void };
  return withFrames(FRAMES, () => {
    if (!engine.captureStackTrace) return new Error() as unknown as Place;
    const place: Place = { stack: '' };
    engine.captureStackTrace(place, below);
    return place;
  });
}

let files: string[] | undefined;

/** The files of both entries: that of the first is where its errors are made. */
function ownFiles(): string[] {
  const found = [ownFile()];
  try {
    Lock.from(undefined as never);
  } catch (error) {
    found.push(fileOf(framesOf((error as Error).stack)[0]));
  }
  return found.filter((file) => file !== '').map(packageOf);
}

/** Of what Node, Bun and Deno have within: `AsyncLocalStorage` runs `withAsync`. */
const INSIDE = /\b(node|bun|ext):/;

/** The frames of the program. */
export function textOfPlace({ stack }: Place): string {
  files ??= ownFiles();
  const all = framesOf(stack);
  const theirs = all.filter((line) => !INSIDE.test(line));
  return framesOutside(files, theirs.length > 0 ? theirs : all);
}
