/** Threads that wait for each other in a circle: one of them finds it, and leaves, or tells of it. */
import { spawn } from 'node:child_process';
import * as threading from 'lockwork';
import { findDeadlocks } from 'lockwork/inspect';
import { describe, expect, it } from 'vitest';
import { buried, mortal, reaped } from '../support/mortal.ts';
import { integers } from '../support/settle.ts';
import { thread, threads, until } from '../support/threads.ts';

const { Barrier, Condition, Event, Lock, RLock } = threading;

/** In which a circle must be found (ms). */
const BOUND = 2_500;
/** How long (ms) a Lock is held that another thread releases. */
const HELD = 3_000;

type AnyLock = threading.Lock | threading.RLock;

const locksOf = (count: number, make: (name: string) => AnyLock): AnyLock[] =>
  Array.from({ length: count }, (_, i) => make(`L${i}`));
const rlock = (name: string): AnyLock => new RLock({ name });
const plain = (name: string): AnyLock => new Lock({ name });

interface Part {
  locks: AnyLock[];
  /** All have what they hold, and wait from now on. */
  start: threading.Barrier;
  index: number;
  /** As tasks of its own wait, too. */
  beside?: threading.Event;
}

interface Outcome {
  /** Of the DeadlockError; empty when it went through. */
  message: string;
  took: number;
  warnings: string[];
}

/** Holds a lock, and waits for the next one's. Travels as text. */
async function join({ locks, start, index, beside }: Part, api: typeof threading): Promise<Outcome> {
  const warnings: string[] = [];
  const { process } = globalThis;
  const listen = ({ message }: Error) => void warnings.push(message);
  const { warn } = console;
  console.warn = (text: string) => void warnings.push(text);
  process?.on?.('warning', listen);
  api.currentThread().name = `T${index}`;
  const waits = beside && [beside.waitAsync(), beside.waitAsync()];
  const [first, second] = [locks[index]!, locks[(index + 1) % locks.length]!];
  first.acquire();
  start.wait();
  const began = performance.now();
  let message = '';
  try {
    second.acquire();
    second.release();
  } catch (error) {
    if (!(error instanceof api.DeadlockError)) throw error;
    message = error.message;
  }
  const took = performance.now() - began;
  if (first.locked) first.release();
  beside?.set();
  await Promise.all(waits ?? []);
  // What Node emits it emits a turn later.
  await new Promise((resolve) => setTimeout(resolve));
  process?.off?.('warning', listen);
  console.warn = warn;
  return { message, took, warnings };
}

/** Nothing is left of those that waited. */
function clean(...primitives: threading.Primitive[]): void {
  expect(primitives.map(({ waiters }) => waiters)).toEqual(primitives.map(() => 0));
  for (const primitive of primitives) primitive.destroy();
}

/** One has left, and named the whole circle; the others went through. */
function oneLeft(outcomes: Outcome[], count: number): void {
  const victims = outcomes.filter(({ message }) => message);
  expect(victims).toHaveLength(1);
  const [{ message, took }] = victims as [Outcome];
  const own = outcomes.indexOf(victims[0]!);
  const edge = (i: number) => `"T${i % count}" waits for RLock "L${(i + 1) % count}", held by "T${(i + 1) % count}"`;
  const circle = Array.from({ length: count }, (_, i) => edge(own + i)).join('; ');
  expect(message).toBe(`RLock "L${(own + 1) % count}": this would wait for ever: ${circle}`);
  expect(took).toBeLessThan(BOUND);
  expect(outcomes.flatMap(({ warnings }) => warnings)).toEqual([]);
}

