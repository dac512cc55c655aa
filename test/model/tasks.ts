/**
 * Threads that wait without blocking: an event loop and its tasks, as far as the core is concerned.
 *
 * What a wait does between the calls of the core are the real steps of the bindings (`steps.ts`); `eventLoop` is what
 * `bindings/scheduler.ts` is. The one `Atomics.waitAsync` of a thread is a sleep, since an event loop that has nothing
 * else to do is nothing else; a timer or an abort is an end of that sleep, or comes before the thread looks into its
 * inbox. So "at any moment" includes: the verdict is there, and the thread has not seen it.
 *
 * A thread with tasks may go on for ever, while each task waits in the midst of something. So its program proceeds by
 * turns, and what it knows between two of them is plain data (see `Program`).
 */

import { CELL_NEXT, STATUS_OK, STATUS_PENDING, STATUS_TIMEOUT, THREAD_INBOX } from '../../assembly/abi.ts';
import { acquireSteps } from '../../bindings/steps/acquire.ts';
import { barrierSteps } from '../../bindings/steps/barrier.ts';
import { overLock, overRLock } from '../../bindings/steps/condition.ts';
import { eventSteps } from '../../bindings/steps/event.ts';
import { call, choose, expect, FOR_EVER, get, look, type Primitive, type World } from './scenario.ts';
import { asking, type Memory, type QueueMemory, Queues, type Shared, type Single, stepOf } from './steps.ts';
import { type Asked, Objection, type Program, type Script } from './thread.ts';

/** A wait of a task: by an operation of its own, or in a local queue, in this name. */
export interface Wait {
  readonly name: string;
  /** What the thread tries before its task waits; TIMEOUT: in vain. */
  readonly first?: () => Script<number>;
  readonly single?: Single;
  readonly shared?: { readonly at: Shared; readonly name: number };
}

interface Waiting {
  readonly wait: Wait;
  readonly timed: boolean;
}

/** A release by a task, which may go to another one of its thread. */
interface Releasing {
  readonly releases: Shared;
  readonly name: number;
}

/**
 * What a task does, one after the other: waits, releases, and scripts that get to know what came of the last wait or
 * release, and in which generation of a Barrier or an Event it was.
 */
export type Step = Waiting | Releasing | ((status: number, generation: number) => Script<unknown>);

/** What a script answers when its task is to do no more, or to leave the next step out. */
export const END = 'end';
export const SKIP = 'skip';

/** What a wait may answer: OK, or TIMEOUT if it may give up. */
export const allowed = (timeout: number): number[] =>
  timeout === FOR_EVER ? [STATUS_OK] : [STATUS_OK, STATUS_TIMEOUT];

/** A step that checks what came of the wait or release before it. */
export const came = (...results: number[]): Step =>
  // biome-ignore lint/correctness/useYield: there is nothing to ask for
  function* (status) {
    expect(status, ...results);
  };

export const waits = (wait: Wait, timeout = FOR_EVER): Step => ({ wait, timed: timeout !== FOR_EVER });
export const releases = (releases: Shared, name: number): Step => ({ releases, name });

/* The waits. */

/** For a Lock or a permit, by a waiter of its own; `addToAcquire`: as it stands in the word. `me`: who tries first. */
export const acquiring = ({ cell, stamp }: Primitive, addToAcquire: number, me?: number): Wait => ({
  name: 'acquireAsync',
  single: { steps: acquireSteps, at: { cell, stamp }, addToAcquire },
  ...(me !== undefined && { first: () => call('acquire', cell, stamp, me, addToAcquire, 0, 0) }),
});

/** For a Lock, an RLock or a permit, as tasks of one thread do; `name`: as it stands in the word. */
export const queueing = (at: Shared, name: number): Wait => ({ name: 'acquireAsync', shared: { at, name } });

export const shared = ({ cell, stamp }: Primitive, kind: Shared['kind']): Shared => ({ cell, stamp, kind });

