/** One of the builds that are compared, in a process of its own: measures the rivals of the topic that is its argument. */
import { serve } from '../harness/serve.ts';
import { named } from '../topics/index.ts';

/** What it measures, in the order of their numbers. */
export interface Greeting {
  rivals: { label: string; ours: boolean }[];
}

const [topic] = named([process.argv[2]!]);
const { rivals } = await topic!.open(false);
// The baseline is the same beside both builds: as far as it differs, the others err.
const measured = rivals.filter(({ ours, name }) => ours || name === topic!.baseline);
const greeting: Greeting = {
  rivals: measured.map(({ group, name, ours }) => ({ label: [group, name].filter(Boolean).join(': '), ours })),
};
await serve(greeting, { rival: (window, number) => measured[number]!.measure(window) });
