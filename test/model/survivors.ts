/** Mutants that no scenario objects to, because there is nothing to object to. See mutate.ts. */

export interface Survivor {
  /** A part of the source line. */
  readonly line: string;
  /** Which changes of it; all, when missing. */
  readonly what?: RegExp;
  readonly why: string;
  /** It can be proven to do the same in every case. Such a mutant cannot be killed, and does not count. */
  readonly same?: true;
}

const LOOK = 'looks more or less often before it sleeps';
const EFFORT = 'costs a notify or a slow path in vain, nothing else';
const GROWING = 'an arena does not grow in the model';
const ONCE_MORE = 'looks under the queue lock once more, where nobody is to be unparked';
const LEAST = 'of two equal numbers each is the least';
const NAPS = 'a nap is longer or shorter: in the model it is over at any moment';
const FIRST = 'the host of the model does the same after each nap';
const ALL_CELLS =
  'an instance of imports.wasm has an arena and all its cells in the model (link.ts); the others are in test/unit/wasm.test.ts';
const FOR_TURN =
  'gives up as if for a turn; no owner is ever in the word of an Event or a Condition, so it leaves in any case, and only nudges the next waiter in vain';

export const survivors: readonly Survivor[] = [
  { line: 'if (!thread) return true', why: ALL_CELLS },
  { line: 'return rotr<u32>(<u32>(changetype', what: /6 → 0/, why: `no fast path: ${EFFORT}` },
  { line: 'if (index >= cells || stampOf', what: /ge_u → gt_u/, why: 'in the model memory goes on behind the arena' },
  {
    line: 'atomic.load<u8>(arena + index, HEADER_SIZE) == KIND_LOCK',
    what: /add → sub|3 → 0/,
    why: `no fast path: ${EFFORT}`,
  },
  { line: 'if (isLock(cell, stamp) && timeout', what: /ge → gt/, why: `no fast path with a timeout of 0: ${EFFORT}` },
  { line: 'const there = <u32>memory.size()', why: ALL_CELLS },
  { line: 'cells = min(there', what: /lt_u → le_u/, why: LEAST, same: true },
  { line: 'cells = min(there', why: ALL_CELLS },
  {
    line: 'barrierEnd(cell, stamp, thread, 0, ANY, STATE_BROKEN, to)',
    what: /^0 → 1/,
    why: 'of any generation the number does not matter',
    same: true,
  },
  {
    line: '!barrierEnd(cell, stamp, thread, 0, others',
    what: /^0 → 1/,
    why: 'where the whole word is compared, the number of the generation does not matter',
    same: true,
  },
  {
    line: 'let refused = checkWait(KIND_CONDITION',
    what: /^9 → 0/,
    why: 'the notify of nobody that follows checks it again',
    same: true,
  },
  {
    line: 'if (stampOf(cell) != stamp) return STATUS_DESTROYED',
    what: /^-5 → 0/,
    why: 'where it is inlined into cond_wait, the notify of nobody that follows checks it again',
    same: true,
  },
  { line: 'if (spins > 0)', why: LOOK },
  { line: 'return thread.maxSpins >> 7', why: LOOK },
  { line: 'atomic.wait<i32>(address, 0, 50_000)', why: `does not sleep between two tries: ${LOOK}` },
  { line: 'let spins =', why: LOOK },
  { line: 'thread.spinBudget =', why: LOOK },
  { line: 'const spun =', why: LOOK },
  { line: 'if (spun)', why: LOOK },
  { line: 'do turns--', why: 'no break between two looks: a matter of speed' },
  {
    line: 'return older || owningThread == thread.owningThread',
    what: /1 → 0/,
    why: `notifies for each waiter in an inbox, not for the first only: ${EFFORT}`,
  },
  { line: 'cell.generation++', what: /add/, why: 'a generation need only be another one', same: true },
  {
    line: 'if (permits) return',
    what: /6 → 0|shr_u/,
    why: `where it decides what a look was worth: ${LOOK}`,
  },
  {
    line: 'return <u32>word >= <u32>UNIT',
    what: /64 → 0/,
    why: `where it decides what a look was worth: ${LOOK}`,
  },
  { line: 'let free = false', why: ONCE_MORE },
  {
    line: 'if (clock() >= deadline)',
    why: 'at the entry, when its time is up as the action ends: it arrives, and then gives up',
  },
  {
    line: '< 2 * UNIT',
    what: /lt_u → le_u/,
    why: 'a waiter stands there: QUEUED is set beside the permits, so that it never is exactly two',
    same: true,
  },
  { line: '< 2 * UNIT', why: ONCE_MORE },
  { line: 'isTask(thread) ? STATE_AWAITED', what: /0 → 1/, why: `its unparker notifies it in any case: ${EFFORT}` },
  {
    line: '<u32>word >= <u32>UNIT && swapWord',
    what: /ge_u → gt_u/,
    why: `the last permit is taken in the slow path: ${EFFORT}`,
  },
  {
    line: '<u32>UNIT',
    what: /lt_u → le_u|ge_u → gt_u/,
    why: 'differs at the word 64 only, and no record has the address 64',
    same: true,
  },
  {
    line: 'expired = now >= since + timeout',
    what: /le → lt/,
    why: 'in the very millisecond of its deadline it enters the queue and leaves at once',
  },
  { line: 'min(free, MOST_WOKEN)', what: /ge_u → gt_u/, why: LEAST, same: true },
  { line: '<u64>left < <u64>nanoseconds', what: /lt_u → le_u/, why: LEAST, same: true },
  {
    line: 'HANDOFF',
    what: /2 → 0/,
    why: 'in `wakeWaiters`: whoever sets HANDOFF finds nothing free, and the step that frees something takes HANDOFF away',
    same: true,
  },
  { line: 'word, QUEUED, QueueEnd.BACK', what: /0 → 1/, why: '`addToAcquire` means nothing in an Event', same: true },
  {
    line: 'if (queueLength < 0)',
    what: /0 → 1|lt_s → le_s/,
    why: "differs for 0 only: that the word was another, and a Condition's never is",
    same: true,
  },
  {
    line: 'atomic.add<u32>(arena, 1, HEADER_FREES)',
    what: /then/,
    why: 'of two steps at once one is lost: the count differs still',
    same: true,
  },
  {
    line: '? STATUS_BUSY : STATUS_DESTROYED',
    what: /ge_s/,
    why: 'differs for the life 0 only, an id of 0 that nothing keeps: that arena was destroyed just now',
    same: true,
  },
  {
    line: 'changetype<Cell>(0), 0, true)',
    what: /0 → 1/,
    why: 'a lock at the address 1, with the stamp of none, from which nothing can be taken: only its first nap is short',
  },
  { line: 'changetype<Cell>(0), 0, true)', what: /1 → 0/, why: 'a look after a nap has nothing to take there' },
  { line: 'const grows =', why: GROWING },
  { line: 'memory.grow', why: GROWING },
  { line: 'const end = min', what: /gt_u → ge_u/, why: LEAST, same: true },
  { line: 'if (cell.parties == 1', what: /1 → 0/, why: 'passes under the queue lock, as all others do' },
  { line: 'HEADER_ROVER', why: 'every search begins at the beginning: slower, and as correct' },
  { line: 'nudged', why: 'who takes its turn nudges the next: that one looks when its nap is over in any case' },
  { line: 'kind == KIND_CONDITION) cancelWait', what: /0 → 1/, why: FOR_TURN },
  { line: 'return cancelWait(cell, stamp, thread, false)', what: /0 → 1/, why: FOR_TURN },
  { line: 'status = cancelWait(cell, stamp, thread, false)', what: /0 → 1/, why: FOR_TURN },
  {
    line: 'endGeneration(cell, stamp, thread, 0,',
    what: /0 → 1/,
    why: 'a generation counts beside a state of a Barrier only: not where a whole word or NOT_LATE is meant',
    same: true,
  },
  {
    line: 'if (!naps) return',
    what: /0 → 1/,
    why: 'the first nap of a waiter for a lock is a fifteenth of that: none',
    same: true,
  },
  {
    line: 'if (state > STATE_PARKED) {',
    why: 'only this thread writes PARKED, and not while it spins',
    same: true,
  },
  { line: 'const half =', why: LOOK },
  { line: 'learn(thread,', why: LOOK },
  { line: 'const few =', why: LOOK },
  { line: 'let nap = lock ?', what: /turned round/, why: NAPS },
  { line: 'let first = true', why: FIRST },
  { line: 'first = false', why: FIRST },
  { line: 'letRun(thread, lock)', what: /2 → 0/, why: `lets nobody run: ${LOOK}` },
  { line: 'thread.spinBudget != maxSpins', why: `whether it lets its unparker run: ${LOOK}` },
  { line: 'while (!queuedOn(thread.unparker)', why: `whether it lets its unparker run: ${LOOK}` },
  { line: 'if (spins <= 0) {', why: LOOK },
  { line: 'while (word - owner == WOKEN)', why: `no second compare-exchange beside a waker in flight: ${EFFORT}` },
  { line: 'while (<u32>word < <u32>ABANDONED)', why: `no second compare-exchange beside a waker in flight: ${EFFORT}` },
  { line: 'lockStamp, thread, true) == STATUS_TIMEOUT', what: /^0 → 1/, why: NAPS },
  {
    line: 'if (nap < 0)',
    what: /0 → 1|lt_s → le_s/,
    why: 'differs for a next nap of 0 ms only, which no host answers',
    same: true,
  },
];
