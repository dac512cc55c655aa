/** What the workers of every pool do, in Node and in a page. A task has one argument, and answers which thread did it. */
import { Barrier, Condition, Event, Lock, Semaphore } from 'lockwork';

const thread = crypto.randomUUID();

function expect(met, what) {
  if (!met) throw new Error(`not met in time: ${what}`);
}

/** Adds one, and takes so long for it that others would come in between. */
function addOne(count) {
  const before = count[0];
  for (let i = 1; i < count.length; i++) count[i] = before;
  count[0] = before + 1;
}

export function add({ lock, count, meeting, rounds }) {
  const mine = Lock.from(lock);
  Barrier.from(meeting).wait();
  for (let i = 0; i < rounds; i++) mine.with(() => addOne(count));
  return thread;
}

/** By two tasks of the thread. */
export async function addAsync({ lock, count, meeting, rounds }) {
  const mine = Lock.from(lock);
  await Barrier.from(meeting).waitAsync();
  const half = async () => {
    for (let i = 0; i < rounds / 2; i++) await mine.withAsync(() => addOne(count));
  };
  await Promise.all([half(), half()]);
  return thread;
}

/** Waits again and again until it is its turn, of as many as there are parties. */
export function takeTurns({ changed, turn, index, parties, rounds, timeout }) {
  const mine = Condition.from(changed);
  for (let i = 0; i < rounds; i++) {
    mine.with(() => {
      expect(
        mine.waitFor(() => turn[0] % parties === index, timeout),
        `turn ${i} of ${index}`,
      );
      turn[0]++;
      mine.notifyAll();
    });
  }
  return thread;
}

export async function takeTurnsAsync({ changed, turn, index, parties, rounds, timeout }) {
  const mine = Condition.from(changed);
  for (let i = 0; i < rounds; i++) {
    await mine.withAsync(async () => {
      expect(await mine.waitForAsync(() => turn[0] % parties === index, { timeout }), `turn ${i} of ${index}`);
      turn[0]++;
      mine.notifyAll();
    });
  }
  return thread;
}

export function land({ ready, landed, timeout }) {
  Semaphore.from(ready).release();
  expect(Event.from(landed).wait(timeout), 'the landing');
  return thread;
}

export async function landAsync({ ready, landed, timeout }) {
  Semaphore.from(ready).release();
  expect(await Event.from(landed).waitAsync({ timeout }), 'the landing');
  return thread;
}

/** Holds a lock until it is aborted: computes, or waits for ever. */
export async function hold({ lock }) {
  const mine = Lock.from(lock);
  mine.acquire();
  for (;;);
}

export async function holdAsync({ lock }) {
  await Lock.from(lock).withAsync(() => new Promise(() => {}));
}

/** Has a lock, though its owner has died. Answers whether that had to be repaired. */
export function have({ lock, timeout }) {
  let repaired = false;
  const mine = Lock.from(lock, {
    recover() {
      repaired = true;
    },
  });
  expect(mine.acquire(timeout), 'the lock');
  mine.release();
  return repaired;
}

export async function haveAsync({ lock, timeout }) {
  let repaired = false;
  const mine = Lock.from(lock, {
    async recover() {
      repaired = true;
    },
  });
  expect(await mine.acquireAsync({ timeout }), 'the lock');
  mine.release();
  return repaired;
}
