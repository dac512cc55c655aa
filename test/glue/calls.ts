/**
 * The core calls of a program, made by the built bindings in simulated threads and by the model's event loop
 * (`test/model/tasks.ts`).
 *
 * A program is a list of what happens, one event a line: of thread A or B, in a turn of its own, by a numbered task.
 *
 *     A1 acquires lock as p     a call of the API, as `perform` has it; p: an owner
 *     A1 asks lock              the same, but it may not wait; `A1 tries lock`: the thread itself
 *     A1 expires                the time of its wait is up
 *     A1 cancels                the signal of its wait is aborted
 *     A looks                   into its inbox, unless it has done so in the turn before
 *     A1 ends barrier           the action of the Barrier, which its task waits for; or it `fails`
 *
 * While a thread blocks, the next events are the other's, until the thread is told. Nothing else decides what comes
 * next, so both runs meet the same answers of the core until they ask for something different.
 *
 * Two differences are meant, and no program must contain them. The model's thread has tasks from the beginning; the
 * bindings' thread has none before its first async call, and until then does not ask for them. And a task that has an
 * RLock again after its wait for a Condition admits its owner's other tasks in a microtask: by then the bindings have
 * looked at all that was in the inbox, and the model only at the task's own verdict.
 */

import { readFileSync } from 'node:fs';
import * as abi from '../../assembly/abi.ts';
import { CORE, loadCore } from '../model/main.ts';
import { World as ModelWorld, type Primitive, SOON } from '../model/scenario.ts';
import {
  acquiringLock,
  acquiringPermit,
  acquiringRLock,
  awaitingEvent,
  blockForLock,
  blockForNotify,
  blockForRLock,
  eventLoop,
  type Known,
  meeting,
  notification,
  releaseLock,
  releasePermit,
  releaseRLock,
  type Step,
  waits,
} from '../model/tasks.ts';
import type { Request, Script } from '../model/thread.ts';
import type { Choices, Moment, Option } from './choices.ts';
import { moduleScript, Realm } from './realm.ts';
import type { Kit, Lockwork, Scenario } from './scenario.ts';
import { Schedule } from './schedule.ts';
import { ARENA, STATUS, Trace } from './trace.ts';

export interface Program {
  readonly title: string;
  /** Whether `lock` is an RLock. */
  readonly recursive?: boolean;
  /** Of the Barrier; 2 if nothing is said. */
  readonly parties?: number;
  /** Whether A's Barrier has an action. */
  readonly action?: boolean;
  /** After how many turns of both threads a waiter's patience is over; never if nothing is said. */
  readonly overdue?: number;
  readonly events: string;
  /** Calls that are made, or it is not the program that its title says. */
  readonly has: readonly string[];
}

interface Event {
  readonly thread: string;
  /** 0: none. */
  readonly task: number;
  readonly verb: string;
  readonly what: string;
  /** The name of an owner. */
  readonly owner: string | undefined;
}

function eventsOf({ events }: Program): Event[] {
  return events
    .trim()
    .split('\n')
    .map((line) => {
      const [actor, verb, what = '', , owner] = line.trim().split(' ') as [string, string, ...string[]];
      return { thread: actor[0]!, task: Number(actor[1] ?? 0), verb, what, owner };
    });
}

// ---------------------------------------------------------------------------------------------------- calls by name

/**
 * What the model leaves out:
 *
 *   swap, claimReaper           how threads prove that they live, and reap (bindings/reap.ts)
 *   addRecord, dropRecord       cells for waiters and owners: the model lays them out in front (`Setting.cells`)
 *   setPlace                    which operation is a waiter's: a Map in the model (`Tasks.pending`)
 */
const LEFT_OUT = new Set(['swap', 'claimReaper', 'addRecord', 'dropRecord', 'setPlace']);

