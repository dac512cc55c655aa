import {
  AT_FRONT,
  CELL_LENGTH,
  CELL_NEXT,
  CELL_PREV,
  CELL_WORD,
  HANDOFF,
  HANDOFF_AFTER_MS,
  HELD_BY_TASK,
  STATE_GRANTED,
  STATUS_OK,
  STATUS_PENDING,
  STATUS_TIMEOUT,
  UNIT,
  WOKEN,
} from '../assembly/abi.js';
import { Call } from './call.js';
import { checkWait, FOR_EVER, OWNER_WAIT_OPTIONS, type WaitOptions } from './check.js';
import { afterTurn, countPass, now, turns } from './clock.js';
import type { Signal } from './globals.js';
import { Holdable } from './guard.js';
import { type Awaitable, type Inbox, inboxOf, Wait } from './inbox.js';
import { type Owner, unuseOwner, usesOf } from './owner.js';
import type { Region } from './region.js';
import type { OwnerWaitOptions } from './rlock.js';

/** A wait for a Lock, an RLock or a permit; its steps are `acquire` of `assembly/resource.ts`. */
export abstract class ResourceWait extends Wait {
  /** When it was first woken in vain. */
  #since: number | undefined;
  /** It gives up as soon as it can. */
  late = false;

  constructor(
    target: Awaitable,
    /** What acquiring adds to the word. */
    public take: number,
  ) {
    super(target);
  }

  /**
   * Undoes it.
   *
   * @internal
   */
  protected abstract release(): number;

  /**
   * Whether the word says that a task of this thread holds it.
   *
   * @internal
   */
  protected heldByTask(): boolean {
    return false;
  }

  /** Once it stands in the queue, this thread's tasks do not acquire (Inbox.block). */
  override deadlocked(entered: boolean): boolean {
    return !entered && this.heldByTask() && !this.region.inbox!.handed(this.cell);
  }

  /** @param flags AT_FRONT: before all others */
  enter(waiter: number, flags = 0): number {
    this.#since = undefined;
    this.late = false;
    return this.#acquire(waiter, Infinity, flags);
  }

  resume(waiter: number, verdict: number): number {
    if (verdict === STATE_GRANTED) return STATUS_OK;
    const unlucky = this.#since !== undefined && now() - this.#since >= HANDOFF_AFTER_MS;
    const status = this.#acquire(waiter, this.late ? 0 : Infinity, unlucky ? WOKEN | HANDOFF : WOKEN);
    // From here on it looks at the clock; handoffs are for the unlucky.
    if (status === STATUS_PENDING) this.#since ??= now();
    return status;
  }

  leave(waiter: number): number {
    this.late = true;
    const status = this.region.core.leave(this.cell, this.life, waiter);
    return status === STATUS_TIMEOUT ? STATUS_TIMEOUT : STATUS_PENDING;
  }

  override decline(waiter: number, verdict: number): boolean {
    if (verdict === STATE_GRANTED || this.#acquire(waiter, 0, WOKEN) === STATUS_OK) this.release();
    return true;
  }

  /** What it has is somebody else's from now on. Any thread may release a plain Lock meanwhile. */
  rename(from: number, to: number): void {
    if (from !== to) this.region.core.rename(this.cell, from, to);
  }

  #acquire(waiter: number, timeout: number, woken: number): number {
    return this.region.core.acquire(this.cell, this.life, waiter, this.take, timeout, woken);
  }
}

/** A task in a line. */
class Place extends Call {
  next: Place | undefined;
  prev: Place | undefined;

  constructor(
    line: Line,
    /** What stands in the word while it holds; of a permit, in nobody's name, what acquiring adds. */
    readonly name: number,
    /** Of an RLock. */
    readonly owner: Owner | undefined,
  ) {
    super(line);
  }
}

/**
 * Tasks of this thread that wait for one Lock, RLock or Semaphore and came one behind the other, with nobody of another
 * thread between them. In the queue stands one waiter for all of them: the representative. What it gets is the first
 * one's; then it enters the queue anew for the next, at the front. So all go on in the order in which they came.
 *
 * While the representative is the head of the queue, who releases passes on what he has to the first of the line
 * (`passOn`): for others, as if he had released it and the first had taken it just then. So nothing must be true but that
 * he holds it; the representative stands where it stands, and what it gets meanwhile is one more.
 *
 * The cell's length counts the others in the line, too: one less than there are, as the queue counts the representative.
 */
export class Line extends Wait {
  first: Place | undefined;
  /** The next of this thread's lines at the same cell, and the one before: somebody else came between the two. */
  younger: Line | undefined;
  #older: Line | undefined;
  #last: Place | undefined;
  #size = 0;
  readonly #way: ResourceWait;

  /** @param way the representative's */
  constructor(target: Awaitable, way: ResourceWait) {
    super(target);
    this.#way = way;
  }

  /** Whether who comes now comes behind it: it stands, and nobody else has come since. */
  get open(): boolean {
    return this.waiter !== 0 && this.region.words(this.cell)[(this.cell + CELL_PREV) >>> 2] === (this.waiter | 0);
  }

