/**
 * event: drivers wait for a flight to land.
 *
 * An Event is a flag. Its waiters go on when a thread sets it; a later one need not wait at all. The drivers
 * are threads, and block while they wait. The office is the main thread: it waits for the same Event, and does not block.
 */
import { Event, type Handle } from 'lockwork';
import { count, role, type Say, type Stage, type Step, sleep, type Verdict } from './stage.ts';

export const about = 'a flight lands, and its passengers are collected';

interface Flight {
  landed: Handle<'Event'>;
}

interface Driver extends Flight {
  passenger: string;
  /** How long the drive to the airport takes (ms). */
  drive: number;
}

export async function main({ threads }: Stage): Promise<void> {
  const landed = new Event();
  const roles = [
    role('flight', fly, { landed }),
    role('Ada', collect, { landed, passenger: 'Mr Moreau', drive: 100 }),
    role('Ben', collect, { landed, passenger: 'Ms Okafor', drive: 250 }),
    role('Cleo', collect, { landed, passenger: 'Mrs Silva', drive: 400 }),
    role('Dan', collect, { landed, passenger: 'Mr Tanaka', drive: 1000 }),
  ];
  await threads(roles, { name: 'office', run: (say) => inform(landed, say) });
}

/** What the flight's thread runs. */
export function fly({ landed }: Flight, say: Say): void {
  say('departs', 'for Lisbon');
  sleep(700);
  say('lands', 'and sets the event');
  Event.from(landed).set();
}

/** What each driver's thread runs. */
export function collect({ landed, passenger, drive }: Driver, say: Say): void {
  say('drives', 'to the airport');
  sleep(drive);
  say('waits', 'for the event');
  Event.from(landed).wait();
  say('collects', passenger);
}

/** What the main thread does. */
async function inform(landed: Event, say: Say): Promise<void> {
  say('waits', 'for the event, without blocking');
  await landed.waitAsync();
  say('tells', 'the families');
}

export function verdict(steps: Step[]): Verdict {
  const landing = steps.findIndex((step) => step.kind === 'lands');
  const early = count(steps.slice(0, landing), 'collects') + count(steps.slice(0, landing), 'tells');
  const collected = count(steps.slice(landing), 'collects');
  return {
    held: landing >= 0 && early === 0 && collected === 4,
    text: `After one set(), ${collected} passengers were collected; before it, ${early}.`,
  };
}
