/** What the workers of every pool do, in Node and in a page. A task has one argument, and answers which thread did it. */
import { Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';

/** How long a task waits for others (ms). */
export const BOUND = 20_000;

const thread = crypto.randomUUID();

function expectInTime(came) {
  if (!came) throw new Error(`nobody came in ${BOUND} ms`);
}

export function add({ lock, count, meeting, rounds }) {
  const mine = Lock.from(lock);
  Barrier.from(meeting).wait(BOUND);
  for (let i = 0; i < rounds; i++) mine.with(() => count[0]++);
  return thread;
}

/** By two tasks of the thread. */
export async function addAsync({ lock, count, meeting, rounds }) {
  const mine = Lock.from(lock);
  await Barrier.from(meeting).waitAsync({ timeout: BOUND });
  const half = async () => {
    for (let i = 0; i < rounds / 2; i++) await mine.withAsync(() => count[0]++);
  };
  await Promise.all([half(), half()]);
  return thread;
}

/** Waits again and again until it is its turn, of as many as there are parties. */
export function takeTurns({ changed, turn, index, parties, rounds }) {
  const mine = Condition.from(changed);
  for (let i = 0; i < rounds; i++) {
    mine.with(() => {
      expectInTime(mine.waitFor(() => turn[0] % parties === index, BOUND));
      turn[0]++;
      mine.notifyAll();
    });
  }
  return thread;
}

export async function takeTurnsAsync({ changed, turn, index, parties, rounds }) {
  const mine = Condition.from(changed);
  for (let i = 0; i < rounds; i++) {
    await mine.withAsync(async () => {
      expectInTime(await mine.waitForAsync(() => turn[0] % parties === index, { timeout: BOUND }));
      turn[0]++;
      mine.notifyAll();
    });
  }
  return thread;
}

export function land({ ready, landed }) {
  Semaphore.from(ready).release();
  expectInTime(Event.from(landed).wait(BOUND));
  return thread;
}

export async function landAsync({ ready, landed }) {
  Semaphore.from(ready).release();
  expectInTime(await Event.from(landed).waitAsync({ timeout: BOUND }));
  return thread;
}
