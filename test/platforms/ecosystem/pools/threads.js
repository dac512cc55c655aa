import { Pool, spawn, Worker } from 'threads';
import { check, WORKERS } from './check.js';

const pool = Pool(() => spawn(new Worker('./threads.worker.js')), WORKERS);
await check((name, argument) => pool.queue((tasks) => tasks[name](argument)));
await pool.terminate();
