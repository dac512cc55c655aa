/** The other end of `../outside.ts`, for programs that are JavaScript. */
import { createInterface } from 'node:readline';
import type { Sample } from '../measure.ts';

type Task = (window: number, argument: number) => Sample | Promise<Sample>;

export async function serve(version: string, tasks: Record<string, Task>): Promise<never> {
  console.log(JSON.stringify({ version }));
  for await (const line of createInterface({ input: process.stdin })) {
    const [window, task, argument] = line.split(' ');
    console.log(JSON.stringify(await tasks[task!]!(Number(window), Number(argument))));
  }
  // Its threads would keep it.
  process.exit();
}
