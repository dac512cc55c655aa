/** With the DOM's types, or Node's. */
import { type Arena, Lock } from 'lockwork';

export async function aborts(): Promise<void> {
  const lock = new Lock();
  const controller = new AbortController();
  await lock.acquireAsync({ signal: controller.signal });
  await lock.holdAsync({ signal: AbortSignal.timeout(5) });
}

export function used(arena: Arena): number {
  return arena.used;
}
