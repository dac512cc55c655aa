import { parentPort } from 'node:worker_threads';
import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';
import * as tasks from './tasks.js';

Comlink.expose({ ...tasks }, nodeEndpoint(parentPort));
