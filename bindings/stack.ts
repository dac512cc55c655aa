/** The most frames. Engines keep 10 when nobody says more, and some of those are ours. */
const FRAMES = 40;

/** The frames of the stack, as the engine writes them: those of V8 begin with "at", those of others have an "@". */
function frames(): string[] {
  const limits = Error as { stackTraceLimit?: number };
  const limit = limits.stackTraceLimit!;
  let stack: string;
  try {
    limits.stackTraceLimit = FRAMES;
    ({ stack = '' } = new Error());
  } finally {
    limits.stackTraceLimit = limit;
  }
  return stack.split('\n').filter((line) => /^ *at |@/.test(line) && !CORE.test(line));
}

/** Frames of the core, as engines write them; Bun knows nothing of them. */
const CORE = /wasm:\/\/|wasm-function|\[wasm|at unknown$/;

/** The file of this module, as the engine calls it: its own frame is the first one. With source maps, that of the sources. */
export function ownFile(): string {
  return /^(?: *at (?:[^(]* \()?|[^@]*@)(.+?)(:\d+)*\)?$/.exec(frames()[0] ?? '')?.[1] ?? '';
}

/** Where in its program this thread is: without this package's own frames, unless a bundle has both in one file. */
export function stackOfProgram(): string {
  // Of the sources, all are the package's.
  const own = ownFile().replace(/stack\.ts$/, '');
  const all = frames();
  const theirs = all.filter((line) => !line.includes(own));
  return (theirs.length > 0 ? theirs : all).map((line) => line.trim()).join('\n');
}
