import { VERSION } from '../assembly/abi.ts';

/**
 * What this thread runs in, and what it shares with other copies of this package: several may be loaded in one realm,
 * and a thread may have several realms (`vm` contexts of Node).
 */

/**
 * Changes with every change of what copies of the package share in a realm, and what one of them calls of another's:
 *
 *   globalThis[REGISTRY]    `Registry`, with all `ThreadArena`s, their `Scheduler`s, and what waits there (registry.ts)
 *   an `Owner`'s [USES]     what it is in which `ThreadArena` (owner.ts)
 *   globalThis[POLICY]      what the realm's thread does in a circle: a number (deadlock.ts)
 *   process[HOST]           `Host`, of all realms of a thread (below)
 *
 * Copies with another VERSION share nothing of this. Copies with the same VERSION and another SHAPE refuse each other.
 */
export const SHAPE = 7;

export const REGISTRY = /* @__PURE__ */ Symbol.for(/* @__PURE__ */ versioned());
export const USES = /* @__PURE__ */ Symbol.for(/* @__PURE__ */ versioned(SHAPE, 'owner'));
export const POLICY = /* @__PURE__ */ Symbol.for(/* @__PURE__ */ versioned(SHAPE, 'policy'));
const HOST = /* @__PURE__ */ Symbol.for(/* @__PURE__ */ versioned(SHAPE, 'host'));

/** A name for something that copies of the package share. */
export function versioned(...more: unknown[]): string {
  return ['lockwork', VERSION, ...more].join('.');
}

interface NodeProcess {
  versions?: { node?: string; bun?: string; deno?: string };
  argv?: string[];
  env?: { LOCKWORK_HANG?: string };
  getBuiltinModule?(id: string): unknown;
  once(event: 'exit', listener: () => void): void;
  on?(event: 'worker', listener: (worker: NodeWorker) => void): void;
  emit?(event: 'warning', warning: Error): boolean;
  listenerCount?(event: 'warning'): number;
  hrtime?: { bigint?(): bigint };
  [HOST]?: Host;
}

/** A thread that this one has made. */
interface NodeWorker {
  /** -1 after its end. */
  readonly threadId: number;
  once(event: 'exit', listener: () => void): void;
}

interface WorkerThreads {
  isMainThread: boolean;
  threadId: number;
  /** Since Node 22.20 and 24.6. */
  threadName?: string;
  getEnvironmentData(key: string): unknown;
  setEnvironmentData(key: string, value: unknown): void;
}

/** What the realms of a thread share. */
interface Host {
  /** Called when the thread ends. */
  readonly ends: (() => void)[];
  /** Called when a worker of this thread has ended, with its number. */
  readonly exits: ((worker: number) => void)[];
  /** How many arenas were made. */
  arenas: number;
  /** What the program calls this thread, if not as the platform does. */
  name?: string;
}

const given = /* @__PURE__ */ (() => (globalThis as { process?: NodeProcess }).process)();

/** A module of Node's, where there is such a thing. Without `import`, so that the bundle loads in browsers. */
export const builtIn = (name: string): unknown => given?.getBuiltinModule?.(`node:${name}`);

/** A Node without `process.getBuiltinModule`: what a module needs of it only CommonJS could load synchronously. */
export const outdated = /* @__PURE__ */ (() => Boolean(given?.versions?.node && !given.getBuiltinModule))();

/** That of the thread: realms may have copies (those of Jest do), which tell of no end. */
const nodeProcess = /* @__PURE__ */ ((): NodeProcess | undefined => {
  const own = builtIn('process') as NodeProcess | undefined;
  return typeof own?.once === 'function' ? own : given;
})();

export const workerThreads = /* @__PURE__ */ builtIn('worker_threads') as WorkerThreads | undefined;

/** How many threads can run at once. */
export const cores = /* @__PURE__ */ ((): number => {
  const os = builtIn('os') as { availableParallelism?(): number } | undefined;
  return os?.availableParallelism?.() ?? globalThis.navigator?.hardwareConcurrency ?? 2;
})();

/** That of this realm, where nothing is known of others. */
let alone: Host | undefined;

function host(): Host {
  if (!workerThreads) {
    alone ??= { ends: [], exits: [], arenas: 0 };
    return alone;
  }
  // Not enumerable, so that copies of `process` do not have it.
  if (!nodeProcess![HOST]) Object.defineProperty(nodeProcess, HOST, { value: { ends: [], exits: [], arenas: 0 } });
  return nodeProcess![HOST]!;
}

