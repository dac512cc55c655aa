/**
 * The interpreter: runs one thread of a decoded module, and stops before everything that others could notice.
 *
 * Between two accesses to shared memory a wasm thread is on its own: the same local state always computes the same
 * next step. So the interpreter never touches memory itself. It runs until the thread wants something from the world
 * (an access, a wait, the time …), says what, and goes on when it is told the result. That makes a thread a
 * function from (local state, result) to (next local state, next operation), which the checker computes once
 * and then looks up.
 *
 * Values are i32: number (signed), i64: bigint (signed), f32 and f64: number.
 */

import {
  type Access,
  accessOf,
  type Func,
  type Instruction,
  type Module,
  signature,
  type ValueType,
} from './decode.ts';

export type Value = number | bigint;

/** One activation of a function: where it is, its locals, its operand stack. */
export interface Frame {
  readonly func: Func;
  pc: number;
  readonly locals: Value[];
  readonly stack: Value[];
}

/** What a thread wants from the world before it can go on. `at` is the offset of the instruction in the file. */
export type Want =
  | {
      readonly kind: 'access';
      readonly access: Access;
      readonly address: number;
      readonly operand: Value;
      readonly expected: Value;
      readonly at: number;
    }
  | {
      readonly kind: 'wait';
      readonly address: number;
      readonly bytes: 4 | 8;
      readonly expected: Value;
      readonly timeout: bigint;
      readonly at: number;
    }
  | { readonly kind: 'notify'; readonly address: number; readonly count: number; readonly at: number }
  | {
      readonly kind: 'fill';
      readonly address: number;
      readonly byte: number;
      readonly length: number;
      readonly at: number;
    }
  | { readonly kind: 'size'; readonly at: number }
  | { readonly kind: 'grow'; readonly pages: number; readonly at: number }
  | { readonly kind: 'import'; readonly name: string; readonly args: readonly Value[]; readonly at: number };

/** How a run ended: with a wish, or with the result of the whole call. */
export interface Stop {
  readonly want: Want | undefined;
  readonly result: Value | undefined;
  /** The thread passed a place where an engine may stop it for good: a function's entry or a loop's head. */
  readonly safepoint: boolean;
}

/** What makes the engine trap. In lockwork a trap is always a bug. */
export class Trap extends Error {}

/** Far more than any path through the core between two accesses: such a thread will never come back. */
const PATIENCE = 1_000_000;

export class Interpreter {
  readonly module: Module;
  /** Offsets of all instructions that were run. */
  readonly covered = new Set<number>();
  private readonly live = new Map<Func, readonly bigint[]>();

  constructor(module: Module) {
    this.module = module;
  }

  /** The frames of a call that has not begun. */
  enter(name: string, args: readonly Value[]): Frame[] {
    const index = this.module.exports.get(name);
    if (index === undefined) throw new Error(`the module has no export ${name}`);
    return [this.frame(index, args)];
  }

  private frame(index: number, args: readonly Value[]): Frame {
    const func = this.module.functions[index - this.module.imports.length]!;
    if (args.length !== func.type.params.length)
      throw new Error(`${func.name} takes ${func.type.params.length} arguments, not ${args.length}`);
    const locals = func.locals.map((type, i) => args[i] ?? (type === 'i64' ? 0n : 0));
    return { func, pc: 0, locals, stack: [] };
  }

