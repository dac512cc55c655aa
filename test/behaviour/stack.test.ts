/** Waits that begin at the end of the stack, where the engine may throw at any call. */
import { fileURLToPath } from 'node:url';
import type * as threading from 'lockwork';
import { Arena, Barrier, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { CELL_LENGTH, HEADER_NAP } from '../../assembly/abi.ts';
import { poke, threadArenaOf } from '../support/dead.ts';
import { dismiss, thread, until } from '../support/threads.ts';

type Target = Event | Lock | RLock | Semaphore | Barrier | Condition;

/** In a wait without a timeout the host is asked after a nap only: here it is a short one. */
function endless(): Barrier {
  const arena = new Arena({ maximumBytes: 65_536 });
  poke(threadArenaOf(arena), arena.address, HEADER_NAP, 3);
  return new Barrier(2, { arena });
}

const KINDS: [name: string, make: () => Target, timeout?: number][] = [
  ['Event', () => new Event()],
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
  ['Semaphore', () => new Semaphore(0)],
  ['Barrier', () => new Barrier(2)],
  ['Barrier, for ever', endless, Infinity],
  ['Condition over a Lock', () => new Condition(new Lock())],
  ['Condition over an RLock', () => new Condition()],
];

interface Descent {
  readonly target: Target;
  /** ms */
  readonly timeout: number;
  readonly besideTask: boolean;
  /** Whether a wait that has thrown is followed by another at once, there, and by one or a look on the whole stack. */
  readonly again: boolean;
  /** Where a primitive has the number of its waiters. */
  readonly length: number;
}

/** Waits at every depth from the end of the stack on, until the stack suffices. */
async function descend(
  { target, timeout, besideTask, again, length }: Descent,
  { Barrier, Condition, Event, RLock, Semaphore }: typeof threading,
) {
  const wait = () => {
    if (target instanceof Event || target instanceof Barrier || target instanceof Condition)
      return target.wait(timeout);
    return (target as threading.Lock).acquire(timeout);
  };
  /** Answers what the wait throws that begins so many frames above the last. */
  const atTheEnd = (frames: number, size: number): Error | undefined => {
    let left = frames;
    let thrown: unknown;
    const down = (...pad: number[]): void => {
      try {
        down(...pad);
      } catch {}
      if (left-- !== 0) return;
      try {
        wait();
      } catch (error) {
        thrown = error;
        if (!again) return;
        try {
          wait();
        } catch {}
      }
    };
    down(...Array(size).fill(0));
    return thrown as Error | undefined;
  };
  /** What is wrong with everything afterwards, with the whole stack. */
  const check = async (): Promise<unknown[]> => {
    const wrong: unknown[] = [];
    if (target.waiters) wrong.push(`${target.waiters} wait`);
    if (target instanceof Condition) {
      if (!target.lock.locked) wrong.push('its lock is not held');
      target.notifyAll();
      for (let held = 0; held < depth; held++) target.release();
      if (target.lock.locked) wrong.push('its lock is held more often');
      for (let held = 0; held < depth; held++) target.acquire();
    } else if (target instanceof Event) {
      target.set();
      target.clear();
    } else if (target instanceof Barrier) {
      target.reset();
      if (target.waiting) wrong.push(`${target.waiting} have arrived`);
    } else if (target instanceof Semaphore) {
      target.release();
      if (!target.tryAcquire()) wrong.push('a permit is lost');
    }
    if (!besideTask) return wrong;
    const event = new Event();
    const task = event.waitAsync();
    event.set();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, 2_000, 'never');
    });
    if ((await Promise.race([task, late])) === 'never') wrong.push('its tasks are not told any more');
    clearTimeout(timer);
    return wrong;
  };

  const other = new Event({ arena: target.arena });
  const awaited = new Event();
  const task = besideTask && awaited.waitAsync();
  const wrong: string[] = [];
  let thrown = 0;
  // As often as may be: of a Lock once.
  const depth = target instanceof Condition ? (target.lock instanceof RLock ? 2 : 1) : 0;
  for (let held = 0; held < depth; held++) (target as Condition).acquire();
  // So that what a wait needs is compiled, and what one leaves that throws is not.
  try {
    wait();
  } catch {}
  await check();
  // Near the end at each depth; farther away nothing but `needStack` throws.
  const depths = Array.from({ length: 400 }, (_, i) => (i < 120 ? i : 5 * i - 480));
  // Alone the first to throw stands in the queue already.
  const ascending = besideTask || again;
  for (let size = 0; size < 6; size++) {
    let through = 0;
    for (const frames of ascending ? depths : depths.slice(0, 120).reverse()) {
      // Where too little of the stack was left, what is due goes back in the thread's next call, or when the stack is empty
      // (`debt`, thread-arena.ts).
      const error = atTheEnd(frames, size);
      if (!error || error.name === 'BrokenBarrierError') through++;
      else thrown++;
      if (!again) await undefined;
      else if (frames % 2) other.wait(1);
      else if (frames % 4 && target instanceof Condition) target.notifyAll();
      else if (target.waiters) wrong.push('it still waits');
      // As other threads see it: a look of this one is a call of it.
      const waiting = Atomics.load(new Int32Array(target.memory.buffer), (target.address + length) >> 2);
      if (waiting) wrong.push(`${waiting} stand in the queue`);
      const found = await check();
      if (found.length) wrong.push(`${frames} frames of size ${size} above the end, thrown: ${error}: ${found.join()}`);
      if (ascending && through === 3) break;
    }
  }
  for (let held = 0; held < depth; held++) (target as Condition).release();
  awaited.set();
  return { wrong, thrown, told: await task };
}

