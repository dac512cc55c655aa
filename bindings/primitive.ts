import {
  CELL_LENGTH,
  CELL_NAME,
  CELL_STAMP,
  KIND_NAME,
  STATUS_BROKEN,
  STATUS_BUSY,
  STATUS_DESTROYED,
  STATUS_NOT_HELD,
  STATUS_OK,
  STATUS_OVER_RELEASE,
  STATUS_TIMEOUT,
} from '../assembly/abi.js';
import { Arena, arenaOf } from './arena.js';
import { checkOptions, checkTimeout, PRIMITIVE_OPTIONS, show } from './check.js';
import type { Core } from './core.js';
import {
  BlockingNotAllowedError,
  BrokenBarrierError,
  DeadlockError,
  invalidType,
  NotHeldError,
  OutOfMemoryError,
  OverReleaseError,
  ThreadingError,
} from './errors.js';
import type { Memory } from './globals.js';
import { bufferOf, locate, type Region } from './region.js';
import { Postable } from './sharing.js';
import { mayBlock } from './thread.js';

export interface PrimitiveOptions {
  /** Where it lives. Default: `Arena.default`. */
  arena?: Arena;
  /** What error messages call it, in every thread. */
  name?: string;
}

/** What a primitive is in a message: its own enumerable fields, which any structured clone keeps. */
export interface Handle<K extends string = string> {
  /** A BoundedSemaphore is a Semaphore. */
  readonly kind: K extends 'Semaphore' ? K | 'BoundedSemaphore' : K;
  readonly memory: Memory;
  readonly address: number;
  readonly stamp: number;
}

/** What the cell of a new primitive begins with: numbers by their offsets (`assembly/abi.ts`); 0 where nothing is said. */
export type Initial = Readonly<Record<number, number>>;

/** When it may be destroyed, and what is left behind; see the table at `destroy` in `assembly/cell.ts`. */
export interface Idle {
  mask: number;
  idle: number;
  dead: number;
}

/**
 * A primitive as this thread sees it: what every call needs, in one place. Constructors get one from `from`, instead of
 * options.
 */
export class View {
  readonly core: Core;
  readonly thread: number;
  /** Read while it certainly is there: messages about one that was destroyed have it, too. */
  readonly name: string;

  constructor(
    readonly region: Region,
    readonly cell: number,
    readonly life: number,
  ) {
    this.core = region.core;
    this.thread = region.thread;
    this.name = readName(region, cell);
  }
}

/** Attaches to what a handle names. */
export function attached(handle: unknown, name: string, kind: number): View {
  const { region, address, stamp } = locate(handle, name, kind);
  return new View(region, address, stamp);
}

/** What every primitive is: a view of a cell in shared memory. */
export abstract class Primitive<K extends string = string> extends Postable {
  readonly kind: K;
  readonly memory: Memory;
  readonly address: number;
  readonly stamp: number;
  // The fields that anybody can see can also be changed by anybody.
  readonly #view: View;

  /** @internal */
  protected constructor(name: K, kind: number, options: PrimitiveOptions | View | undefined, initial: Initial = {}) {
    super();
    const existing = options instanceof View;
    if (!existing) checkOptions(options, `new ${name}`, PRIMITIVE_OPTIONS);
    const view = existing ? options : created(name, kind, options, initial);
    this.kind = name;
    this.memory = view.region.memory;
    this.address = view.cell;
    this.stamp = view.life;
    this.#view = view;
  }

  /** @internal */
  get view(): View {
    return this.#view;
  }

