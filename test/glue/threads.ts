/** A simulated thread in a schedule: what it is given by the platform, what is due in its event loop, how its tasks end. */

import type { Option } from './choices.ts';
import type { Futex } from './core.ts';
import type { Thread } from './platform.ts';
import type { Realm } from './realm.ts';
import type { Shared, Task } from './scenario.ts';
import { show, type Trace } from './trace.ts';

/** What fires after this time or later (ms) only keeps the process alive. */
export const NEVER = 0x7fffffff;

/** Ends all that is on the stack: the schedule is over. */
export class Stopped extends Error {}

/** The schedule, as its threads see it. */
export interface Scheduling {
  readonly threads: readonly SimulatedThread[];
  readonly trace: Trace | undefined;
  readonly state: Record<string, unknown>;
  readonly notes: Set<string>;
  readonly inside: Map<string, number>;
  /** Whether others may interfere. */
  readonly open: boolean;
  number: number;
  clock: number;
  step(thread: SimulatedThread, describe: () => string): void;
  sleep(thread: SimulatedThread, address: number, expected: number, limit: number, where: string): number;
  listen(address: number, tell: () => void): void;
  notify(address: number, count: number): number;
  fail(message: string): never;
  note(message: string): void;
}

interface Turn {
  readonly label: string;
  readonly kind: Option;
  readonly act: () => void;
  /** In which order it became due, among all threads. */
  readonly number: number;
}

/** What may happen next, and how soon it does when nobody interferes. */
export interface Offer {
  readonly thread: SimulatedThread;
  readonly turn: Turn;
  readonly rank: number;
}

/** Timers come after what is due, and aborts after those. */
const RANK: Partial<Record<Option, number>> = { timer: 1e9, abort: 2e9 };

class Timer {
  referenced = true;
  readonly callback: () => void;
  readonly delay: number;
  readonly repeats: boolean;
  due: number;

  constructor(callback: () => void, delay: number, repeats: boolean, now: number) {
    this.callback = callback;
    this.delay = delay;
    this.repeats = repeats;
    this.due = now + delay;
  }

  ref(): this {
    this.referenced = true;
    return this;
  }

  unref(): this {
    this.referenced = false;
    return this;
  }
}

/** What a task of a scenario waits for that is none of the package's business. */
interface Condition {
  readonly label: string;
  /** What somebody must note, if it is that. */
  readonly note?: string;
  readonly holds: () => boolean;
  readonly act: () => void;
}

export class SimulatedThread implements Thread {
  readonly name: string;
  readonly realm: Realm;
  shared: Shared = {};
  /** It is on the stack. */
  running = false;
  ended = false;
  /** It sleeps, and must be told. */
  helpless = false;
  readonly futex: Futex;
  readonly #schedule: Scheduling;
  #due: Turn[] = [];
  #conditions: Condition[] = [];
  readonly #timers = new Set<Timer>();
  readonly #unfinished = new Set<number>();
  #turn: Turn | undefined;

  constructor(name: string, realm: Realm, schedule: Scheduling) {
    this.name = name;
    this.realm = realm;
    this.#schedule = schedule;
    this.futex = {
      wait: (address, expected, nanoseconds) =>
        schedule.sleep(this, address, expected, nanoseconds < 0n ? NEVER : Number(nanoseconds) / 1e6, 'the core'),
      notify: (address, count) => schedule.notify(address, count >>> 0),
    };
    realm.thread = this;
  }

  attach(shared: Shared): void {
    const { attach } = this.realm.lockwork;
    for (const [name, handle] of Object.entries(shared)) this.shared[name] = attach(handle as never);
  }

  /** Its tasks begin, each in a turn of its own. */
  prepare(tasks: readonly Task[]): void {
    tasks.forEach((task, i) => {
      const program = this.realm.compile(task);
      this.#unfinished.add(i + 1);
      this.soon(`task ${i + 1} begins`, () => this.realm.begin(i + 1, program, this.shared));
    });
  }

  // -------------------------------------------------------------------------------------------------- for the schedule

