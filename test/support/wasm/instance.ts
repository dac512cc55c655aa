/** Instances of `program.c`, one for each thread, in one memory. */
import { Arena, type Memory } from 'lockwork';
import type * as programs from 'lockwork/wasm';
import { thread } from '../threads.ts';
import { PROGRAM } from './program.ts';

export interface Exports {
  __stack_pointer: WebAssembly.Global;
  init(): number;
  increment(times: number): number;
  counted(): number;
  produce(first: number, items: number): number;
  consume(items: number): number;
  stormed(): number;
  storm(turns: number, seed: number, kinds: number): number;
  keep(seed: number, address: number, stamp: number): number;
}

/** What threads are sent that run the program. */
export interface Place {
  readonly module: WebAssembly.Module;
  readonly memory: Memory;
  readonly arena: Arena;
}

/** The program with its memory, and an arena below its data; or of so many pages behind its memory. */
export function place(behind = 0): Place {
  const [PAGE, OWN] = [65_536, 3];
  const bytes = Uint8Array.from(atob(PROGRAM), (char) => char.charCodeAt(0));
  const memory = new WebAssembly.Memory({ initial: OWN + behind, maximum: 256, shared: true });
  const bounds = behind
    ? { byteOffset: OWN * PAGE, byteLength: behind * PAGE }
    : { byteOffset: 1_024, byteLength: PAGE - 1_024 };
  const arena = new Arena({ memory, ...bounds });
  return { module: new WebAssembly.Module(bytes), memory, arena };
}

/** An instance for this thread, with a stack of its own, or one that is given. It travels to other threads as text. */
export function instance(here: Place, { imports }: typeof programs, suspend = false, given?: Uint8Array): Exports {
  const { module, memory, arena } = here;
  const stack = given ?? arena.allocate(Uint8Array, 4_096);
  const program = new WebAssembly.Instance(module, { env: { memory }, ...imports(arena, { suspend }) });
  const exports = program.exports as unknown as Exports;
  exports.__stack_pointer.value = stack.byteOffset + stack.length;
  return exports;
}

/** Calls a function of the program on another thread, of an instance there. */
export function inProgram(here: Place, call: Exclude<keyof Exports, '__stack_pointer'>, ...args: number[]) {
  const what = { ...here, source: String(instance), call, args };
  return thread(what, ({ source, call, args, ...here }, _api, _inspect, programs): number => {
    // biome-ignore lint/security/noGlobalEval: its source is a function of the tests
    const { [call]: run } = globalThis.eval(`(${source})`)(here, programs);
    return run(...args);
  });
}

/** The handle that the program has at an address. */
export function handleAt<K extends string>({ memory }: Place, kind: K, at: number) {
  const [address, stamp] = new Int32Array(memory.buffer, at, 2) as unknown as [number, number];
  return { kind, memory, address, stamp };
}

/** What the program has written at an address. */
export const numbersAt = ({ memory }: Place, address: number, count: number): number[] => [
  ...new Int32Array(memory.buffer, address, count),
];
