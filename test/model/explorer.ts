/**
 * One walk through all states, shortest ways first. From a state, each thread that can do something gives successors; every state
 * is remembered, so the walk ends although the threads loop for ever, and the first counterexample is a shortest one.
 */

import { type Counterexample, type Move, Recorder, type Standing, Violation } from './counterexample.ts';
import { type Counts, Graph } from './graph.ts';
import { modified, read as readMemory, type Value, write as writeMemory } from './interpret.ts';
import { findSpinning, findStarvation } from './liveness.ts';
import { SharedMemory } from './memory.ts';
import { Reduction, ReductionChanged } from './reduction.ts';
import { Store } from './store.ts';
import { POISON, type System } from './system.ts';
import { type LocalState, Objection, type Operation } from './thread.ts';

export interface Limits {
  readonly reduce?: boolean;
  readonly mostStates?: number;
  readonly progress?: (states: number, depth: number) => void;
  /** Count the walks up to this length, for a comparison with another engine. */
  readonly count?: number;
}

export interface Exploration {
  readonly counterexample: Counterexample | undefined;
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly dependentInstructions: ReadonlySet<number>;
  readonly contestedInstructions: ReadonlySet<number>;
  readonly counts: Counts | undefined;
  /** The search was cut short: the verdict is void. */
  readonly exceeded: boolean;
}

/** How things stand in a state, and what can come next; `word` is right until the next look. */
export interface Look {
  readonly moves: readonly Move[];
  /** What is wrong with the state itself. */
  readonly violation: Violation | undefined;
  readonly standing: readonly Standing[];
  word(address: number): number;
}

/** States. */
const SLICE = 64;

/** More independent accesses in a row than a call makes. A thread that spins on independent words must come to an end, too. */
const MOST_AT_ONCE = 1000;

export class Explorer {
  private readonly system: System;
  private readonly limits: Limits;
  private readonly memory: SharedMemory;
  private readonly store: Store;
  private readonly reduction: Reduction;
  private readonly graph = new Graph();
  private readonly recorder = new Recorder();
  /** What the thread does is not its own doing: it sleeps. */
  private byChance = false;
  /** A thread that does more in a step than any call does, or -1. */
  private endless = -1;

  /** @param dependent and `lines`: what is known of them, and what this walk finds out. */
  constructor(system: System, limits: Limits, dependent: Set<number>, lines: number[]) {
    this.system = system;
    this.limits = limits;
    this.memory = new SharedMemory(system.memory, lines);
    this.store = new Store(system, this.memory);
    this.reduction = new Reduction(limits.reduce ?? true, dependent, this.memory.words.length, system.mayRace ?? false);
  }

  run(): Exploration {
    const exploring = this.explore();
    for (;;) {
      const { done, value } = exploring.next();
      if (done) return value;
    }
  }

  /** As `run`, in slices: a page must stay alive. */
  *explore(): Generator<undefined, Exploration> {
    const { store, graph, reduction, limits } = this;
    this.begin();
    let depth = 0;
    let lastOfDepth = 0;
    let at = 0;
    let counterexample: Counterexample | undefined;
    const most = limits.mostStates ?? Number.POSITIVE_INFINITY;
    try {
      for (; at < store.size && store.size <= most; at++) {
        if (at > lastOfDepth) {
          depth++;
          lastOfDepth = store.size - 1;
        }
        if (at % 65536 === 0) limits.progress?.(at, depth);
        if (at % SLICE === SLICE - 1) yield;
        graph.expandNext();
        this.expand(at);
      }
      const everyone = store.everyone();
      if (!this.system.spins) findSpinning(graph, everyone, store.size, (t) => this.statesToSpinIn(t));
      if (at === store.size) findStarvation(graph, everyone, store.settled, (state) => this.mayBeLeftIn(state));
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      counterexample = this.tell(error, error.state ?? at);
    }
    const states = store.size;
    return {
      counterexample,
      states,
      transitions: graph.size,
      depth,
      dependentInstructions: reduction.dependentInstructions,
      contestedInstructions: reduction.contestedInstructions,
      counts: limits.count === undefined ? undefined : graph.countWalks(states, limits.count),
      exceeded: !counterexample && at < states,
    };
  }

