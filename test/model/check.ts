/**
 * The checker: walks through every state that several threads and their shared memory can get into.
 *
 * A state is: what each thread does next (thread.ts), who sleeps where, the contents of memory, and the state of the
 * monitor that watches for the scenario's promises. From a state, each thread that can do something
 * gives successors. We go through all of them, shortest paths first, and remember every state, so the walk ends although the threads
 * loop for ever, and the first counterexample is a shortest one.
 *
 * What is found wrong in any state:
 *   trap        the wasm trapped
 *   race        two threads are about to access the same bytes, one of them writing, one of them not atomically
 *   stale       a thread read a word that had lost its meaning
 *   monitor     the scenario's monitor objects
 *   deadlock    nobody can do anything, and not everybody is done
 *   spinning    a thread that waits goes round in circles instead of going to sleep
 *   starvation  a thread from here on can never finish what it is doing, whatever the others do
 *
 * **Not every interleaving has to be walked.** A word of memory is *quiet* when there is no state in which two threads are
 * about to access it and one of them would write (words under a lock are like that; so is what only one thread uses). It makes no difference in which order accesses
 * to quiet words happen between those of different threads: whenever two of them are neighbours, they can be swapped. So a thread
 * does all its quiet accesses together with the next one that is not quiet. Which words are quiet need not be known: we assume it of all, look in every
 * state at what the threads would touch next, and where two collide, the word is no longer quiet and the walk starts anew. The last
 * walk has seen no collision, which is just what it assumed. (docs/verification.md has the proof.)
 * The same goes for lines of memory: only those that are written become part of the states.
 */

import { Interner } from './interner.ts';
import { modified, read as readMemory, type Value, write as writeMemory } from './interpret.ts';
import { type LocalState, Objection, type Operation, type Program, type Threads } from './thread.ts';

export type Fault = 'trap' | 'race' | 'stale' | 'monitor' | 'deadlock' | 'spinning' | 'starvation';

/** Watches the events of a scenario. Its states are plain data. */
export interface Monitor<S = unknown> {
  readonly initial: S;
  /** The next state; throws an Objection. */
  step(state: S, thread: number, event: unknown): S;
}

export interface System {
  readonly threads: Threads;
  readonly programs: readonly Program[];
  /** Memory before the first step. */
  readonly memory: Uint8Array;
  readonly monitor?: Monitor<any> | undefined;
  /** Whom notify wakes: the one that slept longest, as engines do, or any, as the specification of JavaScript's agents would not allow but a bug might. */
  readonly wakes?: 'first' | 'any' | undefined;
  /** How many threads may be terminated, and which. */
  readonly deaths?: { readonly most: number; readonly who: readonly number[] } | undefined;
  /**
   * Words that will be written before they are read again, in the state at hand. They are overwritten with POISON, so
   * that states which differ in leftovers only become one; should anybody read the poison after all, that is a fault.
   */
  readonly leftovers?: ((view: View) => Iterable<number>) | undefined;
  /** Counters that are only compared for equality: here they count modulo a small number, or the states would never end. */
  readonly wraps?: ReadonlyMap<number, number> | undefined;
  /** What must hold in every state; answers what is wrong. */
  readonly invariant?: ((view: View) => string | undefined) | undefined;
  /** Threads may spin: what is checked is a spinlock, say. */
  readonly spins?: boolean | undefined;
  /** Whether a thread may spin in this state, since another is about to end that by its next few instructions. */
  readonly maySpin?: ((thread: number, view: View) => boolean) | undefined;
  /** Whether a thread that can never go on may be left like that in this state. */
  readonly mayStarve?: ((thread: number, view: View) => boolean) | undefined;
}

/** What a scenario may look at when it judges a state. */
export interface View {
  word(address: number): number;
  monitor(): unknown;
  dead(thread: number): boolean;
  finished(thread: number): boolean;
  /** The word that it sleeps on; 0 when it does not sleep. */
  sleepsOn(thread: number): number;
  /** It is inside a call of the module. */
  inside(thread: number): boolean;
  /** What the clock last said in its call. */
  time(thread: number): number | undefined;
}

export interface Options {
  /** Without reduction every access is a step of its own: slow, and only there to check the reduction. */
  readonly reduce?: boolean;
  readonly mostStates?: number;
  readonly progress?: (states: number, depth: number) => void;
  /** What an earlier search learned about the same scenario: it need not be found out step by step once more. */
  readonly known?: Pick<Verdict, 'busyWords' | 'writtenLines'> | undefined;
  /** Count the walks up to this length, for a comparison with another engine. */
  readonly count?: number;
}

