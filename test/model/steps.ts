/**
 * The steps of the real bindings, run by the model: `bindings/steps`, and the local queue. They are plain functions that
 * call the core; a script of the model is a generator. The bridge runs a step again and again: each time one more of its
 * questions (a call of the core, a look at a word, the clock) has its answer from before, and at the first that has none
 * the step is left by an exception, and the question is asked. A step has a few questions, so that is cheap; what it
 * changes are numbers of an operation, of which every run has a fresh copy.
 */

import {
  CELL_WORD,
  HELD_BY_TASK,
  JOIN_AFTER_TRYING,
  JOIN_AT_ONCE,
  JOIN_NOT,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_QUEUED_ON,
  UNIT,
} from '../../assembly/abi.ts';
import type { Core } from '../../bindings/core.ts';
import {
  LocalQueue,
  type LocalQueues,
  localQueuesOf,
  type QueuedTask,
  type Queueing,
} from '../../bindings/local-queue.ts';
import { Operation, type Steps, type World } from '../../bindings/operation.ts';
import type { Value } from './interpret.ts';
import type { Primitive } from './scenario.ts';
import type { Request, Script } from './thread.ts';

/** What an operation remembers between its steps: plain data. */
export interface Memory {
  waiter: number;
  cancelled: boolean;
  addToAcquire: number;
  wokenInVain: number;
  generation: number;
  letGo: boolean;
  depth: number;
  result: number;
  lock?: Memory | undefined;
}

export function memoryOf(op: Operation): Memory {
  const { waiter, cancelled, addToAcquire, wokenInVain, generation, letGo, depth, result, lock } = op;
  return {
    ...{ waiter, cancelled, addToAcquire, wokenInVain, generation, letGo, depth, result },
    ...(lock && { lock: memoryOf(lock) }),
  };
}

function recall(op: Operation, { lock, ...numbers }: Memory): void {
  Object.assign(op, numbers);
  if (lock) recall(op.lock!, lock);
}

/** A question without an answer. */
class Unanswered {
  readonly request: Request;

  constructor(request: Request) {
    this.request = request;
  }
}

/** What the clock says when an operation was woken in vain, and later: HANDOFF_AFTER_MS are over, or not. */
const [WOKEN_AT, LATER] = [1, 2];

/** Words that the core reads and writes atomically; the others are plain, and a look at them while they change is a race. */
const ATOMIC: ReadonlySet<number> = new Set([CELL_WORD, THREAD_QUEUED_ON]);

/** Runs `act` with an arena whose answers come from the script's world. */
export function* asking<T>(act: (arena: World) => T): Script<T> {
  const answers: number[] = [];
  for (;;) {
    let next = 0;
    const ask = (request: Request): number => {
      if (next === answers.length) throw new Unanswered(request);
      return answers[next++]!;
    };
    const core = new Proxy({} as Core, {
      get:
        (_, name: string) =>
        (...args: Value[]) =>
          ask({ kind: 'call', name, args: args.map((arg) => (typeof arg === 'bigint' ? arg : Number(arg))) }),
    });
    const arena: World = {
      core,
      load: (cell, field) => ask({ kind: ATOMIC.has(field) ? 'look' : 'read', address: cell + field }) >>> 0,
      now: () => ask({ kind: 'choice', results: [WOKEN_AT, LATER] }),
    };
    try {
      return act(arena);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      answers.push(Number(yield error.request));
    }
  }
}

/** A wait of one task, with a waiter of its own: for an Event, at a Barrier, for a Condition; or as any waiter of a lock. */
export interface Single {
  readonly steps: Steps;
  readonly at: Primitive;
  readonly addToAcquire?: number;
  readonly action?: boolean;
  /** Condition: the lock, and in whose name it is held. */
  readonly lock?: { readonly steps: Steps; readonly at: Primitive; readonly addToAcquire: number };
}

