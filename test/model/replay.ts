/**
 * A second engine, which shares as little as possible with the first.
 *
 * The checker interprets the module itself, merges local states, forgets dead locals, poisons leftovers. Any of these could be
 * wrong. So here the JavaScript engine runs the code: binaryen rewrites a copy of the module in which every access to memory is a
 * call of an import. A thread is its history, the list of answers it got: to find out what it does next, it is run from its
 * beginning with these answers, and stopped by an exception where they end. Nothing is merged but equal memories with
 * equal histories.
 *
 * Both engines then count how many ways there are to take 1, 2, 3 … steps, and how many complete schedules. If they agree to the
 * last one, they have walked the same tree.
 */

import binaryen from 'binaryen';
import { CALLS } from '../../bindings/core-table.ts';
import { signature } from './decode.ts';
import type { Counts } from './graph.ts';
import type { Value } from './interpret.ts';
import type { Program } from './thread.ts';

/** What the core uses, and nothing that engines do not have yet. */
export const FEATURES = [
  binaryen.Features.Atomics,
  binaryen.Features.BulkMemory,
  binaryen.Features.MutableGlobals,
  binaryen.Features.NontrappingFPToInt,
  binaryen.Features.SignExt,
].reduce((all, one) => all | one);

/** A copy of the module that asks for every access. */
function instrumented(bytes: Uint8Array): WebAssembly.Module {
  const original = binaryen.readBinary(bytes);
  original.setFeatures(FEATURES);
  const used = new Set<string>();
  const text = original
    .emitText()
    .replace(
      /\((([if]\d\d\.(atomic\.)?(load|store|rmw)|memory\.(atomic\.(wait|notify)|fill|size))[\w.]*)( offset=(\d+))?( align=\d+)?/g,
      (_, name, ...groups) => {
        used.add(name);
        return `(call $op:${name} (i32.const ${groups[6] ?? 0})`;
      },
    );
  const imports = [...used].map((name) => {
    const { params, results } = signature(name);
    return `(import "op" "${name}" (func $op:${name} (param i32 ${params.join(' ')}) ${results.map((type) => `(result ${type})`)}))`;
  });
  const copy = binaryen.parseText(text.replace('(module', `(module ${imports.join('\n')}`));
  copy.setFeatures(FEATURES);
  return new WebAssembly.Module(copy.emitBinary() as BufferSource);
}

/** What a thread wants next: an instruction with its operands (the offset first), or something of the scenario's. */
type Wish = { readonly name: string; readonly operands: readonly Value[] } | undefined;

class Stopped extends Error {}

/** Finds out what a program wants after a number of answers. */
class Runner {
  private readonly exports: WebAssembly.Exports;
  private answers: readonly (Value | undefined)[] = [];
  private given = 0;
  private wish: Wish;

  constructor(module: WebAssembly.Module) {
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] =
        kind === 'memory'
          ? new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
          : (...operands: Value[]) => this.ask({ name, operands });
    }
    this.exports = new WebAssembly.Instance(module, imports).exports;
  }

  next(program: Program, answers: readonly (Value | undefined)[]): Wish {
    this.answers = answers;
    this.given = 0;
    this.wish = undefined;
    try {
      const script = program.body();
      for (let turn = script.next(); !turn.done; ) {
        const request = turn.value;
        if (request.kind === 'call') {
          turn = script.next(this.call(request.name)(...request.args));
        } else if (request.kind === 'read')
          turn = script.next(this.ask({ name: 'i32.load', operands: [0, request.address] }));
        else if (request.kind === 'write')
          turn = script.next(this.ask({ name: 'i32.store', operands: [0, request.address, request.value] }));
        else if (request.kind === 'sleep')
          turn = script.next(
            this.ask({
              name: 'memory.atomic.wait32',
              operands: [0, request.address, 0, request.timed ? 1n : -1n],
            }),
          );
        else throw new Error(`${request.kind} has no place in a comparison`);
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    return this.wish;
  }

  private call(name: string): (...args: readonly Value[]) => Value {
    const { calls } = this.exports;
    // What the published core exports.
    if (calls instanceof WebAssembly.Table) return calls.get((CALLS as readonly string[]).indexOf(name));
    return this.exports[name] as (...args: readonly Value[]) => Value;
  }

  private ask(wish: Wish): Value {
    if (this.given < this.answers.length) return this.answers[this.given++] as Value;
    this.wish = wish;
    throw new Stopped();
  }
}

interface Thread {
  readonly answers: readonly (Value | undefined)[];
  readonly wish: Wish;
  readonly next: Map<Value | undefined, Thread>;
  readonly id: number;
}

interface State {
  readonly memory: DataView;
  readonly threads: readonly Thread[];
  /** Threads that sleep, the first to be woken first. */
  readonly sleepers: readonly number[];
}

/** Counts what can happen; the same numbers as `check` without reduction. */
export function count(
  bytes: Uint8Array,
  programs: readonly Program[],
  image: Uint8Array,
  clock: readonly number[],
  longest: number,
): Counts {
  const runner = new Runner(instrumented(bytes));
  let threads = 0;
  const thread = (t: number, answers: readonly (Value | undefined)[]): Thread => ({
    answers,
    wish: runner.next(programs[t]!, answers),
    next: new Map(),
    id: threads++,
  });
  const answered = (t: number, before: Thread, answer: Value | undefined): Thread => {
    const known = before.next.get(answer);
    if (known) return known;
    const next = thread(t, [...before.answers, answer]);
    before.next.set(answer, next);
    return next;
  };

  const successors = (state: State): State[] => {
    const found: State[] = [];
    const go = (
      t: number,
      answer: Value | undefined,
      memory = state.memory,
      sleepers = state.sleepers,
      woken: readonly number[] = [],
    ): void => {
      const next = state.threads.map((thread, other) =>
        other === t ? answered(t, thread, answer) : woken.includes(other) ? answered(other, thread, 0) : thread,
      );
      found.push({ memory, threads: next, sleepers });
    };
    for (const [t, { wish, answers }] of state.threads.entries()) {
      if (!wish) continue;
      const { name } = wish;
      const [offset, base, first, second] = wish.operands as [number, number, Value, Value];
      const address = (offset >>> 0) + (base >>> 0);
      const without = state.sleepers.filter((sleeper) => sleeper !== t);
      if (state.sleepers.includes(t)) {
        if (BigInt(second) >= 0n) go(t, 2, state.memory, without);
      } else if (name === 'clock') {
        const last = answers.filter((answer) => clock.includes(answer as number)).at(-1);
        for (const time of last === undefined ? clock.slice(0, 1) : clock.filter((value) => value >= (last as number)))
          go(t, time);
      } else if (name === 'memory.atomic.wait32') {
        if (state.memory.getInt32(address, true) !== first) go(t, 1);
        else found.push({ ...state, sleepers: [...state.sleepers, t] });
      } else if (name === 'memory.atomic.notify') {
        const here = state.sleepers.filter((sleeper) => {
          const [offset, base] = state.threads[sleeper]!.wish!.operands as [number, number];
          return offset + base === address;
        });
        const woken = here.slice(0, Number(first) >>> 0);
        go(
          t,
          woken.length,
          state.memory,
          state.sleepers.filter((sleeper) => !woken.includes(sleeper)),
          woken,
        );
      } else if (/\.load/.test(name)) go(t, access(state.memory, name, address));
      else {
        const memory = new DataView(state.memory.buffer.slice());
        const answer = access(memory, name, address, first, second);
        go(t, answer, memory);
      }
    }
    return found;
  };
  const keyOf = ({ memory, threads, sleepers }: State): string => {
    // The order of sleepers matters only among those at one address.
    const places = sleepers.map(
      (t) => `${t}@${Number(threads[t]!.wish!.operands[0]) + Number(threads[t]!.wish!.operands[1])}`,
    );
    const order = places.sort((a, b) => a.split('@')[1]!.localeCompare(b.split('@')[1]!));
    return `${threads.map(({ id }) => id)}|${order}|${new Int32Array(memory.buffer).join()}`;
  };

  const start: State = {
    memory: new DataView(image.slice().buffer),
    threads: programs.map((_, t) => thread(t, [])),
    sleepers: [],
  };
  let now = new Map([[keyOf(start), { state: start, ways: 1n }]]);
  const walks: bigint[] = [];
  let complete = 0n;
  for (let length = 0; length <= longest; length++) {
    walks.push(
      BigInt.asUintN(
        64,
        [...now.values()].reduce((sum, { ways }) => sum + ways, 0n),
      ),
    );
    const next: typeof now = new Map();
    for (const { state, ways } of now.values()) {
      const after = successors(state);
      if (after.length === 0) complete += ways;
      for (const state of after) {
        const key = keyOf(state);
        const known = next.get(key);
        if (known) known.ways += ways;
        else next.set(key, { state, ways });
      }
    }
    now = next;
  }
  return { walks, complete: BigInt.asUintN(64, complete) };
}

/** The accesses that occur, on i32 (a byte of it, too) and f64, done in the plainest way; answers what the instruction does. */
function access(
  memory: DataView,
  name: string,
  address: number,
  operand: Value = 0,
  replacement: Value = 0,
): Value | undefined {
  const [, type, kind, byte, modify] =
    /^(i32|f64)\.(?:atomic\.)?(load|store|rmw)(8)?(?:_u)?(?:\.([a-z]+)(?:_u)?)?$/.exec(name) ?? [];
  if (!type) throw new Error(`${name} has no place in a comparison`);
  if (type === 'f64') {
    if (kind === 'load') return memory.getFloat64(address, true);
    memory.setFloat64(address, Number(operand), true);
    return undefined;
  }
  const old = byte ? memory.getUint8(address) : memory.getInt32(address, true);
  if (kind === 'load') return old;
  const value = Number(operand);
  const put = (next: number): void => (byte ? memory.setUint8(address, next) : memory.setInt32(address, next, true));
  switch (modify) {
    case undefined:
      put(value);
      return undefined;
    case 'add':
      put(old + value);
      break;
    case 'sub':
      put(old - value);
      break;
    case 'and':
      put(old & value);
      break;
    case 'or':
      put(old | value);
      break;
    case 'xor':
      put(old ^ value);
      break;
    case 'xchg':
      put(value);
      break;
    case 'cmpxchg':
      if (old === value) put(Number(replacement));
      break;
  }
  return old;
}
