/** A thread without a pool: performs one part, and ends. */
import { workerData } from 'node:worker_threads';
import play from './worker.ts';

play(workerData);
