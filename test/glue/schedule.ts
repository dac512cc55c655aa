/**
 * One schedule: simulated threads on the one real thread. What each is about to do at shared memory (a call of the core, an
 * access of its own) is a step. Before it, whole turns of other threads' event loops may run, nested on the stack; so may they
 * while a thread blocks. A thread that is on the stack cannot go on before those above it have come to the ends of their turns:
 * of all interleavings these are the ones that nest.
 */

import type { Choices, Option } from './choices.ts';
import type { Realm } from './realm.ts';
import type { Scenario, Shared } from './scenario.ts';
import { NEVER, type Offer, type Scheduling, SimulatedThread, Stopped } from './threads.ts';
import { ARENA, show, type Trace } from './trace.ts';

/** More steps than any scenario takes. */
const MOST_STEPS = 20_000;
/** ms that pass with each turn, if the scenario does not say. Less than a waiter's patience, and more than nothing. */
const TICK = 0.4;
/** A thread that sleeps on a word, or listens to it: `tell` wakes it. They are kept in the order in which they came. */
interface Sleeper {
  readonly address: number;
  readonly tell: () => void;
}

type Primitive = Shared[string] & { readonly waiters: number };

/** What it came to: nothing, a fault, or no way on, as the threads that could go on are below others on the stack. */
export type Outcome = { readonly kind: 'held' | 'cut' } | { readonly kind: 'failed'; readonly message: string };

export class Schedule implements Scheduling {
  readonly scenario: Scenario;
  readonly choices: Choices;
  readonly trace: Trace | undefined;
  readonly words: Int32Array;
  readonly threads: SimulatedThread[];
  readonly state: Record<string, unknown> = {};
  readonly notes = new Set<string>();
  /** How many turns have become due. */
  number = 0;
  readonly inside = new Map<string, number>();
  readonly #sleepers: Sleeper[] = [];
  outcome: Outcome | undefined;
  clock = 1;
  /** Whether others may interfere: not while the threads get ready, nor in the end. */
  open = false;
  #steps = 0;

  constructor(scenario: Scenario, realms: readonly Realm[], choices: Choices, words: Int32Array, trace?: Trace) {
    this.scenario = scenario;
    this.choices = choices;
    this.words = words;
    this.trace = trace;
    this.threads = Object.keys(scenario.threads).map((name, i) => new SimulatedThread(name, realms[i]!, this));
  }

  /** From the beginning to the end. */
  run(memory: WebAssembly.Memory, bytes: number): Outcome {
    try {
      this.#play(memory, bytes);
    } catch (error) {
      if (!this.outcome) this.note(`the schedule itself: ${show(error)}`);
    }
    for (const thread of this.threads) thread.realm.thread = undefined;
    return this.outcome ?? { kind: 'held' };
  }

  #play(memory: WebAssembly.Memory, bytes: number): void {
    const { scenario, threads, trace } = this;
    this.words.fill(0);
    const first = threads[0]!;
    const { Arena } = first.realm.lockwork;
    const arena = new Arena({ memory, byteOffset: 0, byteLength: bytes });
    const record = arena.used;
    const share = first.realm.compile(scenario.share);
    first.shared = share(first.realm.lockwork, { arena } as never) as Shared;
    trace?.knows(ARENA, arena);
    for (const [name, handle] of Object.entries(first.shared)) trace?.knows(name, handle);
    for (const thread of threads) if (thread !== first) thread.attach(first.shared);
    for (const thread of threads) thread.prepare(scenario.threads[thread.name]!);
    this.open = true;
    if (trace) trace.open = true;
    while (!this.outcome && this.#idle());
    this.open = false;
    if (this.outcome) return;
    this.#finish(arena, record);
  }

  // -------------------------------------------------------------------------------------------------- the scheduler

