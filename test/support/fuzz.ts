/**
 * An explorer of random operations: threads and their tasks do what a seed says with primitives that are made anew for
 * each of many short rounds, and destroyed as soon as that is allowed, often while a thread is yet to return from the
 * call that let the last one through. Arrays are put in their places, so that nobody can touch them unseen.
 *
 *   LOCKWORK_FUZZ=600 npx vitest run --project threads test/stress/fuzz.test.ts    for ten minutes, all families
 *   LOCKWORK_FUZZ_ONLY=lock,duet    the families whose names begin like one of these
 *   LOCKWORK_FUZZ_SEED=7       the choices of this seed; when they fall, the machine decides
 *   LOCKWORK_FUZZ_ROUND=12     this round of it only, again and again
 */
import * as threading from 'lockwork';
import { AT, KINDS, OPS, type Plan, take } from './fuzzing.ts';
import { thread } from './threads.ts';
import { usedBesideHolds } from './waiting.ts';

/** What rounds are made of; what each does: `families` in fuzzing.ts. */
const FAMILIES = [
  'lock',
  'semaphore',
  'event',
  'barrier',
  'condition',
  'swap',
  'mixed',
  'queue',
  'cycles',
  'duet-event',
  'duet-semaphore',
  'duet-barrier',
  'duet-lock',
  'duet-condition',
] as const;

export type Family = (typeof FAMILIES)[number];

const settings = {
  ...globalThis.process?.env,
  // Of a page, whose process is Vite's: VITE_LOCKWORK_FUZZ=120.
  ...Object.fromEntries(
    Object.entries((import.meta as { env?: Record<string, string> }).env ?? {}).map(([name, value]) => [
      name.replace(/^VITE_/, ''),
      value,
    ]),
  ),
};

const ONLY = settings.LOCKWORK_FUZZ_ONLY ?? '';
const SEED = settings.LOCKWORK_FUZZ_SEED;
const ROUND = settings.LOCKWORK_FUZZ_ROUND;

/** Those to be run. */
export const chosen = FAMILIES.filter((family) => ONLY.split(',').some((begin) => family.startsWith(begin)));

const LONG = settings.LOCKWORK_FUZZ;

/** How long one family is run (ms): a few seconds for all. */
export const PART = LONG ? (Number(LONG) * 1000) / chosen.length : 300;

/** A round takes some milliseconds; one that takes this long (ms) hangs. */
const HANG = 10_000;

interface Scene extends Pick<Plan, 'ctl' | 'at' | 'ops' | 'kinds'> {
  memory: WebAssembly.Memory;
}

