/** The runtimes that test files are run on, and what is not run where. */

/** What runs the bundled tests: a pinned package of npm that carries its binary, its name, and what it is called with. */
interface Installed {
  readonly package: string;
  readonly version: string;
  readonly args: readonly string[];
}

export const INSTALLED = {
  'Node 20': { package: 'node', version: '20.20.2', args: ['--enable-source-maps'] },
  'Node 22': { package: 'node', version: '22.23.3', args: ['--enable-source-maps'] },
  'Node 24': { package: 'node', version: '24.21.0', args: ['--enable-source-maps'] },
  Bun: { package: 'bun', version: '1.4.5', args: [] },
  Deno: { package: 'deno', version: '2.9.6', args: ['run', '--allow-all'] },
} as const satisfies Record<string, Installed>;

/** Where Vitest itself runs, and its projects there. The Node of this process is the pinned one. */
export const VITEST = { 'Node 26': 'threads', Chromium: 'chromium', Firefox: 'firefox', WebKit: 'webkit' } as const;

export type Runtime = keyof typeof INSTALLED | keyof typeof VITEST;

/** In the order of the table. */
export const RUNTIMES: readonly Runtime[] = [
  'Node 20',
  'Node 22',
  'Node 24',
  'Node 26',
  'Bun',
  'Deno',
  'Chromium',
  'Firefox',
  'WebKit',
];

const PAGES: readonly Runtime[] = ['Chromium', 'Firefox', 'WebKit'];
const NO_PAGE = 'there is no page';
/** Of platforms/page/, what only a page runs. */
const PAGE_ONLY = 'alone blocking death examples inspect live programs recipe scheduler unsupported wasm'.split(' ');
const but = (...those: readonly Runtime[]) => RUNTIMES.filter((runtime) => !those.includes(runtime));

/** Not a test file: a program of few lines, see there. */
export const PROGRAM = 'program.mjs';

interface Exception {
  readonly on: readonly Runtime[];
  /** A file by its path in test/, or the beginning of those of several. */
  readonly file: string;
  /** Parts of the full names of tests; without it, none of the file is run. */
  readonly tests?: readonly string[];
  readonly reason: string;
}

