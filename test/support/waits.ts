/** Every wait of a task that there is, so that what they share is tested of each. */
import { Barrier, BoundedSemaphore, Condition, Event, Lock, Owner, RLock, Semaphore, type WaitOptions } from 'lockwork';
import { thread } from './threads.ts';

/** A place where tasks wait for what nobody gives them yet. */
export interface Place {
  readonly target: Lock | RLock | Semaphore | Event | Barrier | Condition;
  wait(options?: WaitOptions): Promise<unknown>;
  /** Lets the first task go on, or all of them where `all` is set. */
  next(): void;
  /** What a task answers that went on. */
  readonly through: unknown;
  /** What one answers that ran out of time; an error's name when it rejects. */
  readonly late: unknown;
  readonly all?: true;
  /** Tasks of a thread stand in a local queue, for all of which one cell stands. */
  readonly localQueue?: true;
  /** After somebody gave up: as it was before. */
  mend?(): void;
  /** When nobody waits any more: gives all of it back. */
  end(): void;
}

/** What one at a time can hold, and a task as well as a thread. */
export const HOLDABLES: [name: string, make: () => Lock][] = [
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
  ['Semaphore', () => new Semaphore(1)],
  ['BoundedSemaphore', () => new BoundedSemaphore(1)],
] as never;

const plain = { through: true, late: false } as const;

function semaphore(target: Semaphore): Place {
  return {
    ...plain,
    target,
    localQueue: true,
    wait: (options) => target.acquireAsync(options),
    next: () => target.release(),
    end() {
      target.release();
      target.destroy();
    },
  };
}

function condition(lock: Lock | RLock): Place {
  const target = new Condition(lock);
  return {
    ...plain,
    target,
    async wait(options) {
      const { owner, ...guard } = await hold(lock);
      try {
        return await target.waitAsync(owner ? { ...options, owner } : options);
      } finally {
        guard.release();
      }
    },
    next() {
      if (!target.tryAcquire()) throw new Error('somebody still holds the lock');
      target.notify();
      target.release();
    },
    end() {
      target.destroy();
      lock.destroy();
    },
  };
}

async function hold(lock: Lock | RLock): Promise<{ owner: Owner | undefined; release(): void }> {
  const guard = await lock.holdAsync();
  return { owner: guard.owner, release: () => guard.release() };
}

/** By name; made for so many tasks at the most that wait at once. */
export const WAITS: Record<string, (tasks?: number) => Place> = {
  Lock() {
    const target = new Lock();
    target.tryAcquire();
    return {
      ...plain,
      target,
      localQueue: true,
      wait: (options) => target.acquireAsync(options),
      next: () => target.release(),
      end() {
        target.release();
        target.destroy();
      },
    };
  },
  RLock() {
    const target = new RLock();
    let holder: { owner: Owner } | undefined;
    target.tryAcquire();
    return {
      ...plain,
      target,
      async wait(options) {
        const owner = new Owner();
        const held = await target.acquireAsync({ ...options, owner });
        if (held) holder = { owner };
        return held;
      },
      next: () => target.release(holder),
      end() {
        target.release(holder);
        target.destroy();
      },
    };
  },
  Semaphore: () => semaphore(new Semaphore(0)),
  BoundedSemaphore() {
    const target = new BoundedSemaphore(1);
    target.tryAcquire();
    return semaphore(target);
  },
  Event() {
    const target = new Event();
    return {
      ...plain,
      target,
      all: true,
      wait: (options) => target.waitAsync(options),
      next() {
        target.set();
        target.clear();
      },
      end: () => target.destroy(),
    };
  },
  Barrier(tasks = 1) {
    const target = new Barrier(tasks + 1);
    return {
      target,
      through: 0,
      late: 'BrokenBarrierError',
      all: true,
      wait: (options) => target.waitAsync(options),
      next: () => void target.waitAsync({ timeout: 0 }),
      mend: () => target.reset(),
      end: () => target.destroy(),
    };
  },
  'Condition over a Lock': () => condition(new Lock()),
  'Condition over an RLock': () => condition(new RLock()),
};

/** What has this place in a queue: a task of this thread, a thread, and a task of another, in turn. */
export function start<A extends { place: number }>(
  args: A,
  block: (args: A) => unknown,
  task: (args: A) => Promise<unknown>,
): Promise<unknown> {
  const kinds = [() => task(args), () => thread(args, block), () => thread(args, task)];
  return kinds[args.place % kinds.length]!();
}

/** What a promise answers, or the name of the error that it rejects with. */
export function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: Error) => error.name);
}

/** A signal, and how many listen to it. */
export function watched(signal: AbortSignal): { signal: AbortSignal; listeners(): number; added(): number } {
  const listening = new Set<unknown>();
  let added = 0;
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(type: string, listener: () => void, options?: AddEventListenerOptions) {
      added++;
      listening.add(listener);
      addEventListener.call(signal, type, listener, options);
    },
    removeEventListener(type: string, listener: () => void) {
      listening.delete(listener);
      removeEventListener.call(signal, type, listener);
    },
  });
  return { signal, listeners: () => listening.size, added: () => added };
}

/** A turn of the event loop: what is ready runs. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
