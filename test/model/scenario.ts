/**
 * Scenarios: small worlds with a few threads in them, and what must hold there.
 *
 * A scenario lays out an arena in a memory of its own, creates primitives in it by calling the module (one call after
 * the other; nothing is checked yet), and gives each thread a program: a generator that calls exports and tells
 * what came of it. `forever` runs it again and again, and may stop after any round, so "others always come
 * along and help" is no excuse for a lost wake-up. The checker then does the rest.
 */

import {
  BARRIER_PARTIES,
  CELL_ARENA,
  CELL_GENERATION,
  CELL_LENGTH,
  CELL_NAME,
  CELL_NEXT,
  CELL_PINS,
  CELL_PREV,
  CELL_SIZE,
  CELL_STAMP,
  CELL_WORD,
  CONDITION_LOCK,
  CONDITION_LOCK_STAMP,
  HANDOFF_AFTER_MS,
  HEADER_FIRST,
  HEADER_ROVER,
  HEADER_SIZE,
  HEADER_TOTAL,
  HELD_BY_TASK,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  KIND_TASK,
  KIND_THREAD,
  RLOCK_DEPTH,
  SEMAPHORE_BOUND,
  STATUS_TIMEOUT,
  THREAD_ADD_TO_ACQUIRE,
  THREAD_CORES,
  THREAD_INBOX,
  THREAD_MAX_SPINS,
  THREAD_OWNING_THREAD,
  THREAD_PIN,
  THREAD_QUEUED_ON,
  THREAD_SPIN_BUDGET,
  UNIT,
} from '../../assembly/abi.ts';
import { check, type Options, type Verdict } from './check.ts';
import { decode, type Module } from './decode.ts';
import { Interpreter, modified, read, type Value, write } from './interpret.ts';
import { type Monitor, POISON, type System, type View } from './system.ts';
import { Objection, type Program, type Request, type Script, Threads } from './thread.ts';

export interface Scenario {
  readonly primitive: string;
  readonly name: string;
  readonly threads: number;
  /** Cells of the arena, its header and map included; 64 if nothing is said. */
  readonly cells?: number;
  /** How often threads look before they sleep; not more than once if nothing is said. */
  readonly spins?: number;
  readonly build: (world: World) => Play;
}

/** What a scenario consists of, once its world is laid out. */
export interface Play {
  readonly programs: readonly Program[];
  readonly monitor?: Monitor<any>;
  /** What the clock may say; `TIMED` when some timeout is finite. */
  readonly clock?: readonly number[];
  /** Whether the clock may throw. */
  readonly throws?: boolean;
  readonly invariant?: System['invariant'];
  readonly wakes?: 'first' | 'any';
  readonly deaths?: System['deaths'];
  readonly mayStarve?: (thread: number, view: View) => boolean;
  /** Fields of a thread's record (offsets) that are used after the call that wrote them has returned. */
  readonly keeps?: readonly number[];
  /** Counters that would never come round again: after how many values they do here. */
  readonly wraps?: ReadonlyMap<number, number>;
}

/** A finite timeout, in ms; longer than HANDOFF_AFTER_MS. */
export const SOON = 1000;
/** What the clock says when a call looks at it first, when HANDOFF_AFTER_MS is just over, and when the timeout is. */
const START = 5000;
export const UNTIMED: readonly number[] = [START, START + HANDOFF_AFTER_MS];
export const TIMED: readonly number[] = [...UNTIMED, START + SOON];
export const FOR_EVER = Number.POSITIVE_INFINITY;
/* Two numbers that are the core's own: no binding needs them. */

/** The offset of a cell's queue lock (assembly/cell.ts). */
export const QUEUE_LOCK = 4;
/** In the word of a primitive: a waiter stands in its queue (assembly/queue.ts). */
export const QUEUED = 1;
/** The owner in the word of a Lock or RLock; of a Lock, HELD_BY_TASK is a part of it. */
export const ownerOf = (word: number): number => word & -HELD_BY_TASK;
/** What acquiring a permit adds to a Semaphore's word. */
export const PERMIT = -UNIT;

export const forever = (body: Program['body']): Program => ({ body, forever: true });
export const once = (body: Program['body']): Program => ({ body, forever: false });

/* What scripts do. */

export function* call(name: string, ...args: Value[]): Script<number> {
  return Number(yield { kind: 'call', name, args });
}

/** Uses what the primitive protects, without any protection of its own: two at once are a data race. */
export function* use(address: number): Script {
  const value = Number(yield { kind: 'read', address });
  yield { kind: 'write', address, value };
}

