/**
 * barrier: a tour begins when everybody has arrived.
 *
 * A Barrier is for a number of threads. Each waits there until the last has come; then all go on together. The last to
 * arrive can have something to do before anybody leaves: the barrier's action.
 */
import { Barrier, type Handle } from 'lockwork';
import { between, role, type Say, type Stage, type Step, sleep, type Verdict } from './stage.ts';

export const about = '4 travellers and a guide meet, and leave together';

const PEOPLE = ['guide', 'Ada', 'Ben', 'Cleo', 'Dan'];

interface Meeting {
  meeting: Handle<'Barrier'>;
}

export async function main({ threads }: Stage): Promise<void> {
  const meeting = new Barrier(PEOPLE.length);
  await threads(PEOPLE.map((name) => role(name, travel, { meeting })));
}

/** What each thread runs. */
export function travel({ meeting }: Meeting, say: Say): void {
  // A function cannot be posted, so each thread brings the action along.
  const barrier = Barrier.from(meeting, { action: () => say('counts', 'heads: everybody is here') });
  say('walks', 'to the meeting point');
  sleep(between(100, 900));
  say('waits', 'at the barrier');
  const index = barrier.wait();
  say('leaves', `with the group; its arrival index was ${index}`);
}

export function verdict(steps: Step[]): Verdict {
  const everybody = PEOPLE.length;
  const kinds = steps.flatMap(({ kind }) => (kind === 'walks' ? [] : kind)).join(' ');
  const together = `${'waits '.repeat(everybody)}counts${' leaves'.repeat(everybody)}`;
  return {
    held: kinds === together,
    text: `Nobody left before all ${everybody} had arrived and the last had counted.`,
  };
}
