/**
 * A schedule, written for people: one line a step, indented by how deep it is on the stack.
 *
 *     A  task 1 begins
 *     A    lockAcquire(lock, …, A's record, Infinity) → OK
 *     A    is interrupted before it calls lockRelease(lock, …)
 *     B      task 1 begins
 */

import * as abi from '../../assembly/abi.ts';

/** What the core answers where it answers a status. */
export const STATUS = new Map(
  Object.entries(abi)
    .filter(([name]) => name.startsWith('STATUS_'))
    .map(([name, status]) => [status, name.slice('STATUS_'.length)]),
);
const CELL = abi.CELL_SIZE;
/** Its header and its map. */
export const ARENA = 'the arena';

/** Cells that are no waiters, by their kinds. */
const INFORMAL = new Map([
  [abi.KIND_INFO, 'info'],
  [abi.KIND_HOLD, 'hold'],
]);

export class Trace {
  readonly lines: string[] = [];
  readonly #names = new Map<number, string>();
  readonly #stamps = new Set<number>();
  readonly #records = new Map<string, number>();
  #depth = 0;
  #read = '';
  /** Whether what happens is of interest: not while the threads get ready. */
  open = false;

  /** What begins at an address; the same for each life of it that a stamp tells apart. */
  knows(name: string, { address, stamp }: { readonly address: number; readonly stamp: number }): void {
    this.#names.set(address, name);
    this.#stamps.add(stamp);
  }

  begin(thread: string, label: string): void {
    this.line(thread, label);
    this.#depth++;
  }

  end(): void {
    this.#depth--;
  }

  line(thread: string, text: string): void {
    this.#read = '';
    if (this.open) this.lines.push(`${thread.padEnd(3)}${'  '.repeat(this.#depth)}${text}`);
  }

  accesses(thread: string, operation: string, address: number): void {
    const text = `${operation} ${this.nameOf(address)}`;
    // Of several looks at a word one tells enough.
    if (text === this.#read) return;
    this.line(thread, text);
    this.#read = text;
  }

  callOf(name: string, args: readonly number[]): string {
    return `${name}(${args.map((arg) => this.#valueOf(arg)).join(', ')})`;
  }

  calls(thread: string, name: string, args: readonly number[]): void {
    this.line(thread, this.callOf(name, args));
  }

  returned(thread: string, _name: string, args: readonly number[], result: number | undefined): void {
    if (result === undefined) return;
    this.#meet(thread, args, result);
    if (!this.open) return;
    const last = this.lines.at(-1)!;
    const answer = ` → ${this.#resultOf(result)}`;
    // What happened meanwhile stands between the call and its answer.
    if (last.endsWith(')')) this.lines[this.lines.length - 1] = last + answer;
    else this.line(thread, `  ${answer.trim()}`);
  }

  /** The first cell that a thread is given is its record; what follows are its waiters and what else it makes. */
  #meet(thread: string, args: readonly number[], result: number): void {
    const address = result >>> 0;
    if (address < CELL || address % CELL || args.length === 1 || this.#names.has(address)) return;
    const kind = INFORMAL.get(args[2]!);
    if (kind) {
      this.#names.set(address, `${thread}.${kind}`);
      return;
    }
    const count = this.#records.get(thread) ?? 0;
    this.#records.set(thread, count + 1);
    this.#names.set(address, count === 0 ? thread : `${thread}.${count}`);
  }

  #resultOf(result: number): string {
    return STATUS.get(result) ?? this.#valueOf(result);
  }

  #valueOf(value: unknown): string {
    if (this.#stamps.has(value as number)) return '…';
    if (typeof value !== 'number' || value < CELL || !Number.isInteger(value)) return String(value);
    const name = this.#names.get(value - (value % CELL));
    if (!name) return String(value);
    return value % CELL ? `${name}|${value % CELL}` : name;
  }

  nameOf(address: number): string {
    const name = this.#names.get(address - (address % CELL)) ?? ARENA;
    return name === ARENA ? name : `${name}+${address % CELL}`;
  }
}

/** An error, whichever realm it is of. */
export function show(error: unknown): string {
  const { name, message, stack, cause } = Object(error) as Partial<Error>;
  if (message === undefined) return String(error);
  const place = /bundle\.cjs:\d+/.exec(stack ?? '')?.[0];
  const because = typeof cause === 'object' ? `, because of ${show(cause)}` : '';
  return `${name}: ${message}${place ? ` (${place})` : ''}${because}`;
}
