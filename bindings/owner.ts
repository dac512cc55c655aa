import { checkOptions, show } from './check.js';
import { invalidType } from './errors.js';
import { USES } from './host.js';
import { inboxOf } from './inbox.js';
import type { Region } from './region.js';

/** What an owner is in an arena: a cell, and how often it holds something there or acquires it. */
interface Use {
  readonly region: Region;
  readonly address: number;
  count: number;
}

/** No clone is made of a symbol: so none is of what has it. */
export const STAYS = /* @__PURE__ */ Symbol(
  'a guard or an owner is of its thread, and cannot be posted: post the primitive',
);

/**
 * Who owns an `RLock` that was acquired the async way. Tasks of one thread must not own it together, so `holdAsync()`
 * makes a new owner, found at `guard.owner`, and who passes it on, `{ owner }`, acquires again, releases, waits and
 * notifies in its name. It belongs to its thread and cannot be posted.
 */
export class Owner {
  /** Hardly ever more than one. Under a registered symbol: copies of the package take each other's owners. */
  declare readonly [USES]: Use[];
  /** What `postMessage` refuses, with this text in its error. */
  protected readonly thread = STAYS;

  constructor() {
    // Bundlers keep a class that has a field by another name than a literal one.
    this[USES] = [];
  }

  /** For `Object.prototype.toString`, see `Primitive`. */
  get [Symbol.toStringTag](): string {
    return 'Owner';
  }
}

function useIn(owner: Owner, region: Region): Use | undefined {
  const uses = owner[USES];
  return uses[0]?.region === region ? uses[0] : uses.find((use) => use.region === region);
}

/** Adds a use of an owner in an arena: an RLock that it acquires or holds. Answers its address there. */
export function useOwner(owner: Owner, region: Region): number {
  let use = useIn(owner, region);
  if (!use) {
    use = { region, address: inboxOf(region).take(), count: 0 };
    owner[USES].push(use);
  }
  use.count++;
  return use.address;
}

/** Takes a use back. Without any, its address may come to mean somebody else. */
export function unuseOwner(owner: Owner, region: Region): void {
  const use = useIn(owner, region);
  if (!use || --use.count > 0) return;
  if (owner[USES].length > 1) owner[USES].splice(owner[USES].indexOf(use), 1);
  else owner[USES].pop();
  inboxOf(region).give(use.address);
}

/** Its address in an arena; 0 when it holds nothing there, and acquires nothing. */
export function ownerIn(owner: Owner, region: Region): number {
  return useIn(owner, region)?.address ?? 0;
}

/** How often it holds something in an arena, or acquires it. */
export function usesOf(owner: Owner, region: Region): number {
  return useIn(owner, region)?.count ?? 0;
}

/** In whose name an async call acts. */
export interface OwnerOptions {
  /** From the guard of `holdAsync()`; or a `new Owner()`. */
  owner?: Owner | undefined;
}

/** The owner among the options, if there is one. */
export function checkOwner(
  options: OwnerOptions | undefined,
  where: string,
  known: readonly string[],
): Owner | undefined {
  checkOptions(options, where, known);
  const owner = options?.owner;
  if (owner !== undefined && !Array.isArray(owner?.[USES])) {
    throw invalidType(`${where}: the owner must be that of a guard of this thread, not ${show(owner)}`);
  }
  return owner;
}
