/**
 * All states that were found, each once. A state is a vector of small numbers, which stand for larger things: for each
 * thread its local state (thread.ts) and where it sleeps, the state of the monitor, the contents of each written line.
 */

import { Interner } from './interner.ts';
import { LINE_WORDS, type SharedMemory } from './memory.ts';
import type { System, View } from './system.ts';
import type { LocalState } from './thread.ts';

/** Of a sleeping thread: its place in the queue of its address. Terminated threads may linger there. */
const RANK = 7;
const KILLED = 8;

export class Store {
  readonly count: number;
  /** The number of the monitor's state, in the state at hand or while a step is made. */
  monitorAt = 0;
  /** The state that each was first reached from. */
  readonly parents: number[] = [];
  /** For each state the set of threads that are done or dead: they need not come to anything. */
  readonly settled: number[] = [];
  /** The state at hand, and its successor in the making. */
  readonly here: View;
  readonly there: View;
  private readonly vector: Int32Array;
  private readonly next: Int32Array;
  private readonly states: Interner;
  private readonly contents = new Interner(LINE_WORDS);
  private readonly system: System;
  private readonly memory: SharedMemory;
  private readonly monitors: unknown[] = [];
  private readonly monitorIds = new Map<string, number>();

  constructor(system: System, memory: SharedMemory) {
    this.system = system;
    this.memory = memory;
    this.count = system.programs.length;
    const width = 2 * this.count + 1 + memory.lines.length;
    this.vector = new Int32Array(width);
    this.next = new Int32Array(width);
    this.here = this.view(this.vector);
    this.there = this.view(this.next);
    this.states = new Interner(width);
  }

  get size(): number {
    return this.states.size;
  }

  /** The state before the first step. `prepare` may change memory once `there` says how things stand. */
  begin(prepare: () => void): void {
    const { threads, programs, monitor } = this.system;
    this.next.fill(0);
    for (const [t, program] of programs.entries()) this.next[t] = threads.start(program).id;
    this.next[2 * this.count] = this.monitorId(monitor?.initial ?? null);
    prepare();
    const { lines, words } = this.memory;
    for (const [i, line] of lines.entries()) this.next[this.slotOf(i)] = this.contents.add(words, line * LINE_WORDS);
    this.states.add(this.next);
    this.parents.push(-1);
  }

  /** Makes a state the one at hand. */
  load(id: number): void {
    this.states.copy(id, this.vector);
    const { lines, words } = this.memory;
    for (const [i, line] of lines.entries()) this.contents.copy(this.vector[this.slotOf(i)]!, words, line * LINE_WORDS);
    this.monitorAt = this.vector[2 * this.count]!;
  }

  /** Begins a successor of the state at hand; memory and the monitor are as they were left. */
  fork(): void {
    this.next.set(this.vector);
  }

  /** In the successor, thread t stands there. */
  put(t: number, state: LocalState): void {
    this.next[t] = state.id;
    this.next[2 * this.count] = this.monitorAt;
  }

  /** The number of the successor, with memory as it is; a new one's is the former `size`. */
  add(): number {
    const { next, vector, contents, memory } = this;
    const first = this.slotOf(0);
    for (let place = 0, end = memory.mark; place < end; place += 2) {
      const line = memory.lineAt(place);
      const slot = first + memory.indexOf(line);
      if (next[slot] === vector[slot]) next[slot] = contents.add(memory.words, line * LINE_WORDS);
    }
    return this.states.add(next);
  }

  local(t: number): LocalState {
    return this.system.threads.states[this.vector[t]!]!;
  }

  isAsleep(t: number): boolean {
    return this.placeOf(t) !== 0;
  }

  /** Among those that sleep on the same word; 0 when it does not. */
  placeOf(t: number): number {
    return this.vector[this.count + t]! & RANK;
  }

  isDead(t: number): boolean {
    return (this.vector[this.count + t]! & KILLED) !== 0;
  }

  /** It is terminated, and has been taken off the queue that it slept in. */
  isGone(t: number): boolean {
    return this.isDead(t) && !this.isAsleep(t);
  }

  everyone(): number[] {
    return Array.from({ length: this.count }, (_, t) => t);
  }

  isStuck(t: number): boolean {
    if (this.isDead(t) || this.local(t).operation.kind === 'done') return false;
    return !this.system.mayStarve?.(t, this.here);
  }

  /* Sleeping, in the successor. */

  /** The threads that sleep at an address in the state at hand, the first to be woken first. */
  sleepersAt(address: number): number[] {
    return this.everyone()
      .filter((t) => {
        const { operation } = this.local(t);
        return this.isAsleep(t) && operation.kind === 'wait' && operation.address === address;
      })
      .sort((a, b) => this.placeOf(a) - this.placeOf(b));
  }

  fallAsleep(t: number, address: number): void {
    this.next[this.count + t] = this.sleepersAt(address).length + 1;
  }

  /** It sleeps no longer, those behind it move up. */
  awaken(t: number, address: number): void {
    const rank = this.next[this.count + t]! & RANK;
    for (const other of this.sleepersAt(address))
      if ((this.next[this.count + other]! & RANK) > rank) this.next[this.count + other]!--;
    this.next[this.count + t]! &= KILLED;
  }

  /** It is terminated; asleep, it is taken off the queue some time later. */
  kill(t: number): void {
    this.next[this.count + t]! |= KILLED;
  }

  /* The monitor. */

  get monitor(): unknown {
    return this.monitors[this.monitorAt];
  }

  monitorId(state: unknown): number {
    const key = JSON.stringify(state);
    const known = this.monitorIds.get(key);
    if (known !== undefined) return known;
    this.monitorIds.set(key, this.monitors.length);
    return this.monitors.push(state) - 1;
  }

  private slotOf(line: number): number {
    return 2 * this.count + 1 + line;
  }

  private view(vector: Int32Array): View {
    const { threads } = this.system;
    const { words } = this.memory;
    const operationOf = (t: number) => threads.states[vector[t]!]!.operation;
    return {
      word: (address) => words[address >> 2]!,
      monitor: () => this.monitor,
      dead: (t) => (vector[this.count + t]! & KILLED) !== 0,
      finished: (t) => operationOf(t).kind === 'done',
      sleepsOn: (t) => {
        const operation = operationOf(t);
        return (vector[this.count + t]! & RANK) !== 0 && operation.kind === 'wait' ? operation.address : 0;
      },
      inside: (t) => (vector[this.count + t]! & KILLED) === 0 && threads.states[vector[t]!]!.call !== '',
      time: (t) => threads.states[vector[t]!]!.time,
    };
  }
}
