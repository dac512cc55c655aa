/**
 * The decoder: from the bytes of a WebAssembly module to lists of instructions.
 *
 * A model checker runs a program under every schedule that could happen. Ours runs the very bytes that
 * are published, so it must read them itself: a library that parses and prints wasm would hand back
 * *equivalent* code, and "equivalent" is what we are here to check.
 *
 * Only what a compiler's output of our kind contains is understood; anything else throws, so that nothing is
 * ever skipped in silence. Every instruction keeps its offset in the file, which leads to a source line.
 *
 * Wasm nests blocks; an interpreter that may be stopped and continued at any instruction prefers a flat list with
 * jumps. So every branch is resolved here to (where to go, how many values to keep, how high the stack is then).
 */

import { CALLS } from '../../bindings/core-table.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64';

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Where a branch leads: the next instruction, and what is left of the operand stack. */
export interface Branch {
  readonly to: number;
  readonly keep: number;
  readonly height: number;
  /** A branch back to the head of a loop. Engines look there whether the thread is to be terminated. */
  readonly back: boolean;
}

export interface Instruction {
  /** The name in the WebAssembly specification: `i32.atomic.rmw.cmpxchg`. A guess is `i32.load align=1`. */
  readonly name: string;
  /** Offset of the instruction in the file. */
  readonly at: number;
  /** The immediate: a constant, the index of a local, a global or a function, or the offset of a memory access. */
  readonly immediate: number | bigint;
  /** For branches; `br_table` has several, the default last. */
  readonly branches: readonly Branch[];
}

export interface Func {
  readonly index: number;
  readonly name: string;
  readonly type: FunctionType;
  /** Types of all locals, parameters first. */
  readonly locals: readonly ValueType[];
  readonly code: readonly Instruction[];
}

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
}

export interface Module {
  /** Imported functions come first in the index space, as in wasm. */
  readonly imports: readonly Import[];
  readonly functions: readonly Func[];
  readonly exports: ReadonlyMap<string, number>;
  /** Names of imported globals, which come first in their index space; only a linker can say what they are (link.ts). */
  readonly variables: readonly string[];
  /** Values of the module's own (immutable) globals. */
  readonly globals: readonly (number | bigint)[];
  /** Offset of the code section's contents; two builds of the same code differ in nothing after it. */
  readonly code: { readonly start: number; readonly end: number };
}

/* The names of the instructions, in the order of their codes. */

const words = (text: string): string[] => text.trim().split(/\s+/);
const opcodes = new Map<number, string>();
const define = (first: number, names: string): void => {
  for (const [i, name] of words(names).entries()) opcodes.set(first + i, name);
};

define(0x00, 'unreachable nop block loop if else');
define(0x0b, 'end br br_if br_table return call');
define(0x1a, 'drop select');
define(0x20, 'local.get local.set local.tee global.get global.set');
define(0x28, 'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u');
define(0x30, 'i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u');
define(0x36, 'i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32');
define(0x3f, 'memory.size memory.grow i32.const i64.const f32.const f64.const');
const comparisons = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const floatComparisons = 'eq ne lt gt le ge';
const integers = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
const floats = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign';
const of = (type: ValueType, names: string): string =>
  words(names)
    .map((name) => `${type}.${name}`)
    .join(' ');
