/**
 * What lockwork is measured against, in WebAssembly. Plain words in a memory of their own; compiled with the flags of
 * the core.
 */

/** The floor: what taking and freeing a lock must cost on this machine, with no call and no check around it. */
export function floor(word: usize, pairs: i32): void {
  while (pairs--) {
    if (atomic.cmpxchg<i32>(word, 0, 1)) unreachable();
    atomic.xchg<i32>(word, 0);
  }
}

/**
 * A three-state mutex: 0 free, 1 held, 2 held and a thread may sleep. After U. Drepper, "Futexes Are Tricky", mutex 2;
 * it frees with an exchange where the paper decrements, which is one step for two.
 */
export function lock(word: usize): void {
  if (atomic.cmpxchg<i32>(word, 0, 1)) contend(word);
}

// A thread that comes this way holds the mutex with 2, since it cannot know that no other sleeps.
function contend(word: usize): void {
  while (atomic.xchg<i32>(word, 2)) atomic.wait<i32>(word, 2, -1);
}

export function unlock(word: usize): void {
  if (atomic.xchg<i32>(word, 0) == 2) atomic.notify(word, 1);
}

/** The least there is to a handoff: a word is set, and the thread that sleeps on it is woken … */
export function pass(word: usize): void {
  atomic.store<i32>(word, 1);
  atomic.notify(word, 1);
}

/** … and waits for it, and clears it. */
export function take(word: usize): void {
  while (!atomic.xchg<i32>(word, 0)) atomic.wait<i32>(word, 0, -1);
}

/** Work that touches no memory: every step needs the one before. */
export function work(steps: i32): i32 {
  let x = steps;
  while (steps--) x = x * 1664525 + 1013904223;
  return x;
}

// Waking all at once: each of these is a word that goes on, and all threads that slept on it run.

/** A condition: waits for `notifyAll`, without the mutex, and has it again when it returns. */
export function conditionWait(word: usize, sequence: usize): void {
  const seen = atomic.load<i32>(sequence);
  unlock(word);
  atomic.wait<i32>(sequence, seen, -1);
  lock(word);
}

export function conditionNotifyAll(sequence: usize): void {
  atomic.add<i32>(sequence, 1);
  atomic.notify(sequence, -1);
}

export function conditionNotify(sequence: usize): void {
  atomic.add<i32>(sequence, 1);
  atomic.notify(sequence, 1);
}

/** An event: 0 or 1. */
export function eventWait(word: usize): void {
  while (!atomic.load<i32>(word)) atomic.wait<i32>(word, 0, -1);
}

export function eventSet(word: usize): void {
  atomic.store<i32>(word, 1);
  atomic.notify(word, -1);
}

export function eventClear(word: usize): void {
  atomic.store<i32>(word, 0);
}

/** A semaphore: the permits. */
export function semaphoreAcquire(word: usize): void {
  while (true) {
    const permits = atomic.load<i32>(word);
    if (!permits) atomic.wait<i32>(word, 0, -1);
    else if (atomic.cmpxchg<i32>(word, permits, permits - 1) == permits) return;
  }
}

export function semaphoreRelease(word: usize, permits: i32): void {
  atomic.add<i32>(word, permits);
  atomic.notify(word, permits);
}

/** A barrier: the last to come lets all go on, and a new round begin. */
export function barrierWait(arrived: usize, round: usize, parties: i32): void {
  const seen = atomic.load<i32>(round);
  if (atomic.add<i32>(arrived, 1) + 1 < parties) {
    while (atomic.load<i32>(round) == seen) atomic.wait<i32>(round, seen, -1);
  } else {
    atomic.store<i32>(arrived, 0);
    atomic.add<i32>(round, 1);
    atomic.notify(round, -1);
  }
}