describe.each([2, 3, 5])('Of %i threads that wait for each other’s RLocks, one leaves', (count) => {
  it('and the others go through', async () => {
    const shared = { locks: locksOf(count, rlock), start: new Barrier(count) };
    oneLeft(await threads(count, shared, join), count);
    clean(...shared.locks, shared.start);
  });

  it('beside their tasks', async () => {
    const shared = { locks: locksOf(count, rlock), start: new Barrier(count), beside: new Event() };
    oneLeft(await threads(count, shared, join), count);
    clean(...shared.locks, shared.start, shared.beside);
  });

  it('and so time after time, with the same locks and threads', async () => {
    const shared = { locks: locksOf(count, rlock), start: new Barrier(count) };
    for (let round = 0; round < 3; round++) oneLeft(await threads(count, shared, join), count);
    clean(...shared.locks, shared.start);
  });

  it('the test’s own thread among them', async () => {
    const shared = { locks: locksOf(count, rlock), start: new Barrier(count) };
    const { locks, start } = shared;
    const running = integers(1);
    // They must be running before this thread blocks.
    const others = Array.from({ length: count - 1 }, (_, i) =>
      thread({ ...shared, index: i + 1, running, source: String(join) }, ({ running, source, ...part }, api) => {
        Atomics.add(running, 0, 1);
        // biome-ignore lint/security/noGlobalEval: its source is above
        return globalThis.eval(`(${source})`)(part, api) as Promise<Outcome>;
      }),
    );
    await until(() => Atomics.load(running, 0) === count - 1, 'the others run');
    const mine = join({ locks, start, index: 0 }, threading);
    oneLeft(await Promise.all([mine, ...others]), count);
    clean(...locks, start);
  });
});

it('A thread that retries with what it holds is told again, and others go through when it lets go', async () => {
  const shared = { locks: locksOf(2, rlock), start: new Barrier(2) };
  const errors = await threads(2, shared, ({ locks, start, index }, { DeadlockError }) => {
    const [first, second] = [locks[index]!, locks[1 - index]!];
    first.acquire();
    start.wait();
    let errors = 0;
    try {
      while (errors < 4) {
        try {
          second.acquire();
          second.release();
          return errors;
        } catch (error) {
          if (!(error instanceof DeadlockError)) throw error;
          errors++;
        }
      }
      return errors;
    } finally {
      first.release();
    }
  });
  expect(errors.toSorted()).toEqual([0, 4]);
  clean(...shared.locks, shared.start);
});

it('What tasks of a blocked thread hold is the thread’s', async () => {
  const shared = { locks: locksOf(2, rlock) as threading.RLock[], start: new Barrier(2) };
  const seen = await threads(2, shared, async ({ locks, start, index }, { DeadlockError }) => {
    const guard = await locks[index]!.holdAsync();
    start.wait();
    try {
      locks[1 - index]!.acquire();
      locks[1 - index]!.release();
      return 'through';
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      return 'left';
    } finally {
      guard.release();
    }
  });
  expect(seen.toSorted()).toEqual(['left', 'through']);
  clean(...shared.locks, shared.start);
});

it('Of a circle one thread is terminated: the other is told of the one or of the other, and goes on', async () => {
  for (let round = 0; round < 6; round++) {
    const [mine, theirs, start] = [new RLock(), new RLock(), new Barrier(2)];
    const doomed = mortal({ mine, theirs, start }, ({ mine, theirs, start }) => {
      theirs.acquire();
      start.wait();
      mine.acquire();
    });
    const living = thread({ mine, theirs, start }, ({ mine, theirs, start }) => {
      mine.acquire();
      start.wait();
      try {
        theirs.acquire();
        theirs.release();
        return 'through';
      } catch (error) {
        return (error as Error).name;
      } finally {
        mine.release();
      }
    });
    await until(() => theirs.waiters === 1, 'the living one waits');
    // A moment of the time in which they look at each other.
    const end = performance.now() + round * 60;
    await until(() => performance.now() >= end, 'time passes');
    await doomed.terminate();
    expect(['AbandonedError', 'DeadlockError', 'through']).toContain(await living);
    await reaped(() => !theirs.locked && !mine.locked, 'what it held is released');
    for (const lock of [mine, theirs]) lock.recover(() => {});
    for (const primitive of [mine, theirs, start]) await buried(primitive);
  }
});

