/**
 * Threads that wait without blocking: an event loop and its tasks.
 *
 * The waits are those of the bindings: `bindings/steps/`, `operation.ts`, `local-queue.ts` and `blocking.ts` are imported,
 * and run by `steps.ts`. What needs the host is written down here once more, as short as possible: `Tasks` is
 * `bindings/scheduler.ts` without its promises and timers; `acquire`, `handOff` and `admitOwner` are what `acquirable.ts`,
 * `lock.ts`, `rlock.ts` and `semaphore.ts` do in front of it. The explorer of the glue (`test/glue/`) runs the originals;
 * `test/glue/calls.test.ts` holds both together, by the calls they make of the core.
 *
 * The one `Atomics.waitAsync` of a thread is a sleep, since an event loop that has nothing else to do is nothing else; a timer
 * or an abort is an end of that sleep, or comes before the thread looks into its inbox. So "at any moment" includes: the
 * verdict is there, and the thread has not seen it.
 *
 * A thread with tasks may go on for ever, while each task waits in the midst of something. So its program proceeds by
 * turns, and what it knows between two of them is plain data (see `Program`).
 */

import {
  CELL_NEXT,
  CELL_PREV,
  CELL_WORD,
  HELD_BY_TASK,
  JOIN_AFTER_TRYING,
  JOIN_AT_ONCE,
  JOIN_NOT,
  STATE_GRANTED,
  STATUS_BUSY,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  THREAD_INBOX,
  THREAD_OWNING_THREAD,
  THREAD_QUEUED_ON,
  UNIT,
} from '../../assembly/abi.ts';
import { blockBesideTasks } from '../../bindings/blocking.ts';
import type { Core } from '../../bindings/core.ts';
import { LocalQueue, type LocalQueues, type QueuedTask, type Queueing } from '../../bindings/local-queue.ts';
import { type Completion, Operation, type Steps, type Target } from '../../bindings/operation.ts';
import type { Scheduler } from '../../bindings/scheduler.ts';
import { acquireSteps } from '../../bindings/steps/acquire.ts';
import { barrierSteps } from '../../bindings/steps/barrier.ts';
import { overLock, overRLock } from '../../bindings/steps/condition.ts';
import { eventSteps } from '../../bindings/steps/event.ts';
import type { ThreadArena } from '../../bindings/thread-arena.ts';
import { isFree } from '../../bindings/turn.ts';
import { choose, expect, FOR_EVER, look, PERMIT, type Primitive, type World } from './scenario.ts';
import { type Recording, synchronously } from './steps.ts';
import { type Asked, Objection, type Program, type Script } from './thread.ts';

/* What a task does. */

/** A call of a task that waits: how it begins. */
export interface Wait {
  readonly name: string;
  begin(tasks: Tasks, task: Task): void;
  /** Made anew between two turns, without any step. */
  operation?(tasks: Tasks, task: Task): Operation;
  /** Of a Lock, RLock or Semaphore: for which, what stands in its queue, and in whose name. */
  readonly cell?: number;
  queue?(tasks: Tasks): LocalQueue;
  readonly as?: number;
  /** Semaphore: the cell that counts the permit, if it is a guard's. */
  readonly hold?: number;
  /** RLock: the name of its owner. */
  readonly owner?: number;
}

interface Waiting {
  readonly wait: Wait;
  readonly timed: boolean;
}

/** What a task does in one go, without waiting. Answers what the next step gets for a status. */
interface Act {
  act(tasks: Tasks): number;
}

/**
 * What a task does, one after the other: waits, acts, and scripts that get to know what came of the last wait, and in which
 * generation of a Barrier or an Event it was.
 */
export type Step = Waiting | Act | ((status: number, generation: number) => Script<unknown>);

/** What a script answers when its task is to do no more, or to leave the next step out. */
export const END = 'end';
export const SKIP = 'skip';

/** What a wait may answer: OK, or TIMEOUT if it may give up. */
export const allowed = (timeout: number): number[] =>
  timeout === FOR_EVER ? [STATUS_OK] : [STATUS_OK, STATUS_TIMEOUT];

/** A step that checks what came of the one before it. */
export const came = (...results: number[]): Step =>
  // biome-ignore lint/correctness/useYield: there is nothing to ask for
  function* (status) {
    expect(status, ...results);
  };

