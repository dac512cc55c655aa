import { checkOptions, show } from './check.js';
import { inboxOf } from './inbox.js';
import type { Region } from './region.js';

/** Adds a use of an owner in an arena: an RLock that it acquires or holds. Answers its address there. */
export let useOwner: (owner: Owner, region: Region) => number;
/** Takes a use back. Without any, its address may come to mean somebody else. */
export let unuseOwner: (owner: Owner, region: Region) => void;
/** Its address in an arena; 0 when it holds nothing there, and acquires nothing. */
export let ownerIn: (owner: Owner, region: Region) => number;

/**
 * Who owns an `RLock` that was acquired the async way. Tasks of one thread must not own it together, so `holdAsync()`
 * makes a new owner, found at `guard.owner`, and who passes it on, `{ owner }`, acquires again, releases, waits and
 * notifies in its name. It belongs to its thread and cannot be posted.
 */
export class Owner {
  readonly #cells = new Map<Region, { address: number; uses: number }>();

  static {
    useOwner = (owner, region) => {
      let cell = owner.#cells.get(region);
      if (!cell) {
        const inbox = inboxOf(region);
        cell = { address: inbox.take(), uses: 0 };
        owner.#cells.set(region, cell);
        inbox.owners.add(cell.address);
      }
      cell.uses++;
      return cell.address;
    };
    unuseOwner = (owner, region) => {
      const cell = owner.#cells.get(region);
      if (!cell || --cell.uses > 0) return;
      const inbox = inboxOf(region);
      owner.#cells.delete(region);
      inbox.owners.delete(cell.address);
      inbox.give(cell.address);
    };
    ownerIn = (owner, region) => owner.#cells.get(region)?.address ?? 0;
  }
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
  if (owner !== undefined && !(owner instanceof Owner)) {
    throw new TypeError(`${where}: the owner must be that of a guard of this thread, not ${show(owner)}`);
  }
  return owner;
}
