import { HEADER_ID_HIGH, HEADER_ID_LOW } from '../../assembly/abi.ts';
import text from '../../build/release/imports.wasm';
import { now } from '../clock.ts';
import { compile } from '../compile.ts';
import { importsOf } from '../core-table.ts';
import type { Memory } from '../globals.ts';
import { Arena, UnsupportedError } from '../index.ts';
import { isShared, loadWord } from '../memory.ts';
import { checkOptions, invalidType, invalidValue, show } from '../validate.ts';
import { Program, type Waiting } from './program.ts';

/** How the calls of the program wait. */
export interface ImportsOptions {
  /**
   * Whether the program is suspended where it would wait, and its thread's event loop goes on: JavaScript Promise Integration.
   * A call of it that may wait must be made by `WebAssembly.promising(exports.f)`. Default: it blocks its thread.
   */
  suspend?: boolean | undefined;
}

/** What a program imports. */
export class Imports {
  /** The import module `lockwork`: functions of i32 and f64, as `include/lockwork.h` declares them. */
  readonly lockwork: Readonly<Record<string, (...numbers: number[]) => number>>;
  readonly #program: Program;
  readonly #memory: Memory;

  /** @internal */
  constructor(program: Program, memory: Memory, calls: object) {
    const { create, destroy } = program;
    this.lockwork = { ...calls, create, destroy, now };
    this.#program = program;
    this.#memory = memory;
  }

  /**
   * The arena of a program that has its bytes in itself, a static array or what its allocator gave: only after
   * `imports(memory)`, and once. Until then each call of the program answers -11, INVALID.
   *
   * @throws TypeError when it is not an arena, or in another memory; when there is one already
   * @throws ThreadingError when it has been destroyed; when the thread has ended
   */
  bind(arena: Arena): void {
    if (!(arena instanceof Arena)) throw invalidType(`bind: the argument must be an Arena, not ${show(arena)}`);
    if (this.#program.bound) throw invalidType('bind: the program has an arena already');
    if (!isIn(this.#memory, arena)) throw invalidType("bind: the arena is not in the program's memory");
    this.#program.bind(arena);
  }
}

/** What is missing where there is no JavaScript Promise Integration. In words of our own: a user's `lib` need not have it. */
const { Suspending } = WebAssembly as { Suspending?: new (call: Waiting) => WebAssembly.ImportValue };

let compiled: WebAssembly.Module | undefined;

/**
 * The primitives as imports of a WebAssembly program, in C, C++, Rust, AssemblyScript or what else has i32 and f64: the
 * module `lockwork` that its instance wants. One call for each instance of the program, in its thread. The program acts as the
 * thread does: it owns what the thread owns, waits beside the thread's tasks, and dies with it.
 *
 * Every call of the program answers a number, and none throws or traps: 0 is OK, less is what `lockwork.h` names.
 *
 * @example
 * const memory = new WebAssembly.Memory({ initial: 3, maximum: 256, shared: true });
 * const arena = new Arena({ memory, byteOffset: 1024, byteLength: 64_512 });
 * const { exports } = new WebAssembly.Instance(module, { env: { memory }, ...imports(arena) });
 *
 * @param place the arena, in the program's memory; or that memory alone, and `bind` gives the arena later
 * @throws TypeError when it is neither; when an option is wrong
 * @throws RangeError when the memory has no page
 * @throws UnsupportedError when the program is to be suspended, and the platform cannot do that
 * @throws OutOfMemoryError when the arena is full
 * @throws ThreadingError when the arena has been destroyed; when the thread has ended
 */
export function imports(place: Arena | Memory, options?: ImportsOptions): Imports {
  checkOptions(options, 'imports', ['suspend']);
  const { suspend = false } = options ?? {};
  if (typeof suspend !== 'boolean') {
    throw invalidType(`imports: the option suspend must be true or false, not ${show(suspend)}`);
  }
  if (suspend && !Suspending) {
    throw new UnsupportedError(
      'imports: this platform cannot suspend a program, since it has no JavaScript Promise Integration (WebAssembly.Suspending). Without the option suspend, the program blocks its thread where that is allowed',
    );
  }
  const early = place instanceof Arena;
  const memory = early ? place.memory : checkMemory(place);
  const program = new Program(memory, suspend);
  const { globals } = program;
  const wait = suspend ? new Suspending!(program.suspended) : program.blocked;
  const host = { ...globals, wait, collect: program.collect };
  compiled ??= compile(text);
  const core = early ? place.threadArena.core : Arena.coreOn(memory);
  const { exports } = new WebAssembly.Instance(compiled, {
    env: { memory },
    core: importsOf(core) as WebAssembly.ModuleImports,
    host,
  });
  if (early) program.bind(place);
  return new Imports(program, memory, exports);
}

function checkMemory(place: unknown): Memory {
  if (Object.prototype.toString.call(place) !== '[object WebAssembly.Memory]') {
    throw invalidType(`imports: the argument must be an Arena, or a WebAssembly.Memory, not ${show(place)}`);
  }
  if (!isShared((place as Memory).buffer)) {
    throw invalidType('imports: the memory is not shared. Make it with { shared: true }');
  }
  // The core's module wants a page to be there.
  if ((place as Memory).buffer.byteLength === 0) {
    throw invalidValue('imports: the memory must have a page or more, not 0');
  }
  return place as Memory;
}

/** The same memory has the same arena in it. Another message brings another object of one memory. */
function isIn(memory: Memory, arena: Arena): boolean {
  const { threadArena, address } = arena;
  if (memory.buffer.byteLength < address + HEADER_ID_HIGH + 4) return false;
  // An id stays while its arena lives.
  return [HEADER_ID_LOW, HEADER_ID_HIGH].every(
    (field) => loadWord(memory, address + field) === threadArena.load(address, field),
  );
}