define(0x45, `${of('i32', `eqz ${comparisons}`)} ${of('i64', `eqz ${comparisons}`)}`);
define(0x5b, `${of('f32', floatComparisons)} ${of('f64', floatComparisons)}`);
define(0x67, `${of('i32', integers)} ${of('i64', integers)} ${of('f32', floats)} ${of('f64', floats)}`);
define(0xa7, 'i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u');
define(0xac, 'i64.extend_i32_s i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u');
define(0xb2, 'f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64');
define(0xb7, 'f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32');
define(0xbc, 'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64');
define(0xc0, 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s');
define(0xfc00, 'i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u');
define(0xfc04, 'i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u');
define(0xfc0b, 'memory.fill');
define(0xfe00, 'memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64');
/** Atomic accesses come in seven widths, always in this order. */
const atomics = (first: number, kind: string, suffix = ''): void =>
  define(
    first,
    words('i32.# i64.# i32.#8 i32.#16 i64.#8 i64.#16 i64.#32')
      .map((name) => {
        const narrow = /#\d/.test(name);
        const [head, tail = ''] = kind.split('.');
        return `${name.replace('#', `atomic.${head}`)}${tail && `.${tail}`}${narrow ? suffix : ''}`;
      })
      .join(' '),
  );
atomics(0xfe10, 'load', '_u');
atomics(0xfe17, 'store');
for (const [i, kind] of words('add sub and or xor xchg cmpxchg').entries())
  atomics(0xfe1e + 7 * i, `rmw.${kind}`, '_u');

/** A memory access, read off its name. */
export interface Access {
  readonly type: ValueType;
  readonly bytes: number;
  readonly signed: boolean;
  readonly atomic: boolean;
  /** A look that may race, and find what was there before (assembly/cell.ts). */
  readonly guess: boolean;
  readonly kind: 'load' | 'store' | 'add' | 'sub' | 'and' | 'or' | 'xor' | 'xchg' | 'cmpxchg';
}

const accesses = new Map<string, Access>();
for (const name of opcodes.values()) {
  const match = /^([if]\d\d)\.(atomic\.)?(load|store|rmw)(8|16|32)?(?:\.(\w+?))?(_[su])?$/.exec(name);
  if (!match) continue;
  const [, type, atomic, kind, width, modify, sign] = match;
  accesses.set(name, {
    type: type as ValueType,
    bytes: Number(width ?? type!.slice(1)) / 8,
    signed: sign === '_s',
    atomic: atomic !== undefined,
    guess: false,
    kind: (modify ?? kind) as Access['kind'],
  });
}
const GUESS = 'i32.load align=1';
accesses.set(GUESS, { ...accesses.get('i32.load')!, guess: true });
export const accessOf = (name: string): Access | undefined => accesses.get(name);

/** Operand and result types of an instruction that needs no context to know them. */
export function signature(name: string): FunctionType {
  const type = name.slice(0, 3) as ValueType;
  const access = accesses.get(name);
  if (access) {
    if (access.kind === 'load') return { params: ['i32'], results: [type] };
    if (access.kind === 'store') return { params: ['i32', type], results: [] };
    return { params: access.kind === 'cmpxchg' ? ['i32', type, type] : ['i32', type], results: [type] };
  }
  switch (name) {
    case 'memory.size':
      return { params: [], results: ['i32'] };
    case 'memory.grow':
      return { params: ['i32'], results: ['i32'] };
    case 'memory.fill':
      return { params: ['i32', 'i32', 'i32'], results: [] };
    case 'memory.atomic.notify':
      return { params: ['i32', 'i32'], results: ['i32'] };
    case 'memory.atomic.wait32':
      return { params: ['i32', 'i32', 'i64'], results: ['i32'] };
    case 'memory.atomic.wait64':
      return { params: ['i32', 'i64', 'i64'], results: ['i32'] };
  }
  if (!/^[if]\d\d\./.test(name)) throw new Error(`no signature for ${name}`);
  const operation = name.slice(4);
  if (operation === 'const') return { params: [], results: [type] };
  const from = /_([if]\d\d)/.exec(operation)?.[1] as ValueType | undefined;
  if (from) return { params: [from], results: [type] };
  if (operation === 'eqz') return { params: [type], results: ['i32'] };
  if (/^(clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|extend)/.test(operation))
    return { params: [type], results: [type] };
  const compares = /^(eq|ne|lt|gt|le|ge)(_|$)/.test(operation);
  return { params: [type, type], results: [compares ? 'i32' : type] };
}

/** Every instruction the decoder knows, with its code: the differential test goes through all of them. */
export const instructionSet = (): ReadonlyMap<number, string> => opcodes;

/** Reads numbers and names off the bytes, from left to right. */
class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error('unexpected end of the module');
    return byte;
  }

  /** LEB128: seven bits a byte, the highest bit says that more follow. */
  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }

  view(length: number): DataView {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, length);
    this.at += length;
    return view;
  }

  name(): string {
    const length = this.unsigned();
    return new TextDecoder().decode(this.view(length));
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.unsigned() }, item);
  }

  valueType(): ValueType {
    const byte = this.byte();
    const type = (['f64', 'f32', 'i64', 'i32'] as const)[byte - 0x7c];
    if (!type) throw new Error(`value type 0x${byte.toString(16)} is not supported`);
    return type;
  }

  /** Bounds of the memory: we only have to get past them. */
  limits(): void {
    const flags = this.byte();
    this.unsigned();
    if (flags & 1) this.unsigned();
  }

  /** A constant expression, as it initializes a global. */
  constant(): number | bigint {
    const name = opcodes.get(this.byte())!;
    const value = this.immediateOf(name);
    if (!name.endsWith('.const') || this.byte() !== 0x0b) throw new Error(`a global initialized by ${name}`);
    return value;
  }

  immediateOf(name: string): number | bigint {
    switch (name) {
      case 'i32.const':
        return Number(this.signed());
      case 'i64.const':
        return this.signed();
      case 'f32.const':
        return this.view(4).getFloat32(0, true);
      case 'f64.const':
        return this.view(8).getFloat64(0, true);
      case 'memory.size':
      case 'memory.grow':
      case 'memory.fill':
        return this.unsigned();
    }
    if (accesses.has(name) || name.startsWith('memory.atomic.')) {
      this.unsigned(); // the alignment: a hint, here that of a guess
      return this.unsigned();
    }
    return /^(br|br_if|call|local\..*|global\..*)$/.test(name) ? this.unsigned() : 0;
  }
}

