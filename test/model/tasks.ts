/**
 * Threads that wait without blocking: an event loop and its tasks, as far as the core is concerned.
 *
 * What JavaScript does between the calls of the core is written down here once more, as short as possible: `Wait` and
 * `eventLoop` are what `bindings/inbox.ts` is, and the waits are those of `bindings/resource.ts`, `event.ts`,
 * `barrier.ts` and `condition.ts`. The one `Atomics.waitAsync` of a thread is a sleep, since an event loop that has
 * nothing else to do is nothing else; a timer or an abort is an end of that sleep, or comes before the thread looks into
 * its inbox. So "at any moment" includes: the verdict is there, and the thread has not seen it.
 *
 * A thread with tasks may go on for ever, while each task waits in the midst of something. So its program proceeds by
 * turns, and what it knows between two of them is plain data (see `Program`).
 */

import {
  call,
  choose,
  expect,
  FLAGS,
  FOR_EVER,
  GENERATION,
  get,
  INBOX,
  look,
  NEXT,
  type Primitive,
  State,
  Status,
  TAKE,
  type World,
} from './scenario.ts';
import { type Asked, Objection, type Program, type Script } from './thread.ts';

/** What a wait remembers while it lasts. */
interface Memory {
  /** It has what it waits for, by a task of its thread, and a verdict is still to come. */
  heir?: boolean;
  /** It has given up. */
  late?: boolean;
  /** Barrier: of the round that it came in. */
  generation?: number;
  /** Condition: it has let the lock go, held so often; what it will answer once it has the lock again. */
  depth?: number;
  result?: number;
}

/** One wait of a task: its steps. Each answers a status or an index; PENDING: a verdict will come. */
export interface Wait {
  readonly name: string;
  /** What the thread tries before its task waits; TIMEOUT: in vain. */
  readonly first?: () => Script<number>;
  enter(waiter: number, memory: Memory): Script<number>;
  resume(waiter: number, verdict: number, memory: Memory): Script<number>;
  leave(waiter: number, memory: Memory): Script<number>;
}

interface Waiting {
  readonly wait: Wait;
  readonly timed: boolean;
}

/**
 * What a task does, one after the other: waits, and scripts that get to know what came of the last wait, in which
 * generation of a Barrier or an Event it was, and whether there is an heir: another task of this thread that waits.
 */
export type Step = Waiting | ((status: number, generation: number, heir: boolean) => Script<unknown>);

/**
 * What a script answers when its task is to do no more, or to leave the next step out; or when it passes what it holds on
 * to its heir.
 */
export const END = 'end';
export const SKIP = 'skip';
export const PASS = 'pass';

/** What a wait may answer: OK, or TIMEOUT if it may give up. */
export const allowed = (timeout: number): number[] =>
  timeout === FOR_EVER ? [Status.OK] : [Status.OK, Status.TIMEOUT];

/** A step that checks what came of the wait before it. */
export const came = (...results: number[]): Step =>
  // biome-ignore lint/correctness/useYield: there is nothing to ask for
  function* (status) {
    expect(status, ...results);
  };

export const waits = (wait: Wait, timeout = FOR_EVER): Step => ({ wait, timed: timeout !== FOR_EVER });

/* The waits. */

export const WOKEN = 4;
const HANDOFF = 2;
const FRONT = 8;
const PARKED = 1;
const FILLING = 0;
const BROKEN = 8;
const DEPTH = 44;

/** For a Lock, an RLock or a permit; `take` is what acquiring adds to the word. `me`: who tries first. */
export function acquiring({ cell, stamp }: Primitive, take: number, me?: number): Wait {
  const acquire = (waiter: number, timeout: number, woken: number) =>
    call('acquire', cell, stamp, waiter, take, timeout, woken);
  const wait: Wait = {
    name: 'acquireAsync',
    enter: (waiter) => acquire(waiter, FOR_EVER, 0),
    *resume(waiter, verdict, { late, heir }) {
      if (heir) {
        // One more than it needs: it goes to somebody else.
        const granted = verdict === State.GRANTED || (yield* acquire(waiter, 0, WOKEN)) === Status.OK;
        if (granted) yield* call('lockRelease', cell, stamp, take & ~FLAGS);
        return Status.OK;
      }
      if (verdict === State.GRANTED) return Status.OK;
      return yield* acquire(waiter, late ? 0 : FOR_EVER, WOKEN | (yield* choose([0, HANDOFF])));
    },
    *leave(waiter) {
      return (yield* call('leave', cell, stamp, waiter)) === Status.TIMEOUT ? Status.TIMEOUT : Status.PENDING;
    },
  };
  return me === undefined ? wait : { ...wait, first: () => acquire(me, 0, 0) };
}

