/** What a visitor can choose, and what is said about it. */
import { fixtures } from '../../../test/model/bugs.ts';
import { type Loaded, loadClassic, loadCoreLock } from './loaded.ts';

export interface Choice {
  readonly title: string;
  /** What the threads want. */
  readonly story: string;
  /** What to try first. */
  readonly first: string;
  /** What went wrong, once it has been found. */
  readonly why: string;
  /** What is otherwise in the mended version. */
  readonly mended: string;
  /** Nothing when there is no such version. */
  readonly bug?: () => Promise<Loaded>;
  readonly fine: () => Promise<Loaded>;
}

type Text = Omit<Choice, 'bug' | 'fine'>;

const LOCK =
  'A lock is a word: 0 is free, 1 is held, 2 is held and perhaps somebody sleeps on it. Two threads want it, one after the other.';
const EVENT = 'T1 and T2 wait for an event, T3 sets it. All that wait must go on.';
const QUEUE =
  'A semaphore with a queue. T1 and T2 want a permit, and T3 brings one. T1 does not wait for ever. A word “guard” protects the queue: 1 while somebody works on it.';
const NOTIFY = 'T1 and T2 wait in a queue. T3 notifies one of them, once.';

/** By file and bug. */
const TEXTS: Readonly<Record<string, Text>> = {
  'seats 1': {
    title: 'Two agents sell one seat',
    story:
      'Two agents sell the seats 2 and 1. “ticket.seat = flight.seats--” is one line of code, and three steps: read seats, write back one less, write the ticket.',
    first: 'Let T1 read seats, and then let T2 read it too, before T1 has written. Then let both go on.',
    why: 'Both had read 2 before either of them wrote 1. A line of code is not a step.',
    mended: 'Each agent takes a lock first. While one is inside, all that the other can do is sleep.',
  },
  'mutex 1': {
    title: 'A release that wakes nobody',
    story: LOCK,
    first: 'Let T1 take the lock. Then let T2 go on until it sleeps. Then T1 again, to its end.',
    why: 'The lock is free, and the thread that sleeps does not know: nobody has woken it. This is a lost wake-up.',
    mended: 'A release that finds a 2 wakes one sleeper.',
  },
  'mutex 2': {
    title: 'A plain store where an atomic is needed',
    story: LOCK,
    first: 'Let T1 take the lock and use the data. Then look at what both are about to do.',
    why: 'The release reads the word, and then writes 0. What the other thread writes in between is lost, and a plain store is not ordered with anything.',
    mended: 'One exchange reads and writes in a single step. Nothing can come between.',
  },
  'event 1': {
    title: 'Look, then wait',
    story: EVENT,
    first: 'Let T1 read the flag: it is 0. Now let T3 do all of its steps, and then the others the rest.',
    why: 'The event was set between the look and the sleep. The set has found nobody to wake, and will not come again.',
    mended:
      'The count of sets is read before the flag. One that comes in between has changed it, and so nobody falls asleep.',
  },
  'event 2': {
    title: 'A set that wakes only one',
    story: EVENT,
    first: 'Let T1 and T2 fall asleep. Then let T3 set the event, and the one that it wakes go on.',
    why: 'The event is set, and one of the two still sleeps.',
    mended: 'A set wakes all that sleep.',
  },
  'semaphore 1': {
    title: 'A waiter that gives up, and keeps the wake-up',
    story:
      'No permit is there. T1 waits for a while, T2 waits as long as it takes. T3 brings one permit and wakes one of them.',
    first: 'Let T1 and then T2 fall asleep. T3 wakes T1: what does T1 do with that?',
    why: 'T1 was woken, took that for the end of its time, and left. The permit is there, and T2 sleeps beside it.',
    mended: 'A thread that was woken looks once more, and takes the permit.',
  },
  'queue 1': {
    title: 'A guard that is not released on one path',
    story: QUEUE,
    first: 'Let T3 bring its permit first. Then let T1 take it, and watch the word guard.',
    why: 'The thread that finds a permit at once returns and leaves the guard at 1. From then on everybody goes round and round in front of it.',
    mended: 'Each path out of the function releases the guard.',
  },
  'queue 2': {
    title: 'A time that runs out while a permit is on its way',
    story: QUEUE,
    first:
      'Let T1 fall asleep, then T2. Let T3 give the permit to T1, and before it wakes T1, let the time of T1 run out. Then let all go on.',
    why: 'T1 had the permit already when its time was up, and went away without it. Nobody will ever give it to T2.',
    mended: 'A thread that is not in the queue any more has been given the permit, and keeps it.',
  },
  'queue 3': {
    title: 'A touch after the hand-over',
    story: QUEUE,
    first:
      'Let T1 stand in the queue, but not sleep. Let T3 hand the permit over, and T1 see that it has it. What does T3 do next?',
    why: 'T1 may go on as soon as it has its permit, and use its waiter for something else. T3 still writes into it.',
    mended: 'After the hand-over nothing of the waiter is written any more.',
  },
  'queue 4': {
    title: 'A notify that wakes one too many',
    story: NOTIFY,
    first: 'Let both fall asleep, and then T3 do all of its steps. Then let both go on.',
    why: 'One was notified, and two went on. The second one finds nothing that it waited for.',
    mended: 'As many as were notified are woken.',
  },
  'queue 5': {
    title: 'A notify that wakes one too few',
    story: NOTIFY,
    first: 'Let both fall asleep, and then T3 do all of its steps.',
    why: 'One was notified, and nobody went on.',
    mended:
      'As many as were notified are woken. (The other one still sleeps, and that is right: nobody has notified it.)',
  },
  'barrier 1': {
    title: 'A barrier that does not count its rounds',
    story: 'T1 and T2 meet at a barrier, twice. The one that comes last lets the other go on.',
    first: 'Let T1 come to the barrier and fall asleep. Then let T2 arrive, and both go on.',
    why: 'The sleeper was woken, saw the same generation as before, and took that for a mistake: it slept again.',
    mended: 'The last one to arrive advances the generation, and a sleeper that sees a new one goes on.',
  },
};

const classics = fixtures.flatMap((fixture) =>
  fixture.bugs.map(
    ({ bug }): Choice => ({
      ...TEXTS[`${fixture.file} ${bug}`]!,
      bug: () => loadClassic(fixture, bug),
      fine: () => loadClassic(fixture, 0),
    }),
  ),
);

export const choices: readonly Choice[] = [
  ...classics,
  {
    title: 'lockwork’s own Lock',
    story:
      'The same two agents, under the Lock of this package: the threads run the very bytes that npm installs. Two threads have about a thousand states.',
    first: 'Let both agents find the same number of seats, if you can.',
    why: '',
    mended: '',
    fine: loadCoreLock,
  },
];
