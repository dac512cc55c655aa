/** What one would write by hand in JavaScript. */

export const ATOMICS = 'mutex on Atomics';

/** The same three states (0 free, 1 held, 2 held and a thread may sleep), by hand on JavaScript's Atomics. */
export class AtomicsMutex {
  readonly #word: Int32Array;

  constructor(word: Int32Array) {
    this.#word = word;
  }

  acquire(): void {
    if (Atomics.compareExchange(this.#word, 0, 0, 1) !== 0) this.#contend();
  }

  #contend(): void {
    while (Atomics.exchange(this.#word, 0, 2) !== 0) Atomics.wait(this.#word, 0, 2);
  }

  async acquireAsync(): Promise<void> {
    if (Atomics.compareExchange(this.#word, 0, 0, 1) === 0) return;
    while (Atomics.exchange(this.#word, 0, 2) !== 0) await Atomics.waitAsync(this.#word, 0, 2).value;
  }

  release(): void {
    if (Atomics.exchange(this.#word, 0, 0) === 2) Atomics.notify(this.#word, 0, 1);
  }
}

/** Releases the mutex while it waits; a notify between the two changes the word, and the wait ends at once. */
export class AtomicsCondition {
  readonly #mutex: AtomicsMutex;
  readonly #word: Int32Array;

  constructor(mutex: AtomicsMutex, word: Int32Array) {
    this.#mutex = mutex;
    this.#word = word;
  }

  wait(): void {
    const seen = Atomics.load(this.#word, 0);
    this.#mutex.release();
    Atomics.wait(this.#word, 0, seen);
    this.#mutex.acquire();
  }

  async waitAsync(): Promise<void> {
    const seen = Atomics.load(this.#word, 0);
    this.#mutex.release();
    await Atomics.waitAsync(this.#word, 0, seen).value;
    await this.#mutex.acquireAsync();
  }

  notify(count = 1): void {
    Atomics.add(this.#word, 0, 1);
    Atomics.notify(this.#word, 0, count);
  }
}

export class AtomicsSemaphore {
  readonly #permits: Int32Array;

  constructor(permits: Int32Array) {
    this.#permits = permits;
  }

  acquire(): void {
    while (true) {
      const permits = Atomics.load(this.#permits, 0);
      if (!permits) Atomics.wait(this.#permits, 0, 0);
      else if (Atomics.compareExchange(this.#permits, 0, permits, permits - 1) === permits) return;
    }
  }

  release(): void {
    Atomics.add(this.#permits, 0, 1);
    Atomics.notify(this.#permits, 0, 1);
  }
}

export class AtomicsEvent {
  readonly #word: Int32Array;

  constructor(word: Int32Array) {
    this.#word = word;
  }

  wait(): void {
    while (!Atomics.load(this.#word, 0)) Atomics.wait(this.#word, 0, 0);
  }

  set(): void {
    if (!Atomics.exchange(this.#word, 0, 1)) Atomics.notify(this.#word, 0);
  }

  clear(): void {
    Atomics.store(this.#word, 0, 0);
  }
}

/** The last to come lets all go on, and a new round begin. */
export class AtomicsBarrier {
  readonly #parties: number;
  /** Arrived, and the round. */
  readonly #words: Int32Array;

  constructor(parties: number, words: Int32Array) {
    this.#parties = parties;
    this.#words = words;
  }

  wait(): void {
    const round = Atomics.load(this.#words, 1);
    if (Atomics.add(this.#words, 0, 1) + 1 < this.#parties) {
      while (Atomics.load(this.#words, 1) === round) Atomics.wait(this.#words, 1, round);
    } else {
      Atomics.store(this.#words, 0, 0);
      Atomics.add(this.#words, 1, 1);
      Atomics.notify(this.#words, 1);
    }
  }
}
