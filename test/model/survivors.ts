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
const FULLER = 'a search ends sooner or later: no scenario has an arena so full that it shows';
const MAP = 'only a walk that enumerates the arena reads which kind a cell is; it is taken either way';
const ONCE_MORE = 'looks under the queue lock once more, where nobody is to be unparked';

export const survivors: readonly Survivor[] = [
  { line: 'if (spins > 0)', why: LOOK },
  { line: 'return thread.maxSpins >> 7', why: LOOK },
  { line: 'atomic.wait<i32>(address, expected, 50_000)', why: `does not sleep between two tries: ${LOOK}` },
  { line: 'let spins =', why: LOOK },
  { line: 'adaptSpin(thread', why: LOOK },
  { line: 'thread.spinBudget =', why: LOOK },
  { line: 'do turns--', why: 'no break between two looks: a matter of speed' },
  {
    line: 'return older || owningThread == thread.owningThread',
    what: /0 → 1/,
    why: `notifies for each waiter in an inbox: ${EFFORT}`,
  },
  { line: 'cell.generation++', what: /add/, why: 'a generation need only be another one', same: true },
  { line: '<u32>word < <u32>UNIT ||', what: /_u/, why: EFFORT },
  {
    line: 'if (permits) return',
    what: /6 → 0|shr_u/,
    why: `where it decides what a look was worth, it ${LOOK}; before \`wakeWaiters\`, that ${ONCE_MORE}`,
  },
  {
    line: 'return <u32>word >= <u32>UNIT',
    what: /64 → 0|lt_u → ge_u/,
    why: `where it decides what a look was worth, it ${LOOK}; before \`wakeWaiters\`, that ${ONCE_MORE}`,
  },
  { line: 'const more = woken && permits', why: ONCE_MORE },
  { line: 'let free = false', why: ONCE_MORE },
  {
    line: 'changetype<Thread>(word & -UNIT)',
    what: /-64 → 0|and → or/,
    why: 'in `conditionWithdraw`: a waiter that was handed the lock acquires it again, and finds the verdict that handed it',
    same: true,
  },
  {
    line: 'deadline != Infinity && clock() >= deadline',
    what: /ne → eq|turned round/,
    why: 'at the entry, when its time is up as the action ends: it arrives, and then gives up',
  },
  { line: 'offsetof<Cell>("length"))', what: /0 → 1/, why: ONCE_MORE },
  { line: 'return false;', what: /0 → 1/, why: ONCE_MORE },
  {
    line: 'const left = second',
    what: /turned round/,
    why: 'asks of no second waiter, or asks a second one nothing: `drain` looks itself, and finds none of an earlier generation',
    same: true,
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
  { line: 'min(free, MOST_WOKEN)', what: /ge_u → gt_u/, why: 'of two equal numbers each is the least', same: true },
  {
    line: 'HANDOFF',
    what: /2 → 0/,
    why: 'in `wakeWaiters`: whoever sets HANDOFF finds nothing free, and the step that frees something takes HANDOFF away',
    same: true,
  },
  { line: 'word, QUEUED, QueueEnd.BACK', what: /0 → 1/, why: '`addToAcquire` means nothing in an Event', same: true },
  {
    line: 'if (queueLength < 0)',
    why: 'needs a Condition that is destroyed while a thread still uses it, against the contract',
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
    why: 'the stamp of no lock is not looked at',
    same: true,
  },
  { line: 'changetype<Cell>(0), 0, true)', what: /1 → 0/, why: 'a look after a nap has nothing to take there' },
  { line: 'cell.verdict = STATE_GRANTED', why: 'who ends a generation writes it before anybody reads it', same: true },
  { line: 'const grows =', why: GROWING },
  { line: 'memory.grow', why: GROWING },
  { line: 'returnCells(arena, index - run, run)', why: GROWING },
  { line: 'const end = min', why: GROWING },
  { line: 'if (cell.parties == 1', why: 'passes under the queue lock, as all others do' },
  { line: 'HEADER_ROVER', why: 'every search begins at the beginning: slower, and as correct' },
  { line: 'const taken = run ?', why: MAP },
  { line: 'if (inside && !atomic.cmpxchg', what: /and → or/, why: FULLER },
];
