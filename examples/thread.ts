/** A thread without a pool: runs one part, and ends. */
import { workerData } from 'node:worker_threads';
import play from './worker.ts';

await play(workerData);
