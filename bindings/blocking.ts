import { STATUS_PENDING } from '../assembly/abi.ts';
import { now } from './clock.ts';
import type { Operation } from './operation.ts';
import type { Scheduler } from './scheduler.ts';
import type { ThreadArena } from './thread-arena.ts';

/**
 * Blocks a thread whose tasks wait, too. They cannot run until it returns, so the thread goes before them: a wake-up
 * that a task gets meanwhile passes on, and the task enters the queue anew afterwards. When a Condition notifies a task,
 * the thread may take its place.
 *
 * The thread's record is the waiter, as in the core, so that no memory is needed. But it waits as a task's waiter does,
 * for its inbox: so the verdicts of the thread's tasks wake the thread, too.
 *
 * @param limit ms
 * @param deadlocked whether the thread waits, or would wait, for a task of its own
 * @param refuse throws because of that
 */
export function blockBesideTasks(
  arena: ThreadArena,
  scheduler: Scheduler,
  op: Operation,
  limit: number,
  deadlocked: (standing: boolean) => boolean,
  refuse: () => never,
): number {
  return scheduler.beforeTasks(() => {
    const budget = arena.waitAsTask();
    op.waiter = arena.thread;
    try {
      return block(scheduler, op, now() + limit, deadlocked, refuse);
    } finally {
      arena.waitAsThread(budget);
    }
  });
}

function block(
  scheduler: Scheduler,
  op: Operation,
  deadline: number,
  deadlocked: (standing: boolean) => boolean,
  refuse: () => never,
): number {
  const { steps, waiter } = op;
  let standing = false;
  let late = false;
  let status = STATUS_PENDING as number;
  try {
    while (status === STATUS_PENDING) {
      // First the verdicts in the inbox, also those that came before this call: they pass on.
      for (let told = scheduler.nextTold(); told; told = scheduler.nextTold()) {
        const verdict = scheduler.verdictOf(told);
        const task = told !== waiter && standing && status === STATUS_PENDING && scheduler.operationOf(told);
        if (told === waiter || (task && steps.takeOver(op, task))) status = steps.resume(op, verdict);
        else scheduler.setAside(told);
      }
      if (status !== STATUS_PENDING) break;
      if (deadlocked(standing)) {
        if (standing && steps.abandon(op) === STATUS_PENDING) continue;
        refuse();
      }
      const left = late ? Infinity : deadline - now();
      if (!standing) {
        standing = true;
        status = steps.start(op);
      } else if (left <= 0) {
        late = true;
        status = steps.cancel(op);
      } else if (!scheduler.sleep(left, deadline)) status = scheduler.takeTurn(op);
    }
  } catch (error) {
    if (standing && status === STATUS_PENDING) scheduler.abandon(op);
    throw error;
  }
  return status;
}
