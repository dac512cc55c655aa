/**
 * The clock and the timers of the host, taken while this module loads. Tests put fakes in their place later. What
 * lockwork measures by itself must not stand still with a fake: no fake is ticked while its thread blocks. And a fake
 * timer keeps no process alive.
 */
export const setTimeout = /* @__PURE__ */ taken('setTimeout');
export const clearTimeout = /* @__PURE__ */ taken('clearTimeout');
export const setInterval = /* @__PURE__ */ taken('setInterval');
export const clearInterval = /* @__PURE__ */ taken('clearInterval');
const setImmediate = /* @__PURE__ */ taken('setImmediate') as ((callback: () => void) => unknown) | undefined;
const MessageChannel = /* @__PURE__ */ taken('MessageChannel') as typeof globalThis.MessageChannel | undefined;

/** By a call that is marked as pure: bundlers keep what only might have a side effect. */
function taken<K extends keyof typeof globalThis>(name: K): (typeof globalThis)[K] {
  return globalThis[name];
}

/** The longest time that timers and waits take, ms: about 24 days. A longer wait is one of several pieces. */
export const LONGEST = 0x7fffffff;

/** ms since some moment. Worklets have no `performance`. */
export const now: () => number = /* @__PURE__ */ (() => {
  const { performance } = globalThis;
  const read = performance?.now;
  return performance ? () => read.call(performance) : Date.now;
})();

/**
 * Calls back once, in `limit` ms (more than 0; never when that is `Infinity`), unless the function that it returns is
 * called before. These are the timeouts of tasks, which a test can fake: the timer is the one that `globalThis` has at
 * this moment. When a fake timer fires, its time has come. The clock cannot say so: it may stand still, or be the real one.
 */
export function after(limit: number, callback: () => void): () => void {
  if (limit === Infinity) return () => {};
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  // Engines let a timer fire a fraction of a millisecond too early, so the clock has the last word.
  const deadline = set === setTimeout ? now() + limit : undefined;
  let timer: ReturnType<typeof set>;
  let over = false;
  const wait = (left: number): void => {
    const piece = Math.min(Math.ceil(left), LONGEST);
    timer = set(() => {
      if (over) return;
      const rest = deadline === undefined ? left - piece : deadline - now();
      if (rest > 0) return wait(rest);
      over = true;
      callback();
    }, piece);
  };
  wait(limit);
  return () => {
    if (over) return;
    over = true;
    // A fake that was uninstalled has dropped its timers: node:test's would take another one for it.
    if (clear === clearTimeout || clear === globalThis.clearTimeout) clear(timer);
  };
}

/** So often tasks pass something on without a turn of the event loop before the clock is asked, and again. */
const OFTEN = 256;
/** For so long (ms) they may keep the event loop from turning. */
const TURN = 10;

/** The turns of the event loop, as far as tasks know of them. */
export const turns = {
  passes: 0,
  since: 0,
  /**
   * Whether tasks must let the event loop turn before they acquire anything. Tasks that pass something on to each other go
   * on in microtasks; timers, messages and I/O wait until there is none left.
   */
  late: false,
};
const postponed: (() => void)[] = [];

/** A task passes on what it has to another one of its thread. */
export function countPass(): void {
  // Small, so that it is inlined.
  if ((++turns.passes & (OFTEN - 1)) === 0) lookAtClock();
}

function lookAtClock(): void {
  if (turns.passes > OFTEN) turns.late ||= now() - turns.since > TURN;
  else {
    turns.since = now();
    soon(turned);
  }
}

/** The event loop has turned. All that waits for that begins before any of it goes on. */
function turned(): void {
  turns.passes = 0;
  turns.late = false;
  for (const begin of postponed.splice(0)) begin();
}

/** Does this when the event loop has turned; a turn is due. */
export function afterTurn<T>(act: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    postponed.push(() => {
      try {
        resolve(act());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** Calls back in the next turn of the event loop. Timers that follow each other engines keep waiting for 4 ms. */
function soon(callback: () => void): void {
  if (setImmediate) setImmediate(callback);
  else if (MessageChannel) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      callback();
    };
    port2.postMessage(0);
  } else setTimeout(callback, 0);
}
