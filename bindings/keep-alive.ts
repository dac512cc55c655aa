import { clearInterval, LONGEST, setInterval } from './clock.ts';
import { workerThreads } from './host.ts';

/**
 * In pages, how often a thread whose tasks wait looks into its inbox (ms), whatever it is told: in a worker of WebKitGTK
 * that has nothing else to do the continuation of a `waitAsync` may come only with the next timer or message.
 */
const PULSE = 50;

/** Of a browser, a number without methods. */
type Timer = ReturnType<typeof setInterval> & { ref?(): void; unref?(): void };

/** Keeps the process alive while a task waits: with nothing but a pending `waitAsync` it would end. */
export class KeepAlive {
  readonly #pulse: () => void;
  #timer: Timer | undefined;

  constructor(pulse: () => void) {
    this.#pulse = pulse;
  }

  /** The first task waits. */
  hold(): void {
    // Where a timer can be let go and held again, that costs a twentieth of a new one.
    if (this.#timer?.ref) this.#timer.ref();
    else this.#timer = setInterval(this.#pulse, workerThreads ? LONGEST : PULSE) as Timer;
  }

  /** No task waits any more. */
  rest(): void {
    if (this.#timer?.unref) this.#timer.unref();
    else this.forget();
  }

  /** For good: a timer would keep the memory of its arena. */
  forget(): void {
    clearInterval(this.#timer);
  }
}