/** Calls without a stamp behind the primitive. */
const STAMPLESS = new Set(['join', 'countTasks', 'rename']);
/** Calls whose answer, unless it is less than 0, is no status. */
const COUNTING =
  /[hH]andOff$|^(join|countTasks|rename|decline|undo|awaitVerdicts|collect|accept|restore|condEnd|condExchange|barrierWait|barrierEnd|waitAs.*)$/;
const FLAGS = { WOKEN: abi.WOKEN, HANDOFF: abi.HANDOFF, AT_FRONT: abi.AT_FRONT };

/** The calls of one run, with names in place of addresses. */
class Calls {
  readonly lines: string[] = [];
  /** Of threads and primitives. */
  readonly named = new Map<number, string>();
  readonly stamps = new Map<number, number>();
  /** The threads' waiters, each with a name for its wait: each side uses cells again in an order of its own. */
  private readonly waiters = new Map<number, string>();
  private readonly counts = new Map<string, number>();

  knows(name: string, cell: number, stamp: number): void {
    this.named.set(cell, name);
    this.stamps.set(cell, stamp | 0);
  }

  /** A thread's turn begins: what does not wait is no waiter any more. */
  turns(thread: string, waits: (waiter: number) => boolean): void {
    for (const [cell, name] of this.waiters) if (name.startsWith(thread) && !waits(cell)) this.waiters.delete(cell);
  }

  add(
    thread: string,
    name: string,
    args: readonly (number | boolean)[],
    result: number,
    ownerAt: (cell: number) => string | undefined,
  ): void {
    if (LEFT_OUT.has(name)) return;
    const nameOf = (value: number): string => {
      const cell = value - (value % abi.CELL_SIZE);
      if (value < abi.CELL_SIZE || !Number.isFinite(value)) return String(value);
      const known = this.named.get(cell) ?? ownerAt(cell) ?? this.waiters.get(cell) ?? this.newWaiter(thread, cell);
      return value === cell ? known : `${known}|${value - cell}`;
    };
    const shown = args.map(Number).map((arg, i) => {
      const stamp = this.stamps.get(Number(args[0]));
      if (i === 1 && !STAMPLESS.has(name) && stamp === (arg | 0)) return '…';
      // The first generation is the stamp. 0 stands for any.
      if (i === 3 && name === 'barrierEnd') return String(arg && arg - stamp!);
      return name === 'acquire' && i === args.length - 1 ? flagsOf(arg) : nameOf(arg);
    });
    const status = result < 0 || !COUNTING.test(name) ? STATUS.get(result) : undefined;
    const answer = status ?? nameOf(result);
    this.lines.push(`${thread} ${name}(${shown.join(', ')}) → ${answer}`);
  }

  private newWaiter(thread: string, cell: number): string {
    const count = (this.counts.get(thread) ?? 0) + 1;
    this.counts.set(thread, count);
    this.waiters.set(cell, `${thread}.${count}`);
    return `${thread}.${count}`;
  }
}

function flagsOf(flags: number): string {
  const set = Object.entries(FLAGS).filter(([, flag]) => flags & flag);
  return set.map(([name]) => name).join('|') || '0';
}

// ---------------------------------------------------------------------------------------------------- the bindings

/** What a realm finds on its `globalThis`. */
interface Given {
  readonly program: {
    readonly events: readonly Event[];
    readonly recursive: boolean;
    readonly parties: number;
    readonly action: boolean;
  };
  readonly perform: (thread: string, shared: unknown, t: Kit) => Promise<void>;
  /** Ends the action that runs. */
  act: ((failed: boolean) => void) | undefined;
}

const scenario: Scenario = {
  looks: 0,
  primitive: '',
  name: '',
  share: ({ Lock, RLock, Semaphore, Event, Barrier, Condition }: Lockwork, options) => {
    const given = globalThis as unknown as Given;
    const { recursive, parties, action } = given.program;
    const run = () =>
      new Promise<void>((resolve, reject) => {
        given.act = (failed) => (failed ? reject(new Error('the action fails')) : resolve());
      });
    const lock = recursive ? new RLock(options) : new Lock(options);
    return {
      lock,
      semaphore: new Semaphore(1, options),
      event: new Event(options),
      barrier: new Barrier(parties, action ? { ...options, action: run } : options),
      condition: new Condition(lock, options),
    };
  },
  threads: {
    A: [(shared, t) => (globalThis as unknown as Given).perform('A', shared, t)],
    B: [(shared, t) => (globalThis as unknown as Given).perform('B', shared, t)],
  },
};