export const waits = (wait: Wait, timeout = FOR_EVER): Step => ({ wait, timed: timeout !== FOR_EVER });

/* The waits. */

/** What a Lock, an RLock or a Semaphore is, for its thread: as `Acquirable` has it. */
interface Kind {
  readonly acquire: 'lockAcquire' | 'rlockAcquire' | 'semAcquire';
  /** What the proxy of a local queue adds to the word; 0: it acquires in its own name. */
  readonly proxyName: number;
}

function acquiring(
  it: Primitive,
  name: number,
  tryAs: number,
  { acquire, proxyName }: Kind,
  { owner = undefined as number | undefined, hold = 0 } = {},
): Wait {
  const { cell, stamp } = it;
  return {
    name: 'acquireAsync',
    cell,
    as: name,
    hold,
    ...(owner === undefined ? {} : { owner }),
    queue: (tasks) => tasks.localQueue(it, proxyName),
    begin(tasks, task) {
      const tries = hold
        ? () => tasks.core.semHold(cell, stamp, tryAs, 0, hold)
        : () => tasks.core[acquire](cell, stamp, tryAs, 0);
      tasks.acquire(task, this, tries);
    },
  };
}

/** For a Lock, by a task of this thread. */
export function acquiringLock(lock: Primitive, me: number): Wait {
  const name = me | HELD_BY_TASK;
  return acquiring(lock, name, name, { acquire: 'lockAcquire', proxyName: name });
}

/** For an RLock, in the name of an owner: at once when another task has it in that name already. */
export function acquiringRLock(lock: Primitive, owner: number): Wait {
  return acquiring(lock, owner, owner, { acquire: 'rlockAcquire', proxyName: 0 }, { owner });
}

/** For a permit; a guard's is counted in `hold`. */
export function acquiringPermit(semaphore: Primitive, me: number, hold = 0): Wait {
  return acquiring(semaphore, PERMIT, me, { acquire: 'semAcquire', proxyName: PERMIT }, { hold });
}

/** For an Event. */
export function awaitingEvent(event: Primitive, me: number): Wait {
  return {
    name: 'waitAsync',
    operation: (tasks, task) => tasks.operation(event, eventSteps, task),
    begin(tasks, task) {
      const status = tasks.core.eventWait(event.cell, event.stamp, me, 0);
      if (status === STATUS_TIMEOUT) tasks.begin(this.operation!(tasks, task));
      else task.end(status);
    },
  };
}

/** For the others at a Barrier. With `action`, the last to come must end the round. */
export function meeting(barrier: Primitive, action = false): Wait {
  return {
    name: 'waitAsync',
    operation: (tasks, task) => tasks.operation(barrier, barrierSteps, task, { action }),
    begin(tasks, task) {
      tasks.begin(this.operation!(tasks, task));
    },
  };
}

/** For a notify, and then for the lock again. `name`: as it stands in the lock's word. */
export function notification(condition: Primitive, lock: Primitive, name: number, recursive: boolean): Wait {
  return {
    name: 'waitAsync',
    ...(recursive ? { owner: name } : {}),
    operation: (tasks, task) => tasks.notification(condition, lock, name, recursive, task),
    begin(tasks, task) {
      tasks.begin(this.operation!(tasks, task));
    },
  };
}

/* What a task does in one go. */

/** `Lock.release`, by the thread or a task. */
export const releaseLock = ({ cell, stamp }: Primitive, me: number): Act => ({
  act(tasks) {
    const owner = me | (tasks.load(cell, CELL_WORD) & HELD_BY_TASK);
    const step = (queue: LocalQueue, heir: QueuedTask): boolean =>
      (queue.others || owner === heir.name) &&
      tasks.core.handOff(cell, stamp, queue.proxy.waiter, owner, heir.name, queue.others) !== 0;
    return tasks.handOff(cell, step) ? STATUS_OK : tasks.core.lockRelease(cell, stamp, owner);
  },
});

/** `RLock.release`, in the name of the thread or of an owner. */
export const releaseRLock = ({ cell, stamp }: Primitive, name: number): Act => ({
  act: (tasks) =>
    tasks.handOff(cell, (queue, heir) =>
      tasks.core.handOff(cell, stamp, queue.proxy.waiter, name, heir.name, queue.others),
    )
      ? STATUS_OK
      : tasks.core.rlockRelease(cell, stamp, name),
});

