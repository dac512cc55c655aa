import { fileURLToPath } from 'node:url';
import { Worker } from 'jest-worker';
import { check, WORKERS } from './check.js';
import * as tasks from './tasks.js';

const pool = new Worker(fileURLToPath(new URL('./tasks.js', import.meta.url)), {
  enableWorkerThreads: true,
  exposedMethods: Object.keys(tasks),
  numWorkers: WORKERS,
});
await check((name, argument) => pool[name](argument));
await pool.end();