  /** Whether it is open, and to try is in vain, as nobody was woken: then what is free would not be. */
  get closed(): boolean {
    return this.open && (this.region.words(this.cell)[this.cell >>> 2]! & (HELD_BY_TASK - 1)) < HANDOFF;
  }

  /** Of the oldest: the last of this thread's lines here. */
  get youngest(): Line {
    return this.younger ? this.region.inbox!.lines.get(this.cell)!.youngest : this;
  }

  /** It begins behind all others of this thread here. */
  begin(): void {
    const { lines } = this.region.inbox!;
    const all = lines.get(this.cell);
    if (all) {
      this.#older = all.youngest;
      all.youngest.younger = this;
      all.youngest = this;
    } else lines.set(this.cell, { oldest: this, youngest: this });
  }

  /** A task has to wait. */
  join(inbox: Inbox, name: number, owner: Owner | undefined, limit: number, signal: Signal | undefined) {
    const stands = this.waiter !== 0;
    if (!stands) this.waiter = inbox.take();
    const place = new Place(this, name, owner);
    const promise = place.promise<boolean>();
    this.#push(place);
    if (stands) place.start(limit, signal);
    else {
      if (inbox.stand(this)) place.start(limit, signal);
      inbox.watch();
    }
    return promise;
  }

  /**
   * A release, as far as this thread goes. False: it must be one for all.
   *
   * @param held what the word must say, without flags: nobody was woken, or is to be handed it
   * @param name whose it is
   */
  passOn(held: number, name: number): boolean {
    const { region, cell, first } = this;
    const words = region.words(cell);
    const place = cell >>> 2;
    const word = words[place]!;
    if (!first || (word & -HANDOFF) !== (held | 0)) return false;
    // Others come first, and so does what the representative has got and this thread has not seen.
    if (words[place + CELL_NEXT / 4] !== (this.waiter | 0) || !region.inbox!.empty) return false;
    const change = first.name - name;
    // Somebody enters the queue: then he must find it released.
    if (change !== 0 && Atomics.compareExchange(words, place, word, word + change) !== word) return false;
    countPass();
    this.#give(first, STATUS_OK);
    this.#dissolve();
    return true;
  }

  /** RLock: if an owner has it, so have all of its tasks that wait, here and in younger lines. */
  retry(name: number, serving?: Line): void {
    if ((this.region.load(this.cell, CELL_WORD) & -UNIT) >>> 0 !== name) return;
    for (let line: Line | undefined = this, next: Line | undefined; line; line = next) {
      next = line.younger;
      line.#reunite(name);
      if (line !== serving) line.#dissolve();
    }
  }

  /** Of many, it may be the first, and the representative have its verdict: that is for the next. */
  override giveUp(place: Place): void {
    if (this.#size > 1) this.#give(place, STATUS_TIMEOUT);
    else this.region.inbox!.giveUp(this);
  }

  enter(waiter: number): number {
    // While this thread blocked, it declined what came for who had given up (Inbox.block).
    return this.#serve(!this.first || this.first.late ? STATUS_TIMEOUT : this.#way.enter(waiter));
  }

  resume(waiter: number, verdict: number): number {
    if (this.first) {
      this.#way.late = this.first.late;
      return this.#serve(this.#way.resume(waiter, verdict));
    }
    // The last one was served, or left, as this came.
    this.#way.decline(waiter, verdict);
    return STATUS_OK;
  }

  leave(waiter: number): number {
    return this.#serve(this.#way.leave(waiter));
  }

  override abandon(waiter: number): number {
    while (this.first) this.#remove(this.first);
    return this.#way.leave(waiter);
  }

  override decline(waiter: number, verdict: number): boolean {
    return this.#way.decline(waiter, verdict);
  }

  override conclude(status: number): unknown {
    return status === STATUS_OK || super.conclude(status);
  }

  /** Nobody stands in it any more. */
  override settle(): void {
    this.waiter = 0;
    const { lines } = this.region.inbox!;
    const all = lines.get(this.cell)!;
    const older = this.#older;
    const { younger } = this;
    if (older) older.younger = younger;
    if (younger) younger.#older = older;
    if (!older && !younger) lines.delete(this.cell);
    else if (!older) all.oldest = younger!;
    else if (!younger) all.youngest = older;
    this.#older = undefined;
    this.younger = undefined;
  }

  /** The representative has come to an end: so has the first, and it stands for the next, where it stood. */
  #serve(status: number): number {
    for (let first = this.first; first && status !== STATUS_PENDING; first = this.first) {
      if (status === STATUS_OK) this.#way.rename(this.#way.take, first.name);
      this.#give(first, status);
      if (this.first) status = this.#way.enter(this.waiter, AT_FRONT);
    }
    return status;
  }

