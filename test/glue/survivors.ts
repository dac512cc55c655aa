/** Mutants of the bindings that nothing objects to, because there is nothing to object to. See mutate.ts. */

export interface Survivor {
  readonly file: string;
  /** A part of the source line. */
  readonly line: string;
  /** Which changes of it; all, when missing. */
  readonly what?: RegExp;
  readonly why: string;
  /** It can be proven to do the same in every case. Such a mutant cannot be killed, and does not count. */
  readonly same?: true;
}

/* Reasons that several have. */

const WITHIN_THE_CORE =
  "The core's calls are one step here, so that a verdict is in the inbox as soon as it is given: the model has what is between";
const UNDEFINED = 'The answer undefined counts as false: only conditions ask for it';
const GARBAGE = 'Only what the garbage collector can take is another';
const END_OF_STACK = 'Only at the end of the stack there is a difference, and there no test can aim at it';

export const survivors: readonly Survivor[] = [
  // acquirable.ts
  {
    file: 'acquirable.ts',
    line: 'if (status === STATUS_OK && usesOf(owner, arena) > 1)',
    what: /^(only status === STATUS_OK$|> → >=|1 → 0)/,
    why: 'An owner with one use has no other task that waits: the count only saves the look',
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: 'if (status === STATUS_OK && usesOf(owner, arena) > 1)',
    what: /^only usesOf/,
    why: 'An owner is admitted only where the word says that it holds the lock: its other tasks have it, too, a microtask earlier',
  },
  {
    file: 'acquirable.ts',
    line: 'return false;',
    what: /^return left out/,
    why: UNDEFINED,
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: 'if (this.#queue?.proxy.waiter) return this.#queue;',
    what: /^return left out/,
    why: 'The map has the same queue: one that an object keeps was the oldest when it began, and stays so while it has a waiter',
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: 'if (scheduler.localQueues.size === 0) return undefined;',
    what: /^(0 → -1|return left out)/,
    why: 'An empty map has no queue of this cell either: the size only saves the look',
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: '(standing) => !standing && this.heldByTask && !this.#handedOver(scheduler)',
    what: /^only this\.heldByTask/,
    why: "A thread that stands finds a task's name in the word without a grant only in the midst of another thread's call of the core, which is one step here",
  },
  {
    file: 'acquirable.ts',
    line: 'core.awaitVerdicts(cell, stamp, thread);',
    what: /^statement left out/,
    why: "The core's calls are one step here: the model's scenario of a thread that blocks beside a task that is handed the lock has what is between",
  },
  {
    file: 'acquirable.ts',
    line: 'if (!another && this.#queue) return this.#queue;',
    what: /^return left out/,
    why: 'A queue without tasks is as a new one: to keep it only saves an object',
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: 'if (!another) this.#queue = queue;',
    what: /^statement left out/,
    why: 'The map has the queue while it has tasks, and without tasks it is as a new one: the field only saves the look',
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: 'this.#queue = oldest;',
    what: /^statement left out/,
    why: 'The map has it: the field only saves the look',
    same: true,
  },
  {
    file: 'acquirable.ts',
    line: 'return super.awaited || (scheduler !== undefined && this.localQueue(scheduler) !== undefined);',
    what: /^only \(scheduler/,
    why: "What stands in the core's queue the core refuses to destroy, too: but for another thread's proxy that was handed a permit in this moment",
  },
  // barrier.ts
  {
    file: 'barrier.ts',
    line: 'if (limit < Infinity || this.#action || arena.tasks || arena.acting.size > 0) return this.#wait(limit);',
    what: /^(< → <=|> → >=|0 → -1)/,
    why: 'The long way is for all cases: the short one is only faster',
  },
  {
    file: 'barrier.ts',
    line: 'return index < 0 ? this.throwStatus(index) : index;',
    what: /^0 → -1/,
    why: 'A wait for ever has no timeout, and -1 is that',
    same: true,
  },
  {
    file: 'barrier.ts',
    line: 'let generation = 0;',
    why: 'Only an action uses the generation, and with an action it is read before',
    same: true,
  },
  {
    file: 'barrier.ts',
    line: 'const op = new Operation(this.#ref, barrierSteps, undefined, 0, action !== undefined);',
    what: /^0 → /,
    why: 'The number is what a lock adds to its word: the steps of a Barrier do not look at it',
    same: true,
  },
  {
    file: 'barrier.ts',
    line: 'scheduler?.collect();',
    why: 'A wait beside tasks has looked into the inbox at its end, and without tasks there is nothing to look for',
  },
  {
    file: 'barrier.ts',
    line: 'return false;',
    what: /^return left out/,
    why: UNDEFINED,
    same: true,
  },
  {
    file: 'barrier.ts',
    line: 'core.barrierEnd(cell, stamp, thread, 0, ANY, STATE_BROKEN, to);',
    what: /^0 → /,
    why: 'The core looks at no generation where the state may be any',
    same: true,
  },
  {
    file: 'barrier.ts',
    line: 'needStack();',
    why: 'Only at the end of the stack there is a difference, and between two calls of the clock: no test can aim at that',
  },
  {
    file: 'barrier.ts',
    line: 'if (limit < Infinity || this.#action || arena.tasks || arena.acting.size > 0) return this.#wait(limit);',
    what: /^only this\.#action$/,
    why: 'Only at the end of the stack there is a difference, as on the long way needStack comes first',
  },
  // blocking.ts
  {
    file: 'blocking.ts',
    line: 'const task = told !== waiter && standing && status === STATUS_PENDING && scheduler.operationOf(told);',
    what: /^only (scheduler\.operationOf\(told\)|told !== waiter && standing|status === STATUS_PENDING|told !== waiter|standing)$/,
    why: "The core exchanges no places with a thread that does not stand in the Condition's queue: the conditions only save the call",
    same: true,
  },
  {
    file: 'blocking.ts',
    line: 'if (told === waiter || (task && steps.takeOver(op, task))) status = steps.resume(op, verdict);',
    what: /^only steps\.takeOver\(op, task\)/,
    why: 'A waiter that was told has an operation, and what is false in place of it no step takes over',
  },
  {
    file: 'blocking.ts',
    line: 'if (standing && steps.abandon(op) === STATUS_PENDING) continue;',
    what: /^continue left out/,
    why: "The verdict only says that the action of the round before is over: the thread's own task runs the next one, and the wait is refused all the same, after it has given the verdict back",
  },
  {
    file: 'blocking.ts',
    line: 'if (standing && status === STATUS_PENDING) scheduler.abandon(op);',
    what: /^only standing$/,
    why: "After its verdict only the end of a task's wait could throw, where a signal cannot be left: the stack suffices, as needStack has seen",
  },
  // clock.ts
  {
    file: 'clock.ts',
    line: 'since: 0,',
    why: 'The time is set before it is read: passes begin with 0, and the first look at the clock sets it',
    same: true,
  },
  {
    file: 'clock.ts',
    line: 'if (turns.passes > OFTEN) turns.late ||= now() - turns.since > TURN;',
    what: /^\|\|= → =/,
    why: 'Once late they stay so, as the clock does not go back',
  },
  {
    file: 'clock.ts',
    line: 'port2.postMessage(0);',
    what: /^0 → /,
    why: 'The message says nothing: nobody looks at it',
    same: true,
  },
  // condition.ts
  {
    file: 'condition.ts',
    line: 'if (lock.ref.arena !== arena || lock.stamp >>> 0 !== stamp) {',
    what: /^only lock\.stamp >>> 0 !== stamp/,
    why: 'Only arenas whose stamps happen to be equal are told apart, and those begin anywhere in 32 bits',
  },
  {
    file: 'condition.ts',
    line: 'const op = new Operation(this.ref, this.#steps, undefined, 0, false, this.lock.operation(thread));',
    what: /^(0 → |false → true)/,
    why: "The steps of a Condition look neither at this number, which is its lock's, nor at whether there is an action",
    same: true,
  },
  {
    file: 'condition.ts',
    line: 'return new OperationCall(this, this.#steps, false, lock);',
    what: /^false → true/,
    why: 'The steps of a Condition do not look at whether there is an action',
    same: true,
  },
  {
    file: 'condition.ts',
    line: '[CONDITION_OWNS_LOCK]: lock ? 0 : 1,',
    what: /^1 → 2/,
    why: 'Whatever is not 0 says that it owns its lock',
    same: true,
  },
  // event.ts
  {
    file: 'event.ts',
    line: 'scheduler?.busy && limit > 0',
    what: /^0 → 1/,
    why: "A wait of up to 1 ms blocks in the core: the thread's tasks learn of their verdicts as much later",
  },
  // holds.ts
  {
    file: 'holds.ts',
    line: 'const address = known?.address ?? core.addRecord(base, id, KIND_HOLD, 0, 0, thread, 0) >>> 0;',
    what: /^0 → /,
    why: 'A hold never waits: nobody looks at how long it spins, nor at its cores',
    same: true,
  },
  // local-queue.ts
  {
    file: 'local-queue.ts',
    line: '#advancing = false;',
    what: /^false → true/,
    why: 'It starts before it could dissolve, and a start ends with false',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'return target.arena.core.join(target.cell, waiter, this.#size > 0);',
    what: /^(> → >=|0 → -1)/,
    why: 'The proxy of an empty queue has its verdict, so no task joins it and none is counted',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'declineAcquire(this.proxy);',
    what: /^statement left out/,
    why: "A verdict that the thread has not found before another task of the owner acquired: the core's calls are one step here; the model has what is between",
  },
  {
    file: 'local-queue.ts',
    line: 'return STATUS_OK;',
    what: /^return left out/,
    why: "A verdict that the thread has not found before another task of the owner acquired: the core's calls are one step here; the model has what is between",
  },
  {
    file: 'local-queue.ts',
    line: 'task.admit(arena.core.rlockAcquire(cell, stamp, task.name, 0), this.proxy);',
    what: /^0 → /,
    why: 'The owner holds it: there is nothing to wait for',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'if (!this.first && this.proxy.waiter && !this.#advancing) this.#scheduler.cancel(this.proxy);',
    what: /^only !this\.first$/,
    why: 'Without a waiter it is no wait that the scheduler knows, and nothing is cancelled',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'proxy.hold = hold !== 0 && (arena.load(cell, CELL_STAMP) | 0) === stamp ? hold : 0;',
    what: /^(only \(arena|0 → )/,
    why: 'No hold has the address 1 or -1, and a task without one has 0 either way',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'this.byOwner = undefined;',
    what: /^statement left out/,
    why: 'By then it is empty, or another one comes in its place: an empty one does as none, and only costs',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'if (tasks.size === 0) this.byOwner!.delete(task.name);',
    what: /^(0 → -1|statement left out)/,
    why: 'What is found of an owner without tasks is empty, too: only memory is another',
    same: true,
  },
  {
    file: 'local-queue.ts',
    line: 'task.next = undefined;',
    what: /^statement left out/,
    why: GARBAGE,
  },
  {
    file: 'local-queue.ts',
    line: 'takeOver: () => false,',
    what: /^false → true/,
    why: 'Nobody asks: a proxy never blocks a thread',
    same: true,
  },
  // lock.ts
  {
    file: 'lock.ts',
    line: 'return this.peek(CELL_WORD) >= UNIT;',
    what: /^>= → >/,
    why: 'No record has the address 64: there is the header of the arena',
    same: true,
  },
  // operation-call.ts
  {
    file: 'operation-call.ts',
    line: 'constructor(primitive: Awaitable<T>, steps: Steps, action = false, lock?: Operation) {',
    why: 'Only the steps of a Barrier look at it, and a Barrier says it',
    same: true,
  },
  {
    file: 'operation-call.ts',
    line: 'this.#operation = new Operation(ref, steps, this, 0, action, lock);',
    what: /^0 → /,
    why: 'The number is what a lock adds to its word: no steps of such a call look at it',
    same: true,
  },
  // operation-table.ts
  {
    file: 'operation-table.ts',
    line: 'this.#arena.core.setPlace(waiter, 0);',
    why: 'What is asked for is compared with the operation, or was posted; and a waiter that is given back is never posted',
    same: true,
  },
  // operation.ts
  {
    file: 'operation.ts',
    line: 'wokenInVain = 0;',
    why: 'A wait for a Lock, an RLock or a permit begins with 0 again, and no other looks at it',
    same: true,
  },
  {
    file: 'operation.ts',
    line: 'generation = 0;',
    why: 'The steps of a Barrier set it before they look at it, and no others do',
    same: true,
  },
  {
    file: 'operation.ts',
    line: 'depth = 0;',
    why: 'The steps of a Condition set it before they look at it, and no others do',
    same: true,
  },
  {
    file: 'operation.ts',
    line: 'addToAcquire = 0,',
    why: 'Who waits for what is acquired says what it adds: the others do not look at it',
    same: true,
  },
  {
    file: 'operation.ts',
    line: 'action = false,',
    why: 'Only the steps of a Barrier look at it, and a Barrier says it',
    same: true,
  },
  // owner.ts
  {
    file: 'owner.ts',
    line: 'return uses[0]?.arena === arena ? uses[0] : uses.find((use) => use.arena === arena);',
    what: /^(condition turned round|0 → -1)/,
    why: 'The search finds the first use, too: to look there first is only faster',
    same: true,
  },
  {
    file: 'owner.ts',
    line: 'if (owner[USES].length > 1) owner[USES].splice(owner[USES].indexOf(use), 1);',
    what: /^(> → >=|1 → 0)/,
    why: 'To take the only one out and to take the last one are one',
    same: true,
  },
  {
    file: 'owner.ts',
    line: 'return useIn(owner, arena)?.address ?? 0;',
    why: 'No owner has such an address, so the core finds that it holds nothing, as it is found before the call',
    same: true,
  },
  {
    file: 'owner.ts',
    line: 'return useIn(owner, arena)?.count ?? 0;',
    why: 'It is only asked whether there is more than one use',
    same: true,
  },
  // pending-call.ts
  {
    file: 'pending-call.ts',
    line: 'return call.limits?.cancelled ?? false;',
    what: /^only call/,
    why: UNDEFINED,
    same: true,
  },
  {
    file: 'pending-call.ts',
    line: 'if (signal || limit < Infinity) limitCall(call, limit, signal);',
    what: /^< → <=/,
    why: 'A limit of Infinity takes no timer there either',
    same: true,
  },
  {
    file: 'pending-call.ts',
    line: 'if (limit > 0 && limit < Infinity) stop = after(limit, () => cancelCall(call));',
    what: /^(only limit > 0|< → <=)/,
    why: 'A limit of Infinity takes no timer there either',
    same: true,
  },
  {
    file: 'pending-call.ts',
    line: 'if (limit > 0 && limit < Infinity) stop = after(limit, () => cancelCall(call));',
    what: /^(only limit < Infinity|> → >=|0 → -1)/,
    why: 'A timer for no time is stopped at once, as the call is cancelled',
    same: true,
  },
  {
    file: 'pending-call.ts',
    line: 'return;',
    what: /^return left out/,
    why: 'A promise that is settled stays so, and a wait that is over is no wait of the scheduler any more',
  },
  // reap.ts
  {
    file: 'reap.ts',
    line: 'const kindOf = (address: number): number => kinds.get(address) ?? 0;',
    what: /^(only kinds\.get\(address\)|0 → )/,
    why: 'Whatever it is, it is the kind of no primitive and no thread, and others are not asked for',
    same: true,
  },
  {
    file: 'reap.ts',
    line: 'const stands = (arena.load(address, CELL_WORD) | 0) <= STATE_PARKED',
    what: /^0 → 1/,
    why: 'The lowest bit moves no state over that line: above it are 2, 3 and 4, AWAITED has all bits set',
    same: true,
  },
  {
    file: 'reap.ts',
    line: '(kinds.has(record) ? arena.load(record, THREAD_OWNING_THREAD) : 0)',
    what: /^0 → /,
    why: 'No block begins at any of these: it is no thread, and left out',
    same: true,
  },
  {
    file: 'reap.ts',
    line: 'if (!acting) arena.core.reapCell(cell, arena.thread, 0);',
    what: /^0 → /,
    why: 'No record begins there, so the word of no lock names it: the core takes the queue lock once in vain',
    same: true,
  },
  {
    file: 'reap.ts',
    line: 'for (let tries = TRIES; tries > 0 && !asReaper(arena, urgency, act); tries--);',
    what: /^(> → >=|0 → )/,
    why: 'One try more or less of ten thousand: the number is a bound, and is promised to nobody',
  },
  {
    file: 'reap.ts',
    line: 'if (!isPrimitive(kind)) continue;',
    what: /^continue left out/,
    why: 'The core asks the map what is there before it locks a queue, and does nothing at what is no primitive: this only saves the call',
    same: true,
  },
  {
    file: 'reap.ts',
    line: 'const owner = isLock(kind) ? (arena.load(address, CELL_WORD) & -UNIT) >>> 0 : 0;',
    what: /^0 → /,
    why: 'No waiter begins there: it is none of the dead thread, whatever it is',
    same: true,
  },
  {
    file: 'reap.ts',
    line: 'core.reapCell(address, thread, mine.has(owner) ? owner : 0);',
    what: /^0 → /,
    why: 'No record begins there, so the word of no lock names it: the core takes the queue lock once in vain',
    same: true,
  },
  // recoverable.ts
  {
    file: 'recoverable.ts',
    line: 'if (!(await this.acquireTask(wanted, owner, 0))) throw this.tooLate(wanted.limit);',
    what: /^0 → /,
    why: 'Holds are those of permits: a Lock and an RLock do not look at it',
    same: true,
  },
  {
    file: 'recoverable.ts',
    line: 'this.letGo(owner, 0);',
    what: /^0 → /,
    why: 'Holds are those of permits: a Lock and an RLock do not look at it',
    same: true,
  },
  // rlock.ts
  {
    file: 'rlock.ts',
    line: 'if (held === true && usesOf(owner, arena) > 1) admitOwner(schedulerOf(arena), cell, name);',
    what: /^(only held === true|only usesOf|> → >=|1 → 0)/,
    why: 'Both only save a look: an owner is admitted where the word names it, and with one use it has no other task that waits',
    same: true,
  },
  {
    file: 'rlock.ts',
    line: 'const queue = scheduler && this.localQueue(scheduler);',
    what: /^only this/,
    why: "Without a scheduler no name but the thread's own is released, and that goes the short way",
  },
  {
    file: 'rlock.ts',
    line: 'return this.peek(CELL_WORD) >= UNIT;',
    what: /^>= → >/,
    why: 'No record has the address 64: there is the header of the arena',
    same: true,
  },
  {
    file: 'rlock.ts',
    line: 'if (owner === 0 || name === NOBODY || owner === thread) return false;',
    what: /^(only|0 → |return left out)/,
    why: 'It is asked only where the thread itself does not hold it, and what is at the address 0 is no record of a task',
  },
  // scheduler.ts
  {
    file: 'scheduler.ts',
    line: 'return this.#told !== 0;',
    what: /^return left out/,
    why: 'Something is told and a task runs only when the host has thrown in between; then the core finds that the proxy has its verdict',
  },
  {
    file: 'scheduler.ts',
    line: 'if (this.#pending.of(op.waiter) !== op) return;',
    what: /^return left out/,
    why: 'Only waitForAsync cancels a wait that is over, in its predicate: while it holds the lock its waiter is in no queue of the Condition',
  },
  {
    file: 'scheduler.ts',
    line: 'needStack();',
    what: /^statement left out/,
    why: END_OF_STACK,
  },
  {
    file: 'scheduler.ts',
    line: 'this.watch();',
    what: /^statement left out/,
    why: 'A thread that blocks beside tasks has armed before: what comes meanwhile is found in its next turn, if not by this look',
  },
  {
    file: 'scheduler.ts',
    line: 'if (!op) return;',
    what: /^return left out/,
    why: 'A waiter without an operation is in the inbox only when the host has thrown',
  },
  {
    file: 'scheduler.ts',
    line: 'void Promise.resolve().then(() => this.collect());',
    what: /^statement left out/,
    why: END_OF_STACK,
  },
  {
    file: 'scheduler.ts',
    line: 'throw error;',
    what: /^throw left out/,
    why: END_OF_STACK,
  },
  {
    file: 'scheduler.ts',
    line: 'if (waiter !== op.waiter) this.setAside(waiter);',
    what: /^statement left out/,
    why: WITHIN_THE_CORE,
  },
  {
    file: 'scheduler.ts',
    line: 'if (given) this.sleep(LONGEST, 0);',
    what: /^(0 → 1|statement left out)/,
    why: WITHIN_THE_CORE,
  },
  {
    file: 'scheduler.ts',
    line: 'while (!this.#armed && this.busy && this.#blocking === 0) {',
    what: /^only !this\.#armed && this\.busy/,
    why: 'A thread that blocks beside tasks has armed before',
  },
  {
    file: 'scheduler.ts',
    line: 'this.collect();',
    what: /^statement left out/,
    why: 'To arm it looks into the inbox, too: the look before only spares a waitAsync',
  },
  {
    file: 'scheduler.ts',
    line: 'if (this.#told === 0 && arena.load(this.#inbox, 0) === 0) return 0;',
    what: /^0 → 1/,
    why: 'To take what is not there answers the same, and costs more',
    same: true,
  },
  {
    file: 'scheduler.ts',
    line: 'this.#told = waiter && arena.load(waiter, CELL_NEXT);',
    what: /^only arena/,
    why: 'It is not 0: only this thread takes anything out of its inbox, and something is there',
    same: true,
  },
  // scoped.ts
  {
    file: 'scoped.ts',
    line: 'return undefined;',
    what: /^return left out/,
    why: 'A function that ends answers that',
    same: true,
  },
  // thread-arena.ts
  {
    file: 'thread-arena.ts',
    line: 'return (this.load(base, HEADER_ID_LOW) | 0) !== this.id',
    what: /^0 → (1|-1)$/,
    why: 'Of the keepers only the sign is looked at, which neither changes: a destroyed arena has that and no keepers',
    same: true,
  },
  {
    file: 'thread-arena.ts',
    line: 'for (let index = this.load(base, HEADER_FIRST); index < kinds.length; index++) {',
    what: /^< → <=/,
    why: 'The copy of the map ends there: nothing is found behind it',
    same: true,
  },
  {
    file: 'thread-arena.ts',
    line: 'if (kind > KIND_RESERVED) starts.push(index);',
    what: /^> → >=/,
    why: 'Everybody asks for kinds above that one',
    same: true,
  },
  {
    file: 'thread-arena.ts',
    line: 'if (this.destroyed) return;',
    what: /^return left out/,
    why: 'The core finds that the arena is another, and what is read then is used for nothing',
  },
  // steps/acquire.ts
  {
    file: 'steps/acquire.ts',
    line: 'if (status === STATUS_PENDING && op.wokenInVain === 0) op.wokenInVain = op.target.arena.now();',
    what: /^only op\.wokenInVain === 0/,
    why: 'What is over does not look at it again, and what starts anew sets it to 0',
  },
  // steps/barrier.ts
  {
    file: 'steps/barrier.ts',
    line: 'const blocked = waiter !== thread && arena.load(thread, THREAD_QUEUED_ON) === cell;',
    what: /^only arena\.load/,
    why: 'A record that starts stands in no queue',
    same: true,
  },
  {
    file: 'steps/barrier.ts',
    line: 'const arrived = blocked && (arena.load(thread, THREAD_ADD_TO_ACQUIRE) | 0) !== AT_ENTRY;',
    what: /^(only blocked|0 → 1)/,
    why: 'A thread stands at the entry only while an action runs, and then nothing that comes is the last to arrive',
    same: true,
  },
  {
    file: 'steps/barrier.ts',
    line: 'if ((arena.load(waiter, THREAD_ADD_TO_ACQUIRE) | 0) === AT_ENTRY) {',
    what: /^0 → 1/,
    why: 'The one with all bits set is the one without the lowest that has all others set: no index is that',
    same: true,
  },
  {
    file: 'steps/barrier.ts',
    line: 'return (target.arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : STATUS_TIMEOUT;',
    what: /^0 → -1/,
    why: WITHIN_THE_CORE,
  },
  {
    file: 'steps/barrier.ts',
    line: 'return (target.arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : STATUS_TIMEOUT;',
    what: /^(> → >=|0 → 1)/,
    why: "A task's waiter is never parked, and up to there the states are two: AWAITED has all bits set",
    same: true,
  },
  {
    file: 'steps/barrier.ts',
    line: 'return toldOf(op);',
    what: /^return left out/,
    why: "Of a verdict that comes in this moment: the core's calls are one step here, and a thread that is refused has given it back",
  },
  // steps/condition.ts
  {
    file: 'steps/condition.ts',
    line: 'const alike = task.lock !== undefined && task.target.cell === cell;',
    what: /^only task\.target/,
    why: 'What waits at the cell of a Condition has a lock',
    same: true,
  },
  {
    file: 'steps/condition.ts',
    line: 'if (!alike || op.result !== STATUS_OK || task.result !== STATUS_OK) return false;',
    what: /^only !alike$/,
    why: 'A thread whose time was up stands in the queue of the Condition no more, and the core exchanges nothing',
    same: true,
  },
  // steps/event.ts
  {
    file: 'steps/event.ts',
    line: 'return status === STATUS_OK && (arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : status;',
    what: /^only status === STATUS_OK/,
    why: WITHIN_THE_CORE,
  },
  {
    file: 'steps/event.ts',
    line: 'return status === STATUS_OK && (arena.load(waiter, CELL_WORD) | 0) > STATE_PARKED ? STATUS_PENDING : status;',
    what: /^(only \(arena|> → >=|0 → 1)/,
    why: "A waiter that has left the queue in time has no verdict, and a task's waiter is never parked",
    same: true,
  },
];
