/** Programs in C (../support/wasm/program.c) beside JavaScript: random turns, and threads that are terminated in them. */
import { BoundedSemaphore, Lock, RLock } from 'lockwork';
import * as programs from 'lockwork/wasm';
import { expect, it } from 'vitest';
import { alone, mortal, reaped } from '../support/mortal.ts';
import { thread, until } from '../support/threads.ts';
import { type Exports, handleAt, inProgram, instance, numbersAt, place } from '../support/wasm/instance.ts';

const { promising } = WebAssembly as { promising?: (call: unknown) => (...args: number[]) => Promise<number> };
const { LOCKWORK_KILLS } = globalThis.process?.env ?? {};
/** So many threads are terminated. */
const KILLS = Number(LOCKWORK_KILLS ?? 20);

/** A program that has begun, with what its storms protect: overlaps, repairs, and two numbers for each kind. */
function begin(behind?: number) {
  const here = place(behind);
  const exports = instance(here, programs);
  const handles = exports.init();
  const locks = [
    Lock.from(handleAt(here, 'Lock', handles)),
    RLock.from(handleAt(here, 'RLock', handles + 24)),
    BoundedSemaphore.from(handleAt(here, 'BoundedSemaphore', handles + 32)),
  ] as const;
  const at = exports.stormed();
  const stormed = () => {
    const [overlaps, repaired, ...kept] = numbersAt(here, at, 8) as [number, number, ...number[]];
    return { overlaps, repaired, begun: [kept[0]!, kept[2]!, kept[4]!], ended: [kept[1]!, kept[3]!, kept[5]!] };
  };
  return { here, locks, at, stormed };
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);

it('has one at a time of programs that block, one that is suspended, JavaScript that blocks, and tasks', async () => {
  const { here, locks, at, stormed } = begin();
  const TURNS = 5_000;
  const blocked = [1, 2].map((seed) => inProgram(here, 'storm', TURNS, seed, 3));
  const script = thread({ locks, memory: here.memory, at, TURNS }, ({ locks, memory, at, TURNS }) => {
    const numbers = new Int32Array(memory.buffer, at, 8);
    let had = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const kind = Math.floor(Math.random() * 3);
      if (!locks[kind]!.acquire([Infinity, 0, 1][Math.floor(Math.random() * 3)])) continue;
      if (numbers[2 + 2 * kind] !== numbers[3 + 2 * kind]) numbers[0]!++;
      numbers[2 + 2 * kind]!++;
      numbers[3 + 2 * kind]!++;
      locks[kind]!.release();
      had++;
    }
    return had;
  });
  const suspended = promising ? promising(instance(here, programs, true).storm)(TURNS, 3, 3) : 0;
  const numbers = new Int32Array(here.memory.buffer, at, 8);
  const task = async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      const kind = turn % 3;
      await locks[kind]!.withAsync(async () => {
        if (numbers[2 + 2 * kind] !== numbers[3 + 2 * kind]) numbers[0]!++;
        numbers[2 + 2 * kind]!++;
        await undefined;
        numbers[3 + 2 * kind]!++;
      });
    }
    return TURNS;
  };
  const turns = await Promise.all([...blocked, script, suspended, task(), task()]);
  for (const had of turns) expect(had).toBeGreaterThanOrEqual(0);
  const { overlaps, ended, begun } = stormed();
  expect({ overlaps, begun, all: sum(ended) }).toEqual({ overlaps: 0, begun: ended, all: sum(turns) });
  for (const lock of locks) lock.destroy();
});

it(`loses nothing when threads die in C, ${KILLS} times`, { timeout: 60_000 + KILLS * 300 }, async () => {
  const { here, locks, stormed } = begin(64);
  const { arena } = here;
  const [lock, rlock] = locks;
  const source = String(instance);
  const spawn = () => {
    const rounds = arena.allocate(Int32Array, 1);
    // Each has a stack of its own: a thread that is terminated in a page may go on for seconds.
    const stack = arena.allocate(Uint8Array, 512);
    const thread = mortal({ ...here, source, rounds, stack }, (given, _api, _inspect, programs) => {
      const { source, rounds, stack, ...here } = given;
      // biome-ignore lint/security/noGlobalEval: its source is a function of the tests
      const { storm } = globalThis.eval(`(${source})`)(here, programs, false, stack) as Exports;
      for (;;) storm(50, ++rounds[0]!, 2);
    });
    return { thread, rounds };
  };
  const living = [spawn(), spawn(), spawn()];
  for (let kills = 0; kills < KILLS; kills++) {
    const { thread, rounds } = living.shift()!;
    await until(() => rounds[0]! > 1, `a thread begins after ${kills} deaths`, undefined, arena);
    await thread.terminate();
    living.push(spawn());
  }
  for (const { thread } of living) await thread.terminate();
  await reaped(() => alone(arena), 'all of them are found dead', arena);
  // What they left is told to the next.
  expect(await inProgram(here, 'storm', 1_000, 1, 2)).toBeGreaterThan(0);
  const whole = () => [lock, rlock].every((one) => !one.locked && !one.abandoned && one.waiters === 0);
  await reaped(whole, 'nothing of the dead is left', arena);
  const { overlaps, begun, ended, repaired } = stormed();
  expect({ overlaps, begun }).toEqual({ overlaps: 0, begun: ended });
  expect(repaired).toBeLessThanOrEqual(KILLS + 3);
});
