/**
 * A thread as the checker sees it: a graph of local states.
 *
 * A scenario's thread is a generator that calls the module's exports. What happens next in it depends on two things
 * only: its local state (which call, which instruction, which values in locals) and the result of what
 * it just did to shared memory. So every distinct local state is made once, remembered, and its successors
 * with it. However many million states the whole system has, each thread runs each piece of its code once.
 *
 * This is also why threads may loop for ever: they come back to local states that are known.
 */

import type { Access } from './decode.ts';
import { type Frame, type Interpreter, Trap, type Value } from './interpret.ts';

/* What a scenario's thread may do, besides calling exports. */

export type Request =
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Value[] }
  /** An access of the user's own data, which has to be protected by the primitive: plain, so that a race is noticed. */
  | { readonly kind: 'read'; readonly address: number }
  | { readonly kind: 'write'; readonly address: number; readonly value: number }
  /** Reads, or writes, atomically, whatever others do meanwhile. */
  | { readonly kind: 'mark'; readonly address: number; readonly value: number }
  | { readonly kind: 'look'; readonly address: number; readonly bytes?: 4 | 8 }
  /** Goes on when the world is as waited for, and answers what `holds` does. Not part of the checked code: a way to set the scene. */
  | { readonly kind: 'until'; readonly address: number; readonly holds: Holds }
  /** Tells the monitor. `early`: it happened as soon as the last operation did; otherwise as late as the next one. */
  | { readonly kind: 'event'; readonly early: boolean; readonly event: unknown }
  /** JavaScript's own waiting, with `Atomics.waitAsync`, for a word to be something else than 0. The answer is that of `memory.atomic.wait32`. */
  | { readonly kind: 'sleep'; readonly address: number; readonly timed: boolean }
  /** Something that the checked code does not decide: all results are tried. */
  | { readonly kind: 'choice'; readonly results: readonly number[] };

/** Of a word; `dead`: the thread is, and sleeps no more, which is what a probe says (bindings/reap.ts). */
export type Holds = (value: number, dead: (thread: number) => boolean) => boolean | number;

/** A request, and the call that the thread is inside of if it is made by JavaScript on the way through one. */
export type Asked = Request & { readonly within?: string | undefined };

export type Script<Result = void> = Generator<Asked, Result, Value>;

/** What a script or a monitor throws when the module broke a promise. */
export class Objection extends Error {}

/**
 * What a thread does. When `body` answers something, plain data, it goes on with a new `body` of that, and whatever else
 * it has seen is forgotten: so a program may go on for ever without making states for ever.
 */
export interface Program {
  readonly body: (from?: any) => Script<unknown>;
  /** Runs the body again and again, and may stop after any round: others must then be able to go on without it. */
  readonly forever: boolean;
}

/** What a thread does next. Everything before it has been computed; `at` is the offset of the instruction, or -1. */
export type Operation =
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
  | { readonly kind: 'until'; readonly address: number; readonly holds: Holds; readonly at: number }
  | { readonly kind: 'event'; readonly early: boolean; readonly event: unknown; readonly at: number }
  /** The world has several answers: the clock, or whether to go on with another round. */
  | {
      readonly kind: 'choose';
      readonly what: 'clock' | 'stalled' | 'grow' | 'round' | 'choice';
      readonly results: readonly number[];
      readonly at: number;
    }
  /** It went wrong in the computation since the last operation. */
  | { readonly kind: 'fault'; readonly fault: 'trap' | 'monitor'; readonly message: string; readonly at: number }
  | { readonly kind: 'done'; readonly at: number };

export interface LocalState {
  readonly id: number;
  readonly operation: Operation;
  /** Since its last operation the thread passed a place where an engine may terminate it. */
  readonly safepoint: boolean;
  /** Names of the functions it is in, outermost first, and the call that the scenario made. */
  readonly call: string;
  readonly next: Map<Value | undefined, LocalState>;
  readonly script: ScriptState;
  readonly frames: readonly Frame[];
  /** What the clock last said in this call, if anything. */
  readonly time: number | undefined;
}

/** Where a generator stands. Generators cannot be copied, but they can be run again with the same answers. */
interface ScriptState {
  readonly id: number;
  readonly program: Program;
  /** What the body began with, and what it was answered since. */
  readonly from: unknown;
  readonly answers: readonly Value[];
  readonly request: Asked | 'round' | 'done' | Objection;
  readonly next: Map<Value | undefined, ScriptState>;
}

const PLAIN_LOAD: Access = { type: 'i32', bytes: 4, signed: false, atomic: false, guess: false, kind: 'load' };
const ATOMIC_LOAD: Access = { ...PLAIN_LOAD, atomic: true };
const WIDE_LOAD: Access = { ...ATOMIC_LOAD, type: 'i64', bytes: 8 };
const PLAIN_STORE: Access = { ...PLAIN_LOAD, kind: 'store' };
const ATOMIC_STORE: Access = { ...PLAIN_STORE, atomic: true };
/** What the host says when it throws, and what the call answers then. */
export const THREW = -1000;
/** What `stalled` answers in the model: take what is free, then sleep for as long as you like. */
const TAKE = -1;
export const AGAIN = 0;
export const STOP = 1;

