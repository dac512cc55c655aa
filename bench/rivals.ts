/** What lockwork is measured against; each correct, and as fast as it can be without being something else. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The exports of `assembly/index.ts`. */
interface Core {
  floor(word: number, pairs: number): void;
  lock(word: number): void;
  unlock(word: number): void;
  pass(word: number): void;
  take(word: number): void;
  work(steps: number): number;
  conditionWait(word: number, sequence: number): void;
  conditionNotifyAll(sequence: number): void;
  eventWait(word: number): void;
  eventSet(word: number): void;
  eventClear(word: number): void;
  semaphoreAcquire(word: number): void;
  semaphoreRelease(word: number, permits: number): void;
  barrierWait(arrived: number, round: number, parties: number): void;
}

export const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const SOURCE = path('bench/assembly/index.ts');
const CONFIG = path('asconfig.json');
const WASM = path('build/bench.wasm');

/** Compiles `assembly/` when that has not been done since it last changed. */
export function build(): void {
  if (isNewer(WASM, SOURCE, CONFIG)) return;
  const { options } = JSON.parse(readFileSync(CONFIG, 'utf8')) as { options: Record<string, unknown> };
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const asc = path('node_modules/assemblyscript/bin/asc.js');
  execFileSync(process.execPath, [asc, SOURCE, '--config', 'none', '--outFile', WASM, ...flags], { stdio: 'inherit' });
}

/** Whether a file is there, and newer than what it is made of. */
export function isNewer(made: string, ...sources: string[]): boolean {
  const time = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return time(made) > Math.max(...sources.map(time));
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

export const ATOMICS = 'mutex on Atomics';

/** The same three states (0 free, 1 held, 2 held and somebody may sleep), by hand on JavaScript's Atomics. */
export class AtomicsMutex {
  readonly #word: Int32Array;

  constructor(word: Int32Array) {
    this.#word = word;
  }

  acquire(): void {
    if (Atomics.compareExchange(this.#word, 0, 0, 1) !== 0) this.#contend();
  }

  #contend(): void {
    while (Atomics.exchange(this.#word, 0, 2) !== 0) Atomics.wait(this.#word, 0, 2);
  }

  async acquireAsync(): Promise<void> {
    if (Atomics.compareExchange(this.#word, 0, 0, 1) === 0) return;
    while (Atomics.exchange(this.#word, 0, 2) !== 0) await Atomics.waitAsync(this.#word, 0, 2).value;
  }

  release(): void {
    if (Atomics.exchange(this.#word, 0, 0) === 2) Atomics.notify(this.#word, 0, 1);
  }
}