/** Another thread: it has the lock, or ends a wait that would not end, less often than one that has thrown is looked after. */
function hinder({ target, over }: { target: Target; over: Event }, { Barrier, Lock, RLock }: typeof threading) {
  if (target instanceof Lock || target instanceof RLock) target.with(() => over.wait());
  else while (!over.wait(5)) if (target instanceof Barrier) target.reset();
}

describe.each(KINDS)('A blocking wait at the end of the stack: %s', (_, make, timeout = 1) => {
  it.each([
    ['alone', false, false],
    ['alone, and again', false, true],
    ['beside a task', true, false],
    ['beside a task, and again', true, true],
  ])('throws what the engine throws, and leaves nothing: %s', async (_, besideTask, again) => {
    await dismiss();
    const target = make();
    const over = new Event();
    const other = thread({ target, over }, hinder);
    await until(() => !('locked' in target) || target.locked, 'another thread holds it');
    const descent = { target, timeout, besideTask, again, length: CELL_LENGTH };
    const { wrong, thrown, told } = await thread(descent, descend);
    expect(wrong).toEqual([]);
    expect([thrown > 0, told]).toEqual([true, besideTask]);
    over.set();
    await other;
    target.destroy();
  });
});

describe('A misuse at the end of the stack', () => {
  it('throws, and ends no process', async () => {
    const errors = await thread({}, (_, { Lock }) => {
      const lock = new Lock();
      const names = new Set<string>();
      // So that what it calls is compiled.
      try {
        lock.release();
      } catch {}
      // Where a regular expression is compiled there, V8 up to Node 22 aborts: at its first uses.
      for (let frames = 0; frames < 300; frames++) {
        let left = frames;
        let thrown: unknown;
        const down = () => {
          try {
            down();
          } catch {}
          if (left-- !== 0) return;
          try {
            lock.release();
          } catch (error) {
            thrown = error;
          }
        };
        down();
        if (thrown) names.add((thrown as Error).name);
      }
      return [...names].sort();
    });
    expect(errors).toEqual(['NotHeldError', 'RangeError']);
  });
});

describe('What follows a wait that has thrown at the end of the stack', () => {
  it('loses nothing that is taken there at once', async () => {
    await dismiss();
    const lost = await thread({}, (_, { Condition, Event, Lock, RLock, Semaphore }) => {
      const event = new Event();
      event.wait(1);
      const lost: string[] = [];
      for (const target of [new Lock(), new RLock(), new Semaphore(1), new Condition(new Lock())]) {
        target.tryAcquire();
        target.release();
        for (let frames = 0; frames < 120; frames++) {
          let left = frames;
          let held = false;
          const down = () => {
            try {
              down();
            } catch {}
            if (left-- !== 0) return;
            try {
              event.wait(1);
            } catch {
              try {
                held = target.tryAcquire();
              } catch {}
            }
          };
          down();
          if (held) target.release();
          else if (!target.tryAcquire()) lost.push(`${target}, ${frames} frames above the end`);
          else target.release();
        }
      }
      return lost;
    });
    expect(lost).toEqual([]);
  });

  it('works where two copies of the package share the thread', async () => {
    await dismiss();
    const file = fileURLToPath(new URL('index.cjs', import.meta.resolve('lockwork')));
    const thrown = await thread({ file }, ({ file }, { Event, Lock }) => {
      const copy = process.getBuiltinModule('node:module').createRequire(file)(file) as typeof threading;
      const event = copy.attach(new Event()) as threading.Event;
      event.wait(1);
      let thrown = 0;
      for (let frames = 0; frames < 120; frames++) {
        let left = frames;
        const down = () => {
          try {
            down();
          } catch {}
          if (left-- !== 0) return;
          try {
            event.wait(1);
          } catch {
            thrown++;
          }
        };
        down();
        for (const lock of [new Lock(), new copy.Lock()]) {
          lock.acquire();
          lock.release();
          lock.destroy();
        }
      }
      return thrown;
    });
    expect(thrown).toBeGreaterThan(0);
  });

  it('is right in a program in WebAssembly', async () => {
    await dismiss();
    const { wrong, thrown } = await thread({}, (_, { Arena, Barrier, Semaphore }, __, { imports }) => {
      const arena = new Arena({ maximumBytes: 65_536 });
      const { lockwork } = imports(arena) as unknown as { lockwork: Record<string, (...numbers: number[]) => number> };
      const semaphore = new Semaphore(0, { arena });
      const { address, stamp } = semaphore;
      // So that what a wait of a program needs is compiled, and what one leaves that throws is not.
      const barrier = new Barrier(2, { arena });
      barrier.abort();
      for (let i = 0; i < 3; i++) lockwork.barrier_wait!(barrier.address, barrier.stamp, 1);
      const wrong: string[] = [];
      let thrown = 0;
      for (let frames = 600; frames >= 0; frames--) {
        let left = frames;
        let status: number | undefined;
        const down = () => {
          try {
            down();
          } catch {}
          if (left-- === 0) status = lockwork.sem_acquire!(address, stamp, 1);
        };
        down();
        if (status !== -1) thrown++;
        const released = lockwork.sem_release!(address, stamp, 1);
        const { waiters, value } = semaphore;
        if (released !== 0 || waiters !== 0 || value !== 1 || !semaphore.tryAcquire()) {
          wrong.push(`${frames} frames above the end: ${status}, ${released}, ${waiters} wait, ${value} permits`);
        }
      }
      return { wrong, thrown };
    });
    expect(wrong).toEqual([]);
    expect(thrown).toBeGreaterThan(0);
  });
});
