/** A thread of Node. Piscina calls `play`; `thread.ts` does for threads without a pool. */
import { parentPort } from 'node:worker_threads';
import { type Call, perform } from './part.ts';

export default function play(call: Call): Promise<void> {
  return perform(call, (step) => parentPort!.postMessage(step));
}
