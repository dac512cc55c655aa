/**
 * condition: an agent serves customers as they come.
 *
 * The line of customers is an array in shared memory, and the Condition is its lock. An agent who finds the line empty
 * waits: that gives the lock up, and sleeps until a customer notifies. Nobody looks again and again.
 */
import { Arena, Condition, type ConditionHandle } from 'lockwork';
import { count, role, type Say, type Stage, type Step, sleep, type Verdict } from './stage.ts';

export const about = '1 agent, 5 customers, a line in shared memory';

const CUSTOMERS = ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve'];
/** When each sets out and how long the way is: three come together, two while the agent waits (ms). */
const WAYS = [250, 300, 350, 900, 1200];

/** Where the line is in its array: how many have joined, how many have been served, and who they are. */
const JOINED = 0;
const SERVED = 1;
const FIRST = 2;

interface Office {
  line: Int32Array;
  condition: ConditionHandle;
}

interface Customer extends Office {
  customer: number;
  way: number;
}

export async function main({ threads }: Stage): Promise<void> {
  const line = Arena.default.allocate(Int32Array, FIRST + CUSTOMERS.length);
  const condition = new Condition();
  await threads([
    role('agent', serve, { line, condition }),
    ...CUSTOMERS.map((name, customer) => role(name, visit, { line, condition, customer, way: WAYS[customer]! })),
  ]);
}

/** What the agent's thread runs. */
export function serve({ line, condition: handle }: Office, say: Say): void {
  const condition = Condition.from(handle);
  const somebodyWaits = (): boolean => {
    const some = line[SERVED]! < line[JOINED]!;
    if (!some) say('waits', 'nobody is in line');
    return some;
  };
  say('opens', 'the office');
  for (let served = 0; served < CUSTOMERS.length; served++) {
    const customer = condition.with(() => {
      condition.waitFor(somebodyWaits);
      return line[FIRST + line[SERVED]!++]!;
    });
    say('serves', CUSTOMERS[customer]!);
    sleep(130); // Without the lock: others can join the line meanwhile.
  }
  say('closes', 'the office');
}

/** What each customer's thread runs. */
export function visit({ line, condition: handle, customer, way }: Customer, say: Say): void {
  const condition = Condition.from(handle);
  say('walks', 'to the office');
  sleep(way);
  condition.with(() => {
    line[FIRST + line[JOINED]!++] = customer;
    say('joins', `the line as number ${line[JOINED]}, and notifies`);
    condition.notify();
  });
}

export function verdict(steps: Step[]): Verdict {
  const joined = steps.flatMap(({ kind, thread }) => (kind === 'joins' ? thread : []));
  const served = steps.flatMap(({ kind, text }) => (kind === 'serves' ? text : []));
  const slept = count(steps, 'waits');
  return {
    // A notify ends each of its waits, so there cannot be more of them.
    held: served.length === CUSTOMERS.length && served.join() === joined.join() && slept <= CUSTOMERS.length,
    text: `All ${served.length} were served in order of arrival; the agent slept ${slept} times and never polled.`,
  };
}