  /** Where it lives. */
  get arena(): Arena {
    return arenaOf(this.#view.region);
  }

  /** The name given to the constructor, in whichever thread; empty when there was none. */
  get name(): string {
    return this.#view.name;
  }

  /** For `Object.prototype.toString`: what frameworks wrap into proxies, which have no private fields, has none. */
  get [Symbol.toStringTag](): string {
    return this.kind;
  }

  /** How many threads wait for it at this moment. */
  get waiters(): number {
    return this.peek(CELL_LENGTH);
  }

  /**
   * Gives its memory back, for all threads. Afterwards every use of it throws. Nobody may use it meanwhile.
   *
   * @throws ThreadingError when it is held or waited on, or destroyed already; nothing is changed
   */
  destroy(): void {
    const { core, region } = this.#view;
    const names = this.names();
    // Of a line (bindings/resource.ts) the queue knows one only, and not even that one when it was just handed a permit.
    const busy = this.waiters > 0;
    this.expect(region, busy ? STATUS_BUSY : this.destroyCell());
    for (const { address, cells } of names) core.free(region.base, address, cells);
  }

  /**
   * The blocks of names that go with it.
   *
   * @internal
   */
  names(): { address: number; cells: number }[] {
    const { region, cell } = this.#view;
    const address = this.lives ? region.load(cell, CELL_NAME) : 0;
    return address ? [{ address, cells: nameCells(region.load(address, 0)) }] : [];
  }

  /**
   * Of its own and what goes with it, both or none.
   *
   * @internal
   */
  protected destroyCell(): number {
    const { core, cell, life, thread } = this.#view;
    const { mask, idle, dead } = this.idle;
    return core.destroy(cell, life, thread, mask, idle, dead);
  }

  /** @internal */
  protected abstract get idle(): Idle;

  /**
   * A field of the cell, unsigned.
   *
   * @internal
   */
  protected peek(field: number): number {
    this.live();
    return this.#view.region.load(this.#view.cell, field);
  }

  /**
   * Throws when it has been destroyed.
   *
   * @internal
   */
  protected live(): void {
    if (!this.lives) this.refuse(STATUS_DESTROYED);
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
  answer(status: number): boolean {
    return status === STATUS_OK || (status !== STATUS_TIMEOUT && this.refuse(status));
  }

  /**
   * The same, after a call that may have given this thread's tasks their verdicts.
   *
   * @internal
   */
  protected settle({ inbox }: Region, status: number): boolean {
    inbox?.collect();
    return this.answer(status);
  }

  /**
   * OK, or throws; otherwise as `settle`.
   *
   * @internal
   */
  protected expect({ inbox }: Region, status: number): void {
    inbox?.collect();
    if (status !== STATUS_OK) this.refuse(status);
  }

  /**
   * Throws what a status other than OK and TIMEOUT means.
   *
   * @internal
   */
  protected refuse(status: number): never {
    switch (status) {
      case STATUS_NOT_HELD:
        throw new NotHeldError(`${this}: not held${this.heldBy()}`);
      case STATUS_OVER_RELEASE:
        throw new OverReleaseError(`${this}: it would have more permits than it may. Release only what was acquired`);
      case STATUS_BROKEN:
        throw new BrokenBarrierError(
          `${this}: broken, by a timeout, an abort, a reset or a failing action. reset() mends it`,
        );
      case STATUS_DESTROYED:
        throw new ThreadingError(`${this}: it has been destroyed`);
      case STATUS_BUSY:
        throw new ThreadingError(`${this}: cannot be destroyed while it is held or waited on`);
    }
    throw new ThreadingError(`${this}: unknown status ${status}`);
  }

  /**
   * The host threw in the midst of a wait, since the stack is full, say: what is due to it goes back, and it is as if it
   * had not come. If the stack does not suffice for that either, that is done when it is empty. (A thread that has ended
   * owes nothing.)
   *
   * @internal
   */
  protected undo(error: unknown, leave: () => void): never {
    try {
      leave();
    } catch {
      void Promise.resolve()
        .then(leave)
        .catch(() => {});
    }
    throw error;
  }

  /**
   * Throws: this thread would wait for a task of its own.
   *
   * @internal
   */
  protected deadlock(): never {
    throw new DeadlockError(
      `${this}: it waits for a task of this thread, which cannot go on while the thread blocks. Use the async call`,
    );
  }

  /**
   * By whom it would have to be held, and what to do, for a message.
   *
   * @internal
   */
  protected heldBy(): string {
    return '. Acquire it first, in this thread';
  }

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
    const { region, cell, life } = this.#view;
    return region.words(cell)[(cell + CELL_STAMP) >>> 2] === life;
  }
}

function readName(region: Region, cell: number): string {
  const block = region.load(cell, CELL_NAME);
  if (!block) return '';
  const length = region.load(block, 0);
  const bytes = new Uint8Array(bufferOf(region.memory, block + 4 + length), block + 4, length);
  // TextDecoder refuses shared memory: decode a copy.
  return new TextDecoder().decode(bytes.slice());
}

function nameCells(length: number): number {
  return Math.ceil((4 + length) / 64);
}

/** Makes a primitive. */
export function created(
  name: string,
  kind: number,
  options: PrimitiveOptions | undefined,
  initial: Initial,
  floats: Initial = {},
): View {
  const { arena = Arena.default, name: label } = options ?? {};
  if (!(arena instanceof Arena)) throw invalidType(`new ${name}: the arena must be an Arena, not ${show(arena)}`);
  if (label !== undefined && typeof label !== 'string') {
    throw invalidType(`new ${name}: the name must be a string, not ${show(label)}`);
  }
  const region = arena.region;
  const { core, base, id } = region;
  const block = label ? writeName(region, label) : 0;
  const address = core.create(base, id, kind) >>> 0;
  if (!address) {
    if (block) core.free(base, block, nameCells(region.load(block, 0)));
    throw full(name, arena);
  }
  const words = region.words(address);
  words[(address + CELL_NAME) >>> 2] = block;
  for (const [offset, value] of Object.entries(initial)) words[(address + Number(offset)) >>> 2] = value;
  for (const [offset, value] of Object.entries(floats)) {
    new Float64Array(words.buffer, address + Number(offset), 1)[0] = value;
  }
  return new View(region, address, words[(address + CELL_STAMP) >>> 2]!);

  function writeName({ memory, base, id, core }: Region, label: string): number {
    const bytes = new TextEncoder().encode(label);
    const block = core.alloc(base, id, KIND_NAME, nameCells(bytes.length)) >>> 0;
    if (!block) throw full(name, arena);
    const buffer = bufferOf(memory, block + 4 + bytes.length);
    new Uint32Array(buffer, block, 1)[0] = bytes.length;
    new Uint8Array(buffer, block + 4, bytes.length).set(bytes);
    return block;
  }
}

function full(name: string, arena: Arena): OutOfMemoryError {
  return new OutOfMemoryError(
    `new ${name}: the arena is full (${arena.used} of ${arena.capacity} bytes used). Destroy what is not needed, or make an Arena with a larger maximumBytes`,
  );
}
