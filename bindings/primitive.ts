import {
  CELL_LENGTH,
  CELL_NAME,
  CELL_STAMP,
  KIND_NAME,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_TIMEOUT,
} from '../assembly/abi.ts';
import { Arena, arenaOf } from './arena.ts';
import { BlockingNotAllowedError, DeadlockError, NotHeldError, OutOfMemoryError, ThreadingError } from './errors.ts';
import type { Memory } from './globals.ts';
import { CellRef } from './handle.ts';
import type { Idle } from './idle.ts';
import { loadWord, writeDouble, writeText, writeWords } from './memory.ts';
import { tasksOf } from './scheduler.ts';
import { Postable } from './sharing.ts';
import { mayBlock } from './thread.ts';
import type { ThreadArena } from './thread-arena.ts';
import { checkOptions, checkTimeout, invalidType, PRIMITIVE_OPTIONS, show } from './validate.ts';

/** What every primitive may be made with. */
export interface PrimitiveOptions {
  /** Where it lives. Default: `Arena.default`. */
  arena?: Arena | undefined;
  /** What error messages call it, in every thread. */
  name?: string | undefined;
}

/** What the cell of a new primitive begins with: numbers by their offsets (`assembly/abi.ts`); 0 where nothing is said. */
type Initial = Readonly<Record<number, number>>;

/** What every primitive is: a view of a cell in shared memory. */
export abstract class Primitive<K extends string = string> extends Postable {
  /** What it is, as its handle says. */
  readonly kind: K;
  /** The shared memory that its arena is in. */
  readonly memory: Memory;
  /** Where in `memory` it is. */
  readonly address: number;
  /** What tells it from others that were at its address before: a number. */
  readonly stamp: number;
  // The fields that anybody can see can also be changed by anybody.
  readonly #ref: CellRef;

  /** @internal */
  protected constructor(name: K, kind: number, options: PrimitiveOptions | CellRef | undefined, initial: Initial = {}) {
    super();
    const existing = options instanceof CellRef;
    if (!existing) checkOptions(options, `new ${name}`, PRIMITIVE_OPTIONS);
    const ref = existing ? options : createCell(name, kind, options, initial);
    this.kind = name;
    this.memory = ref.arena.memory;
    this.address = ref.cell;
    this.stamp = ref.stamp;
    this.#ref = ref;
  }

  /** @internal */
  get ref(): CellRef {
    return this.#ref;
  }