/** Does what a thread's events say, each in a turn of its own. It travels as text. */
async function perform(thread: string, shared: Record<string, never>, t: Kit): Promise<void> {
  const given = globalThis as unknown as Given;
  const { events } = given.program;
  const owners: Record<string, InstanceType<Lockwork['Owner']>> = {};
  const waiting = new Set<number>();
  const aborts = new Map<number, () => void>();
  // An owner's only property by a symbol says where it has its records (bindings/owner.ts).
  t.state.ownersOf ??= {};
  t.state.ownersOf[thread] = (cell: number) =>
    Object.keys(owners).find((name) => {
      const [uses] = Object.getOwnPropertySymbols(owners[name]).map((key) => (owners[name] as never)[key]);
      return (uses as unknown as { address: number }[])[0]?.address === cell;
    });
  t.note('0');
  for (const [i, event] of events.entries()) {
    if (event.thread !== thread) continue;
    await t.when(String(i));
    // Before it does anything: while it blocks, what comes next is the other thread's.
    t.note(String(i + 1));
    const { task, verb, what } = event;
    if (['looks', 'expires'].includes(verb)) continue;
    if (verb === 'cancels') {
      aborts.get(task)!();
      continue;
    }
    const acts = ['ends', 'fails'].includes(verb);
    t.check(acts || !waiting.has(task), `task ${task} ${verb} ${what}, and waits`);
    if (event.owner !== undefined) owners[event.owner] ??= new t.lockwork.Owner();
    const owner = event.owner === undefined ? {} : { owner: owners[event.owner] };
    const primitive = shared[what] as unknown as Record<string, (...args: unknown[]) => unknown>;
    const pending = async (method: string): Promise<void> => {
      const signal = {
        aborted: false,
        reason: 'aborted',
        addEventListener: (_type: string, abort: () => void) => aborts.set(task, abort),
        removeEventListener() {},
      };
      const next = events.slice(i + 1).find((other) => other.thread === thread && other.task === task);
      const timeout = next?.verb === 'expires' ? 10 : Infinity;
      waiting.add(task);
      try {
        await primitive[method]!({ ...owner, signal, timeout });
      } catch (error) {
        const expected = error === 'aborted' || ['BrokenBarrierError', 'Error'].includes((error as Error).name);
        t.check(expected, `${what}.${method} throws ${error}`);
      }
      waiting.delete(task);
    };
    const calls: Record<string, () => unknown> = {
      acquires: () => pending('acquireAsync'),
      waits: () => pending('waitAsync'),
      tries: () => (what === 'event' ? primitive.wait!(0) : primitive.tryAcquire!()),
      asks: () => (what === 'event' ? primitive.isSet : primitive.acquireAsync!({ ...owner, timeout: 0 })),
      blocks: () => (what === 'condition' ? primitive.wait!() : primitive.acquire!()),
      releases: () => (event.owner === undefined ? primitive.release!() : primitive.release!(owner)),
      sets: () => primitive.set!(),
      clears: () => primitive.clear!(),
      breaks: () => primitive.abort!(),
      resets: () => primitive.reset!(),
      notifies: () => primitive.notify!(1, ...(event.owner === undefined ? [] : [owner])),
      ends: () => given.act!(false),
      fails: () => given.act!(true),
    };
    try {
      void calls[verb]!();
    } catch (error) {
      const expected = ['NotHeldError', 'DeadlockError'].includes((error as Error).name);
      t.check(expected, `${what}: it throws ${error}`);
    }
  }
}

