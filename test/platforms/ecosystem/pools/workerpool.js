import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { check, WORKERS } from './check.js';

const script = fileURLToPath(new URL('./workerpool.worker.js', import.meta.url));
const pool = workerpool.pool(script, { workerType: 'thread', minWorkers: WORKERS, maxWorkers: WORKERS });
await check((name, argument) => pool.exec(name, [argument]));
await pool.terminate();
