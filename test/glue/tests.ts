/** The tests of the package, run on any bundle in place of dist/ and its sources in place of bindings/, each by itself. */

import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest, type TestCase, type TestSpecification, type Vitest } from 'vitest/node';
import { BINDINGS, type Format } from './bundle.ts';
import type {} from './hits.ts';
import type { Reach } from './probes.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Those of the bindings that need no luck and no minutes. */
const FILES = ['test/{unit,behaviour}/*.test.ts'];
/** A test that does not end fails after so many times as long as it usually takes, and so long more (ms). */
const PATIENCE = { times: 10, more: 5_000 };

/** What Vitest and test/support say of what takes too long. */
const LATE = /timed out|within \d+ ms/;

export interface Test extends Reach {
  readonly id: string;
  readonly file: string;
}

export interface Failure {
  readonly name: string;
  readonly message: string;
  /** Whether it took too long. */
  readonly late: boolean;
  /** Which failed, or one of which did. */
  readonly tests: readonly Test[];
}

/** In the order in which they are asked for. */
class InOrder {
  sort(files: TestSpecification[]): TestSpecification[] {
    return files;
  }
  shard(files: TestSpecification[]): TestSpecification[] {
    return files;
  }
}

/** A copy of the package with a dist/ and bindings/ of its own. */
export class Tests {
  readonly #root: string;
  /** The files of bindings/ that are not as they were. */
  #changed: readonly string[] = [];
  readonly #vitest: Promise<Vitest>;

  /** @param probed whether the bundle has probes, see probes.ts */
  constructor(probed = false) {
    this.#root = mkdtempSync(join(tmpdir(), 'lockwork-mutants-'));
    const own = ['.git', '.ci', 'node_modules', 'build', 'dist'];
    cpSync(ROOT, this.#root, { recursive: true, filter: (path) => !own.includes(relative(ROOT, path)) });
    symlinkSync(join(ROOT, 'node_modules'), join(this.#root, 'node_modules'));
    // The other entries, which the tests' threads load, take index.js from beside them.
    for (const built of ['dist', 'build/release'])
      cpSync(join(ROOT, built), join(this.#root, built), { recursive: true });
    const hits = join(this.#root, 'hits');
    mkdirSync(hits);
    process.env.LOCKWORK_HITS = hits;
    if (!probed) process.env.LOCKWORK_WATCHDOG = String(2 * PATIENCE.more);
    this.#vitest = createVitest('test', {
      config: false,
      root: this.#root,
      watch: false,
      pool: 'forks',
      maxWorkers: 1,
      include: FILES,
      setupFiles: ['test/support/watchdog.ts', ...(probed ? ['test/glue/hits.ts'] : [])],
      sequence: { sequencer: InOrder },
      bail: probed ? 0 : 1,
      testTimeout: 30_000,
      hookTimeout: 30_000,
      reporters: [{}],
    });
  }

  /**
   * Puts a bundle in the place of the package's, and in bindings/ what it is made of: some tests call functions there.
   *
   * @param changed files of bindings/ with the text to take in place of theirs
   */
  async load({ esm, cjs }: Record<Format, string>, changed: ReadonlyMap<string, string> = new Map()): Promise<void> {
    const bindings = join(this.#root, 'bindings');
    for (const file of this.#changed) copyFileSync(BINDINGS + file, join(bindings, file));
    for (const [file, text] of changed) writeFileSync(join(bindings, file), text);
    writeFileSync(join(this.#root, 'dist/index.js'), esm);
    writeFileSync(join(this.#root, 'dist/index.cjs'), cjs);
    const vitest = await this.#vitest;
    vitest.invalidateFile(join(this.#root, 'dist/index.js'));
    for (const file of [...this.#changed, ...changed.keys()]) vitest.invalidateFile(join(bindings, file));
    this.#changed = [...changed.keys()];
  }

  /** Runs all tests of a bundle with probes. */
  async measure(progress: (tests: number) => void): Promise<Test[]> {
    const vitest = await this.#vitest;
    const tests: Test[] = [];
    for (const file of await vitest.globTestSpecifications()) {
      const { testModules } = await start(vitest, [file]);
      for (const module of testModules) {
        for (const test of module.children.allTests()) {
          const { state, errors } = test.result();
          if (state === 'skipped') continue;
          const { hits } = test.meta();
          if (state !== 'passed' || !hits) {
            console.error(`left out, since it fails without a mutant: ${nameOf(test)}: ${errors?.[0]?.message}`);
            continue;
          }
          const { duration } = test.diagnostic()!;
          tests.push({
            id: test.id,
            file: relative(this.#root, module.moduleId),
            name: nameOf(test),
            duration,
            ...hits,
          });
        }
      }
      progress(tests.length);
    }
    return tests;
  }

  /** Runs these tests till the first one fails. */
  async run(tests: readonly Test[]): Promise<Failure | undefined> {
    const vitest = await this.#vitest;
    const project = vitest.getRootProject();
    const longest = Math.max(...tests.map(({ duration }) => duration));
    project.config.testTimeout = project.config.hookTimeout = PATIENCE.times * longest + PATIENCE.more;
    const specifications = [...new Set(tests.map(({ file }) => file))].map((file) =>
      project.createSpecification(join(this.#root, file), {
        testIds: tests.filter((test) => test.file === file).map(({ id }) => id),
      }),
    );
    const { testModules, unhandledErrors } = await start(vitest, specifications);
    for (const module of testModules) {
      for (const test of module.children.allTests('failed')) {
        const message = test.result().errors?.[0]?.message ?? 'fails';
        const late = LATE.test(message);
        return { name: nameOf(test), message, late, tests: tests.filter(({ id }) => id === test.id) };
      }
    }
    // A thread that blocks for ever takes the process with it.
    const error = (testModules.flatMap((module) => module.errors())[0] ?? unhandledErrors[0]) as Error | undefined;
    return error && { name: 'the process of the tests', message: error.message, late: true, tests };
  }

  async close(): Promise<void> {
    await (await this.#vitest).close();
    rmSync(this.#root, { recursive: true });
  }
}

/** Runs them, with nothing in the results of what was run before. */
function start(vitest: Vitest, specifications: TestSpecification[]) {
  vitest.state.filesMap.clear();
  vitest.state.errorsSet.clear();
  return vitest.runTestSpecifications(specifications);
}

function nameOf(test: TestCase): string {
  return `${basename(test.module.moduleId)}: ${test.fullName}`;
}