/** A word, read atomically. */
export function* look(address: number): Script<number> {
  return Number(yield { kind: 'look', address });
}

/** A word of the user's, read and written plainly. */
export function* get(address: number): Script<number> {
  return Number(yield { kind: 'read', address });
}
export const set = (address: number, value: number): Request => ({ kind: 'write', address, value });
/** A word that others wait for, written atomically. */
export const mark = (address: number, value: number): Request => ({ kind: 'mark', address, value });

export const until = (address: number, holds: (value: number) => boolean): Request => ({
  kind: 'until',
  address,
  holds,
});
/** Any of these. */
export function* choose(results: readonly number[]): Script<number> {
  return results.length > 1 ? Number(yield { kind: 'choice', results }) : results[0]!;
}
/** Tells the monitor at once: "it has happened". */
export const after = (event: unknown): Request => ({ kind: 'event', early: true, event });
/** Tells the monitor at the last moment: "it is about to happen". */
export const before = (event: unknown): Request => ({ kind: 'event', early: false, event });

export function expect(actual: number, ...allowed: number[]): number {
  if (!allowed.includes(actual)) throw new Objection(`the call answered ${actual}, not ${allowed.join(' or ')}`);
  return actual;
}

/* The world. */

/** The module under test. */
export interface Core {
  readonly module: Module;
  readonly bytes: Uint8Array;
}

/** Decodes the published bytes. */
export function loadCore(bytes: Uint8Array): Core {
  return { bytes, module: decode(bytes) };
}

/** Names of the fields of every cell, by offset, and of those of its kind. */
type Fields = Readonly<Record<number, string>>;
const FIELDS: Fields = {
  [CELL_WORD]: 'word',
  [QUEUE_LOCK]: 'queueLock',
  [CELL_NEXT]: 'next',
  [CELL_PREV]: 'prev',
  [CELL_LENGTH]: 'length',
  [CELL_STAMP]: 'stamp',
  [CELL_ARENA]: 'arena',
  [CELL_NAME]: 'name',
  [CELL_GENERATION]: 'generation',
  [CELL_PINS]: 'pins',
};
const WAITER: Fields = {
  [CELL_WORD]: 'state',
  [THREAD_INBOX]: 'inbox',
  [THREAD_PIN]: 'pin',
  [THREAD_SPIN_BUDGET]: 'spinBudget',
  [THREAD_ADD_TO_ACQUIRE]: 'addToAcquire',
  [THREAD_MAX_SPINS]: 'maxSpins',
  [THREAD_CORES]: 'cores',
  [THREAD_QUEUED_ON]: 'queuedOn',
  [THREAD_OWNING_THREAD]: 'owningThread',
};
const FIELDS_OF: Readonly<Record<number, Fields>> = {
  [KIND_RLOCK]: { [RLOCK_DEPTH]: 'depth' },
  [KIND_SEMAPHORE]: { [SEMAPHORE_BOUND]: 'bound' },
  [KIND_BOUNDED_SEMAPHORE]: { [SEMAPHORE_BOUND]: 'bound' },
  [KIND_BARRIER]: { [BARRIER_PARTIES]: 'parties' },
  [KIND_CONDITION]: { [CONDITION_LOCK]: 'lock', [CONDITION_LOCK_STAMP]: 'lockStamp' },
  [KIND_THREAD]: WAITER,
  [KIND_TASK]: WAITER,
};

const MEMORY = 65536;
const ARENA = 1024;
/** The lower half of the arena's id. */
export const ID = 0;
const DATA = 256;

export interface Primitive {
  readonly cell: number;
  readonly stamp: number;
}

/** A memory with an arena in it, and a name for everything that is there. */
export class World {
  readonly memory = new Uint8Array(MEMORY);
  /** The threads' records, in order. */
  readonly threads: readonly number[];
  /** For each thread, its tasks' waiters. */
  readonly tasks: readonly number[][];
  readonly arena = ARENA;
  /** Names of cells and what is in them, for traces. */
  private readonly cells = new Map<number, { readonly name: string; readonly kind: number }>();
  private readonly view = new DataView(this.memory.buffer);
  private readonly interpreter: Interpreter;
  private nextData = DATA;

  constructor(core: Core, { threads, cells = 64, spins = 0 }: Pick<Scenario, 'threads' | 'cells' | 'spins'>) {
    this.interpreter = new Interpreter(core.module);
    this.layOut(cells);
    this.threads = Array.from({ length: threads }, (_, t) => this.record(`T${t + 1}`, KIND_THREAD, spins));
    this.tasks = this.threads.map(() => []);
  }

