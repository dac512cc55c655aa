/** All schedules of a scenario with few departures from the plain one, and then others by the numbers of seeds. */

import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { type Choices, type Departure, read, Scripted, Seeded, write } from './choices.ts';
import { coreModule } from './core.ts';
import { moduleScript, Realm } from './realm.ts';
import type { Scenario } from './scenario.ts';
import { type Outcome, Schedule } from './schedule.ts';
import { Stopped } from './threads.ts';
import { show, Trace } from './trace.ts';

export interface Limits {
  /** So many departures at the most, of which all are tried. */
  readonly bound?: number;
  /** How many schedules are tried in the exhaustive part at the most. */
  readonly exhaustive?: number;
  /** How many schedules are tried by seeds. */
  readonly schedules?: number;
  /** The first seed. */
  readonly seed?: number;
  /** A schedule that takes longer (ms) does not end. */
  readonly timeout?: number;
  /** Called now and then with the number of schedules. */
  readonly progress?: (schedules: number) => void;
  /** What the bundle finds on each thread's `globalThis` beside the platform. */
  readonly globals?: object;
}

export interface Failure {
  readonly message: string;
  /** The seed that led to it, if it was one. */
  readonly seed?: number;
  /** How it departed from the plain schedule: what `replay` takes. */
  readonly choices: string;
  readonly trace: string;
}

export interface Result {
  readonly schedules: number;
  /** Up to this number of departures all were tried; -1: not even the plain one. */
  readonly complete: number;
  /** Schedules that ended early, as the threads that could have gone on were below others on the stack. */
  readonly cut: number;
  readonly failure?: Failure;
}

const CORE = new URL('../../dist/core.wasm', import.meta.url);
const BYTES = 8192;
/** So many schedules run between two looks at rejections that nobody handles. */
const BATCH = 32;
const TIMEOUT = 10_000;

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const words = new Int32Array(memory.buffer, 0, BYTES / 4);

/** The realms of a scenario's threads, for as long as nothing in them went wrong. */
class Realms {
  readonly #bundle: vm.Script;
  readonly #scenario: Scenario;
  readonly #globals: object | undefined;
  #realms: Realm[] = [];

  constructor(bundle: string, scenario: Scenario, globals: object | undefined) {
    this.#bundle = moduleScript(bundle);
    this.#scenario = scenario;
    this.#globals = globals;
  }

  get(): readonly Realm[] {
    if (this.#realms.length === 0) {
      this.#realms = Object.keys(this.#scenario.threads).map(() => new Realm(this.#bundle, this.#globals));
    }
    return this.#realms;
  }

  drop(): void {
    this.#realms = [];
  }
}

/** One thing that is run under a limit of time: what loops for ever in JavaScript without a step is stopped by it. */
let job: () => unknown = () => {};
Object.defineProperty(globalThis, Symbol.for('lockwork.glue.job'), { value: () => job() });
const JOB = new vm.Script(`globalThis[Symbol.for('lockwork.glue.job')]()`);

function within<T>(timeout: number, work: () => T): T | Error {
  job = work;
  try {
    return JOB.runInThisContext({ timeout }) as T;
  } catch (error) {
    return error as Error;
  }
}

/** Rejections that nobody handles, of all realms. */
class Rejections {
  readonly #found: unknown[] = [];
  readonly #listeners = process.rawListeners('unhandledRejection');

  constructor() {
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => {
      // What a dead thread's promise came to is of no interest.
      if (!(reason instanceof Stopped)) this.#found.push(reason);
    });
  }

  /** What was found since the last call. */
  async take(): Promise<unknown[]> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#found.splice(0);
  }

  close(): void {
    process.removeAllListeners('unhandledRejection');
    for (const listener of this.#listeners) process.on('unhandledRejection', listener as () => void);
  }
}

/** Runs schedules of a scenario, in realms that it makes anew where something went wrong in the last. */
class Runner {
  readonly #scenario: Scenario;
  readonly #realms: Realms;
  readonly #timeout: number;
  #ended = false;

  constructor(bundle: string, scenario: Scenario, timeout: number, globals?: object) {
    this.#scenario = scenario;
    this.#realms = new Realms(bundle, scenario, globals);
    this.#timeout = timeout;
    // Ahead of time, as it takes longer than a schedule may: bundles have the core that is published.
    coreModule(readFileSync(CORE));
  }

  /** As many as `next` has, up to a batch. Answers the fault of the last one, if it has one. */
  batch(next: () => Choices | undefined, ran: (outcome: Outcome) => void): string | undefined {
    const work = (): string | undefined => {
      for (let count = 0; count < BATCH; count++) {
        const choices = next();
        if (!choices) break;
        const outcome = this.#one(choices);
        ran(outcome);
        if (outcome.kind === 'failed') return outcome.message;
      }
      return undefined;
    };
    return this.#guarded(work);
  }

