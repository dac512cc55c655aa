/** The most frames. Engines keep 10 when nobody says more, and some of those are ours. */
const FRAMES = 40;

/** What `act` notes of the stack, with so many frames at the most. */
export function withFrames<T>(most: number, act: () => T): T {
  const limits = Error as { stackTraceLimit?: number };
  const limit = limits.stackTraceLimit!;
  try {
    limits.stackTraceLimit = most;
    return act();
  } finally {
    limits.stackTraceLimit = limit;
  }
}

/** The frames of a stack, as the engine writes them: those of V8 begin with "at", those of others have an "@". */
export function framesOf(stack = ''): string[] {
  return stack.split('\n').filter((line) => /^ *at |@/.test(line));
}

/** The file of a frame, as the engine calls it. */
export function fileOf(frame = ''): string {
  return /^(?: *at (?:[^(]* \()?|[^@]*@)(.+?)(:\d+)*\)?$/.exec(frame)?.[1] ?? '';
}

/** What frames of this package have in common that are in a file like this one: with source maps, the folder of the sources. */
export function packageOf(file: string): string {
  return file.replace(/(\/bindings\/).*\.ts$/, '$1');
}

/** Those of the program: not in any of these files or folders, unless a bundle has all in one file. */
export function framesOutside(own: readonly string[], frames: readonly string[]): string {
  const theirs = frames.filter((line) => !own.some((file) => line.includes(file)));
  return (theirs.length > 0 ? theirs : frames).map((line) => line.trim()).join('\n');
}

/** Frames of WebAssembly, as engines write them; Bun knows nothing of them. */
const WASM = /wasm:\/\/|wasm-function|\[wasm|at unknown$/;

/** Has a name, so that its frame has the file in parentheses, and it can be told whatever characters are in its path. */
function noted(): string | undefined {
  return new Error().stack;
}

/** The stack, from a function of this file on. */
const frames = (): string[] => framesOf(withFrames(FRAMES, noted));

/** The file of this module. */
export function ownFile(): string {
  return fileOf(frames()[0]);
}

/**
 * Where in its program this thread is: behind the frames of the core, and those of the package that called it.
 *
 * @param others files of the package's other entries
 */
export function stackOfProgram(others: readonly string[]): string {
  const all = frames();
  const own = [fileOf(all[0]), ...others].map(packageOf);
  const isOwn = (line: string): boolean => own.some((file) => line.includes(file));
  const outside = all.findIndex((line) => !isOwn(line) && !WASM.test(line));
  // A bundle has all in one file. What the core has called is of no use.
  if (outside < 0) {
    const core = all.findIndex((line) => WASM.test(line));
    return framesOutside(
      own,
      all.filter((line, place) => place > core && !WASM.test(line)),
    );
  }
  const innermost = all.slice(0, outside).findLastIndex(isOwn);
  return framesOutside(own, all.slice(innermost + 1));
}
