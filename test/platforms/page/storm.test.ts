/** Four threads, two of them with tasks, that wait for everything and mostly give up: nothing may be lost by that. */
import * as threading from 'lockwork';
import { describe, expect, it } from 'vitest';
import { thread, until } from '../../support/threads.ts';
import { usedBesideHolds } from '../../support/waiting.ts';

const { Arena, Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } = threading;

type Holdable = threading.Lock | threading.RLock | threading.Semaphore;
type Target = Holdable | threading.Condition | threading.Event | threading.Barrier;

/** How long one may take (ms). */
const BOUND = 100_000;

interface Share<T extends Target> {
  target: T;
  /** Counted up by each that holds it, or has been let through. */
  count: Int32Array;
  turns: number;
  /** How many take the turns of a thread between them; 0 when the thread itself does, and blocks. */
  tasks: number;
}

/** One thread's share of the storm. Answers how often it counted. */
async function storm({ target, count, turns, tasks }: Share<Target>): Promise<number> {
  const { random } = Math;
  let [left, counted] = [turns, 0];
  const add = () => {
    count[0]!++;
    counted++;
  };
  /** Where others may be let through at the same time. */
  const addBesideOthers = () => {
    Atomics.add(count, 0, 1);
    counted++;
  };
  /** Of a wait that may not come to an end by itself. */
  const impatient = () => {
    if (random() < 0.5) return { timeout: random() };
    const controller = new AbortController();
    if (random() < 0.3) queueMicrotask(() => controller.abort());
    else setTimeout(() => controller.abort(), random());
    return { signal: controller.signal };
  };
  const whim = () => (random() < 0.2 ? {} : impatient());
  const patience = () => (random() < 0.2 ? undefined : random() / 10);
  const stir = (event: threading.Event) => (random() < 0.5 ? event.set() : event.clear());

  const block = () => {
    if (target.kind === 'Event') {
      stir(target);
      if (target.wait(random() / 10)) addBesideOthers();
    } else if (target.kind === 'Barrier') {
      if (target.broken) target.reset();
      target.wait(random() / 10);
      addBesideOthers();
    } else if (target.acquire(patience())) {
      if (target.kind === 'Condition') {
        if (random() < 0.5) target.notify();
        else target.wait(random() / 10);
      }
      add();
      target.release();
    }
  };
  const wait = async () => {
    if (target.kind === 'Event') {
      stir(target);
      if (await target.waitAsync(impatient())) addBesideOthers();
    } else if (target.kind === 'Barrier') {
      if (target.broken) target.reset();
      await target.waitAsync(impatient());
      addBesideOthers();
    } else {
      await target.withAsync(async () => {
        if (target.kind === 'Condition') {
          if (random() < 0.5) target.notify();
          else await target.waitAsync(impatient()).finally(add);
        } else {
          add();
          if (random() < 0.1) await null;
        }
      }, whim());
    }
  };
  const gaveUp = (error: Error) => {
    if (!['TimeoutError', 'AbortError', 'BrokenBarrierError'].includes(error.name)) throw error;
  };
  const task = async () => {
    while (left-- > 0) await wait().catch(gaveUp);
  };
  await Promise.all(Array.from({ length: tasks }, task));
  while (left-- > 0) {
    try {
      block();
    } catch (error) {
      gaveUp(error as Error);
    }
  }
  return counted;
}

/** All four shares: this thread's, and those of three others. */
async function storms(target: Target, turns: number): Promise<{ count: number; counted: number }> {
  const count = Arena.default.allocate(Int32Array, 1);
  const counted = await Promise.all([
    ...[32, 0, 0].map((tasks) =>
      thread({ target, count, turns, tasks }, storm as (share: Share<Target>) => Promise<number>, BOUND),
    ),
    storm({ target, count, turns, tasks: 32 }),
  ]);
  const result = { count: count[0]!, counted: counted.reduce((sum, each) => sum + each) };
  Arena.default.free(count);
  return result;
}

/** Of each thread: 100,000 waits for each primitive. */
const TURNS = 25_000;

describe('A storm of waits that end early', () => {
  it.each([
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()],
    ['Semaphore', () => new Semaphore(1)],
    ['BoundedSemaphore', () => new BoundedSemaphore(1)],
    ['Condition', () => new Condition(new Lock())],
    ['Event', () => new Event()],
    ['Barrier', () => new Barrier(4)],
  ])('leaves a %s as it was', { timeout: 2 * BOUND }, async (_kind, make) => {
    const target: Target = make();
    await storms(target, 50); // All threads have what they keep now.
    const used = usedBesideHolds();
    const { count, counted } = await storms(target, TURNS);
    expect(count).toBe(counted);
    expect(counted).toBeGreaterThan(0);
    expect(target.waiters).toBe(0);
    expect(usedBesideHolds()).toBe(used);
    if (target.kind === 'Barrier') target.reset();
    else if (target.kind === 'Event') target.clear();
    else await comesThrough(target);
    target.destroy();
  });
});

/** The last to wait for it, without a bound, comes through soon after the last release: a task, and a thread. */
async function comesThrough(target: Holdable | threading.Condition): Promise<void> {
  for (const waiting of [
    () => thread({ target }, ({ target }) => target.with(() => true)),
    () => target.withAsync(() => true),
  ]) {
    expect(target.tryAcquire()).toBe(true);
    const last = waiting();
    await until(() => (target.kind === 'Condition' ? target.lock : target).waiters === 1, 'the last waits');
    const released = performance.now();
    target.release();
    expect(await last).toBe(true);
    expect(performance.now() - released).toBeLessThan(1_000);
  }
}
