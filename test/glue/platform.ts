/**
 * What a simulated thread finds on its `globalThis` in place of the host's: shared memory that the scheduler sees every access
 * to, and time, timers and signals that are the scheduler's. It runs in the thread's own `vm` context, as text, so that its
 * promises go on in that context's own queue of microtasks.
 */

import type { Futex } from './core.ts';
import type { Kit, Lockwork, Task } from './scenario.ts';

/** What the core imports of the bindings. */
export interface Environment {
  readonly memory: WebAssembly.Memory;
  readonly clock: () => number;
  readonly stalled: (thread: number, deadline: number, first: number) => number;
}

/** What the platform has of the realm. */
export interface Host {
  /** Of the schedule that runs at the moment. There is none while the package loads. */
  readonly thread: Thread | undefined;
  module(bytes: Uint8Array): object;
  instance(module: object, imports: { env: Environment }): object;
  random(): number;
  onExit(listener: () => void): void;
}

/** What it asks the thread of the schedule. */
export interface Thread {
  readonly futex: Futex;
  /** A call of the core. */
  call(name: string, call: (...args: number[]) => number, args: number[]): number;
  /** Before each other access to shared memory. */
  access(operation: string, address: number): void;
  wait(view: Int32Array, index: number, expected: number, limit: number): string;
  listen(address: number, resolve: (told: string) => void): void;
  notify(address: number, count: number): number;
  now(): number;
  setTimer(callback: () => void, delay: number, repeats: boolean): object;
  clearTimer(timer: unknown): void;
  soon(label: string, callback: () => void): void;
  abortable(abort: () => void): void;
  when(name: string, callback: () => void): void;
  whenIdle(thread: string, callback: () => void): void;
  whenGone(thread: string, callback: () => void): void;
  died(thread: string): boolean;
  compute(until: string): void;
  /** The arena of the schedule. */
  readonly arena: unknown;
  note(name: string): void;
  enter(what: string, limit: number): void;
  mend(what: string): void;
  leave(what: string): void;
  exit(): void;
  fail(message: string): never;
  /** Both throw in a thread that has died: where its scenario goes on; where the package does. */
  mustLive(): void;
  lives(): void;
  readonly state: unknown;
  done(task: number): void;
  failed(task: number, error: unknown): void;
  /** Does what is due. */
  act(): void;
}

/** What the scheduler calls in the simulated thread. */
export interface Platform {
  /** Does what is due; the end of the script that calls it runs the microtasks. */
  act(): void;
  begin(task: number, program: Task, shared: unknown): void;
  kit(lockwork: Lockwork): Kit;
}