/** What everybody is about to do, or is in the midst of. */
function describeFuzz({ ctl, at, ops, kinds, memory }: Scene): string {
  const lines = [`round ${Atomics.load(ctl, at.round) - 1}:`];
  for (let place = 0; place < Atomics.load(ctl, at.made); place++) {
    const [kind, address, , , lock, , n, users] = ctl.subarray(at.items + place * at.ITEM);
    lines.push(
      `  #${place}: ${kinds[kind!]} @${address}${lock ? ` of the lock @${lock}` : ''}, n ${n}, used by ${users}: ${new Int32Array(memory.buffer, address, 16)}${lock ? `; ${new Int32Array(memory.buffer, lock, 16)}` : ''}`,
    );
  }
  for (let place = at.actors; place < at.data; place++) {
    const op = Atomics.load(ctl, place);
    if (!op) continue;
    const actor = (place - at.actors) % at.ACTORS;
    const by = actor === 0 ? 'itself' : `task ${actor}`;
    const item = (op >>> 8) & 15;
    const thread = Math.floor((place - at.actors) / at.ACTORS);
    lines.push(`  thread ${thread}, ${by}: ${ops[op & 255]}${item < 15 ? ` #${item}` : ''}`);
  }
  return lines.join('\n');
}

/** Kills the process when its first thread gives no sign of life: it hangs in what never waits. Of Node only. */
function sentinel(args: Scene & { describe: string; title: string; hang: number }): void {
  const { ctl, at, describe, title, hang } = args;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  let [last, since] = [-1, Date.now()];
  while (Atomics.load(ctl, at.round) >= 0 && !Atomics.load(ctl, at.stop)) {
    const beat = Atomics.load(ctl, at.beat);
    if (beat !== last) [last, since] = [beat, Date.now()];
    if (Date.now() - since > hang) {
      const fs = process.getBuiltinModule('node:fs');
      // biome-ignore lint/security/noGlobalEval: a function of this file
      const text = globalThis.eval(`(${describe})`)(args);
      // Every other way of printing leads through the thread that hangs.
      fs.writeSync(2, `\n${title}: the first thread hangs in ${text}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    Atomics.wait(nap, 0, 0, 200);
  }
}

export interface Fuzzed {
  rounds: number;
  operations: number;
}

/** Runs a family for some time; this thread is one of those that take part, and does not block. */
export async function fuzz(
  family: Family,
  ms = PART,
  seed = Number(SEED ?? Math.floor(Math.random() * 2 ** 31)),
): Promise<Fuzzed> {
  const title = `LOCKWORK_FUZZ_SEED=${seed} LOCKWORK_FUZZ_ONLY=${family}`;
  // One that waits, one that notifies, others that ask for the lock.
  const parties = family === 'swap' ? 3 + (seed % 2) : 2 + (seed % 3);
  // Small, so that cells are used again soon.
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const arena = new threading.Arena({ memory, byteLength: 64 * (family.startsWith('duet') ? 72 : 160) });
  const ctl = new Int32Array(new SharedArrayBuffer(AT.end * 4));
  const plan: Plan = {
    arena,
    ctl,
    at: AT,
    ops: OPS,
    kinds: KINDS,
    family,
    seed,
    me: 0,
    parties,
    only: ROUND === undefined ? undefined : Number(ROUND),
    epoch: Date.now(),
    ms,
  };
  const scene: Scene = { ctl, at: AT, ops: OPS, kinds: KINDS, memory };
  const bound = ms + 3 * HANG;
  const begun = performance.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const hangs = new Promise<never>((_, reject) => {
    let [last, since] = [-1, performance.now()];
    timer = setInterval(() => {
      Atomics.add(ctl, AT.beat, 1);
      const now = Atomics.load(ctl, AT.round);
      if (now !== last) [last, since] = [now, performance.now()];
      if (performance.now() - since < HANG || Atomics.load(ctl, AT.stop)) return;
      Atomics.store(ctl, AT.stop, 1);
      reject(new Error(`nothing happened for ${HANG} ms in ${describeFuzz(scene)}`));
    }, 100);
  });
  try {
    const others = Array.from({ length: parties - 1 }, (_, index) => thread({ ...plan, me: index + 1 }, take, bound));
    if (typeof globalThis.process?.getBuiltinModule === 'function') {
      const about = { ...scene, describe: String(describeFuzz), title, hang: HANG };
      void thread(about, sentinel, bound).catch(() => {});
    }
    const parts = await Promise.race([hangs, Promise.all([take(plan, threading), ...others])]);
    // A record and what it is called for each thread.
    if (usedBesideHolds(arena) !== 64 * 2 * parties)
      throw new Error(`${arena.used} bytes are used in the end, by ${parties} threads`);
    const rounds = parts[0]!.rounds;
    const operations = parts.reduce((sum, part) => sum + part.operations, 0);
    if (LONG) console.log(`${title}: ${rounds} rounds, ${operations} operations`);
    return { rounds, operations };
  } catch (error) {
    Atomics.store(ctl, AT.stop, 1);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    throw new Error(`${title}, with ${parties} threads, after ${seconds} s: ${(error as Error).message}`);
  } finally {
    clearInterval(timer);
  }
}