/** What the event at hand says is what happens. */
class Directed implements Choices {
  schedule: Schedule | undefined;
  private readonly events: readonly Event[];

  constructor(events: readonly Event[]) {
    this.events = events;
  }

  restart(): void {}

  choose(moment: Moment, options: readonly Option[]): number {
    if (moment === 'step' || options[0] === 'on') return 0;
    const offers = this.schedule!.offers();
    const at = this.schedule!.notes.size - 1;
    const event = this.events[at];
    const find = (label: RegExp, name?: string): number =>
      offers.findIndex(({ thread, turn }) => label.test(turn.label) && (!name || thread.name === name));
    const hosts = { looks: /its inbox/, expires: /a timer/ }[event?.verb as 'looks' | 'expires'];
    const own = hosts ? find(hosts, event!.thread) : -1;
    return own >= 0 ? own : Math.max(0, find(/begins/), find(new RegExp(`after ${at}$`)));
  }
}

/** Hears what the explorer would write down. */
class Recorder extends Trace {
  readonly made = new Calls();
  schedule: Schedule | undefined;
  private readonly pending = new Set<number>();

  override knows(name: string, handle: { readonly address: number; readonly stamp: number }): void {
    super.knows(name, handle);
    if (name !== ARENA) this.made.knows(name, handle.address, handle.stamp);
  }

  override begin(thread: string, label: string): void {
    super.begin(thread, label);
    this.made.turns(thread, (waiter) => this.pending.has(waiter));
  }

  override returned(thread: string, name: string, args: readonly number[], result: number | undefined): void {
    super.returned(thread, name, args, result);
    if (name === 'addRecord' && args[2] === abi.KIND_THREAD) this.made.named.set(result! >>> 0, thread);
    if (name === 'setPlace') this.pending[args[1] ? 'add' : 'delete'](args[0]!);
    const { open, state } = this.schedule!;
    const owners = state.ownersOf as Record<string, (cell: number) => string | undefined> | undefined;
    // Before and behind, the threads attach to what is shared, and destroy it.
    if (open) this.made.add(thread, name, args, result ?? 0, (cell) => owners?.[thread]?.(cell));
  }
}

const BYTES = 8192;

/** Runs programs with the bindings of a bundle (the text of dist/index.cjs). Throws what the explorer would find wrong. */
export function recorderOf(bundle: string): (program: Program) => string[] {
  const script = moduleScript(`${bundle}\nglobalThis.perform = ${perform};`);
  return (program) => {
    const { recursive = false, parties = 2, action = false } = program;
    const events = eventsOf(program);
    const given: Pick<Given, 'program'> = { program: { events, recursive, parties, action } };
    const realms = Object.keys(scenario.threads).map(() => new Realm(script, given));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const words = new Int32Array(memory.buffer, 0, BYTES / 4);
    const choices = new Directed(events);
    const recorder = new Recorder();
    const tick = program.overdue ? abi.HANDOFF_AFTER_MS / program.overdue : 0;
    const schedule = new Schedule({ ...scenario, tick }, realms, choices, words, recorder);
    choices.schedule = schedule;
    recorder.schedule = schedule;
    const outcome = schedule.run(memory, BYTES);
    if (outcome.kind !== 'held') throw new Error(`${JSON.stringify(outcome)}\n${recorder.lines.join('\n')}`);
    return recorder.made.lines;
  };
}

// ---------------------------------------------------------------------------------------------------- the model

const NONE = -1;

const core = loadCore(readFileSync(CORE));

/** A thread of the model, driven directly: what it asks for is answered on the spot. */
class ModelThread {
  readonly name: string;
  readonly inbox: number;
  private readonly run: ModelRun;
  private readonly body: (from?: unknown) => Script<unknown>;
  private known: Known | undefined;
  /** What was in its inbox when its last turn was over: whatever came since came behind its look into it. */
  private seen = 0;