  #give(place: Place, status: number): void {
    const { name, owner } = place;
    this.#remove(place);
    if (owner && status !== STATUS_OK) unuseOwner(owner, this.region);
    place.settle(status);
    if (!owner || status !== STATUS_OK || usesOf(owner, this.region) <= 1) return;
    this.region.inbox!.lines.get(this.cell)?.oldest.retry(name, this);
  }

  #reunite(name: number): void {
    for (let place = this.first, next: typeof place; place; place = next) {
      next = place.next;
      if (place.name !== name) continue;
      this.#remove(place);
      place.settle(this.region.core.rlockAcquire(this.cell, this.life, name, 0));
    }
  }

  /** If it was the last one, the representative has to go. If it has its verdict already, that comes, and passes on. */
  #dissolve(): void {
    if (!this.first && this.waiter) this.region.inbox!.giveUp(this);
  }

  #push(place: Place): void {
    place.prev = this.#last;
    if (this.#last) this.#last.next = place;
    else this.first = place;
    this.#last = place;
    if (++this.#size > 1) this.#count(1);
  }

  #remove(place: Place): void {
    const { prev, next } = place;
    if (prev) prev.next = next;
    else this.first = next;
    if (next) next.prev = prev;
    else this.#last = prev;
    // So that the old do not keep the young alive.
    place.next = undefined;
    if (--this.#size > 0) this.#count(-1);
  }

  #count(change: number): void {
    Atomics.add(this.region.words(this.cell), (this.cell + CELL_LENGTH) >>> 2, change);
  }
}

/** What is known at once needs no promise of its own. */
const HELD = /* @__PURE__ */ Promise.resolve(true);
const NOT_HELD = /* @__PURE__ */ Promise.resolve(false);

/** What Lock, RLock and Semaphore share: acquiring as a task, and beside tasks. Algorithm: `assembly/resource.ts`. */
export abstract class Resource<K extends string = string> extends Holdable<K> {
  #line: Line | undefined;

  /**
   * Tries once, in the name of a thread or a task: `take` as it stands in the word.
   *
   * @internal
   */
  protected abstract attempt(take: number): number;

  /**
   * A wait for it, by a thread that blocks or for a line.
   *
   * @internal
   */
  protected abstract wait(take: number): ResourceWait;

  /**
   * How a line's representative waits.
   *
   * @internal
   */
  protected way(name: number): ResourceWait {
    return this.wait(name);
  }

  /**
   * The oldest line of this thread's tasks, if some stand there.
   *
   * @internal
   */
  protected lineIn({ lines }: Inbox): Line | undefined {
    if (this.#line?.waiter) return this.#line;
    if (lines.size === 0) return undefined;
    // Another object may be the same lock.
    const oldest = lines.get(this.view.cell)?.oldest;
    this.#line = oldest ?? this.#line;
    return oldest;
  }

  /**
   * The host threw in the midst of a wait: what is due to it goes back.
   *
   * @internal
   */
  protected withdraw(error: unknown): never {
    const { core, cell, life, thread } = this.view;
    return this.undo(error, () => core.withdraw(cell, life, thread));
  }

  /**
   * Blocks in a thread that has tasks which wait. Nothing when there are none: then the core may block.
   *
   * @internal
   */
  protected beside({ inbox, thread }: Region, limit: number): number | undefined {
    if (!inbox || limit === 0) return undefined;
    const status = this.attempt(thread);
    if (status !== STATUS_TIMEOUT) return status;
    const wait = this.wait(thread);
    if (inbox.busy) return inbox.block(wait, limit, () => this.deadlock());
    return wait.deadlocked(false) ? this.deadlock() : undefined;
  }

  /** @internal */
  attain(options: OwnerWaitOptions | undefined, owner?: Owner): boolean | Promise<boolean> {
    return turns.late && options?.timeout !== 0
      ? afterTurn(() => this.attainNow(options, owner))
      : this.attainNow(options, owner);
  }

  /**
   * Acquires as a task.
   *
   * @internal
   */
  protected abstract attainNow(options: OwnerWaitOptions | undefined, owner?: Owner): boolean | Promise<boolean>;

  /**
   * Acquires as a task, in this name: at once, or after a wait.
   *
   * @internal
   */
  protected task(options: WaitOptions | undefined, name: number, owner?: Owner): boolean | Promise<boolean> {
    const { limit, signal } =
      options === undefined ? FOR_EVER : checkWait(options, `${this.kind}.acquireAsync`, OWNER_WAIT_OPTIONS);
    // From now on blocking calls look whether a task holds it.
    const { region } = this.view;
    const inbox = inboxOf(region);
    const oldest = this.lineIn(inbox);
    let line = oldest?.youngest;
    if (limit === 0 || owner || !line?.closed) {
      const status = this.attempt(name);
      if (status !== STATUS_TIMEOUT || limit === 0) return this.settle(region, status);
      if (!oldest) {
        line = this.#line ??= new Line(this, this.way(name));
        line.begin();
      } else if (!line?.open) {
        line = new Line(this, this.way(name));
        line.begin();
      }
    }
    return line!.join(inbox, name, owner, limit, signal);
  }

  /**
   * What `acquireAsync` answers.
   *
   * @internal
   */
  protected promise(options: OwnerWaitOptions | undefined): Promise<boolean> {
    try {
      const held = this.attain(options);
      return held === true ? HELD : held || NOT_HELD;
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
