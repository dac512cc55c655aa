/**
 * What checks the checker? Break the module in every small way, and see whether the scenarios notice.
 *
 * A mutant is the module with one instruction changed: a store left out, a condition turned round, a constant another, an atomic access made plain. If no scenario of a primitive objects to it, then either the scenarios are blind
 * in that place, or the change makes no difference; each such survivor is listed in survivors.ts with
 * the reason why it is harmless.
 *
 * Only instructions that the primitive's scenarios run are changed. An atomic access is made plain only where threads
 * do meet (check.ts calls the other words quiet; there, it is proven to make no difference). Constants of time are left
 * alone: time is abstract here, a wait ends when the checker says so.
 */

import type { Options, Verdict } from './check.ts';
import { accessOf, type Func, type Instruction, type Module } from './decode.ts';
import { type Core, run, type Scenario } from './scenario.ts';

export interface Mutant {
  /** Offset of the instruction in the file. */
  readonly at: number;
  readonly what: string;
  readonly module: Module;
}

/** What takes an instruction's place. */
interface Change {
  readonly what: string;
  readonly code: readonly Instruction[];
  /** Additional locals the new code needs; all hold i32. */
  readonly locals?: number;
}

/** All mutants of the covered instructions; where it matters that they are atomic (`busy`), and in one step (`contested`). */
export function* mutants(
  module: Module,
  covered: ReadonlySet<number>,
  busy: ReadonlySet<number>,
  contested: ReadonlySet<number>,
): Generator<Mutant> {
  for (const [f, func] of module.functions.entries()) {
    for (const [pc, instruction] of func.code.entries()) {
      if (!covered.has(instruction.at)) continue;
      const dropped = func.code[pc + 1]?.name === 'drop';
      for (const change of changesOf(instruction, func.locals.length, {
        busy: busy.has(instruction.at),
        contested: contested.has(instruction.at),
        dropped,
      })) {
        const functions = module.functions.with(f, replaced(func, pc, change));
        yield { at: instruction.at, what: change.what, module: { ...module, functions } };
      }
    }
  }
}

/** Puts other code in an instruction's place; branches over it are lengthened. */
function replaced(func: Func, pc: number, change: Change): Func {
  const growth = change.code.length - 1;
  const shifted = (to: number): number => (to > pc ? to + growth : to);
  const moved = (instruction: Instruction): Instruction => ({
    ...instruction,
    branches: instruction.branches.map((branch) => ({ ...branch, to: shifted(branch.to) })),
  });
  // Branches inside the new code are relative to its beginning.
  const code = change.code.map((instruction) =>
    instruction.branches === func.code[pc]!.branches
      ? moved(instruction)
      : { ...instruction, branches: instruction.branches.map((branch) => ({ ...branch, to: pc + branch.to })) },
  );
  return {
    ...func,
    locals: [...func.locals, ...Array<'i32'>(change.locals ?? 0).fill('i32')],
    code: [...func.code.slice(0, pc).map(moved), ...code, ...func.code.slice(pc + 1).map(moved)],
  };
}

/** Each turns into the other. */
const OPPOSITES = [
  ['add', 'sub'],
  ['and', 'or'],
  ['shl', 'shr_u'],
  ['eq', 'ne'],
  ['lt_s', 'ge_s'],
  ['lt_u', 'ge_u'],
  ['gt_s', 'le_s'],
  ['gt_u', 'le_u'],
  ['lt', 'ge'],
  ['gt', 'le'],
] as const;
/** The neighbour that differs in one case only. */
const NEIGHBOURS = [
  ['lt_s', 'le_s'],
  ['lt_u', 'le_u'],
  ['gt_s', 'ge_s'],
  ['gt_u', 'ge_u'],
  ['lt', 'le'],
  ['gt', 'ge'],
] as const;

