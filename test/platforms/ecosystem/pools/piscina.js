import { Piscina } from 'piscina';
import { check, checkAborts, WORKERS } from './check.js';

const filename = new URL('./tasks.js', import.meta.url).href;
const pool = new Piscina({ filename, minThreads: WORKERS, maxThreads: WORKERS });
await check((name, argument) => pool.run(argument, { name }));
await checkAborts((name, argument, signal) => pool.run(argument, { name, signal }));
await pool.destroy();
