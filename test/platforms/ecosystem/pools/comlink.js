import { Worker } from 'node:worker_threads';
import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import { check, WORKERS } from './check.js';

const workers = Array.from({ length: WORKERS }, () => new Worker(new URL('./comlink.worker.js', import.meta.url)));
const proxies = workers.map((worker) => Comlink.wrap(nodeEndpoint(worker)));
await check((name, argument) => proxies[argument.index][name](argument));
await Promise.all(workers.map((worker) => worker.terminate()));
