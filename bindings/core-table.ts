import { tears } from './torn.ts';

/**
 * The core's calls, in the order of its table, which is that of `assembly/index.ts` (see assembly/table.ts).
 *
 * A thread makes few of them: each stands for itself in the object of calls until it is made for the first time, and is got
 * from the table then.
 */
export const CALLS = [
  'create',
  'destroy',
  'collect',
  'awaitVerdicts',
  'cancelWait',
  'barrierEnd',
  'countTasks',
  'join',
  'accept',
  'acquire',
  'decline',
  'rename',
  'restore',
  'undo',
  'claimReaper',
  'reapCell',
  'reapWaiter',
  'lockAcquire',
  'lockRelease',
  'handOff',
  'rlockAcquire',
  'rlockRelease',
  'addRecord',
  'alloc',
  'arenaDestroy',
  'dropRecord',
  'free',
  'semAcquire',
  'semHandOff',
  'semHold',
  'semLetGo',
  'semRelease',
  'setPlace',
  'swap',
  'waitAsTask',
  'waitAsThread',
  'eventClear',
  'eventSet',
  'eventWait',
  'barrierLeave',
  'barrierWait',
  'condEnd',
  'condExchange',
  'condNotify',
  'condWait',
  'condUndo',
  'unpin',
] as const;

type Call = (...args: unknown[]) => unknown;

/** Functions by their places. (Declarations name no type of `WebAssembly`: not everybody has its library.) */
export interface Table {
  get(place: number): Call;
}

/** What an object of calls is made of. */
const AHEAD: object = /* @__PURE__ */ Object.fromEntries(
  /* @__PURE__ */ CALLS.map((name, place) => [
    name,
    function (this: { table: Table; [name: string]: unknown }, ...args: unknown[]): unknown {
      const call = this.table.get(place);
      this[name] = call;
      return call(...args);
    },
  ]),
);

/** Those of an instance of the core. */
export const callsOf = (table: Table): object => ({ ...AHEAD, table });

/** The calls for a module that imports them: without anything between the two, but for guards (torn.ts). */
export function importsOf(core: { table: Table }): object {
  if (tears()) return core;
  return Object.fromEntries(CALLS.map((name, place) => [name, core.table.get(place)]));
}
