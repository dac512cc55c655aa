/** With the DOM's types, or Node's. */
import { type Arena, Lock } from 'lockwork';

export async function aborts(): Promise<void> {
  const lock = new Lock();
  const controller = new AbortController();
  await lock.acquireAsync({ signal: controller.signal });
  await lock.holdAsync({ signal: AbortSignal.timeout(5) });
}

export function shared(arena: Arena): SharedArrayBuffer {
  // Generic since TypeScript 5.7.
  const bytes: Uint8Array<SharedArrayBuffer> = arena.allocate(Uint8Array, 8);
  return bytes.buffer;
}
