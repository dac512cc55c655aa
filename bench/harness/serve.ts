/** The other end of `program.ts`, for programs that are JavaScript. */
import { createInterface } from 'node:readline';
import type { Sample } from './rival.ts';

type Task = (window: number, ...args: number[]) => Sample | Promise<Sample>;

/** @param greeting the first line */
export async function serve(greeting: object, tasks: Record<string, Task>): Promise<never> {
  console.log(JSON.stringify(greeting));
  for await (const line of createInterface({ input: process.stdin })) {
    const [window, task, ...args] = line.split(' ');
    console.log(JSON.stringify(await tasks[task!]!(Number(window), ...args.map(Number))));
  }
  // Its threads would keep it.
  process.exit();
}
