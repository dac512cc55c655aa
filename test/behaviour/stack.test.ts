/** Waits that begin at the end of the stack, where the engine may throw at any call. */
import type * as threading from 'lockwork';
import { Barrier, Condition, Event, Lock, RLock, Semaphore } from 'lockwork';
import { describe, expect, it } from 'vitest';
import { CELL_LENGTH } from '../../assembly/abi.ts';
import { dismiss, thread, until } from '../support/threads.ts';

type Target = Event | Lock | RLock | Semaphore | Barrier | Condition;

const KINDS: [name: string, make: () => Target][] = [
  ['Event', () => new Event()],
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
  ['Semaphore', () => new Semaphore(0)],
  ['Barrier', () => new Barrier(2)],
  ['Condition over a Lock', () => new Condition(new Lock())],
  ['Condition over an RLock', () => new Condition()],
];

/** Waits for a millisecond at every depth from the end of the stack on, until the stack suffices. */
async function descend(
  { target, besideTask, length }: { target: Target; besideTask: boolean; length: number },
  { Barrier, Condition, Event, Semaphore }: typeof threading,
) {
  const wait = () => {
    if (target instanceof Event || target instanceof Barrier || target instanceof Condition) return target.wait(1);
    return (target as threading.Lock).acquire(1);
  };
  /** Answers what the wait throws that begins so many frames above the last. `again`: another one begins there at once. */
  const atTheEnd = (frames: number, size: number, again: boolean): Error | undefined => {
    let left = frames;
    let thrown: unknown;
    const down = (...pad: number[]): void => {
      try {
        down(...pad);
      } catch {}
      if (left-- !== 0) return;
      try {
        wait();
      } catch (error) {
        thrown = error;
        if (!again) return;
        try {
          wait();
        } catch {}
      }
    };
    down(...Array(size).fill(0));
    return thrown as Error | undefined;
  };
  /** What is wrong with everything afterwards, with the whole stack. */
  const check = async (): Promise<unknown[]> => {
    const wrong: unknown[] = [];
    if (target.waiters) wrong.push(`${target.waiters} wait`);
    if (target instanceof Condition) {
      if (!target.lock.locked) wrong.push('its lock is not held');
      target.notifyAll();
      target.release();
      if (target.lock.locked) wrong.push('its lock is held twice');
      target.acquire();
    } else if (target instanceof Event) {
      target.set();
      target.clear();
    } else if (target instanceof Barrier) {
      target.reset();
      if (target.waiting) wrong.push(`${target.waiting} have arrived`);
    } else if (target instanceof Semaphore) {
      target.release();
      if (!target.tryAcquire()) wrong.push('a permit is lost');
    }
    const event = new Event();
    const task = event.waitAsync();
    event.set();
    const late = new Promise((resolve) => setTimeout(resolve, 2_000, 'never'));
    if (besideTask && (await Promise.race([task, late])) === 'never') wrong.push('its tasks are not told any more');
    return wrong;
  };

  const other = new Event();
  const awaited = new Event();
  const task = besideTask && awaited.waitAsync();
  const wrong: string[] = [];
  let thrown = 0;
  if (target instanceof Condition) target.acquire();
  for (let size = 0; size < 6; size++) {
    // Near the end at each depth; farther away nothing but `needStack` throws.
    for (let frames = 0, through = 0; through < 3 && frames < 1_500; frames += frames < 100 ? 1 : 5) {
      // Where too little of the stack was left, what is due goes back in the thread's next call, or when the stack is empty
      // (`debt`, thread-arena.ts).
      const again = (frames + size) % 2 === 1;
      const error = atTheEnd(frames, size, again);
      if (!error || error.name === 'BrokenBarrierError') through++;
      else thrown++;
      if (again) other.wait(1);
      else await undefined;
      // As other threads see it: a look of this one is a call of it.
      const waiting = Atomics.load(new Int32Array(target.memory.buffer), (target.address + length) >> 2);
      if (waiting) wrong.push(`${waiting} stand in the queue`);
      const found = await check();
      if (found.length) wrong.push(`${frames} frames of size ${size} above the end, thrown: ${error}: ${found.join()}`);
    }
  }
  if (target instanceof Condition) target.release();
  awaited.set();
  return { wrong, thrown, told: await task };
}

describe.each(KINDS)('A blocking wait at the end of the stack: %s', (_, make) => {
  it.each([
    ['alone', false],
    ['beside a task', true],
  ])('throws what the engine throws, and leaves nothing: %s', async (_, besideTask) => {
    await dismiss();
    const target = make();
    const over = new Event();
    const held = target instanceof Lock || target instanceof RLock;
    const holder =
      held && thread({ target, over }, ({ target, over }) => (target as threading.Lock).with(() => over.wait()));
    await until(() => !held || target.locked, 'another thread holds it');
    const { wrong, thrown, told } = await thread({ target, besideTask, length: CELL_LENGTH }, descend);
    expect(wrong).toEqual([]);
    expect([thrown > 0, told]).toEqual([true, besideTask]);
    over.set();
    await holder;
    target.destroy();
  });
});
