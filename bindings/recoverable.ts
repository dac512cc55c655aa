import {
  ABANDONED,
  CELL_WORD,
  LOCK_ABANDONER,
  LOCK_ON_DEATH,
  NAME_SIZE,
  ON_DEATH_KEEP,
  ON_DEATH_RELEASE,
  ON_DEATH_TELL,
  STATUS_ABANDONED,
  STATUS_OK,
  UNIT,
} from '../assembly/abi.ts';
import { Acquirable, admitOwner, HELD } from './acquirable.ts';
import { checkDeadlock } from './deadlock.ts';
import { AbandonedError } from './errors.ts';
import { CellRef } from './handle.ts';
import { NO_NUMBER } from './host.ts';
import { checkOwnerWait, FOR_EVER, type Owner, type OwnerWaitOptions, ownerIn } from './owner.ts';
import { createCell, type PrimitiveOptions } from './primitive.ts';
import { schedulerOf } from './scheduler.ts';
import { Guard } from './scoped.ts';
import type { ThreadArena } from './thread-arena.ts';
import { nameOf, readText, threadOf } from './thread-info.ts';
import {
  checkChoice,
  checkFunction,
  checkOptions,
  invalidType,
  isStrayPromise,
  LOCK_OPTIONS,
  RECOVER_OPTIONS,
  show,
} from './validate.ts';

/** What a view of a lock may have of its own. */
export interface LockRecovery {
  /**
   * What puts in order what the lock protects, if the thread that held it has died: it runs when this view's thread acquires
   * the lock then, which holds it meanwhile. A function cannot be posted: it is this view's. Async calls wait for it when it
   * is async, blocking ones cannot. It must not acquire the same Lock, which is held; an RLock it may.
   */
  recover?: (() => unknown) | undefined;
}

/** What a lock may be made with. */
export interface LockOptions extends PrimitiveOptions, LockRecovery {
  /**
   * What becomes of the lock when the thread that holds it dies, or ends without releasing it; for all threads. `'throw'`,
   * the default: the next one to acquire it gets an `AbandonedError`, until `recover` has put in order what it protects.
   * `'release'`: it is released. `'keep'`: it stays held; for a Lock that is used as a signal, which one thread acquires
   * and another releases.
   */
  abandoned?: 'throw' | 'release' | 'keep' | undefined;
}

const ON_DEATH = /* @__PURE__ */ (() => ({
  throw: ON_DEATH_TELL,
  release: ON_DEATH_RELEASE,
  keep: ON_DEATH_KEEP,
}))();

/**
 * What Lock and RLock share: the thread that holds one may die. Then the lock is abandoned: its next owner is told so by
 * STATUS_ABANDONED, and holds it. It repairs what the lock protects, or releases it and throws; then the one after it is
 * told.
 */
export abstract class Recoverable<K extends string = string> extends Acquirable<K> {
  readonly #recover: (() => unknown) | undefined;

  /** @internal */
  protected constructor(
    name: K,
    kind: number,
    options: LockOptions | CellRef | undefined,
    recovery: LockRecovery | undefined,
  ) {
    const existing = options instanceof CellRef;
    const { recover } = (existing ? recovery : options) ?? {};
    if (existing) checkOptions(recovery, `${name}.from`, RECOVER_OPTIONS);
    else checkOptions(options, `new ${name}`, LOCK_OPTIONS);
    if (recover !== undefined) checkFunction(recover, `${name}: the option recover`);
    super(name, kind, existing ? options : create(name, kind, options));
    this.ref.arena.checkDeadlock ??= checkDeadlock;
    this.#recover = recover;
  }

  /**
   * What the thread that holds it is called, or whose task does.
   *
   * @internal
   */
  get owner(): string | undefined {
    const { arena } = this.ref;
    const thread = threadOf(arena, (this.peek(CELL_WORD) & -UNIT) >>> 0);
    return thread ? nameOf(arena, thread).name : undefined;
  }

  /**
   * Whether the thread that held it has died, and nobody has put in order since what it protects; also while somebody holds
   * it to do so. Not with the options `abandoned: 'release'` and `'keep'`.
   */
  get abandoned(): boolean {
    return (this.peek(CELL_WORD) & ABANDONED) !== 0;
  }