/** `from`: added to the offsets of the instructions, so that they are told from those of another module. */
export function decode(bytes: Uint8Array, from = 0): Module {
  const reader = new Reader(bytes);
  if (reader.view(4).getUint32(0, true) !== 0x6d736100 || reader.view(4).getUint32(0, true) !== 1)
    throw new Error('not a WebAssembly module of version 1');

  let types: FunctionType[] = [];
  const imports: Import[] = [];
  let declared: FunctionType[] = [];
  const exports = new Map<string, number>();
  let table: readonly number[] = [];
  const variables: string[] = [];
  const globals: (number | bigint)[] = [];
  const names = new Map<number, string>();
  const bodies: Reader[] = [];
  const code = { start: 0, end: 0 };

  while (reader.at < bytes.length) {
    const section = reader.byte();
    const length = reader.unsigned();
    const end = reader.at + length;
    switch (section) {
      case 0: // custom: names of functions, if the build kept them
        if (reader.name() === 'name') {
          while (reader.at < end) {
            const kind = reader.byte();
            const next = reader.unsigned() + reader.at;
            if (kind === 1) reader.list(() => names.set(reader.unsigned(), reader.name()));
            reader.at = next;
          }
        }
        reader.at = end;
        break;
      case 1:
        types = reader.list(() => {
          if (reader.byte() !== 0x60) throw new Error('only function types are supported');
          return { params: reader.list(() => reader.valueType()), results: reader.list(() => reader.valueType()) };
        });
        break;
      case 2:
        reader.list(() => {
          const [module, name, kind] = [reader.name(), reader.name(), reader.byte()];
          if (kind === 0) imports.push({ module, name, type: types[reader.unsigned()]! });
          else if (kind === 2) reader.limits();
          else if (kind === 3) {
            reader.valueType();
            reader.byte();
            variables.push(name);
          } else throw new Error(`import ${module}.${name} is neither a function nor a memory`);
        });
        break;
      case 3:
        declared = reader.list(() => types[reader.unsigned()]!);
        break;
      case 4: // of functions
        reader.list(() => {
          if (reader.byte() !== 0x70) throw new Error('only a table of functions is supported');
          reader.limits();
        });
        break;
      case 5:
        reader.list(() => reader.limits());
        break;
      case 6:
        reader.list(() => {
          reader.valueType();
          // A mutable global would be state of the thread that no local-state snapshot contains.
          if (reader.byte() !== 0) throw new Error('a mutable global');
          globals.push(reader.constant());
        });
        break;
      case 7:
        reader.list(() => {
          const [name, kind, index] = [reader.name(), reader.byte(), reader.unsigned()];
          if (kind === 0) exports.set(name, index);
        });
        break;
      case 9:
        reader.list(() => {
          if (reader.unsigned() !== 0 || reader.constant() !== 0)
            throw new Error('elements that are not all of the table');
          table = reader.list(() => reader.unsigned());
        });
        break;
      case 10:
        Object.assign(code, { start: reader.at, end });
        reader.list(() => {
          const size = reader.unsigned();
          bodies.push(new Reader(bytes.subarray(0, reader.at + size), reader.at));
          reader.at += size;
        });
        break;
      default:
        throw new Error(`section ${section} is not supported`);
    }
    if (reader.at !== end) throw new Error(`section ${section} does not end where it says`);
  }

  // What the published core exports.
  for (const [place, index] of table.entries()) exports.set(CALLS[place]!, index);
  for (const [name, index] of exports) if (!names.has(index)) names.set(index, name);
  const typeOf = (index: number): FunctionType => imports[index]?.type ?? declared[index - imports.length]!;
  const functions = bodies.map((body, i) => {
    const index = imports.length + i;
    return decodeBody(
      body,
      { index, name: names.get(index) ?? `function ${index}`, type: declared[i]! },
      types,
      typeOf,
      from,
    );
  });
  return { imports, functions, exports, variables, globals, code };
}

/** A block that is open at some point of the code. */
interface Block {
  readonly kind: 'function' | 'block' | 'loop' | 'if' | 'else';
  readonly height: number;
  readonly params: number;
  readonly results: number;
  /** Branches to its end, which is not known yet. */
  readonly pending: { to: number }[];
  readonly start: number;
  /** The `if` whose condition, when false, jumps to the `else`. */
  otherwise?: { to: number };
  /** The rest of the block cannot be reached (it follows a branch). */
  dead: boolean;
}

