/**
 * Scenarios: small worlds with a few threads in them, and what must hold there.
 *
 * A scenario lays out an arena in a memory of its own, creates primitives in it by calling the module (one call after
 * the other; nothing is checked yet), and gives each thread a program: a generator that calls exports and tells
 * what came of it. `forever` runs it again and again, and may stop after any round, so "others always come
 * along and help" is no excuse for a lost wake-up. The checker then does the rest.
 */

import {
  ABANDONED,
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
  HEADER_NAP,
  HEADER_ROVER,
  HEADER_SIZE,
  HEADER_TOTAL,
  HELD_BY_TASK,
  HOLD_CELL,
  HOLD_COUNT,
  HOLD_STAMP,
  KIND_BARRIER,
  KIND_BOUNDED_SEMAPHORE,
  KIND_CONDITION,
  KIND_EVENT,
  KIND_HOLD,
  KIND_LOCK,
  KIND_RLOCK,
  KIND_SEMAPHORE,
  KIND_TASK,
  KIND_THREAD,
  LOCK_ON_DEATH,
  ON_DEATH_TELL,
  RLOCK_DEPTH,
  SEMAPHORE_BOUND,
  SEMAPHORE_FIRST,
  STATE_PARKED,
  STATE_WOKEN,
  STATUS_TIMEOUT,
  TASK_EXTRA,
  TASK_LINE,
  THREAD_ADD_TO_ACQUIRE,
  THREAD_CORES,
  THREAD_INBOX,
  THREAD_INFO,
  THREAD_MAX_SPINS,
  THREAD_OWNING_THREAD,
  THREAD_PIN,
  THREAD_QUEUED_ON,
  THREAD_SPIN_BUDGET,
  THREAD_TICKETS,
  UNIT,
  VISITED,
} from '../../assembly/abi.ts';
import { check, type Options, type Verdict } from './check.ts';
import { decode, type Module } from './decode.ts';
import { Interpreter, modified, read, type Value, write } from './interpret.ts';
import { link, NOWHERE } from './link.ts';
import { type Monitor, POISON, type System, type View } from './system.ts';
import { type Holds, Objection, type Program, type Request, type Script, Threads } from './thread.ts';

export interface Scenario {
  readonly primitive: string;
  readonly name: string;
  readonly threads: number;
  /** Cells of the arena, its header and map included; 64 if nothing is said. */
  readonly cells?: number;
  /** How often threads look before they sleep; not more than once if nothing is said. */
  readonly spins?: number;
  /** Whether blocked threads look around now and then; they sleep on if nothing is said. */
  readonly naps?: boolean;
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
  readonly guesses?: System['guesses'];
  readonly mayRace?: System['mayRace'];
  /** A thread may look for longer than a call takes elsewhere. */
  readonly spins?: boolean;
  readonly deaths?: System['deaths'];
  readonly mayStarve?: (thread: number, view: View) => boolean;
  /** Fields of a thread's record (offsets) that are used after the call that wrote them has returned. */
  readonly keeps?: readonly number[];
  /** Counters that would never come round again: after how many values they do here. */
  readonly wraps?: ReadonlyMap<number, number>;
  /** What the threads call, if it is not the core alone. */
  readonly module?: Module;
}

/** A finite timeout, in ms; longer than HANDOFF_AFTER_MS. */
export const SOON = 1000;
/** What the clock says when a call looks at it first, when HANDOFF_AFTER_MS is just over, and when the timeout is. */
const START = 5000;
export const UNTIMED: readonly number[] = [START, START + HANDOFF_AFTER_MS];
export const TIMED: readonly number[] = [...UNTIMED, START + SOON];
export const FOR_EVER = Number.POSITIVE_INFINITY;
/** ms; in the model it is over at any moment. */
const NAP = 100;
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

/** Two words, read atomically. */
export function* lookWide(address: number): Script<bigint> {
  return BigInt(yield { kind: 'look', address, bytes: 8 });
}