  /** Nobody is on the stack. False when nothing is left to do. */
  #idle(): boolean {
    const offers = this.offers();
    if (offers.every(({ turn }) => turn.kind === 'abort')) return false;
    for (const { alive, name } of this.threads) if (!alive) this.fail(`nothing keeps the process of ${name} alive`);
    const kinds = offers.map(({ turn }) => turn.kind);
    this.#take(offers[kinds.length > 1 ? this.choices.choose('idle', kinds) : 0]!);
    return true;
  }

  /** A thread is about to make a step: others may come first. */
  step(thread: SimulatedThread, describe: () => string): void {
    // It is over: what has begun comes to its end, so that no microtask follows another for ever.
    if (!this.open || (this.outcome && this.#steps <= MOST_STEPS)) return;
    if (++this.#steps > MOST_STEPS) this.fail(`no end after ${MOST_STEPS} steps`);
    for (;;) {
      const offers = this.offers();
      if (offers.length === 0) return;
      const choice = this.choices.choose('step', ['on', ...offers.map(({ turn }) => turn.kind)]);
      if (choice === 0) return;
      this.trace?.line(thread.name, `is interrupted before it ${describe()}`);
      this.#take(offers[choice - 1]!);
      if (this.outcome) return;
    }
  }

  /** A thread sleeps: others run until it is woken, or its time is up. */
  sleep(thread: SimulatedThread, address: number, expected: number, limit: number, where: string): number {
    if (this.outcome) throw new Stopped();
    if (this.words[address >>> 2] !== expected) return 1;
    let told = false;
    const sleeper = {
      address,
      tell: () => {
        told = true;
        thread.helpless = false;
      },
    };
    this.#sleepers.push(sleeper);
    thread.helpless = limit >= NEVER;
    const due = this.clock + limit;
    this.trace?.line(thread.name, `sleeps in ${where}${limit < NEVER ? ` for ${limit} ms at the most` : ''}`);
    for (;;) {
      if (++this.#steps > MOST_STEPS) this.fail(`no end after ${MOST_STEPS} steps`);
      const offers = this.open ? this.offers() : [];
      const options: Option[] = offers.map(({ turn }) => turn.kind);
      const wakes = told || limit < NEVER;
      if (!wakes && options.every((kind) => kind === 'abort')) this.#stuck(thread, where);
      // Told, it goes on; with time left, it does so when nobody else has anything to do.
      const at = told ? 0 : options.filter((kind) => kind === 'turn').length;
      if (wakes) options.splice(at, 0, told ? 'on' : 'timer');
      const choice = options.length > 1 ? this.choices.choose('block', options) : 0;
      if (wakes && choice === at) break;
      this.#take(offers[wakes && choice > at ? choice - 1 : choice]!);
      if (this.outcome) throw new Stopped();
    }
    this.#forget(sleeper);
    thread.helpless = false;
    if (!told) this.clock = Math.max(this.clock, due);
    this.trace?.line(thread.name, told ? 'is woken' : 'has slept long enough');
    return told ? 0 : 2;
  }

  listen(address: number, tell: () => void): void {
    this.#sleepers.push({ address, tell });
  }

  notify(address: number, count: number): number {
    let told = 0;
    for (const sleeper of this.#sleepers.filter((sleeper) => sleeper.address === address)) {
      if (told === count) break;
      told++;
      this.#forget(sleeper);
      sleeper.tell();
    }
    return told;
  }

  fail(message: string): never {
    this.note(message);
    throw new Stopped();
  }

  note(message: string): void {
    this.trace?.line('', `FAULT: ${message}`);
    this.outcome ??= { kind: 'failed', message };
    if (this.trace) this.trace.open = false;
  }

  /** All that may happen in threads that are not on the stack: turns, in the order in which they became due; timers; aborts. */
  offers(): Offer[] {
    const offers: Offer[] = [];
    for (const thread of this.threads) if (!thread.running && !thread.ended) thread.offer(offers);
    return offers.sort((a, b) => a.rank - b.rank);
  }

  #take({ thread, turn }: Offer): void {
    this.clock += this.scenario.tick ?? TICK;
    this.trace?.begin(thread.name, turn.label);
    thread.turn(turn);
    this.trace?.end();
  }

  #stuck(thread: SimulatedThread, where: string): never {
    // No schedule that nests goes on from here; others do.
    if (this.threads.some((other) => other.running && !other.helpless)) {
      this.trace?.line(thread.name, 'could only be woken by a thread below it on the stack: this schedule ends here');
      this.outcome = { kind: 'cut' };
      throw new Stopped();
    }
    this.fail(`${thread.name} sleeps in ${where}, and nobody is left to wake it`);
  }

  #forget(sleeper: Sleeper): void {
    const at = this.#sleepers.indexOf(sleeper);
    if (at >= 0) this.#sleepers.splice(at, 1);
  }

  // -------------------------------------------------------------------------------------------------- the end

  /** Nothing more happens. */
  #finish(arena: { readonly used: number }, record: number): void {
    const { scenario, threads } = this;
    for (const { name, unfinished, ended } of threads) {
      if (!ended && unfinished.length > 0)
        this.fail(`${name}'s task ${unfinished.join(' and ')} waits for ever, and nothing more happens`);
    }
    for (const [what, count] of this.inside) if (count > 0) this.fail(`${count} are left in ${what}`);
    this.trace?.line('', 'nothing more happens');
    const living = threads.filter(({ ended }) => !ended);
    const last = living[0];
    if (!last) return;
    for (const { name, referenced } of living) {
      if (referenced > 0) this.fail(`${name}: a timer keeps the process alive, and nobody waits`);
    }
    if (scenario.after) last.realm.compile(scenario.after)(last.shared, last.realm.kit);
    const primitives = Object.entries(last.shared).reverse() as [string, Primitive][];
    if (!scenario.destroys) {
      for (const [name, primitive] of primitives) {
        if (primitive.waiters !== 0) this.fail(`${name}.waiters is ${primitive.waiters}, and nobody waits`);
      }
      for (const [name, primitive] of primitives) {
        try {
          primitive.destroy();
        } catch (error) {
          this.fail(`${name}.destroy() when nobody uses it any more: ${show(error)}`);
        }
      }
    }
    const used = arena.used - living.length * record;
    if (used !== 0) this.fail(`${used} bytes of the arena are in use, and nothing is left in it`);
  }
}
