/**
 * race: what goes wrong without a lock.
 *
 * Ten threads sell the same ten seats. Each reads how many are free, takes its time, and writes one less. Meanwhile
 * others read the same number, and the same seat is sold again and again.
 */
import { Arena } from 'lockwork';
import { between, count, type Say, type Stage, type Step, sleep, type Verdict } from './stage.ts';

export const about = '10 seats, 15 customers, 10 threads, and no lock';

export const SEATS = 10;
export const CUSTOMERS = 15;

export interface Booking {
  customer: number;
  /** How many seats are free: one number in shared memory. */
  seats: Int32Array;
}

export async function main({ pool }: Stage): Promise<void> {
  const seats = Arena.default.allocate(Int32Array, 1);
  seats[0] = SEATS;
  const bookings = Array.from({ length: CUSTOMERS }, (_, index) => ({ customer: index + 1, seats }));
  await pool(10, sell, bookings);
}

/** What each thread runs. */
export function sell(booking: Booking, say: Say): void {
  say('begins', `to book for customer ${booking.customer}`);
  book(booking, say);
}

/** Nothing is wrong with this function, as long as only one thread runs it at a time. `lock.ts` uses it too. */
export function book({ customer, seats }: Booking, say: Say): void {
  const free = seats[0]!;
  if (free === 0) {
    say('refuses', `customer ${customer}: sold out`);
    return;
  }
  sleep(between(35, 65)); // The customer chooses, the bank answers, and other threads run.
  seats[0] = free - 1;
  say('books', `seat ${free} for customer ${customer}`);
}

export function verdict(steps: Step[]): Verdict {
  const sold = count(steps, 'books');
  return {
    held: sold > SEATS,
    text: `Without a lock, ${sold} customers booked ${SEATS} seats${sold > SEATS ? `: ${sold - SEATS} too many` : ''}.`,
  };
}
