/** The thread of watchdog.ts: kills the process when its main thread gives no sign of life, and says what waits for what. */
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { describeWaiting } from './waiting.ts';

const { signs, within } = workerData;
let { arena } = workerData;
let test = 'no test';
let last = -1;
let since = performance.now();

parentPort.on('message', (message) => {
  ({ arena = arena, test = test } = message);
});

setInterval(() => {
  const now = performance.now();
  const sign = Atomics.load(signs, 0);
  if (sign !== last) since = now;
  last = sign;
  if (now - since < within) return;
  // Straight to the file: every other way of printing leads through the main thread.
  const waiting = arena ? describeWaiting(arena) : '';
  writeSync(2, `\nthe test's own thread did nothing for ${within} ms, in "${test}"\n${waiting}\n`);
  process.kill(process.pid, 'SIGKILL');
}, within / 20);
