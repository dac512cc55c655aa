/** The workers of the live view, by their names. */
import { Arena, Barrier, Lock, reap } from 'lockwork';
import { type Deadlock, type Dump, dump, type ThreadDump, type TraceTimeline, traceEvents } from 'lockwork/inspect';
import { DOOMED, HELD, NUMBERS, type Order, OUTSIDE, type Report, SOLD } from './orders.ts';

interface Member {
  readonly worker: Worker;
  /** What it has recorded, as far as it has told. */
  timeline?: TraceTimeline;
  /** Waits for it to tell once more. */
  told?: () => void;
}

/** Tells of what a thread says. */
export type Audience = (name: string, text: string) => void;

/** How long threads that run may take to tell what they have recorded (ms). Those that are blocked cannot. */
const PATIENCE = 2_000;

export class Crew {
  readonly #arena = new Arena();
  readonly #seats = new Lock({ arena: this.#arena, name: 'seats' });
  readonly #accounts = new Lock({ arena: this.#arena, name: 'accounts' });
  readonly #rates = new Lock({ arena: this.#arena, name: 'rates' });
  readonly #numbers = this.#arena.allocate(Int32Array, NUMBERS);
  readonly #members = new Map<string, Member>();
  readonly #audience: Audience;
  #hired = 0;

  constructor(audience: Audience) {
    this.#audience = audience;
  }

  /** How long a clerk holds the lock, and is outside (ms). */
  pace(held: number, outside: number): void {
    this.#numbers[HELD] = held;
    this.#numbers[OUTSIDE] = outside;
  }

  get sold(): number {
    // A figure to look at, which may be old.
    return this.#numbers[SOLD]!;
  }

  get clerks(): string[] {
    return [...this.#members.keys()].filter((name) => name.startsWith('clerk'));
  }

  /** Whether the two that cross are there. */
  get crosses(): boolean {
    return this.#members.has('teller');
  }

  hire(): void {
    const clerk = ++this.#hired;
    this.#start(`clerk ${clerk}`, { kind: 'sell', clerk, seats: this.#seats, numbers: this.#numbers });
  }

  /** Two threads that take two locks in opposite order: each gets its first, and waits for its second for ever. */
  cross(): void {
    const both = new Barrier(2, { arena: this.#arena });
    this.#start('teller', { kind: 'cross', first: this.#accounts, second: this.#rates, both });
    this.#start('trader', { kind: 'cross', first: this.#rates, second: this.#accounts, both });
  }

  #start(name: string, order: Order): void {
    // The options are not all known to a bundler.
    const worker = new Worker(new URL('./worker.ts', import.meta.url), /* @vite-ignore */ { type: 'module', name });
    const member: Member = { worker };
    this.#members.set(name, member);
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (data.kind === 'says') this.#audience(name, data.text);
      else if (data.kind === 'ended') this.terminate(name);
      else {
        member.timeline = data.timeline;
        member.told?.();
      }
    };
    worker.onerror = ({ message }) =>
      this.#audience(name, `could not go on: ${message || 'its script was not loaded'}`);
    worker.postMessage(order);
  }

  /** At once, whatever it holds. */
  terminate(name: string): void {
    Atomics.store(this.#numbers, DOOMED, Number(name.replace('clerk ', '')) || 0);
    this.#members.get(name)?.worker.terminate();
    this.#members.delete(name);
    // Those that wait look by themselves, too. At once is too early: the thread is still there.
    for (const ms of [100, 2_500, 5_000]) setTimeout(() => reap(this.#arena), ms);
  }

  /** What all threads do at this moment. */
  look(): Dump {
    return dump(this.#arena);
  }

  /** What all threads have recorded, as one timeline. */
  async timeline(): Promise<TraceTimeline> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE));
    const members = [...this.#members.values()];
    const told = members.map((member) => {
      return new Promise<void>((resolve) => {
        member.told = resolve;
        member.worker.postMessage({ kind: 'trace' } satisfies Order);
      });
    });
    await Promise.race([Promise.all(told), late]);
    return traceEvents(...members.flatMap(({ timeline }) => timeline ?? []));
  }

  end(): void {
    for (const { worker } of this.#members.values()) worker.terminate();
  }
}

/** A thread that others wait for: of a deadlock, if there is one, else one that holds the lock. */
export function holderIn({ threads, deadlocks }: Dump): ThreadDump | undefined {
  const [deadlock] = deadlocks as [Deadlock?];
  return threads.find(({ ident, holds }) => (deadlock ? deadlock.threads.includes(ident) : holds.length > 0));
}