/** Does a step of a single wait. `before`: what it remembers; nothing when it begins. Answers that, and the status. */
export function* stepOf(
  { steps, at, addToAcquire = 0, action = false, lock }: Single,
  thread: number,
  before: Memory | number,
  act: (steps: Steps, op: Operation) => number,
): Script<{ status: number; memory: Memory }> {
  return yield* asking((arena) => {
    const inner = lock && new Operation({ ...lock.at, arena, thread }, lock.steps, undefined, lock.addToAcquire);
    const op = new Operation({ ...at, arena, thread }, steps, undefined, addToAcquire, action, inner);
    if (typeof before === 'number') op.waiter = before;
    else recall(op, before);
    const status = act(steps, op);
    return { status, memory: memoryOf(op) };
  });
}

/* Local queues. */

/** What tasks of a thread queue up for. */
export interface Shared extends Primitive {
  readonly kind: 'lock' | 'rlock' | 'sem';
}

/** One local queue: its proxy; its tasks by their numbers, with their names, and whether they have given up. */
export interface QueueMemory {
  readonly at: Shared;
  readonly proxy: Memory;
  readonly tasks: readonly { readonly task: number; readonly name: number; readonly cancelled: boolean }[];
}

/** What a thread knows of its local queues. */
export interface Queued {
  /** Those of one cell in the order of their ages. */
  readonly queues: readonly QueueMemory[];
  /** Tasks that came to their ends in the last step, and how. */
  readonly ends: readonly { readonly task: number; readonly status: number }[];
}

interface Entry extends QueuedTask {
  readonly task: number;
  cancelled: boolean;
}

const POSSIBLE = { lock: 'lockAcquire', rlock: 'rlockAcquire', sem: 'semAcquire' } as const;

/**
 * The real local queues of a thread, as they are in one run of a step. What is not shared with the bindings, and has to be
 * kept like them by hand: `acquire` (`Acquirable.acquireAs`), `release` (of Lock, RLock, Semaphore), `step` (`Scheduler`).
 */
export class Queues {
  readonly #arena: World;
  readonly #thread: number;
  readonly #ends: { task: number; status: number }[] = [];
  readonly #scheduler: Queueing;
  readonly #shared = new Map<number, Shared>();
  /** While what was is built again nothing is asked. */
  #building = true;

