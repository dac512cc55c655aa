import { fileURLToPath } from 'node:url';
import { FixedThreadPool } from 'poolifier';
import { check, WORKERS } from './check.js';

const pool = new FixedThreadPool(WORKERS, fileURLToPath(new URL('./poolifier.worker.js', import.meta.url)));
await check((name, argument) => pool.execute(argument, name));
// Its promise is not awaited: of version 5.3.2, whatever the tasks, one of twenty never settles, though the threads end.
pool.destroy();
