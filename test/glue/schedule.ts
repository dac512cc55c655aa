/**
 * One schedule: simulated threads on the one real thread. What each is about to do at shared memory (a call of the core, an
 * access of its own) is a step. Before it, whole turns of other threads' event loops may run, nested on the stack; so may they
 * while a thread blocks. A thread that is on the stack cannot go on before those above it have come to the ends of their turns:
 * of all interleavings these are the ones that nest.
 */

import {
  CELL_SIZE,
  HEADER_FIRST,
  HEADER_NAP,
  HEADER_SIZE,
  HEADER_TOTAL,
  HEADER_USED,
  KIND_HOLD,
  KIND_THREAD,
  THREAD_OWNING_THREAD,
} from '../../assembly/abi.ts';
import type { Choices, Option } from './choices.ts';
import type { Realm } from './realm.ts';
import type { Scenario, Shared } from './scenario.ts';
import { NAP, NEVER, type Offer, RANK, type Scheduling, SimulatedThread, Stopped } from './threads.ts';
import { ARENA, show, type Trace } from './trace.ts';

/** More steps than any scenario takes. */
const MOST_STEPS = 8_000;
/** ms that pass with each turn, if the scenario does not say. Less than a waiter's patience, and more than nothing. */
const TICK = 0.4;
/** So many looks (reap.ts) may happen in a schedule as departures; and when nothing else can go on, since a thread has died. */
const LOOKS = 1;
const RESCUES = 24;
/** So many steps a thread takes in one go; then it looks for something again and again, and time passes. */
const SPIN = 300;
/** ms that pass before such a look. */
const LONG = 1_000;

/** A thread that sleeps on a word, or listens to it: `tell` wakes it. They are kept in the order in which they came. */
interface Sleeper {
  readonly thread: SimulatedThread;
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
  readonly damaged = new Set<string>();
  readonly #sleepers: Sleeper[] = [];
  outcome: Outcome | undefined;
  clock = 1e6;
  /** Whether others may interfere: not while the threads get ready, nor in the end. */
  open = false;
  #steps = 0;
  #spun = 0;
  /** How many looks have happened: as departures, and by themselves. */
  #looks = 0;
  #rescues = 0;
  /** Whether what happens next does so by itself. */
  #plain = false;
  arena: object | undefined;

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
    const record = this.#used();
    this.arena = arena;
    if (!this.#lookful) this.words[HEADER_NAP / 4] = 0;
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
    this.#finish(record);
  }

  // -------------------------------------------------------------------------------------------------- the scheduler

  /** Nobody is on the stack. False when nothing is left to do. */
  #idle(): boolean {
    const offers = this.offers();
    if (!this.#goesOn(offers[0]?.turn.kind)) return false;
    for (const { alive, name } of this.threads) if (!alive) this.fail(`nothing keeps the process of ${name} alive`);
    const kinds = offers.map(({ turn }) => turn.kind);
    const choice = kinds.length > 1 ? this.choices.choose('idle', kinds) : 0;
    this.#take(offers[choice]!, choice === 0);
    return true;
  }

