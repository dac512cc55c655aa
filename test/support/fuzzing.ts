/** What one of the threads of fuzz.ts does, all of it: it travels as text, and sees its arguments only. */
import type * as threading from 'lockwork';

/** Where things are in the shared words, in words. */
export const AT = {
  /** Whether somebody failed. */
  stop: 0,
  /** How many rounds have begun; -1: no more. */
  round: 1,
  arrived: 2,
  /** Bytes of the arena that were used when the round began, and arrays of `reuse` that are there now. */
  used: 3,
  arrays: 4,
  /** A sign of life of the first thread, and how often the others have looked at the same. */
  beat: 5,
  made: 6,
  /** How many know all primitives of the round. */
  attached: 7,
  /** When the first round began: ms after `Plan.epoch`. */
  began: 8,
  /** For each primitive of the round ITEM words: what a handle is made of. */
  items: 16,
  ITEM: 8,
  /** For each actor the operation that it is about to begin, and at which primitive. */
  actors: 160,
  ACTORS: 8,
  /** For each primitive of the round words that it protects, or what was counted at it. */
  data: 256,
  DATA: 32,
  end: 768,
} as const;

export const OPS = [
  'nothing',
  'acquire',
  'acquireAsync',
  'tryAcquire',
  'hold',
  'holdAsync',
  'with',
  'withAsync',
  'acquire again',
  'acquireAsync again',
  'release',
  'inside',
  'set',
  'clear',
  'wait',
  'waitAsync',
  'wait for a change',
  'waitAsync for a change',
  'notify',
  'notifyAll',
  'abort',
  'reset',
  'action',
  'destroy',
  'compute',
  'make',
  'the last checks',
  'free arrays',
  'wait for the next round',
] as const;

export const KINDS = ['Lock', 'RLock', 'Semaphore', 'BoundedSemaphore', 'Event', 'Barrier', 'Condition'] as const;

export interface Plan {
  arena: threading.Arena;
  ctl: Int32Array;
  at: typeof AT;
  ops: typeof OPS;
  kinds: typeof KINDS;
  family: string;
  seed: number;
  /** Which of `parties` threads this is. The first does not block. */
  me: number;
  parties: number;
  /** To run this round again and again. */
  only: number | undefined;
  /** Of Date.now(), which all threads have in common. */
  epoch: number;
  /** How long rounds are begun, after the first: threads take their time to start. */
  ms: number;
}