  /**
   * @param proxies cells that are free for proxies
   * @param told whether the thread has verdicts that it has not looked at
   */
  constructor(arena: World, thread: number, queues: readonly QueueMemory[], proxies: readonly number[], told: boolean) {
    this.#arena = arena;
    this.#thread = thread;
    const free = [...proxies];
    this.#scheduler = {
      localQueues: new Map(),
      told,
      allocateWaiter: () => free.shift()!,
      start: (op) => this.#building || this.#step(op, op.steps.start(op)),
      step: (op, status) => {
        if (!this.#building) this.#step(op, status);
      },
      watch: () => {},
      cancel: (op) => {
        if (!this.#building) this.#step(op, op.steps.cancel(op));
      },
    };
    for (const { at, proxy, tasks } of queues) {
      free.unshift(proxy.waiter);
      const queue = this.#make(at);
      for (const { task, name, cancelled } of tasks) {
        const entry = this.#entry(at, task, name);
        queue.join(entry, true, Infinity, undefined);
        entry.cancelled = cancelled;
      }
      // Of a queue whose last task is gone the proxy stands yet.
      if (tasks.length === 0) this.#emptied(queue, at);
      recall(queue.proxy, proxy);
    }
    this.#building = false;
  }

  /** A task acquires; PENDING: it has to wait, unless it is among the ends. */
  acquire(at: Shared, task: number, name: number): number {
    const { cell } = at;
    let queue = this.#here.get(cell)?.oldest.youngest;
    const triesFirst = !queue || at.kind === 'rlock';
    let place = triesFirst ? JOIN_AFTER_TRYING : queue!.ask();
    if (place !== JOIN_AT_ONCE) {
      const status = this.#try(at, name);
      if (status !== STATUS_TIMEOUT) {
        if (status === STATUS_OK && at.kind === 'rlock') this.#here.get(cell)?.oldest.admitOwner(name);
        return status;
      }
      if (triesFirst) place = queue ? queue.ask() : JOIN_NOT;
      if (place === JOIN_NOT) queue = this.#make(at);
    }
    queue!.join(this.#entry(at, task, name), place === JOIN_AT_ONCE, Infinity, undefined);
    return STATUS_PENDING;
  }

  /** The thread, or a task of it in this name, releases. */
  release(at: Shared, name: number): number {
    const { cell, stamp, kind } = at;
    const { core } = this.#arena;
    const queue = this.#here.get(cell)?.oldest;
    const heir = queue?.heir;
    if (queue && heir) {
      const { waiter } = queue.proxy;
      const { others } = queue;
      const passed =
        kind === 'lock'
          ? core.lockHandOff(cell, stamp, waiter, others)
          : kind === 'sem'
            ? core.semHandOff(cell, stamp, waiter, others)
            : core.rlockHandOff(cell, stamp, waiter, name, heir.name, others);
      if (passed) {
        queue.advance();
        return STATUS_OK;
      }
    }
    if (kind === 'sem') return core.semRelease(cell, stamp, this.#thread, 1);
    return kind === 'lock' ? core.lockRelease(cell, stamp, name) : core.rlockRelease(cell, stamp, name);
  }

  /** A proxy has its verdict. */
  resume(waiter: number, verdict: number): void {
    const { proxy } = this.#all.find((queue) => queue.proxy.waiter === waiter)!;
    this.#step(proxy, proxy.steps.resume(proxy, verdict));
  }

  /** A task gives up. */
  cancel(task: number): void {
    for (const queue of this.#all) {
      for (let entry = queue.first as Entry | undefined; entry; entry = entry.next as Entry | undefined) {
        if (entry.task !== task) continue;
        entry.cancelled = true;
        queue.cancelTask(entry);
        return;
      }
    }
  }

  get memory(): Queued {
    return {
      ends: this.#ends,
      queues: this.#all.map((queue) => {
        const tasks: { task: number; name: number; cancelled: boolean }[] = [];
        for (let entry = queue.first as Entry | undefined; entry; entry = entry.next as Entry | undefined) {
          tasks.push({ task: entry.task, name: entry.name, cancelled: entry.cancelled });
        }
        return { at: this.#shared.get(queue.proxy.target.cell)!, proxy: memoryOf(queue.proxy), tasks };
      }),
    };
  }

  get #here(): Map<number, LocalQueues> {
    return localQueuesOf(this.#scheduler);
  }

  get #all(): LocalQueue[] {
    const all: LocalQueue[] = [];
    for (const { oldest } of this.#here.values()) {
      for (let queue: LocalQueue | undefined = oldest; queue; queue = queue.younger) all.push(queue);
    }
    return all;
  }

  #make(at: Shared): LocalQueue {
    this.#shared.set(at.cell, at);
    const target = { ...at, arena: this.#arena, thread: this.#thread };
    const names = { lock: this.#thread | HELD_BY_TASK, rlock: 0, sem: -UNIT };
    return new LocalQueue(target, this.#scheduler, names[at.kind], at.kind === 'rlock');
  }

  #entry(at: Shared, task: number, name: number): Entry {
    return {
      ...{ task, name, cancelled: false, next: undefined, prev: undefined },
      arm: () => {},
      complete: (status) => {
        this.#ends.push({ task, status });
        if (status === STATUS_OK && at.kind === 'rlock') this.#here.get(at.cell)?.oldest.admitOwner(name);
      },
      admit: (status) => this.#ends.push({ task, status }),
    };
  }

  #emptied(queue: LocalQueue, at: Shared): void {
    const last = this.#entry(at, -1, 0);
    queue.join(last, true, Infinity, undefined);
    last.complete = () => {};
    queue.advance();
  }

  #try({ cell, stamp, kind }: Shared, name: number): number {
    return this.#arena.core[POSSIBLE[kind]](cell, stamp, kind === 'sem' ? this.#thread : name, 0);
  }

  #step(op: Operation, status: number): boolean {
    if (status === STATUS_PENDING) return true;
    op.completion!.complete(status, op);
    return false;
  }
}
