/**
 * lock: the same threads, the same function, and a Lock around it.
 *
 * A Lock is held by one thread at a time. The others wait meanwhile. So between reading and writing the number of
 * free seats nobody else can read it.
 */
import { Arena, type Handle, Lock } from 'lockwork';
import { type Booking, book, CUSTOMERS, SEATS } from './race.ts';
import { count, mostAtOnce, type Say, type Stage, type Step, type Verdict } from './stage.ts';

export const about = 'the same 10 seats, 15 customers and 10 threads, and a Lock';

interface LockedBooking extends Booking {
  lock: Handle<'Lock'>;
}

export async function main({ pool }: Stage): Promise<void> {
  const lock = new Lock();
  const seats = Arena.default.allocate(Int32Array, 1);
  seats[0] = SEATS;
  // A lock is posted as it is. It arrives as a handle.
  const bookings = Array.from({ length: CUSTOMERS }, (_, index) => ({ customer: index + 1, seats, lock }));
  await pool(10, sell, bookings);
}

/** What each thread runs. */
export function sell({ lock: handle, ...booking }: LockedBooking, say: Say): void {
  const lock = Lock.from(handle);
  say('waits', `for the lock (customer ${booking.customer})`);
  lock.with(() => {
    say('holds', 'the lock');
    book(booking, say);
    say('releases', 'the lock');
  });
}

export function verdict(steps: Step[]): Verdict {
  const sold = count(steps, 'books');
  const refused = count(steps, 'refuses');
  const most = mostAtOnce(steps);
  return {
    held: sold === SEATS && refused === CUSTOMERS - SEATS && most === 1,
    text: `With a Lock, ${sold} booked, ${refused} were refused, and at most ${most} thread was inside.`,
  };
}