  /** A thread's record, or a waiter of its task: as bindings/thread.ts makes them. */
  private record(name: string, kind: number, spins: number, home?: number): number {
    const record = this.call('addRecord', ARENA, ID, kind, spins, 2, home ?? 0);
    this.cells.set(record, { name, kind });
    return record;
  }

  /** A cell for a wait of a thread's task, or for a task that owns RLocks. */
  task(me: number): number {
    const t = this.threads.indexOf(me);
    const mine = this.tasks[t]!;
    mine.push(this.record(`T${t + 1}.${'abcdefghij'[mine.length]}`, KIND_TASK, -1, me));
    return mine.at(-1)!;
  }

  /** An empty arena, as `writeArena` of bindings/memory.ts lays one out: a header, and a map whose first cells are not free. */
  private layOut(cells: number): void {
    const first = Math.ceil((HEADER_SIZE + cells) / CELL_SIZE);
    for (const [offset, value] of [
      [HEADER_TOTAL, cells],
      [HEADER_FIRST, first],
      [HEADER_ROVER, first],
    ] as const)
      this.poke(ARENA + offset, value);
    this.memory.fill(1, ARENA + HEADER_SIZE, ARENA + HEADER_SIZE + first);
  }

  /** `lock.queueLock`, `T2.state`, or the bare address. */
  nameOf(address: number): string {
    const cell = this.cells.get(address & -CELL_SIZE);
    if (!cell) return address >= ARENA && address < ARENA + HEADER_SIZE ? `arena+${address - ARENA}` : String(address);
    const field = (address % CELL_SIZE) & ~3;
    return cell.kind === 0 ? cell.name : `${cell.name}.${FIELDS_OF[cell.kind]?.[field] ?? FIELDS[field] ?? field}`;
  }

  /** A value as a person would write it: pointers by name, with the flags that ride on a lock's owner. */
  valueOf(value: Value): string {
    const cell = this.cells.get(Number(value) & -CELL_SIZE);
    const flags = Number(value) & (CELL_SIZE - 1);
    if (typeof value === 'bigint' || !cell || cell.kind === 0) return value === POISON ? 'leftover' : String(value);
    return flags ? `${cell.name}|${flags}` : cell.name;
  }

  peek(address: number): number {
    return this.view.getInt32(address, true);
  }

  poke(address: number, value: number): void {
    this.view.setInt32(address, value, true);
  }

  /** A word of the user's own, in a line of its own. */
  data(name: string): number {
    this.cells.set(this.nextData, { name, kind: 0 });
    this.nextData += CELL_SIZE;
    return this.nextData - CELL_SIZE;
  }

  /** `fields` of this kind, by offset. */
  create(kind: number, name: string, fields: Readonly<Record<number, number>> = {}): Primitive {
    const cell = this.call('create', ARENA, ID, kind);
    for (const [field, value] of Object.entries(fields)) this.poke(cell + Number(field), value);
    this.cells.set(cell, { name, kind });
    return { cell, stamp: this.peek(cell + CELL_STAMP) };
  }

  lock = (name = 'lock'): Primitive => this.create(KIND_LOCK, name);
  rlock = (name = 'lock'): Primitive => this.create(KIND_RLOCK, name);
  semaphore = (permits: number, bound = 1000): Primitive =>
    this.create(KIND_SEMAPHORE, 'semaphore', { [CELL_WORD]: permits * UNIT, [SEMAPHORE_BOUND]: bound });
  event = (): Primitive => this.create(KIND_EVENT, 'event');
  barrier = (parties: number): Primitive => this.create(KIND_BARRIER, 'barrier', { [BARRIER_PARTIES]: parties });
  condition = (lock: Primitive): Primitive =>
    this.create(KIND_CONDITION, 'condition', { [CONDITION_LOCK]: lock.cell, [CONDITION_LOCK_STAMP]: lock.stamp });

  /** Whether a waiter is linked into a queue. */
  stands(view: View, waiter: number): boolean {
    return this.links(view, waiter) === 2;
  }

  /** How many neighbours in a queue point at a waiter: one only while it is put there or taken out. */
  private links(view: View, waiter: number): number {
    const points = (neighbour: number, link: number): number =>
      neighbour > 0 && neighbour < MEMORY - CELL_SIZE && view.word(neighbour + link) === waiter ? 1 : 0;
    return points(view.word(waiter + CELL_NEXT), CELL_PREV) + points(view.word(waiter + CELL_PREV), CELL_NEXT);
  }