/** `Semaphore.release`, or the end of a guard. */
export const releasePermit = ({ cell, stamp }: Primitive, me: number, hold = 0): Act => ({
  act(tasks) {
    const step = ({ proxy, others }: LocalQueue, heir: QueuedTask): unknown => {
      const change = (heir.hold ? 1 : 0) - (hold ? 1 : 0);
      return tasks.core.semHandOff(cell, stamp, proxy.waiter, others, hold || heir.hold, change);
    };
    if (tasks.handOff(cell, step)) return STATUS_OK;
    return hold ? tasks.core.semLetGo(cell, stamp, me, hold) : tasks.core.semRelease(cell, stamp, me, 1);
  },
});

/** What a call that would wait for a task of its own thread answers, in place of a DeadlockError. */
export const REFUSED = -100;

class Refused extends Error {}

/** `Lock.acquire` in a thread that has tasks. */
export const blockForLock = (lock: Primitive, me: number): Act => ({
  act(tasks) {
    const { cell, stamp } = lock;
    const status = tasks.core.lockAcquire(cell, stamp, me, 0);
    if (status !== STATUS_TIMEOUT) return status;
    const held = (): boolean => (tasks.load(cell, CELL_WORD) & -HELD_BY_TASK) === (me | HELD_BY_TASK);
    if (!tasks.busy && !held()) return tasks.core.lockAcquire(cell, stamp, me, FOR_EVER);
    return tasks.blockToAcquire(lock, held);
  },
});

/** `RLock.acquire` in a thread that has tasks. */
export const blockForRLock = (lock: Primitive, me: number): Act => ({
  act(tasks) {
    const { cell, stamp } = lock;
    const status = tasks.core.rlockAcquire(cell, stamp, me, 0);
    if (status !== STATUS_TIMEOUT) return status;
    const held = (): boolean => {
      const owner = (tasks.load(cell, CELL_WORD) & -UNIT) >>> 0;
      return owner !== 0 && owner !== me && tasks.load(owner, THREAD_OWNING_THREAD) === me;
    };
    if (!tasks.busy && !held()) return tasks.core.rlockAcquire(cell, stamp, me, FOR_EVER);
    return tasks.blockToAcquire(lock, held);
  },
});

/** `Condition.wait` in a thread that has tasks. It holds the lock. */
export const blockForNotify = (condition: Primitive, lock: Primitive, me: number, recursive: boolean): Act => ({
  act(tasks) {
    const { cell, stamp } = condition;
    if (!tasks.busy) return tasks.core.condWait(cell, stamp, me, me, FOR_EVER, recursive);
    return tasks.block(tasks.notification(condition, lock, me, recursive), () => false);
  },
});

/* What a thread knows. */

/** Of an operation, what may change: all that is plain. */
type Numbers = Readonly<Record<string, number | boolean>>;

function numbersOf(op: Operation): Numbers {
  return Object.fromEntries(Object.entries(op).filter(([, value]) => ['number', 'boolean'].includes(typeof value)));
}

/** Where a task stands. */
interface Standing {
  readonly at: number;
  readonly status: number;
  readonly generation: number;
  readonly waits: boolean;
  readonly cancelled: boolean;
  /** Of its own operation, and of that which waits for a Condition's lock. */
  readonly numbers: readonly Numbers[];
}

/** What a thread knows between two turns. */
export interface Known {
  readonly standing: readonly Standing[];
  /** By cell, the oldest first: which tasks stand there, and the proxy. */
  readonly queues: readonly { readonly cell: number; readonly tasks: readonly number[]; readonly proxy: Numbers }[];
  /** Taken out of the inbox and not looked at: the next waiter, and by `next` the others. */
  readonly told: number;
}

/** What never changes. */
interface Setting {
  readonly me: number;
  readonly overdue: boolean;
  readonly naps: boolean;
  /** What was made at an address. */
  readonly kindAt: (address: number) => number;
  readonly tasks: readonly (readonly Step[])[];
  /** Cells for waiters. */
  readonly cells: readonly number[];
}

/** A task, and what `PendingCall` is to it. */
export class Task implements QueuedTask, Completion {
  readonly tasks: Tasks;
  readonly steps: readonly Step[];
  next: QueuedTask | undefined;
  prev: QueuedTask | undefined;
  at: number;
  status: number;
  generation: number;
  waits: boolean;
  cancelled: boolean;
  /** Its own, unless it stands in a local queue. */
  operation: Operation | undefined;

