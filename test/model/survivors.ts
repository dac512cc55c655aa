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

const LOOK = 'looks once more or once less before it sleeps';
const EFFORT = 'costs a notify or a slow path in vain, nothing else';
const GROWING = 'an arena does not grow in the model';
const FULLER = 'a search ends sooner or later: no scenario has an arena so full that it shows';
const MAP = 'only a walk that enumerates the arena reads which kind a cell is; it is taken either way';

export const survivors: readonly Survivor[] = [
  { line: 'if (spins > 0)', why: LOOK },
  { line: 'let spins =', why: LOOK },
  { line: 'adaptSpin(thread', why: LOOK },
  { line: 'thread.spinBudget =', why: LOOK },
  { line: 'do turns--', why: 'no break between two looks: a matter of speed' },
  { line: 'state = atomic.xchg', what: /0 → 1/, why: `notifies a head that it did not unpark: ${EFFORT}` },
  { line: 'if (!older && owningThread', what: /0 → 1/, why: `notifies for each waiter in an inbox: ${EFFORT}` },
  { line: 'cell.generation++', what: /add/, why: 'a generation need only be another one', same: true },
  { line: '<u32>UNIT &&', what: /_u/, why: EFFORT },
  {
    line: 'if (permits) return',
    what: /6 → 0|turned round/,
    why: `where it decides what a look was worth: it ${LOOK}`,
  },
  { line: '<u32>UNIT', what: /_u/, why: 'differs at the word 64 only, and no record has the address 64', same: true },
  {
    line: 'expired = now >= since + timeout',
    what: /le → lt/,
    why: 'in the very millisecond of its deadline it enters the queue and leaves at once',
  },
  { line: 'min(free, MOST_WOKEN)', why: 'wakes more or fewer at once: a matter of speed' },
  {
    line: 'let handoff =',
    what: /2 → 0/,
    why: 'a task that was overtaken asks for no handoff: no scenario waits for one',
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
  { line: 'const grows =', why: GROWING },
  { line: 'memory.grow', why: GROWING },
  { line: 'returnCells(arena, index - run, run)', why: GROWING },
  { line: 'const end = min', why: GROWING },
  { line: 'left', why: FULLER },
  { line: 'let frees', why: FULLER },
  { line: 'if (cell.parties == 1', why: 'passes under the queue lock, as all others do' },
  { line: 'frees++', why: FULLER },
  { line: 'HEADER_ROVER', why: 'every search begins at the beginning: slower, and as correct' },
  { line: 'atomic.store<u8>(arena + index', why: MAP },
];