  constructor(run: ModelRun, name: string, inbox: number, body: (from?: unknown) => Script<unknown>) {
    this.run = run;
    this.name = name;
    this.inbox = inbox;
    this.body = body;
  }

  /** A turn in which this task goes on, or gives up; or, with NONE, the thread looks into its inbox. */
  turn(task: number): void {
    const { run, inbox } = this;
    const { world, calls } = run;
    const waiters = new Set<number>();
    for (const { numbers } of this.known?.standing ?? []) if (numbers[0]) waiters.add(numbers[0].waiter as number);
    for (const { proxy } of this.known?.queues ?? []) waiters.add(proxy.waiter as number);
    calls.turns(this.name, (waiter) => waiters.has(waiter));
    let begun = false;
    const answer = (request: Request): number => {
      switch (request.kind) {
        case 'choice':
          return !begun && request.results.includes(task) ? task : request.results[0]!;
        case 'sleep':
          if (begun) run.untilTold(this);
          return 0;
        case 'look':
          if (!begun && request.address === inbox) return this.look(task);
          begun = true;
          return world.peek(request.address);
        case 'call':
          begun = true;
          return run.call(this.name, request.name, request.args as number[]);
        default:
          throw new Error(`a thread with tasks does not ask for a ${request.kind}`);
      }
    };
    const script = this.body(this.known);
    let asked = script.next();
    while (!asked.done) asked = script.next(answer(asked.value));
    this.known = asked.value as Known | undefined;
    this.seen = world.peek(inbox);
  }

  private look(task: number): number {
    if (task === NONE) return this.run.world.peek(this.inbox);
    if (this.seen !== 0) throw new Error(`${this.name} would look into its inbox before task ${task + 1} goes on`);
    return 0;
  }

  /** Until it has seen all that was in its inbox. */
  looks(): void {
    while (this.known && (this.known.told !== 0 || this.run.world.peek(this.inbox) !== 0)) this.turn(NONE);
  }
}

class ModelRun {
  readonly calls = new Calls();
  readonly world = new ModelWorld(core, { threads: 2 });
  private readonly threads = new Map<string, ModelThread>();
  private readonly owners = new Map<number, string>();
  private readonly events: readonly Event[];
  private next = 0;

  constructor(program: Program) {
    const { world, calls } = this;
    const { recursive = false, parties = 2 } = program;
    this.events = eventsOf(program);
    const lock = recursive ? world.rlock() : world.lock();
    const primitives = {
      lock,
      semaphore: world.semaphore(1),
      event: world.event(),
      barrier: world.barrier(parties),
      condition: world.condition(lock),
    };
    for (const [name, { cell, stamp }] of Object.entries(primitives)) calls.knows(name, cell, stamp);
    for (const [t, name] of ['A', 'B'].entries()) {
      const me = world.threads[t]!;
      calls.named.set(me, name);
      const owners = new Map<string, number>();
      for (const { thread, owner } of this.events)
        if (owner !== undefined && thread === name && !owners.has(owner)) owners.set(owner, world.task(me));
      for (const [owner, cell] of owners) this.owners.set(cell, owner);
      const tasks: Step[][] = [];
      for (const event of this.events) {
        const owner = event.owner === undefined ? undefined : owners.get(event.owner)!;
        const step = event.thread === name && stepOf(event, primitives, me, owner, program);
        if (!step) continue;
        tasks[event.task - 1] ??= [];
        tasks[event.task - 1]!.push(step);
      }
      const body = eventLoop(world, me, tasks, { overdue: program.overdue !== undefined });
      this.threads.set(name, new ModelThread(this, name, me + abi.THREAD_INBOX, body));
    }
  }

  run(): readonly string[] {
    while (this.next < this.events.length) this.happen();
    return this.calls.lines;
  }

  private happen(): void {
    const { thread, task, verb } = this.events[this.next++]!;
    const actor = this.threads.get(thread)!;
    if (verb === 'looks') actor.looks();
    else actor.turn(task - 1);
  }