it.each([
  ['without a timeout', undefined],
  ['with a timeout that is not over', 60_000],
])('A thread that was notified, of a wait %s, never leaves: it must have its lock', async (_how, timeout) => {
  const [lock, other] = [new RLock({ name: 'its own' }), new RLock({ name: 'other' })];
  const [condition, ready] = [new Condition(lock), new Barrier(2)];
  const shared = { lock, other, condition, ready, timeout };
  const back = thread(shared, ({ lock, other, condition, ready, timeout }) => {
    lock.acquire();
    other.acquire();
    ready.wait();
    try {
      return [condition.wait(timeout), lock.owned];
    } finally {
      lock.release();
      other.release();
    }
  });
  const notifier = thread(shared, ({ lock, other, condition, ready }, { DeadlockError }) => {
    ready.wait();
    lock.acquire();
    condition.notify();
    const began = performance.now();
    try {
      other.acquire();
      return 0;
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      return performance.now() - began;
    } finally {
      lock.release();
    }
  });
  expect(await back).toEqual([true, true]);
  const took = await notifier;
  expect(took).toBeGreaterThan(0);
  expect(took).toBeLessThan(BOUND);
  condition.destroy();
  clean(lock, other, ready);
});

it.each([
  ['A thread that acquires its own Lock once more', 1, plain],
  ['Of two threads that wait for each other’s Locks', 2, plain],
  ['Of three threads that wait for each other’s Locks', 3, plain],
  ['Of two threads, of which one waits for an RLock', 2, (name: string) => (name === 'L0' ? rlock : plain)(name)],
])('%s: one tells of it, once, and all go on when another thread releases a Lock', async (_what, count, make) => {
  const shared = { locks: locksOf(count, make), start: new Barrier(count) };
  const { locks, start } = shared;
  const began = performance.now();
  const all = threads(count, shared, join);
  await until(() => findDeadlocks().length === 1, 'they wait for each other');
  const [{ threads: idents, primitives, text }] = findDeadlocks() as [ReturnType<typeof findDeadlocks>[number]];
  expect(new Set(idents).size).toBe(count);
  expect(primitives.toSorted()).toEqual(locks.map(({ address }) => address).toSorted());
  for (let i = 0; i < count; i++) expect(text).toContain(`"T${i}" waits for`);
  await until(() => performance.now() - began > HELD, 'time passes');
  locks.at(-1)!.release();
  const outcomes = await all;
  expect(outcomes.map(({ message }) => message)).toEqual(outcomes.map(() => ''));
  const warnings = outcomes.flatMap(({ warnings }) => warnings);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /^lockwork: threads wait for each other: ("T\d" waits for R?Lock "L\d", held by "T\d"(; )?)+$/,
  );
  expect(findDeadlocks()).toEqual([]);
  clean(...locks, start);
});

it('A thread that waits for a Lock which another one releases after 3 s goes on, and nobody tells of anything', async () => {
  const shared = { locks: locksOf(2, plain), start: new Barrier(1) };
  const { locks, start } = shared;
  expect(locks[1]!.tryAcquire()).toBe(true);
  const began = performance.now();
  const waiter = thread({ ...shared, index: 0 }, join);
  await until(() => locks[1]!.waiters === 1, 'it waits');
  await until(() => performance.now() - began > HELD, 'time passes');
  expect(findDeadlocks()).toEqual([]);
  locks[1]!.release();
  expect(await waiter).toMatchObject({ message: '', warnings: [] });
  clean(...locks, start);
});