  /**
   * What is left in waiters, of which a thread's record is one: their links mean something while they stand in a queue,
   * the rest while their thread is in a call. (Offsets as in assembly/cell.ts and thread.ts.)
   */
  *leftovers(view: View, keeps: readonly number[] = []): Iterable<number> {
    for (const [t, record] of this.threads.entries()) {
      for (const waiter of [record, ...this.tasks[t]!]) {
        if (this.links(view, waiter) > 0) continue;
        // A task's waiter with a verdict is linked into its thread's inbox, and its thread may look at both links (local.ts).
        if (waiter === record || !view.inside(t)) {
          yield waiter + CELL_PREV;
          if (!keeps.includes(CELL_NEXT)) yield waiter + CELL_NEXT;
        }
        if (view.inside(t)) continue;
        for (const field of [CELL_WORD, CELL_GENERATION, THREAD_ADD_TO_ACQUIRE, THREAD_QUEUED_ON]) {
          // Of a thread: `disturbed` looks at it.
          const kept = keeps.includes(field) || (field === THREAD_QUEUED_ON && waiter === record);
          if (!kept) yield waiter + field;
        }
      }
    }
  }

  /**
   * A thread that takes its inbox meanwhile spins until it knows the waiter before, which the unparker that put
   * another into it writes down next (assembly/inbox.ts).
   */
  maySpin(thread: number, view: View): boolean {
    const UNKNOWN = 1;
    return [this.threads[thread]!, ...this.tasks[thread]!].some((waiter) => view.word(waiter + CELL_NEXT) === UNKNOWN);
  }

  /** What begins at a cell, as the arena's map says. */
  private kindAt(view: View, cell: number): number {
    const place = ARENA + HEADER_SIZE + (cell - ARENA) / CELL_SIZE;
    return (view.word(place & ~3) >>> (8 * (place % 4))) & 0xff;
  }

  /**
   * While a thread is in no call, nothing is due to it. When no thread is, and none died in one, nothing of their waiting
   * is left in the primitives: no flag, no waiter, no queue lock.
   */
  disturbed(view: View): string | undefined {
    for (const [t, record] of this.threads.entries()) {
      if (!view.inside(t) && !view.dead(t) && view.word(record + THREAD_QUEUED_ON) !== 0)
        return `${this.nameOf(record)} is in no call, and something is due to it`;
    }
    for (let t = 0; t < this.threads.length; t++) if (view.inside(t) || view.dead(t)) return undefined;
    for (const [cell, { name, kind }] of this.cells) {
      if (kind === KIND_THREAD && view.word(cell + THREAD_INBOX) !== 0)
        return `no task waits, and the inbox of ${name} is not empty`;
      if (kind === 0 || kind === KIND_THREAD || kind === KIND_TASK || this.kindAt(view, cell) !== kind) continue;
      const flags = kind <= KIND_BOUNDED_SEMAPHORE ? view.word(cell) & (HELD_BY_TASK - 1) : 0;
      const [locked, next, prev, length, pins] = [QUEUE_LOCK, CELL_NEXT, CELL_PREV, CELL_LENGTH, CELL_PINS].map(
        (field) => view.word(cell + field),
      );
      if (flags || locked || next !== cell || prev !== cell || length || pins)
        return `nobody is in a call, and ${name} is not at rest`;
    }
    return undefined;
  }

  /** Calls an export on the spot. It must not want to sleep. */
  call(name: string, ...args: Value[]): number {
    const frames = this.interpreter.enter(name, args);
    for (;;) {
      const { want, result } = this.interpreter.run(frames);
      if (!want) return Number(result ?? 0);
      switch (want.kind) {
        case 'access': {
          const { access, address, operand, expected } = want;
          const found = access.kind === 'store' ? undefined : read(this.view, access, address);
          if (access.kind !== 'load')
            write(this.view, access, address, modified(access, found ?? 0, operand, expected));
          this.interpreter.answer(frames, found);
          break;
        }
        case 'fill':
          this.memory.fill(want.byte, want.address, want.address + want.length);
          break;
        case 'notify':
        case 'import':
          this.interpreter.answer(frames, 0);
          break;
        case 'size':
          this.interpreter.answer(frames, MEMORY / 65536);
          break;
        default:
          throw new Error(`${name} wants to ${want.kind} while the world is laid out`);
      }
    }
  }
}

export interface Run {
  readonly verdict: Verdict;
  readonly world: World;
  /** Offsets of the instructions that the threads ran. */
  readonly covered: ReadonlySet<number>;
  readonly seconds: number;
}