function* changesOf(
  instruction: Instruction,
  locals: number,
  { busy, contested, dropped }: { readonly busy: boolean; readonly contested: boolean; readonly dropped: boolean },
): Generator<Change> {
  const { name, immediate } = instruction;
  const other = (name: string, immediate: number | bigint = 0): Instruction => ({
    name,
    at: instruction.at,
    immediate,
    branches: [],
  });
  const drops = (count: number): Instruction[] => Array.from({ length: count }, () => other('drop'));

  switch (name) {
    case 'br_if':
    case 'if':
      // The two differ in nothing but when they jump.
      yield { what: 'condition turned round', code: [{ ...instruction, name: name === 'if' ? 'br_if' : 'if' }] };
      return;
    case 'select':
      yield { what: 'select turned round', code: [other('i32.eqz'), instruction] };
      return;
    case 'i32.const':
      yield { what: `${immediate} → ${immediate ? 0 : 1}`, code: [other('i32.const', immediate ? 0 : 1)] };
      return;
    case 'i32.eqz':
      yield { what: 'negation left out', code: [other('i32.eqz'), other('i32.eqz')] };
      return;
    case 'memory.atomic.notify':
      yield { what: 'notify left out', code: [...drops(2), other('i32.const', 0)] };
      return;
    case 'memory.atomic.wait32':
      yield { what: 'wait left out', code: [...drops(3), other('i32.const', 0)] };
      return;
    case 'memory.fill':
      yield { what: 'fill left out', code: drops(3) };
      return;
  }

  const access = accessOf(name);
  if (access) {
    const plain = (kind: 'load' | 'store'): string => {
      const width =
        access.bytes * 8 < Number(access.type.slice(1)) ? `${access.bytes * 8}${kind === 'load' ? '_u' : ''}` : '';
      return `${access.type}.${kind}${width}`;
    };
    const load = other(plain('load').replace('.load', access.atomic ? '.atomic.load' : '.load'), immediate);
    if (access.kind === 'load') {
      if (access.atomic && busy) yield { what: 'load made plain', code: [other(plain('load'), immediate)] };
      return;
    }
    if (access.kind === 'store') {
      yield { what: 'store left out', code: drops(2) };
      if (access.atomic && busy) yield { what: 'store made plain', code: [other(plain('store'), immediate)] };
      return;
    }
    yield { what: `${access.kind} only reads`, code: [...drops(access.kind === 'cmpxchg' ? 2 : 1), load] };
    if (!busy) return;
    if (access.kind === 'xchg' && dropped) {
      // It is a store; the exchange is there because engines do it faster.
      yield { what: 'xchg made plain', code: [other(plain('store'), immediate), other('i32.const', 0)] };
      return;
    }
    if (!contested) return;
    // Not one step: a load, and a store some time later.
    const [at, found, operand, expected] = [locals, locals + 1, locals + 2, locals + 3];
    const read = [
      other('local.set', at),
      other('local.get', at),
      other(load.name, immediate),
      other('local.tee', found),
    ];
    const store = other(plain('store').replace('.store', '.atomic.store'), immediate);
    if (access.kind === 'cmpxchg') {
      const skip: Instruction = { ...other('if'), branches: [{ to: 12, keep: 0, height: 0, back: false }] };
      yield {
        what: 'compare, then exchange',
        locals: 4,
        code: [
          other('local.set', operand),
          other('local.set', expected),
          ...read,
          other('local.get', expected),
          other('i32.eq'),
          skip,
          other('local.get', at),
          other('local.get', operand),
          store,
          other('local.get', found),
        ],
      };
    } else {
      const compute =
        access.kind === 'xchg'
          ? [other('drop'), other('local.get', operand)]
          : [other('local.get', operand), other(`i32.${access.kind}`)];
      yield {
        what: `read, then ${access.kind}`,
        locals: 4,
        code: [
          other('local.set', operand),
          ...read,
          ...compute,
          other('local.set', expected),
          other('local.get', at),
          other('local.get', expected),
          store,
          other('local.get', found),
        ],
      };
    }
    return;
  }

  const [type, operation] = name.split('.') as [string, string];
  for (const [pairs, both] of [
    [OPPOSITES, true],
    [NEIGHBOURS, true],
  ] as const) {
    for (const [a, b] of pairs) {
      const to = operation === a ? b : both && operation === b ? a : undefined;
      if (to) yield { what: `${operation} → ${to}`, code: [other(`${type}.${to}`)] };
    }
  }
}

