/** A simulated thread in a schedule: what it is given by the platform, what is due in its event loop, how its tasks end. */

import { CELL_SIZE, THREAD_ALIVE } from '../../assembly/abi.ts';
import type { Option } from './choices.ts';
import type { Futex } from './core.ts';
import type { Thread } from './platform.ts';
import type { Realm } from './realm.ts';
import type { Shared, Task } from './scenario.ts';
import { show, type Trace } from './trace.ts';

/** What fires after this time or later (ms) only keeps the process alive. */
export const NEVER = 0x7fffffff;

/**
 * A sleep or an interval that is as long as this (ms) or longer, and ends, is for a look around (LOOK of thread-arena.ts, NAP of
 * memory.ts): no scenario blocks for so long.
 */
export const NAP = 25;

/** Ends all that is on the stack: the schedule is over, or the thread has died. */
export class Stopped extends Error {}

/** So often a dead thread's code is stopped. Then what it tries again and again must come to an end: it does nothing any more. */
const GASPS = 100;

/** The schedule, as its threads see it. */
export interface Scheduling {
  readonly threads: readonly SimulatedThread[];
  readonly trace: Trace | undefined;
  readonly state: Record<string, unknown>;
  readonly notes: Set<string>;
  readonly inside: Map<string, number>;
  /** In what a thread was as it died. */
  readonly damaged: Set<string>;
  /** Whether others may interfere. */
  readonly open: boolean;
  /** Whether a thread has died. */
  readonly bereaved: boolean;
  readonly arena: object | undefined;
  number: number;
  clock: number;
  step(thread: SimulatedThread, describe: () => string): void;
  sleep(thread: SimulatedThread, address: number, expected: number, limit: number, where: string): number;
  listen(thread: SimulatedThread, address: number, tell: () => void): void;
  compute(thread: SimulatedThread, until: string): void;
  /** Forgets what a thread sleeps on or listens to. */
  forget(thread: SimulatedThread): void;
  /** Whether looks are of this schedule. */
  readonly looks: boolean;
  looked(thread: SimulatedThread, ms: number): void;
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

/** Timers come after what is due, then looks; and what never happens by itself. */
export const RANK = { on: -1, turn: 0, timer: 1e9, look: 2e9, abort: 3e9, death: 4e9 } satisfies Record<Option, number>;

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

  /** It is for a look around. */
  get looks(): boolean {
    return this.repeats && this.delay >= NAP && this.delay < NEVER;
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
  /** It has ended by dying. */
  dead = false;
  /** When it looked around the last time: a number of the schedule's. */
  looked = 0;
  readonly #inside: string[] = [];
  #gasps = 0;
  /** It sleeps, and must be told; but with naps it looks around by itself. */
  helpless = false;
  naps = false;
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
    const { looks } = this.#schedule;
    for (const turn of this.#due) {
      if (turn.kind !== 'look' || looks) offers.push({ thread: this, turn, rank: turn.number + RANK[turn.kind] });
    }
    const looker = looks && [...this.#timers].find(({ looks }) => looks);
    if (looker) {
      const act = (): void => {
        this.#schedule.looked(this, looker.delay);
        looker.callback();
      };
      const turn = { label: 'looks around', kind: 'look', act, number: this.looked } as const;
      offers.push({ thread: this, turn, rank: RANK.look + this.looked });
    }
    const timer = this.#nextTimer();
    if (timer) {
      const turn = {
        label: `a timer of ${timer.delay} ms fires`,
        kind: 'timer',
        act: () => this.#fire(timer),
      } as const;
      offers.push({ thread: this, turn: { ...turn, number: 0 }, rank: RANK.timer + timer.due });
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
      if (!(error instanceof Stopped) && !this.dead) {
        this.#schedule.note(`${this.name}, ${turn.label}: ${show(error)}`);
      }
    }
    // What it would still have done must not be left to its next life, in another schedule.
    if (this.dead) this.#drain();
    this.running = false;
  }

  #drain(): void {
    try {
      this.realm.drain();
    } catch {
      // It is dead.
    }
  }

  /** It is terminated, wherever it is: from now on it does nothing. */
  die(): void {
    this.#schedule.trace?.line(this.name, 'DIES');
    this.dead = true;
    this.#end();
    const { inside, damaged } = this.#schedule;
    for (const what of this.#inside) {
      inside.set(what, inside.get(what)! - 1);
      damaged.add(what);
    }
  }