  /** Where it lives. */
  get arena(): Arena {
    return arenaOf(this.#ref.arena);
  }

  /** The name given to the constructor, in whichever thread; empty when there was none. */
  get name(): string {
    return this.#ref.name;
  }

  /** For `Object.prototype.toString`: what frameworks wrap into proxies, which have no private fields, has none. */
  get [Symbol.toStringTag](): string {
    return this.kind;
  }

  /** How many threads and tasks wait for it at this moment. */
  get waiters(): number {
    return this.peek(CELL_LENGTH);
  }

  /**
   * Gives its memory back, for all threads. Afterwards every use of it throws. Nobody may use it meanwhile.
   *
   * @throws ThreadingError when it is held or waited on, or destroyed already; nothing is changed
   */
  destroy(): void {
    const { core, arena } = this.#ref;
    const names = this.names();
    this.finishOk(arena, this.awaited ? STATUS_BUSY : this.destroyCell());
    for (const { address, cells } of names) core.free(arena.base, address, cells, KIND_NAME);
  }

  /**
   * Whether it is waited for. Of a local queue the core's queue knows the proxy only, and not even that one when it was just
   * handed a permit.
   *
   * @internal
   */
  get awaited(): boolean {
    return this.waiters > 0;
  }

  /**
   * The blocks of names that go with it.
   *
   * @internal
   */
  names(): { address: number; cells: number }[] {
    const { arena, cell } = this.#ref;
    // Neither the name nor its length ever changes.
    const address = this.lives ? arena.load(cell, CELL_NAME) : 0;
    return address ? [{ address, cells: nameCells(arena.load(address, 0)) }] : [];
  }

  /**
   * Of its own and what goes with it, both or none.
   *
   * @internal
   */
  destroyCell(): number {
    const { core, cell, stamp, thread } = this.#ref;
    const { mask, idle, dead } = this.idle;
    return core.destroy(cell, stamp, thread, mask, idle, dead);
  }

  /** @internal */
  protected abstract get idle(): Idle;

  /**
   * A field of the cell, unsigned, as it is at this moment.
   *
   * @internal
   */
  protected peek(field: number): number {
    // As if a wait of this thread that has thrown had not come.
    tasksOf(this.#ref.arena);
    this.live();
    return this.#ref.arena.load(this.#ref.cell, field);
  }

  /**
   * Throws when it has been destroyed.
   *
   * @internal
   */
  protected live(): void {
    if (!this.lives) this.throwStatus(STATUS_DESTROYED);
  }

  /**
   * The timeout of a call that blocks, checked; and whether this thread may. 0 ms is allowed everywhere.
   *
   * @internal
   */
  protected limit(timeout: number | undefined, call: string): number {
    if (timeout === undefined && mayBlock) return Infinity;
    const limit = checkTimeout(timeout, `${this.kind}.${call}`);
    if (limit > 0) this.mayBlock(call);
    return limit;
  }

  /** @internal */
  protected mayBlock(call: string): void {
    if (mayBlock) return;
    throw new BlockingNotAllowedError(
      `${this}: this thread may not block (a page's main thread, for example), so ${call}() never works here. Use await ${call}Async()`,
    );
  }

  /**
   * True for OK, false for a timeout; everything else throws.
   *
   * @internal
   */
  toBoolean(status: number): boolean {
    return status === STATUS_OK || (status !== STATUS_TIMEOUT && this.throwStatus(status));
  }

  /**
   * The same, after a call that may have given this thread's tasks their verdicts.
   *
   * @internal
   */
  protected finish(arena: ThreadArena, status: number): boolean {
    tasksOf(arena)?.collect();
    return this.toBoolean(status);
  }

  /**
   * OK, or throws; otherwise as `finish`.
   *
   * @internal
   */
  protected finishOk(arena: ThreadArena, status: number): void {
    tasksOf(arena)?.collect();
    if (status !== STATUS_OK) this.throwStatus(status);
  }

  /**
   * Throws what a status other than OK and TIMEOUT means. What only one class is told, its own says.
   *
   * @internal
   */
  protected throwStatus(status: number): never {
    switch (status) {
      case STATUS_NOT_HELD:
        throw new NotHeldError(`${this}: not held${this.heldBy()}`);
      case STATUS_DESTROYED:
        throw new ThreadingError(`${this}: it has been destroyed`);
      case STATUS_BUSY:
        throw new ThreadingError(`${this}: cannot be destroyed while it is held or waited on`);
    }
    throw new ThreadingError(`${this}: unknown status ${status}`);
  }

  /**
   * Throws: this thread would wait for a task of its own.
   *
   * @internal
   */
  protected deadlock(): never {
    throw new DeadlockError(
      `${this}: it waits for a task of this thread, which cannot go on while the thread blocks. Use the async call, unless this task holds it`,
    );
  }

  /**
   * The owner that would have to hold it, and what to do, for a message.
   *
   * @internal
   */
  protected heldBy(): string {
    return '. Acquire it first, in this thread';
  }

  /** Its kind and its name: `Lock "seats"`. */
  override toString(): string {
    const { name } = this;
    return name ? `${this.kind} ${show(name)}` : this.kind;
  }

  /**
   * Whether it has not been destroyed.
   *
   * @internal
   */
  get lives(): boolean {
    const { arena, cell, stamp } = this.#ref;
    return arena.guess(cell, CELL_STAMP) === stamp;
  }
}

function nameCells(length: number): number {
  return Math.ceil((4 + length) / 64);
}

/** Makes a primitive. */
export function createCell(
  name: string,
  kind: number,
  options: PrimitiveOptions | undefined,
  initial: Initial,
  timeout?: { offset: number; value: number },
): CellRef {
  const { arena: home = Arena.default, name: label } = options ?? {};
  if (!(home instanceof Arena)) throw invalidType(`new ${name}: the arena must be an Arena, not ${show(home)}`);
  if (label !== undefined && typeof label !== 'string') {
    throw invalidType(`new ${name}: the name must be a string, not ${show(label)}`);
  }
  const arena = home.threadArena;
  const { core, base, id, memory } = arena;
  const text = label ? new TextEncoder().encode(label) : undefined;
  const block = text ? core.alloc(base, id, KIND_NAME, nameCells(text.length)) >>> 0 : 0;
  const cell = !text || block ? core.create(base, id, kind) >>> 0 : 0;
  if (!cell) {
    if (block) core.free(base, block, nameCells(text!.length), KIND_NAME);
    throw new OutOfMemoryError(
      `new ${name}: the arena is full (${home.used} of ${home.capacity} bytes used). Destroy what is not needed, or make an Arena with a larger maximumBytes`,
    );
  }
  if (text) writeText(memory, block, text);
  writeWords(memory, cell, { [CELL_NAME]: block, ...initial });
  if (timeout) writeDouble(memory, cell + timeout.offset, timeout.value);
  // No other thread knows of the cell yet.
  return new CellRef(arena, cell, loadWord(memory, cell + CELL_STAMP) | 0);
}