/** A line's representative, for the next one. */
export const enterBefore = ({ cell, stamp }: Primitive, waiter: number, take: number): Script<number> =>
  call('acquire', cell, stamp, waiter, take, FOR_EVER, FRONT);

/** For an RLock, in the name of an owner: at once when another task has it in that name already. */
export function acquiringAs(owner: number, lock: Primitive): Wait {
  const { cell, stamp } = lock;
  const plain = acquiring(lock, owner);
  const owned = function* (): Script<boolean> {
    return ((yield* look(cell)) & ~FLAGS) === owner;
  };
  const again = () => call('rlockAcquire', cell, stamp, owner, 0);
  return {
    ...plain,
    first: again,
    *enter(waiter, memory) {
      return (yield* owned()) ? yield* again() : yield* plain.enter(waiter, memory);
    },
    *resume(waiter, verdict, memory) {
      if (verdict !== State.WOKEN || !(yield* owned())) return yield* plain.resume(waiter, verdict, memory);
      // It has no use for the wake-up.
      expect(yield* call('acquire', cell, stamp, waiter, owner, 0, WOKEN), Status.TIMEOUT);
      return yield* again();
    },
  };
}

/** For an Event. */
export const awaitingEvent = ({ cell, stamp }: Primitive, me: number): Wait => ({
  name: 'waitAsync',
  first: () => call('eventWait', cell, stamp, me, 0),
  enter: (waiter) => call('eventWait', cell, stamp, waiter, FOR_EVER),
  // biome-ignore lint/correctness/useYield: nothing is left to be done
  *resume() {
    return Status.OK;
  },
  *leave(waiter) {
    const status = yield* call('leave', cell, stamp, waiter);
    return status === Status.OK && (yield* look(waiter)) > PARKED ? Status.PENDING : status;
  },
});

/** For the others at a Barrier. With `action`, the last to come must end the round. */
export function meeting({ cell, stamp }: Primitive, action = 0): Wait {
  const wait: Wait = {
    name: 'waitAsync',
    *enter(waiter, memory) {
      const index = yield* call('barrierWait', cell, stamp, waiter, FOR_EVER, action);
      memory.generation = yield* get(waiter + GENERATION);
      return index === Status.PENDING && memory.late ? yield* wait.leave(waiter, memory) : index;
    },
    *resume(waiter, verdict, memory) {
      if (verdict === State.GRANTED) return yield* get(waiter + TAKE);
      return verdict === State.BROKEN ? Status.BROKEN : yield* wait.enter(waiter, memory);
    },
    *leave(waiter, memory) {
      yield* call('barrierEnd', cell, stamp, waiter, memory.generation!, FILLING, State.BROKEN, BROKEN);
      return Status.PENDING;
    },
  };
  return wait;
}

/** For a notification, and then for the lock again. `owner`: as it stands in the lock's word. */
export function notification(condition: Primitive, lock: Primitive, owner: number, recursive: number): Wait {
  const again = acquiring(lock, owner);
  const end = function* (waiter: number, status: number, { depth, result = Status.OK }: Memory): Script<number> {
    if (status !== Status.OK) return status;
    yield* call('condEnd', waiter, depth!);
    return result;
  };
  return {
    name: 'waitAsync',
    *enter(waiter, memory) {
      memory.depth = yield* get(lock.cell + DEPTH);
      return yield* call('condWait', condition.cell, condition.stamp, waiter, owner, FOR_EVER, recursive);
    },
    *resume(waiter, verdict, memory) {
      // It may have given up waiting for the notification, but never for the lock.
      return yield* end(waiter, yield* again.resume(waiter, verdict, {}), memory);
    },
    *leave(waiter, memory) {
      if ((yield* call('leave', condition.cell, condition.stamp, waiter)) !== Status.TIMEOUT) return Status.PENDING;
      memory.result = Status.TIMEOUT;
      return yield* end(waiter, yield* again.enter(waiter, memory), memory);
    },
  };
}

