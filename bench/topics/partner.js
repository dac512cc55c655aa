/**
 * Another thread or process, which gives back whatever it gets, the first and the last byte increased by one. JavaScript,
 * since Node would take its time to strip types.
 */
import { parentPort, workerData } from 'node:worker_threads';

if (workerData?.bytes) {
  const { attach } = await import('lockwork');
  const [question, reply] = [attach(workerData.question), attach(workerData.reply)];
  parentPort.postMessage('ready');
  for (;;) {
    question.acquire();
    increase(workerData.bytes);
    reply.release();
  }
} else if (parentPort) {
  parentPort.on('message', (bytes) => {
    parentPort.postMessage(increase(bytes), workerData.transferred ? [bytes.buffer] : []);
  });
  parentPort.postMessage('ready');
} else {
  process.on('message', (bytes) => process.send(increase(bytes)));
  process.send('ready');
}

function increase(bytes) {
  bytes[0]++;
  bytes[bytes.length - 1]++;
  return bytes;
}
