/**
 * The linker: the core and instances of `imports.wasm`, one for each thread, as one module for the interpreter.
 *
 * An instance has globals of its own that say in whose name it acts. They never change while its thread may call, so here they
 * are constants; what it writes into one, how many cells of the arena are memory, it has got already.
 *
 * What it imports of the host is, in a thread without tasks, one call of the core: `wait` is the `acquire` or `wait` of a class of
 * the bindings, which blocks. Such a thread has nothing to collect. An instance that is suspended must not wait here: what comes
 * of that are tasks, as other scenarios have them, and engines refuse it in a call that was not made by `promising`.
 */

import {
  KIND_BARRIER,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  NO_ACTION,
} from '../../assembly/abi.ts';
import type { Func, Instruction, Module } from './decode.ts';

/** The globals of an instance, and whether it is suspended where it would wait. */
export interface Globals {
  readonly suspended: boolean;
  readonly thread: number;
  readonly owner: number;
  readonly task: number;
  readonly arena: number;
  readonly cells: number;
}

/** Where an instance's function of this name is found. */
export const inInstance = (name: string, instance: number): string => `${name}@${instance}`;

/** What `wait` calls for each kind, and what behind the stamp. */
const WAITS: readonly (readonly [
  kind: number,
  call: string,
  args: readonly ('thread' | 'owner' | 'task' | 'timeout' | number)[],
])[] = [
  [KIND_LOCK, 'lockAcquire', ['owner', 'timeout']],
  [KIND_RLOCK, 'rlockAcquire', ['task', 'timeout']],
  [KIND_SEMAPHORE, 'semAcquire', ['thread', 'timeout']],
  [KIND_EVENT, 'eventWait', ['thread', 'timeout']],
  [KIND_BARRIER, 'barrierWait', ['thread', 'timeout', NO_ACTION]],
  // Over a Lock.
  [KIND_CONDITION, 'condWait', ['thread', 'thread', 'timeout', 0]],
];

export function link(core: Module, imports: Module, instances: readonly Globals[]): Module {
  const exports = new Map(core.exports);
  const functions = [...core.functions];
  const next = (): number => core.imports.length + functions.length;
  for (const [number, globals] of instances.entries()) {
    const first = next();
    /** Behind the instance's own functions. */
    const host = first + imports.functions.length;
    const indexOf = (index: number): number => {
      const imported = imports.imports[index];
      if (!imported) return first + index - imports.imports.length;
      const { module, name } = imported;
      if (module === 'host') return name === 'wait' ? host : host + 1;
      return core.exports.get(name) ?? fail(`the core has no export ${name}`);
    };
    const linked = (instruction: Instruction): Instruction => {
      const { name, immediate } = instruction;
      if (name === 'call') return { ...instruction, immediate: indexOf(Number(immediate)) };
      if (name === 'global.set') return { ...instruction, name: 'drop', immediate: 0 };
      if (name !== 'global.get') return instruction;
      const variable = imports.variables[Number(immediate)] as
        | 'thread'
        | 'owner'
        | 'task'
        | 'arena'
        | 'cells'
        | undefined;
      const value =
        variable === undefined ? imports.globals[Number(immediate) - imports.variables.length]! : globals[variable];
      return { ...instruction, name: 'i32.const', immediate: value };
    };
    for (const func of imports.functions) functions.push({ ...func, index: next(), code: func.code.map(linked) });
    functions.push({ ...(globals.suspended ? never('wait') : waiting(core, globals)), index: next() });
    functions.push({ ...never('collect'), index: next() });
    for (const [name, index] of imports.exports) exports.set(inInstance(name, number), indexOf(index));
  }
  return { ...core, exports, functions };
}

function fail(why: string): never {
  throw new Error(why);
}

/** In place of an offset. */
export const NOWHERE = -1;
const instruction = (name: string, immediate: number | bigint = 0, to = 0): Instruction => ({
  name,
  at: NOWHERE,
  immediate,
  branches: name === 'if' ? [{ to, keep: 0, height: 0, back: false }] : [],
});

/** `wait(kind, cell, stamp, timeout)`. */
const WAIT = ['i32', 'i32', 'i32', 'f64'] as const;

function waiting(core: Module, globals: Globals): Omit<Func, 'index'> {
  const [KIND, CELL, STAMP, TIMEOUT] = [0, 1, 2, 3];
  const code: Instruction[] = [];
  for (const [kind, call, args] of WAITS) {
    const pushed = args.map((arg) => {
      if (arg === 'timeout') return instruction('local.get', TIMEOUT);
      return instruction('i32.const', typeof arg === 'number' ? arg : globals[arg]);
    });
    const taken = [
      instruction('local.get', CELL),
      instruction('local.get', STAMP),
      ...pushed,
      instruction('call', core.exports.get(call)!),
      instruction('return'),
    ];
    code.push(instruction('local.get', KIND), instruction('i32.const', kind), instruction('i32.eq'));
    code.push(instruction('if', 0, code.length + 1 + taken.length), ...taken);
  }
  code.push(instruction('unreachable'));
  return { name: 'wait', type: { params: WAIT, results: ['i32'] }, locals: WAIT, code };
}

/** What is not called here. */
function never(name: 'wait' | 'collect'): Omit<Func, 'index'> {
  const params = name === 'wait' ? WAIT : [];
  return { name, type: { params, results: [] }, locals: params, code: [instruction('unreachable')] };
}