/* The event loop. */

/** Where a task stands: the number of its step, what came of its last wait, and while it waits, what that remembers. */
interface Standing {
  at: number;
  status: number;
  generation: number;
  memory: Memory | null;
}

/** What a thread knows between two turns: where its tasks stand, and what it took out of its inbox and has not looked at. */
interface Loop {
  readonly standing: Standing[];
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
  const begin: Loop = {
    standing: tasks.map(() => ({ at: 0, status: Status.OK, generation: 0, memory: null })),
    found: [],
  };

  return function* (from = begin) {
    const { standing, found }: Loop = structuredClone(from);
    const waiting = (task: number): boolean => (standing[task]?.memory ?? null) !== null;
    const step = (task: number): Step | undefined => tasks[task]![standing[task]!.at];
    const waitOf = (task: number): Waiting => step(task) as Waiting;

    function* go(task: number): Script {
      const mine = standing[task]!;
      const now = step(task)!;
      if (typeof now === 'function') {
        const heir = standing.findIndex((_, other) => waiting(other));
        const result = yield* now(mine.status, mine.generation, heir >= 0);
        if (result === PASS) yield* inherit(heir);
        const at = result === END ? tasks[task]!.length : mine.at + (result === SKIP ? 2 : 1);
        Object.assign(mine, { ...begin.standing[task], at });
        return;
      }
      const first = now.wait.first ? yield* now.wait.first() : Status.TIMEOUT;
      mine.memory = {};
      settle(task, first === Status.TIMEOUT ? yield* now.wait.enter(waiters[task]!, mine.memory) : first);
    }

    function settle(task: number, status: number): void {
      if (status === Status.PENDING) return;
      const { at, memory } = standing[task]!;
      standing[task] = { at: at + 1, status, generation: memory?.generation ?? 0, memory: null };
    }

    /** It need not wait any more. If it has its verdict already, that comes, and passes on. */
    function* inherit(task: number): Script {
      const memory = standing[task]!.memory!;
      memory.heir = true;
      const status = yield* waitOf(task).wait.leave(waiters[task]!, memory);
      settle(task, status === Status.TIMEOUT ? Status.OK : status);
    }

    function* giveUp(task: number): Script {
      const memory = standing[task]!.memory!;
      memory.late = true;
      settle(task, yield* waitOf(task).wait.leave(waiters[task]!, memory));
    }

    function* collect(): Script {
      let waiter = yield* call('collect', me);
      for (; waiter; waiter = yield* get(waiter + NEXT)) {
        if (found.includes(waiter) || !waiting(waiters.indexOf(waiter)))
          throw new Objection('in the inbox there is a waiter twice, or one that does not wait');
        found.push(waiter);
      }
    }

    function* resume(waiter: number): Script {
      const task = waiters.indexOf(waiter);
      settle(task, yield* waitOf(task).wait.resume(waiter, yield* look(waiter), standing[task]!.memory!));
    }

    function* turn(): Script<Loop | undefined> {
      const first = found.shift();
      if (first) {
        yield* resume(first);
        return next();
      }
      const all = [...tasks.keys()];
      const ready = all.filter((task) => !waiting(task) && step(task));
      let posted = ready.length > 0 && !busy && all.some(waiting) && (yield* look(me + INBOX)) !== 0;
      if (ready.length > 0 && !posted) yield* go(yield* choose(busy ? ready.slice(0, 1) : ready));
      else if (ready.length === 0) {
        const impatient = all.filter((task) => waiting(task) && waitOf(task).timed && !standing[task]!.memory!.late);
        const end = Number(yield { kind: 'sleep', address: me + INBOX, timed: impatient.length > 0 });
        const who = yield* choose(end === TIMED_OUT ? impatient : [NOBODY, ...impatient]);
        if (who !== NOBODY) yield* giveUp(who);
        posted = (yield* look(me + INBOX)) !== 0;
      }
      if (posted) yield* collect();
      return next();
    }

    function next(): Loop | undefined {
      return tasks.some((_, task) => waiting(task) || step(task)) ? { standing, found } : undefined;
    }

    return yield* within(turn(), () => {
      const task = standing.findIndex(({ memory }) => memory);
      return task < 0 ? undefined : waitOf(task).wait.name;
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