export async function take(plan: Plan, api: typeof threading): Promise<{ rounds: number; operations: number }> {
  const { arena, ctl, at, ops, kinds, family, seed, me, parties, only, epoch, ms } = plan;
  const { Lock, RLock, Semaphore, BoundedSemaphore, Event, Barrier, Condition, Owner } = api;
  type Guard = threading.Guard;
  type Owner = threading.Owner;
  type AnyLock = threading.Lock | threading.RLock;
  type Op = (typeof ops)[number];
  type Kind = (typeof kinds)[number];

  // ---------------------------------------------------------------------------------------------------- choices

  const mix = (a: number, b: number): number => {
    let hash = Math.imul(a ^ (b + 0x9e3779b9), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  };
  /** mulberry32. The same choices come from the same numbers, whatever the others do meanwhile. */
  class Dice {
    state: number;
    constructor(...path: number[]) {
      this.state = path.reduce(mix, seed);
    }
    next(): number {
      this.state = (this.state + 0x6d2b79f5) | 0;
      let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    }
    of(sides: number): number {
      return Math.floor(this.next() * sides);
    }
    chance(share: number): boolean {
      return this.next() < share;
    }
    one<T>(list: readonly T[]): T {
      return list[this.of(list.length)]!;
    }
  }
  const WORLD = 1001;
  const UNITS = 1002;

  // ---------------------------------------------------------------------------------------------------- time

  const channel = new MessageChannel();
  const turns: (() => void)[] = [];
  channel.port1.onmessage = () => turns.shift()?.();
  /** The event loop turns: all that was settled before has gone on. */
  const turn = () =>
    new Promise<void>((resolve) => {
      turns.push(resolve);
      channel.port2.postMessage(0);
    });
  const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  /** Up to some 20 µs, mostly much less. */
  const spin = (dice: Dice) => {
    for (let left = dice.next() ** 4 * 20_000; left > 0; left--);
  };

  // ---------------------------------------------------------------------------------------------------- actors

  let operations = 0;
  let round = 0;
  const codes = new Map(ops.map((name, code) => [name, code]));
  const failed = (what: string): never => {
    throw new Error(what);
  };

  /** The thread itself, which blocks, or one of its tasks. */
  class Actor {
    readonly id: number;
    readonly #place: number;
    readonly blocks: boolean;
    dice: Dice;
    constructor(
      readonly index: number,
      blocks = false,
    ) {
      this.id = me * at.ACTORS + index + 1;
      this.#place = at.actors + this.id - 1;
      this.blocks = blocks;
      this.dice = new Dice(round, me, index);
    }
    op(name: Op, place = 15): void {
      operations++;
      Atomics.store(ctl, this.#place, codes.get(name)! + place * 256 + 2 ** 16);
    }
    rest(): void {
      Atomics.store(ctl, this.#place, 0);
    }
    /** Choices of one step depend on nothing that happened before. */
    step(number: number): void {
      this.dice = new Dice(round, me, this.index, number);
    }
    /** ms. */
    patience(): number {
      const { dice } = this;
      const kind = dice.of(8);
      if (kind < 1) return 0;
      if (kind < 3) return dice.next();
      if (kind < 4) return 5 * dice.next();
      return Infinity;
    }
  }

  /** What this thread's tasks hold at the moment, how many there are, and what they had done when they were calm. */
  let tasksHold = 0;
  let tasks = 0;
  let calmed = 0;
  const holds = (actor: Actor, change: number) => {
    if (!actor.blocks) tasksHold += change;
  };
  /**
   * After a turn, in which a thread hears of what its tasks were given, and in which WebKit may run what a `waitAsync`
   * before it left to be done: until none of its tasks does anything.
   */
  const calm = async (): Promise<void> => {
    if (tasks === 0) return;
    await turn();
    calmed = operations;
    for (let steps = 0; steps < 30; steps++) {
      await undefined;
      if (operations !== calmed) [steps, calmed] = [0, operations];
    }
  };
  /**
   * Whether this thread may block for as long as it takes: not while its tasks, which stand still meanwhile, hold what
   * others wait for. A task may begin something between the end of `calm` and what awaited that: so asked at once
   * before the thread blocks.
   */
  const quiet = (): boolean => tasks === 0 || (tasksHold === 0 && operations === calmed);

  // ---------------------------------------------------------------------------------------------------- aborts

  const controllers = new Set<AbortController>();
  const off = 'off';
  /** Options of a task's wait; some are about to be aborted: at once, soon, by another task, or by nobody. */
  const options = (actor: Actor, timeout = actor.patience()): { timeout?: number; signal?: AbortSignal } => {
    const { dice } = actor;
    const limits = timeout === Infinity && dice.chance(0.5) ? {} : { timeout };
    const kind = dice.of(10);
    if (kind > 4) return limits;
    const controller = new AbortController();
    const abort = () => controller.abort(off);
    controllers.add(controller);
    if (kind === 0) abort();
    else if (kind === 1) queueMicrotask(abort);
    else if (kind === 2) void turn().then(abort);
    else if (kind === 3) setTimeout(abort, dice.next() * 2);
    return { ...limits, signal: controller.signal };
  };
  const abortOthers = (dice: Dice) => {
    if (!dice.chance(0.2)) return;
    for (const controller of controllers) {
      controllers.delete(controller);
      controller.abort(off);
      if (dice.chance(0.5)) break;
    }
  };

  // ---------------------------------------------------------------------------------------------------- arrays

  /** Arrays in the place of what was destroyed; nobody may write there any more. */
  let arrays: { array: Int32Array; fill: number; what: string }[] = [];
  /** Takes a free cell for an array: what was destroyed there must be forgotten by everybody. */
  const reuse = (address: number, what: string, dice: Dice) => {
    const fill = dice.one([0, 0, -1, 1, dice.of(2 ** 31)]);
    for (let tries = 0; tries < 256; tries++) {
      let array: Int32Array;
      try {
        array = arena.allocate(Int32Array, 16);
      } catch (error) {
        if (error instanceof api.OutOfMemoryError) return;
        throw error;
      }
      if (array.byteOffset === address) {
        array.fill(fill);
        Atomics.add(ctl, at.arrays, 1);
        arrays.push({ array, fill, what: `${what} of round ${round}` });
        return;
      }
      arena.free(array);
    }
  };
  const check = () => {
    for (const { array, fill, what } of arrays) {
      if (array.some((word) => word !== fill)) failed(`the array in the place of ${what} was ${fill}, and is ${array}`);
    }
  };
  /** All but those that were made last. */
  const freeArrays = (but: typeof arrays) => {
    check();
    for (const each of arrays) {
      if (but.includes(each)) continue;
      arena.free(each.array);
      Atomics.sub(ctl, at.arrays, 1);
    }
    arrays = but;
  };

  // ---------------------------------------------------------------------------------------------------- primitives

  type It =
    | threading.Lock
    | threading.RLock
    | threading.Semaphore
    | threading.Event
    | threading.Barrier
    | threading.Condition;
  type HoldableIt = threading.Lock | threading.RLock | threading.Semaphore | threading.Condition;

  interface Spec {
    kind: Kind;
    /** Permits, or parties. */
    n?: number;
    /** A Condition's; its own when there is none. */
    lock?: 'Lock' | 'RLock';
    /** How many will be done with it before it may be destroyed. */
    users?: number;
  }
  interface Item {
    readonly place: number;
    readonly kind: Kind;
    readonly it: It;
    readonly n: number;
    readonly data: Int32Array;
    readonly users: number;
    /** A Condition's, when it is not its own. */
    readonly lock: AnyLock | undefined;
    /** Of a Barrier, as a task comes to it: its action is async. */
    readonly asTask: threading.Barrier | undefined;
    /** In which it is locked, for mutual exclusion. */
    readonly recursive: boolean;
    readonly holdable: boolean;
  }

  // Words of an item's data.
  const OWNER = 0;
  const COUNT = 1;
  const INSIDE = 2;
  const ENTERED = 3;
  const GENERATION = 4;
  const CLOSED = 5;
  const INDEX = 8;
  const ACTIONS = 24;
  const ACTING = 25;
  // Words of an item.
  const [KIND, ADDRESS, STAMP, LOCK, LOCK_ADDRESS, LOCK_STAMP, N, USERS] = [0, 1, 2, 3, 4, 5, 6, 7];

  const make = (specs: readonly Spec[]) => {
    ctl.fill(0, at.data, at.end);
    specs.forEach((spec, place) => {
      const { kind, n = 1, users = parties } = spec;
      const lock =
        spec.lock === 'Lock' ? new Lock({ arena }) : spec.lock === 'RLock' ? new RLock({ arena }) : undefined;
      const it: It = {
        Lock: () => new Lock({ arena }),
        RLock: () => new RLock({ arena }),
        Semaphore: () => new Semaphore(n, { arena }),
        BoundedSemaphore: () => new BoundedSemaphore(n, { arena }),
        Event: () => new Event({ arena }),
        Barrier: () => new Barrier(n, { arena }),
        Condition: () => new Condition(lock, { arena }),
      }[kind]();
      const theirs = it.kind === 'Condition' ? (it as threading.Condition).lock : undefined;
      const words = ctl.subarray(at.items + place * at.ITEM);
      words[KIND!] = kinds.indexOf(kind);
      words[ADDRESS!] = it.address;
      words[STAMP!] = it.stamp;
      words[LOCK!] = theirs ? (lock ? 1 : 2) + (theirs.kind === 'RLock' ? 2 : 0) : 0;
      words[LOCK_ADDRESS!] = theirs?.address ?? 0;
      words[LOCK_STAMP!] = theirs?.stamp ?? 0;
      words[N!] = n;
      words[USERS!] = users;
    });
    Atomics.store(ctl, at.attached, 0);
    Atomics.store(ctl, at.made, specs.length);
  };

  class Boom extends Error {}

  /** A thread's view of all that there is in this round. */
  const attachAll = (): Item[] =>
    Array.from({ length: Atomics.load(ctl, at.made) }, (_, place) => {
      const words = ctl.subarray(at.items + place * at.ITEM);
      const { memory } = arena;
      const kind = kinds[words[KIND!]!]!;
      const theirs = words[LOCK!]!;
      const lock = {
        kind: theirs > 2 ? 'RLock' : 'Lock',
        memory,
        address: words[LOCK_ADDRESS!],
        stamp: words[LOCK_STAMP!],
      };
      const handle = { kind, memory, address: words[ADDRESS!]!, stamp: words[STAMP!]!, ...(theirs && { lock }) };
      const data = ctl.subarray(at.data + place * at.DATA, at.data + (place + 1) * at.DATA);
      let it = api.attach(handle as never) as It;
      let asTask: threading.Barrier | undefined;
      const dice = new Dice(round, me, UNITS, place);
      if (it instanceof Barrier) {
        const { parties } = it;
        const faulty = /^barrier|^mixed/.test(family) && dice.chance(0.15);
        const slow = dice.chance(0.5);
        const acts = dice.chance(0.6);
        const begin = () => {
          Atomics.add(data, ACTING, 1);
          Atomics.add(data, ACTIONS, 1);
        };
        const end = () => {
          Atomics.sub(data, ACTING, 1);
          if (faulty && dice.chance(0.3)) throw new Boom('boom');
        };
        if (acts) {
          const action = () => {
            begin();
            spin(dice);
            end();
          };
          const actionAsync = async () => {
            begin();
            await (slow ? sleep(dice.next() * 2) : turn());
            end();
          };
          it = Barrier.from(handle as threading.Handle<'Barrier'>, { action });
          asTask = Barrier.from(handle as threading.Handle<'Barrier'>, { action: actionAsync });
        }
        if (parties !== words[N!]) failed(`a Barrier of ${words[N!]} has ${parties} parties`);
      }
      return {
        place,
        kind,
        it,
        n: words[N!]!,
        data,
        users: words[USERS!]!,
        lock: theirs === 1 || theirs === 3 ? (it as threading.Condition).lock : undefined,
        asTask,
        recursive: kind === 'RLock' || theirs > 2,
        holdable: kind !== 'Event' && kind !== 'Barrier',
      };
    });

  /** One user less; whether it was the last. */
  const done = (item: Item): boolean => Atomics.sub(ctl, at.items + item.place * at.ITEM + USERS!, 1) === 1;

  /** @param alone whether nobody else does anything here any more */
  const destroy = (actor: Actor, item: Item, it: It | AnyLock = item.it, alone = false) => {
    actor.op('destroy', item.place);
    const dice = new Dice(round, me, actor.index, 77 + it.address);
    it.destroy();
    if (alone) {
      let error: unknown;
      try {
        void it.waiters;
      } catch (thrown) {
        error = thrown;
      }
      if (!(error instanceof api.ThreadingError))
        failed(`${it.kind} (#${item.place}): used after it was destroyed: ${error}`);
    }
    if (it instanceof Condition && !item.lock) reuse(it.lock.address, `${it.lock}`, dice);
    reuse(it.address, `${it.kind} (#${item.place})`, dice);
  };

  // ---------------------------------------------------------------------------------------------------- exclusion

  const alone = ({ kind, n }: Item) => (kind !== 'Semaphore' && kind !== 'BoundedSemaphore') || n === 1;

  const enter = (actor: Actor, item: Item) => {
    holds(actor, 1);
    const { data, it } = item;
    const inside = Atomics.add(data, INSIDE, 1);
    if (inside >= (alone(item) ? 1 : item.n)) failed(`${inside + 1} are inside ${it} (#${item.place}) of ${item.n}`);
    Atomics.add(data, ENTERED, 1);
    if (!alone(item)) return;
    if (data[OWNER] !== 0) failed(`${actor.id} is inside ${it} (#${item.place}), and so is ${data[OWNER]}`);
    data[OWNER] = actor.id;
    data[COUNT]!++;
  };
  const leave = (actor: Actor, item: Item) => {
    const { data, it } = item;
    if (alone(item)) {
      if (data[OWNER] !== actor.id) failed(`${actor.id} is inside ${it} (#${item.place}), and so was ${data[OWNER]}`);
      data[OWNER] = 0;
    }
    Atomics.sub(data, INSIDE, 1);
    holds(actor, -1);
  };

  /** Nobody of this thread has it in the thread's name, unless an actor says so. */
  const notOwned = ({ it, place }: Item) => {
    const lock = it instanceof Condition ? it.lock : it;
    if (!(lock instanceof RLock)) return;
    if (lock.owned || lock.recursionCount !== 0)
      failed(`${lock} (#${place}) is owned by a thread that did not acquire it`);
  };

  const deadlockAllowed = (error: unknown) => {
    if (!(error instanceof api.DeadlockError) || tasks === 0) throw error;
  };

  /** Acquires it once, in one of many ways. */
  const acquire = async (
    actor: Actor,
    item: Item,
    patience: number,
  ): Promise<{ guard?: Guard; owner?: Owner } | false> => {
    const { it, place, recursive } = item as { it: HoldableIt; place: number; recursive: boolean };
    const { dice } = actor;
    const direct = it instanceof Condition && dice.chance(0.3) ? it.lock : it;
    if (actor.blocks) {
      const how = dice.of(4);
      if (patience === Infinity) await calm();
      notOwned(item);
      const late = patience === Infinity && !quiet() ? dice.next() : patience;
      try {
        if (how === 0) {
          actor.op('tryAcquire', place);
          return direct.tryAcquire() && {};
        }
        if (how === 1) {
          actor.op('hold', place);
          return { guard: direct.hold(late) };
        }
        actor.op('acquire', place);
        const held = late === Infinity && dice.chance(0.5) ? direct.acquire() : direct.acquire(late);
        if (!held && late === Infinity) failed(`acquire() of ${it} (#${place}) answered false`);
        return held && {};
      } catch (error) {
        if (error instanceof api.TimeoutError && late < Infinity) return false;
        deadlockAllowed(error);
        return false;
      }
    }
    const owner = recursive ? new Owner() : undefined;
    const how = dice.of(5);
    const wait = { ...options(actor, patience), owner };
    try {
      if (how === 0) {
        actor.op('tryAcquire', place);
        // In a thread's name no task acquires an RLock.
        if (!recursive) return direct.tryAcquire() && {};
      }
      if (how < 3) {
        actor.op('holdAsync', place);
        const guard = await direct.holdAsync(dice.chance(0.5) ? wait : { ...wait, owner: undefined });
        return { guard, ...(guard.owner && { owner: guard.owner }) };
      }
      actor.op('acquireAsync', place);
      const held = await direct.acquireAsync(wait);
      if (!held && (wait.timeout ?? Infinity) === Infinity)
        failed(`acquireAsync() of ${it} (#${place}) answered false`);
      return held && { ...(owner && { owner }) };
    } catch (error) {
      if (error === off && wait.signal?.aborted) return false;
      if (error instanceof api.TimeoutError && wait.timeout !== undefined) return false;
      throw error;
    }
  };
  const release = (actor: Actor, { it, place }: Item, { guard, owner }: { guard?: Guard; owner?: Owner }) => {
    actor.op('release', place);
    if (guard) guard.release();
    else if (owner) (it as threading.RLock).release({ owner });
    else (it as threading.Lock).release();
  };

  /** What is done with what is held. `depth`: how often a thread has it. */
  const inside = async (
    actor: Actor,
    item: Item,
    owner: Owner | undefined,
    step?: () => Promise<void>,
  ): Promise<void> => {
    const { dice } = actor;
    const { it, place, recursive, kind } = item;
    const lock = (it instanceof Condition ? it.lock : it) as threading.RLock;
    actor.op('inside', place);
    if (kind !== 'Semaphore' && kind !== 'BoundedSemaphore') {
      if (!lock.locked) failed(`${it} (#${place}) is held, and not locked`);
      if (!recursive && lock.tryAcquire()) failed(`${it} (#${place}) is held, and was acquired once more`);
    } else if ((it as threading.Semaphore).value >= item.n)
      failed(`${it} (#${place}): all permits are free, and one is held`);
    let depth = 1;
    if (recursive) {
      for (; dice.chance(0.3) && depth < 4; depth++) {
        if (actor.blocks) {
          actor.op('acquire again', place);
          if (!(dice.chance(0.5) ? lock.tryAcquire() : lock.acquire(dice.one([0, 1, Infinity]))))
            failed('not acquired again');
        } else {
          actor.op('acquireAsync again', place);
          if (!(await lock.acquireAsync({ owner, timeout: dice.one([0, 1, Infinity]) }))) failed('not acquired again');
        }
      }
    }
    const counted = () => {
      if (!recursive || !actor.blocks) return;
      if (!lock.owned) failed(`${lock} (#${place}) is held, and not owned`);
      if (lock.recursionCount !== depth)
        failed(`${lock} (#${place}) is held ${depth} times, not ${lock.recursionCount}`);
    };
    counted();
    spin(dice);
    if (it instanceof Condition) {
      const as = owner && { owner };
      const kind = dice.of(4);
      if (kind === 0) {
        item.data[GENERATION]!++;
        actor.op('notifyAll', place);
        it.notifyAll(as);
      } else if (kind === 1) {
        actor.op('notify', place);
        it.notify(dice.of(3), as);
      } else await change(actor, item, owner);
      counted();
    }
    if (dice.chance(0.1)) await turn();
    if (dice.chance(0.02)) await sleep(dice.next() * 2);
    if (step && dice.chance(0.3)) await step();
    counted();
    for (; depth > 1; depth--) {
      actor.op('release', place);
      lock.release(owner && { owner });
      if (actor.blocks && lock.recursionCount !== depth - 1)
        failed(`${lock} (#${place}): ${lock.recursionCount} at depth ${depth - 1}`);
    }
  };

  /** Waits for a change of what a Condition's lock protects, or for its end; or once, for some time. */
  const change = async (actor: Actor, item: Item, owner: Owner | undefined): Promise<void> => {
    const { data, place } = item;
    const it = item.it as threading.Condition;
    const { dice } = actor;
    const generation = data[GENERATION]!;
    const same = () => data[GENERATION] === generation && data[CLOSED] === 0;
    const patience = actor.patience();
    // What its tasks are given in the midst of waitFor() they keep, though they stand still until it returns.
    const whole = dice.chance(0.3) && !(actor.blocks && tasks > 0);
    while (same()) {
      if (actor.blocks) {
        await calm();
        if (!quiet()) return;
      }
      leave(actor, item);
      let told: boolean;
      try {
        if (actor.blocks) {
          actor.op('wait for a change', place);
          told = whole ? it.waitFor(() => !same(), patience) : it.wait(patience);
        } else {
          actor.op('waitAsync for a change', place);
          const wait = { ...options(actor, patience), owner };
          told = await (whole ? it.waitForAsync(() => !same(), wait) : it.waitAsync(wait)).catch((error) => {
            if (error !== off || !wait.signal?.aborted) throw error;
            return false;
          });
          if (wait.signal?.aborted && !told) {
            enter(actor, item);
            return;
          }
        }
      } catch (error) {
        // It holds the lock again, whatever happened.
        if (error instanceof api.DeadlockError)
          failed(`wait() of ${it} (#${place}) is refused, though no task holds its lock`);
        throw error;
      }
      enter(actor, item);
      if (!told && patience === Infinity) failed(`wait() of ${it} (#${place}) for ever answered false`);
      if (told && whole && same()) failed(`waitFor() of ${it} (#${place}) answered true, and it is not`);
      if (patience < Infinity) return;
    }
  };

  // ---------------------------------------------------------------------------------------------------- random steps

  const section = async (actor: Actor, items: readonly Item[], item: Item, depth: number): Promise<void> => {
    const { dice } = actor;
    const it = item.it as HoldableIt;
    const nested = () => step(actor, items, item.place + 1, depth + 1);
    if (dice.chance(0.15)) {
      if (actor.blocks) {
        await calm();
        if (!quiet()) return;
        notOwned(item);
        actor.op('with', item.place);
        it.with(() => {
          enter(actor, item);
          spin(dice);
          leave(actor, item);
        });
        notOwned(item);
        return;
      }
      const wait = options(actor);
      actor.op('withAsync', item.place);
      try {
        await it.withAsync(async ({ owner }) => {
          enter(actor, item);
          await inside(actor, item, owner, nested);
          leave(actor, item);
        }, wait);
      } catch (error) {
        if (
          !(error === off && wait.signal?.aborted) &&
          !(error instanceof api.TimeoutError && wait.timeout !== undefined)
        )
          throw error;
      }
      return;
    }
    const held = await acquire(actor, item, actor.patience());
    if (!held) return;
    enter(actor, item);
    await inside(actor, item, held.owner, nested);
    leave(actor, item);
    release(actor, item, held);
    if (actor.blocks) notOwned(item);
  };

  const happen = async (actor: Actor, item: Item): Promise<void> => {
    const { data, place } = item;
    const it = item.it as threading.Event;
    const { dice } = actor;
    const kind = dice.of(5);
    if (kind === 0) {
      actor.op('set', place);
      it.set();
    } else if (kind === 1) {
      actor.op('clear', place);
      it.clear();
      // An actor that cleared it after its end makes good for that.
      if (Atomics.load(data, CLOSED)) it.set();
    } else {
      const patience = actor.patience();
      if (actor.blocks) {
        if (patience === Infinity) await calm();
        const late = patience === Infinity && !quiet() ? dice.next() : patience;
        actor.op('wait', place);
        if (!it.wait(late) && late === Infinity) failed(`wait() of ${it} (#${place}) answered false`);
      } else {
        const wait = options(actor, patience);
        actor.op('waitAsync', place);
        const told = await it.waitAsync(wait).catch((error) => {
          if (error !== off || !wait.signal?.aborted) throw error;
          return undefined;
        });
        if (told === false && patience === Infinity) failed(`waitAsync() of ${it} (#${place}) answered false`);
      }
    }
  };

  const meetUp = async (actor: Actor, item: Item): Promise<void> => {
    const { data, place, n, asTask } = item;
    const it = item.it as threading.Barrier;
    const { dice } = actor;
    const kind = dice.of(12);
    const mend = () => {
      actor.op('reset', place);
      it.reset();
      if (Atomics.load(data, CLOSED)) it.abort();
    };
    if (kind === 0) {
      actor.op('abort', place);
      it.abort();
      return;
    }
    if (kind === 1) return mend();
    if (it.broken && dice.chance(0.8)) mend();
    const patience = actor.patience() || dice.next();
    let index: number;
    try {
      if (actor.blocks) {
        if (patience === Infinity) await calm();
        const late = patience === Infinity && !quiet() ? dice.next() : patience;
        actor.op('wait', place);
        index = it.wait(late);
      } else {
        const wait = options(actor, patience);
        actor.op('waitAsync', place);
        index = await (asTask ?? it).waitAsync(wait).catch((error) => {
          if (error === off && wait.signal?.aborted) return -1;
          throw error;
        });
      }
    } catch (error) {
      if (error instanceof api.BrokenBarrierError || error instanceof Boom) return;
      if (actor.blocks) return deadlockAllowed(error);
      throw error;
    }
    if (index >= n) failed(`${index} at ${it} (#${place}) of ${n}`);
    if (index >= 0) Atomics.add(data, INDEX + index, 1);
  };

  /** One thing to do, at some item from this place on: an actor that holds several acquired them in their order. */
  const step = async (actor: Actor, items: readonly Item[], from: number, depth: number): Promise<void> => {
    const { dice } = actor;
    abortOthers(dice);
    const possible = items.filter(({ place, holdable }) => !holdable || place >= from);
    if (!possible.length || depth > 2) return;
    const item = dice.one(possible);
    if (item.kind === 'Event') return happen(actor, item);
    if (item.kind === 'Barrier') return meetUp(actor, item);
    await section(actor, items, item, depth);
    if (actor.blocks && item.recursive && dice.chance(0.3)) {
      // What its tasks get meanwhile is not the thread's.
      actor.op('compute', item.place);
      const lock = (item.it instanceof Condition ? item.it.lock : item.it) as threading.RLock;
      for (let looks = dice.next() ** 3 * 20_000; looks > 0; looks--) {
        if (looks % 16 < 1) notOwned(item);
        if (looks % 128 < 1 && lock.tryAcquire()) {
          enter(actor, item);
          leave(actor, item);
          lock.release();
        }
      }
    }
  };

  /** The end of all waits that have none: nobody changes anything back from now on. */
  const close = async (items: readonly Item[]): Promise<void> => {
    await Promise.all(
      items.map(async (item) => {
        const actor = new Actor(7);
        const { it, data, place } = item;
        if (it instanceof Event) {
          Atomics.store(data, CLOSED, 1);
          actor.op('set', place);
          it.set();
        } else if (it instanceof Barrier) {
          Atomics.store(data, CLOSED, 1);
          actor.op('abort', place);
          it.abort();
        } else if (it instanceof Condition) {
          actor.op('withAsync', place);
          await it.withAsync(({ owner }) => {
            data[CLOSED] = 1;
            it.notifyAll(owner && { owner });
          });
        }
        actor.rest();
      }),
    );
  };

  /** Nobody uses it any more: it is as it was made. Then it is destroyed. */
  const retire = async (actor: Actor, item: Item): Promise<void> => {
    const { it, place, data, n } = item;
    actor.op('the last checks', place);
    const name = `${it} (#${place})`;
    if (it.waiters !== 0) failed(`${name}: nobody waits, and ${it.waiters} do`);
    if (data[INSIDE] !== 0) failed(`${name}: ${data[INSIDE]} are inside`);
    if (item.holdable && alone(item) && data[COUNT] !== data[ENTERED]) {
      failed(`${name}: ${data[ENTERED]} were inside, and ${data[COUNT]} were counted`);
    }
    const dice = new Dice(round, place, 55);
    if (it instanceof Lock || it instanceof RLock || it instanceof Condition) {
      const lock = it instanceof Condition ? it.lock : it;
      if (lock.waiters !== 0) failed(`${name}: nobody waits for its lock, and ${lock.waiters} do`);
      if (lock.locked) failed(`${name}: nobody holds it, and it is locked`);
      if (dice.chance(0.2)) {
        if (!lock.tryAcquire()) failed(`${name}: nobody holds it, and it is not to be had`);
        lock.release();
      }
    } else if (it instanceof Semaphore) {
      if (it.value !== n) failed(`${name}: ${it.value} of ${n} permits are there`);
      if (it instanceof BoundedSemaphore && dice.chance(0.2)) {
        let error: unknown;
        try {
          it.release();
        } catch (thrown) {
          error = thrown;
        }
        if (!(error instanceof api.OverReleaseError) || it.value !== n) failed(`${name}: released too often: ${error}`);
      }
    } else if (it instanceof Barrier) {
      if (it.waiting !== 0) failed(`${name}: nobody is there, and ${it.waiting} are waiting`);
      const counts = data.subarray(INDEX, INDEX + n);
      if (counts.some((count) => count !== counts[0])) failed(`${name}: as often had each index: ${counts}`);
      if (data[ACTING] !== 0) failed(`${name}: ${data[ACTING]} actions run`);
      if (dice.chance(0.3)) {
        it.reset();
        const indexes = await Promise.all(Array.from({ length: n }, () => Barrier.from(it).waitAsync()));
        if (indexes.some((index, place) => index !== place)) failed(`${name}: alone there, ${n} were ${indexes}`);
        if (it.waiters !== 0 || it.waiting !== 0) failed(`${name}: ${it.waiters} wait after that`);
      }
    }
    destroy(actor, item, it, true);
    if (item.lock) destroy(actor, item, item.lock, true);
  };

  /** Random steps of this thread and its tasks. */
  const wander = async (items: readonly Item[]): Promise<void> => {
    const dice = new Dice(round, me, WORLD);
    const blocks = me > 0 && dice.chance(0.75);
    const count = blocks ? dice.one([0, 0, 0, 1, 2, 3]) : 1 + dice.of(4);
    const steps = 1 + dice.of(6);
    const walk = async (actor: Actor) => {
      for (let number = 0; number < steps; number++) {
        actor.step(number);
        await step(actor, items, 0, 0);
      }
      actor.rest();
    };
    const all = Array.from({ length: count }, async (_, index) => {
      tasks++;
      await walk(new Actor(index + 1)).finally(() => tasks--);
    });
    if (blocks) all.push(walk(new Actor(0, true)));
    if (me === 0) {
      all.push(
        (async () => {
          for (let left = dice.of(3); left > 0; left--) await turn();
          if (dice.chance(0.2)) await sleep(dice.next() * 3);
          await close(items);
        })(),
      );
    }
    await Promise.all(all);
    controllers.clear();
    const last = new Actor(6);
    for (const item of items) if (done(item)) await retire(last, item);
    last.rest();
  };

  // ---------------------------------------------------------------------------------------------------- changing places

  const swapUnits = () => 2 + new Dice(round, UNITS).of(2);
  /**
   * One thread waits for a Condition, and so do its tasks; a notify for one another may use. The others notify, one at
   * a time, and ask for the lock, so that it is handed over.
   */
  const swap = async ([item]: readonly Item[]): Promise<void> => {
    const it = item!.it as threading.Condition;
    const lock = it.lock as threading.RLock;
    const word = at.items + USERS!;
    if (me === 1) {
      const all = Array.from({ length: swapUnits() - 1 }, async (_, index) => {
        const actor = new Actor(index + 1);
        tasks++;
        actor.op('withAsync', 0);
        await it.withAsync(async ({ owner }) => {
          enter(actor, item!);
          leave(actor, item!);
          actor.op('waitAsync', 0);
          await it.waitAsync({ owner });
          enter(actor, item!);
          if (actor.dice.chance(0.5)) await turn();
          if (actor.dice.chance(0.3)) await sleep(actor.dice.next());
          leave(actor, item!);
        });
        actor.rest();
        tasks--;
        if (done(item!)) await retire(actor, item!);
      });
      const actor = new Actor(0, true);
      const { dice } = actor;
      for (let times = 1 + dice.of(3); times > 0; times--) {
        do await calm();
        while (!quiet());
        notOwned(item!);
        actor.op('acquire', 0);
        lock.acquire();
        enter(actor, item!);
        leave(actor, item!);
        actor.op('wait', 0);
        it.wait();
        enter(actor, item!);
        leave(actor, item!);
        actor.op('release', 0);
        lock.release();
        // What its tasks get meanwhile is not the thread's.
        actor.op('compute', 0);
        const [end, tries] = [performance.now() + 2 + dice.next() * 10, dice.chance(0.5)];
        while (performance.now() < end) {
          notOwned(item!);
          if (!tries || !lock.tryAcquire()) continue;
          enter(actor, item!);
          leave(actor, item!);
          lock.release();
        }
      }
      actor.rest();
      if (done(item!)) await retire(actor, item!);
      await Promise.all(all);
      return;
    }
    const compute = (ms: number, more: () => boolean) => {
      for (const end = performance.now() + ms; performance.now() < end && more(); );
    };
    // Until all of them are through.
    const others = async (actor: Actor) => {
      for (let number = 0; Atomics.load(ctl, word) > parties - 1; number++) {
        actor.step(number);
        const { dice } = actor;
        const notifies = parties === 2 || me === 2 ? dice.chance(0.8) : dice.chance(0.2);
        const patience = notifies ? Infinity : dice.chance(0.9) ? 1.2 + dice.next() * 2 : Infinity;
        const held = await acquire(actor, item!, patience);
        if (held) {
          enter(actor, item!);
          if (notifies) compute(dice.next() * 3, () => lock.waiters === 0);
          actor.op('notify', 0);
          if (notifies) it.notify(1, held.owner && { owner: held.owner });
          leave(actor, item!);
          release(actor, item!, held);
          // A waiter that is woken by that finds it taken again, and asks for it to be handed over.
          if (notifies && actor.blocks && dice.chance(0.7)) {
            actor.op('tryAcquire', 0);
            let again = false;
            for (let looks = 0; looks < 1_000 && !again; looks++) again = lock.tryAcquire();
            if (again) {
              enter(actor, item!);
              // Woken, it is in no queue for a moment.
              compute(dice.next(), () => true);
              compute(1 + dice.next() * 4, () => lock.waiters > 1);
              leave(actor, item!);
              actor.op('release', 0);
              lock.release();
            }
          }
        }
        if (dice.chance(0.5)) await turn();
      }
      actor.rest();
    };
    await Promise.all(me > 0 ? [others(new Actor(0, true))] : [others(new Actor(1)), others(new Actor(2))]);
    controllers.clear();
    if (done(item!)) await retire(new Actor(6), item!);
    new Actor(6).rest();
  };

  // ---------------------------------------------------------------------------------------------------- a bounded queue

  /** Some put, some get, as many; each wakes one waiter. Nothing else ever wakes anybody. */
  const exchange = async ([full, empty]: readonly Item[]): Promise<void> => {
    const world = new Dice(round, UNITS);
    const capacity = 1 + world.of(2);
    const puts = 4 + world.of(12);
    const putters = Array.from({ length: parties }, (_, party) => (party < 2 ? party === 1 : world.chance(0.5)));
    const [notFull, notEmpty] = [full!.it as threading.Condition, empty!.it as threading.Condition];
    // Both are of the same lock.
    const { data } = full!;
    const [LEVEL, PUT, GOT] = [INDEX, INDEX + 1, INDEX + 2];
    const dice = new Dice(round, me, WORLD);
    const one = async (actor: Actor, puts: boolean): Promise<void> => {
      const [mine, theirs] = puts ? [notFull, notEmpty] : [notEmpty, notFull];
      const free = () => (puts ? data[LEVEL]! < capacity : data[LEVEL]! > 0);
      let held: { guard?: Guard; owner?: Owner } | false = false;
      while (!held) held = await acquire(actor, full!, actor.patience());
      enter(actor, full!);
      for (let patience = actor.patience(); !free(); patience = actor.patience() || Infinity) {
        if (actor.blocks) await calm();
        const may = quiet();
        leave(actor, full!);
        if (actor.blocks) {
          actor.op('wait', full!.place);
          if (may) mine.wait(patience);
          else {
            // Its tasks must let go first.
            (mine as threading.Condition).release();
            await turn();
            while (!mine.tryAcquire()) await turn();
          }
        } else {
          actor.op('waitAsync', full!.place);
          const wait = { ...options(actor, patience), owner: held.owner };
          await mine.waitAsync(wait).catch((error) => {
            if (error !== off || !wait.signal?.aborted) throw error;
          });
        }
        enter(actor, full!);
      }
      data[LEVEL]! += puts ? 1 : -1;
      data[puts ? PUT : GOT]!++;
      actor.op('notify', full!.place);
      theirs.notify(1, held.owner && { owner: held.owner });
      if (actor.dice.chance(0.05)) await turn();
      leave(actor, full!);
      release(actor, full!, held);
    };
    const claims = (puts: boolean) => (puts ? INDEX + 3 : INDEX + 4);
    const role = async (actor: Actor, asPutter: boolean) => {
      for (let number = 0; Atomics.add(data, claims(asPutter), 1) < puts; number++) {
        actor.step(number);
        await one(actor, asPutter);
      }
      actor.rest();
    };
    const blocks = me > 0 && dice.chance(0.7);
    const count = blocks ? dice.one([0, 0, 1, 2]) : 1 + dice.of(3);
    // The first thread does both, and never blocks, so that both are done by somebody.
    const all = Array.from({ length: me === 0 ? 1 + count : count }, async (_, index) => {
      tasks++;
      await role(new Actor(index + 1), me === 0 ? index % 2 === 0 : putters[me]!).finally(() => tasks--);
    });
    if (blocks) all.push(role(new Actor(0, true), putters[me]!));
    await Promise.all(all);
    controllers.clear();
    const actor = new Actor(6);
    if (done(full!)) {
      const counts = [data[LEVEL], data[PUT], data[GOT]];
      if (counts.join() !== [0, puts, puts].join())
        failed(`${puts} were to be put and got: left, put and got were ${counts}`);
      actor.op('destroy', 1);
      notEmpty.destroy();
      reuse(notEmpty.address, 'Condition (#1)', dice);
      await retire(actor, full!);
    }
    actor.rest();
  };

  // ---------------------------------------------------------------------------------------------------- barriers

  /** How many of each thread wait at the same time, the thread itself included: all threads know that of each other. */
  const units = (party: number, most = 3): { blocks: boolean; tasks: number; all: number } => {
    const dice = new Dice(round, party, UNITS);
    const blocks = party > 0 && dice.chance(0.6);
    const tasks = blocks ? dice.one([0, 0, 1, 2]) : 1 + dice.of(most);
    return { blocks, tasks, all: tasks + Number(blocks) };
  };
  const allUnits = () =>
    Array.from({ length: parties }, (_, party) => units(party).all).reduce((sum, all) => sum + all);

  /** All pass a barrier some times: each index once a time, and one action. */
  const cycles = async ([item]: readonly Item[]): Promise<void> => {
    const { data, n } = item!;
    const it = item!.it as threading.Barrier;
    const count = 1 + new Dice(round, UNITS).of(3);
    const mine = units(me);
    const passed = (cycle: number, index: number) => {
      if (index < 0 || index >= n) failed(`${index} at a Barrier of ${n}`);
      // A word for each index: in which cycle it was seen last.
      if (Atomics.exchange(ctl, at.data + at.DATA + index, cycle + 1) !== cycle)
        failed(`the index ${index} twice in a cycle`);
      const actions = Atomics.load(data, ACTIONS);
      if (actions > cycle + 1 || Atomics.load(data, ACTING) > 1) failed(`${actions} actions after ${cycle + 1} cycles`);
    };
    for (let cycle = 0; cycle < count; cycle++) {
      const waits = Array.from({ length: mine.tasks }, async (_, index) => {
        const actor = new Actor(index + 1);
        actor.op('waitAsync', 0);
        passed(cycle, await (item!.asTask ?? it).waitAsync());
        actor.rest();
      });
      if (mine.blocks) {
        const actor = new Actor(0, true);
        actor.op('wait', 0);
        passed(cycle, it.wait());
        actor.rest();
      }
      await Promise.all(waits);
    }
    if (!done(item!)) return;
    for (let index = 0; index < n; index++) data[INDEX + index] = 0;
    await retire(new Actor(6), item!);
    new Actor(6).rest();
  };

  // ---------------------------------------------------------------------------------------------------- duets

  /** Several waits of this thread at once: its tasks', and its own. Which is through the last, `last` tells. */
  const together = async (wait: (actor: Actor) => Promise<void>, mine = units(me)): Promise<void> => {
    const all = Array.from({ length: mine.tasks }, async (_, index) => {
      tasks++;
      const actor = new Actor(index + 1);
      await wait(actor).finally(() => tasks--);
      actor.rest();
    });
    if (mine.blocks) {
      const actor = new Actor(0, true);
      await wait(actor);
      actor.rest();
    }
    await Promise.all(all);
    controllers.clear();
  };

  /** Waits until it is through, giving up some times before. False when it gave up for good. */
  const untilThrough = async (
    actor: Actor,
    place: number,
    block: (timeout: number) => boolean,
    task: (options: { timeout?: number; signal?: AbortSignal }) => Promise<boolean>,
    tries = Infinity,
  ): Promise<boolean> => {
    for (let left = tries; left > 0; left--) {
      const patience = left === Infinity ? actor.patience() : actor.dice.next() * 0.2;
      if (actor.blocks) {
        // What its tasks have got by now they let go of at once.
        await calm();
        actor.op('wait', place);
        if (block(patience)) return true;
      } else {
        const wait = options(actor, patience);
        actor.op('waitAsync', place);
        const told = await task(wait).catch((error) => {
          if (error !== off || !wait.signal?.aborted) throw error;
          return false;
        });
        if (told) return true;
      }
    }
    return false;
  };

  /** Threads other than this round's unparker, of which there is always one. */
  const unparker = () => new Dice(round, UNITS).of(parties);
  const waiting = (of = unparker()) =>
    Array.from({ length: parties }, (_, party) => (party === of ? 0 : units(party).all)).reduce(
      (sum, all) => sum + all,
    );
  /** Until somebody waits, or just a moment. */
  const aMoment = async (actor: Actor, item: Item, all: number) => {
    const { dice } = actor;
    const enough = dice.chance(0.5) ? all : dice.of(2);
    for (let looks = 0; item.it.waiters < enough && looks < 2_000; looks++) {
      if (looks % 100 === 99) await turn();
    }
    spin(dice);
    if (dice.chance(0.1)) await sleep(dice.next());
  };

  const isImpatient = () => new Dice(round, UNITS, 1).chance(0.3);

  const duets: Record<string, (items: readonly Item[]) => Promise<void>> = {
    /** The waiter that is let through the last destroys the event, though set() may not have returned. */
    async event([item]) {
      const it = item!.it as threading.Event;
      const { dice } = new Actor(0);
      const nobody = new Dice(round, UNITS, 1).chance(0.25);
      if (me !== unparker()) {
        return together(async (actor) => {
          const through = await untilThrough(
            actor,
            0,
            (timeout) => it.wait(timeout),
            (wait) => it.waitAsync(wait),
            nobody ? 2 : Infinity,
          );
          if (through && nobody) failed('an Event that nobody set lets somebody through');
          if (done(item!) && !nobody) destroy(actor, item!);
        });
      }
      const actor = new Actor(0);
      if (nobody) {
        // All have given up.
        while (Atomics.load(ctl, at.items + USERS!) > 0) await turn();
        actor.op('set', 0);
        it.set();
        destroy(actor, item!);
      } else {
        await aMoment(actor, item!, item!.users);
        actor.op('set', 0);
        it.set();
        spin(dice);
      }
      actor.rest();
    },

    /** The waiter that gets the last permit destroys the semaphore, though release() may not have returned. */
    async semaphore([item]) {
      const it = item!.it as threading.Semaphore;
      if (me !== unparker()) {
        return together(async (actor) => {
          await untilThrough(
            actor,
            0,
            (timeout) => it.acquire(timeout),
            (wait) => it.acquireAsync(wait),
          );
          if (done(item!)) destroy(actor, item!);
        });
      }
      const actor = new Actor(0);
      const { dice } = actor;
      for (let left = waiting(); left > 0; ) {
        const n = dice.chance(0.5) ? left : 1 + dice.of(left);
        await aMoment(actor, item!, left);
        actor.op('release', 0);
        it.release(n);
        left -= n;
      }
      actor.rest();
    },

    /**
     * The last of those that waited at a barrier destroys it, though wait() of the last party may not have returned.
     * Some are impatient: then it may be broken for all, and all are waited for.
     */
    async barrier([item]) {
      const it = item!.it as threading.Barrier;
      const impatient = isImpatient();
      await together(async (actor) => {
        const { dice } = actor;
        if (!actor.blocks) spin(dice);
        const timeout = impatient && dice.chance(0.3) ? dice.next() * 2 : Infinity;
        let index = -1;
        try {
          if (actor.blocks) {
            actor.op('wait', 0);
            index = it.wait(timeout);
          } else {
            // Of one that is aborted before it begins its thread must not know later: it would not be there.
            const wait = !impatient ? {} : units(me).blocks ? { timeout } : options(actor, timeout);
            actor.op('waitAsync', 0);
            index = await (item!.asTask ?? it).waitAsync(wait).catch((error) => {
              if (error !== off || !wait.signal?.aborted) throw error;
              // Aborted before it began, it breaks nothing.
              it.abort();
              return -1;
            });
          }
          if (index >= 0) Atomics.add(item!.data, INDEX + index, 1);
        } catch (error) {
          if (!(error instanceof api.BrokenBarrierError) || !impatient) throw error;
        }
        if ((!impatient && index === item!.n - 1 && index > 0) || !done(item!)) return;
        const counts = item!.data.subarray(INDEX, INDEX + (impatient ? item!.n : Math.max(1, item!.n - 1)));
        if (counts.some((count) => count !== counts[0]) || (!impatient && counts[0] !== 1))
          failed(`each index was seen ${counts} times`);
        destroy(actor, item!);
      });
    },

    /** The last holder destroys it, though the release() before may not have returned. */
    async lock([item]) {
      const it = item!.it as HoldableIt;
      await together(async (actor) => {
        spin(actor.dice);
        const owner = item!.recursive ? new Owner() : undefined;
        await untilThrough(
          actor,
          0,
          (timeout) => it.acquire(timeout),
          (wait) => it.acquireAsync({ ...wait, owner }),
        );
        enter(actor, item!);
        spin(actor.dice);
        const last = done(item!);
        leave(actor, item!);
        release(actor, item!, owner && !actor.blocks ? { owner } : {});
        if (last) destroy(actor, item!);
      });
    },

    /** The notifier destroys the Condition at once; the last holder of its lock, the lock. Or that destroys both. */
    async condition([item]) {
      const it = item!.it as threading.Condition;
      const lock = (item!.lock ?? it.lock) as threading.RLock;
      const { data } = item!;
      // 0: released, destroyed. 1: destroyed, released. 2, 3: destroyed by the last waiter, in 3 notified by the one before.
      const how = item!.lock ? new Dice(round, UNITS, 1).of(4) : 2 + new Dice(round, UNITS, 1).of(2);
      const enterLock = async (actor: Actor, owner: Owner | undefined) => {
        await untilThrough(
          actor,
          0,
          (timeout) => lock.acquire(timeout),
          (wait) => lock.acquireAsync({ ...wait, ...(owner && { owner }) } as object),
        );
        enter(actor, item!);
      };
      const end = (actor: Actor, owner: Owner | undefined, both: boolean, mayDestroy = true) => {
        const last = mayDestroy && done(item!);
        leave(actor, item!);
        actor.op('release', 0);
        lock.release(owner && { owner });
        if (!last) return;
        if (both) destroy(actor, item!);
        if (item!.lock) destroy(actor, item!, item!.lock);
      };
      if (me !== unparker()) {
        return together(async (actor) => {
          const owner = item!.recursive && !actor.blocks ? new Owner() : undefined;
          await enterLock(actor, owner);
          while (data[CLOSED] === 0) {
            leave(actor, item!);
            // Not a use of the Condition after its end: there is none yet, for this one holds the lock.
            await untilThrough(
              actor,
              0,
              (timeout) => it.wait(timeout) || data[CLOSED] !== 0,
              (wait) =>
                it.waitAsync({ ...wait, owner }).then(
                  (told) => told || data[CLOSED] !== 0,
                  (error) => {
                    if (data[CLOSED] !== 0 && error === off) return true;
                    throw error;
                  },
                ),
            );
            enter(actor, item!);
          }
          if (how === 3) {
            actor.op('notify', 0);
            it.notify(1, owner && { owner });
          }
          end(actor, owner, how >= 2);
        });
      }
      const actor = new Actor(0, me > 0 && new Dice(round, UNITS, 2).chance(0.5));
      const owner = item!.recursive && !actor.blocks ? new Owner() : undefined;
      while (Atomics.load(ctl, at.attached) < parties) await turn();
      await aMoment(actor, item!, item!.users - 1);
      await enterLock(actor, owner);
      data[CLOSED] = 1;
      actor.op('notifyAll', 0);
      if (how === 3) it.notify(1, owner && { owner });
      else it.notifyAll(owner && { owner });
      if (how === 1) destroy(actor, item!);
      const last = done(item!);
      leave(actor, item!);
      actor.op('release', 0);
      lock.release(owner && { owner });
      if (how === 0) destroy(actor, item!);
      if (last) {
        if (how >= 2) destroy(actor, item!);
        if (item!.lock) destroy(actor, item!, item!.lock);
      }
      actor.rest();
    },
  };

  // ---------------------------------------------------------------------------------------------------- worlds

  const some = (dice: Dice, most: number, list: readonly Kind[]): Spec[] =>
    Array.from({ length: 1 + dice.of(most) }, () => spec(dice, dice.one(list)));
  const spec = (dice: Dice, kind: Kind): Spec => {
    if (kind === 'Condition') {
      const lock = dice.one(['Lock', 'RLock', undefined] as const);
      return lock ? { kind, lock } : { kind };
    }
    return { kind, n: 1 + dice.of(3) };
  };
  const one = (spec: Spec): Spec[] => [spec];

  /** For each family what there is in a round, and what is done with it. */
  const families: Record<string, { world(dice: Dice): Spec[]; run(items: readonly Item[]): Promise<void> }> = {
    lock: { world: (dice) => some(dice, 3, ['Lock', 'RLock']), run: wander },
    semaphore: { world: (dice) => some(dice, 3, ['Semaphore', 'BoundedSemaphore']), run: wander },
    event: { world: (dice) => some(dice, 2, ['Event']), run: wander },
    barrier: { world: (dice) => some(dice, 2, ['Barrier']), run: wander },
    condition: { world: (dice) => some(dice, 2, ['Condition']), run: wander },
    swap: { world: () => one({ kind: 'Condition', users: swapUnits() + parties - 1 }), run: swap },
    mixed: { world: (dice) => [...some(dice, 5, kinds), ...some(dice, 2, kinds)], run: wander },
    queue: {
      world: (dice) => one({ kind: 'Condition', lock: dice.one(['Lock', 'RLock']) }),
      run: exchange,
    },
    cycles: { world: () => one({ kind: 'Barrier', n: allUnits() }), run: cycles },
    'duet-event': {
      world: () => one({ kind: 'Event', users: waiting() }),
      run: (items) => duets.event!(items),
    },
    'duet-semaphore': {
      world: () => one({ kind: 'Semaphore', n: 0, users: waiting() }),
      run: (items) => duets.semaphore!(items),
    },
    'duet-barrier': {
      world: () => {
        const n = allUnits();
        return one({ kind: 'Barrier', n, users: isImpatient() ? n : Math.max(1, n - 1) });
      },
      run: (items) => duets.barrier!(items),
    },
    'duet-lock': {
      world: (dice) => {
        const kind = dice.one([
          'Lock',
          'Lock',
          'RLock',
          'RLock',
          'Semaphore',
          'BoundedSemaphore',
          'Condition',
        ] as const);
        return one({ kind, n: 1, users: allUnits() });
      },
      run: (items) => duets.lock!(items),
    },
    'duet-condition': {
      world: (dice) => one({ ...spec(dice, 'Condition'), users: waiting() + 1 }),
      run: (items) => duets.condition!(items),
    },
  };
  const { world, run } = families[family] ?? failed(`there is no family ${family}`);

  /** Bytes that are used, but for arrays that there are between two rounds, and what counts the permits of guards. */
  const KIND_HOLD = 16;
  const usedNow = () => {
    const { threadArena } = arena as unknown as { threadArena: { blocks(all: boolean): { kind: number }[] } };
    const holds = threadArena.blocks(true).filter((block) => block.kind === KIND_HOLD);
    return arena.used - 64 * (Atomics.load(ctl, at.arrays) + holds.length);
  };

  /** Before a round: its primitives. */
  const prepare = () => {
    round = only ?? Math.max(0, Atomics.load(ctl, at.round));
    Atomics.store(ctl, at.used, usedNow());
    const specs = world(new Dice(round, WORLD));
    make(specs);
    if (family !== 'queue') return;
    // A second Condition of the same lock.
    const words = ctl.subarray(at.items, at.items + at.ITEM);
    const first = attachAll()[0]!.it as threading.Condition;
    const second = new Condition(first.lock, { arena });
    ctl.set(words, at.items + at.ITEM);
    ctl[at.items + at.ITEM + ADDRESS!] = second.address;
    ctl[at.items + at.ITEM + STAMP!] = second.stamp;
    Atomics.store(ctl, at.made, 2);
  };
  /** After a round: all of it has been given back. */
  const settle = () => {
    const used = usedNow();
    const before = Atomics.load(ctl, at.used);
    if (used !== before) failed(`${used} bytes of the arena are used, and were ${before} before the round`);
  };

  /** All meet between two rounds. False when there is none any more. */
  const meet = async (begun: number): Promise<boolean> => {
    if (Atomics.add(ctl, at.arrived, 1) === parties - 1) {
      Atomics.store(ctl, at.arrived, 0);
      if (begun > 0) settle();
      const now = Date.now() - epoch;
      if (begun === 0) Atomics.store(ctl, at.began, now);
      const goesOn = now - Atomics.load(ctl, at.began) <= ms && Atomics.load(ctl, at.stop) === 0;
      if (goesOn) prepare();
      Atomics.store(ctl, at.round, goesOn ? begun + 1 : -1);
      Atomics.notify(ctl, at.round);
      return goesOn;
    }
    for (let looks = 0; Atomics.load(ctl, at.round) === begun; looks++) {
      if (Atomics.load(ctl, at.stop)) return false;
      if (looks < 2_000) continue;
      if (me > 0) Atomics.wait(ctl, at.round, begun, 20);
      else await (looks < 2_010 ? turn() : sleep(0));
    }
    return Atomics.load(ctl, at.round) > 0;
  };

  const idle = new Actor(5);
  let begun = 0;
  try {
    for (; await meet(begun); begun++) {
      idle.rest();
      round = only ?? begun;
      const old = arrays;
      arrays = [];
      const items = attachAll();
      Atomics.add(ctl, at.attached, 1);
      await run(items);
      const fresh = arrays;
      arrays = [...old, ...fresh];
      freeArrays(fresh);
      idle.op('wait for the next round');
    }
    idle.op('free arrays');
    freeArrays([]);
    return { rounds: begun, operations };
  } catch (error) {
    Atomics.store(ctl, at.stop, 1);
    const { name, message } = error as Error;
    throw new Error(`round ${round}, thread ${me}: ${name === 'Error' ? '' : `${name}: `}${message ?? error}`);
  } finally {
    channel.port1.close();
    channel.port2.close();
  }
}
