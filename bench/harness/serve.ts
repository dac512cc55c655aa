/** The other end of `program.ts`, for programs that are JavaScript. */
import { createInterface } from 'node:readline';
import type { Sample } from './rival.ts';

type Task = (window: number, argument: number) => Sample | Promise<Sample>;

/** @param greeting the first line */
export async function serve(greeting: object, tasks: Record<string, Task>): Promise<never> {
  console.log(JSON.stringify(greeting));
  for await (const line of createInterface({ input: process.stdin })) {
    const [window, task, argument] = line.split(' ');
    console.log(JSON.stringify(await tasks[task!]!(Number(window), Number(argument))));
  }
  // Its threads would keep it.
  process.exit();
}