  untilTold({ name, inbox }: ModelThread): void {
    while (this.world.peek(inbox) === 0) {
      if (this.events[this.next]?.thread === name) throw new Error(`${name} sleeps, and cannot go on`);
      this.happen();
    }
  }

  call(thread: string, name: string, args: readonly number[]): number {
    const result = this.world.call(name, ...args);
    this.calls.add(thread, name, args, result, (cell) => this.owners.get(cell));
    return result;
  }
}

type Primitives = Readonly<Record<'lock' | 'semaphore' | 'event' | 'barrier' | 'condition', Primitive>>;

/** A call, and nothing else. */
const calling = (name: string, ...args: number[]): Step =>
  function* () {
    yield { kind: 'call', name, args };
  };

/** What a task does when this happens; undefined when it is not the task that does something. */
function stepOf(
  { thread, verb, what }: Event,
  { lock, semaphore, event, barrier, condition }: Primitives,
  me: number,
  owner: number | undefined,
  { recursive = false, action = false }: Program,
): Step | undefined {
  const acting = action && thread === 'A';
  const name = recursive ? (owner ?? me) : me;
  const broken = (to: number): Step =>
    calling('barrierEnd', barrier.cell, barrier.stamp, me, 0, abi.ANY, abi.STATE_BROKEN, to);
  const ended = (verdict: number, to: number): Step =>
    function* (_index, generation) {
      const args = [barrier.cell, barrier.stamp, me, generation, abi.ACTION, verdict, to];
      yield { kind: 'call', name: 'barrierEnd', args };
    };
  const tries = recursive ? 'rlockAcquire' : 'lockAcquire';
  switch (`${verb} ${what}`) {
    case 'acquires lock':
      return waits(recursive ? acquiringRLock(lock, owner!) : acquiringLock(lock, me), SOON);
    case 'acquires semaphore':
      return waits(acquiringPermit(semaphore, me), SOON);
    case 'tries lock':
      return calling(tries, lock.cell, lock.stamp, me, 0);
    case 'asks lock':
      return calling(tries, lock.cell, lock.stamp, recursive ? name : me | abi.HELD_BY_TASK, 0);
    case 'asks semaphore':
    case 'tries semaphore':
      return calling('semAcquire', semaphore.cell, semaphore.stamp, me, 0);
    case 'blocks lock':
      return recursive ? blockForRLock(lock, me) : blockForLock(lock, me);
    case 'blocks condition':
      return blockForNotify(condition, lock, me, recursive);
    case 'releases lock':
      return recursive ? releaseRLock(lock, name) : releaseLock(lock, me);
    case 'releases semaphore':
      return releasePermit(semaphore, me);
    case 'asks event':
    case 'tries event':
      return calling('eventWait', event.cell, event.stamp, me, 0);
    case 'waits event':
      return waits(awaitingEvent(event, me), SOON);
    case 'waits barrier':
      return waits(meeting(barrier, acting), SOON);
    case 'waits condition':
      return waits(notification(condition, lock, recursive ? owner! : me | abi.HELD_BY_TASK, recursive), SOON);
    case 'sets event':
      return calling('eventSet', event.cell, event.stamp, me);
    case 'clears event':
      return calling('eventClear', event.cell, event.stamp);
    case 'notifies condition':
      return calling('condNotify', condition.cell, condition.stamp, name, 1, Number(recursive));
    case 'breaks barrier':
      return broken(abi.BROKEN);
    case 'resets barrier':
      return broken(abi.FILLING);
    case 'ends barrier':
      return ended(abi.STATE_GRANTED, abi.FILLING);
    case 'fails barrier':
      return ended(abi.STATE_BROKEN, abi.BROKEN);
    default:
      if (['looks', 'expires', 'cancels'].includes(verb)) return undefined;
      throw new Error(`nobody ${verb} ${what}`);
  }
}

export function callsOfModel(program: Program): readonly string[] {
  return new ModelRun(program).run();
}
