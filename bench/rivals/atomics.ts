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
