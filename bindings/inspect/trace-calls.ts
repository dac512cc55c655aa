import { STATUS_ABANDONED, STATUS_OK } from '../../assembly/abi.ts';
import { Barrier, Condition, Event, Lock, type Owner, RLock, Semaphore } from '../index.ts';
import type { OwnerWanted } from '../owner.ts';
import type { Primitive } from '../primitive.ts';
import type { HeldBy, Hold, Line } from './trace-hold.ts';
import type { Call, Doing, Recorder, Waiting } from './trace-recorder.ts';
import type { Place } from './trace-stack.ts';
import { isLock } from './trace-subject.ts';

/**
 * The methods through which all acquires, releases, waits and wake-ups of a thread go, and what each call of them comes to. All
 * others of the package's are made of these: `with` and `hold` acquire by `acquire` or, for a semaphore's guard, `block`; every
 * async acquire is an `acquireTask`; a guard lets go by `letGo`; what a Condition does with its lock, the lock does.
 */

/** What comes of a call. */
export interface Ending {
  returned(value: unknown): void;
  threw?(error: unknown): void;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the method takes
export type Args = any[];
/** `here`: where the call is. What only lets others go on does not ask: an engine takes longer for that than for all else. */
export type Begin = (recorder: Recorder, it: Primitive, here: Here, args: Args) => Ending | undefined;
type Here = () => Place | undefined;

const ITS_OWN: HeldBy = { owner: undefined, guarded: false };

function acquiring(
  recorder: Recorder,
  call: Call,
  limit: number | undefined,
  by: HeldBy,
  held = (value: unknown): boolean => value === true,
): Ending {
  const { subject, line } = call;
  // What does not wait, or has it already, is in no order.
  const ordered = isLock(subject) && limit !== 0 && !recorder.holds.has(subject, by, line);
  const waiting = recorder.begin(call, ordered ? subject : undefined);
  return {
    returned: (value) => (held(value) ? recorder.hold(waiting, by) : recorder.missed(waiting)),
    threw: (error) => recorder.missed(waiting, error),
  };
}

const byThread =
  (limitOf: (args: Args) => number | undefined): Begin =>
  (recorder, it, here, args) =>
    acquiring(recorder, recorder.call(it, recorder.lines.current, here()), limitOf(args), ITS_OWN);

const blocks: Record<string, Begin> = {
  acquire: byThread(([timeout]) => timeout),
  tryAcquire: byThread(() => 0),
};

/** Of `recover`, and for the guards of semaphores. */
const block: Begin = (recorder, it, here, [limit, hold]) =>
  acquiring(
    recorder,
    recorder.call(it, recorder.lines.current, here()),
    limit,
    { owner: undefined, guarded: hold !== 0 },
    (status) => status === STATUS_OK || status === STATUS_ABANDONED,
  );

const acquireTask: Begin = (recorder, it, here, args) => {
  const [wanted, owner, hold] = args as [OwnerWanted, Owner | undefined, number];
  return acquiring(recorder, recorder.call(it, recorder.lines.begin(owner), here()), wanted.limit, {
    owner: it instanceof RLock ? owner : undefined,
    guarded: hold !== 0,
  });
};

const release: Begin = (recorder, it, _, [count]) => {
  const call = recorder.call(it, recorder.lines.current, undefined);
  return { returned: () => recorder.release(call, ITS_OWN, it instanceof Semaphore ? (count ?? 1) : 1) };
};

const letGo: Begin = (recorder, it, _, [owner, hold]) => {
  const call = recorder.call(it, recorder.lines.current, undefined);
  return { returned: () => recorder.release(call, { owner, guarded: hold !== 0 }, 1) };
};

/** A wait that ends with nothing held. */
function waitingFor(recorder: Recorder, call: Call): Ending {
  const waiting = recorder.begin(call);
  return {
    returned: (value) => {
      if (value !== true) return recorder.missed(waiting);
      recorder.granted(waiting);
      recorder.over(waiting);
    },
    threw: (error) => recorder.missed(waiting, error),
  };
}

const waits: Begin = (recorder, it, here) => waitingFor(recorder, recorder.call(it, recorder.lines.current, here()));
const awaits: Begin = (recorder, it, here) =>
  waitingFor(recorder, recorder.call(it, recorder.lines.begin(undefined), here()));

/** The last one to arrive lets the others go on. */
function arriving(recorder: Recorder, barrier: Barrier, line: Line, place: Place | undefined): Ending {
  const waiting = recorder.begin(recorder.call(barrier, line, place));
  const { parties } = barrier;
  return {
    returned: (index) => {
      if (index === parties - 1) recorder.granted(waiting, 'opens', Infinity);
      else recorder.granted(waiting);
      recorder.over(waiting);
    },
    threw: (error) => recorder.missed(waiting, error),
  };
}

/** Something that is done to a primitive, and lets so many waiters go on. */
const wakes =
  (doing: Doing, countOf: (args: Args) => number): Begin =>
  (recorder, it, _, args) => {
    const count = countOf(args);
    // What notifies nobody only looks whether the lock is held.
    if (count === 0) return undefined;
    const call = recorder.call(it, recorder.lines.current, undefined);
    return { returned: () => recorder.record(call, doing, recorder.now, { wakes: count }) };
  };

/** A wait of a Condition: it gives its lock up, and has it again, however it ends. */
export class ConditionWait implements Ending {
  readonly #recorder: Recorder;
  readonly #waiting: Waiting;
  readonly #given: Hold[];