export interface World {
  /**
   * What the clock may say, in rising order: the first value when a call looks at it first, later that or any greater
   * one, never going back within a call. `docs/internals/verification.md` tells why a few values stand for all.
   */
  readonly clock: readonly number[];
  /** Whether the clock, and what the host does after a nap, may throw, as any function of the host when the stack is full: the call is over then, with THREW. */
  readonly throws?: boolean | undefined;
  /** What memory.grow may answer. */
  readonly grow: readonly number[];
  readonly pages: number;
  /** Judges what a call answered, given what the clock last said in it; answers what is wrong. */
  readonly judge?: (
    name: string,
    args: readonly Value[],
    result: Value | undefined,
    time: number | undefined,
  ) => string | undefined;
  /** Whether local states that differ in `safepoint` only are told apart: needed only when threads may die. */
  readonly deaths: boolean;
}

/** Makes the local states of all threads of one scenario, each once. */
export class Threads {
  readonly states: LocalState[] = [];
  private readonly interpreter: Interpreter;
  private readonly world: World;
  private readonly known = new Map<string, LocalState>();
  private readonly roots = new Map<Program, ScriptState>();
  private readonly chapters = new Map<Program, Map<string, ScriptState>>();
  private scripts = 0;

  constructor(interpreter: Interpreter, world: World) {
    this.interpreter = interpreter;
    this.world = world;
  }

  start(program: Program): LocalState {
    return this.settle(this.root(program), [], undefined, true);
  }

  /** The local state after `state` was told the result of its operation. */
  step(state: LocalState, result: Value | undefined): LocalState {
    const known = state.next.get(result);
    if (known) return known;
    const next = this.compute(state, result);
    state.next.set(result, next);
    return next;
  }

  private compute(state: LocalState, result: Value | undefined): LocalState {
    const { operation, script } = state;
    const inCall = state.frames.length > 0;
    if (!inCall) return this.settle(this.advance(script, result), [], undefined, operation.kind === 'wait');
    if (operation.kind === 'choose' && result === THREW)
      return this.settle(this.advance(script, THREW), [], undefined, true);
    const frames = state.frames.map((frame) => ({ ...frame, locals: [...frame.locals], stack: [...frame.stack] }));
    this.interpreter.answer(frames, result);
    const time = operation.kind === 'choose' && operation.what === 'clock' ? Number(result) : state.time;
    return this.settle(script, frames, time, operation.kind === 'wait');
  }

  /** Runs until the next operation, through returns into the script and calls out of it. */
  private settle(script: ScriptState, frames: Frame[], time: number | undefined, safepoint: boolean): LocalState {
    for (;;) {
      if (frames.length === 0) {
        const { request } = script;
        if (typeof request === 'string' || request instanceof Objection || request.kind !== 'call')
          return this.intern(script, [], undefined, safepoint, scripted(request));
        frames = this.interpreter.enter(request.name, request.args);
        time = undefined;
        safepoint = true;
      }
      try {
        const stop = this.interpreter.run(frames);
        safepoint ||= stop.safepoint;
        const { want } = stop;
        if (!want) {
          const request = script.request as Request & { kind: 'call' };
          const wrong = this.world.judge?.(request.name, request.args, stop.result, time);
          if (wrong !== undefined)
            return this.intern(script, [], time, safepoint, {
              kind: 'fault',
              fault: 'monitor',
              message: wrong,
              at: -1,
            });
          script = this.advance(script, stop.result);
          frames = [];
        } else if (want.kind === 'size') {
          this.interpreter.answer(frames, this.world.pages);
        } else {
          return this.intern(script, frames, time, safepoint, this.operation(want, time));
        }
      } catch (error) {
        if (!(error instanceof Trap)) throw error;
        const frame = frames[frames.length - 1]!;
        const at = frame.func.code[frame.pc - 1]?.at ?? -1;
        return this.intern(script, frames, time, safepoint, {
          kind: 'fault',
          fault: 'trap',
          message: error.message,
          at,
        });
      }
    }
  }

  private operation(
    want: Exclude<ReturnType<Interpreter['run']>['want'], undefined | { kind: 'size' }>,
    time: number | undefined,
  ): Operation {
    switch (want.kind) {
      case 'import': {
        if (want.name === 'stalled')
          return {
            kind: 'choose',
            what: 'stalled',
            results: this.world.throws ? [TAKE, THREW] : [TAKE],
            at: want.at,
          };
        const times = this.world.clock.filter((value, i) => (time === undefined ? i === 0 : value >= time));
        const results = this.world.throws ? [...times, THREW] : times;
        return { kind: 'choose', what: 'clock', results, at: want.at };
      }
      case 'grow':
        return { kind: 'choose', what: 'grow', results: this.world.grow, at: want.at };
      default:
        return want;
    }
  }

