import { clearInterval, LONGEST, setInterval } from './clock.ts';
import { LOOK } from './thread-arena.ts';

/** Of a browser, a number without methods. */
type Timer = ReturnType<typeof setInterval> & { ref?(): void; unref?(): void };

/**
 * The timers of a thread whose tasks wait. The process must not end: with nothing but a pending `waitAsync` it would. And
 * every now and then the thread looks: whether those that they wait for live, whether they may take a turn, and into its
 * inbox, whatever it is told: in a worker of WebKitGTK that has nothing else to do the continuation of a `waitAsync` may come
 * only with the next timer or message.
 */
export class KeepAlive {
  readonly #look: () => void;
  /** Where a timer can be let go and held again, which costs a twentieth of a new one: it only keeps the process alive. */
  #keeper: Timer | undefined;
  #looker: Timer | undefined;
  #held = false;

  constructor(look: () => void) {
    this.#look = look;
  }

  /** The first task waits. */
  hold(): void {
    this.#held = true;
    this.#keeper?.ref?.();
    if (this.#looker) return;
    this.#looker = setInterval(() => this.#tick(), LOOK) as Timer;
    if (!this.#looker.unref) return;
    this.#looker.unref();
    this.#keeper ??= setInterval(() => {}, LONGEST) as Timer;
  }

  /** No task waits any more. */
  rest(): void {
    this.#held = false;
    if (this.#keeper) this.#keeper.unref!();
    else this.#stop();
  }

  /** For good: a timer would keep the memory of its arena. */
  forget(): void {
    this.#stop();
    clearInterval(this.#keeper);
  }

  /** A timer that keeps no process alive goes on until it finds that no task waits: another one may wait soon. */
  #tick(): void {
    if (this.#held) this.#look();
    else this.#stop();
  }

  #stop(): void {
    clearInterval(this.#looker);
    this.#looker = undefined;
  }
}
