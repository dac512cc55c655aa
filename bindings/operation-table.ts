import { TASK_PLACE } from '../assembly/abi.ts';
import type { Operation } from './operation.ts';
import type { ThreadArena } from './thread-arena.ts';

/** The most places that are kept while no task waits. */
const KEPT = 64;

/**
 * The operations of a thread's tasks by their waiters: each waiter's cell says at which place its operation is. A Map
 * would do, too, but each table that it outgrows keeps the next one alive, with all that is in it, until V8's next full
 * collection; short waits then cost twice as much.
 */
export class OperationTable {
  /** Place 0 stays empty: a waiter without an operation says 0. */
  readonly #all: (Operation | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #arena: ThreadArena;
  size = 0;

  constructor(arena: ThreadArena) {
    this.#arena = arena;
  }

  of(waiter: number): Operation | undefined {
    return this.#all[this.#placeOf(waiter)];
  }

  add(op: Operation): void {
    const place = this.#free.pop() ?? this.#all.length;
    this.#all[place] = op;
    this.#arena.core.setPlace(op.waiter, place);
    this.size++;
  }

  delete({ waiter }: Operation): void {
    const place = this.#placeOf(waiter);
    this.#all[place] = undefined;
    this.#arena.core.setPlace(waiter, 0);
    this.#free.push(place);
    if (--this.size > 0 || this.#all.length <= KEPT) return;
    this.#all.length = 1;
    this.#free.length = 0;
  }

  values(): Operation[] {
    return this.#all.filter((op) => op !== undefined);
  }

  /** Only this thread writes it. */
  #placeOf(waiter: number): number {
    return this.#arena.load(waiter, TASK_PLACE);
  }
}