  /** Runs the topmost frame on until something is wanted. `frames` is changed in place. */
  run(frames: Frame[]): Stop {
    let safepoint = false;
    for (let steps = 0; ; steps++) {
      if (steps > PATIENCE) throw new Trap('runs for ever without an access to memory');
      const frame = frames[frames.length - 1]!;
      const { stack, locals } = frame;
      const instruction = frame.func.code[frame.pc++]!;
      const { name, immediate } = instruction;
      this.covered.add(instruction.at);
      switch (name) {
        case 'local.get':
          stack.push(locals[Number(immediate)]!);
          continue;
        case 'local.set':
          locals[Number(immediate)] = stack.pop()!;
          continue;
        case 'local.tee':
          locals[Number(immediate)] = stack[stack.length - 1]!;
          continue;
        case 'global.get':
          stack.push(this.module.globals[Number(immediate)]!);
          continue;
        case 'i32.const':
        case 'i64.const':
        case 'f32.const':
        case 'f64.const':
          stack.push(immediate);
          continue;
        case 'drop':
          stack.pop();
          continue;
        case 'nop':
          continue;
        case 'select': {
          const [a, b, condition] = stack.splice(-3);
          stack.push(condition ? a! : b!);
          continue;
        }
        case 'br':
        case 'br_if':
        case 'if':
        case 'br_table': {
          const branch = chosen(instruction, stack);
          if (!branch) continue;
          safepoint ||= branch.back;
          frame.pc = branch.to;
          stack.splice(branch.height, stack.length - branch.height - branch.keep);
          continue;
        }
        case 'call': {
          const index = Number(immediate);
          const imported = this.module.imports[index];
          const { params } = imported?.type ?? this.module.functions[index - this.module.imports.length]!.type;
          const args = params.length > 0 ? stack.splice(-params.length) : [];
          // In a function of the host a thread may be stopped, too.
          if (imported)
            return {
              want: { kind: 'import', name: imported.name, args, at: instruction.at },
              result: undefined,
              safepoint: true,
            };
          frames.push(this.frame(index, args));
          safepoint = true;
          continue;
        }
        case 'return': {
          const results = frame.func.type.results.length > 0 ? stack.splice(-1) : [];
          frames.pop();
          if (frames.length === 0) return { want: undefined, result: results[0], safepoint };
          frames[frames.length - 1]!.stack.push(...results);
          continue;
        }
        case 'unreachable':
          throw new Trap('unreachable');
      }
      const compute = numeric.get(name);
      if (compute) {
        const right = signature(name).params.length > 1 ? stack.pop()! : 0;
        stack.push(compute(stack.pop()!, right));
        continue;
      }
      return { want: wanted(instruction, stack), result: undefined, safepoint };
    }
  }

  /** Tells the waiting thread the result of what it wanted. Nothing for a store. */
  answer(frames: Frame[], result: Value | undefined): void {
    if (result !== undefined) frames[frames.length - 1]!.stack.push(result);
  }

  /**
   * Sets every local that will not be read again to zero, so that two local states which differ only in leftovers
   * become one. Without this every value a thread has ever seen would split the state space.
   */
  forget(frames: Frame[]): void {
    for (const frame of frames) {
      const live = this.liveAt(frame.func)[frame.pc] ?? 0n;
      for (let i = 0; i < frame.locals.length; i++)
        if (!((live >> BigInt(i)) & 1n)) frame.locals[i] = frame.func.locals[i] === 'i64' ? 0n : 0;
    }
  }

  /** For each instruction the set (as bits) of the locals that some path from there reads before it writes them. */
  private liveAt(func: Func): readonly bigint[] {
    const known = this.live.get(func);
    if (known) return known;
    const live = new Array<bigint>(func.code.length + 1).fill(0n);
    for (let changed = true; changed; ) {
      changed = false;
      for (let pc = func.code.length - 1; pc >= 0; pc--) {
        const { name, immediate, branches } = func.code[pc]!;
        const ends = name === 'return' || name === 'unreachable' || name === 'br' || name === 'br_table';
        let set = ends ? 0n : live[pc + 1]!;
        for (const branch of branches) set |= live[branch.to]!;
        const bit = name.startsWith('local.') ? 1n << BigInt(immediate) : 0n;
        if (name === 'local.get') set |= bit;
        else set &= ~bit;
        if (set !== live[pc]) {
          live[pc] = set;
          changed = true;
        }
      }
    }
    this.live.set(func, live);
    return live;
  }
}

/** The branch that is taken, if any. */
function chosen({ name, branches }: Instruction, stack: Value[]) {
  if (name === 'br') return branches[0]!;
  const condition = Number(stack.pop()!);
  if (name === 'br_table') return branches[Math.min(condition >>> 0, branches.length - 1)]!;
  return (condition !== 0) === (name === 'br_if') ? branches[0]! : undefined;
}

function wanted({ name, at, immediate }: Instruction, stack: Value[]): Want {
  const address = (): number => (Number(stack.pop()!) >>> 0) + Number(immediate);
  const aligned = (address: number, bytes: number): number => {
    if (address % bytes !== 0) throw new Trap(`unaligned atomic access to ${address}`);
    return address;
  };
  const access = accessOf(name);
  if (access) {
    const operand = access.kind === 'load' ? 0 : stack.pop()!;
    const expected = access.kind === 'cmpxchg' ? stack.pop()! : 0;
    const where = address();
    if (access.atomic) aligned(where, access.bytes);
    return { kind: 'access', access, address: where, operand, expected, at };
  }
  switch (name) {
    case 'memory.atomic.wait32':
    case 'memory.atomic.wait64': {
      const bytes = name.endsWith('32') ? 4 : 8;
      const timeout = stack.pop() as bigint;
      const expected = stack.pop()!;
      return { kind: 'wait', bytes, timeout, expected, address: aligned(address(), bytes), at };
    }
    case 'memory.atomic.notify': {
      const count = Number(stack.pop()!) >>> 0;
      return { kind: 'notify', count, address: aligned(address(), 4), at };
    }
    case 'memory.fill': {
      const [start, byte, length] = stack.splice(-3).map(Number) as [number, number, number];
      return { kind: 'fill', address: start >>> 0, byte: byte & 255, length: length >>> 0, at };
    }
    case 'memory.size':
      return { kind: 'size', at };
    case 'memory.grow':
      return { kind: 'grow', pages: Number(stack.pop()!) >>> 0, at };
  }
  throw new Error(`the interpreter does not know ${name}`);
}

