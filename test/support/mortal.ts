import type * as threading from 'lockwork';
import { Arena, reap } from 'lockwork';
import type * as inspecting from 'lockwork/inspect';
import type * as programs from 'lockwork/wasm';
import { afterEach } from 'vitest';
import { KIND_THREAD, THREAD_TICKETS } from '../../assembly/abi.ts';
import { spawn, type Thread } from './spawn.ts';
import { PATIENCE, until } from './threads.ts';
import { RawArena } from './waiting.ts';

/** Threads that a test terminates. */

const living = new Set<Thread>();

/** Source of an async function: Deno's terminate() stops a thread that computes or blocks only while that holds a Web Lock. */
export const MORTAL = `
  const hold = (held) => navigator.locks.request('mortal', { mode: 'shared' }, () => new Promise(() => held()));
  if (globalThis.Deno) await new Promise(hold);`;

/**
 * Runs `fn(args, lockwork, lockwork/inspect, lockwork/wasm)` on a thread of its own, which lives until it is terminated. `fn` travels as
 * text, as in threads.ts; it need not come to an end.
 */
export function mortal<A>(
  args: A,
  fn: (args: A, api: typeof threading, inspect: typeof inspecting, wasm: typeof programs) => unknown,
): Thread {
  const worker = spawn(
    () => {},
    () => {},
  );
  living.add(worker);
  const source = `async (args, ...apis) => {
    ${MORTAL}
    return (${fn})(args, ...apis);
  }`;
  worker.postMessage({ id: 0, source, args });
  return {
    postMessage: (message) => worker.postMessage(message),
    terminate() {
      living.delete(worker);
      return worker.terminate();
    },
  };
}

afterEach(async () => {
  for (const worker of living) await worker.terminate();
  living.clear();
});

/** Waits for a state that a thread's death brings about: it is looked for as soon as it may be found. */
export function reaped(state: () => boolean, what: string, arena = Arena.default): Promise<void> {
  const look = () => {
    reap(arena);
    return state();
  };
  return until(look, what, PATIENCE, arena);
}

/**
 * Whether nobody else is left of an arena's threads. A terminated thread may go on for seconds in a page, with all that it has. One
 * without a ticket is never found dead.
 */
export function alone(arena: Arena): boolean {
  const raw = new RawArena(arena.memory, arena.address);
  return [...raw.cells(KIND_THREAD)].filter((one) => raw.word(one, THREAD_TICKETS) & 0xff).length === 1;
}

/** Destroys a primitive as soon as nothing of the dead is left at it. */
export function buried(primitive: threading.Primitive, arena = Arena.default): Promise<void> {
  const destroyed = () => {
    try {
      primitive.destroy();
      return true;
    } catch {
      return false;
    }
  };
  return reaped(destroyed, `${primitive} can be destroyed`, arena);
}
