/** Runs mutants: each in the scenarios, or in the tests, that reach it. */

import { Bundler, type Format } from './bundle.ts';
import { callsOfModel, recorderOf } from './calls.ts';
import { explore } from './explore.ts';
import { type Mutant, mutated } from './mutate.ts';
import type { Reach } from './probes.ts';
import { programs } from './programs.ts';
import { LIMITS } from './reach.ts';
import { title } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { type Failure, type Test, Tests } from './tests.ts';

/** The scenario or the test that noticed a mutant, and what. */
export interface Killer {
  readonly name: string;
  readonly fault: string;
}

/** Tests that take longer (ms) are left out: they are long because they try the same again and again. */
const LONG = 4_000;
/** The tests of one mutant take this (ms) at the most, were there no mutant. */
const BUDGET = 30_000;
/** So many of them are tried before all others. */
const FIRST = 8;

export abstract class Hunter<R extends Reach = Reach> {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #mutants: readonly Mutant[];
  readonly #reach: readonly R[];
  protected readonly bundler = new Bundler();
  /** By names: how many mutants of a file each has killed. It may kill their neighbours, too. */
  readonly #kills = new Map<string, number>();

  constructor(sources: ReadonlyMap<string, string>, mutants: readonly Mutant[], reach: readonly R[]) {
    this.#sources = sources;
    this.#mutants = mutants;
    this.#reach = reach;
  }

  /** What kills a mutant; nothing if it survives. */
  async hunt(index: number): Promise<Killer | undefined> {
    const mutant = this.#mutants[index]!;
    const { file } = mutant;
    const ofFile = (place: number): boolean => this.#mutants[place]!.file === file;
    const kills = ({ name }: Reach): number => this.#kills.get(`${file} ${name}`) ?? 0;
    const concerned = this.#reach
      .filter(({ ran, loaded }) => ran.includes(index) || (loaded.includes(index) && ran.some(ofFile)))
      .sort((a, b) => kills(b) - kills(a) || a.duration - b.duration);
    const changed = new Map([[file, mutated(this.#sources.get(file)!, mutant)]]);
    const killer = await this.run(concerned, changed);
    if (killer) this.#kills.set(`${file} ${killer.name}`, kills(killer as never) + 1);
    return killer;
  }

  /** @param concerned those that reach it: the likeliest killers and the quickest first */
  protected abstract run(concerned: readonly R[], changed: ReadonlyMap<string, string>): Promise<Killer | undefined>;

  close(): Promise<void> {
    return this.bundler.close();
  }
}

export class ScenarioHunter extends Hunter {
  readonly #scenarios = new Map(scenarios.filter(({ known }) => !known).map((scenario) => [title(scenario), scenario]));

  protected async run(concerned: readonly Reach[], changed: ReadonlyMap<string, string>): Promise<Killer | undefined> {
    const { cjs } = await this.bundler.bundle(changed);
    for (const { name } of concerned) {
      const scenario = this.#scenarios.get(name);
      const { failure } = scenario ? await explore(cjs, scenario, LIMITS) : {};
      if (failure) return { name, fault: failure.message };
    }
    return differing(cjs);
  }
}

const expected = new Map<string, string>();

/** The first program in which a bundle makes other core calls than the model. */
function differing(cjs: string): Killer | undefined {
  const callsOfBindings = recorderOf(cjs);
  for (const program of programs) {
    const { title: name } = program;
    if (!expected.has(name)) expected.set(name, callsOfModel(program).join('\n'));
    try {
      if (callsOfBindings(program).join('\n') !== expected.get(name)) return { name, fault: 'other calls of the core' };
    } catch (error) {
      return { name, fault: String((error as Error).message).split('\n', 1)[0]! };
    }
  }
  return undefined;
}

export class TestHunter extends Hunter<Test> {
  readonly #tests = new Tests();
  #unbroken: Record<Format, string> | undefined;

  protected async run(concerned: readonly Test[], changed: ReadonlyMap<string, string>): Promise<Killer | undefined> {
    let budget = BUDGET;
    const tests = concerned.filter(({ duration }) => {
      if (duration > LONG) return false;
      budget -= duration;
      return budget >= 0;
    });
    this.#unbroken ??= await this.bundler.bundle();
    const bundle = await this.bundler.bundle(changed);
    for (const some of [tests.slice(0, FIRST), tests.slice(FIRST)]) {
      for (let left: readonly Test[] = some; left.length > 0; ) {
        await this.#tests.load(bundle, changed);
        const failure = await this.#tests.run(left);
        if (!failure) break;
        const again = await this.#again(failure);
        if (again) return { name: again.name, fault: again.message };
        // It was bad luck. Those behind it have not run.
        left = left.filter((test) => !failure.tests.includes(test));
      }
    }
    return undefined;
  }

  /** What fails once more with what is loaded; what takes too long again must not do so unbroken. */
  async #again({ tests }: Failure): Promise<Failure | undefined> {
    const again = await this.#tests.run(tests);
    if (!again?.late) return again;
    await this.#tests.load(this.#unbroken!);
    return (await this.#tests.run(again.tests)) ? undefined : again;
  }

  override async close(): Promise<void> {
    await this.#tests.close();
    await super.close();
  }
}