it.each([
  ['', false],
  [' beside its tasks', true],
])(
  'A thread that waits for its own Lock as for a signal%s tells of nothing while signals come',
  async (_where, beside) => {
    const [lock, event, got] = [new Lock(), new Event(), integers(1)];
    const waiter = thread({ lock, event, got, beside }, async ({ lock, event, got, beside }) => {
      const warnings: string[] = [];
      const { process } = globalThis;
      const listen = ({ message }: Error) => void warnings.push(message);
      const { warn } = console;
      console.warn = (text: string) => void warnings.push(text);
      process?.on?.('warning', listen);
      const waits = beside && event.waitAsync();
      lock.acquire();
      for (let signal = 0; signal < 8; signal++) {
        lock.acquire();
        Atomics.add(got, 0, 1);
      }
      lock.release();
      event.set();
      await waits;
      await new Promise((resolve) => setTimeout(resolve));
      process?.off?.('warning', listen);
      console.warn = warn;
      return warnings;
    });
    for (let signal = 0; signal < 8; signal++) {
      await until(() => Atomics.load(got, 0) === signal && lock.waiters === 1, 'it waits for a signal');
      const end = performance.now() + 250;
      await until(() => performance.now() >= end, 'time passes');
      lock.release();
    }
    expect(await waiter).toEqual([]);
    clean(lock, event);
  },
);

// From here on these threads do not do what they did at first any more.

it('Of RLocks, a thread with another policy is none that leaves, and with "throw" one of Locks does', async () => {
  const act = async (make: typeof rlock, policies: threading.DeadlockPolicy[]) => {
    const shared = { locks: locksOf(2, make), start: new Barrier(2), policies };
    const seen = await threads(2, shared, ({ locks, start, policies, index }, { DeadlockError, setDeadlockPolicy }) => {
      setDeadlockPolicy(policies[index]!);
      locks[index]!.acquire();
      start.wait();
      try {
        locks[1 - index]!.acquire();
        locks[1 - index]!.release();
        return 'through';
      } catch (error) {
        if (!(error instanceof DeadlockError)) throw error;
        return 'left';
      } finally {
        locks[index]!.release();
      }
    });
    clean(...shared.locks, shared.start);
    return seen;
  };
  expect(await act(rlock, ['throw', 'off'])).toEqual(['left', 'through']);
  expect(await act(rlock, ['off', 'throw'])).toEqual(['through', 'left']);
  expect(await act(plain, ['throw', 'warn'])).toEqual(['left', 'through']);
  expect((await act(plain, ['throw', 'throw'])).toSorted()).toEqual(['left', 'through']);
});

/** Every call that may end so, by what it blocks on. */
type Blocks = (lock: threading.Lock, api: typeof threading) => unknown;
const CALLS: Record<string, Blocks> = {
  acquire: (lock) => lock.acquire(),
  hold: (lock) => lock.hold(),
  with: (lock) => lock.with(() => {}),
  recover: (lock) => lock.recover(() => {}),
  'acquire of a Condition': (lock, { Condition }) => over(Condition, lock, (condition) => condition.acquire()),
  'hold of a Condition': (lock, { Condition }) => over(Condition, lock, (condition) => condition.hold()),
  'with of a Condition': (lock, { Condition }) => over(Condition, lock, (condition) => condition.with(() => {})),
};

/** Travels as text. */
function over(
  Type: typeof threading.Condition,
  lock: threading.Lock,
  act: (condition: threading.Condition) => unknown,
): unknown {
  const condition = new Type(lock);
  try {
    return act(condition);
  } finally {
    condition.destroy();
  }
}

const BESIDE = ['no tasks', 'tasks that wait for something else', 'tasks that wait for the same'] as const;
const CASES = (['Lock', 'RLock'] as const).flatMap((kind) =>
  Object.keys(CALLS).flatMap((call) => BESIDE.map((beside) => [kind, call, beside] as const)),
);

