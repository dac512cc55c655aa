import { fileURLToPath } from 'node:url';
import { FixedThreadPool } from 'poolifier';
import { check, WORKERS } from './check.js';

const pool = new FixedThreadPool(WORKERS, fileURLToPath(new URL('./poolifier.worker.js', import.meta.url)));
await check((name, argument) => pool.execute(argument, name));
await pool.destroy();
