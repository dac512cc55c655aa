import { Arena, Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';
import { BOUND } from './tasks.js';

/** How many threads a pool must have: so many tasks wait for each other. */
export const WORKERS = 4;
const ADDITIONS = 2_000;
const TURNS = 50;

/** Made before the pool, since this module is loaded before. */
const early = new Lock({ name: 'early' });

const int32 = () => Arena.default.allocate(Int32Array, 1);

function expectEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`);
}

/** Has a pool do all tasks of tasks.js; `run(name, argument)` has it do one. */
export async function check(run) {
  const everywhere = async (name, shared) => {
    const threads = await Promise.all(Array.from({ length: WORKERS }, (_, index) => run(name, { ...shared, index })));
    expectEqual(new Set(threads).size, WORKERS, `threads that did ${name}`);
  };
  const late = new Lock({ name: 'late' });

  for (const lock of [early, late]) {
    for (const name of ['add', 'addAsync']) {
      const count = int32();
      const added = everywhere(name, { lock, count, meeting: new Barrier(WORKERS), rounds: ADDITIONS });
      for (let i = 0; i < ADDITIONS; i++) await lock.withAsync(() => count[0]++);
      await added;
      expectEqual(count[0], (WORKERS + 1) * ADDITIONS, `what ${name} came to under the ${lock.name} lock`);
    }
  }

  for (const name of ['takeTurns', 'takeTurnsAsync']) {
    const turn = int32();
    const changed = new Condition(new Lock());
    const end = WORKERS * TURNS;
    const taken = everywhere(name, { changed, turn, parties: WORKERS, rounds: TURNS });
    const all = changed.withAsync(() => changed.waitForAsync(() => turn[0] === end, { timeout: BOUND }));
    await Promise.all([taken, all]);
    expectEqual(await all, true, `the end of ${name}, seen by the pool's owner`);
    expectEqual(turn[0], end, name);
  }

  for (const name of ['land', 'landAsync']) {
    const [ready, landed] = [new Semaphore(0), new Event()];
    const through = everywhere(name, { ready, landed });
    for (let i = 0; i < WORKERS; i++) {
      expectEqual(await ready.acquireAsync({ timeout: BOUND }), true, `worker ${i} that begins to ${name}`);
    }
    landed.set();
    await through;
  }
}