  constructor(tasks: Tasks, steps: readonly Step[], { at, status, generation, waits, cancelled, numbers }: Standing) {
    this.tasks = tasks;
    this.steps = steps;
    this.at = at;
    this.status = status;
    this.generation = generation;
    this.waits = waits;
    this.cancelled = cancelled;
    if (numbers.length === 0) return;
    this.operation = this.wait.operation!(tasks, this);
    Object.assign(this.operation, numbers[0]);
    if (numbers[1]) Object.assign(this.operation.lock!, numbers[1]);
    tasks.pending.set(this.operation.waiter, this.operation);
  }

  get wait(): Wait {
    return (this.steps[this.at] as Waiting).wait;
  }

  get name(): number {
    return this.wait.as!;
  }

  get hold(): number {
    return this.wait.hold ?? 0;
  }

  arm(): void {
    this.waits = true;
  }

  complete(status: number, op: Operation): void {
    const { wait } = this;
    this.end(status, op.generation);
    const gotLock = status === STATUS_OK || op.lock !== undefined;
    if (wait.owner !== undefined && gotLock) this.tasks.admitOwner(op.lock?.target.cell ?? op.target.cell, wait.owner);
  }

  admit(status: number): void {
    this.end(status);
  }

  end(status: number, generation = 0): void {
    this.at++;
    this.status = status;
    this.generation = generation;
    this.waits = false;
    this.cancelled = false;
    this.operation = undefined;
  }

  /** Its time is up, or it is aborted. */
  cancel(): void {
    this.cancelled = true;
    if (this.operation) this.tasks.cancel(this.operation);
    else this.tasks.queueOf(this).cancelTask(this);
  }

  get standing(): Standing {
    const { at, status, generation, waits, cancelled, operation } = this;
    const operations = operation ? [operation, ...(operation.lock ? [operation.lock] : [])] : [];
    return { at, status, generation, waits, cancelled, numbers: operations.map(numbersOf) };
  }
}

/** A thread's scheduler, for one turn. */
export class Tasks implements Queueing {
  readonly localQueues = new Map<number, LocalQueues>();
  readonly pending = new Map<number, Operation>();
  readonly all: readonly Task[];
  readonly core: Core;
  private readonly host: Recording;
  private readonly setting: Setting;
  private toldNext: number;
  private blocking = false;
  private readonly postponed: Operation[] = [];

  constructor(setting: Setting, { standing, queues, told }: Known, host: Recording) {
    this.setting = setting;
    this.host = host;
    this.core = host.core;
    this.toldNext = told;
    this.all = standing.map((one, i) => new Task(this, setting.tasks[i]!, one));
    for (const { cell, tasks, proxy } of queues) {
      const queue = this.waitAt(cell).queue!(this);
      Object.assign(queue.proxy, proxy);
      for (const i of tasks) {
        const task = this.all[i]!;
        queue.join(task, true, FOR_EVER, undefined);
      }
      const here = this.localQueues.get(cell);
      if (here) {
        queue.older = here.youngest;
        here.youngest.younger = queue;
        here.youngest = queue;
      } else this.localQueues.set(cell, { oldest: queue, youngest: queue });
      this.pending.set(queue.proxy.waiter, queue.proxy);
    }
  }

  get known(): Known {
    const queues: Known['queues'][number][] = [];
    for (const [cell, { oldest }] of [...this.localQueues].sort(([a], [b]) => a - b)) {
      for (let queue: LocalQueue | undefined = oldest; queue; queue = queue.younger)
        queues.push({
          cell,
          tasks: membersOf(queue).map((task) => this.all.indexOf(task)),
          proxy: numbersOf(queue.proxy),
        });
    }
    return { standing: this.all.map(({ standing }) => standing), queues, told: this.toldNext };
  }

  private waitAt(cell: number): Wait {
    for (const steps of this.setting.tasks)
      for (const step of steps) if ('wait' in step && step.wait.cell === cell) return step.wait;
    throw new Error(`no task waits for ${cell}`);
  }

