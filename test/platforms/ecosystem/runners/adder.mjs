import { workerData } from 'node:worker_threads';
import { Event, Lock, Semaphore } from 'lockwork';

const { count, rounds } = workerData;
const lock = Lock.from(workerData.lock);
Semaphore.from(workerData.ready).release();
if (!Event.from(workerData.begin).wait(10_000)) throw new Error('nobody lets this worker begin');
for (let i = 0; i < rounds; i++) lock.with(() => count[0]++);
Semaphore.from(workerData.done).release();