/** A word of the user's, read and written plainly. */
export function* get(address: number): Script<number> {
  return Number(yield { kind: 'read', address });
}
export const set = (address: number, value: number): Request => ({ kind: 'write', address, value });
/** A word that others wait for, written atomically. */
export const mark = (address: number, value: number): Request => ({ kind: 'mark', address, value });

export const until = (address: number, holds: Holds): Request => ({
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

/** The module under test, and what programs have in front of it. */
export interface Core {
  readonly module: Module;
  readonly bytes: Uint8Array;
  readonly imports: Module;
}

/** Decodes the published bytes. */
export function decodeCore(bytes: Uint8Array, imports: Uint8Array): Core {
  return { bytes, module: decode(bytes), imports: decode(imports, IMPORTS_AT) };
}
/** Where offsets of its instructions begin: behind those of the core. */
export const IMPORTS_AT = 1 << 20;

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
  [THREAD_PIN]: 'pin',
  [THREAD_SPIN_BUDGET]: 'spinBudget',
  [THREAD_ADD_TO_ACQUIRE]: 'addToAcquire',
  [THREAD_MAX_SPINS]: 'maxSpins',
  [THREAD_CORES]: 'cores',
  [THREAD_QUEUED_ON]: 'queuedOn',
  [THREAD_OWNING_THREAD]: 'owningThread',
};
const SEMAPHORE: Fields = { [SEMAPHORE_BOUND]: 'bound', [SEMAPHORE_FIRST]: 'first' };
const FIELDS_OF: Readonly<Record<number, Fields>> = {
  [KIND_LOCK]: { [LOCK_ON_DEATH]: 'onDeath' },
  [KIND_RLOCK]: { [LOCK_ON_DEATH]: 'onDeath', [RLOCK_DEPTH]: 'depth' },
  [KIND_SEMAPHORE]: SEMAPHORE,
  [KIND_BOUNDED_SEMAPHORE]: SEMAPHORE,
  [KIND_BARRIER]: { [BARRIER_PARTIES]: 'parties' },
  [KIND_CONDITION]: { [CONDITION_LOCK]: 'lock', [CONDITION_LOCK_STAMP]: 'lockStamp' },
  [KIND_THREAD]: { ...WAITER, [THREAD_INBOX]: 'inbox', [THREAD_TICKETS]: 'tickets', [THREAD_INFO]: 'info' },
  [KIND_TASK]: { ...WAITER, [TASK_EXTRA]: 'extra', [TASK_LINE]: 'line' },
  [KIND_HOLD]: { [HOLD_COUNT]: 'count', [HOLD_CELL]: 'cell', [HOLD_STAMP]: 'stamp', [THREAD_OWNING_THREAD]: 'thread' },
};

const permitFields = (permits: number, bound: number): Readonly<Record<number, number>> => ({
  [CELL_WORD]: permits * UNIT,
  [SEMAPHORE_BOUND]: bound,
  [SEMAPHORE_FIRST]: permits,
});

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
  /** For each thread, where it counts the permits of its guards. */
  readonly holds: readonly number[][];
  readonly arena = ARENA;
  readonly naps: boolean;
  /** Names of cells and what is in them, for traces. */
  private readonly cells = new Map<number, { readonly name: string; readonly kind: number }>();
  private readonly view = new DataView(this.memory.buffer);
  private readonly interpreter: Interpreter;
  private nextData = DATA;
  readonly core: Core;

  constructor(
    core: Core,
    { threads, cells = 64, spins = 0, naps = false }: Pick<Scenario, 'threads' | 'cells' | 'spins' | 'naps'>,
  ) {
    this.core = core;
    this.interpreter = new Interpreter(core.module);
    this.naps = naps;
    this.layOut(cells);
    this.threads = Array.from({ length: threads }, (_, t) => this.record(`T${t + 1}`, KIND_THREAD, spins));
    this.tasks = this.threads.map(() => []);
    this.holds = this.threads.map(() => []);
  }

  /** A thread's record, or a waiter of its task: as bindings/thread.ts makes them. */
  private record(name: string, kind: number, spins: number, home?: number): number {
    const record = this.call('addRecord', ARENA, ID, kind, spins, 2, home ?? 0, 0);
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

  /** A cell in which a thread counts the permits of its guards: as bindings/holds.ts makes it. */
  hold(me: number, { cell, stamp }: Primitive): number {
    const t = this.threads.indexOf(me);
    const hold = this.record(`T${t + 1}.hold`, KIND_HOLD, 0, me);
    this.poke(hold + HOLD_CELL, cell);
    this.poke(hold + HOLD_STAMP, stamp);
    this.holds[t]!.push(hold);
    return hold;
  }

  /** Threads that only bury others. */
  readonly undertakers = new Set<number>();

  /** All primitives that were made, also those that are destroyed by now. */
  get primitives(): number[] {
    return [...this.cells].filter(([, { kind }]) => isPrimitive(kind)).map(([cell]) => cell);
  }

  /** An empty arena, as `writeArena` of bindings/memory.ts lays one out: a header, and a map whose first cells are not free. */
  private layOut(cells: number): void {
    const first = Math.ceil((HEADER_SIZE + cells) / CELL_SIZE);
    for (const [offset, value] of [
      [HEADER_TOTAL, cells],
      [HEADER_FIRST, first],
      [HEADER_ROVER, first],
      [HEADER_NAP, this.naps ? NAP : 0],
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

  /** What was made at a cell. */
  made(cell: number): number {
    return this.cells.get(cell)?.kind ?? 0;
  }

  /** The core, and for each thread an instance of `imports.wasm`; that of a thread in `suspended` is suspended where it would wait. */
  linked(suspended: readonly number[] = []): Module {
    const { module, imports } = this.core;
    const cells = this.peek(ARENA + HEADER_TOTAL);
    const instances = this.threads.map((thread, t) => {
      const own = { thread, arena: ARENA, cells };
      return suspended.includes(t)
        ? { ...own, suspended: true, owner: thread | HELD_BY_TASK, task: this.task(thread) }
        : { ...own, suspended: false, owner: thread, task: thread };
    });
    return link(module, imports, instances);
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

  lock = (onDeath = ON_DEATH_TELL): Primitive => this.create(KIND_LOCK, 'lock', { [LOCK_ON_DEATH]: onDeath });
  rlock = (onDeath = ON_DEATH_TELL): Primitive => this.create(KIND_RLOCK, 'lock', { [LOCK_ON_DEATH]: onDeath });
  semaphore = (permits: number, bound = 1000): Primitive =>
    this.create(KIND_SEMAPHORE, 'semaphore', permitFields(permits, bound));
  /** All permits of it are there. */
  bounded = (bound: number): Primitive => this.create(KIND_BOUNDED_SEMAPHORE, 'bounded', permitFields(bound, bound));
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
        if (this.links(view, waiter) > 0 || this.enters(view, waiter)) continue;
        // A task's waiter with a verdict is linked into its thread's inbox, and its thread may look at both links (local.ts). A
        // thread that was woken at a Condition has its unparker there (parker.ts).
        const unparked = view.word(record) === STATE_WOKEN && view.word(record + THREAD_PIN) !== 0;
        if ((waiter === record ? !unparked : !view.inside(t)) && !keeps.includes(CELL_NEXT)) yield waiter + CELL_NEXT;
        // A thread looks whether it is the first in its queue (parker.ts), also when it has its verdict already.
        // A dead thread's record may be another's by now.
        if (!view.inside(t) && !view.dead(t)) yield waiter + CELL_PREV;
        // A reaper looks at a dead thread's waiter while an unparker takes it out of its queue: what it finds there stays right.
        if (view.inside(t) || view.dead(t) || view.word(waiter + THREAD_QUEUED_ON) !== 0) continue;
        for (const field of [CELL_WORD, CELL_GENERATION, THREAD_ADD_TO_ACQUIRE])
          if (!keeps.includes(field)) yield waiter + field;
      }
    }
  }

  /** It stands in a queue, or its thread is just putting it there. */
  private enters(view: View, waiter: number): boolean {
    return view.word(waiter + THREAD_QUEUED_ON) !== 0 && view.word(waiter) <= STATE_PARKED;
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
    return kindIn(view.word(mapWordOf(cell)), cell);
  }

  /** What begins at a cell, for a script. */
  *kindOf(cell: number): Script<number> {
    return kindIn(yield* look(mapWordOf(cell)), cell);
  }

  /** A thread is dead, and nobody has buried it yet. One that does nothing but bury leaves nothing. */
  private unburied(view: View, t: number): boolean {
    return view.dead(t) && !this.undertakers.has(t) && this.kindAt(view, this.threads[t]!) === KIND_THREAD;
  }

  /** No thread is in a call, and those that died are buried. */
  isAtRest(view: View): boolean {
    return this.threads.every((_, t) => !view.inside(t) && !this.unburied(view, t));
  }

  /**
   * While a thread is in no call, nothing is due to it or its tasks. When no thread is, and those that died are buried,
   * nothing of their waiting is left in the primitives: no flag, no waiter, no queue lock; and the dead own nothing.
   */
  disturbed(view: View): string | undefined {
    for (const [t, record] of this.threads.entries()) {
      if (view.inside(t) || view.dead(t)) continue;
      for (const waiter of [record, ...this.tasks[t]!])
        if (view.word(waiter + THREAD_QUEUED_ON) !== 0 || view.word(waiter + THREAD_PIN) !== 0)
          return `T${t + 1} is in no call, and something is due to ${this.nameOf(waiter)}`;
      if (view.word(record + THREAD_INBOX) !== 0) return `no task waits, and the inbox of T${t + 1} is not empty`;
    }
    if (!this.isAtRest(view)) return undefined;
    const dead = this.threads.flatMap((record, t) => (view.dead(t) ? [record, ...this.tasks[t]!] : []));
    for (const [cell, { name, kind }] of this.cells) {
      if (!isPrimitive(kind) || this.kindAt(view, cell) !== kind) continue;
      const word = view.word(cell);
      const isLock = kind <= KIND_RLOCK;
      // A lock stays abandoned until somebody has put things in order.
      const abandoned = isLock && dead.length > 0 ? ABANDONED : 0;
      const flags = kind <= KIND_BOUNDED_SEMAPHORE ? word & (HELD_BY_TASK - 1) & ~abandoned : 0;
      const [locked, next, prev, length, pins] = [QUEUE_LOCK, CELL_NEXT, CELL_PREV, CELL_LENGTH, CELL_PINS].map(
        (field) => view.word(cell + field),
      );
      if (flags || locked || next !== cell || prev !== cell || length || pins)
        return `nobody is in a call, and ${name} is not at rest`;
      if (isLock && dead.includes(word & -UNIT)) return `a dead thread owns ${name}`;
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

const isPrimitive = (kind: number): boolean => kind >= KIND_LOCK && kind <= KIND_CONDITION;

/** The word of the map that has a cell's byte, and the byte in it. */
const mapPlaceOf = (cell: number): number => ARENA + HEADER_SIZE + (cell - ARENA) / CELL_SIZE;
const mapWordOf = (cell: number): number => mapPlaceOf(cell) & ~3;
const kindIn = (word: number, cell: number): number => (word >>> (8 * (mapPlaceOf(cell) % 4))) & 0xff & ~VISITED;

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
  const interpreter = new Interpreter(play.module ?? core.module);
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
  // What stands in for the host is in no file.
  interpreter.covered.delete(NOWHERE);
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