  queueOf(task: Task): LocalQueue {
    for (const { oldest } of this.localQueues.values())
      for (let queue: LocalQueue | undefined = oldest; queue; queue = queue.younger)
        if (membersOf(queue).includes(task)) return queue;
    throw new Error('the task stands in no local queue');
  }

  /* What the bindings have of an arena. */

  load(cell: number, field: number): number {
    return this.host.load(cell, field);
  }

  private target({ cell, stamp }: Primitive, op: () => Operation): Target {
    const { core, host } = this;
    const arena = {
      core,
      load: (cell: number, field: number) => host.load(cell, field),
      now: () => host.now(op().wokenInVain, this.setting.overdue),
    };
    return { arena, cell, stamp, thread: this.setting.me };
  }

  operation(
    it: Primitive,
    steps: Steps,
    task?: Task,
    { name = 0, action = false, lock = undefined as Operation | undefined } = {},
  ): Operation {
    const op: Operation = new Operation(
      this.target(it, () => op),
      steps,
      task,
      name,
      action,
      lock,
    );
    if (task) task.operation = op;
    return op;
  }

  notification(condition: Primitive, lock: Primitive, name: number, recursive: boolean, task?: Task): Operation {
    const again = this.operation(lock, acquireSteps, undefined, { name });
    return this.operation(condition, recursive ? overRLock : overLock, task, { lock: again });
  }

  localQueue(it: Primitive, proxyName: number): LocalQueue {
    const queue: LocalQueue = new LocalQueue(
      this.target(it, () => queue.proxy),
      this,
      proxyName,
    );
    return queue;
  }

  /* As in acquirable.ts and its primitives. */

  acquire(task: Task, wait: Wait, tries: () => number): void {
    const cell = wait.cell!;
    let queue = this.localQueues.get(cell)?.youngest;
    const triesFirst = !queue || wait.owner !== undefined;
    let place = triesFirst ? JOIN_AFTER_TRYING : queue!.ask();
    if (place !== JOIN_AT_ONCE) {
      const status = tries();
      if (status !== STATUS_TIMEOUT) {
        task.end(status);
        if (wait.owner === undefined) return;
        // The call ends with a look into the inbox, and its owner's other tasks are admitted behind that.
        this.collectAll();
        this.admitOwner(cell, wait.owner);
        return;
      }
      if (triesFirst) place = queue ? queue.ask() : JOIN_NOT;
      if (place === JOIN_NOT) queue = wait.queue!(this);
    }
    queue!.join(task, place === JOIN_AT_ONCE, FOR_EVER, undefined);
  }

  /** `blockIfTasks`, where a first try was in vain. Whatever it throws, the call withdraws. */
  blockToAcquire(lock: Primitive, held: () => boolean): number {
    const { cell, stamp } = lock;
    const { me } = this.setting;
    const op = this.operation(lock, acquireSteps, undefined, { name: me });
    const handedOver = (): boolean => {
      this.core.awaitVerdicts(cell, stamp, me);
      return this.hasGrantAt(cell);
    };
    const deadlocked = (standing: boolean): boolean => !standing && held() && !handedOver();
    const status = this.busy ? this.block(op, deadlocked) : REFUSED;
    if (status !== REFUSED) return status;
    // A task that has got somewhere, and waits for nothing, may hold it.
    if (!this.all.some(({ waits, at, steps }) => !waits && at > 0 && at < steps.length))
      throw new Objection('a thread is refused a lock that no task of it holds');
    this.core.undo(me);
    return status;
  }

  /** An owner has an RLock, and so have all of its tasks that wait for it. */
  admitOwner(cell: number, owner: number): void {
    const shared = this.all.some((task) => task.waits && task.wait.owner === owner);
    if (shared) this.localQueues.get(cell)?.oldest.admitOwner(owner);
  }

  /** A release that goes to a task of this thread. */
  handOff(cell: number, step: (queue: LocalQueue, heir: QueuedTask) => unknown): boolean {
    const queue = this.localQueues.get(cell)?.oldest;
    const heir = queue?.heir;
    if (!heir || !step(queue!, heir)) return false;
    queue!.advance();
    return true;
  }

  /* As in scheduler.ts. */

  get busy(): boolean {
    return this.pending.size > 0;
  }

  get told(): boolean {
    return this.toldNext !== 0;
  }

