/**
 * rlock: a function that holds a lock calls another that takes the same lock.
 *
 * An RLock lets its owner in again, and counts: it is free when it was released as often. With a plain Lock the thread
 * would wait for itself for ever; here it gives up after a while.
 */
import { attach, type Handle, Lock, RLock } from 'lockwork';
import { between, role, type Say, type Stage, type Step, sleep, type Verdict } from './stage.ts';

export const about = 'a function that holds a lock calls another that takes it';

interface Trip {
  lock: Handle<'Lock' | 'RLock'>;
}

export async function main({ threads }: Stage): Promise<void> {
  const recursive = new RLock();
  const plain = new Lock();
  await threads([
    role('Ada', bookTrip, { lock: recursive }),
    role('Ben', bookTrip, { lock: recursive }),
    role('Cleo', bookTrip, { lock: plain }),
  ]);
}

/** What each thread runs: the outer function. */
export function bookTrip(trip: Trip, say: Say): void {
  const lock = attach(trip.lock);
  say('waits', `for the ${lock.kind}`);
  lock.with(() => {
    say('holds', `the ${lock.kind}`);
    sleep(between(80, 120));
    bookHotel(lock, say);
    say('releases', `the ${lock.kind}`);
  });
}

/** The inner function: others call it too, so it takes the lock itself. */
function bookHotel(lock: Lock | RLock, say: Say): void {
  if (!lock.acquire(300)) {
    say('gives up', `after 300 ms: it holds the ${lock.kind} itself`);
    return;
  }
  sleep(between(80, 120));
  say('books', lock instanceof RLock ? `a hotel, ${lock.recursionCount} deep in the RLock` : 'a hotel');
  lock.release();
}

export function verdict(steps: Step[]): Verdict {
  const did = (thread: string): string => steps.flatMap((step) => (step.thread === thread ? step.kind : [])).join(', ');
  const booked = 'waits, holds, books, releases';
  return {
    held: did('Ada') === booked && did('Ben') === booked && did('Cleo') === 'waits, holds, gives up, releases',
    text: 'The RLock let its owner in again; the plain Lock kept even its owner out.',
  };
}
