/**
 * A new thread or process: says when it was where, then answers what is posted. JavaScript, since Node would take its
 * time to strip types.
 */
const first = process.hrtime.bigint();

const { parentPort, workerData } = await import('node:worker_threads');
const before = process.hrtime.bigint();
const { attach, Lock } = await import('lockwork');
const imported = process.hrtime.bigint();
const lock = workerData ? attach(workerData) : new Lock();
const attached = process.hrtime.bigint();
lock.acquire();
lock.release();
const used = process.hrtime.bigint();

const report = { first, import: imported - before, attach: attached - imported, use: used - attached };
if (parentPort) {
  parentPort.postMessage(report);
  parentPort.on('message', (it) => parentPort.postMessage(it.kind ? attach(it).locked : it[0] === 1));
} else process.send(report);