  hasGrantAt(cell: number): boolean {
    return [...this.pending.keys()].some(
      (waiter) => this.verdictOf(waiter) === STATE_GRANTED && this.load(waiter, THREAD_QUEUED_ON) === cell,
    );
  }

  /** A task's own operation. */
  begin(op: Operation): void {
    op.waiter = this.allocateWaiter();
    if (this.start(op)) (op.completion as Task).arm();
  }

  start(op: Operation): boolean {
    const status = op.steps.start(op);
    if (status !== STATUS_PENDING && status !== STATUS_BUSY) {
      op.completion!.complete(status, op);
      return false;
    }
    this.pending.set(op.waiter, op);
    this.step(op, status);
    return true;
  }

  /** The thread looks into its inbox between any two steps (`eventLoop`). */
  watch(): void {}

  cancel(op: Operation): void {
    if (this.pending.get(op.waiter) === op) this.step(op, op.steps.cancel(op));
  }

  allocateWaiter(): number {
    const waiter = this.setting.cells.find((cell) => !this.pending.has(cell));
    if (waiter === undefined) throw new Error('more waiters than were made');
    return waiter;
  }

  step(op: Operation, status: number): void {
    if (status === STATUS_PENDING) return;
    if (status === STATUS_BUSY) {
      if (!this.blocking) throw new Objection('a task starts anew although its thread does not block');
      this.postponed.push(op);
      return;
    }
    this.pending.delete(op.waiter);
    op.completion!.complete(status, op);
  }

  /** The first verdict that was taken out of the inbox. False when there is none. */
  collect(): boolean {
    const waiter = this.nextTold();
    if (!waiter) return false;
    const op = this.pending.get(waiter);
    if (!op) throw new Objection('in the inbox there is a waiter that does not wait');
    this.step(op, op.steps.resume(op, this.verdictOf(waiter)));
    return true;
  }

  private collectAll(): void {
    while (this.busy && this.collect());
  }

  nextTold(): number {
    const { me } = this.setting;
    if (this.toldNext === 0 && this.load(me, THREAD_INBOX) === 0) return 0;
    const waiter = this.toldNext || this.core.collect(me) >>> 0;
    this.toldNext = waiter && this.load(waiter, CELL_NEXT);
    return waiter;
  }

  verdictOf(waiter: number): number {
    return this.host.verdictOf(waiter);
  }

  operationOf(waiter: number): Operation | undefined {
    return this.pending.get(waiter);
  }

  setAside(waiter: number): void {
    const op = this.pending.get(waiter);
    if (!op) return;
    if (op.steps.decline(op)) this.postponed.push(op);
    else this.step(op, op.steps.resume(op, this.verdictOf(waiter)));
  }

  beforeTasks<Result>(act: () => Result): Result {
    this.blocking = true;
    try {
      return act();
    } finally {
      this.blocking = false;
      for (const op of this.postponed.splice(0)) this.step(op, op.steps.start(op));
    }
  }

  /** False when the time is up, which may be that of a nap. */
  sleep(limit: number): boolean {
    const { me, naps } = this.setting;
    return this.host.sleep(me, naps || limit !== FOR_EVER) !== TIMED_OUT;
  }

  /** Tasks have waited for a while. */
  look(): void {
    for (const op of [...this.pending.values()])
      if (this.pending.get(op.waiter) === op) this.step(op, this.takeTurn(op));
  }

  /** The core lets only the first take a turn. */
  takeTurn(op: Operation): number {
    op.looksFree = isFree(this, op.waiter) ? Math.min(op.looksFree + 1, 2) : 0;
    const due = op.looksFree > 1 && this.load(op.waiter, CELL_PREV) === this.load(op.waiter, THREAD_QUEUED_ON);
    return due ? op.steps.takeTurn(op) : STATUS_PENDING;
  }

  kindAt(address: number): number {
    return this.setting.kindAt(address);
  }

  /** The thread blocks. */
  block(op: Operation, deadlocked: (standing: boolean) => boolean): number {
    const { me } = this.setting;
    const arena = {
      thread: me,
      waitAsTask: () => this.core.waitAsTask(me),
      waitAsThread: (budget: number) => this.core.waitAsThread(me, 0, budget),
    };
    try {
      return blockBesideTasks(arena as ThreadArena, this as unknown as Scheduler, op, FOR_EVER, deadlocked, () => {
        throw new Refused();
      });
    } catch (error) {
      if (error instanceof Refused) return REFUSED;
      throw error;
    }
  }
}