  /** All successors of a state, and everything that can be wrong in it. */
  private expand(id: number): void {
    const { store, graph } = this;
    store.load(id);
    const before = graph.size;
    let settled = 0;
    for (let t = 0; t < store.count; t++) if (this.expandThread(t)) settled |= 1 << t;
    store.settled[id] = settled;
    this.judge(graph.size === before);
  }

  /** The successors that one thread makes; whether it need not come to anything. */
  private expandThread(t: number): boolean {
    const { store } = this;
    const state = store.local(t);
    this.recorder.cut(0);
    const settled = store.isDead(t) || state.operation.kind === 'done';
    this.byChance = store.isAsleep(t);
    if (this.byChance) this.sleeper(t, state);
    else if (!settled) this.follow(t, state, false);
    return settled;
  }

  /** For those that choose by themselves (walk.ts): how things stand, and what can come next. */
  look(id: number): Look {
    const { store, memory, recorder } = this;
    const moves = store.everyone().flatMap((t) => {
      memory.rollback(0);
      store.load(id);
      return recorder.list(t, () => this.attempt(() => this.expandThread(t)));
    });
    memory.rollback(0);
    store.load(id);
    const violation = this.attempt(() => this.judge(moves.length === 0));
    return { moves, violation, standing: this.standing(), word: (address) => memory.words[address >> 2]! };
  }

  /** The state before the first step. */
  begin(): number {
    this.store.begin(() => this.poison());
    return 0;
  }

  /** What is wrong with the state at hand itself. */
  private judge(isLast: boolean): void {
    const { store, endless, system } = this;
    this.reduction.findCollisions();
    this.endless = -1;
    if (endless >= 0 && !system.spins && !system.maySpin?.(endless, store.here))
      throw new Violation('spinning', `T${endless + 1} goes on and on, and never sleeps`);
    const wrong = system.invariant?.(store.here);
    if (wrong !== undefined) throw new Violation('monitor', wrong);
    if (!isLast) return;
    const stuck = store.everyone().filter((t) => store.isStuck(t));
    if (stuck.length === 0) return;
    const names = stuck.map((t) => `T${t + 1}`).join(', ');
    throw new Violation('deadlock', `nobody can go on, and ${names} ${stuck.length > 1 ? 'are' : 'is'} not done`);
  }

  /** A thread that sleeps: may run out of time, or be killed; a killed sleeper is taken off the queue some time later. */
  private sleeper(t: number, state: LocalState): void {
    const { operation } = state;
    const { store, recorder, system } = this;
    if (operation.kind !== 'wait') throw new Error('sleeps without waiting');
    if (store.isDead(t)) {
      store.fork();
      store.awaken(t, operation.address);
      recorder.record(t, state, 'reaped');
      this.emit(t, system.threads.states[0]!, false);
      return;
    }
    if (operation.timeout >= 0n) {
      store.fork();
      store.awaken(t, operation.address);
      recorder.record(t, state, 'timeout', 2);
      this.finish(t, system.threads.step(state, 2), false);
    }
    if (this.mayDie(t)) {
      recorder.cut(0);
      store.fork();
      store.kill(t);
      recorder.record(t, state, 'death');
      this.emit(t, state, false);
    }
  }

  private mayDie(t: number): boolean {
    const { store } = this;
    const { deaths } = this.system;
    if (!deaths?.threads.includes(t)) return false;
    return store.everyone().filter((other) => store.isDead(other)).length < deaths.most;
  }