  private intern(
    script: ScriptState,
    frames: Frame[],
    time: number | undefined,
    safepoint: boolean,
    operation: Operation,
  ): LocalState {
    this.interpreter.forget(frames);
    const parts: unknown[] = [script.id, time, operation.kind, this.world.deaths && safepoint];
    for (const { func, pc, locals, stack } of frames) parts.push(func.index, pc, locals.map(exact), stack.map(exact));
    // A stopped frame has consumed the operands of its operation: they are part of the state, too.
    if (operation.kind === 'access') parts.push(operation.address, exact(operation.operand), exact(operation.expected));
    if (operation.kind === 'wait') parts.push(operation.address, operation.expected, operation.timeout);
    if (operation.kind === 'notify') parts.push(operation.address, operation.count);
    if (operation.kind === 'fill') parts.push(operation.address, operation.byte, operation.length);
    const key = parts.join();
    const known = this.known.get(key);
    if (known) return known;
    const { request } = script;
    const asked = typeof request === 'object' && 'kind' in request ? request : undefined;
    const call = asked?.kind === 'call' ? asked.name : (asked?.within ?? '');
    const state = { id: this.states.length, operation, safepoint, call, next: new Map(), script, frames, time };
    this.known.set(key, state);
    this.states.push(state);
    return state;
  }

  private root(program: Program): ScriptState {
    const known = this.roots.get(program);
    if (known) return known;
    const root: ScriptState = program.forever
      ? { id: this.scripts++, program, from: undefined, answers: [], request: 'round', next: new Map() }
      : this.replay(program, undefined, []);
    this.roots.set(program, root);
    return root;
  }

  private advance(state: ScriptState, answer: Value | undefined): ScriptState {
    const known = state.next.get(answer);
    if (known) return known;
    const next = this.advanced(state, answer);
    state.next.set(answer, next);
    return next;
  }

  private advanced({ program, request, from, answers }: ScriptState, answer: Value | undefined): ScriptState {
    if (request !== 'round') return this.replay(program, from, [...answers, answer as Value]);
    return answer === AGAIN
      ? this.replay(program, undefined, [])
      : { id: this.scripts++, program, from, answers: [], request: 'done', next: new Map() };
  }

  private replay(program: Program, from: unknown, answers: readonly Value[]): ScriptState {
    const script = program.body(from);
    let request: ScriptState['request'];
    try {
      let turn = script.next();
      for (const answer of answers) turn = script.next(answer);
      if (turn.done && turn.value !== undefined) return this.chapter(program, turn.value);
      if (turn.done && program.forever) return this.root(program);
      request = turn.done ? 'done' : turn.value;
    } catch (error) {
      if (!(error instanceof Objection)) throw error;
      request = error;
    }
    return { id: this.scripts++, program, from, answers, request, next: new Map() };
  }

  private chapter(program: Program, from: unknown): ScriptState {
    const chapters = this.chapters.get(program) ?? new Map<string, ScriptState>();
    this.chapters.set(program, chapters);
    const key = JSON.stringify(from);
    const known = chapters.get(key);
    if (known) return known;
    const chapter = this.replay(program, from, []);
    chapters.set(key, chapter);
    return chapter;
  }
}

function scripted(request: ScriptState['request']): Operation {
  if (request instanceof Objection) return { kind: 'fault', fault: 'monitor', message: request.message, at: -1 };
  if (request === 'done') return { kind: 'done', at: -1 };
  if (request === 'round') return { kind: 'choose', what: 'round', results: [AGAIN, STOP], at: -1 };
  switch (request.kind) {
    case 'read':
      return { kind: 'access', access: PLAIN_LOAD, address: request.address, operand: 0, expected: 0, at: -1 };
    case 'look':
      return {
        kind: 'access',
        access: request.bytes === 8 ? WIDE_LOAD : ATOMIC_LOAD,
        address: request.address,
        operand: 0,
        expected: 0,
        at: -1,
      };
    case 'write':
    case 'mark':
      return {
        kind: 'access',
        access: request.kind === 'mark' ? ATOMIC_STORE : PLAIN_STORE,
        address: request.address,
        operand: request.value,
        expected: 0,
        at: -1,
      };
    case 'until':
      return { ...request, at: -1 };
    case 'event':
      return { ...request, at: -1 };
    case 'sleep':
      return {
        kind: 'wait',
        address: request.address,
        bytes: 4,
        expected: 0,
        timeout: request.timed ? 1n : -1n,
        at: -1,
      };
    case 'choice':
      return { kind: 'choose', what: 'choice', results: request.results, at: -1 };
    case 'call':
      throw new Error('a call is run, not scripted');
  }
}

/** Tells -0 from 0, which `join` does not. */
const exact = (value: Value): Value | string => (Object.is(value, -0) ? '-0' : value);
