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

/** How long the others may take to go on after an abort (ms). */
const SOON = 500;

async function until(state, what) {
  const deadline = performance.now() + timeout;
  while (!state()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * A task is aborted, and so its worker terminated: one that held a lock, one that waited for it blocked, one that awaited it.
 * The others go on, without a call to the pool or to lockwork. `run(name, argument, signal)`
 */
export async function checkAborts(run) {
  for (const holds of ['hold', 'holdAsync']) {
    const lock = new Lock({ name: holds });
    const controller = new AbortController();
    const aborted = run(holds, { lock }, controller.signal).catch(() => {});
    await until(() => lock.locked, `${holds} holds it`);
    const others = ['have', 'haveAsync'].map((name) => run(name, { lock, timeout }));
    await until(() => lock.waiters === others.length, 'the others wait');
    const start = performance.now();
    controller.abort();
    const repaired = await Promise.all(others);
    const took = performance.now() - start;
    expectEqual(took < SOON, true, `${holds} was aborted, and the others went on within ${took} ms`);
    expectEqual(repaired.filter(Boolean).length, 1, 'how many of the others had to repair it');
    await aborted;
    lock.destroy();
  }
  for (const waits of ['have', 'haveAsync']) {
    const lock = new Lock({ name: waits });
    lock.acquire();
    const controller = new AbortController();
    const aborted = run(waits, { lock, timeout }, controller.signal).catch(() => {});
    await until(() => lock.waiters === 1, `${waits} waits`);
    const others = ['have', 'haveAsync'].map((name) => run(name, { lock, timeout }));
    await until(() => lock.waiters === 3, 'the others wait');
    const start = performance.now();
    controller.abort();
    lock.release();
    expectEqual((await Promise.all(others)).join(), 'false,false', 'how many of the others had to repair it');
    const took = performance.now() - start;
    expectEqual(took < SOON, true, `${waits} was aborted, and the others went on within ${took} ms`);
    await aborted;
    lock.destroy();
  }
}
