/** A simulated thread's `vm` context, with the package loaded in it. Schedules come and go in it, and decide when it runs. */

import vm from 'node:vm';
import { CALLS } from '../../bindings/core-table.ts';
import { coreModule } from './core.ts';
import { type Environment, type Host, install, type Platform, type Thread } from './platform.ts';
import type { Kit, Lockwork, Task } from './scenario.ts';

const INSTALL = new vm.Script(`(${install})`, { filename: 'platform.ts' });
const ACT = new vm.Script('platform.act()', { filename: 'turn' });
const NOTHING = new vm.Script('', { filename: 'nothing' });

let made = 0;

export class Realm {
  readonly lockwork: Lockwork;
  readonly kit: Kit;
  readonly #context: vm.Context;
  readonly #platform: Platform;
  readonly #tasks = new Map<string, Task>();
  /** Instances have no state of their own, so one for each memory suffices. */
  readonly #instances = new Map<WebAssembly.Memory, readonly ((...args: number[]) => number)[]>();
  readonly exitListeners: (() => void)[] = [];
  /** Realms must not make arenas of the same id, or one that is older would take a new arena for one that it knows. */
  #random = ++made;
  thread: Thread | undefined;
  /** Of the bindings' arena at hand, which is the schedule's. */
  #stalled: Environment['stalled'] = () => 0;

  /** @param globals what the bundle finds beside the platform */
  constructor(bundle: vm.Script, globals?: object) {
    // A plain one, not one that stands for an object: globals are fast.
    this.#context = vm.createContext(vm.constants.DONT_CONTEXTIFY ?? {}, { microtaskMode: 'afterEvaluate' });
    const realm = this;
    const host: Host = {
      get thread() {
        return realm.thread;
      },
      module: coreModule,
      instance: (module, { env }) => this.#instance(module as WebAssembly.Module, env),
      random: () => this.#nextRandom(),
      onExit: (listener) => this.exitListeners.push(listener),
    };
    this.#platform = (INSTALL.runInContext(this.#context) as typeof install)(host);
    const global = vm.runInContext('globalThis', this.#context) as object;
    Object.assign(global, { TextDecoder, TextEncoder }, globals);
    const module = { exports: {} as Lockwork };
    (bundle.runInContext(this.#context) as (module: object, exports: object) => void)(module, module.exports);
    this.lockwork = module.exports;
    this.kit = this.#platform.kit(this.lockwork);
    Object.assign(global, { platform: this.#platform });
  }

  #nextRandom(): number {
    this.#random = (Math.imul(this.#random, 1103515245) + 12345) & 0x7fffffff;
    return this.#random / 2 ** 31;
  }

  /** What a scenario's function is in this realm. */
  compile(program: (...args: never[]) => unknown): Task {
    const text = String(program);
    let task = this.#tasks.get(text);
    if (!task) {
      task = vm.runInContext(`(${text})`, this.#context) as Task;
      this.#tasks.set(text, task);
    }
    return task;
  }

  begin(task: number, program: Task, shared: unknown): void {
    this.#platform.begin(task, program, shared);
  }

  /** A turn of the event loop: what is due (`Thread.act`), and all microtasks that follow. */
  turn(): void {
    ACT.runInContext(this.#context);
  }

  /** Runs all microtasks that are left. */
  drain(): void {
    NOTHING.runInContext(this.#context);
  }

  #instance(module: WebAssembly.Module, env: Environment): object {
    this.#stalled = env.stalled;
    let calls = this.#instances.get(env.memory);
    if (!calls) {
      const { exports } = new WebAssembly.Instance(module, {
        env: {
          ...env,
          wait: (address: number, expected: number, nanoseconds: bigint) =>
            this.thread!.futex.wait(address, expected, nanoseconds),
          notify: (address: number, count: number) => this.thread!.futex.notify(address, count),
          stalled: (thread: number, deadline: number, first: number) => {
            const nap = this.#stalled(thread, deadline, first);
            // The bindings let no error out: a thread that has died meanwhile must not go on in the core.
            this.thread!.lives();
            return nap;
          },
        },
      });
      const real = exports.calls as WebAssembly.Table;
      calls = CALLS.map((name, place) => {
        const call: (...args: number[]) => number = real.get(place);
        return (...args) => this.thread!.call(name, call, args);
      });
      this.#instances.set(env.memory, calls);
    }
    return { calls: { get: (place: number) => calls[place] } };
  }
}

/** The bundle as what a realm runs: a CommonJS module. */
export function moduleScript(bundle: string): vm.Script {
  return new vm.Script(`(function (module, exports) { ${bundle}\n})`, { filename: 'bundle.cjs' });
}