  /** Whether this happens by itself. */
  #goesOn(kind: Option | undefined): boolean {
    if (kind === 'look')
      return this.#rescued && this.threads.some(({ ended, unfinished }) => !ended && unfinished.length > 0);
    return kind !== undefined && kind !== 'abort' && kind !== 'death';
  }

  get bereaved(): boolean {
    return this.threads.some(({ dead }) => dead);
  }

  /** Whether threads look around when nothing else can go on. Else nobody may rely on that. */
  get #rescued(): boolean {
    return this.scenario.looks === true || this.bereaved;
  }

  /** Whether blocked threads have naps. */
  get #lookful(): boolean {
    return this.scenario.looks === true || this.scenario.mortal !== undefined;
  }

  get looks(): boolean {
    return this.open && this.scenario.looks !== 0;
  }

  /** As a departure, or because nothing else can go on. */
  #mayLook(offers: readonly Offer[]): boolean {
    const departs = offers[0] && offers[0].rank < RANK.look;
    return this.looks && (departs ? this.#looks < LOOKS : this.#rescued && this.#rescues < RESCUES);
  }

  looked(thread: SimulatedThread, ms: number): void {
    if (this.#plain) this.#rescues++;
    else this.#looks++;
    thread.looked = this.#rescues + this.#looks;
    this.clock += this.#rescued ? LONG : ms;
  }

  /** A thread is about to make a step: others may come first. */
  step(thread: SimulatedThread, describe: () => string): void {
    // It is over: what has begun comes to its end, so that no microtask follows another for ever.
    if (!this.open || (this.outcome && this.#steps <= MOST_STEPS)) return;
    this.#count(thread);
    for (;;) {
      // Without a death, a look begins between turns: then others interrupt it, which is as good.
      const offers = this.offers().filter(({ turn }) => turn.kind !== 'look' || this.#rescued);
      if (offers.length === 0) return;
      const choice = this.choices.choose('step', ['on', ...offers.map(({ turn }) => turn.kind)]);
      if (choice === 0) return;
      this.trace?.line(thread.name, `is interrupted before it ${describe()}`);
      this.#take(offers[choice - 1]!, false);
      thread.lives();
      if (this.outcome) return;
    }
  }

  /** A thread sleeps: others run until it is woken, or its time is up. */
  sleep(thread: SimulatedThread, address: number, expected: number, limit: number, where: string): number {
    if (this.outcome) throw new Stopped();
    if (this.words[address >>> 2] !== expected) return 1;
    let told = false;
    const sleeper = {
      thread,
      address,
      tell: () => {
        told = true;
        thread.helpless = false;
      },
    };
    this.#sleepers.push(sleeper);
    const naps = limit >= NAP && limit < NEVER;
    thread.helpless = limit >= NAP;
    thread.naps = naps;
    const due = this.clock + limit;
    this.trace?.line(thread.name, `sleeps in ${where}${limit < NAP ? ` for ${limit} ms at the most` : ''}`);
    for (;;) {
      if (thread.dead) throw new Stopped();
      this.#count(thread);
      const offers = this.open ? this.offers() : [];
      const options: Option[] = offers.map(({ turn }) => turn.kind);
      // Told, it goes on; with time left, it does so when nobody else has anything to do.
      const own: Option | undefined = told
        ? 'on'
        : limit < NAP
          ? 'timer'
          : naps && this.#mayLook(offers)
            ? 'look'
            : undefined;
      let at = -1;
      if (own) {
        const rank = RANK[own] + (own === 'look' ? thread.looked : 0);
        at = offers.filter((offer) => offer.rank < rank).length;
        options.splice(at, 0, own);
      }
      if (options[0] !== 'on' && !this.#goesOn(options[0])) this.#stuck(thread, where);
      const choice = options.length > 1 ? this.choices.choose('block', options) : 0;
      this.#plain = choice === 0;
      if (choice === at) break;
      this.#take(offers[own && choice > at ? choice - 1 : choice]!, choice === 0);
      if (this.outcome) throw new Stopped();
    }
    this.#forget(sleeper);
    thread.helpless = false;
    if (!told && naps) this.looked(thread, limit);
    else if (!told) this.clock = Math.max(this.clock, due);
    this.trace?.line(thread.name, told ? 'is woken' : naps ? 'has had a nap' : 'has slept long enough');
    return told ? 0 : 2;
  }

  /** A thread computes: others run until one of them notes this. */
  compute(thread: SimulatedThread, until: string): void {
    this.trace?.line(thread.name, `computes until ${until}`);
    thread.helpless = true;
    thread.naps = false;
    while (!this.notes.has(until)) {
      const offers = this.offers();
      const options = offers.map(({ turn }) => turn.kind);
      if (!this.#goesOn(options[0])) this.#stuck(thread, 'its computation');
      const choice = options.length > 1 ? this.choices.choose('block', options) : 0;
      this.#take(offers[choice]!, choice === 0);
      if (this.outcome) throw new Stopped();
      thread.lives();
    }
    thread.helpless = false;
  }

  listen(thread: SimulatedThread, address: number, tell: () => void): void {
    this.#sleepers.push({ thread, address, tell });
  }

  forget(thread: SimulatedThread): void {
    for (const sleeper of this.#sleepers.filter((sleeper) => sleeper.thread === thread)) this.#forget(sleeper);
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
    const { mortal } = this.scenario;
    for (const thread of this.threads) {
      if (thread.ended) continue;
      if (!thread.running) thread.offer(offers);
      if (!mortal?.includes(thread.name) || !this.open) continue;
      const turn = { label: 'dies', kind: 'death', act: () => {}, number: 0 } as const;
      offers.push({ thread, turn, rank: RANK.death });
    }
    offers.sort((a, b) => a.rank - b.rank);
    return this.#mayLook(offers) ? offers : offers.filter(({ turn }) => turn.kind !== 'look');
  }

  #take({ thread, turn }: Offer, plain: boolean): void {
    this.#spun = 0;
    this.#plain = plain;
    if (turn.kind === 'death') {
      thread.die();
      return;
    }
    this.clock += this.scenario.tick ?? TICK;
    this.trace?.begin(thread.name, turn.label);
    thread.turn(turn);
    this.trace?.end();
  }

  #count(thread: SimulatedThread): void {
    if (++this.#spun > SPIN) this.clock++;
    if (++this.#steps <= MOST_STEPS) return;
    // A thread below it on the stack may be what it looks for again and again.
    this.#cutIfOneBelow(thread, (other) => !other.helpless);
    this.fail(`no end after ${MOST_STEPS} steps`);
  }

  /** No schedule that nests goes on from here; others do. */
  #cutIfOneBelow(thread: SimulatedThread, goesOn: (other: SimulatedThread) => boolean): void {
    if (!this.threads.some((other) => other !== thread && other.running && !other.dead && goesOn(other))) return;
    this.trace?.line(thread.name, 'could only go on after a thread below it on the stack: this schedule ends here');
    this.outcome = { kind: 'cut' };
    // The others come to their ends.
    this.#steps = 0;
    throw new Stopped();
  }

  #stuck(thread: SimulatedThread, where: string): never {
    this.#cutIfOneBelow(thread, ({ helpless, naps }) => !helpless || (naps && this.#rescued));
    this.fail(`${thread.name} sleeps in ${where}, and nobody is left to wake it`);
  }

  #forget(sleeper: Sleeper): void {
    const at = this.#sleepers.indexOf(sleeper);
    if (at >= 0) this.#sleepers.splice(at, 1);
  }

  // -------------------------------------------------------------------------------------------------- the end

  /** So many bytes of the arena are in use. */
  #used(): number {
    return this.words[HEADER_USED / 4]! * CELL_SIZE;
  }

  /** So many bytes are holds of living threads, which keep them for a while (bindings/holds.ts). */
  #holds(): number {
    const map = new Uint8Array(this.words.buffer, HEADER_SIZE);
    let bytes = 0;
    for (let cell = this.words[HEADER_FIRST / 4]!; cell < this.words[HEADER_TOTAL / 4]!; cell++) {
      if (map[cell] !== KIND_HOLD) continue;
      const thread = this.words[(cell * CELL_SIZE + THREAD_OWNING_THREAD) / 4]!;
      if (map[thread / CELL_SIZE] === KIND_THREAD) bytes += CELL_SIZE;
    }
    return bytes;
  }

  /** Nothing more happens. */
  #finish(record: number): void {
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
    if (this.bereaved) {
      // Long enough for all that was asked before to be asked again.
      do this.clock += 1e6;
      while (last.realm.kit.reap() > 0);
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
    const used = this.#used() - living.length * record - this.#holds();
    if (used !== 0) this.fail(`${used} bytes of the arena are in use, and nothing is left in it`);
  }
}
