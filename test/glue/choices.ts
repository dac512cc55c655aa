/** What decides what happens next, wherever several things may. The first is what happens when nobody interferes. */

/** At which kind of moment: a thread may be interrupted; nobody runs; a thread blocks. */
export type Moment = 'step' | 'idle' | 'block';

/**
 * What may happen: the thread goes on, a turn, a timer fires, a thread that waits looks around (reap.ts), a signal is aborted,
 * a thread dies.
 */
export type Option = 'on' | 'turn' | 'timer' | 'look' | 'abort' | 'death';

export interface Choices {
  /** One of so many, by its index. */
  choose(moment: Moment, options: readonly Option[]): number;
  /** The same choices from the beginning. */
  restart(): void;
}

/** At the choice with this number another one than the first. */
export type Departure = readonly [choice: number, option: number];

export const write = (departures: readonly Departure[]): string =>
  departures.map((departure) => departure.join(':')).join(',');

export function read(text: string): Departure[] {
  return text === ''
    ? []
    : text.split(',').map((part) => {
        const [choice, option] = part.split(':').map(Number);
        return [choice!, option!];
      });
}

/** Departs where it is told to; remembers where else it could have, and by how many ways. */
export class Scripted implements Choices {
  readonly alternatives: number[] = [];
  readonly #departures: readonly Departure[];
  #next = 0;

  constructor(departures: readonly Departure[]) {
    this.#departures = departures;
  }

  restart(): void {
    this.alternatives.length = 0;
    this.#next = 0;
  }

  choose(_moment: Moment, options: readonly Option[]): number {
    const choice = this.alternatives.push(options.length) - 1;
    const departure = this.#departures[this.#next];
    if (departure?.[0] !== choice) return 0;
    this.#next++;
    return Math.min(departure[1], options.length - 1);
  }
}

/** So often a schedule interrupts a thread before a step; which, its seed says. */
const INTERRUPTS = [0.01, 0.04, 0.12, 0.3];
/** How likely each is, compared with the others. */
const WEIGHTS: Record<Option, number> = { on: 1, turn: 1, timer: 0.3, look: 0.1, abort: 0.3, death: 0.1 };

/** By the numbers of a seed (mulberry32); remembers how it departed. */
export class Seeded implements Choices {
  readonly departures: Departure[] = [];
  readonly #seed: number;
  #interrupts = 0;
  #state = 0;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.restart();
  }

  restart(): void {
    this.departures.length = 0;
    this.#count = 0;
    this.#state = Math.imul(this.#seed, 0x9e3779b1);
    this.#interrupts = INTERRUPTS[Math.floor(this.#random() * INTERRUPTS.length)]!;
  }

  choose(moment: Moment, options: readonly Option[]): number {
    const choice = this.#count++;
    const option = moment === 'step' && this.#random() >= this.#interrupts ? 0 : this.#oneOf(moment, options);
    if (option > 0) this.departures.push([choice, option]);
    return option;
  }

  #oneOf(moment: Moment, options: readonly Option[]): number {
    const first = moment === 'step' ? 1 : 0;
    let sum = 0;
    for (let i = first; i < options.length; i++) sum += WEIGHTS[options[i]!];
    let at = this.#random() * sum;
    for (let i = first; i < options.length; i++) {
      at -= WEIGHTS[options[i]!];
      if (at < 0) return i;
    }
    return options.length - 1;
  }

  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}