  /** Runs thread t through its independent operations up to and with the next one that is not; then takes it all back. */
  private follow(t: number, from: LocalState, roundEnded: boolean): void {
    const { memory, store, recorder } = this;
    const [mark, monitor, recorded] = [memory.mark, store.monitorAt, recorder.length];
    this.step(t, from, roundEnded);
    memory.rollback(mark);
    store.monitorAt = monitor;
    recorder.cut(recorded);
  }

  private step(t: number, from: LocalState, roundEnded: boolean): void {
    const { store, recorder, reduction } = this;
    const { threads, guesses } = this.system;
    let state = from;
    for (let independent = 0; ; independent++) {
      const { operation } = state;
      if (state.safepoint && this.mayDie(t)) {
        const recorded = recorder.length;
        store.fork();
        store.kill(t);
        recorder.record(t, state, 'death');
        this.emit(t, threads.states[0]!, roundEnded); // what it was about to do matters no longer
        recorder.cut(recorded);
      }
      switch (operation.kind) {
        case 'access':
        case 'fill': {
          this.checkBounds(
            t,
            state,
            operation.address,
            operation.kind === 'fill' ? operation.length : operation.access.bytes,
          );
          const isIndependent = reduction.touch(t, operation);
          if (!isIndependent) reduction.meet(t, operation.address, operation.at);
          if (operation.kind === 'access' && operation.access.guess && guesses) {
            this.guess(t, state, operation, guesses(operation.address), roundEnded);
            return;
          }
          const next = threads.step(state, this.perform(t, state, operation));
          if (isIndependent && independent < MOST_AT_ONCE) {
            state = next;
            continue;
          }
          if (isIndependent) this.endless = t;
          store.fork();
          this.finish(t, next, roundEnded);
          return;
        }
        case 'event':
          this.event(t, state, operation.event);
          if (!operation.early) {
            state = threads.step(state, undefined);
            continue;
          }
          store.fork();
          this.finish(t, threads.step(state, undefined), roundEnded);
          return;
        case 'choose':
          if (state !== from && (operation.what === 'round' || operation.what === 'choice')) {
            // A round ends here, and the step with it: rounds that are all independent would never end.
            store.fork();
            this.emit(t, state, roundEnded || operation.what === 'round');
            return;
          }
          for (const result of operation.results) {
            const recorded = recorder.length;
            recorder.record(t, state, 'operation', result);
            const next = threads.step(state, result);
            const ended = roundEnded || operation.what === 'round';
            if (reduction.on && next !== state && next.operation.kind !== 'done') this.follow(t, next, ended);
            else {
              store.fork();
              this.emit(t, next, ended);
            }
            recorder.cut(recorded);
          }
          return;
        case 'until':
          this.until(t, state, operation, roundEnded);
          return;
        case 'wait':
          this.wait(t, state, operation, roundEnded);
          return;
        case 'notify':
          this.notify(t, state, operation, roundEnded);
          return;
        case 'done':
          store.fork();
          this.emit(t, state, true);
          return;
        case 'fault':
          recorder.record(t, state, 'operation');
          throw new Violation(operation.fault, `T${t + 1}: ${operation.message}`);
      }
    }
  }

  /** A step of its own for each thing that it may find. */
  private guess(
    t: number,
    state: LocalState,
    operation: Operation & { kind: 'access' },
    others: readonly number[],
    roundEnded: boolean,
  ): void {
    const { store, recorder } = this;
    const recorded = recorder.length;
    const found = this.perform(t, state, operation);
    for (const result of new Set([found, ...others])) {
      recorder.cut(recorded);
      recorder.record(t, state, 'operation', result, result);
      store.fork();
      this.finish(t, this.system.threads.step(state, result), roundEnded);
    }
    recorder.cut(recorded);
  }

  private until(
    t: number,
    state: LocalState,
    { address, holds }: Operation & { kind: 'until' },
    roundEnded: boolean,
  ): void {
    const { store, memory, reduction, recorder } = this;
    reduction.mark(t, address, 4, false, false);
    const answer = Number(holds(memory.words[address >> 2]!, (other) => store.isGone(other)));
    if (answer === 0) return;
    recorder.record(t, state, 'operation', answer);
    store.fork();
    this.finish(t, this.system.threads.step(state, answer), roundEnded);
  }