/** Flattens one function: follows the height of the operand stack, and resolves every branch. */
function decodeBody(
  reader: Reader,
  head: { index: number; name: string; type: FunctionType },
  types: readonly FunctionType[],
  typeOf: (index: number) => FunctionType,
  from: number,
): Func {
  const locals = [...head.type.params];
  reader.list(() => {
    const count = reader.unsigned();
    const type = reader.valueType();
    for (let i = 0; i < count; i++) locals.push(type);
  });

  const code: Instruction[] = [];
  const blocks: Block[] = [];
  let height = 0;
  const open = (kind: Block['kind'], params: number, results: number, dead: boolean): Block => {
    const block: Block = { kind, height: height - params, params, results, pending: [], start: code.length, dead };
    blocks.push(block);
    return block;
  };
  /** A branch to the block that is `depth` levels out. */
  const branch = (depth: number): Branch => {
    const block = blocks[blocks.length - 1 - depth]!;
    const back = block.kind === 'loop';
    const resolved = { to: block.start, keep: back ? block.params : block.results, height: block.height, back };
    if (!back) block.pending.push(resolved);
    return resolved;
  };
  const blockType = (): { params: number; results: number } => {
    const byte = reader.bytes[reader.at]!;
    if (byte === 0x40 || byte >= 0x7c) {
      reader.at++;
      return { params: 0, results: byte === 0x40 ? 0 : 1 };
    }
    const type = types[Number(reader.signed())]!;
    return { params: type.params.length, results: type.results.length };
  };

  open('function', 0, head.type.results.length, false);
  while (blocks.length > 0) {
    const at = reader.at + from;
    const first = reader.byte();
    const opcode = first === 0xfc || first === 0xfe ? (first << 8) | reader.unsigned() : first;
    const known = opcodes.get(opcode);
    const name = known === 'i32.load' && reader.bytes[reader.at] === 0 ? GUESS : known;
    if (!name) throw new Error(`instruction 0x${opcode.toString(16)} in ${head.name} is not supported`);
    const block = blocks.at(-1)!;
    const emit = (immediate: number | bigint = 0, branches: Branch[] = []): void => {
      if (!block.dead) code.push({ name, at, immediate, branches });
    };
    const pops = (count: number): void => {
      height -= count;
    };
    const never = (): void => {
      block.dead = true;
    };

    switch (name) {
      case 'block':
      case 'loop':
      case 'if': {
        const type = blockType();
        if (name === 'if') pops(1);
        const opened = open(name, type.params, type.results, block.dead);
        if (name === 'if') {
          // Falls through when the condition holds; otherwise jumps to the `else`, or to the end.
          const branches = { to: 0, keep: type.params, height: opened.height, back: false };
          opened.otherwise = branches;
          emit(0, [branches]);
          (opened as { start: number }).start = code.length;
        }
        break;
      }
      case 'else': {
        // The first half is over: jump behind the second one.
        const jump = branch(0);
        if (!block.dead) code.push({ name: 'br', at, immediate: 0, branches: [jump] });
        block.otherwise!.to = code.length;
        const outer = blocks.at(-2)!;
        blocks.pop();
        height = block.height + block.params;
        open('else', block.params, block.results, outer.dead).pending.push(...block.pending);
        break;
      }
      case 'end': {
        blocks.pop();
        if (block.kind === 'if') block.otherwise!.to = code.length;
        for (const waiting of block.pending) waiting.to = code.length;
        height = block.height + block.results;
        if (block.kind === 'function') code.push({ name: 'return', at, immediate: 0, branches: [] });
        break;
      }
      case 'br':
        emit(0, [branch(reader.unsigned())]);
        never();
        break;
      case 'br_if':
        pops(1);
        emit(0, [branch(reader.unsigned())]);
        break;
      case 'br_table': {
        pops(1);
        const depths = reader.list(() => reader.unsigned());
        emit(0, [...depths, reader.unsigned()].map(branch));
        never();
        break;
      }
      case 'return':
      case 'unreachable':
        emit();
        never();
        break;
      case 'call': {
        const callee = reader.unsigned();
        const type = typeOf(callee);
        pops(type.params.length);
        height += type.results.length;
        emit(callee);
        break;
      }
      default: {
        emit(reader.immediateOf(name));
        height += stackEffect(name);
      }
    }
  }
  return { ...head, locals, code };
}

function stackEffect(name: string): number {
  switch (name) {
    case 'nop':
    case 'local.tee':
      return 0;
    case 'local.get':
    case 'global.get':
      return 1;
    case 'drop':
    case 'local.set':
    case 'global.set':
      return -1;
    case 'select':
      return -2;
  }
  const { params, results } = signature(name);
  return results.length - params.length;
}
