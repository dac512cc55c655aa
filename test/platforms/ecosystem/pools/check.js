import { Arena, Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';

/** How many threads a pool must have: so many tasks wait for each other. */
export const WORKERS = 4;
const ADDITIONS = 5_000;
const TURNS = 50;
/** How long a wait may take (ms). */
const timeout = 20_000;

/** Made before the pool, since this module is loaded before. */
const early = new Lock({ name: 'early' });

function expectEqual(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`);
}

/** Has a pool do all tasks of tasks.js; `run(name, argument)` has it do one. */
export async function check(run) {
  const everywhere = async (name, shared) => {
    const argument = (index) => ({ ...shared, index, timeout });
    const threads = await Promise.all(Array.from({ length: WORKERS }, (_, index) => run(name, argument(index))));
    expectEqual(new Set(threads).size, WORKERS, `threads that did ${name}`);
  };
  const late = new Lock({ name: 'late' });

  for (const lock of [early, late]) {
    for (const name of ['add', 'addAsync']) {
      const count = Arena.default.allocate(Int32Array, 64);
      const meeting = new Barrier(WORKERS, { timeout });
      await everywhere(name, { lock, count, meeting, rounds: ADDITIONS });
      expectEqual(count[0], WORKERS * ADDITIONS, `what ${name} came to under the ${lock.name} lock`);
    }
  }

  for (const name of ['takeTurns', 'takeTurnsAsync']) {
    const turn = Arena.default.allocate(Int32Array, 1);
    const changed = new Condition(new Lock());
    const end = WORKERS * TURNS;
    const [over] = await Promise.all([
      changed.withAsync(() => changed.waitForAsync(() => turn[0] === end, { timeout })),
      everywhere(name, { changed, turn, parties: WORKERS, rounds: TURNS }),
    ]);
    expectEqual(over, true, `the end of ${name}, seen by the owner of the pool`);
  }

  for (const name of ['land', 'landAsync']) {
    const [ready, landed] = [new Semaphore(0), new Event()];
    const through = everywhere(name, { ready, landed });
    for (let i = 0; i < WORKERS; i++) {
      expectEqual(await ready.acquireAsync({ timeout }), true, `worker ${i} that begins to ${name}`);
    }
    landed.set();
    await through;
  }
}
