import { STATUS_PENDING } from '../assembly/abi.ts';
import { now } from './clock.ts';
import type { Operation } from './operation.ts';
import type { Scheduler } from './scheduler.ts';
import type { ThreadArena } from './thread-arena.ts';

/**
 * Waits by blocking, in a thread whose tasks wait, too. They cannot run until it returns, so it goes before them: a
 * wake-up that a task gets meanwhile passes on to others, and the task stands in the queue anew afterwards. What a
 * Condition notifies a task of serves the thread as well.
 *
 * The thread's record is the waiter, as in the core, so that no memory is needed; but it waits as a task does, for a word
 * in its inbox: then its tasks' verdicts wake it, too.
 *
 * @param limit ms
 * @param deadlocked whether it would wait, or standing in the queue waits, for a task of this thread
 * @param refuse throws for that
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
      // First the wake-ups that are there: what no task has seen yet passes on, too.
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
      } else scheduler.sleep(left);
    }
  } catch (error) {
    if (standing && status === STATUS_PENDING) scheduler.abandon([op]);
    throw error;
  }
  return status;
}