/** One operation on the way to a fault. */
export interface Step {
  readonly thread: number;
  readonly state: LocalState;
  readonly what: 'operation' | 'timeout' | 'death' | 'reaped';
  readonly result: Value | undefined;
  /** Memory at the operation's address, before and after. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
  /** Threads that were woken. */
  readonly woken: readonly number[];
}

export interface Counterexample {
  readonly fault: Fault;
  readonly message: string;
  readonly steps: readonly Step[];
  /** What each thread would do next. */
  readonly standing: readonly { readonly state: LocalState; readonly asleep: boolean; readonly dead: boolean }[];
}

export interface Verdict {
  readonly counterexample: Counterexample | undefined;
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly walks: number;
  readonly localStates: number;
  /** Words two threads meet at; all others are quiet. */
  readonly busyWords: readonly number[];
  /** Lines of memory that are written. */
  readonly writtenLines: readonly number[];
  /** Offsets of the instructions by which they meet there: only for those does it matter that an access is atomic. */
  readonly busyInstructions: ReadonlySet<number>;
  /** Those whose word another thread may write at that moment: for them it matters that they are one step. */
  readonly contestedInstructions: ReadonlySet<number>;
  readonly counts: Counts | undefined;
  /** The search was cut short: the verdict is void. */
  readonly exceeded: boolean;
}

/** What nobody may ever read. */
export const POISON = 0x7ead_dead;

/** A fingerprint of all that can happen; numbers are modulo 2^64. */
export interface Counts {
  /** How many ways there are to take so many steps. */
  readonly walks: readonly bigint[];
  /** How many of them end with nobody able to go on. */
  readonly complete: bigint;
}

const LINE = 64;
const WORDS = LINE / 4;
/** More quiet accesses in a row than a call makes. A thread that spins on quiet words must come to an end, too. */
const PATIENCE = 1000;
/** More steps than any call takes if nobody else does anything. */
const LONGEST_ALONE = 300;
/** In the vector's word for a sleeping thread: its place in the queue of its address; killed threads may linger there. */
const RANK = 7;
const KILLED = 8;
/** An edge: the state it leads to, and in the lowest bits whose step it is and what kind of. */
const EDGE = 5;
const THREAD = 7;
const PROGRESS = 8;
/** Not the thread's own doing: a timeout, its death. */
const CHANCE = 16;