  constructor(
    recorder: Recorder,
    condition: Condition,
    place: Place | undefined,
    owner: Owner | undefined,
    line: () => Line,
  ) {
    const lock = recorder.subject(condition.lock);
    const byOwner = condition.lock instanceof RLock;
    this.#recorder = recorder;
    this.#given = recorder.holds.of(lock).filter((hold) => !byOwner || hold.owner === owner);
    const call = recorder.call(condition, this.#given[0]?.line ?? line(), place);
    for (const hold of this.#given) recorder.pause(hold, call.start);
    recorder.record({ ...call, subject: lock }, 'releases', call.start, { wakes: 1 });
    this.#waiting = recorder.begin(call, lock);
  }

  returned(notified: unknown): void {
    if (notified === true) {
      this.#recorder.granted(this.#waiting);
      this.#recorder.over(this.#waiting);
    } else this.#recorder.missed(this.#waiting);
    this.#resume();
  }

  threw(error: unknown): void {
    this.#recorder.missed(this.#waiting, error);
    this.#resume();
  }

  #resume(): void {
    const since = this.#recorder.now;
    for (const hold of this.#given) this.#recorder.resume(hold, since);
  }
}

const ALL = Infinity;

const acquirable = Object.getPrototypeOf(Semaphore.prototype) as object;

/** By prototypes and names. */
export const CALLS: readonly (readonly [prototype: object, methods: Readonly<Record<string, Begin>>])[] = [
  [Lock.prototype, { ...blocks, release }],
  [RLock.prototype, { ...blocks, letGo }],
  [Semaphore.prototype, { ...blocks, release, letGo }],
  [acquirable, { acquireTask, block }],
  [Event.prototype, { wait: waits, waitAsync: awaits, set: wakes('sets', () => ALL) }],
  [
    Barrier.prototype,
    {
      wait: (recorder, it, here) => arriving(recorder, it as Barrier, recorder.lines.current, here()),
      waitAsync: (recorder, it, here) => arriving(recorder, it as Barrier, recorder.lines.begin(undefined), here()),
      abort: wakes('breaks', () => ALL),
      reset: wakes('resets', () => ALL),
    },
  ],
  [
    Condition.prototype,
    {
      wait: (recorder, it, here) =>
        new ConditionWait(recorder, it as Condition, here(), undefined, () => recorder.lines.current),
      waitAsync: (recorder, it, here, [options]) =>
        new ConditionWait(recorder, it as Condition, here(), options?.owner, () =>
          recorder.lines.begin(options?.owner),
        ),
      notify: wakes('notifies', ([count = 1]) => count),
    },
  ],
];
