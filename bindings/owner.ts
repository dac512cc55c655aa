import { checkOptions, show } from './check.js';
import { inboxOf } from './inbox.js';
import type { Region } from './region.js';

/** Registered, so that two copies of the package in one realm take each other's owners. */
const CELLS = Symbol.for('lockwork.owner');

/**
 * Who owns an `RLock` that was acquired the async way. Tasks of one thread must not own it together, so `holdAsync()`
 * makes a new owner, found at `guard.owner`, and who passes it on, `{ owner }`, acquires again, releases, waits and
 * notifies in its name. It belongs to its thread and cannot be posted.
 */
export class Owner {
  /** By arena: its address, and how often it holds something there or acquires it. */
  readonly [CELLS]: Map<Region, { readonly address: number; uses: number }> = new Map();
}

/** Adds a use of an owner in an arena: an RLock that it acquires or holds. Answers its address there. */
export function useOwner(owner: Owner, region: Region): number {
  const cells = owner[CELLS];
  let cell = cells.get(region);
  if (!cell) {
    const inbox = inboxOf(region);
    cell = { address: inbox.take(), uses: 0 };
    cells.set(region, cell);
    inbox.owners.add(cell.address);
  }
  cell.uses++;
  return cell.address;
}

/** Takes a use back. Without any, its address may come to mean somebody else. */
export function unuseOwner(owner: Owner, region: Region): void {
  const cells = owner[CELLS];
  const cell = cells.get(region);
  if (!cell || --cell.uses > 0) return;
  const inbox = inboxOf(region);
  cells.delete(region);
  inbox.owners.delete(cell.address);
  inbox.give(cell.address);
}

/** Its address in an arena; 0 when it holds nothing there, and acquires nothing. */
export function ownerIn(owner: Owner, region: Region): number {
  return owner[CELLS].get(region)?.address ?? 0;
}

/** In whose name an async call acts. */
export interface OwnerOptions {
  /** From the guard of `holdAsync()`; or a `new Owner()`. */
  owner?: Owner | undefined;
}

/** The owner among the options, if there is one. */
export function checkOwner(options: OwnerOptions | undefined, where: string): Owner | undefined {
  checkOptions(options, where);
  const owner = options?.owner;
  if (owner !== undefined && !(owner?.[CELLS] instanceof Map)) {
    throw new TypeError(`${where}: the owner must be that of a guard of this thread, not ${show(owner)}`);
  }
  return owner;
}