class Wrong extends Error {
  readonly fault: Fault;
  constructor(fault: Fault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Thrown when an assumption (a word is quiet, a line is never written) turns out wrong: walk again. */
class Learned extends Error {}

export function check(system: System, options: Options = {}): Verdict {
  const busy = new Set(options.known?.busyWords);
  const lines = [...(options.known?.writtenLines ?? [])];
  for (let walks = 1; ; walks++) {
    const walk = new Walk(system, options, busy, lines);
    try {
      return {
        ...walk.run(),
        walks,
        localStates: system.threads.states.length,
        busyWords: [...busy].sort((a, b) => a - b),
        writtenLines: lines,
      };
    } catch (error) {
      if (!(error instanceof Learned)) throw error;
    }
  }
}

class Walk {
  private readonly system: System;
  private readonly options: Options;
  private readonly busy: Set<number>;
  private readonly isBusy: Uint8Array;
  private readonly lines: number[];
  private readonly count: number;
  private readonly reduce: boolean;

  /* Memory of the state at hand, and how to take back what was done to it. */
  private readonly memory: DataView;
  private readonly words: Int32Array;
  private readonly initial: Int32Array;
  private readonly lineOf: Int32Array;
  private readonly undo: number[] = [];

  /* The vector: local states, sleepers, monitor, lines. */
  private readonly vector: Int32Array;
  private readonly next: Int32Array;
  private readonly here: View;
  private readonly nextView: View;
  private readonly states: Interner;
  private readonly contents = new Interner(WORDS);
  private readonly parents: number[] = [];
  /** For each state the set of threads that are done or dead: nobody has to worry about them. */
  private readonly settled: number[] = [];

  private readonly monitors: unknown[] = [];
  private readonly monitorIds = new Map<string, number>();
  private monitorAt = 0;

  /* Who is about to touch what, as bit sets of threads, for each word in `touched`. */
  private readonly readers: Uint8Array;
  private readonly writers: Uint8Array;
  private readonly plain: Uint8Array;
  private readonly touched: number[] = [];
  /** Thread, word and instruction, three at a time. */
  private readonly meetings: number[] = [];
  private readonly busyInstructions = new Set<number>();
  private readonly contestedInstructions = new Set<number>();

  /* Edges, for the search for starvation. */
  private edges = new Int32Array(1 << 12);
  private edgeCount = 0;
  private readonly edgesFrom: number[] = [];
  private byItself = true;
  /** A thread that does more in a step than any call does, or -1. */
  private endless = -1;

  /* While a path is told again: what was done, and the successor that we are looking for. */
  private log: Step[] | undefined;
  private wanted = -1;
  private path: Step[] | undefined;

  constructor(system: System, options: Options, busy: Set<number>, lines: number[]) {
    this.system = system;
    this.options = options;
    this.busy = busy;
    this.lines = lines;
    this.count = system.programs.length;
    this.reduce = options.reduce ?? true;

    const buffer = system.memory.slice().buffer;
    this.memory = new DataView(buffer);
    this.words = new Int32Array(buffer);
    this.initial = this.words.slice();
    this.lineOf = new Int32Array(this.words.length / WORDS).fill(-1);
    for (const [i, line] of lines.entries()) this.lineOf[line] = i;
    this.isBusy = new Uint8Array(this.words.length);
    for (const word of busy) this.isBusy[word] = 1;
    this.readers = new Uint8Array(this.words.length);
    this.writers = new Uint8Array(this.words.length);
    this.plain = new Uint8Array(this.words.length);

    const width = 2 * this.count + 1 + lines.length;
    this.vector = new Int32Array(width);
    this.next = new Int32Array(width);
    this.here = this.view(this.vector);
    this.nextView = this.view(this.next);
    this.states = new Interner(width);
  }

  run(): Omit<Verdict, 'walks' | 'localStates' | 'busyWords' | 'writtenLines'> {
    this.begin();
    let depth = 0;
    let lastOfDepth = 0;
    let at = 0;
    let counterexample: Counterexample | undefined;
    const limit = this.options.mostStates ?? Number.POSITIVE_INFINITY;
    try {
      for (; at < this.states.size && this.states.size <= limit; at++) {
        if (at > lastOfDepth) {
          depth++;
          lastOfDepth = this.states.size - 1;
        }
        if (at % 65536 === 0) this.options.progress?.(at, depth);
        this.edgesFrom.push(this.edgeCount);
        this.expand(at);
      }
      if (!this.system.spins) this.findSpinning();
      if (at === this.states.size) this.findStarvation();
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      const wrong = error as Wrong & { state?: number };
      counterexample = this.tell(wrong, wrong.state ?? at);
    }
    const states = this.states.size;
    const exceeded = !counterexample && at < states;
    const counts = this.options.count === undefined ? undefined : this.countWalks(this.options.count);
    return {
      counterexample,
      states,
      transitions: this.edgeCount,
      depth,
      busyInstructions: this.busyInstructions,
      contestedInstructions: this.contestedInstructions,
      counts,
      exceeded,
    };
  }

  private begin(): void {
    const { threads, programs, monitor } = this.system;
    this.next.fill(0);
    for (const [t, program] of programs.entries()) this.next[t] = threads.start(program).id;
    this.next[2 * this.count] = this.monitorId(monitor?.initial ?? null);
    this.poison();
    this.initial.set(this.words);
    for (const [i, line] of this.lines.entries())
      this.next[this.lineSlot(i)] = this.contents.add(this.initial, line * WORDS);
    this.states.add(this.next);
    this.parents.push(-1);
  }

  private lineSlot(i: number): number {
    return 2 * this.count + 1 + i;
  }

  private local(t: number): LocalState {
    return this.system.threads.states[this.vector[t]!]!;
  }

  private sleep(t: number): number {
    return this.vector[this.count + t]!;
  }

  /** Puts a state into `vector` and `words`. */
  private load(id: number): void {
    this.states.copy(id, this.vector);
    for (const [i, line] of this.lines.entries())
      this.contents.copy(this.vector[this.lineSlot(i)]!, this.words, line * WORDS);
    this.monitorAt = this.vector[2 * this.count]!;
  }

  /** All successors of a state, and everything that can be wrong in it. */
  private expand(id: number): void {
    this.load(id);
    const before = this.edgeCount;
    let settled = 0;
    for (let t = 0; t < this.count; t++) {
      const state = this.local(t);
      if (this.log) this.log.length = 0;
      if (this.isDead(t) || state.operation.kind === 'done') settled |= 1 << t;
      this.byItself = (this.sleep(t) & RANK) === 0;
      if (!this.byItself) this.sleeper(t, state);
      else if (((settled >> t) & 1) === 0) this.follow(t, state, false);
    }
    this.settled[id] = settled;
    this.lookForCollisions();
    const { endless } = this;
    this.endless = -1;
    if (endless >= 0 && !this.system.spins && !this.system.maySpin?.(endless, this.here))
      throw new Wrong('spinning', `T${endless + 1} goes on and on, and never sleeps`);
    const wrong = this.system.invariant?.(this.here);
    if (wrong !== undefined) throw new Wrong('monitor', wrong);
    if (this.edgeCount === before) {
      const stuck = this.everyone().filter((t) => this.isStuck(t));
      if (stuck.length > 0)
        throw new Wrong(
          'deadlock',
          `nobody can go on, and ${stuck.map((t) => `T${t + 1}`).join(', ')} ${stuck.length > 1 ? 'are' : 'is'} not done`,
        );
    }
  }

  private everyone(): number[] {
    return Array.from({ length: this.count }, (_, t) => t);
  }

  private isDead(t: number): boolean {
    return (this.sleep(t) & KILLED) !== 0;
  }

  private isStuck(t: number): boolean {
    if (this.isDead(t) || this.local(t).operation.kind === 'done') return false;
    return !this.system.mayStarve?.(t, this.here);
  }

  /** A view of the state in `vector` or of the successor in `next`, whatever it is at the moment. */
  private view(vector: Int32Array): View {
    const { threads } = this.system;
    return {
      word: (address) => this.words[address >> 2]!,
      monitor: () => this.monitors[this.monitorAt],
      dead: (t) => (vector[this.count + t]! & KILLED) !== 0,
      finished: (t) => threads.states[vector[t]!]!.operation.kind === 'done',
      sleepsOn: (t) => {
        const { operation } = threads.states[vector[t]!]!;
        return (vector[this.count + t]! & RANK) !== 0 && operation.kind === 'wait' ? operation.address : 0;
      },
      inside: (t) => threads.states[vector[t]!]!.call !== '',
      time: (t) => threads.states[vector[t]!]!.time,
    };
  }

  /** Somebody who sleeps: may run out of time, or be killed; a killed sleeper is taken off the queue some time later. */
  private sleeper(t: number, state: LocalState): void {
    const { operation } = state;
    if (operation.kind !== 'wait') throw new Error('sleeps without waiting');
    if (this.isDead(t)) {
      this.begun();
      this.removeFromQueue(t, operation.address);
      this.record(t, state, 'reaped');
      this.emit(t, this.system.threads.states[0]!, false);
      return;
    }
    if (operation.timeout >= 0n) {
      this.begun();
      this.removeFromQueue(t, operation.address);
      this.record(t, state, 'timeout', 2);
      this.finish(t, this.system.threads.step(state, 2), false);
    }
    if (this.mayDie(t)) {
      if (this.log) this.log.length = 0;
      this.begun();
      this.next[this.count + t]! |= KILLED;
      this.record(t, state, 'death');
      this.emit(t, state, false);
    }
  }

  private mayDie(t: number): boolean {
    const { deaths } = this.system;
    if (!deaths?.who.includes(t)) return false;
    return this.everyone().filter((other) => this.isDead(other)).length < deaths.most;
  }

  /** A fresh successor: what was done to memory stays, the rest is as in the state at hand. */
  private begun(): void {
    this.next.set(this.vector);
  }

  /** Runs thread t through its quiet operations up to and with the next one that is not; then takes it all back. */
  private follow(t: number, from: LocalState, roundEnded: boolean): void {
    const [mark, monitor, logged] = [this.undo.length, this.monitorAt, this.log?.length ?? 0];
    this.step(t, from, roundEnded);
    this.rollback(mark);
    this.monitorAt = monitor;
    if (this.log) this.log.length = logged;
  }

  private step(t: number, from: LocalState, roundEnded: boolean): void {
    const { threads } = this.system;
    let state = from;
    for (let quietSteps = 0; ; quietSteps++) {
      const { operation } = state;
      if (state.safepoint && this.mayDie(t)) {
        this.begun();
        this.next[this.count + t] = KILLED;
        this.record(t, state, 'death');
        this.emit(t, threads.states[0]!, roundEnded); // what it was about to do matters no longer
        this.log?.pop();
      }
      switch (operation.kind) {
        case 'access':
        case 'fill': {
          this.bounds(
            t,
            state,
            operation.address,
            operation.kind === 'fill' ? operation.length : operation.access.bytes,
          );
          const quiet = this.touch(t, operation);
          if (!quiet) this.meet(t, operation.address, operation.at);
          const result = this.perform(t, state, operation);
          const next = threads.step(state, result);
          if (quiet && quietSteps < PATIENCE) {
            state = next;
            continue;
          }
          if (quiet) this.endless = t;
          this.begun();
          this.finish(t, next, roundEnded);
          return;
        }
        case 'event':
          this.event(t, state, operation.event);
          if (this.reduce && !operation.early) {
            state = threads.step(state, undefined);
            continue;
          }
          this.begun();
          this.finish(t, threads.step(state, undefined), roundEnded);
          return;
        case 'choose':
          if (state !== from && (operation.what === 'round' || operation.what === 'choice')) {
            // A round ends here, and the step with it: rounds that are all quiet would never end.
            this.begun();
            this.emit(t, state, roundEnded || operation.what === 'round');
            return;
          }
          for (const result of operation.results) {
            const inner = this.log?.length ?? 0;
            this.record(t, state, 'operation', result);
            const next = threads.step(state, result);
            const ended = roundEnded || operation.what === 'round';
            if (this.reduce && next !== state && next.operation.kind !== 'done') this.follow(t, next, ended);
            else {
              this.begun();
              this.emit(t, next, ended);
            }
            if (this.log) this.log.length = inner;
          }
          return;
        case 'until':
          this.mark(t, operation.address, 4, false, false);
          if (operation.holds(this.words[operation.address >> 2]!)) {
            this.record(t, state, 'operation');
            this.begun();
            this.finish(t, threads.step(state, undefined), roundEnded);
          }
          return;
        case 'wait':
          this.wait(t, state, operation, roundEnded);
          return;
        case 'notify':
          this.notify(t, state, operation, roundEnded);
          return;
        case 'done':
          this.begun();
          this.emit(t, state, true);
          return;
        case 'fault':
          this.record(t, state, 'operation');
          throw new Wrong(operation.fault, `T${t + 1}: ${operation.message}`);
      }
    }
  }

  private wait(t: number, state: LocalState, operation: Operation & { kind: 'wait' }, roundEnded: boolean): void {
    const { address, bytes, expected, timeout } = operation;
    this.bounds(t, state, address, bytes);
    this.mark(t, address, bytes, false, false);
    const found = bytes === 4 ? this.words[address >> 2]! : this.memory.getBigInt64(address, true);
    this.begun();
    if (found === expected && timeout !== 0n) {
      this.next[this.count + t] = this.queueOf(address).length + 1;
      this.record(t, state, 'operation', undefined, found);
      this.emit(t, state, roundEnded);
    } else {
      const result = found === expected ? 2 : 1;
      this.record(t, state, 'operation', result, found);
      this.finish(t, this.system.threads.step(state, result), roundEnded);
    }
  }

  /** The threads that sleep at an address, the first to be woken first. */
  private queueOf(address: number): number[] {
    return this.everyone()
      .filter((t) => {
        const { operation } = this.local(t);
        return this.sleep(t) & RANK && operation.kind === 'wait' && operation.address === address;
      })
      .sort((a, b) => (this.sleep(a) & RANK) - (this.sleep(b) & RANK));
  }

  /** In `next`: t sleeps no longer, those behind it move up. */
  private removeFromQueue(t: number, address: number): void {
    const rank = this.next[this.count + t]! & RANK;
    for (const other of this.queueOf(address))
      if ((this.next[this.count + other]! & RANK) > rank) this.next[this.count + other]!--;
    this.next[this.count + t]! &= KILLED;
  }

  private notify(t: number, state: LocalState, operation: Operation & { kind: 'notify' }, roundEnded: boolean): void {
    this.bounds(t, state, operation.address, 4);
    const queue = this.queueOf(operation.address);
    const many = Math.min(operation.count, queue.length);
    const choices = this.system.wakes === 'any' ? subsets(queue, many) : [queue.slice(0, many)];
    for (const woken of choices) {
      this.begun();
      for (const sleeper of woken) {
        this.removeFromQueue(sleeper, operation.address);
        // One that is being terminated takes the wake-up with it.
        if (!this.isDead(sleeper)) this.next[sleeper] = this.system.threads.step(this.local(sleeper), 0).id;
      }
      this.record(t, state, 'operation', many, undefined, undefined, woken);
      this.finish(t, this.system.threads.step(state, many), roundEnded);
      this.log?.pop();
    }
  }

  /** Thread t has done its step and stands in `state`; what the scenario reports "at once" belongs to it. */
  private finish(t: number, state: LocalState, roundEnded: boolean): void {
    const monitor = this.monitorAt;
    const logged = this.log?.length ?? 0;
    while (this.reduce && state.operation.kind === 'event' && state.operation.early) {
      this.event(t, state, state.operation.event);
      state = this.system.threads.step(state, undefined);
    }
    const { operation } = state;
    const ended = operation.kind === 'done' || (operation.kind === 'choose' && operation.what === 'round');
    this.emit(t, state, roundEnded || ended);
    this.monitorAt = monitor;
    if (this.log) this.log.length = logged;
  }

  /** Adds the successor that `next` and memory describe. */
  private emit(t: number, state: LocalState, progress: boolean): void {
    const { next, vector } = this;
    next[t] = state.id;
    next[2 * this.count] = this.monitorAt;
    const mark = this.undo.length;
    this.poison();
    for (let i = 0; i < this.undo.length; i += 2) {
      const line = this.undo[i]! >> 4;
      const slot = this.lineSlot(this.lineOf[line]!);
      if (next[slot] === vector[slot]) next[slot] = this.contents.add(this.words, line * WORDS);
    }
    this.rollback(mark);
    const known = this.states.size;
    const id = this.states.add(next);
    if (this.log) {
      if (id === this.wanted) this.path ??= [...this.log];
      return;
    }
    if (id === known) this.parents.push(this.edgesFrom.length - 1);
    if (this.edgeCount === this.edges.length) {
      const larger = new Int32Array(this.edges.length * 2);
      larger.set(this.edges);
      this.edges = larger;
    }
    this.edges[this.edgeCount++] = (id << EDGE) | (progress ? PROGRESS : 0) | (this.byItself ? 0 : CHANCE) | t;
  }

  private poison(): void {
    // In the midst of a change nobody can say what is left over; with reduction, a change is one step.
    if (!this.reduce) return;
    for (const address of this.system.leftovers?.(this.nextView) ?? []) {
      if (this.words[address >> 2] === POISON) continue;
      this.saving(address, 4);
      this.words[address >> 2] = POISON;
    }
  }

  /* Memory. */

  private bounds(t: number, state: LocalState, address: number, bytes: number): void {
    if (address + bytes <= this.memory.byteLength) return;
    this.record(t, state, 'operation');
    throw new Wrong('trap', `T${t + 1} accesses memory out of bounds, at ${address}`);
  }

  private perform(t: number, state: LocalState, operation: Operation & { kind: 'access' | 'fill' }): Value | undefined {
    if (operation.kind === 'fill') {
      const { address, byte, length } = operation;
      this.saving(address, length);
      new Uint8Array(this.memory.buffer).fill(byte, address, address + length);
      this.record(t, state, 'operation');
      return undefined;
    }
    const { access, address, operand, expected } = operation;
    if (this.words[address >> 2] === POISON && access.kind !== 'store' && access.kind !== 'xchg') {
      this.record(t, state, 'operation');
      throw new Wrong(
        'stale',
        `T${t + 1} reads a leftover at ${address}: nobody has written it since it lost its meaning`,
      );
    }
    if (access.kind === 'load') {
      const found =
        access.bytes === 4 && access.type === 'i32'
          ? this.words[address >> 2]!
          : readMemory(this.memory, access, address);
      this.record(t, state, 'operation', found, found);
      return found;
    }
    const found = readMemory(this.memory, { ...access, signed: false }, address);
    let value = modified(access, found, operand, expected);
    const modulus = this.system.wraps?.get(address);
    if (modulus !== undefined) value = Number(value) % modulus;
    this.saving(address, access.bytes);
    writeMemory(this.memory, access, address, value);
    const result = access.kind === 'store' ? undefined : found;
    this.record(t, state, 'operation', result, found, value);
    return result;
  }

  private saving(address: number, bytes: number): void {
    for (let word = address >> 2; word <= (address + bytes - 1) >> 2; word++) {
      const line = word >> 4;
      if (this.lineOf[line] === -1) {
        this.lines.push(line);
        throw new Learned();
      }
      this.undo.push(word, this.words[word]!);
    }
  }

  private rollback(mark: number): void {
    while (this.undo.length > mark) {
      const value = this.undo.pop()!;
      this.words[this.undo.pop()!] = value;
    }
  }

  /* Collisions and data races. */

  /** Notes what thread t is about to touch; whether all of it is quiet. */
  private touch(t: number, operation: Operation & { kind: 'access' | 'fill' }): boolean {
    if (operation.kind === 'fill') return this.mark(t, operation.address, operation.length, true, true);
    const { access, address } = operation;
    return this.mark(t, address, access.bytes, access.kind !== 'load', !access.atomic);
  }

  private mark(t: number, address: number, bytes: number, writes: boolean, plain: boolean): boolean {
    const bit = 1 << t;
    let quiet = this.reduce;
    for (let word = address >> 2; word <= (address + bytes - 1) >> 2; word++) {
      if (this.readers[word] === 0 && this.writers[word] === 0) this.touched.push(word);
      if (writes) this.writers[word]! |= bit;
      else this.readers[word]! |= bit;
      if (plain) this.plain[word]! |= bit;
      if (this.isBusy[word]) quiet = false;
    }
    return quiet;
  }

  /** Notes by which instruction a thread is about to touch a word that is not quiet. */
  private meet(t: number, address: number, at: number): void {
    this.meetings.push(t, address >> 2, at);
  }

  private lookForCollisions(): void {
    const atomics: number[] = [];
    const plains: number[] = [];
    let race = -1;
    for (const word of this.touched) {
      const writers = this.writers[word]!;
      const all = writers | this.readers[word]!;
      if (writers !== 0 && (all & (all - 1)) !== 0) {
        const isPlain = this.plain[word] !== 0;
        if (isPlain && race < 0) race = word;
        for (let i = 0; i < this.meetings.length; i += 3) {
          const [t, at] = [this.meetings[i]!, this.meetings[i + 2]!];
          if (this.meetings[i + 1] !== word || !((all >> t) & 1)) continue;
          this.busyInstructions.add(at);
          if (writers & ~(1 << t)) this.contestedInstructions.add(at);
        }
        if (this.reduce && !this.isBusy[word]) (isPlain ? plains : atomics).push(word);
      }
      this.readers[word] = 0;
      this.writers[word] = 0;
      this.plain[word] = 0;
    }
    this.touched.length = 0;
    this.meetings.length = 0;
    // Behind a word that was wrongly taken for quiet, nothing is certain: what a lock protects seems to collide when the lock
    // was taken for quiet. So believe the atomics first, and look again.
    const learned = atomics.length > 0 ? atomics : plains;
    for (const word of learned) this.busy.add(word);
    if (learned.length > 0) throw new Learned();
    if (race >= 0)
      throw new Wrong(
        'race',
        `two threads are about to access the word at ${race * 4}, and one of the accesses is plain`,
      );
  }

  /* The monitor. */

  private monitorId(state: unknown): number {
    const key = JSON.stringify(state);
    const known = this.monitorIds.get(key);
    if (known !== undefined) return known;
    this.monitorIds.set(key, this.monitors.length);
    return this.monitors.push(state) - 1;
  }

  private event(t: number, state: LocalState, event: unknown): void {
    this.record(t, state, 'operation');
    const { monitor } = this.system;
    if (!monitor) return;
    try {
      this.monitorAt = this.monitorId(monitor.step(this.monitors[this.monitorAt], t, event));
    } catch (error) {
      if (!(error instanceof Objection)) throw error;
      throw new Wrong('monitor', error.message);
    }
  }

  /* Starvation. */

  /**
   * Can every thread, from every state, still finish its round, or come to where the scenario allows it to be stuck?
   */
  private findStarvation(): void {
    const all = (1 << this.count) - 1;
    const fine = Uint8Array.from(this.settled);
    this.spread(fine);
    for (let id = 0; id < fine.length; id++) {
      if (fine[id] === all) continue;
      this.load(id);
      for (const t of this.everyone()) if (!this.isStuck(t)) fine[id]! |= 1 << t;
    }
    this.spread(fine);
    const id = fine.findIndex((threads) => threads !== all);
    if (id < 0) return;
    const starving = this.everyone().find((t) => !((fine[id]! >> t) & 1))!;
    const wrong = new Wrong('starvation', `T${starving + 1} can never finish from here, whatever the others do`);
    throw Object.assign(wrong, { state: id });
  }

  /**
   * Does anybody go round in circles, all alone, without finishing anything? For each thread: take away states that none of
   * its own steps leads to, and the steps from them, and so on. If something is left over, there is a circle in it. Who
   * counts its rounds makes no circle, but a long way.
   */
  private findSpinning(): void {
    const size = this.states.size;
    for (const t of this.everyone()) {
      const excused = this.excused(t);
      const mine = (packed: number): boolean =>
        (packed & (THREAD | PROGRESS | CHANCE)) === t && excused?.[packed >>> EDGE] !== 1;
      const incoming = new Int32Array(size);
      for (let edge = 0; edge < this.edgeCount; edge++)
        if (mine(this.edges[edge]!)) incoming[this.edges[edge]! >>> EDGE]!++;
      const alone = new Int32Array(size);
      const free: number[] = [];
      for (let id = 0; id < size; id++) if (incoming[id] === 0) free.push(id);
      let left = size;
      let spinning = -1;
      while (free.length > 0) {
        const id = free.pop()!;
        left--;
        if (alone[id]! > LONGEST_ALONE) spinning = id;
        for (
          let edge = this.edgesFrom[id] ?? this.edgeCount, end = this.edgesFrom[id + 1] ?? this.edgeCount;
          edge < end;
          edge++
        ) {
          const to = this.edges[edge]! >>> EDGE;
          if (!mine(this.edges[edge]!)) continue;
          alone[to] = Math.max(alone[to]!, alone[id]! + 1);
          if (--incoming[to]! === 0) free.push(to);
        }
      }
      if (left > 0) spinning = incoming.findIndex((count) => count > 0);
      if (spinning < 0) continue;
      const wrong = new Wrong('spinning', `T${t + 1} goes round in circles from here, and never sleeps`);
      throw Object.assign(wrong, { state: spinning });
    }
  }

  /** The states in which a thread may spin. */
  private excused(t: number): Uint8Array | undefined {
    const { maySpin } = this.system;
    if (!maySpin) return undefined;
    const excused = new Uint8Array(this.states.size);
    for (let id = 0; id < excused.length; id++) {
      this.load(id);
      if (maySpin(t, this.here)) excused[id] = 1;
    }
    return excused;
  }

  /**
   * Backwards from the states that are fine for a thread, and the steps in which it finishes a round: a state is fine
   * when one of its successors is. States come after their parents, so a few sweeps from the last to the first do.
   */
  private spread(fine: Uint8Array): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (let id = fine.length - 1; id >= 0; id--) {
        let can = fine[id]!;
        for (let edge = this.edgesFrom[id]!, end = this.edgesFrom[id + 1] ?? this.edgeCount; edge < end; edge++) {
          const packed = this.edges[edge]!;
          can |= fine[packed >>> EDGE]!;
          if (packed & PROGRESS) can |= 1 << (packed & THREAD);
        }
        if (can === fine[id]) continue;
        fine[id] = can;
        changed = true;
      }
    }
  }