  /** One schedule in realms that nothing has happened in. */
  alone(choices: Choices, trace: Trace): string | undefined {
    this.#realms.drop();
    this.#ended = false;
    return this.#guarded(() => {
      const outcome = this.#one(choices, trace);
      return outcome.kind === 'failed' ? outcome.message : undefined;
    });
  }

  #one(choices: Choices, trace?: Trace): Outcome {
    const schedule = new Schedule(this.#scenario, this.#realms.get(), choices, words, trace);
    const outcome = schedule.run(memory, BYTES);
    if (outcome.kind === 'failed') {
      this.#realms.drop();
      if (this.#ended) {
        // A thread has ended in these realms before, and they may know it: only what fails in new ones fails.
        this.#ended = false;
        choices.restart();
        return this.#one(choices, trace);
      }
    }
    this.#ended ||= schedule.threads.some(({ ended }) => ended);
    return outcome;
  }

  #guarded(work: () => string | undefined): string | undefined {
    const message = within(this.#timeout, work);
    if (!(message instanceof Error)) return message;
    this.#realms.drop();
    const { code } = message as { code?: string };
    return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? `no end after ${this.#timeout} ms` : `${message.stack}`;
  }
}

/** Departures, fewest first: of each that was run, all that depart once more behind its last. */
class Exhaustive {
  #level: (readonly Departure[])[] = [[]];
  #deeper: (readonly Departure[])[] = [];
  #next = 0;
  #depth = 0;
  complete = -1;
  readonly #bound: number;
  readonly #most: number;

  constructor(bound: number, most: number) {
    this.#bound = bound;
    this.#most = most;
  }

  next(): readonly Departure[] | undefined {
    if (this.#next === this.#level.length) {
      this.complete = this.#depth;
      if (this.#deeper.length === 0) return undefined;
      this.#depth++;
      this.#level = this.#deeper;
      this.#deeper = [];
      this.#next = 0;
    }
    return this.#level[this.#next++];
  }

  ran(departures: readonly Departure[], alternatives: readonly number[]): void {
    if (this.#depth === this.#bound) return;
    for (let choice = (departures.at(-1)?.[0] ?? -1) + 1; choice < alternatives.length; choice++) {
      for (let option = 1; option < alternatives[choice]!; option++) {
        if (this.#deeper.length < this.#most) this.#deeper.push([...departures, [choice, option]]);
      }
    }
  }
}

/** Looks for a schedule of the scenario in which the bundle (the text of dist/index.cjs) does something wrong. */
export async function explore(bundle: string, scenario: Scenario, limits: Limits = {}): Promise<Result> {
  const { bound = 1, exhaustive = 20_000, schedules: random = 1_000, seed: first = 1, progress } = limits;
  const runner = new Runner(bundle, scenario, limits.timeout ?? TIMEOUT, limits.globals);
  const walk = new Exhaustive(bound, exhaustive);
  const rejections = new Rejections();
  let schedules = 0;
  let cut = 0;
  let seed = first;
  /** What the batch at hand has run, for the case that one of them left a rejection behind. */
  let batch: { choices: Choices; departures: () => readonly Departure[]; seed?: number }[] = [];
  const scripted = (): Choices | undefined => {
    if (schedules >= exhaustive) return undefined;
    const departures = walk.next();
    if (!departures) return undefined;
    const choices = new Scripted(departures);
    batch.push({ choices, departures: () => departures });
    return choices;
  };
  const seeded = (): Choices | undefined => {
    if (seed >= first + random) return undefined;
    const choices = new Seeded(seed);
    batch.push({ choices, departures: () => choices.departures, seed });
    seed++;
    return choices;
  };
  const ran = (outcome: Outcome): void => {
    schedules++;
    if (outcome.kind === 'cut') cut++;
    const { choices, departures } = batch.at(-1)!;
    if (choices instanceof Scripted) walk.ran(departures(), choices.alternatives);
  };
  const failed = (message: string, { departures, seed }: (typeof batch)[number]): Result => {
    const choices = write(departures());
    const { trace, message: again } = replayWith(runner, new Scripted(departures()));
    const note = again ? '' : '\nBy itself it does not fail: earlier schedules in the same threads belong to it.';
    const failure = { message, choices, trace: trace + note, ...(seed === undefined ? {} : { seed }) };
    return { schedules, complete: walk.complete, cut, failure };
  };

  try {
    for (const next of [scripted, seeded]) {
      do {
        batch = [];
        const message = runner.batch(next, ran);
        if (message !== undefined && batch.length === 0)
          batch.push({ choices: new Scripted([]), departures: () => [] });
        if (message !== undefined) return failed(message, batch.at(-1)!);
        if ((await rejections.take()).length > 0) {
          for (const one of batch) {
            runner.alone(new Scripted(one.departures()), new Trace());
            const [reason] = await rejections.take();
            if (reason !== undefined) return failed(`nobody handles a rejection: ${show(reason)}`, one);
          }
        }
        progress?.(schedules);
      } while (batch.length > 0);
    }
    return { schedules, complete: walk.complete, cut };
  } finally {
    // Those of the last schedule, too.
    await rejections.take();
    rejections.close();
  }
}

function replayWith(runner: Runner, choices: Choices): { message: string | undefined; trace: string } {
  const trace = new Trace();
  const message = runner.alone(choices, trace);
  return { message, trace: trace.lines.join('\n') };
}

/** One schedule once more: that of a seed, or the one with these departures. */
export function replay(
  bundle: string,
  scenario: Scenario,
  which: { readonly seed: number } | { readonly choices: string },
): { message: string | undefined; trace: string } {
  const choices = 'seed' in which ? new Seeded(which.seed) : new Scripted(read(which.choices));
  return replayWith(new Runner(bundle, scenario, TIMEOUT), choices);
}
