/**
 * semaphore: ten threads, and a booking service that takes three connections.
 *
 * A Semaphore is a number of permits. An acquire takes one, and waits while there is none; a release gives one back.
 */
import { type Handle, Semaphore } from 'lockwork';
import { between, count, mostAtOnce, type Say, type Stage, type Step, sleep, type Verdict } from './stage.ts';

export const about = '10 threads, at most 3 of them booking at a time';

const PERMITS = 3;
const CUSTOMERS = 10;

interface Booking {
  customer: number;
  service: Handle<'Semaphore'>;
}

export async function main({ pool }: Stage): Promise<void> {
  const service = new Semaphore(PERMITS);
  const bookings = Array.from({ length: CUSTOMERS }, (_, index) => ({ customer: index + 1, service }));
  await pool(10, book, bookings);
}

/** What each thread runs. */
export function book({ customer, service }: Booking, say: Say): void {
  const connections = Semaphore.from(service);
  say('waits', 'for a connection');
  connections.with(() => {
    say('holds', 'a connection');
    sleep(between(80, 160));
    say('books', `for customer ${customer}`);
    say('releases', 'the connection');
  });
}

export function verdict(steps: Step[]): Verdict {
  const most = mostAtOnce(steps);
  return {
    held: most === PERMITS && count(steps, 'books') === CUSTOMERS,
    text: `With a Semaphore(${PERMITS}), all ${count(steps, 'books')} booked, and the highest number ever inside was ${most}.`,
  };
}