/** Lays the world out and checks it. */
export function run(core: Core, scenario: Scenario, options: Options = {}): Run {
  const world = new World(core, scenario);
  const play = scenario.build(world);
  const interpreter = new Interpreter(core.module);
  const threads = new Threads(interpreter, {
    clock: play.clock ?? UNTIMED,
    throws: play.throws,
    grow: [-1],
    pages: 1,
    deaths: play.deaths !== undefined,
    judge: notTooEarly,
  });
  const start = performance.now();
  const verdict = check(
    {
      ...play,
      threads,
      memory: world.memory,
      maySpin: world.tasks.some((tasks) => tasks.length > 0)
        ? (thread, view) => world.maySpin(thread, view)
        : undefined,
      leftovers: (view) => world.leftovers(view, play.keeps),
      invariant: (view) => world.disturbed(view) ?? play.invariant?.(view),
    },
    options,
  );
  return { verdict, world, covered: interpreter.covered, seconds: (performance.now() - start) / 1000 };
}

/* Promises that several scenarios make. */

/** A call that waits gives up when its time is over, and not before. */
function notTooEarly(
  name: string,
  args: readonly Value[],
  result: Value | undefined,
  time: number | undefined,
): string | undefined {
  const early = result === STATUS_TIMEOUT && args.includes(SOON) && (time ?? START) < START + SOON;
  return early ? `${name} gives up after ${(time ?? START) - START} of ${SOON} ms` : undefined;
}

/** At most `most` threads are inside: tell it `after('in')` and `before('out')`. */
export const atMost = (most: number): Monitor<number> => ({
  initial: 0,
  step(inside, _thread, event) {
    const next = event === 'in' ? inside + 1 : inside - 1;
    if (next > most) throw new Objection(`${next} threads are inside, and only ${most} may be`);
    return next;
  },
});

/** A primitive as it would be if everything happened one after the other: the results an operation may have. */
export interface Specification<S> {
  readonly initial: S;
  readonly apply: (
    state: S,
    thread: number,
    operation: readonly unknown[],
  ) => readonly (readonly [result: number, next: S])[];
}

/** For each thread: idle, in an operation, or through it with a result that the script has not seen yet. */
type Pending = null | { readonly operation: readonly unknown[] } | { readonly result: number };
interface Possibility<S> {
  readonly state: S;
  readonly pending: readonly Pending[];
}

/**
 * Linearizability: every operation seems to happen at one moment between its call and its return. The monitor keeps
 * all states that the specification may be in; when a call returns a result that is possible in none, it objects.
 */
export function linearizable<S>(specification: Specification<S>, threads: number): Monitor<readonly Possibility<S>[]> {
  const distinct = (all: readonly Possibility<S>[]): Possibility<S>[] =>
    [...new Map(all.map((one) => [JSON.stringify(one), one])).entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, one]) => one);
  const put = (one: Possibility<S>, thread: number, pending: Pending, state = one.state): Possibility<S> => ({
    state,
    pending: one.pending.map((old, t) => (t === thread ? pending : old)),
  });
  /** All that may have happened by now: any pending operation may have taken effect, in any order. */
  const closure = (all: readonly Possibility<S>[]): Possibility<S>[] => {
    const found = new Map<string, Possibility<S>>();
    const visit = (one: Possibility<S>): void => {
      const key = JSON.stringify(one);
      if (found.has(key)) return;
      found.set(key, one);
      for (const [t, pending] of one.pending.entries())
        if (pending && 'operation' in pending)
          for (const [result, state] of specification.apply(one.state, t, pending.operation))
            visit(put(one, t, { result }, state));
    };
    for (const one of all) visit(one);
    return [...found.values()];
  };
  return {
    initial: [{ state: specification.initial, pending: Array(threads).fill(null) }],
    step(all, thread, event) {
      if (typeof event === 'object')
        return distinct(all.map((one) => put(one, thread, { operation: event as unknown[] })));
      const possible = closure(all).filter(({ pending }) => {
        const mine = pending[thread];
        return mine && 'result' in mine && mine.result === event;
      });
      if (possible.length === 0)
        throw new Objection(`no order of the operations explains that T${thread + 1} got ${event}`);
      return distinct(possible.map((one) => put(one, thread, null)));
    },
  };
}

/** Wraps a script so that a `linearizable` monitor sees its call and its return. */
export function* observed(operation: readonly unknown[], script: Script<number>): Script<number> {
  yield before(operation);
  const result = yield* script;
  yield after(result);
  return result;
}