  /**
   * Acquires the lock even if it is abandoned, runs `fn` while holding it, and releases it. Unless `fn` throws, the lock is in
   * order again: `fn` repairs what the lock protects. Blocks; see `acquire`.
   *
   * @example
   * try {
   *   lock.with(sell);
   * } catch (error) {
   *   if (!(error instanceof AbandonedError)) throw error;
   *   // The other thread may have died between the two.
   *   lock.recover(() => {
   *     seats[SOLD] = seats[TOTAL] - seats[FREE];
   *   });
   * }
   *
   * @param fn may find all in order: another thread may have been here before. What it returns is returned
   * @param timeout ms; nothing or `Infinity` for ever
   * @throws TimeoutError when the time is up
   * @throws TypeError when `fn` is not a function, or returns a promise; then, and when `fn` throws, the lock is as it was
   * @throws BlockingNotAllowedError on a thread that may not block, unless `timeout` is 0; DeadlockError as `acquire`
   */
  recover<T>(fn: () => T, timeout?: number): T {
    checkFunction(fn, `${this.kind}.recover: the argument`);
    const limit = this.limit(timeout, 'recover');
    const status = this.block(limit, 0);
    // Of the two statuses that say that it is held, the lock itself says which.
    const held = super.finish(this.ref.arena, status === STATUS_ABANDONED ? STATUS_OK : status);
    if (!held) throw this.tooLate(timeout);
    try {
      const result = fn();
      if (isStrayPromise(result)) this.refusePromise('recover');
      this.#restore(undefined);
      return result;
    } finally {
      this.release();
    }
  }

  /**
   * As `recover`, without blocking the thread: `fn` may be async, and is awaited.
   *
   * @param fn is called with the guard (of an `RLock`: `guard.owner` acquires it again), and must hold it until its end
   * @throws TimeoutError and the signal's reason as `holdAsync`; TypeError when `fn` is not a function
   */
  async recoverAsync<T>(fn: (guard: Guard) => T | PromiseLike<T>, options?: OwnerWaitOptions): Promise<T> {
    const call = `${this.kind}.recoverAsync`;
    checkFunction(fn, `${call}: the argument`);
    const wanted = { ...(options === undefined ? FOR_EVER : checkOwnerWait(options, call)), recovers: true };
    const owner = wanted.owner ?? this.newOwner();
    if (!(await this.acquireTask(wanted, owner, 0))) throw this.tooLate(wanted.limit);
    const guard = new Guard(this, owner, 0);
    try {
      const result = await fn(guard);
      if (guard.holds) this.#restore(owner);
      return result;
    } finally {
      guard.release();
    }
  }

  /**
   * This thread holds it, abandoned: puts in order what it protects, or throws; then it still holds it.
   *
   * @param after how the message of an AbandonedError ends
   * @internal
   */
  repair(after = ''): true {
    const recover = this.#recover;
    if (!recover) throw this.#abandonedError(after);
    if (isStrayPromise(recover())) {
      throw invalidType(
        `${this}: recover returned a promise, and blocking calls do not await it. Use the async ones, such as acquireAsync()`,
      );
    }
    this.#restore(undefined);
    return true;
  }

  /**
   * The same for a task, in this owner's name. It begins when the step is over by which the task got the lock.
   *
   * @internal
   */
  async repairAsync(owner: Owner | undefined, after = ''): Promise<true> {
    await undefined;
    const recover = this.#recover;
    if (!recover) throw this.#abandonedError(after);
    await recover();
    this.#restore(owner);
    return true;
  }

  /** @internal */
  protected override finish(arena: ThreadArena, status: number): boolean {
    if (status !== STATUS_ABANDONED) return super.finish(arena, status);
    super.finish(arena, STATUS_OK);
    try {
      return this.repair();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** @internal */
  override toHeld(status: number, owner: Owner | undefined, recovers: boolean): boolean | Promise<boolean> {
    if (status !== STATUS_ABANDONED) return this.toBoolean(status);
    return recovers ? HELD : this.#repairOrRelease(owner);
  }

  async #repairOrRelease(owner: Owner | undefined): Promise<true> {
    try {
      return await this.repairAsync(owner);
    } catch (error) {
      this.letGo(owner, 0);
      throw error;
    }
  }

  /** Its holder, the thread or this owner, has put in order what it protects. */
  #restore(owner: Owner | undefined): void {
    this.live();
    const { core, arena, cell } = this.ref;
    core.restore(cell);
    // RLock: now the owner's other tasks have it, too.
    if (owner) admitOwner(schedulerOf(arena), cell, ownerIn(owner, arena));
  }

  /** Only its holder may ask: then nobody else dies of it. */
  #abandonedError(after: string): AbandonedError {
    const { arena, cell } = this.ref;
    const name = readText(arena, cell + LOCK_ABANDONER, NAME_SIZE);
    // Neither changes while it is held.
    const number = arena.load(cell, LOCK_ON_DEATH) >>> 2;
    const who: string[] = [];
    if (name) who.push(show(name));
    if (number === 0) who.push('the main thread');
    else if (number !== NO_NUMBER) who.push(`worker ${number}`);
    return new AbandonedError(
      `${this}: abandoned: the thread that held it has died${who.length > 0 ? ` (${who.join(', ')})` : ''}. Repair what it protects in recover(fn)${after}`,
    );
  }
}

function create(name: string, kind: number, options: LockOptions | undefined): CellRef {
  const given = options?.abandoned;
  const onDeath =
    given === undefined ? ON_DEATH_TELL : checkChoice(given, ON_DEATH, `new ${name}: the option abandoned`);
  return createCell(name, kind, options, { [LOCK_ON_DEATH]: onDeath });
}