/* Memory accesses, for what plays the memory. */

/** What a store or read-modify-write instruction leaves in memory, given what it found there (zero-extended). */
export function modified(access: Access, found: Value, operand: Value, expected: Value): Value {
  if (access.kind === 'store') return operand;
  const bits = access.bytes * 8;
  const cut = (value: Value): bigint => BigInt.asUintN(bits, BigInt(value));
  const [old, by] = [cut(found), cut(operand)];
  const next = (): bigint => {
    switch (access.kind) {
      case 'add':
        return old + by;
      case 'sub':
        return old - by;
      case 'and':
        return old & by;
      case 'or':
        return old | by;
      case 'xor':
        return old ^ by;
      case 'cmpxchg':
        return old === cut(expected) ? by : old;
      default:
        return by;
    }
  };
  const value = BigInt.asUintN(bits, next());
  return access.type === 'i64' ? BigInt.asIntN(64, value) : Number(value) | 0;
}

export function read(memory: DataView, { type, bytes, signed }: Access, address: number): Value {
  if (type === 'f32') return memory.getFloat32(address, true);
  if (type === 'f64') return memory.getFloat64(address, true);
  if (bytes === 8) return memory.getBigInt64(address, true);
  const bits = bytes * 8;
  const raw =
    bytes === 4
      ? memory.getInt32(address, true)
      : bytes === 2
        ? memory.getUint16(address, true)
        : memory.getUint8(address);
  if (type === 'i64') return signed ? BigInt.asIntN(bits, BigInt(raw)) : BigInt.asUintN(bits, BigInt(raw));
  return signed ? (raw << (32 - bits)) >> (32 - bits) : raw;
}

export function write(memory: DataView, { type, bytes }: Access, address: number, value: Value): void {
  if (type === 'f32') memory.setFloat32(address, Number(value), true);
  else if (type === 'f64') memory.setFloat64(address, Number(value), true);
  else if (bytes === 8) memory.setBigInt64(address, BigInt(value), true);
  else {
    const low = Number(BigInt.asIntN(32, BigInt(value)));
    if (bytes === 4) memory.setInt32(address, low, true);
    else if (bytes === 2) memory.setInt16(address, low, true);
    else memory.setInt8(address, low);
  }
}

/* The numeric instructions: one function each, built from short tables. */

type Compute = (a: never, b: never) => Value;
export const numeric = new Map<string, (a: Value, b: Value) => Value>();
const table = (type: ValueType, entries: Record<string, Compute>): void => {
  for (const [name, compute] of Object.entries(entries))
    numeric.set(`${type}.${name}`, compute as (a: Value, b: Value) => Value);
};

const scratch = new DataView(new ArrayBuffer(8));
/** The same bits, as another type. */
const reinterpret =
  <A, B>(put: (value: A) => void, get: () => B) =>
  (value: A): B => {
    put(value);
    return get();
  };
const f32 = Math.fround;
const bool = (condition: boolean): number => (condition ? 1 : 0);
const nonzero = <T extends Value>(divisor: T): T => {
  if (!divisor) throw new Trap('integer divide by zero');
  return divisor;
};