it.each(CASES)('%s, %s, beside %s: after the error nothing is left of the wait', async (kind, call, beside) => {
  const make = kind === 'Lock' ? plain : rlock;
  const [mine, theirs] = [make('mine'), make('theirs')];
  const [event, start] = [new Event(), new Barrier(2)];
  const shared = { mine, theirs, event, start };
  const victim = thread(
    { ...shared, beside, act: String(CALLS[call]), help: String(over) },
    async ({ mine, theirs, event, start, beside, act, help }, api) => {
      api.setDeadlockPolicy('throw');
      mine.acquire();
      start.wait();
      const tasks: Promise<unknown>[] = [];
      if (beside.endsWith('else')) tasks.push(event.waitAsync(), event.waitAsync());
      if (beside.endsWith('same')) {
        let inside = 0;
        const visit = () => theirs.withAsync(() => ++inside);
        tasks.push(visit(), visit());
      }
      let error = 'none';
      try {
        // biome-ignore lint/security/noGlobalEval: its source is above
        globalThis.eval(`${help}; (${act})`)(theirs, api);
      } catch (thrown) {
        error = (thrown as Error).name;
      }
      const left = [theirs.waiters, mine.locked];
      event.set();
      mine.release();
      return [error, ...left, (await Promise.all(tasks)).length];
    },
  );
  const other = thread(shared, ({ mine, theirs, start }, { setDeadlockPolicy }) => {
    setDeadlockPolicy('off');
    theirs.acquire();
    start.wait();
    mine.acquire();
    mine.release();
    theirs.release();
  });
  const tasks = beside === 'no tasks' ? 0 : 2;
  expect(await victim).toEqual(['DeadlockError', beside.endsWith('same') ? tasks : 0, true, tasks]);
  await other;
  clean(mine, theirs, event, start);
});

it('A waiter at a Barrier leaves the circle of its action with "throw", and the barrier is as it was', async () => {
  const [lock, barrier, ready] = [new Lock(), new Barrier(2), new Barrier(2)];
  const shared = { lock, barrier, ready };
  const waiter = thread(shared, ({ lock, barrier, ready }, { DeadlockError, setDeadlockPolicy }) => {
    setDeadlockPolicy('throw');
    lock.acquire();
    ready.wait();
    try {
      barrier.wait();
      return 'through';
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      return 'left';
    } finally {
      lock.release();
    }
  });
  const actor = thread(shared, ({ lock, barrier, ready }, { Barrier, setDeadlockPolicy }) => {
    // Its worker may have had another one in a test before.
    setDeadlockPolicy('warn');
    ready.wait();
    // The last to arrive runs its action.
    while (barrier.waiting < 1);
    try {
      return Barrier.from(barrier as never, { action: () => lock.acquire() }).wait();
    } finally {
      lock.release();
    }
  });
  expect(await Promise.all([waiter, actor])).toEqual(['left', 1]);
  expect([barrier.broken, barrier.waiting]).toEqual([false, 0]);
  clean(lock, barrier, ready);
});

it('A thread tells of its deadlock to the stderr of its process', { timeout: 60_000 }, async () => {
  const code = `
    import { Worker } from 'node:worker_threads';
    import { Lock } from ${JSON.stringify(import.meta.resolve('lockwork'))};
    const lock = new Lock({ name: 'rates' });
    lock.acquire();
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(\`
      import { workerData } from 'node:worker_threads';
      import { Lock } from ${JSON.stringify(import.meta.resolve('lockwork'))};
      const lock = Lock.from(workerData);
      setTimeout(() => lock.release(), \${${HELD}});
    \`)), { workerData: lock, execArgv: [] });
    await new Promise((resolve) => setTimeout(resolve, 500));
    lock.acquire();
    lock.release();
    console.log('through');`;
  const child = spawn(process.execPath, ['--input-type=module', '-'], { timeout: 50_000 });
  child.stdin.end(code);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const status = await new Promise((resolve) => child.on('close', resolve));
  expect([status, stdout.trim()]).toEqual([0, 'through']);
  const told = stderr.split('\n').filter((line) => line.includes('threads wait for each other'));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/"main" waits for Lock "rates", held by "main"$/);
});