/** Everything that is not run somewhere. The table says so. */
const NOT_HERE: readonly Exception[] = [
  { file: 'package/bench.test.ts', on: but('Node 26'), reason: '`npm run bench`, a command of the pinned Node' },
  { file: 'package/examples.test.ts', on: but('Node 26'), reason: '`npm start`, a command of the pinned Node' },
  { file: 'package/trace.test.ts', on: but('Node 26'), reason: '`npm start`, a command of the pinned Node' },
  { file: 'behaviour/fakes.test.ts', on: but('Node 26'), reason: "of fake timers, Vitest's among them" },
  { file: 'behaviour/hang.test.ts', on: but('Node 26'), reason: 'of the watchdog that is used under Vitest' },
  {
    file: 'package/readme.test.ts',
    on: but('Node 26'),
    reason: 'of the documents, whose snippets are for the pinned Node',
  },
  {
    file: 'package/serve.test.ts',
    on: but('Node 26'),
    reason: '`npm run start:browser`, a command of the pinned Node',
  },
  {
    file: 'behaviour/errors.test.ts',
    on: ['Bun'],
    tests: ['has a code, and a clone of it is known by that'],
    reason: "the engine's clone of an error has no cause",
  },
  {
    file: 'behaviour/misuse.test.ts',
    on: ['Bun'],
    tests: ['that is posted is known by instanceof'],
    reason: "the engine's clone of an error has no cause",
  },
  {
    file: 'behaviour/errors.test.ts',
    on: ['Deno'],
    tests: ['in a realm without timers'],
    reason: 'the runtime itself needs what the test takes away',
  },
  {
    file: 'behaviour/process.test.ts',
    on: ['Deno'],
    tests: ['while a task of it runs the action: an error'],
    reason: 'the runtime prints what a worker does not catch, though it is listened to',
  },
  {
    file: 'behaviour/probe.test.ts',
    on: ['Deno'],
    tests: ['has nothing left to do'],
    reason: 'what lets a test terminate a thread keeps it alive',
  },
  { file: 'package/wasm.test.ts', on: but('Node 26'), reason: 'of compilers, whose programs the other tests run' },
  { file: 'package/wasm.test.ts', on: ['Node 26'], tests: ['rustc'], reason: 'where there is no Rust' },
  {
    file: 'platforms/page/wasm.test.ts',
    on: ['WebKit'],
    tests: ['and its page goes on'],
    reason: 'there is no JavaScript Promise Integration',
  },
  { file: 'package/bundled.test.ts', on: but('Node 26'), reason: 'of bundlers' },
  { file: 'package/pack.test.ts', on: but('Node 26'), reason: 'of what is published, which is the same everywhere' },
  { file: 'package/treeshake.test.ts', on: but('Node 26'), reason: 'of the published file, and of bundlers' },
  { file: 'package/size.test.ts', on: but('Node 26'), reason: 'of the published file, and of bundlers' },
  { file: 'package/sources.test.ts', on: but('Node 26'), reason: 'of the sources, which are the same everywhere' },
  { file: 'unit/trace-channels.test.ts', on: PAGES, reason: 'of `node:diagnostics_channel`' },
  {
    file: 'unit/trace-channels.test.ts',
    on: ['Deno'],
    tests: ['of an order > is one between threads'],
    reason: 'a BroadcastChannel keeps the process alive',
  },
  { file: 'platforms/page/', on: but('Node 26', ...PAGES), reason: NO_PAGE },
  ...PAGE_ONLY.map((name) => ({ file: `platforms/page/${name}.`, on: ['Node 26' as const], reason: NO_PAGE })),
  {
    file: 'behaviour/stack.test.ts',
    on: ['Bun', 'Deno', ...PAGES],
    reason: 'of the end of the stack, which is looked for as Node has it',
  },
  {
    file: 'behaviour/host.test.ts',
    on: ['Bun', 'Deno', ...PAGES],
    reason: "of Node's `vm` contexts, in which a test is the host",
  },
  {
    file: 'unit/torn.test.ts',
    on: ['Bun', 'Deno', ...PAGES],
    reason: "of Node's `vm` scripts, whose time may be up in the midst of a call",
  },
  {
    file: 'behaviour/crowds.test.ts',
    on: ['Bun', 'Deno', ...PAGES],
    reason: "of what V8 counts, by Node's inspector",
  },
  { file: 'behaviour/realms.test.ts', on: PAGES, reason: "of Node's `vm` contexts and its threads" },
  { file: 'stress/fuzz.test.ts', on: PAGES, reason: 'platforms/page/fuzz.test.ts explores there' },
  { file: 'stress/programs.test.ts', on: PAGES, reason: 'platforms/page/programs.test.ts has it in the main thread' },
  {
    file: 'behaviour/abandoned.test.ts',
    on: PAGES,
    tests: ['abandons its Lock', 'abandons its RLock'],
    reason: "of Node's threads and how they end; of a page's see page/death.test.ts",
  },
  {
    file: 'behaviour/abandoned.test.ts',
    on: ['Deno'],
    tests: ['since it is terminated while it computes'],
    reason: 'terminate() does not stop it there: it lives',
  },
  {
    file: 'unit/arena.test.ts',
    on: PAGES,
    tests: ['releases many thousands of arenas', 'lets the memory be collected'],
    reason: 'in a process of their own',
  },
  {
    file: 'unit/arena.test.ts',
    on: PAGES,
    tests: ['and threads that allocate at the same moment', 'a memory that cannot be made', 'at the end of 4 GiB'],
    reason: 'a page may have few memories, and small ones',
  },
  {
    file: 'behaviour/deadlock.test.ts',
    on: PAGES,
    tests: ['does not hold what its task is handed'],
    reason: 'three threads in an exact order, with cores for each; the model has every order',
  },
  {
    file: 'behaviour/deadlocks.test.ts',
    on: PAGES,
    tests: ['to the stderr of its process'],
    reason: 'a page has no process',
  },
  { file: 'package/core.test.ts', on: PAGES, reason: 'of the published file, which is the same everywhere' },
  {
    file: 'behaviour/threads.test.ts',
    on: PAGES,
    reason: "of the end of Node's threads; a page's do not tell of theirs",
  },
  {
    file: 'unit/arena.test.ts',
    on: PAGES,
    tests: ['is the same in every thread', 'takes an array once from threads that come at once'],
    reason: 'a thread of a page knows the default arena of another once it gets something of it',
  },
  {
    file: 'unit/arena.test.ts',
    on: PAGES,
    tests: ['gets the record of a thread back that ends', 'does not mind tasks of its own thread that are through'],
    reason: "of the end of Node's threads; a page's do not tell of theirs",
  },
  {
    file: 'behaviour/errors.test.ts',
    on: PAGES,
    tests: [
      'in a realm without',
      'on a Node without process.getBuiltinModule',
      'on a platform without SharedArrayBuffer',
      'on a page that forbids',
      'on a thread that may not block',
      'where the clock throws',
    ],
    reason: 'they imitate a page in a process; platforms/page/ has the tests of real ones',
  },
  {
    file: 'behaviour/handle.test.ts',
    on: PAGES,
    tests: ['all of them attach from'],
    reason: "of Node's ways to a thread; platforms/page/beside.test.ts has those of a page",
  },
  {
    file: 'behaviour/handle.test.ts',
    on: ['WebKit'],
    tests: ['attaches, cloned', 'attaches, posted', 'an Arena > attaches, in whichever thread'],
    reason: 'the engine clones shared memory only for other threads',
  },
  {
    file: 'behaviour/process.test.ts',
    on: ['Bun', 'Deno'],
    tests: ['when fake timers are gone'],
    reason: 'of fake timers for Node',
  },
  { file: 'behaviour/process.test.ts', on: PAGES, reason: 'a page does not end by itself' },
  { file: 'behaviour/dump-later.test.ts', on: PAGES, reason: 'of processes, their environment and what they write' },
  { file: PROGRAM, on: PAGES, reason: 'a page does not end by itself' },
  {
    file: 'unit/guard.test.ts',
    on: ['Node 20', 'Node 22', 'WebKit'],
    tests: ["is held by using, the engine's own"],
    reason: 'the engine does not know `using`; it is compiled away',
  },
];

/** Why a file is not run there, and which of its tests are not. */
export function notHere(runtime: Runtime, file: string): { reasons: string[]; whole: boolean; tests: string[] } {
  const found = NOT_HERE.filter((exception) => file.startsWith(exception.file) && exception.on.includes(runtime));
  return {
    reasons: found.map(({ reason }) => reason),
    whole: found.some(({ tests }) => !tests),
    tests: found.flatMap(({ tests = [] }) => tests),
  };
}