  /** All that may happen in it now. */
  offer(offers: Offer[]): void {
    for (let i = this.#conditions.length - 1; i >= 0; i--) {
      const { label, holds, act } = this.#conditions[i]!;
      if (!holds()) continue;
      this.#conditions.splice(i, 1);
      this.soon(label, act);
    }
    for (const turn of this.#due) offers.push({ thread: this, turn, rank: turn.number + (RANK[turn.kind] ?? 0) });
    const timer = this.#nextTimer();
    if (timer) {
      const turn = {
        label: `a timer of ${timer.delay} ms fires`,
        kind: 'timer',
        act: () => this.#fire(timer),
      } as const;
      offers.push({ thread: this, turn: { ...turn, number: 0 }, rank: RANK.timer! + timer.due });
    }
  }

  turn(turn: Turn): void {
    const at = this.#due.indexOf(turn);
    if (at >= 0) this.#due.splice(at, 1);
    this.#turn = turn;
    this.running = true;
    try {
      this.realm.turn();
    } catch (error) {
      if (!(error instanceof Stopped)) this.#schedule.note(`${this.name}, ${turn.label}: ${show(error)}`);
    }
    this.running = false;
  }

  /** Whether something keeps its process from ending while its tasks wait. */
  get alive(): boolean {
    return (
      this.ended ||
      this.#unfinished.size === 0 ||
      this.#conditions.length > 0 ||
      this.#due.some(({ kind }) => kind === 'turn') ||
      this.referenced > 0
    );
  }

  get referenced(): number {
    return [...this.#timers].filter(({ referenced }) => referenced).length;
  }

  get idle(): boolean {
    const waits = this.#due.every(({ kind }) => kind === 'abort');
    return waits && !this.running && !this.#conditions.some(({ note }) => note && this.#schedule.notes.has(note));
  }

  get unfinished(): number[] {
    return [...this.#unfinished];
  }

  #nextTimer(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (timer.delay < NEVER && !(next && next.due <= timer.due)) next = timer;
    return next;
  }

  #fire(timer: Timer): void {
    const schedule = this.#schedule;
    schedule.clock = Math.max(schedule.clock, timer.due);
    if (timer.repeats) timer.due = schedule.clock + timer.delay;
    else this.#timers.delete(timer);
    timer.callback();
  }

  // -------------------------------------------------------------------------------------------------- for the realm

  act(): void {
    this.#turn!.act();
  }

  call(name: string, call: (...args: number[]) => number, args: number[]): number {
    const schedule = this.#schedule;
    const { trace } = schedule;
    if (this.ended && schedule.open) throw new Stopped();
    schedule.step(this, () => `calls ${trace?.callOf(name, args)}`);
    trace?.calls(this.name, name, args);
    const result = call(...args);
    trace?.returned(this.name, name, args, result);
    return result;
  }

  access(operation: string, address: number): void {
    const schedule = this.#schedule;
    const { trace } = schedule;
    if (this.ended && schedule.open) throw new Stopped();
    schedule.step(this, () => `${operation} ${trace?.nameOf(address)}`);
    trace?.accesses(this.name, operation, address);
  }

  wait(view: Int32Array, index: number, expected: number, limit: number): string {
    const address = view.byteOffset + index * 4;
    if (Atomics.load(view, index) !== expected) return 'not-equal';
    this.access('sleeps on', address);
    const status = this.#schedule.sleep(this, address, expected, limit, 'Atomics.wait');
    return ['ok', 'not-equal', 'timed-out'][status]!;
  }

  listen(address: number, resolve: (told: string) => void): void {
    this.#schedule.listen(address, () => this.soon('its inbox has something', () => resolve('ok')));
  }

  notify(address: number, count: number): number {
    return this.#schedule.notify(address, count);
  }

  now(): number {
    return this.#schedule.clock;
  }

  setTimer(callback: () => void, delay: number, repeats: boolean): Timer {
    const timer = new Timer(callback, Math.max(1, Number(delay)), repeats, this.#schedule.clock);
    this.#timers.add(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  soon(label: string, act: () => void, kind: Option = 'turn'): void {
    if (!this.ended) this.#due.push({ label, kind, act, number: this.#schedule.number++ });
  }

  // -------------------------------------------------------------------------------------------------- for its tasks

  abortable(abort: () => void): void {
    this.soon('a signal is aborted', abort, 'abort');
  }

  when(name: string, act: () => void): void {
    const { notes } = this.#schedule;
    this.#conditions.push({ label: `goes on after ${name}`, note: name, holds: () => notes.has(name), act });
  }

  whenIdle(name: string, act: () => void): void {
    const other = this.#schedule.threads.find((thread) => thread.name === name)!;
    this.#conditions.push({ label: `goes on after ${name} has nothing to do`, holds: () => other.idle, act });
  }

  note(name: string): void {
    this.#schedule.trace?.line(this.name, `notes ${name}`);
    this.#schedule.notes.add(name);
  }

  enter(what: string, limit: number): void {
    const { inside, trace } = this.#schedule;
    const count = (inside.get(what) ?? 0) + 1;
    trace?.line(this.name, `enters ${what}`);
    if (count > limit) this.fail(`${count} are in ${what} at the same time, where ${limit} may be`);
    inside.set(what, count);
  }

  leave(what: string): void {
    const { inside, trace } = this.#schedule;
    trace?.line(this.name, `leaves ${what}`);
    inside.set(what, (inside.get(what) ?? 0) - 1);
  }

  exit(): void {
    this.soon('ends', () => {
      for (const listener of this.realm.exitListeners) listener();
      this.ended = true;
      this.#due = [];
      this.#conditions = [];
      this.#timers.clear();
    });
  }

  fail(message: string): never {
    return this.#schedule.fail(`${this.name}: ${message}`);
  }

  get state(): unknown {
    return this.#schedule.state;
  }

  done(task: number): void {
    this.#schedule.trace?.line(this.name, `task ${task} is done`);
    this.#unfinished.delete(task);
  }

  failed(task: number, error: unknown): void {
    if (!this.ended && !(error instanceof Stopped)) this.#schedule.note(`${this.name}, task ${task}: ${show(error)}`);
  }
}
