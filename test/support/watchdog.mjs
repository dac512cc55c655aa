/** The thread of watchdog.ts: kills the process when its main thread gives no sign of life, and says what waits for what. */
import { readFileSync, writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

// Node runs TypeScript but for enums, and the layout of shared memory consists of them: make them objects.
registerHooks({
  load(url, context, next) {
    if (!url.endsWith('/assembly/abi.ts')) return next(url, context);
    const source = readFileSync(new URL(url), 'utf8').replace(
      /const enum (\w+) (\{[^}]*\})/g,
      (_, name, body) => `const ${name} = ${body.replace(/(\w+) = /g, '$1: ')}`,
    );
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});
const { describeWaiting } = await import('./waiting.ts');

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
