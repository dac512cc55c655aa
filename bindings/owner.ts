import { USES } from './host.ts';
import { schedulerOf } from './scheduler.ts';
import type { ThreadArena } from './thread-arena.ts';
import {
  checkOptions,
  checkWait,
  invalidType,
  OWNER_WAIT_OPTIONS,
  show,
  type WaitOptions,
  type Wanted,
} from './validate.ts';

/**
 * What is known of the holder of something, or of what waits for it: an RLock's owner; of a semaphore's guard, the cell that
 * counts its permit (holds.ts). Never both, so that the objects that keep it are small: there is one for each wait.
 */
export type Holder = Owner | number | undefined;

export const holderOf = (owner: Owner | undefined, hold: number): Holder => hold || owner;
export const ownerOfHolder = (holder: Holder): Owner | undefined => (typeof holder === 'object' ? holder : undefined);
export const holdOfHolder = (holder: Holder): number => (typeof holder === 'number' ? holder : 0);

/** An owner in one arena: its cell there, and the count of its holds and pending acquires. */
interface Use {
  readonly arena: ThreadArena;
  readonly address: number;
  count: number;
}

/** A symbol cannot be cloned, and so no object that has it. */
export const STAYS = /* @__PURE__ */ Symbol(
  'a guard or an owner is of its thread, and cannot be posted: post the primitive',
);

/**
 * The owner of an `RLock` that was acquired the async way. Tasks of one thread must not own it together, so `holdAsync()`
 * makes a new owner, found at `guard.owner`. A call with `{ owner }` acquires again, releases, waits and notifies in its
 * name. It belongs to its thread and cannot be posted.
 *
 * @example
 * ```js
 * import { Owner, RLock } from 'lockwork';
 *
 * const lock = new RLock();
 * const owner = new Owner();
 * await lock.acquireAsync({ owner }); // true
 * await lock.acquireAsync({ owner }); // true: again
 * lock.release({ owner });
 * lock.release({ owner });
 * ```
 */
export class Owner {
  /** Hardly ever more than one. Under a registered symbol, since copies of the package take each other's owners. */
  declare [USES]: Use[];
  /** `postMessage` refuses it, with the symbol's text in its error. */
  protected readonly thread = STAYS;

  /** Makes an owner that holds nothing. */
  constructor() {
    // Not a class field: bundlers keep an unused class that has a field with a computed name.
    this[USES] = [];
  }

  /**
   * Its address in an arena for as long as this thread lives: that of a program of lockwork/wasm.
   *
   * @internal
   */
  nameIn(arena: ThreadArena): number {
    return useOwner(this, arena);
  }

  /** For `Object.prototype.toString`, see `Primitive`. */
  get [Symbol.toStringTag](): string {
    return 'Owner';
  }
}

function useIn(owner: Owner, arena: ThreadArena): Use | undefined {
  const uses = owner[USES];
  return uses[0]?.arena === arena ? uses[0] : uses.find((use) => use.arena === arena);
}

/** Adds a use of an owner in an arena: an RLock that it acquires or holds. Answers its address there. */
export function useOwner(owner: Owner, arena: ThreadArena): number {
  let use = useIn(owner, arena);
  if (!use) {
    use = { arena, address: schedulerOf(arena).allocateWaiter(), count: 0 };
    // A literal has room for one: to grow from none takes room for 17.
    if (owner[USES].length === 0) owner[USES] = [use];
    else owner[USES].push(use);
  }
  use.count++;
  return use.address;
}

/** Takes a use back. After the last one its address may become another owner's. */
export function unuseOwner(owner: Owner, arena: ThreadArena): void {
  const use = useIn(owner, arena)!;
  if (--use.count > 0) return;
  if (owner[USES].length > 1) owner[USES].splice(owner[USES].indexOf(use), 1);
  else owner[USES].pop();
  schedulerOf(arena).freeWaiter(use.address);
}

/** The owner's address in an arena; 0 when it neither holds nor acquires anything there. */
export function ownerIn(owner: Owner, arena: ThreadArena): number {
  return useIn(owner, arena)?.address ?? 0;
}

/** The number of uses of an owner in an arena. */
export function usesOf(owner: Owner, arena: ThreadArena): number {
  return useIn(owner, arena)?.count ?? 0;
}

/** The owner in whose name an async call acts. */
export interface OwnerOptions {
  /** From the guard of `holdAsync()`; or a `new Owner()`. A Lock and a Semaphore are in nobody's name, and ignore it. */
  owner?: Owner | undefined;
}

/** The owner among the options, if there is one. */
export function checkOwner(
  options: OwnerOptions | undefined,
  where: string,
  known: readonly string[],
): Owner | undefined {
  checkOptions(options, where, known);
  return ownerOf(options, where);
}

function ownerOf(options: OwnerOptions | undefined, where: string): Owner | undefined {
  const owner = options?.owner;
  if (owner !== undefined && !Array.isArray(owner?.[USES])) {
    throw invalidType(`${where}: the owner must be that of a guard of this thread, not ${show(owner)}`);
  }
  return owner;
}

/** The options of an async call of an `RLock`, or of a `Condition` over one. */
export type OwnerWaitOptions = WaitOptions & OwnerOptions;

/** The checked options of an async call that may act in the name of an owner. */
export interface OwnerWanted extends Wanted {
  readonly owner: Owner | undefined;
  /** Whether an abandoned lock will do, to put in order what it protects. */
  readonly recovers: boolean;
}

/** Without options. */
export const FOR_EVER: OwnerWanted = {
  limit: Infinity,
  signal: undefined,
  owner: undefined,
  recovers: false,
};

export function checkOwnerWait(options: OwnerWaitOptions | undefined, where: string): OwnerWanted {
  const { limit, signal } = checkWait(options, where, OWNER_WAIT_OPTIONS);
  return { limit, signal, owner: ownerOf(options, where), recovers: false };
}