table('i32', {
  eqz: (a: number) => bool(a === 0),
  eq: (a: number, b: number) => bool(a === b),
  ne: (a: number, b: number) => bool(a !== b),
  lt_s: (a: number, b: number) => bool(a < b),
  lt_u: (a: number, b: number) => bool(a >>> 0 < b >>> 0),
  gt_s: (a: number, b: number) => bool(a > b),
  gt_u: (a: number, b: number) => bool(a >>> 0 > b >>> 0),
  le_s: (a: number, b: number) => bool(a <= b),
  le_u: (a: number, b: number) => bool(a >>> 0 <= b >>> 0),
  ge_s: (a: number, b: number) => bool(a >= b),
  ge_u: (a: number, b: number) => bool(a >>> 0 >= b >>> 0),
  clz: (a: number) => Math.clz32(a),
  ctz: (a: number) => (a === 0 ? 32 : 31 - Math.clz32(a & -a)),
  popcnt: (a: number) => ones(BigInt(a >>> 0)),
  add: (a: number, b: number) => (a + b) | 0,
  sub: (a: number, b: number) => (a - b) | 0,
  mul: (a: number, b: number) => Math.imul(a, b),
  div_s: (a: number, b: number) => {
    if (a === -0x80000000 && b === -1) throw new Trap('integer overflow');
    return (a / nonzero(b)) | 0;
  },
  div_u: (a: number, b: number) => ((a >>> 0) / (nonzero(b) >>> 0)) | 0,
  rem_s: (a: number, b: number) => (a % nonzero(b)) | 0,
  rem_u: (a: number, b: number) => ((a >>> 0) % (nonzero(b) >>> 0)) | 0,
  and: (a: number, b: number) => a & b,
  or: (a: number, b: number) => a | b,
  xor: (a: number, b: number) => a ^ b,
  shl: (a: number, b: number) => a << b,
  shr_s: (a: number, b: number) => a >> b,
  shr_u: (a: number, b: number) => (a >>> b) | 0,
  rotl: (a: number, b: number) => (a << b) | (b & 31 ? a >>> (32 - (b & 31)) : 0),
  rotr: (a: number, b: number) => (a >>> b) | (b & 31 ? a << (32 - (b & 31)) : 0),
  wrap_i64: (a: bigint) => Number(BigInt.asIntN(32, a)),
  extend8_s: (a: number) => (a << 24) >> 24,
  extend16_s: (a: number) => (a << 16) >> 16,
  reinterpret_f32: reinterpret(
    (a: number) => scratch.setFloat32(0, a),
    () => scratch.getInt32(0),
  ),
});

const ones = (a: bigint): number => a.toString(2).replaceAll('0', '').length;
const unsigned = (a: bigint): bigint => BigInt.asUintN(64, a);
const signed = (a: bigint): bigint => BigInt.asIntN(64, a);
const leading = (a: bigint): bigint => BigInt(a === 0n ? 64 : 64 - unsigned(a).toString(2).length);

table('i64', {
  eqz: (a: bigint) => bool(a === 0n),
  eq: (a: bigint, b: bigint) => bool(a === b),
  ne: (a: bigint, b: bigint) => bool(a !== b),
  lt_s: (a: bigint, b: bigint) => bool(a < b),
  lt_u: (a: bigint, b: bigint) => bool(unsigned(a) < unsigned(b)),
  gt_s: (a: bigint, b: bigint) => bool(a > b),
  gt_u: (a: bigint, b: bigint) => bool(unsigned(a) > unsigned(b)),
  le_s: (a: bigint, b: bigint) => bool(a <= b),
  le_u: (a: bigint, b: bigint) => bool(unsigned(a) <= unsigned(b)),
  ge_s: (a: bigint, b: bigint) => bool(a >= b),
  ge_u: (a: bigint, b: bigint) => bool(unsigned(a) >= unsigned(b)),
  clz: leading,
  ctz: (a: bigint) => (a === 0n ? 64n : 63n - leading(a & -a)),
  popcnt: (a: bigint) => BigInt(ones(unsigned(a))),
  add: (a: bigint, b: bigint) => signed(a + b),
  sub: (a: bigint, b: bigint) => signed(a - b),
  mul: (a: bigint, b: bigint) => signed(a * b),
  div_s: (a: bigint, b: bigint) => {
    if (a === -(2n ** 63n) && b === -1n) throw new Trap('integer overflow');
    return a / nonzero(b);
  },
  div_u: (a: bigint, b: bigint) => signed(unsigned(a) / unsigned(nonzero(b))),
  rem_s: (a: bigint, b: bigint) => a % nonzero(b),
  rem_u: (a: bigint, b: bigint) => signed(unsigned(a) % unsigned(nonzero(b))),
  and: (a: bigint, b: bigint) => a & b,
  or: (a: bigint, b: bigint) => a | b,
  xor: (a: bigint, b: bigint) => a ^ b,
  shl: (a: bigint, b: bigint) => signed(a << (b & 63n)),
  shr_s: (a: bigint, b: bigint) => a >> (b & 63n),
  shr_u: (a: bigint, b: bigint) => signed(unsigned(a) >> (b & 63n)),
  rotl: (a: bigint, b: bigint) => signed((a << (b & 63n)) | (unsigned(a) >> (-b & 63n))),
  rotr: (a: bigint, b: bigint) => signed((unsigned(a) >> (b & 63n)) | (a << (-b & 63n))),
  extend_i32_s: (a: number) => BigInt(a),
  extend_i32_u: (a: number) => BigInt(a >>> 0),
  extend8_s: (a: bigint) => BigInt.asIntN(8, a),
  extend16_s: (a: bigint) => BigInt.asIntN(16, a),
  extend32_s: (a: bigint) => BigInt.asIntN(32, a),
  reinterpret_f64: reinterpret(
    (a: number) => scratch.setFloat64(0, a),
    () => scratch.getBigInt64(0),
  ),
});

