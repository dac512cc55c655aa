import * as Comlink from 'comlink';
import * as tasks from './tasks.js';

Comlink.expose({ ...tasks });