  private countWalks(longest: number): Counts {
    let now = new BigUint64Array(this.states.size);
    now[0] = 1n;
    const walks: bigint[] = [];
    let complete = 0n;
    for (let length = 0; length <= longest; length++) {
      const next = new BigUint64Array(now.length);
      for (const [id, ways] of now.entries()) {
        if (ways === 0n) continue;
        const [first, end] = [this.edgesFrom[id]!, this.edgesFrom[id + 1] ?? this.edgeCount];
        if (first === end) complete += ways;
        for (let edge = first; edge < end; edge++) next[this.edges[edge]! >>> EDGE]! += ways;
      }
      walks.push(now.reduce((sum, ways) => BigInt.asUintN(64, sum + ways), 0n));
      now = next;
    }
    return { walks, complete: BigInt.asUintN(64, complete) };
  }

  /* Telling how it came about. */

  private record(
    t: number,
    state: LocalState,
    what: Step['what'],
    result?: Value,
    before?: Value,
    after?: Value,
    woken: readonly number[] = [],
  ): void {
    this.log?.push({ thread: t, state, what, result, before, after, woken });
  }

  /** Walks the shortest path to a state once more, this time writing down every operation. */
  private tell(wrong: Wrong, id: number): Counterexample {
    const steps: Step[] = [];
    const path: number[] = [];
    for (let at = id; at >= 0; at = this.parents[at]!) path.unshift(at);
    for (let i = 0; i + 1 < path.length; i++) {
      this.retrace(path[i]!, path[i + 1]!);
      steps.push(...(this.path ?? []));
    }
    // The step that went wrong, if it was one: the rest of the log when it is thrown once more.
    if (this.retrace(id, -1)) steps.push(...this.log!);
    this.rollback(0);
    this.load(id);
    const standing = this.everyone().map((t) => ({
      state: this.local(t),
      asleep: (this.sleep(t) & RANK) !== 0,
      dead: this.isDead(t),
    }));
    return { fault: wrong.fault, message: wrong.message, steps, standing };
  }

  /** Expands a state with the log on; whether it ended in a fault of a single step. */
  private retrace(id: number, wanted: number): boolean {
    this.rollback(0);
    this.log = [];
    this.path = undefined;
    this.wanted = wanted;
    try {
      this.expand(id);
    } catch (error) {
      if (!(error instanceof Wrong || error instanceof Learned)) throw error;
      return error instanceof Wrong && ['monitor', 'trap', 'stale'].includes(error.fault);
    } finally {
      for (const word of this.touched) for (const marks of [this.readers, this.writers, this.plain]) marks[word] = 0;
      this.touched.length = 0;
      this.meetings.length = 0;
    }
    return false;
  }
}

function subsets(items: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  if (items.length < size) return [];
  const [first, ...rest] = items as [number, ...number[]];
  return [...subsets(rest, size - 1).map((subset) => [first, ...subset]), ...subsets(rest, size)];
}
