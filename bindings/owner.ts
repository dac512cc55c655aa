import { checkOptions, show } from './check.js';
import { inboxOf } from './inbox.js';
import { type OwnerCells, owners, type Region } from './region.js';

/**
 * Who owns an `RLock` that was acquired the async way. Tasks of one thread must not own it together, so `holdAsync()`
 * makes a new owner, found at `guard.owner`, and who passes it on, `{ owner }`, acquires again, releases, waits and
 * notifies in its name. It belongs to its thread and cannot be posted.
 */
export class Owner {
  constructor() {
    owners().set(this, new Map());
  }
}

function cellsOf(owner: Owner): OwnerCells {
  return owners().get(owner)!;
}

/** Adds a use of an owner in an arena: an RLock that it acquires or holds. Answers its address there. */
export function useOwner(owner: Owner, region: Region): number {
  const cells = cellsOf(owner);
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
  const cells = cellsOf(owner);
  const cell = cells.get(region);
  if (!cell || --cell.uses > 0) return;
  const inbox = inboxOf(region);
  cells.delete(region);
  inbox.owners.delete(cell.address);
  inbox.give(cell.address);
}

/** Its address in an arena; 0 when it holds nothing there, and acquires nothing. */
export function ownerIn(owner: Owner, region: Region): number {
  return cellsOf(owner).get(region)?.address ?? 0;
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
  if (owner !== undefined && !owners().has(owner)) {
    throw new TypeError(`${where}: the owner must be that of a guard of this thread, not ${show(owner)}`);
  }
  return owner;
}