/** For an Event. */
export const awaitingEvent = ({ cell, stamp }: Primitive, me: number): Wait => ({
  name: 'waitAsync',
  first: () => call('eventWait', cell, stamp, me, 0),
  single: { steps: eventSteps, at: { cell, stamp } },
});

/** For the others at a Barrier. With `action`, the last to come must end the round. */
export const meeting = ({ cell, stamp }: Primitive, action = 0): Wait => ({
  name: 'waitAsync',
  single: { steps: barrierSteps, at: { cell, stamp }, action: action !== 0 },
});

/** For a notification, and then for the lock again. `owner`: as it stands in the lock's word. */
export const notification = (condition: Primitive, lock: Primitive, owner: number, recursive: number): Wait => ({
  name: 'waitAsync',
  single: {
    steps: recursive ? overRLock : overLock,
    at: { cell: condition.cell, stamp: condition.stamp },
    lock: { steps: acquireSteps, at: { cell: lock.cell, stamp: lock.stamp }, addToAcquire: owner },
  },
});

/* The event loop. */

/** Where a task stands: the number of its step, what came of its last wait, and what it remembers while it waits. */
interface Standing {
  at: number;
  status: number;
  generation: number;
  /** In a local queue, nothing. */
  waiting: Memory | 'queued' | null;
  late: boolean;
}

/** What a thread knows between two turns: where its tasks stand, its local queues, and what it took out of its inbox. */
interface Loop {
  readonly standing: Standing[];
  readonly queues: readonly QueueMemory[];
  readonly found: number[];
}

const TIMED_OUT = 2;
const NOBODY = -1;

/**
 * What a thread with tasks does; a round of it is over when all have come to their ends. Which of several goes on first
 * is open, and between any two steps the thread may look into its inbox: unless it is `busy`, takes one after the other,
 * and does not look before all wait.
 */