  private wait(t: number, state: LocalState, operation: Operation & { kind: 'wait' }, roundEnded: boolean): void {
    const { address, bytes, expected, timeout } = operation;
    const { store, memory, recorder } = this;
    this.checkBounds(t, state, address, bytes);
    this.reduction.mark(t, address, bytes, false, false);
    const found = bytes === 4 ? memory.words[address >> 2]! : memory.view.getBigInt64(address, true);
    store.fork();
    if (found === expected && timeout !== 0n) {
      store.fallAsleep(t, address);
      recorder.record(t, state, 'operation', undefined, found);
      this.emit(t, state, roundEnded);
    } else {
      const result = found === expected ? 2 : 1;
      recorder.record(t, state, 'operation', result, found);
      this.finish(t, this.system.threads.step(state, result), roundEnded);
    }
  }

  private notify(t: number, state: LocalState, operation: Operation & { kind: 'notify' }, roundEnded: boolean): void {
    const { store, recorder } = this;
    const { threads, wakes } = this.system;
    this.checkBounds(t, state, operation.address, 4);
    const sleepers = store.sleepersAt(operation.address);
    const many = Math.min(operation.count, sleepers.length);
    for (const woken of wakes === 'any' ? subsets(sleepers, many) : [sleepers.slice(0, many)]) {
      const recorded = recorder.length;
      store.fork();
      for (const sleeper of woken) {
        store.awaken(sleeper, operation.address);
        // One that is being terminated takes the wake-up with it.
        if (!store.isDead(sleeper)) store.put(sleeper, threads.step(store.local(sleeper), 0));
      }
      recorder.record(t, state, 'operation', many, undefined, undefined, woken);
      this.finish(t, threads.step(state, many), roundEnded);
      recorder.cut(recorded);
    }
  }

  /** Thread t has done its step and stands in `state`; what the scenario reports "at once" belongs to it. */
  private finish(t: number, state: LocalState, roundEnded: boolean): void {
    const { store, recorder } = this;
    const monitor = store.monitorAt;
    const recorded = recorder.length;
    while (state.operation.kind === 'event' && state.operation.early) {
      this.event(t, state, state.operation.event);
      state = this.system.threads.step(state, undefined);
    }
    const { operation } = state;
    const ended = operation.kind === 'done' || (operation.kind === 'choose' && operation.what === 'round');
    this.emit(t, state, roundEnded || ended);
    store.monitorAt = monitor;
    recorder.cut(recorded);
  }

  /** The successor is complete. */
  private emit(t: number, state: LocalState, progress: boolean): void {
    const { store, memory, graph } = this;
    store.put(t, state);
    const mark = memory.mark;
    this.poison();
    const known = store.size;
    const id = store.add();
    memory.rollback(mark);
    if (this.recorder.on) {
      this.recorder.reach(id);
      return;
    }
    if (id === known) store.parents.push(graph.current);
    graph.add(id, t, progress, this.byChance);
  }

  private poison(): void {
    // In the midst of a change nobody can say what is left over; with reduction, a change is one step.
    if (!this.reduction.on) return;
    const { memory } = this;
    for (const address of this.system.leftovers?.(this.store.there) ?? []) {
      if (memory.words[address >> 2] === POISON) continue;
      memory.save(address, 4);
      memory.words[address >> 2] = POISON;
    }
  }

  /* Memory. */

  private checkBounds(t: number, state: LocalState, address: number, bytes: number): void {
    if (address + bytes <= this.memory.view.byteLength) return;
    this.recorder.record(t, state, 'operation');
    throw new Violation('trap', `T${t + 1} accesses memory out of bounds, at ${address}`);
  }

