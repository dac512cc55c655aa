/**
 * crash: a thread dies half way through a booking, and holds the lock.
 *
 * The first customer of each flight has a seat that is off the free list and not sold yet, and waits for the bank. Then
 * the office terminates its thread. On the flight to Lisbon the next ones learn that from the lock, as an
 * `AbandonedError`: one of them repairs what was left half done, and all go on. The lock of the flight to Porto tells
 * nobody, and a seat is lost.
 */
import { AbandonedError, Arena, Event, type Handle, Lock } from 'lockwork';
import {
  between,
  PATIENCE,
  role,
  type Say,
  type Stage,
  type Step,
  type Stop,
  sleep,
  until,
  type Verdict,
} from './stage.ts';

export const about =
  '6 customers of 2 flights; the first of each dies, and holds the lock; only one of the locks says so';

const SEATS = 2;
const LISBON = ['Ada', 'Ben', 'Cleo'];
const PORTO = ['Dan', 'Eve', 'Finn'];

/** Where the two numbers are in their array. Together they are `SEATS`, whenever the lock is free. */
const FREE = 0;
const SOLD = 1;

interface Booking {
  /** The first is the one whose thread dies. */
  customers: string[];
  lock: Handle<'Lock'>;
  seats: Int32Array;
  /** Set when the first booking is half done. */
  halfDone: Handle<'Event'>;
}

interface Flight extends Booking {
  lock: Lock;
  halfDone: Event;
}

export async function main({ threads }: Stage): Promise<void> {
  // What a lock of the second kind does when its owner dies: it is free, and nobody is told.
  const flights = [flight(LISBON, new Lock()), flight(PORTO, new Lock({ abandoned: 'release' }))];
  const roles = flights.flatMap((flight) =>
    flight.customers.map((name, index) => role(name, index === 0 ? crash : book, flight)),
  );
  await threads(roles, { name: 'office', run: (say, stop) => supervise(flights, say, stop) });
}

function flight(customers: string[], lock: Lock): Flight {
  const seats = Arena.default.allocate(Int32Array, 2);
  seats[FREE] = SEATS;
  return { customers, lock, seats, halfDone: new Event() };
}

/** What the threads run that are terminated: they await the bank's answer, and hold the lock meanwhile. */
export async function crash({ lock, seats, halfDone }: Booking, say: Say): Promise<void> {
  await Lock.from(lock).withAsync(async () => {
    say('holds', 'the lock');
    const seat = seats[FREE]!--;
    say('takes', `seat ${seat} off the free list, and asks the bank`);
    Event.from(halfDone).set();
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    seats[SOLD]!++;
    say('books', `seat ${seat}`);
    say('releases', 'the lock');
  });
}

/** What the other threads run: they block. */
export function book({ customers: [first], lock: handle, seats, halfDone }: Booking, say: Say): void {
  const lock = Lock.from(handle);
  Event.from(halfDone).wait();
  say('waits', 'for the lock');
  try {
    lock.with(() => sell(seats, say));
  } catch (error) {
    if (!(error instanceof AbandonedError)) throw error;
    say('learns', 'that the lock is abandoned, and waits to repair');
    // `Lock.from(handle, { recover })` would do the same, without an error.
    lock.recover(() => repair(seats, first!, say));
    lock.with(() => sell(seats, say));
  }
}

function sell(seats: Int32Array, say: Say): void {
  say('holds', 'the lock');
  const seat = seats[FREE]!;
  if (seat > 0) {
    seats[FREE] = seat - 1;
    sleep(between(80, 120)); // The bank answers.
    seats[SOLD]!++;
    say('books', `seat ${seat}`);
  } else say('refuses', 'no seat is free');
  say('releases', 'the lock');
}

/** The threads that were told come here, one after the other. The second finds everything in order. */
function repair(seats: Int32Array, first: string, say: Say): void {
  say('holds', 'the lock, to repair');
  const lost = SEATS - seats[FREE]! - seats[SOLD]!;
  if (lost > 0) {
    sleep(between(80, 120));
    seats[FREE]! += lost;
    say('repairs', `what ${first} left half done: ${lost} seat is free again`, first);
  }
  say('releases', 'the lock');
}

/** What the main thread does. */
async function supervise(flights: Flight[], say: Say, stop: Stop): Promise<void> {
  for (const { customers, lock, halfDone } of flights) {
    await halfDone.waitAsync();
    await until(() => lock.waiters === customers.length - 1);
    await new Promise((resolve) => setTimeout(resolve, between(80, 120))); // Then its time is up.
    say('stops', `the thread of ${customers[0]}`);
    await stop(customers[0]!);
  }
}

export function verdict(steps: Step[]): Verdict {
  const count = (kind: Step['kind'], of: string[]): number =>
    steps.filter((step) => step.kind === kind && of.includes(step.thread)).length;
  const [sold, lost] = [count('books', LISBON), SEATS - count('books', PORTO)];
  const told = count('learns', LISBON) > 0 && count('repairs', LISBON) === 1 && count('refuses', LISBON) === 0;
  const silent = count('learns', PORTO) === 0 && count('refuses', PORTO) === 1;
  return {
    held: count('dies', [...LISBON, ...PORTO]) === 2 && told && sold === SEATS && silent && lost === 1,
    text: `Told of the death, the others repaired, and sold ${sold} seats of ${SEATS}. Where nobody was told, ${lost} was lost.`,
  };
}