/** Rounds halves to the even neighbour, as IEEE 754 does and `Math.round` does not. */
const nearest = (a: number): number => {
  if (!Number.isFinite(a) || a === 0 || Math.abs(a) >= 2 ** 52) return a;
  const floor = Math.floor(a);
  const up = a - floor > 0.5 || (a - floor === 0.5 && floor % 2 !== 0);
  const rounded = up ? floor + 1 : floor;
  return rounded === 0 && a < 0 ? -0 : rounded;
};
const isNegative = (a: number): boolean => a < 0 || Object.is(a, -0);

for (const [type, round] of [
  ['f32', f32],
  ['f64', (a: number) => a],
] as const) {
  table(type, {
    eq: (a: number, b: number) => bool(a === b),
    ne: (a: number, b: number) => bool(a !== b),
    lt: (a: number, b: number) => bool(a < b),
    gt: (a: number, b: number) => bool(a > b),
    le: (a: number, b: number) => bool(a <= b),
    ge: (a: number, b: number) => bool(a >= b),
    abs: (a: number) => Math.abs(a),
    neg: (a: number) => -a,
    ceil: (a: number) => Math.ceil(a),
    floor: (a: number) => Math.floor(a),
    trunc: (a: number) => Math.trunc(a),
    nearest,
    sqrt: (a: number) => round(Math.sqrt(a)),
    add: (a: number, b: number) => round(a + b),
    sub: (a: number, b: number) => round(a - b),
    mul: (a: number, b: number) => round(a * b),
    div: (a: number, b: number) => round(a / b),
    min: (a: number, b: number) => Math.min(a, b),
    max: (a: number, b: number) => Math.max(a, b),
    copysign: (a: number, b: number) => (isNegative(a) === isNegative(b) ? a : -a),
    convert_i32_s: (a: number) => round(a),
    convert_i32_u: (a: number) => round(a >>> 0),
    convert_i64_s: (a: bigint) => fromBig(a, type),
    convert_i64_u: (a: bigint) => fromBig(unsigned(a), type),
  });
}
table('f32', {
  demote_f64: f32,
  reinterpret_i32: reinterpret(
    (a: number) => scratch.setInt32(0, a),
    () => scratch.getFloat32(0),
  ),
});
table('f64', {
  promote_f32: (a: number) => a,
  reinterpret_i64: reinterpret(
    (a: bigint) => scratch.setBigInt64(0, a),
    () => scratch.getFloat64(0),
  ),
});

/** To f32 in one rounding: going through f64 would round twice. Odd bits that f64 would drop are kept as a sticky one. */
function fromBig(a: bigint, type: 'f32' | 'f64'): number {
  if (type === 'f64') return Number(a);
  const size = a < 0n ? -a : a;
  const drop = BigInt(Math.max(0, size.toString(2).length - 40));
  const kept = size >> drop;
  const sticky = kept << drop === size ? kept : kept | 1n;
  const value = f32(Number(sticky << drop));
  return a < 0n ? -value : value;
}

/* Float to integer: traps when the value does not fit, or (`sat`) takes the nearest that does. */
for (const [bits, to] of [
  [32, 'i32'],
  [64, 'i64'],
] as const) {
  for (const from of ['f32', 'f64'] as const) {
    for (const sign of ['s', 'u'] as const) {
      const low = sign === 's' ? -(2n ** BigInt(bits - 1)) : 0n;
      const high = sign === 's' ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
      const asValue = (a: bigint): Value => (to === 'i64' ? BigInt.asIntN(64, a) : Number(BigInt.asIntN(32, a)));
      const convert = (a: number, saturate: boolean): Value => {
        if (Number.isFinite(a)) {
          const whole = BigInt(Math.trunc(a));
          if (whole >= low && whole <= high) return asValue(whole);
        }
        if (!saturate) throw new Trap(Number.isNaN(a) ? 'invalid conversion to integer' : 'integer overflow');
        return asValue(Number.isNaN(a) ? 0n : a < 0 ? low : high);
      };
      table(to, {
        [`trunc_${from}_${sign}`]: (a: number) => convert(a, false),
        [`trunc_sat_${from}_${sign}`]: (a: number) => convert(a, true),
      });
    }
  }
}