export interface Outcome {
  readonly mutant: Omit<Mutant, 'module'>;
  /** The primitives whose scenarios run the changed instruction. */
  readonly primitives: readonly string[];
  /** The scenario that noticed, and what; nothing for a survivor. */
  readonly killer: string | undefined;
  readonly fault: string | undefined;
}

/** A scenario of the unbroken module: what came of it, and the instructions it runs. */
interface Original {
  readonly scenario: Scenario;
  readonly verdict: Verdict;
  readonly covered: ReadonlySet<number>;
}

/** How many times as many states as the original a mutant may make before a scenario gives it up. */
const PATIENCE = 4;
/** So many of those that noticed a mutant last are asked first about the next one: it is often a neighbour. */
const MOST_RECENT = 4;

export interface Hunt {
  /** Scenarios of more states are run only so far. */
  readonly mostStates: number;
  /** Every `of`-th mutant, from the `shard`-th on. */
  readonly shard?: number;
  readonly of?: number;
  /** Only mutants of these instructions. */
  readonly chosen?: (at: number) => boolean;
  /**
   * Survivors that are known, with a reason. Only scenarios that are run to their ends have to let them live once more:
   * the others would need most of the time, to say nothing new.
   */
  readonly known?: (mutant: Omit<Mutant, 'module'>) => boolean;
}

/** Of the core, and of what programs have in front of it. */
function* mutantsOf(
  core: Core,
  ...sets: [ReadonlySet<number>, ReadonlySet<number>, ReadonlySet<number>]
): Generator<Omit<Mutant, 'module'> & { readonly core: Core }> {
  for (const { module, ...mutant } of mutants(core.module, ...sets)) yield { ...mutant, core: { ...core, module } };
  for (const { module, ...mutant } of mutants(core.imports, ...sets))
    yield { ...mutant, core: { ...core, imports: module } };
}

/** Runs each mutant in all scenarios that run the changed instruction, the smallest first, until one notices. */
export function* hunt(
  core: Core,
  scenarios: readonly Scenario[],
  { mostStates, shard = 0, of = 1, chosen = () => true, known = () => false }: Hunt,
): Generator<Outcome> {
  const busy = new Set<number>();
  const contested = new Set<number>();
  const originals: Original[] = [];
  for (const scenario of scenarios) {
    const { verdict, covered } = run(core, scenario, { mostStates });
    if (verdict.counterexample) throw new Error(`${scenario.name} does not hold: nothing to mutate`);
    for (const at of verdict.dependentInstructions) busy.add(at);
    for (const at of verdict.contestedInstructions) contested.add(at);
    originals.push({ scenario, verdict, covered });
  }
  originals.sort((a, b) => a.verdict.states - b.verdict.states);

  const covered = new Set(originals.flatMap((one) => [...one.covered]).filter(chosen));
  let index = 0;
  let recent: readonly Original[] = [];
  for (const { core: broken, ...mutant } of mutantsOf(core, covered, busy, contested)) {
    if (index++ % of !== shard) continue;
    const concerned = originals.filter(({ covered }) => covered.has(mutant.at));
    const primitives = [...new Set(concerned.map(({ scenario }) => scenario.primitive))];
    const tried = known(mutant)
      ? concerned.filter(({ verdict }) => !verdict.exceeded)
      : new Set([...recent.filter((one) => concerned.includes(one)), ...concerned]);
    let fault: string | undefined;
    let killer: Original | undefined;
    for (const one of tried) {
      const { states } = one.verdict;
      const most = states > mostStates ? 2 * mostStates : PATIENCE * (states + 1000);
      fault = attempt(broken, one.scenario, { mostStates: most, known: one.verdict });
      if (fault === undefined) continue;
      killer = one;
      recent = [one, ...recent.filter((other) => other !== one)].slice(0, MOST_RECENT);
      break;
    }
    yield { mutant, primitives, killer: killer && `${killer.scenario.primitive}: ${killer.scenario.name}`, fault };
  }
}

function attempt(core: Core, scenario: Scenario, options: Options): string | undefined {
  try {
    return run(core, scenario, options).verdict.counterexample?.fault;
  } catch (error) {
    // The world could not even be laid out, or impossible memory led the checker itself astray.
    return `${(error as Error).message}`;
  }
}