  #end(): void {
    this.ended = true;
    this.#due = [];
    this.#conditions = [];
    this.#timers.clear();
    this.#schedule.forget(this);
  }

  /** Throws when it has died: what its scenario would do comes to an end. */
  mustLive(): void {
    if (this.dead) throw new Stopped();
  }

  /** Throws when it has died: what is on its stack comes to an end. */
  lives(): void {
    if (this.dead && ++this.#gasps < GASPS) throw new Stopped();
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
    const waits = this.#due.every(({ kind }) => kind === 'abort' || kind === 'look');
    return waits && !this.running && !this.#conditions.some(({ note }) => note && this.#schedule.notes.has(note));
  }

  get unfinished(): number[] {
    return [...this.#unfinished];
  }

  #nextTimer(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.delay < NEVER && !timer.looks && !(next && next.due <= timer.due)) next = timer;
    }
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
    this.lives();
    // An answer that ends what tries again.
    if (this.dead) return name === 'swap' ? 1 : 0;
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
    this.lives();
    if (this.dead) return;
    if (this.ended && schedule.open) throw new Stopped();
    schedule.step(this, () => `${operation} ${trace?.nameOf(address)}`);
    trace?.accesses(this.name, operation, address);
  }

  wait(view: Int32Array, index: number, expected: number, limit: number): string {
    this.mustLive();
    const address = view.byteOffset + index * 4;
    if (Atomics.load(view, index) !== expected) return 'not-equal';
    this.access('sleeps on', address);
    const status = this.#schedule.sleep(this, address, expected, limit, 'Atomics.wait');
    return ['ok', 'not-equal', 'timed-out'][status]!;
  }

  listen(address: number, resolve: (told: string) => void): void {
    // A ticket (reap.ts): it keeps no process alive, and is given out again at the thread's leisure.
    const ticket = address % CELL_SIZE === THREAD_ALIVE;
    const [label, kind] = ticket
      ? (['is asked whether it lives', 'look'] as const)
      : (['its inbox has something'] as const);
    this.#schedule.listen(this, address, () => this.soon(label, () => resolve('ok'), kind));
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
    const schedule = this.#schedule;
    // A dead thread notes nothing any more.
    const holds = (): boolean => schedule.notes.has(name) || schedule.bereaved;
    this.#conditions.push({ label: `goes on after ${name}`, note: name, holds, act });
  }

  whenIdle(name: string, act: () => void): void {
    const other = this.#other(name);
    this.#conditions.push({ label: `goes on after ${name} has nothing to do`, holds: () => other.idle, act });
  }

  whenGone(name: string, act: () => void): void {
    const other = this.#other(name);
    const holds = (): boolean => other.ended || other.unfinished.length === 0;
    this.#conditions.push({ label: `goes on after ${name} is gone`, holds, act });
  }

  died(name: string): boolean {
    return this.#other(name).dead;
  }

  compute(until: string): void {
    this.mustLive();
    this.#schedule.compute(this, until);
  }

  get arena(): unknown {
    return this.#schedule.arena;
  }

  #other(name: string): SimulatedThread {
    return this.#schedule.threads.find((thread) => thread.name === name)!;
  }

  note(name: string): void {
    this.mustLive();
    this.#schedule.trace?.line(this.name, `notes ${name}`);
    this.#schedule.notes.add(name);
  }

  enter(what: string, limit: number): void {
    this.mustLive();
    const { inside, damaged, trace } = this.#schedule;
    const count = (inside.get(what) ?? 0) + 1;
    trace?.line(this.name, `enters ${what}`);
    if (count > limit) this.fail(`${count} are in ${what} at the same time, where ${limit} may be`);
    if (limit === 1 && damaged.has(what)) this.fail(`it is in ${what}, where a thread has died, and was not told`);
    inside.set(what, count);
    this.#inside.push(what);
  }

  mend(what: string): void {
    this.mustLive();
    this.#schedule.trace?.line(this.name, `mends ${what}`);
    this.#schedule.damaged.delete(what);
  }

  leave(what: string): void {
    this.mustLive();
    const { inside, trace } = this.#schedule;
    trace?.line(this.name, `leaves ${what}`);
    inside.set(what, (inside.get(what) ?? 0) - 1);
    this.#inside.splice(this.#inside.indexOf(what), 1);
  }

  exit(): void {
    this.soon('ends', () => {
      for (const listener of this.realm.exitListeners) listener();
      this.#end();
    });
  }

  fail(message: string): never {
    this.mustLive();
    return this.#schedule.fail(`${this.name}: ${message}`);
  }

  get state(): unknown {
    this.mustLive();
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
