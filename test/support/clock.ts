/** A clock that stands still: timers run when it is moved on. */
export class Clock {
  #now = 1_000;
  #last = 0;
  readonly #timers = new Map<number, { at: number; run(): void }>();
  readonly #real = {
    now: performance.now,
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
  };

  /** In place of the real one, until `restore`. */
  constructor() {
    performance.now = () => this.#now;
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) => {
        // Engines would take it for 1 ms.
        if (ms > 2 ** 31 - 1) throw new RangeError(`no timer counts ${ms} ms`);
        this.#timers.set(++this.#last, { at: this.#now + Math.max(1, ms), run });
        return this.#last;
      },
      clearTimeout: (id: number) => this.#timers.delete(id),
    });
  }

  /** How many timers there are. */
  get timers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    while (true) {
      const [first] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!first) break;
      this.#timers.delete(first[0]);
      this.#now = first[1].at;
      first[1].run();
    }
    this.#now = end;
  }

  restore(): void {
    performance.now = this.#real.now;
    globalThis.setTimeout = this.#real.setTimeout;
    globalThis.clearTimeout = this.#real.clearTimeout;
  }
}
