/** A process whose threads wait for ever, so that nothing else counts: prints what they cost (ns for each second). */
import { setTimeout } from 'node:timers/promises';
import { Threads } from '../harness/threads.ts';
import { CONTENDERS, pause, THREADS } from './idle.ts';

/** How long the first naps take, which are shorter and dearer (ms). */
const SETTLING = 1500;

const [name, ms] = process.argv.slice(2) as [string, string];
const window = Number(ms);
const { share, use } = CONTENDERS.find((contender) => contender.name === name)!;
const shared = share();
// Rejects when they do not come in time.
new Threads(import.meta.resolve('./idle.ts'), THREADS).run({ name, shared }, window);
const { waiting } = use(shared, 0);
while (waiting() < THREADS) await setTimeout(10);
await setTimeout(SETTLING);
const before = process.cpuUsage();
// This thread does nothing either.
pause(window);
const { user, system } = process.cpuUsage(before);
if (waiting() < THREADS) throw new Error(`${name}: a thread does not wait any more`);
console.log(((user + system) * 1e6) / window);
process.exit();
