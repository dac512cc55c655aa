/** A program whose last line is all that keeps it alive, for half a second: it prints `true` and ends. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Lock } from 'lockwork';

if (isMainThread) {
  const lock = new Lock();
  lock.acquire();
  new Worker(new URL(import.meta.url), { workerData: lock }).unref();
  console.log(await lock.acquireAsync());
} else {
  setTimeout(() => Lock.from(workerData).release(), 500);
}
