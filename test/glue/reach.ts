/** Which mutants each scenario and each test reaches. */

import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bundler } from './bundle.ts';
import { explore, type Limits } from './explore.ts';
import type { Mutant } from './mutate.ts';
import { placesIn, prelude, probed, type Reach } from './probes.ts';
import { title } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { type Test, Tests } from './tests.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const KEPT = `${ROOT}build/glue-tests.json`;
/** What the tests reach depends on these. */
const SOURCES = [
  'bindings/**/*.ts',
  'build/release/core.wasm',
  'test/{unit,behaviour,support}/**/*.*',
  'test/glue/{hits,mutate,probes,tests}.ts',
];

/** What is explored of a scenario for each mutant. Most are found in the first schedules. */
export const LIMITS: Limits = { bound: 1, exhaustive: 400, schedules: 60, timeout: 5_000 };

/** The bindings with probes: the bundle, and the files that it is made of, each by itself. */
async function withProbes(sources: ReadonlyMap<string, string>, mutants: readonly Mutant[]) {
  const changed = new Map<string, string>();
  for (const [file, source] of sources) {
    const own = mutants.filter((mutant) => mutant.file === file);
    changed.set(file, probed(source, own, mutants.indexOf(own[0]!)));
  }
  const bundler = new Bundler();
  const before = prelude(mutants.length);
  const bundle = await bundler.bundle(changed, before);
  await bundler.close();
  return { bundle, files: new Map([...changed].map(([file, text]) => [file, before + text])) };
}

export async function scenarioReach(
  sources: ReadonlyMap<string, string>,
  mutants: readonly Mutant[],
  progress: (text: string) => void,
): Promise<Reach[]> {
  const { cjs } = (await withProbes(sources, mutants)).bundle;
  const reach: Reach[] = [];
  for (const scenario of scenarios) {
    const name = title(scenario);
    progress(`${name} …`);
    const $hits = new Uint8Array(mutants.length);
    const begin = performance.now();
    const { failure } = await explore(cjs, scenario, { ...LIMITS, globals: { $hits } });
    if (failure && !scenario.known) throw new Error(`${name} fails without a mutant: ${failure.message}`);
    // Realms are made in between: what was loaded and what ran is one.
    reach.push({ name, duration: performance.now() - begin, ran: placesIn($hits), loaded: [] });
  }
  return reach;
}

/** Measured once for a state of the sources, and kept: it takes minutes. */
export async function testReach(
  sources: ReadonlyMap<string, string>,
  mutants: readonly Mutant[],
  progress: (text: string) => void,
): Promise<Test[]> {
  const hash = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: ROOT }).sort()) hash.update(readFileSync(ROOT + file));
  const key = hash.digest('hex');
  try {
    const kept = JSON.parse(readFileSync(KEPT, 'utf8')) as { key: string; tests: Test[] };
    if (kept.key === key) return kept.tests;
  } catch {
    // There is none yet.
  }
  const runner = new Tests(true);
  const { bundle, files } = await withProbes(sources, mutants);
  await runner.load(bundle, files);
  const tests = await runner.measure((count) => progress(`${count} tests …`));
  await runner.close();
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify({ key, tests }));
  return tests;
}
