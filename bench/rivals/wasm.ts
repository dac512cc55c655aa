/** What is written in WebAssembly: `assembly/`, compiled with the flags of the core. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isNewer, path } from '../harness/files.ts';

/** The exports of `assembly/index.ts`. */
interface Core {
  floor(word: number, pairs: number): void;
  lock(word: number): void;
  unlock(word: number): void;
  pass(word: number): void;
  take(word: number): void;
  work(steps: number): number;
  conditionWait(word: number, sequence: number): void;
  conditionNotify(sequence: number): void;
  conditionNotifyAll(sequence: number): void;
  eventWait(word: number): void;
  eventSet(word: number): void;
  eventClear(word: number): void;
  semaphoreAcquire(word: number): void;
  semaphoreRelease(word: number, permits: number): void;
  barrierWait(arrived: number, round: number, parties: number): void;
}

/** The exports of `assembly/program.ts`. */
interface Program {
  lock(address: number, stamp: number, pairs: number): void;
  rlock(address: number, stamp: number, pairs: number): void;
  semaphore(address: number, stamp: number, pairs: number): void;
}

export const FLOOR = 'compare-exchange + exchange in wasm';

const CONFIG = path('asconfig.json');
const WASM = path('build/bench.wasm');
const PROGRAM = path('build/bench-program.wasm');

/** Compiles `assembly/` when that has not been done since it last changed. */
export function compile(): void {
  compileTo(WASM, path('bench/rivals/assembly/index.ts'));
  compileTo(PROGRAM, path('bench/rivals/assembly/program.ts'));
}

function compileTo(wasm: string, source: string): void {
  if (isNewer(wasm, source, CONFIG)) return;
  const { options } = JSON.parse(readFileSync(CONFIG, 'utf8')) as { options: Record<string, unknown> };
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const asc = path('node_modules/assemblyscript/bin/asc.js');
  execFileSync(process.execPath, [asc, source, '--config', 'none', '--outFile', wasm, ...flags], { stdio: 'inherit' });
}

/** A memory for one rival. */
export function makeMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
}

let compiled: WebAssembly.Module | undefined;

export function instantiate(memory: WebAssembly.Memory): Core {
  compiled ??= new WebAssembly.Module(readFileSync(WASM));
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Core;
}

let program: WebAssembly.Module | undefined;

/** With its lock from somewhere. Its own memory it does not use. */
export function instantiateProgram(lockwork: Readonly<Record<string, WebAssembly.ExportValue>>): Program {
  program ??= new WebAssembly.Module(readFileSync(PROGRAM));
  return new WebAssembly.Instance(program, { env: { memory: makeMemory() }, lockwork }).exports as unknown as Program;
}

export const FUTEX = 'futex mutex in wasm';

/** The mutex of `assembly/index.ts`, behind the thinnest class there can be. */
export class FutexMutex {
  readonly #core: Core;

  constructor(memory: WebAssembly.Memory) {
    this.#core = instantiate(memory);
  }

  acquire(): void {
    this.#core.lock(0);
  }

  release(): void {
    this.#core.unlock(0);
  }
}