export function install(host: Host): Platform {
  const { Proxy, Promise, Reflect, SharedArrayBuffer, WeakMap } = globalThis;
  const natively = globalThis.Atomics;
  type View = Int32Array;
  const RAW = Symbol('raw');

  // ------------------------------------------------------------------------------------------------ shared memory

  const isShared = (buffer: unknown): boolean =>
    Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
  const isIndex = (key: unknown): key is string => typeof key === 'string' && key >= '0' && key < ':';
  const addressOf = (view: View, index: number | string): number =>
    view.byteOffset + Number(index) * view.BYTES_PER_ELEMENT;
  const handler: ProxyHandler<View> = {
    get(view, key) {
      if (key === RAW) return view;
      if (isIndex(key)) {
        host.thread?.access('reads', addressOf(view, key));
        return view[key as unknown as number];
      }
      const value = Reflect.get(view, key, view);
      return typeof value === 'function' ? value.bind(view) : value;
    },
    set(view, key, value) {
      if (isIndex(key)) host.thread?.access('writes', addressOf(view, key));
      return Reflect.set(view, key, value, view);
    },
  };
  const watched = (type: Int32ArrayConstructor): Int32ArrayConstructor =>
    new Proxy(type, {
      construct(target, args) {
        const view = new target(...(args as [number]));
        return isShared(view.buffer) ? new Proxy(view as View, handler) : view;
      },
    });
  for (const name of ['Int32Array', 'Uint32Array', 'Uint8Array', 'Float64Array'] as const)
    globalThis[name] = watched(globalThis[name] as unknown as Int32ArrayConstructor) as never;

  const raw = (view: View): View => (view as unknown as Record<symbol, View | undefined>)[RAW] ?? view;
  const atomics: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(natively)) {
    const operation = (natively as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!;
    atomics[name] = (view: View, index: number, ...operands: unknown[]) => {
      const target = raw(view);
      if (isShared(target.buffer)) host.thread?.access(`Atomics.${name}`, addressOf(target, index));
      return operation(target, index, ...operands);
    };
  }
  atomics.wait = (view: View, index: number, expected: number, limit = Infinity): string => {
    return host.thread?.wait(raw(view), index, expected, limit) ?? natively.wait(raw(view), index, expected, 0);
  };
  atomics.waitAsync = (view: View, index: number, expected: number): unknown => {
    const target = raw(view);
    host.thread?.access('Atomics.waitAsync', addressOf(target, index));
    if (natively.load(target, index) !== expected) return { async: false, value: 'not-equal' };
    return { async: true, value: new Promise((resolve) => host.thread!.listen(addressOf(target, index), resolve)) };
  };
  atomics.notify = (view: View, index: number, count = Infinity): number => {
    const address = addressOf(raw(view), index);
    host.thread?.access('Atomics.notify', address);
    return host.thread!.notify(address, count);
  };

  const { Memory } = globalThis.WebAssembly;
  const wasm = {
    Memory,
    Module: class {
      constructor(bytes: Uint8Array) {
        // biome-ignore lint/correctness/noConstructorReturn: a stand-in
        return host.module(bytes);
      }
    },
    Instance: class {
      readonly exports: object;
      constructor(module: object, imports: Parameters<Host['instance']>[1]) {
        this.exports = host.instance(module, imports);
      }
    },
  };

  // ------------------------------------------------------------------------------------------------ the platform

  class Signal {
    aborted = false;
    reason: unknown;
    readonly #listeners = new Set<() => void>();
    addEventListener(_type: string, listener: () => void): void {
      this.#listeners.add(listener);
    }
    removeEventListener(_type: string, listener: () => void): void {
      this.#listeners.delete(listener);
    }
    abort(reason: unknown): void {
      this.aborted = true;
      this.reason = reason;
      for (const listener of [...this.#listeners]) listener();
    }
  }

  const modules: Record<string, unknown> = {
    'node:process': { once: (_event: string, listener: () => void) => host.onExit(listener) },
    'node:worker_threads': {
      isMainThread: false,
      threadId: 1,
      getEnvironmentData: () => undefined,
      setEnvironmentData: () => {},
    },
    // One: a waiter that looks at its word for a while sees nothing that it does not see when it sleeps.
    'node:os': { availableParallelism: () => 1 },
  };
  Math.random = () => host.random();
  Date.now = () => host.thread?.now() ?? 0;
  Object.assign(globalThis, {
    Atomics: atomics,
    WebAssembly: wasm,
    performance: { now: () => host.thread?.now() ?? 0 },
    process: { versions: { node: '26.0.0' }, getBuiltinModule: (id: string) => modules[id] },
    setTimeout: (callback: () => void, delay: number) => host.thread!.setTimer(callback, delay, false),
    setInterval: (callback: () => void, delay: number) => host.thread!.setTimer(callback, delay, true),
    clearTimeout: (timer: unknown) => host.thread!.clearTimer(timer),
    clearInterval: (timer: unknown) => host.thread!.clearTimer(timer),
    setImmediate: (callback: () => void) => host.thread!.soon('goes on after a turn', callback),
    // Names of primitives are not in any scenario; these are for what asks whether they are there.
    SharedArrayBuffer,
    WeakMap,
  });

  // ------------------------------------------------------------------------------------------------ what tasks have

  return {
    act: () => host.thread!.act(),
    begin(task, program, shared) {
      const { kit } = globalThis as unknown as { kit: Kit };
      new Promise((resolve) => resolve(program(shared, kit))).then(
        () => host.thread!.done(task),
        (error) => host.thread!.failed(task, error),
      );
    },
    kit(lockwork) {
      const kit: Kit = {
        lockwork,
        get state() {
          return host.thread!.state;
        },
        turn: () => new Promise((resolve) => host.thread!.soon('goes on', resolve)),
        when: (name) => new Promise((resolve) => host.thread!.when(name, resolve)),
        idle: (thread) => new Promise((resolve) => host.thread!.whenIdle(thread, resolve)),
        gone: (thread) => new Promise((resolve) => host.thread!.whenGone(thread, resolve)),
        died: (thread) => host.thread!.died(thread),
        compute: (until) => host.thread!.compute(until),
        reap: () => lockwork.reap(lockwork.Arena.from(host.thread!.arena as never)),
        note: (name) => host.thread!.note(name),
        enter: (what = 'the section', limit = 1) => host.thread!.enter(what, limit),
        mend: (what = 'the section') => host.thread!.mend(what),
        leave: (what = 'the section') => host.thread!.leave(what),
        signal(reason = 'aborted') {
          const signal = new Signal();
          host.thread!.abortable(() => signal.abort(reason));
          return signal as never;
        },
        exit: () => host.thread!.exit(),
        check(right, otherwise) {
          host.thread!.mustLive();
          if (!right) host.thread!.fail(otherwise);
        },
        acquires(lock) {
          try {
            return lock.acquire();
          } catch (error) {
            if ((error as Error).name === 'DeadlockError') return false;
            throw error;
          }
        },
        async throws(name, call) {
          let result: unknown;
          try {
            result = await call();
          } catch (error) {
            const thrown = (error as Error | undefined)?.name ?? error;
            if (thrown !== name) host.thread!.fail(`${thrown} (${(error as Error)?.message}) in place of ${name}`);
            return;
          }
          host.thread!.fail(`it must throw ${name}, and answered ${String(result)}`);
        },
      };
      Object.assign(globalThis, { kit });
      return kit;
    },
  };
}
