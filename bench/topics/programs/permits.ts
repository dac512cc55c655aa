/** Many tasks of one thread, of which ten may be at work at once. */
import { Semaphore as TheirSemaphore } from 'async-mutex';
import { Sema } from 'async-sema';
import { Semaphore } from 'lockwork';
import pLimit from 'p-limit';
import { CPU_COLUMN } from '../../harness/cost.ts';
import { crowd, permits as through } from '../../harness/crowd.ts';
import type { Topic } from '../../harness/topic.ts';
import { MULTITHREADING, PYTHON } from '../../rivals/programs.ts';
import { claims } from './recipe.ts';

const TASKS = 1000;
const PERMITS = 10;
const SEMA = 'async-sema';

export const permits: Topic = {
  name: 'programs:permits',
  title: `${TASKS.toLocaleString('en')} tasks of one thread, ${PERMITS} permits: ns for each task`,
  baseline: SEMA,
  columns: [CPU_COLUMN],
  claims: claims(1.05),
  outsiders: [
    { name: 'multithreading', program: MULTITHREADING, task: `permits ${TASKS} ${PERMITS}` },
    { name: "Python's asyncio", program: PYTHON, task: `permits ${TASKS} ${PERMITS}` },
  ],
  open() {
    const sema = new Sema(PERMITS);
    const theirs = new TheirSemaphore(PERMITS);
    const ours = new Semaphore(PERMITS);
    return {
      rivals: [
        crowd(SEMA, false, through(sema, 'acquire'), TASKS, PERMITS),
        crowd('async-mutex', false, through(theirs, 'acquire'), TASKS, PERMITS),
        crowd('p-limit', false, pLimit(PERMITS), TASKS, PERMITS),
        crowd('lockwork', true, through(ours, 'acquireAsync'), TASKS, PERMITS),
      ],
    };
  },
};
