/**
 * Does the interpreter compute what WebAssembly computes?
 *
 * The checker's verdict is worth what its interpreter is worth. So every instruction that the decoder knows (but the
 * structured ones, which the scenarios exercise) is put into a small function of its own, which then runs twice on the
 * same operands: in the JavaScript engine and in the interpreter. Results, memory and traps must be the same.
 * Operands are drawn from the values where arithmetic goes wrong, and at random.
 */

import { accessOf, decode, instructionSet, signature, type ValueType } from './decode.ts';
import { Interpreter, modified, read, type Value, write } from './interpret.ts';

const STRUCTURED =
  /^(unreachable|nop|block|loop|if|else|end|br.*|return|call|drop|select|local\..*|global\..*|.*\.const|memory\.(size|grow))$/;
const CODE_OF: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };
/** Accesses go to the first bytes of memory; a fill may be as long. */
const ARENA = 64;

export interface Difference {
  readonly instruction: string;
  readonly operands: readonly Value[];
  readonly engine: string;
  readonly interpreter: string;
}

/** Runs every instruction `rounds` times on both sides. */
export function differences(
  rounds: number,
  random: () => number,
): { instructions: number; runs: number; differences: Difference[] } {
  const tested = [...instructionSet()].filter(([, name]) => !STRUCTURED.test(name));
  const bytes = moduleOf(tested);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), { env: { memory } });
  const interpreter = new Interpreter(decode(bytes));
  const found: Difference[] = [];
  let runs = 0;

  const ours = new DataView(new ArrayBuffer(ARENA));
  const theirs = new Uint8Array(memory.buffer, 0, ARENA);
  for (const [, name] of tested) {
    for (let i = 0; i < rounds; i++) {
      const operands = operandsOf(name, random);
      for (let at = 0; at < ARENA; at++) {
        const byte = Math.floor(random() * 256);
        theirs[at] = byte;
        ours.setUint8(at, byte);
      }
      // A compare-exchange that always fails would prove nothing.
      const access = accessOf(name);
      if (access?.kind === 'cmpxchg' && random() < 0.5)
        operands[1] = read(ours, { ...access, signed: false }, Number(operands[0]));

      const engine = outcome(() => (instance.exports[name] as (...values: Value[]) => Value)(...operands), theirs);
      const interpreted = outcome(() => interpret(interpreter, name, operands, ours), new Uint8Array(ours.buffer));
      runs++;
      if (engine !== interpreted) found.push({ instruction: name, operands, engine, interpreter: interpreted });
    }
  }
  return { instructions: tested.length, runs, differences: found };
}

/** What came out and what memory holds, as text; every trap is the same trap. */
function outcome(run: () => Value | undefined, memory: Uint8Array): string {
  let result: string;
  try {
    const value = run();
    result = Object.is(value, -0) ? '-0' : String(value);
  } catch {
    result = 'trap';
  }
  return `${result} ${memory.join(' ')}`;
}

/** One call in the interpreter, with a memory that nobody else uses. */
function interpret(
  interpreter: Interpreter,
  name: string,
  operands: readonly Value[],
  memory: DataView,
): Value | undefined {
  const frames = interpreter.enter(name, operands);
  for (;;) {
    const { want, result } = interpreter.run(frames);
    switch (want?.kind) {
      case undefined:
        return result;
      case 'access': {
        const { access, address, operand, expected } = want;
        const found = access.kind === 'store' ? undefined : read(memory, access, address);
        if (access.kind !== 'load') write(memory, access, address, modified(access, found ?? 0, operand, expected));
        interpreter.answer(frames, found);
        break;
      }
      case 'fill':
        new Uint8Array(memory.buffer).fill(want.byte, want.address, want.address + want.length);
        break;
      case 'wait': {
        const found = want.bytes === 4 ? memory.getInt32(want.address, true) : memory.getBigInt64(want.address, true);
        interpreter.answer(frames, found === want.expected ? 2 : 1);
        break;
      }
      case 'notify':
        interpreter.answer(frames, 0);
        break;
      default:
        throw new Error(`${want?.kind} is not part of this test`);
    }
  }
}

const EDGES = [
  0, 1, -1, 2, 7, 31, 32, 33, 63, 64, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fffffff, -0x80000000,
];
const FLOAT_EDGES = [
  ...EDGES,
  -0,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0.49999999999999994,
  Number.MIN_VALUE,
  Number.MAX_VALUE,
  Number.EPSILON,
  Infinity,
  -Infinity,
  NaN,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  4294967295.5,
  -2147483648.9,
  16777217,
];

function operandsOf(name: string, random: () => number): Value[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const i32 = (): number => (random() < 0.5 ? pick(EDGES) : (random() * 2 ** 32) | 0);
  const i64 = (): bigint => {
    if (random() < 0.3) return BigInt(pick(EDGES));
    if (random() < 0.2)
      return pick([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 2n ** 40n + 2n ** 16n, (1n << 62n) + 1n]);
    return BigInt.asIntN(64, (BigInt(i32()) << 32n) ^ BigInt(i32())) >> BigInt(below(64));
  };
  const f64 = (): number => (random() < 0.5 ? pick(FLOAT_EDGES) : (random() - 0.5) * 2 ** below(70));
  const make = { i32, i64, f32: () => Math.fround(f64()), f64 };

  const { params } = signature(name);
  const operands: Value[] = params.map((type) => make[type]());
  const access = accessOf(name);
  if (access) operands[0] = access.atomic ? below(4) * 8 : below(32); // mostly aligned where it must be …
  if (access?.atomic && random() < 0.1) operands[0] = below(32); // … but a trap is a result too
  if (name.startsWith('memory.atomic.')) operands[0] = below(4) * 8;
  if (name.includes('.wait')) operands[2] = 0n; // nobody is there to wake us
  if (name === 'memory.fill') [operands[0], operands[2]] = [below(32), below(32)];
  return operands;
}

/** A module with one exported function for each instruction: its operands in, its result out. */
function moduleOf(tested: readonly (readonly [number, string])[]): Uint8Array {
  const number = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...number(value >> 7)]);
  const text = (value: string): number[] => [...number(value.length), ...new TextEncoder().encode(value)];
  const list = (items: readonly number[][]): number[] => [...number(items.length), ...items.flat()];
  const section = (id: number, content: readonly number[]): number[] => [id, ...number(content.length), ...content];
  const types = (of: readonly ValueType[]): number[] => list(of.map((type) => [CODE_OF[type]]));

  const body = ([code, name]: readonly [number, string]): number[] => {
    const opcode = code > 0xff ? [code >> 8, ...number(code & 0xff)] : [code];
    const access = accessOf(name);
    const bytes = access?.bytes ?? (name.endsWith('64') ? 8 : 4);
    const isMemory = access !== undefined || name.startsWith('memory.atomic.');
    const immediates = isMemory ? [Math.log2(bytes), 0] : name === 'memory.fill' ? [0] : [];
    const gets = signature(name).params.flatMap((_, i) => [0x20, i]);
    const content = [0, ...gets, ...opcode, ...immediates, 0x0b];
    return [...number(content.length), ...content];
  };
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      list(tested.map(([, name]) => [0x60, ...types(signature(name).params), ...types(signature(name).results)])),
    ),
    ...section(2, list([[...text('env'), ...text('memory'), 2, 3, 1, 1]])),
    ...section(3, list(tested.map((_, i) => number(i)))),
    ...section(7, list(tested.map(([, name], i) => [...text(name), 0, ...number(i)]))),
    ...section(10, list(tested.map(body))),
  ]);
}
