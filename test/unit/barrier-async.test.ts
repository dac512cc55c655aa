/** Tasks at a Barrier, beside threads. */
import { Barrier, BrokenBarrierError } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { integers } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';
import { outcome, turn } from '../support/waits.ts';

const boom = { reason: 'the flight is cancelled' };

describe('A Barrier of threads and tasks', () => {
  it('lets nobody into a round before all have left the last one, with every index once', async () => {
    const [parties, rounds] = [6, 300];
    const barrier = new Barrier(parties);
    const arrived = integers(rounds);
    const indices = integers(rounds);
    const others = threads(3, { barrier, arrived, indices, rounds, parties }, async (shared) => {
      const { barrier, arrived, indices, rounds, parties, index } = shared;
      let early = 0;
      const wait = async (blocks: boolean) => {
        for (let round = 0; round < rounds; round++) {
          Atomics.add(arrived, round, 1);
          const place = blocks ? barrier.wait() : await barrier.waitAsync();
          if (Atomics.load(arrived, round) !== parties) early++;
          Atomics.or(indices, round, 1 << place);
        }
      };
      // Two that block, and one with two tasks.
      if (index) await wait(true);
      else await Promise.all([wait(false), wait(false)]);
      return early;
    });
    let early = 0;
    const task = async () => {
      for (let round = 0; round < rounds; round++) {
        Atomics.add(arrived, round, 1);
        const place = await barrier.waitAsync();
        if (Atomics.load(arrived, round) !== parties) early++;
        Atomics.or(indices, round, 1 << place);
      }
    };
    await Promise.all([task(), task()]);
    expect([...(await others), early]).toEqual([0, 0, 0, 0]);
    expect([...indices]).toEqual(Array(rounds).fill(2 ** parties - 1));
    expect([barrier.waiting, barrier.waiters, barrier.broken]).toEqual([0, 0, false]);
  });

  /** A thread and a task that wait for the last. */
  async function arrive(barrier: Barrier): Promise<Promise<number>[]> {
    const waits = [thread({ barrier }, ({ barrier }) => barrier.wait())];
    await until(() => barrier.waiting === 1, 'a thread waits');
    waits.push(barrier.waitAsync());
    waits[1]!.catch(() => {});
    expect(barrier.waiting).toBe(2);
    return waits;
  }

  const broken = async (waits: Promise<unknown>[]) =>
    expect(await Promise.all(waits.map(outcome))).toEqual(waits.map(() => 'BrokenBarrierError'));

  it('awaits the action of the last task before anybody goes on', async () => {
    let runs = 0;
    let through = 0;
    const barrier = new Barrier(3, {
      async action() {
        await turn();
        expect(through).toBe(0);
        runs++;
      },
    });
    for (let round = 1; round <= 5; round++) {
      through = 0;
      const waits = (await arrive(barrier)).map((wait) => wait.finally(() => through++));
      expect(await barrier.waitAsync({ timeout: 0.001, signal: new AbortController().signal })).toBe(2);
      expect(await Promise.all(waits)).toEqual([0, 1]);
      expect(runs).toBe(round);
    }
  });

  it.each([
    [
      'throws',
      () => {
        throw boom;
      },
    ],
    ['rejects', () => Promise.reject(boom)],
    ['rejects later', () => turn().then(() => Promise.reject(boom))],
  ] as [string, () => unknown][])(
    'breaks when the action %s: the task that ran it gets the error',
    async (_, action) => {
      const barrier = new Barrier(3, { action });
      const waits = await arrive(barrier);
      await expect(barrier.waitAsync()).rejects.toBe(boom);
      await broken(waits);
      expect([barrier.broken, barrier.waiting, barrier.waiters]).toEqual([true, 0, 0]);
      await broken([barrier.waitAsync(), barrier.waitAsync({ timeout: 0 })]);
      barrier.reset();
      expect(await Promise.all([...(await arrive(barrier)), Barrier.from(barrier).waitAsync()])).toEqual([0, 1, 2]);
    },
  );

  it('keeps newcomers while an action runs for the next round', async () => {
    let end = () => {};
    const barrier = new Barrier(3, {
      action: () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    });
    const first = await arrive(barrier);
    const last = barrier.waitAsync();
    const bare = Barrier.from(barrier);
    const next = [bare.waitAsync(), thread({ barrier }, ({ barrier }) => barrier.wait())];
    await until(() => barrier.waiters === 4, 'two more have come');
    expect(barrier.waiting).toBe(0);
    end();
    expect(await Promise.all([...first, last])).toEqual([0, 1, 2]);
    await until(() => barrier.waiting === 2, 'the two are the first of the next round');
    expect(await bare.waitAsync()).toBe(2);
    expect((await Promise.all(next)).sort()).toEqual([0, 1]);
  });

  it('is not broken by a time that ends, or an abort, while the action runs', async () => {
    let end = () => {};
    const barrier = new Barrier(2, {
      action: () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    });
    const controller = new AbortController();
    const first = barrier.waitAsync({ timeout: 5, signal: controller.signal });
    const last = barrier.waitAsync({ timeout: 5, signal: controller.signal });
    controller.abort(boom);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(barrier.broken).toBe(false);
    end();
    expect(await Promise.all([first, last])).toEqual([0, 1]);
  });

  it('lets a newcomer go whose time is up, or that is aborted, while an action runs: it has not arrived', async () => {
    let end = () => {};
    const barrier = new Barrier(2, {
      action: () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    });
    const bare = Barrier.from(barrier);
    const round = [barrier.waitAsync(), barrier.waitAsync()];
    for (const timeout of [0, 1]) {
      const late = bare.waitAsync({ timeout });
      await expect(late).rejects.toThrow(BrokenBarrierError);
      await expect(late).rejects.toThrow('had not arrived');
    }
    const controller = new AbortController();
    const aborted = bare.waitAsync({ signal: controller.signal, timeout: 60_000 });
    controller.abort(boom);
    await expect(aborted).rejects.toBe(boom);
    expect([barrier.waiting, barrier.waiters, barrier.broken]).toEqual([0, 1, false]);
    end();
    expect(await Promise.all(round)).toEqual([0, 1]);
    expect(await Promise.all([bare.waitAsync(), bare.waitAsync()])).toEqual([0, 1]);
  });

  it.each([
    ['without an action', undefined],
    ['after its action', () => {}],
    ['after its action, an async one', () => turn()],
  ])('lets the last task go on after the others: %s', async (_, action) => {
    const barrier = new Barrier(3, action && { action });
    for (let round = 0; round < 2; round++) {
      const order: number[] = [];
      const waits = [0, 1, 2].map(() => barrier.waitAsync().then((index) => order.push(index)));
      await Promise.all(waits);
      expect(order).toEqual([0, 1, 2]);
    }
  });

  for (const call of ['abort', 'reset'] as const) {
    it(`breaks by ${call}, of a task or a thread, also while an action runs`, async () => {
      const barrier = new Barrier(3, { action: () => turn() });
      for (const elsewhere of [false, true]) {
        for (const full of [false, true]) {
          const waits = (await arrive(barrier)).map(outcome);
          if (full) waits.push(outcome(barrier.waitAsync()));
          if (elsewhere) await thread({ barrier, call }, ({ barrier, call }) => barrier[call]());
          else barrier[call]();
          // With the action at its end before the other thread began, the round is over.
          const ends = await Promise.all(waits);
          if (!(full && elsewhere && ends[0] === 0)) expect(ends).toEqual(waits.map(() => 'BrokenBarrierError'));
          expect(barrier.broken).toBe(call === 'abort');
          barrier.reset();
        }
      }
    });
  }

  it('breaks for all when a task gives up', async () => {
    const barrier = new Barrier(4, { timeout: 30 });
    for (const [options, error] of [
      [() => ({ timeout: 1 }), 'BrokenBarrierError'],
      [() => ({ signal: AbortSignal.timeout(1) }), 'TimeoutError'],
      [() => undefined, 'BrokenBarrierError'],
    ] as const) {
      const waits = [
        thread({ barrier }, ({ barrier }) => barrier.wait(20_000)),
        thread({ barrier }, ({ barrier }) => barrier.waitAsync({ timeout: 20_000 })),
      ];
      await until(() => barrier.waiting === 2, 'two wait');
      expect(await outcome(barrier.waitAsync(options()))).toBe(error);
      await broken(waits);
      expect([barrier.broken, barrier.waiters]).toEqual([true, 0]);
      barrier.reset();
    }
  });
});