export function eventLoop(
  world: World,
  me: number,
  tasks: readonly (readonly Step[])[],
  busy = false,
): Program['body'] {
  const waiters = tasks.map(() => world.task(me));
  const queueing = tasks.map((steps) => steps.some((step) => 'wait' in step && step.wait.shared));
  const proxies = queueing.filter(Boolean).map(() => world.task(me));
  const begin: Loop = {
    standing: tasks.map(() => ({ at: 0, status: STATUS_OK, generation: 0, waiting: null, late: false })),
    queues: [],
    found: [],
  };

  return function* (from = begin) {
    const { standing, found, ...rest }: Loop = structuredClone(from);
    let { queues } = rest;
    const waiting = (task: number): boolean => standing[task]!.waiting !== null;
    const step = (task: number): Step | undefined => tasks[task]![standing[task]!.at];
    const waitOf = (task: number): Waiting => step(task) as Waiting;

    function* go(task: number): Script {
      const mine = standing[task]!;
      const now = step(task)!;
      if (typeof now === 'function') {
        const result = yield* now(mine.status, mine.generation);
        const at = result === END ? tasks[task]!.length : mine.at + (result === SKIP ? 2 : 1);
        Object.assign(mine, { ...begin.standing[task], at });
      } else if ('releases' in now) {
        const status = yield* queue((all) => all.release(now.releases, now.name));
        Object.assign(mine, { at: mine.at + 1, status });
      } else {
        const { first, single, shared } = now.wait;
        const status = first ? yield* first() : STATUS_TIMEOUT;
        if (status !== STATUS_TIMEOUT) end(task, status);
        else if (single) take(task, yield* stepOf(single, me, waiters[task]!, (steps, op) => steps.start(op)));
        else {
          mine.waiting = 'queued';
          const { at, name } = shared!;
          end(task, yield* queue((all) => all.acquire(at, task, name)));
        }
      }
    }

    /** A step of this thread's local queues. */
    function* queue<T>(act: (all: Queues) => T): Script<T> {
      const taken = queues.map(({ proxy }) => proxy.waiter);
      const free = proxies.filter((proxy) => !taken.includes(proxy));
      const told = found.length > 0;
      const { result, memory } = yield* asking((arena) => {
        const all = new Queues(arena, me, queues, free, told);
        const result = act(all);
        return { result, memory: all.memory };
      });
      queues = memory.queues;
      for (const { task, status } of memory.ends) end(task, status);
      return result;
    }

    /** A step of a single wait has come to this. */
    function take(task: number, { status, memory }: { status: number; memory: Memory }): void {
      standing[task]!.waiting = memory;
      end(task, status, memory.generation);
    }

    function end(task: number, status: number, generation = 0): void {
      const { at } = standing[task]!;
      if (status === STATUS_PENDING) return;
      standing[task] = { at: at + 1, status, generation, waiting: null, late: false };
    }

    function* giveUp(task: number): Script {
      const mine = standing[task]!;
      mine.late = true;
      if (mine.waiting === 'queued') yield* queue((all) => all.cancel(task));
      else {
        const { single } = waitOf(task).wait;
        take(task, yield* stepOf(single!, me, mine.waiting!, (steps, op) => steps.cancel(op)));
      }
    }

    const isProxy = (waiter: number): boolean => queues.some(({ proxy }) => proxy.waiter === waiter);

    function* collect(): Script {
      let waiter = yield* call('collect', me);
      for (; waiter; waiter = yield* get(waiter + CELL_NEXT)) {
        const expected = isProxy(waiter) || waiters.some((one, task) => one === waiter && waiting(task));
        if (found.includes(waiter) || !expected)
          throw new Objection('in the inbox there is a waiter twice, or one that does not wait');
        found.push(waiter);
      }
    }

    function* resume(waiter: number): Script {
      const verdict = yield* look(waiter);
      if (isProxy(waiter)) yield* queue((all) => all.resume(waiter, verdict));
      else {
        const task = waiters.indexOf(waiter);
        const { single } = waitOf(task).wait;
        const memory = standing[task]!.waiting as Memory;
        take(task, yield* stepOf(single!, me, memory, (steps, op) => steps.resume(op, verdict)));
      }
    }

    function* turn(): Script<Loop | undefined> {
      const first = found.shift();
      if (first) {
        yield* resume(first);
        return next();
      }
      const all = [...tasks.keys()];
      const ready = all.filter((task) => !waiting(task) && step(task));
      const anyWaits = all.some(waiting) || queues.length > 0;
      let posted = ready.length > 0 && !busy && anyWaits && (yield* look(me + THREAD_INBOX)) !== 0;
      if (ready.length > 0 && !posted) yield* go(yield* choose(busy ? ready.slice(0, 1) : ready));
      else if (ready.length === 0) {
        const impatient = all.filter((task) => waiting(task) && waitOf(task).timed && !standing[task]!.late);
        const end = Number(yield { kind: 'sleep', address: me + THREAD_INBOX, timed: impatient.length > 0 });
        const who = yield* choose(end === TIMED_OUT ? impatient : [NOBODY, ...impatient]);
        if (who !== NOBODY) yield* giveUp(who);
        posted = (yield* look(me + THREAD_INBOX)) !== 0;
      }
      if (posted) yield* collect();
      return next();
    }

    function next(): Loop | undefined {
      const more = queues.length > 0 || tasks.some((_, task) => waiting(task) || step(task));
      return more ? { standing, queues, found } : undefined;
    }

    return yield* within(turn(), () => {
      const task = standing.findIndex(({ waiting }) => waiting);
      if (task >= 0) return waitOf(task).wait.name;
      return queues.length > 0 ? 'acquireAsync' : undefined;
    });
  };
}

/** Marks what a script asks for as done inside of a call, while there is one. */
export function* within<Result>(script: Script<Result>, name: () => string | undefined): Script<Result> {
  let turn = script.next();
  while (!turn.done) {
    const asked: Asked = { ...turn.value, within: name() };
    turn = script.next(yield asked);
  }
  return turn.value;
}