/** Calls back when this thread ends by itself, where the platform tells (Node's workers). */
export function onEnd(callback: () => void): void {
  if (!workerThreads || workerThreads.isMainThread) return;
  const { ends } = host();
  // One listener for all realms: test runners make hundreds, and Node warns of a leak from 11 on.
  if (ends.push(callback) > 1) return;
  nodeProcess!.once('exit', () => {
    for (const end of ends) end();
  });
}

/** Calls back when a worker that this thread makes from now on has ended, or so the platform says (Node, Bun, Deno). */
export function onExit(callback: (worker: number) => void): void {
  if (!nodeProcess?.on) return;
  const { exits } = host();
  if (exits.push(callback) > 1) return;
  nodeProcess.on('worker', (worker) => {
    const { threadId } = worker;
    worker.once('exit', () => {
      for (const exit of exits) exit(threadId);
    });
  });
}

/** What the platform's number of a thread is where it has none. */
export const NO_NUMBER = 0x3fffffff;

/** What Node calls all workers that were given no name. */
const UNNAMED = 'WorkerThread';

/** This thread as its program knows it: the platform's number, 0 for the main thread; its name; where the program is. */
export function identity(): { number: number; name: string; where: string } {
  const { document, name, location } = globalThis as Partial<Record<'document' | 'name' | 'location', unknown>>;
  const number = workerThreads?.threadId ?? (document ? 0 : NO_NUMBER);
  const platforms = workerThreads?.threadName;
  // The main thread of a page has the window's name there.
  const given = host().name ?? ((platforms !== UNNAMED && platforms) || (document ? '' : name));
  return {
    number,
    name: typeof given === 'string' ? given : '',
    where: nodeProcess?.argv?.[1] ?? (location as { href?: string } | undefined)?.href ?? '',
  };
}

/** Its program gives this thread another name. */
export function setName(name: string): void {
  host().name = name;
}

/**
 * Warns of something at once, in a thread that may never come back to its event loop. Node's own listener writes to the
 * process's stderr; `process.emitWarning` would call it in a later turn.
 */
export function warn(text: string, detail: string): void {
  const warning = Object.assign(new Error(text), { name: 'LockworkWarning', code: 'LOCKWORK_DEADLOCK', detail });
  if (!nodeProcess?.listenerCount?.('warning') || !nodeProcess.emit?.('warning', warning)) console.warn(text);
}

/** How long (ms) a thread may be blocked before a dump is written, if the environment says so. */
export function hangTime(): number {
  const { Deno } = globalThis as { Deno?: { permissions?: { querySync(of: object): { state: string } } } };
  // Without the permission Deno throws, or asks whoever sits there.
  const state = Deno?.permissions?.querySync({ name: 'env', variable: 'LOCKWORK_HANG' }).state ?? 'granted';
  return state === 'granted' ? Number(nodeProcess?.env?.LOCKWORK_HANG) : 0;
}

/** Loads a file of this package at once, where that can be done (Node, Bun, Deno). */
export function requireFrom(own: string, file: string): unknown {
  return (builtIn('module') as { createRequire(from: string): (file: string) => unknown }).createRequire(own)(file);
}

/** As they were when this was loaded: tests replace them. */
const random = Math.random;
const now = /* @__PURE__ */ (() => Date.now)();

/** Node's clock of the system, which all threads share. Those of Bun and Deno begin with the thread. */
export const nanoseconds = /* @__PURE__ */ (() => {
  const { versions, hrtime } = nodeProcess ?? {};
  return versions?.bun || versions?.deno ? undefined : hrtime?.bigint;
})();

/**
 * What an arena is known by, 64 bits that no other arena has in whichever thread: messages bring both to one. No source is
 * trusted alone: `Math.random` may be seeded, and clocks be replaced before this package is loaded. In Node, the number of
 * the thread and that of the arena within it suffice by themselves. (Its `crypto` takes 5 ms to load.)
 */
export function newId(): [low: number, high: number] {
  const count = ++host().arenas;
  const words = new Uint32Array(2);
  if (!workerThreads) globalThis.crypto?.getRandomValues?.(words);
  const clock = nanoseconds ? Number(BigInt.asUintN(32, nanoseconds())) : (globalThis.performance?.now() ?? 0) * 1_000;
  words[0]! += random() * 2 ** 32 + now() + clock;
  // Factors without a pattern, so that of two threads the one does not come to where the other was.
  words[1]! += Math.imul(workerThreads?.threadId ?? 0, 0x9e3779b1) + count;
  return [words[0]! | 0, words[1]! | 0];
}