function membersOf(queue: LocalQueue): Task[] {
  const members: Task[] = [];
  for (let task = queue.first; task; task = task.next) members.push(task as Task);
  return members;
}

/* The event loop. */

/** What `memory.atomic.wait32` answers. */
const TIMED_OUT = 2;
/** In place of a task that gives up. */
const NONE = -1;
const LOOK = -2;

/**
 * What a thread with tasks does; a round of it is over when all have come to their ends. Which of several goes on first
 * is open, and between any two steps the thread may look into its inbox: unless it is `busy`, takes one after the other,
 * and does not look before all wait. `overdue`: whenever a task looks at the clock, it has waited for too long.
 */
export function eventLoop(
  world: World,
  me: number,
  tasks: readonly (readonly Step[])[],
  { busy = false, overdue = false } = {},
): Program['body'] {
  // One more than tasks: a proxy may wait for a verdict that no task needs any more.
  const { naps } = world;
  const setting: Setting = {
    me,
    tasks,
    overdue,
    naps,
    kindAt: (address) => world.made(address),
    cells: [...tasks, []].map(() => world.task(me)),
  };
  const fresh: Standing = { at: 0, status: STATUS_OK, generation: 0, waits: false, cancelled: false, numbers: [] };
  const begin: Known = { standing: tasks.map(() => fresh), queues: [], told: 0 };

  return function* (from: Known = begin) {
    let known = from;
    const stepOf = (task: number): Step | undefined => tasks[task]![known.standing[task]!.at];
    const waits = (task: number): boolean => known.standing[task]!.waits;

    /** The thread does something in one go. */
    function* does(act: (tasks: Tasks) => void): Script {
      const before = known;
      known = yield* synchronously((host) => {
        const all = new Tasks(setting, before, host);
        act(all);
        return all.known;
      });
    }

    function* go(i: number): Script {
      const step = stepOf(i)!;
      if (typeof step === 'function') {
        const { status, generation, at } = known.standing[i]!;
        const result = yield* step(status, generation);
        const next = result === END ? tasks[i]!.length : at + (result === SKIP ? 2 : 1);
        known = { ...known, standing: known.standing.with(i, { ...fresh, at: next }) };
      } else if ('act' in step) yield* does((all) => all.all[i]!.end(step.act(all)));
      else yield* does((all) => step.wait.begin(all, all.all[i]!));
    }

    function* turn(): Script<Known | undefined> {
      if (known.told) {
        yield* does((all) => all.collect());
        return next();
      }
      const all = [...tasks.keys()];
      const ready = all.filter((task) => !waits(task) && stepOf(task));
      const inboxMatters = ready.length > 0 && !busy && pending();
      let posted = inboxMatters && (yield* look(me + THREAD_INBOX)) !== 0;
      if (ready.length > 0 && !posted) yield* go(yield* choose(busy ? ready.slice(0, 1) : ready));
      else if (ready.length === 0) {
        const impatient = all.filter(
          (task) => (stepOf(task) as Waiting | undefined)?.timed && !known.standing[task]!.cancelled,
        );
        const end = Number(yield { kind: 'sleep', address: me + THREAD_INBOX, timed: naps || impatient.length > 0 });
        const chances = end === TIMED_OUT ? (naps ? [LOOK] : []) : [NONE];
        const who = yield* choose([...chances, ...impatient]);
        if (who === LOOK) yield* does((tasks) => tasks.look());
        else if (who !== NONE) yield* does((tasks) => tasks.all[who]!.cancel());
        posted = pending() && (yield* look(me + THREAD_INBOX)) !== 0;
      }
      if (posted) yield* does((tasks) => tasks.collect());
      return next();
    }

    /** Something stands in a queue, or has its verdict. */
    function pending(): boolean {
      return known.queues.length > 0 || known.standing.some(({ numbers }) => numbers.length > 0);
    }

    function next(): Known | undefined {
      return pending() || [...tasks.keys()].some(stepOf) ? known : undefined;
    }

    return yield* within(turn(), () => {
      if (!pending()) return undefined;
      const task = known.standing.findIndex(({ waits }) => waits);
      return task < 0 ? 'acquireAsync' : (stepOf(task) as Waiting).wait.name;
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
