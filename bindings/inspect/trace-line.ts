import { builtIn } from '../host.ts';
import type { Owner } from '../index.ts';
import { Line } from './trace-hold.ts';

interface Storage {
  getStore(): Line | undefined;
  run<T>(line: Line, act: () => T): T;
  disable(): void;
}

/** The lines of this thread. */
export class Lines {
  readonly #thread = new Line(0, undefined, false);
  readonly #owners = new WeakMap<Owner, Line>();
  readonly #storage: Storage | undefined;
  #tasks = 0;

  constructor() {
    const hooks = builtIn('async_hooks') as { AsyncLocalStorage?: new () => Storage } | undefined;
    if (hooks?.AsyncLocalStorage) this.#storage = new hooks.AsyncLocalStorage();
  }

  /** The one that calls. */
  get current(): Line {
    return this.#storage?.getStore() ?? this.#thread;
  }

  /** That of an async call which begins now. */
  begin(owner: Owner | undefined): Line {
    const outer = this.#storage?.getStore();
    if (outer?.fresh) {
      outer.fresh = false;
      return outer;
    }
    if (outer || !owner) return this.#add(outer, false);
    const known = this.#owners.get(owner) ?? this.#add(undefined, false);
    this.#owners.set(owner, known);
    return known;
  }

  /** Does this in a line of its own: a call that acquires something, and runs a function meanwhile. */
  run<T>(act: () => T): T {
    const storage = this.#storage;
    return storage ? storage.run(this.#add(storage.getStore(), true), act) : act();
  }

  #add(outer: Line | undefined, fresh: boolean): Line {
    return new Line(outer?.task ?? ++this.#tasks, outer, fresh);
  }

  close(): void {
    this.#storage?.disable();
  }
}