  private perform(t: number, state: LocalState, operation: Operation & { kind: 'access' | 'fill' }): Value | undefined {
    const { memory, recorder } = this;
    if (operation.kind === 'fill') {
      const { address, byte, length } = operation;
      memory.save(address, length);
      new Uint8Array(memory.view.buffer).fill(byte, address, address + length);
      recorder.record(t, state, 'operation');
      return undefined;
    }
    const { access, address, operand, expected } = operation;
    if (memory.words[address >> 2] === POISON && access.kind !== 'store' && access.kind !== 'xchg') {
      recorder.record(t, state, 'operation');
      throw new Violation(
        'stale',
        `T${t + 1} reads a leftover at ${address}: nobody has written it since it lost its meaning`,
      );
    }
    if (access.kind === 'load') {
      const found =
        access.bytes === 4 && access.type === 'i32'
          ? memory.words[address >> 2]!
          : readMemory(memory.view, access, address);
      recorder.record(t, state, 'operation', found, found);
      return found;
    }
    const found = readMemory(memory.view, { ...access, signed: false }, address);
    let value = modified(access, found, operand, expected);
    const modulus = this.system.wraps?.get(address);
    if (modulus !== undefined) value = Number(value) % modulus;
    memory.save(address, access.bytes);
    writeMemory(memory.view, access, address, value);
    const result = access.kind === 'store' ? undefined : found;
    recorder.record(t, state, 'operation', result, found, value);
    return result;
  }

  private event(t: number, state: LocalState, event: unknown): void {
    const { store } = this;
    this.recorder.record(t, state, 'operation');
    const { monitor } = this.system;
    if (!monitor) return;
    try {
      store.monitorAt = store.monitorId(monitor.step(store.monitor, t, event));
    } catch (error) {
      if (!(error instanceof Objection)) throw error;
      throw new Violation('monitor', error.message);
    }
  }

  /* For what goes wrong in the long run. */

  private mayBeLeftIn(state: number): number {
    const { store } = this;
    store.load(state);
    let set = 0;
    for (let t = 0; t < store.count; t++) if (!store.isStuck(t)) set |= 1 << t;
    return set;
  }

  private statesToSpinIn(t: number): Uint8Array | undefined {
    const { store } = this;
    const { maySpin } = this.system;
    if (!maySpin) return undefined;
    const states = new Uint8Array(store.size);
    for (let state = 0; state < states.length; state++) {
      store.load(state);
      if (maySpin(t, store.here)) states[state] = 1;
    }
    return states;
  }

  /* The way to a violation. */

  private tell(violation: Violation, state: number): Counterexample {
    const { store, recorder } = this;
    const way: number[] = [];
    for (let at = state; at >= 0; at = store.parents[at]!) way.unshift(at);
    const steps = recorder.tell(way, (on) => this.expandAgain(on));
    this.memory.rollback(0);
    store.load(state);
    return { fault: violation.fault, message: violation.message, steps, standing: this.standing() };
  }

  private standing(): Standing[] {
    const { store } = this;
    return store.everyone().map((t) => ({ state: store.local(t), place: store.placeOf(t), dead: store.isDead(t) }));
  }

  private expandAgain(state: number): Violation | undefined {
    this.memory.rollback(0);
    try {
      return this.attempt(() => this.expand(state));
    } catch (error) {
      if (!(error instanceof ReductionChanged)) throw error;
      return undefined;
    } finally {
      this.reduction.forget();
    }
  }

  /** What is wrong with it. */
  private attempt(act: () => void): Violation | undefined {
    try {
      act();
      return undefined;
    } catch (error) {
      if (error instanceof Violation) return error;
      throw error;
    }
  }
}

function subsets(items: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  if (items.length < size) return [];
  const [first, ...rest] = items as [number, ...number[]];
  return [...subsets(rest, size - 1).map((subset) => [first, ...subset]), ...subsets(rest, size)];
}
